//! What was typed. Nothing here is interpreted: amounts are still text, files are still names.

mod flags;
mod manual;
mod record;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use flags::{ImportFlags, JudgeFlags, RunFlags};
pub use manual::{Completions, Man};
pub use record::Record;

/// Exit codes, for `--help` and the README.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  every check passed (or none was asked for)
  1  a budget was exceeded
  2  usage or config error: nothing was run
  3  a measure regressed against the baseline, and no budget was exceeded
  4  the workload failed by itself: non-zero exit, timeout, signal, killed for memory
  5  memguard could not measure or write what it must
  6  a baseline was required, and there was none, or none comparable
Where several hold, the gravest is given: 2, 5, 4, 1, 3, 6.";

/// Memory budgets for CI.
///
/// Runs your workload, records its memory over time beside its log lines, draws the graph, and fails the build when it
/// peaks too high, starts too heavy, or regresses against a stored baseline.
#[derive(Debug, Clone, Parser)]
#[command(name = "memguard", version, after_help = EXIT_CODES, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to colour what is printed.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run workloads, record their memory, judge it.
    Run(Box<Run>),
    /// Record memory that is already in use: of the machine, a process, a container.
    Record(Record),
    /// Judge recorded traces again, without running anything.
    Check(Box<Check>),
    /// Draw recorded memory to a picture, several files overlaid.
    Plot(Plot),
    /// Show what moved between two results, and by how much.
    Compare(Compare),
    /// Join the results of several machines into one report and one verdict.
    Merge(Merge),
    /// Show or change the stored baseline.
    #[command(subcommand)]
    Baseline(Baseline),
    /// What a step of a CI does besides running.
    #[command(subcommand)]
    Ci(Ci),
    /// See the whole thing on a built-in workload, with nothing configured.
    Demo(Demo),
    /// Write a commented `memguard.toml` for the project in this folder.
    Init(Init),
    /// Be a program of a known memory shape, to try a budget on.
    Synth(Synth),
    /// Print the JSON Schema of `memguard.toml`, for editors.
    Schema,
    /// Print what completes memguard's command line in a shell.
    Completions(Completions),
    /// Print the manual page, or write one for each command.
    Man(Man),
}

/// `memguard run`
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Run {
    /// The workloads of the config to run; all of them when none is named.
    #[arg(value_name = "NAME", conflicts_with = "line")]
    pub names: Vec<String>,
    /// What is run and how it is measured.
    #[command(flatten)]
    pub run: RunFlags,
    /// What it is held to.
    #[command(flatten)]
    pub judge: JudgeFlags,
    /// A command to run instead of the config's workloads, after `--`.
    #[arg(last = true, value_name = "CMD")]
    pub line: Vec<String>,
}

/// `memguard check`
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Check {
    /// The folder that a run wrote, or one run's own; or a file that another program recorded memory into.
    pub dir: PathBuf,
    /// What the traces are held to.
    #[command(flatten)]
    pub judge: JudgeFlags,
    /// How a file of another program is read.
    #[command(flatten)]
    pub import: ImportFlags,
    /// Write the whole report there: results.json, report.md, junit.xml, report.html and the graphs. Without it the page and the
    /// graphs of a folder that a run wrote are drawn anew, and its other files stay.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print only what is wrong.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `memguard merge`
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Merge {
    /// The folders that `memguard run` left on each machine, or one folder that holds them. What each machine judged stands; to
    /// judge again, there is `check`.
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Where the report of the whole goes, apart from the folders that are joined.
    #[arg(long, value_name = "DIR", default_value = "memguard-report")]
    pub out: PathBuf,
    /// How many machines there were: more or fewer results are an error. Missing shards are noticed without it; where a folder
    /// holds other results than the shards of one platform, it must be said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub machines: Option<u32>,
    /// Print only what is wrong.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `memguard plot`
#[derive(Debug, Clone, Args)]
pub struct Plot {
    /// `memory.csv` files or the folders that hold them; psrecord's or mprof's files; any table with a time and a memory
    /// column; `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How a file of another program is read.
    #[command(flatten)]
    pub import: ImportFlags,
    /// The picture or page to write; its ending says of which kind.
    #[arg(long, short, default_value = "memory.svg", value_name = "FILE.svg|FILE.png|FILE.html")]
    pub output: PathBuf,
    /// The title above the graph.
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Draw into the terminal instead: text alone, in a pipe as well.
    #[arg(long, conflicts_with_all = ["output", "title"])]
    pub term: bool,
}

/// `memguard compare`
#[derive(Debug, Clone, Args)]
pub struct Compare {
    /// The earlier results: a folder that a run wrote, or a file that another program recorded memory into.
    pub base: PathBuf,
    /// The later ones.
    pub head: PathBuf,
    /// Draw the curves of both into this picture or page.
    #[arg(long, short, value_name = "FILE.svg|FILE.png|FILE.html")]
    pub output: Option<PathBuf>,
    /// Start-up ends at the first log line that matches.
    #[arg(long, value_name = "REGEX", conflicts_with = "ready_after")]
    pub ready_log: Option<String>,
    /// Start-up ends this long after launch.
    #[arg(long, value_name = "TIME")]
    pub ready_after: Option<String>,
    /// How a file of another program is read.
    #[command(flatten)]
    pub import: ImportFlags,
}

/// `memguard baseline …`
#[derive(Debug, Clone, Subcommand)]
pub enum Baseline {
    /// Print what is stored.
    Show(BaselineFile),
    /// Store the measures of the last results as the new baseline.
    Accept(BaselineResults),
    /// Print what accepting the last results would change.
    Diff(BaselineResults),
}

/// Where the baseline is.
#[derive(Debug, Clone, Args)]
pub struct BaselineFile {
    /// The config file, which may name the baseline's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The baseline's file.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
}

/// The baseline, and the results to compare it with.
#[derive(Debug, Clone, Args)]
pub struct BaselineResults {
    /// Where the baseline is.
    #[command(flatten)]
    pub file: BaselineFile,
    /// The folder that a run wrote.
    #[arg(long, value_name = "DIR", default_value = "memguard-report")]
    pub from: PathBuf,
}

/// `memguard ci …`
#[derive(Debug, Clone, Subcommand)]
pub enum Ci {
    /// Comment on the pull request of this step of GitHub Actions: one comment, kept up to date.
    ///
    /// The token is taken from the variable `GITHUB_TOKEN`, and needs `pull-requests: write`. Without that right a notice says
    /// so, and nothing fails. The comment is sent with `curl`.
    ///
    /// Under `workflow_run` the report is one that a fork may have made up: it is read with care and rendered anew, and the pull
    /// request is the one that GitHub's API knows to end in the commit of that run.
    Comment(Comment),
}

/// `memguard ci comment`
#[derive(Debug, Clone, Args)]
pub struct Comment {
    /// The folder that a run wrote.
    #[arg(long, value_name = "DIR", default_value = "memguard-report")]
    pub from: PathBuf,
    /// When to begin a comment. One that is there is kept up to date.
    #[arg(long, value_enum, default_value_t = When::OnChange, value_name = "WHEN")]
    pub when: When,
    /// Tells the comments of several jobs apart: each writes over the one with its own key.
    #[arg(long, value_name = "NAME", default_value = "memguard")]
    pub key: String,
}

/// When to begin a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// Never, and none is kept up to date.
    Never,
    /// Where something failed.
    OnFailure,
    /// Where something failed, warned, has no baseline yet, or moved by 2 % or more.
    OnChange,
    /// After every run.
    Always,
}

/// `memguard demo`
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// Where the artifacts go.
    #[arg(long, value_name = "DIR", default_value = "memguard-report")]
    pub out: PathBuf,
}

/// `memguard init`
#[derive(Debug, Clone, Args)]
pub struct Init {
    /// Replace a `memguard.toml` that is there.
    #[arg(long)]
    pub force: bool,
    /// Write a workflow for GitHub Actions, too, in the repository that the folder is in. One that is there is never replaced.
    #[arg(long)]
    pub github: bool,
    /// The action that the workflow is to use, pinned to a commit [default: that of the release which this program is of, asked for
    /// with git].
    #[arg(long, value_name = "OWNER/memguard@COMMIT", requires = "github", value_parser = pinned_action)]
    pub action: Option<String>,
}

/// The address of the repository that released this program, and has the action. Whoever builds a release knows it; another build
/// does not.
pub const RELEASED_ACTION: Option<&str> = option_env!("MEMGUARD_ACTION");

/// An action pinned to a commit: what a tag points at can be changed by whoever holds it.
fn pinned_action(text: &str) -> Result<String, String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let is_commit = |hash: &str| hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.split_once('@').and_then(|(path, commit)| Some((path.split_once('/')?, commit))) {
        Some(((owner, name), commit)) if is_name(owner) && is_name(name) && is_commit(commit) => Ok(text.to_owned()),
        _ => Err("write OWNER/memguard@ and all 40 digits of a commit: a tag can be moved".to_owned()),
    }
}

/// `memguard synth`
#[derive(Debug, Clone, Args)]
#[command(after_help = crate::synth::GRAMMAR)]
pub struct Synth {
    /// The shape, as statements: `ramp 200MiB 1s; hold 2s; spike 1GiB 5ms; log "done"; exit 3`.
    pub script: String,
}

impl Cli {
    /// Reads what was typed.
    ///
    /// # Errors
    /// What clap has to say: usage errors, help, the version. And a `--` with nothing after it, as an empty variable leaves it:
    /// it would run the config instead of the command that was meant.
    pub fn read(typed: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let typed: Vec<OsString> = typed.into_iter().collect();
        let cli = Self::try_parse_from(&typed)?;
        match &cli.command {
            Command::Run(run) if run.line.is_empty() && typed.iter().any(|word| word == "--") => {
                let what = "no command stands after `--`";
                Err(Self::command().error(clap::error::ErrorKind::MissingRequiredArgument, what))
            }
            Command::Init(init) if init.github && init.action.is_none() && RELEASED_ACTION.is_none() => {
                let what = "this memguard was built from source and can't know where its action lives: name it, pinned to a \
                            commit that you have looked at, with --action OWNER/memguard@COMMIT";
                Err(Self::command().error(clap::error::ErrorKind::MissingRequiredArgument, what))
            }
            _ => Ok(cli),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn an_empty_command_does_not_run_the_config_instead() {
        let read = |words: &[&str]| super::Cli::read(words.iter().map(Into::into)).map(drop);
        assert!(read(&["memguard", "run", "--"]).is_err());
        assert!(read(&["memguard", "run", "--", "true"]).is_ok());
        assert!(read(&["memguard", "run"]).is_ok());
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
