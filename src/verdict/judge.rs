use crate::analysis::Measured;
use crate::analysis::stats::median;
use crate::baseline::{Entry, Found, Key, StoredMeasure};
use crate::units::Quantity;

use super::doubt::doubt;
use super::failures::failure;
use super::{
    Budget, Check, CheckKind, Judged, JudgedRun, Level, Limits, Measure, Outcome, RunFailure, Subject, Tolerance,
    Verdict,
};

/// Judges a workload's runs: budgets by the worst of them, regressions by their median against the baseline's.
#[must_use]
pub fn judge(key: Key, runs: Vec<JudgedRun>, limits: &Limits, baseline: Found, baseline_required: bool) -> Judged {
    let failures: Vec<RunFailure> = runs.iter().filter_map(|run| failure(&run.record, &run.measures)).collect();
    let mut checks: Vec<Check> = limits.budgets.iter().map(|budget| judge_budget(budget, &runs)).collect();
    checks.extend(limits.tolerances.iter().map(|tolerance| judge_tolerance(tolerance, &runs, &baseline)));
    if limits.level == Level::Warn {
        for check in &mut checks {
            if matches!(check.outcome, Outcome::Fail | Outcome::Unmeasured) {
                check.outcome = Outcome::Warn;
            }
        }
    }
    let verdict = verdict(&failures, &checks);
    let baseline_curve = match baseline {
        Found::Entry(entry) => entry.curve,
        Found::Missing { .. } | Found::NotComparable { .. } => None,
    };
    Judged { name: key.workload.clone(), key, runs, baseline_curve, checks, failures, baseline_required, verdict }
}

/// The gravest of what was found. A missing baseline is told before a warning: a gate that compares with nothing is no gate.
#[must_use]
pub fn verdict(failures: &[RunFailure], checks: &[Check]) -> Verdict {
    let any = |outcomes: &[Outcome]| checks.iter().any(|check| outcomes.contains(&check.outcome));
    if !failures.is_empty() {
        Verdict::Error
    } else if any(&[Outcome::Fail, Outcome::Unmeasured]) {
        Verdict::Fail
    } else if any(&[Outcome::NoBaseline, Outcome::NotComparable]) {
        Verdict::NoBaseline
    } else if any(&[Outcome::Warn]) {
        Verdict::Warn
    } else {
        Verdict::Pass
    }
}

fn judge_budget(budget: &Budget, runs: &[JudgedRun]) -> Check {
    let limit = budget.limit;
    let check = Check {
        kind: CheckKind::Budget,
        subject: budget.subject.clone(),
        value: None,
        run: None,
        limit: Some(limit),
        baseline: None,
        outcome: Outcome::Unmeasured,
        note: None,
        written: budget.written.clone(),
    };
    let values = match measured(&budget.subject, runs) {
        Ok(values) => values,
        // What could be measured may have crossed the limit already: that is said rather than what is missing.
        Err(missing) => match worst(&missing.values).filter(|(_, value)| *value > limit) {
            Some(_) => missing.values,
            None => return Check { note: Some(missing.why), ..check },
        },
    };
    let Some((run, value)) = worst(&values) else { return Check { note: Some("there are no runs".into()), ..check } };
    let check = Check { value: Some(value), run: Some(run), ..check };
    if value > limit {
        let estimate = |run: &JudgedRun| budget.subject.estimate(&run.measures).value();
        if runs.iter().filter_map(estimate).any(|estimate| estimate.low() > limit) {
            return Check { outcome: Outcome::Fail, ..check };
        }
    }
    match doubt(CheckKind::Budget, &budget.subject, runs, limit) {
        None => Check { outcome: Outcome::Pass, ..check },
        why => Check { note: why, ..check },
    }
}

fn worst(values: &[(u32, Quantity)]) -> Option<(u32, Quantity)> {
    // Of equal runs the first, so that the answer does not depend on how a maximum is searched for.
    values.iter().copied().reduce(|worst, other| if other.1 > worst.1 { other } else { worst })
}

fn judge_tolerance(tolerance: &Tolerance, runs: &[JudgedRun], baseline: &Found) -> Check {
    let mut check = Check {
        kind: CheckKind::Regression,
        subject: tolerance.subject.clone(),
        value: None,
        run: None,
        limit: None,
        baseline: None,
        outcome: Outcome::Unmeasured,
        note: None,
        written: tolerance.written.clone(),
    };
    match measured(&tolerance.subject, runs) {
        Ok(values) => check.value = median(&values.into_iter().map(|(_, value)| value).collect::<Vec<_>>()),
        Err(missing) => return Check { note: Some(missing.why), ..check },
    }
    let entry = match baseline {
        Found::Entry(entry) => entry,
        Found::Missing { why } => {
            return Check { outcome: Outcome::NoBaseline, note: Some(why.clone()), ..check };
        }
        Found::NotComparable { why } => {
            return Check { outcome: Outcome::NotComparable, note: Some(why.clone()), ..check };
        }
    };
    let measure = stored(&tolerance.subject);
    let Some(base) = entry.median(&measure) else {
        let note = format!("the baseline has no {measure} of this workload");
        return Check { outcome: Outcome::NoBaseline, note: Some(note), ..check };
    };
    let limit = limit_above(base, tolerance);
    check.baseline = Some(base);
    check.limit = Some(limit);
    let Some(value) = check.value else { return check };
    if value > limit {
        (check.outcome, check.note) = (Outcome::Fail, moved(entry, runs));
    } else {
        check.note = doubt(CheckKind::Regression, &tolerance.subject, runs, limit);
        check.outcome = if check.note.is_none() { Outcome::Pass } else { Outcome::Unmeasured };
    }
    check
}

/// The most that passes: above the baseline by the percentage *and* by the amount, so by whichever is more. Of a base that is
/// not above zero there is no percentage.
fn limit_above(base: Quantity, tolerance: &Tolerance) -> Quantity {
    let share = base.times(tolerance.percent.0 / 100.0);
    base.plus(share.max(tolerance.at_least))
}

/// Some runs lack the measure.
struct Missing {
    values: Vec<(u32, Quantity)>,
    why: String,
}

fn measured(subject: &Subject, runs: &[JudgedRun]) -> Result<Vec<(u32, Quantity)>, Missing> {
    let (mut values, mut why) = (Vec::new(), None);
    for run in runs {
        match subject.of(&run.measures) {
            Measured::Value(value) => values.push((run.record.run, value)),
            Measured::NotAsked => {
                why.get_or_insert_with(|| "the workload has no `ready`, from which it is measured".to_owned());
            }
            Measured::Unmeasured(reason) => {
                let reason = if runs.len() == 1 { reason } else { format!("run {}: {reason}", run.record.run) };
                why.get_or_insert(reason);
            }
        }
    }
    match why {
        None => Ok(values),
        Some(why) => Err(Missing { values, why }),
    }
}

/// The baseline's name for what a limit is about.
fn stored(subject: &Subject) -> StoredMeasure {
    match (&subject.phase, subject.measure) {
        (Some(phase), Measure::Growth) => StoredMeasure::PhaseGrowth(phase.clone()),
        (Some(phase), _) => StoredMeasure::PhasePeak(phase.clone()),
        (None, Measure::Peak) => StoredMeasure::Peak,
        (None, Measure::Startup) => StoredMeasure::Startup,
        (None, Measure::Retained) => StoredMeasure::Retained,
        (None, Measure::Growth) => StoredMeasure::Growth,
    }
}

/// What is different about the machine, which may be all that there is to a regression.
fn moved(entry: &Entry, runs: &[JudgedRun]) -> Option<String> {
    let now = &runs.last()?.record.environment.facts;
    let names: std::collections::BTreeSet<&String> = entry.environment.keys().chain(now.keys()).collect();
    let different: Vec<String> = names
        .into_iter()
        .filter(|name| entry.environment.get(*name) != now.get(*name))
        .map(|name| {
            let of = |facts: &std::collections::BTreeMap<String, String>| {
                facts.get(name).cloned().unwrap_or_else(|| "not set".to_owned())
            };
            format!("{name} was {}, is {}", of(&entry.environment), of(now))
        })
        .collect();
    let told = different.join("; ");
    (!different.is_empty()).then(|| format!("the baseline was measured in another environment: {told}"))
}
