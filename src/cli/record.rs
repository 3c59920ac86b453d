use std::path::PathBuf;

use clap::Args;

/// `memguard record`
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Without --pid, --cgroup or --container the whole machine is recorded, or the container that memguard runs in.
The recording ends on Ctrl-C or SIGTERM, after --for, or when what is recorded has gone; each is a good end (exit code 0).")]
pub struct Record {
    /// Record this process and all its descendants.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..), group = "what")]
    pub pid: Option<u32>,
    /// Record a control group (Linux): its folder, or its path as `/proc/PID/cgroup` has it.
    #[arg(long, value_name = "PATH", group = "what")]
    pub cgroup: Option<PathBuf>,
    /// Record a container by the name or id that docker or podman knows it by.
    #[arg(long, value_name = "NAME", group = "what")]
    pub container: Option<String>,
    /// Stop after this time, such as 90s, 2h or 14d [default: on Ctrl-C].
    #[arg(long = "for", value_name = "TIME")]
    pub at_most: Option<String>,
    /// The time between two readings, 1ms to 60s [default: 1s].
    #[arg(long, value_name = "TIME")]
    pub interval: Option<String>,
    /// What a sample of a `--pid` adds up: `footprint` (the default on Linux and macOS), `private`
    /// (Windows's) or `rss`.
    #[arg(long, value_name = "METRIC", requires = "pid")]
    pub metric: Option<String>,
    /// What reads a `--pid` or the machine: `proc` (Linux's default) or `portable`.
    #[arg(long, value_name = "SOURCE", conflicts_with_all = ["cgroup", "container"])]
    pub source: Option<String>,
    /// Where recordings go; each has a folder of its own in it, and none is ever replaced.
    #[arg(long, value_name = "DIR", default_value = "memguard-record")]
    pub out: PathBuf,
    /// What the recording is called [default: `machine`, `pid-N`, or the control group's or container's name].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Print nothing unless something is wrong.
    #[arg(long, short)]
    pub quiet: bool,
}
