//! The report as a comment on the pull request: after the artifacts are kept, and whatever the verdict is.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::actions::say;
use crate::cli;
use crate::github::{
    Access, Annotation, ApiError, Message, Mode, Origin, Pull, Put, Severity, Standing, annotations, pull_request,
};
use crate::units::Percent;
use crate::verdict::ExitCode;

/// A change against the baseline that a reviewer wants to see, in either direction.
const WORTH_SEEING: Percent = Percent(2.0);

/// What is read of `results.json`.
#[derive(Deserialize)]
struct Results {
    verdict: String,
    exit_code: u8,
    workloads: Vec<Workload>,
}

#[derive(Deserialize)]
struct Workload {
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    change_percent: Option<f64>,
}

/// Comments on the pull request of this step. What GitHub does not allow is told, and is no error: the verdict stands.
///
/// # Errors
/// When there is no report, or this is no step of GitHub Actions.
pub fn comment(typed: &cli::Comment) -> Result<ExitCode> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mode = match typed.when {
        cli::When::Never => return Ok(ExitCode::Pass),
        cli::When::OnFailure => Mode::OnFailure,
        cli::When::OnChange => Mode::OnChange,
        cli::When::Always => Mode::Always,
    };
    let (Some(repository), Some(payload)) = (variable("GITHUB_REPOSITORY"), variable("GITHUB_EVENT_PATH")) else {
        bail!("comments are written from a step of GitHub Actions, and this is none");
    };
    let payload = fs::read(&payload).with_context(|| format!("could not read the event `{payload}`"))?;
    let payload: Value = serde_json::from_slice(&payload).context("the event is no JSON")?;
    let Some(pull) = pull_request(&repository, &payload) else {
        tell("this run is of no pull request: nothing to comment on");
        return Ok(ExitCode::Pass);
    };
    let message = message(&typed.from)?;
    let server = variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let run = variable("GITHUB_RUN_ID").and_then(|run| run.parse().ok());
    let origin = Origin {
        key: typed.key.clone(),
        run: run.unwrap_or(0),
        page: run.map(|run: u64| format!("{server}/{repository}/actions/runs/{run}")),
        commit: pull.head.clone(),
    };
    report(Access::detect(variable).comment(pull.number, mode, &message, &origin), &pull);
    Ok(ExitCode::Pass)
}

/// The report that a run of this job wrote.
fn message(from: &Path) -> Result<Message> {
    let read = |name: &str| {
        let file = from.join(name);
        fs::read_to_string(&file).with_context(|| {
            format!("could not read `{}`\nhelp: name the folder of a report with --from", file.display())
        })
    };
    let results: Results = serde_json::from_str(&read("results.json")?)
        .with_context(|| format!("`results.json` in `{}`", from.display()))?;
    let moved = results.workloads.iter().flat_map(|workload| &workload.checks).filter_map(|check| check.change_percent);
    Ok(Message {
        markdown: read("report.md")?,
        standing: if results.exit_code == 0 { Standing::Green } else { Standing::Red },
        is_news: results.verdict != "pass" || moved.into_iter().any(|change| change.abs() >= WORTH_SEEING.0),
    })
}

/// Says what became of it.
fn report(put: Result<Put, ApiError>, pull: &Pull) {
    let number = pull.number;
    match put {
        Ok(Put::Created(page)) => tell(&format!("commented on #{number}: {page}")),
        Ok(Put::Updated(page)) => tell(&format!("updated the comment on #{number}: {page}")),
        Ok(Put::Unasked) => tell(&format!("nothing to comment on #{number}")),
        Ok(Put::Outrun) => tell(&format!("a later run has commented on #{number} already")),
        Err(error) => {
            let (severity, help) = match &error {
                ApiError::Denied(_) if pull.is_fork => (
                    Severity::Notice,
                    "a fork's pull request has a token that can only read: docs/github.md has a second workflow for it",
                ),
                ApiError::Denied(_) => (Severity::Notice, "give the job `permissions: pull-requests: write`"),
                ApiError::Refused(_) | ApiError::Busy(_) => {
                    (Severity::Warning, "the summary and the artifacts have it all")
                }
            };
            let message = format!("{}\nhelp: {help}", error.why());
            let title = "memguard: there is no comment".to_owned();
            say(&annotations(&[Annotation { severity, place: None, title, message }]));
        }
    }
}

fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "memguard: {text}");
}
