use std::path::Path;

use anyhow::{Result, bail};

use crate::analysis::{self, ReadyRule, Rules};
use crate::baseline::{AcceptedRun, Difference, Key, Settings, Store, difference, entry_from};
use crate::config::JudgingPlan;
use crate::report::baseline_text;
use crate::trace;
use crate::verdict;

/// What is stored, for people.
///
/// # Errors
/// When the file can't be read.
pub fn show(settings: &Settings) -> Result<String> {
    Store::read(&settings.file).map(|store| baseline_text::show(&store))
}

/// What accepting the results would change, for people.
///
/// # Errors
/// When the baseline or the results can't be read, or a run among them failed.
pub fn diff(plan: &JudgingPlan, from: &Path) -> Result<String> {
    merged(plan, from).map(|(_, differences)| baseline_text::differences(&differences))
}

/// Stores the measures of the results; tells what changed.
///
/// # Errors
/// As [`diff`], and when the file can't be written. Then it is as it was.
pub fn accept(plan: &JudgingPlan, from: &Path) -> Result<String> {
    let (store, differences) = merged(plan, from)?;
    store.write()?;
    let changed = baseline_text::differences(&differences);
    Ok(format!("{changed}wrote `{}`: commit it\n", store.file().display()))
}

/// The baseline with the results in it.
fn merged(plan: &JudgingPlan, from: &Path) -> Result<(Store, Vec<Difference>)> {
    let old = Store::read(&plan.baseline.file)?;
    let mut new = old.clone();
    let commit = head_commit();
    for workload in trace::find_runs(from)? {
        let (mut runs, mut failures) = (Vec::new(), Vec::new());
        for folder in &workload.runs {
            let files = trace::open(folder)?;
            let record = files.record().clone();
            let judging = plan.workloads.iter().find(|(name, _)| *name == record.workload).map(|(_, judging)| judging);
            // Of a workload that the config does not have, what the run itself saw is accepted.
            let recorded = Rules { ready: ReadyRule::AsRecorded, phases: Vec::new() };
            let rules = judging.or(plan.fallback.as_ref()).map_or(&recorded, |judging| &judging.rules);
            let (measures, curve) = analysis::measure(&record, rules, || files.samples(), files.log()?)?;
            failures.extend(
                verdict::failure(&record, &measures).map(|failure| format!("run {} {}", failure.run, failure.what)),
            );
            runs.push((record, measures, curve));
        }
        let Some((first, ..)) = runs.first() else { bail!("there are no runs in `{}`", from.display()) };
        let key = Key { workload: first.workload.clone(), platform: first.platform.clone(), metric: first.metric };
        let accepted: Vec<AcceptedRun<'_>> =
            runs.iter().map(|(record, measures, curve)| AcceptedRun { record, measures, curve }).collect();
        new.merge(entry_from(key, &accepted, &failures, commit.clone())?)?;
    }
    let differences = difference(&old, &new);
    Ok((new, differences))
}

/// The commit of the folder that memguard stands in, where that is a git checkout and git is there.
fn head_commit() -> Option<String> {
    let output = std::process::Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|commit| !commit.is_empty())
}
