//! GitHub Actions: what a step says to its runner. Kernel of it: "Workflow commands for GitHub Actions" in GitHub's documentation.
//!
//! No verdict is made or changed here. A summary, an output or a comment that can't be written is told, and that is all.

mod api;
mod command;
mod comment;
mod event;

use std::fs::OpenOptions;
use std::hash::{BuildHasher, RandomState};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use api::ApiError;
pub use command::{Annotation, Severity, annotations};
pub use comment::{Message, Mode, Origin, Put, Standing};
pub use event::{Pull, PullRun, pull_request, pull_run, refusal};

use crate::verdict::{ExitCode, Judged};

/// The runner of GitHub Actions that memguard runs under.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actions {
    summary: Option<PathBuf>,
    output: Option<PathBuf>,
    /// The page of this run.
    run_page: Option<String>,
    refusal: Option<String>,
}

impl Actions {
    /// From the environment of a step; None elsewhere.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        if variable("GITHUB_ACTIONS").as_deref() != Some("true") {
            return None;
        }
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let run_page = || {
            let (server, repository) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
            Some(format!("{server}/{repository}/actions/runs/{}#artifacts", variable("GITHUB_RUN_ID")?))
        };
        Some(Self {
            summary: variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            output: variable("GITHUB_OUTPUT").map(PathBuf::from),
            run_page: run_page(),
            refusal: refusal(
                &variable("GITHUB_EVENT_NAME").unwrap_or_default(),
                &variable("GITHUB_REPOSITORY").unwrap_or_default(),
                variable("GITHUB_EVENT_PATH").as_deref().map(Path::new),
            ),
        })
    }

    /// Where the artifacts of this run are shown.
    #[must_use]
    pub fn run_page(&self) -> Option<&str> {
        self.run_page.as_deref()
    }

    /// Why no workload must be run in this step; None where one may.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Adds to the job's summary.
    ///
    /// # Errors
    /// When its file can't be written.
    pub fn add_to_summary(&self, markdown: &str) -> Result<()> {
        self.summary
            .as_deref()
            .map_or(Ok(()), |file| append(file, &format!("{markdown}\n")).context("could not write the job's summary"))
    }

    /// Sets the step's outputs.
    ///
    /// # Errors
    /// When their file can't be written.
    pub fn set_outputs(&self, outputs: &[(&str, String)]) -> Result<()> {
        let Some(file) = self.output.as_deref() else { return Ok(()) };
        let mut text = String::new();
        for (name, value) in outputs {
            // A value that holds the mark would end itself and set another: nobody can know the mark.
            let mark = format!("memguard-{}", secret());
            text += &format!("{name}<<{mark}\n{value}\n{mark}\n");
        }
        append(file, &text).context("could not set the step's outputs")
    }
}

/// A repository, and the right to speak there.
pub struct Access {
    root: String,
    repository: String,
    token: String,
    scratch: PathBuf,
}

impl Access {
    /// The number of the open pull request that a run was for. None where its last commit is another by now.
    ///
    /// # Errors
    /// When the API can't be reached, or does not allow it.
    pub fn pull_of(&self, run: &PullRun) -> Result<Option<u64>, ApiError> {
        let curl = api::Curl::new(&self.scratch);
        self.api(&curl)?.pull_of(run)
    }

    fn api<'a>(&self, transport: &'a api::Curl) -> Result<api::Api<'a>, ApiError> {
        api::Api::new(transport, &std::thread::sleep, &self.root, &self.repository, &self.token)
    }

    /// From the environment of a step. What is missing there is told when it is used.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let of = |name: &str| variable(name).unwrap_or_default();
        Self {
            root: variable("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned()),
            repository: of("GITHUB_REPOSITORY"),
            token: of("GITHUB_TOKEN"),
            scratch: variable("RUNNER_TEMP").map_or_else(std::env::temp_dir, PathBuf::from),
        }
    }

    /// Writes a message on a pull request: over the comment of the same key, or as a new one where `mode` wants it.
    ///
    /// # Errors
    /// When the API can't be reached, or does not allow it.
    pub fn comment(&self, pull: u64, mode: Mode, message: &Message, origin: &Origin) -> Result<Put, ApiError> {
        let curl = api::Curl::new(&self.scratch);
        comment::put(&self.api(&curl)?, pull, mode, message, origin)
    }
}

/// What a step hands on to those after it.
#[must_use]
pub fn outputs(judged: &[Judged], code: ExitCode, verdict: &str, out: &Path) -> Vec<(&'static str, String)> {
    let runs = || judged.iter().flat_map(|judged| &judged.runs);
    let peak = runs().filter_map(|run| run.measures.peak.value()).map(|peak| peak.value.0).max();
    let startup = runs().filter_map(|run| run.measures.startup.value()).map(|startup| startup.value.0).max();
    let changes = judged.iter().flat_map(|judged| &judged.checks).filter_map(crate::verdict::Check::change);
    let change = changes.map(|change| change.0).max_by(f64::total_cmp);
    let number = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    vec![
        ("verdict", verdict.to_owned()),
        ("exit-code", (code as u8).to_string()),
        ("peak-bytes", number(peak)),
        ("startup-bytes", number(startup)),
        ("delta-percent", change.map_or_else(String::new, |change| format!("{change:.1}"))),
        ("report-dir", out.display().to_string()),
        ("results-json", out.join("results.json").display().to_string()),
    ]
}

/// Output of a workload between these two lines is folded, and no line of it is a command to the runner.
#[derive(Debug, Clone)]
pub struct Fence(String);

impl Fence {
    /// With a mark that the workload can't know.
    #[must_use]
    pub fn new() -> Self {
        Self(secret())
    }

    /// Before the workload's output.
    #[must_use]
    pub fn opening(&self) -> String {
        format!("::group::memguard: the workload's output\n::stop-commands::{}\n", self.0)
    }

    /// After it. The output may have ended within a line.
    #[must_use]
    pub fn closing(&self) -> String {
        format!("\n::{}::\n::endgroup::\n", self.0)
    }
}

impl Default for Fence {
    fn default() -> Self {
        Self::new()
    }
}

/// Text that nobody outside of this process can know: the standard library's hashers are keyed by the system's random numbers.
fn secret() -> String {
    (0..2).map(|number| format!("{:016x}", RandomState::new().hash_one(number))).collect()
}

fn append(file: &Path, text: &str) -> Result<()> {
    let in_file = || format!("could not write `{}`", file.display());
    let mut file = OpenOptions::new().create(true).append(true).open(file).with_context(in_file)?;
    file.write_all(text.as_bytes()).with_context(in_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_known_by_its_environment() {
        assert_eq!(Actions::detect(|_| None), None);
        let actions = Actions::detect(|name| {
            let value = match name {
                "GITHUB_ACTIONS" => "true",
                "GITHUB_SERVER_URL" => "https://github.example",
                "GITHUB_REPOSITORY" => "o/r",
                "GITHUB_RUN_ID" => "7",
                "GITHUB_STEP_SUMMARY" => "",
                _ => return None,
            };
            Some(value.to_owned())
        });
        let actions = actions.unwrap();
        assert_eq!(actions.run_page(), Some("https://github.example/o/r/actions/runs/7#artifacts"));
        assert!(actions.add_to_summary("x").is_ok(), "without a file there is no summary");
    }

    #[test]
    fn an_output_can_not_set_another() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        let actions = Actions { output: Some(output.clone()), ..Actions::default() };
        actions.set_outputs(&[("verdict", "pass\nEOF\nother=1".into()), ("report-dir", "a".into())]).unwrap();
        let text = std::fs::read_to_string(&output).unwrap();
        let mark = text.lines().next().unwrap().strip_prefix("verdict<<").unwrap().to_owned();
        assert!(text.starts_with(&format!("verdict<<{mark}\npass\nEOF\nother=1\n{mark}\nreport-dir<<")), "{text}");
        let missing = Actions { summary: Some(folder.path().join("no/such")), ..Actions::default() };
        assert!(format!("{:#}", missing.add_to_summary("x").unwrap_err()).contains("the job's summary"));
    }

    #[test]
    fn no_two_fences_are_alike() {
        let (one, other) = (Fence::new(), Fence::new());
        assert_ne!(one.opening(), other.opening());
        assert!(one.closing().contains(&one.0) && one.0.len() == 32);
    }
}
