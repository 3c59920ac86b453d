//! What a run says to GitHub Actions, where it runs there.

use std::io::{self, Write as _};
use std::path::Path;

use super::judge::Workload;
use crate::config::Mistakes;
use crate::github::{Actions, Annotation, Fence, Severity, annotations, outputs};
use crate::report::{self, Edits, Links, Place};
use crate::verdict::{Check, Edit, ExitCode, Judged, Leg, Outcome};

/// The runner of this step, if there is one.
pub(super) fn here() -> Option<Actions> {
    Actions::detect(|name| std::env::var(name).ok())
}

/// Folds the workloads' output and takes the power of command from it, as long as it lives.
pub(super) struct Folded(Fence);

impl Folded {
    pub(super) fn begin() -> Self {
        let fence = Fence::new();
        say(&fence.opening());
        Self(fence)
    }
}

impl Drop for Folded {
    fn drop(&mut self) {
        say(&self.0.closing());
    }
}

pub(super) fn say(text: &str) {
    let mut out = io::stdout().lock();
    // A runner that no longer listens has nothing to be told.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says that nothing is run, where that would hand the repository to a fork.
pub(super) fn refuse(actions: &Actions) -> Option<ExitCode> {
    let why = actions.refusal()?;
    let _ = writeln!(io::stderr(), "error: nothing was run: {why}");
    let message = why.to_owned();
    let title = "memguard: nothing was run".to_owned();
    say(&annotations(&[Annotation { severity: Severity::Error, place: None, title, message }]));
    tell_failed(actions, &format!("## Memory: nothing was run\n\n{why}"), ExitCode::Usage);
    Some(ExitCode::Usage)
}

/// Says that there is no report, and why.
pub(super) fn failed(actions: &Actions, what: &str, error: &anyhow::Error) {
    let why: String = format!("{error:#}").lines().map(|line| report::plain(line, 1000) + "\n").collect();
    let title = format!("memguard: {what}");
    say(&annotations(&[Annotation { severity: Severity::Error, place: None, title, message: why.clone() }]));
    let why = why.replace("```", "'''");
    tell_failed(actions, &format!("## Memory: {what}\n\n```text\n{why}```"), ExitCode::Unmeasured);
}

/// The summary and the outputs of a step in which nothing was judged.
fn tell_failed(actions: &Actions, summary: &str, code: ExitCode) {
    let told = [
        actions.add_to_summary(summary),
        actions.set_outputs(&[("verdict", "error".to_owned()), ("exit-code", (code as u8).to_string())]),
    ];
    for error in told.into_iter().filter_map(Result::err) {
        let _ = writeln!(io::stderr(), "memguard: {error:#}");
    }
}

/// Where the results of a report are.
pub(super) fn links(out: &Path, actions: Option<&Actions>, legs: &[Leg]) -> Links {
    let artifacts = actions.and_then(Actions::run_page).map(|page| format!("[artifacts of this run]({page})"));
    let edits = Edits::of(legs.iter().filter_map(|leg| leg.base.as_ref()));
    Links { results: out.to_owned(), artifacts: artifacts.unwrap_or_default(), edits }
}

/// Annotations, the summary and the outputs. What can't be written is told; the verdict stands.
pub(super) fn report(actions: &Actions, workloads: &[Workload], code: ExitCode, legs: &[Leg], out: &Path) {
    let judged: Vec<Judged> = workloads.iter().map(|workload| workload.judged.clone()).collect();
    let details: Vec<_> = workloads.iter().map(|workload| workload.details.clone()).collect();
    let edited = legs.iter().filter_map(|leg| leg.base.as_ref()).flat_map(|base| &base.edits).filter_map(edit);
    let mut found: Vec<Annotation> = judged.iter().flat_map(|judged| findings(judged, out)).chain(edited).collect();
    // Several machines tell of the same edits.
    let mut seen = Vec::new();
    found.retain(|annotation| {
        let is_new = !seen.contains(annotation);
        seen.push(annotation.clone());
        is_new
    });
    say(&annotations(&found));
    let text = report::markdown(&judged, code, &details, &links(out, Some(actions), legs), Place::Summary);
    let told =
        [actions.add_to_summary(&text), actions.set_outputs(&outputs(&judged, code, report::overall(&judged), out))];
    for error in told.into_iter().filter_map(Result::err) {
        let _ = writeln!(io::stderr(), "memguard: {error:#}: the verdict stands");
    }
}

/// An edit that lets more pass, where a reviewer sees it.
fn edit(edit: &Edit) -> Option<Annotation> {
    edit.loosens.then(|| Annotation {
        severity: Severity::Warning,
        place: edit.written.as_ref().map(|written| (written.file.clone(), written.line)),
        title: "memguard: this change lets more pass than before".to_owned(),
        message: report::edit_sentence(edit),
    })
}

fn findings(judged: &Judged, out: &Path) -> Vec<Annotation> {
    let workload = report::plain(&judged.name, 60);
    let failures = judged.failures.iter().map(|failure| Annotation {
        severity: Severity::Error,
        place: None,
        title: format!("memguard: {workload}"),
        message: format!("{workload} run {} {}", failure.run, report::plain(&failure.what, 1000)),
    });
    failures.chain(judged.checks.iter().filter_map(|check| finding(judged, &workload, check, out))).collect()
}

fn finding(judged: &Judged, workload: &str, check: &Check, out: &Path) -> Option<Annotation> {
    let severity = match check.outcome {
        Outcome::Pass | Outcome::NoBaseline | Outcome::NotComparable => return None,
        Outcome::Warn => Severity::Warning,
        Outcome::Fail | Outcome::Unmeasured => Severity::Error,
    };
    let mut message = format!("{workload}: {}", report::what(judged, check)?);
    if let Some(to_do) = report::to_do(check, Some(out)) {
        message += &format!("\nto do: {to_do}");
    }
    let place = check.written.as_ref().map(|written| (written.file.clone(), written.line));
    Some(Annotation {
        severity,
        place,
        title: format!("memguard: {workload} {}", report::subject_name(&check.subject)),
        message,
    })
}

/// What is wrong in a config, on its lines, where a runner listens. Nothing was run.
pub fn annotate_mistakes(mistakes: &Mistakes) {
    let Some(actions) = here() else { return };
    let place = |mistake: &crate::config::Mistake| {
        mistakes.sources.file_line(&mistake.place).map(|(file, line)| (file.into(), line))
    };
    let found = mistakes.found.iter().map(|mistake| Annotation {
        severity: Severity::Error,
        place: place(mistake),
        title: "memguard: the config is wrong".into(),
        message: report::plain(&format!("{}. {}", mistake.what, mistake.help), 2000),
    });
    say(&annotations(&found.collect::<Vec<_>>()));
    let text = mistakes.render(false).replace("```", "'''");
    let summary = format!("## Memory: the config is wrong, and nothing was run\n\n```text\n{text}\n```");
    tell_failed(&actions, &summary, ExitCode::Usage);
}
