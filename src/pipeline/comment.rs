//! The report as a comment on the pull request: after the artifacts are kept, and whatever the verdict is.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::actions::say;
use super::merge;
use crate::cli;
use crate::github::{
    Access, Annotation, ApiError, Message, Mode, Origin, Pull, Put, Severity, Standing, annotations, pull_request,
    pull_run,
};
use crate::report::{self, Edits, Links, Place};
use crate::units::Percent;
use crate::verdict::{self, ExitCode, Judged};

/// A change against the baseline that a reviewer wants to see, in either direction.
const WORTH_SEEING: Percent = Percent(2.0);
/// The verdict of which there is nothing to say, as `results.json` has it.
const PASS: &str = "pass";

/// What is read of `results.json`.
#[derive(Deserialize)]
struct Results {
    verdict: String,
    exit_code: u8,
    legs: Vec<Leg>,
    workloads: Vec<Workload>,
}

#[derive(Deserialize)]
struct Leg {
    base: Option<Base>,
}

#[derive(Deserialize)]
struct Base {
    edits: Vec<Edit>,
}

#[derive(Deserialize)]
struct Edit {
    loosens: bool,
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
    let access = Access::detect(variable);
    let server = variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let page = |run: u64| format!("{server}/{repository}/actions/runs/{run}");
    let (pull, message, run) = if variable("GITHUB_EVENT_NAME").as_deref() == Some("workflow_run") {
        let Some(run) = pull_run(&payload) else {
            tell("the other workflow's run was of no pull request: nothing to comment on");
            return Ok(ExitCode::Pass);
        };
        match access.pull_of(&run) {
            Ok(Some(number)) => {
                let message = retold(&typed.from, &page(run.id))?;
                (Pull { number, head: run.head, is_fork: false }, message, run.id)
            }
            Ok(None) => {
                tell("no open pull request ends in the commit of the other workflow's run: nothing to comment on");
                return Ok(ExitCode::Pass);
            }
            Err(error) => {
                complain(&error, false);
                return Ok(ExitCode::Pass);
            }
        }
    } else {
        let Some(pull) = pull_request(&repository, &payload) else {
            tell("this run is of no pull request: nothing to comment on");
            return Ok(ExitCode::Pass);
        };
        let run = variable("GITHUB_RUN_ID").and_then(|run| run.parse().ok());
        (pull, message(&typed.from)?, run.unwrap_or(0))
    };
    let origin = Origin { key: typed.key.clone(), run, page: Some(page(run)), commit: pull.head.clone() };
    report(access.comment(pull.number, mode, &message, &origin), &pull);
    Ok(ExitCode::Pass)
}

/// The report of results that a pull request's own code may have made up: read as those of another machine, and rendered anew.
fn retold(from: &Path, page: &str) -> Result<Message> {
    let (workloads, legs) = merge::retold(from)?;
    let judged: Vec<Judged> = workloads.iter().map(|workload| workload.judged.clone()).collect();
    let details: Vec<_> = workloads.into_iter().map(|workload| workload.details).collect();
    let code = verdict::exit_code(&judged);
    let links = Links {
        results: "memguard-report".into(),
        artifacts: format!("[artifacts of that run]({page}#artifacts)"),
        edits: Edits::of(legs.iter().filter_map(|leg| leg.base.as_ref())),
    };
    let moved = judged.iter().flat_map(|judged| &judged.checks).filter_map(verdict::Check::change);
    let mut edits = legs.iter().filter_map(|leg| leg.base.as_ref()).flat_map(|base| &base.edits);
    Ok(Message {
        markdown: report::markdown(&judged, code, &details, &links, Place::Comment),
        standing: standing(code as u8),
        is_news: report::overall(&judged) != PASS
            || has_moved(moved.map(|change| change.0))
            || edits.any(|edit| edit.loosens),
    })
}

fn standing(exit_code: u8) -> Standing {
    if exit_code == ExitCode::Pass as u8 { Standing::Green } else { Standing::Red }
}

fn has_moved(mut changes: impl Iterator<Item = f64>) -> bool {
    changes.any(|change| change.abs() >= WORTH_SEEING.0)
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
    // A green build whose own change made it green is what a reviewer must not miss.
    let mut edits = results.legs.iter().filter_map(|leg| leg.base.as_ref()).flat_map(|base| &base.edits);
    Ok(Message {
        markdown: read("report.md")?,
        standing: standing(results.exit_code),
        is_news: results.verdict != PASS || has_moved(moved) || edits.any(|edit| edit.loosens),
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
        Err(error) => complain(&error, pull.is_fork),
    }
}

/// Says why there is no comment.
fn complain(error: &ApiError, is_fork: bool) {
    let (severity, help) = match error {
        ApiError::Denied(_) if is_fork => (
            Severity::Notice,
            "a fork's pull request has a token that can only read: docs/github.md has a second workflow for it",
        ),
        ApiError::Denied(_) => (Severity::Notice, "give the job `permissions: pull-requests: write`"),
        ApiError::Refused(_) | ApiError::Busy(_) => (Severity::Warning, "the summary and the artifacts have it all"),
    };
    let message = format!("{}\nhelp: {help}", error.why());
    let title = "memguard: there is no comment".to_owned();
    say(&annotations(&[Annotation { severity, place: None, title, message }]));
}

fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "memguard: {text}");
}
