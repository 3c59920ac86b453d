use std::path::PathBuf;

use clap::Args;

/// What is run and how it is measured. Flags win over the config.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Running")]
pub struct RunFlags {
    /// Where the artifacts go; what an earlier run left there is replaced whole.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Run this machine's part of the workloads alone, the I-th of N: `2/5`. Join the parts with `memguard merge`.
    #[arg(long, value_name = "I/N", conflicts_with = "line")]
    pub shard: Option<String>,
    /// What a command given after `--` is called [default: its program's name].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A file that the workload writes its log into, followed; or a table such as `{ path = "app.log", time = "%s" }`.
    #[arg(long, value_name = "FILE")]
    pub log_file: Vec<String>,
    /// Keep what matches out of everything that is stored; it is passed on to the terminal all the same.
    #[arg(long, value_name = "REGEX")]
    pub redact: Vec<String>,
    /// How often each workload is run.
    #[arg(long, value_name = "N")]
    pub runs: Option<i64>,
    /// The time between two readings, 1ms at the least [default: 10ms].
    #[arg(long, value_name = "TIME")]
    pub interval: Option<String>,
    /// What a sample adds up: `footprint` (the default on Linux and macOS), `private` (Windows) or `rss`.
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// What reads the memory: `proc` (Linux's default), `cgroup` (a control group of the run's own) or `portable`.
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// Start-up ends when this TCP port of this machine accepts a connection.
    #[arg(long, value_name = "PORT", group = "ready-kind")]
    pub ready_port: Option<i64>,
    /// Start-up ends when this file exists.
    #[arg(long, value_name = "FILE", group = "ready-kind")]
    pub ready_file: Option<String>,
    /// Start-up ends when this command exits 0; it is tried again and again.
    #[arg(long, value_name = "CMD", group = "ready-kind")]
    pub ready_command: Option<String>,
    /// Start-up that takes longer fails the run.
    #[arg(long, value_name = "TIME")]
    pub ready_within: Option<String>,
    /// A command that loads a server once it is ready, not measured; the server is stopped when it ends.
    #[arg(long, value_name = "CMD")]
    pub drive: Option<String>,
    /// A command to run before each run, not measured.
    #[arg(long, value_name = "CMD")]
    pub before: Option<String>,
    /// Set a variable for the workload.
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// The workload's working folder.
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<String>,
    /// Stop a run that takes longer, and fail it.
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// End a run at once when its memory crosses this, and fail it: the machine is never taken down with it.
    #[arg(long, value_name = "SIZE")]
    pub abort_above: Option<String>,
    /// The signal that asks the workload to stop [default: TERM].
    #[arg(long, value_name = "SIGNAL")]
    pub stop_signal: Option<String>,
    /// How long it may take to stop before it is killed [default: 10s].
    #[arg(long, value_name = "TIME")]
    pub stop_grace: Option<String>,
    /// Print nothing of memguard's own unless something is wrong.
    #[arg(long, short)]
    pub quiet: bool,
}

/// What the measures are held to. Flags win over the config.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Judging")]
pub struct JudgeFlags {
    /// The config file [default: memguard.toml].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The most memory that the workload may take.
    #[arg(long, value_name = "SIZE")]
    pub peak: Option<String>,
    /// The most memory that it may take until it is ready.
    #[arg(long, value_name = "SIZE")]
    pub startup: Option<String>,
    /// The most memory that it may hold at its end above what it held when ready.
    #[arg(long, value_name = "SIZE")]
    pub retained: Option<String>,
    /// How fast it may grow once it is ready: `2MiB/min`.
    #[arg(long, value_name = "RATE")]
    pub growth: Option<String>,
    /// How far the peak may go above the baseline: `5%`, or `5%,4MiB` for at least so many bytes.
    #[arg(long, value_name = "PERCENT[,SIZE]")]
    pub max_peak_increase: Option<String>,
    /// The same for the memory until ready.
    #[arg(long, value_name = "PERCENT[,SIZE]")]
    pub max_startup_increase: Option<String>,
    /// The same for the memory retained.
    #[arg(long, value_name = "PERCENT[,SIZE]")]
    pub max_retained_increase: Option<String>,
    /// The same for growth: `20%`, or `20%,1MiB/min`.
    #[arg(long, value_name = "PERCENT[,RATE]")]
    pub max_growth_increase: Option<String>,
    /// Start-up ends at the first log line that matches.
    #[arg(long, value_name = "REGEX", group = "ready-kind")]
    pub ready_log: Option<String>,
    /// Start-up ends this long after launch.
    #[arg(long, value_name = "TIME", group = "ready-kind")]
    pub ready_after: Option<String>,
    /// A window with limits of its own, as the body of a `[[workload.phase]]` on one line.
    #[arg(long, value_name = "TOML")]
    pub phase: Vec<String>,
    /// Whether a crossed limit fails (`fail`) or is only reported (`warn`).
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
    /// The file with the stored measures [default: memguard-baseline.toml].
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Judge by the baseline as it was where HEAD and this commit meet (their merge base), such as origin/main, so that a change
    /// can't raise its own limits unseen.
    #[arg(long, value_name = "REF")]
    pub baseline_ref: Option<String>,
    /// Fail (exit code 6) where there is no baseline to compare with.
    #[arg(long)]
    pub require_baseline: bool,
    /// Tell this machine's results apart from others of the same system and architecture.
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
}

/// How files that other programs wrote are read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Files of other programs")]
pub struct ImportFlags {
    /// The time's column in a table: its name, or its number from 1.
    #[arg(long, value_name = "COLUMN")]
    pub time_column: Option<String>,
    /// The memory's column.
    #[arg(long, value_name = "COLUMN")]
    pub memory_column: Option<String>,
    /// What one of the memory column is: B, KiB, MiB, GiB, kB, MB or GB.
    #[arg(long, value_name = "UNIT")]
    pub unit: Option<String>,
    /// A log that was written meanwhile, whose lines begin with their time; or a table such as
    /// `{ path = "app.log", time = "%H:%M:%S" }`.
    #[arg(long, value_name = "FILE")]
    pub log: Vec<String>,
    /// When the recording began, where its file has times since then alone: `2026-01-31T12:00:00Z`.
    #[arg(long, value_name = "TIME")]
    pub began: Option<String>,
}
