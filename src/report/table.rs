use crate::analysis::{Measured, Quality};
use crate::trace::PeakCertainty;
use crate::units::{Bytes, Percent, Quantity, Uncertainty};
use crate::verdict::{Check, CheckKind, Judged, JudgedRun, Measure, Outcome, Subject};

use super::escape::fit;

/// One line of the table: a measure, what it is held to, and what came of it. Every cell is ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The workload's name.
    pub workload: String,
    /// `peak`, `startup`, `load peak`.
    pub measure: String,
    /// What was measured.
    pub value: String,
    /// The most that passes; empty where there is no limit.
    pub limit: String,
    /// The baseline's median; empty where it was not asked for.
    pub baseline: String,
    /// How far above the baseline.
    pub change: String,
    /// The answer; None where nothing was asked.
    pub outcome: Option<Outcome>,
}

const MISSING: &str = "—";
/// Columns of a name, at most.
const NAME: usize = 40;

/// The table of all workloads: every measure, with a line for each check of it.
#[must_use]
pub fn rows(judged: &[Judged]) -> Vec<Row> {
    judged.iter().flat_map(rows_of).collect()
}

fn rows_of(judged: &Judged) -> Vec<Row> {
    let mut rows = Vec::new();
    for subject in subjects(judged) {
        let mut checks = judged.checks.iter().filter(|check| check.subject == subject).peekable();
        if checks.peek().is_none() {
            rows.push(unasked(judged, &subject));
        }
        rows.extend(checks.map(|check| asked(judged, check)));
    }
    rows
}

/// The measures worth a line: peak always, what depends on a mark where the mark was asked for.
fn subjects(judged: &Judged) -> Vec<Subject> {
    let Some(run) = judged.runs.first() else { return Vec::new() };
    let mut subjects: Vec<Subject> = Measure::ALL.into_iter().map(|measure| Subject { phase: None, measure }).collect();
    for phase in &run.measures.phases {
        subjects.extend(Measure::OF_PHASE.map(|measure| Subject { phase: Some(phase.name.clone()), measure }));
    }
    let has_ready = matches!(run.measures.ready, Measured::Value(_));
    let checked = |subject: &Subject| judged.checks.iter().any(|check| check.subject == *subject);
    subjects.retain(|subject| {
        let told = match subject.measure {
            Measure::Peak => true,
            Measure::Startup | Measure::Retained => has_ready,
            // Most have none, and few phases are meant to be steady.
            Measure::Growth => {
                subject.phase.is_none() && run.measures.growth.value().is_some_and(|growth| growth.is_real())
            }
        };
        told || checked(subject)
    });
    subjects
}

fn asked(judged: &Judged, check: &Check) -> Row {
    let amount = |amount: Option<Quantity>| amount.map_or_else(|| MISSING.to_owned(), Quantity::plain);
    let is_budget = check.kind == CheckKind::Budget;
    let run = check.run.and_then(|number| judged.runs.iter().find(|run| run.record.run == number));
    let value = match (check.value, run) {
        (Some(value), Some(run)) => shown(&check.subject, run, value),
        (value, _) => amount(value),
    };
    Row {
        workload: fit(&judged.name, NAME),
        measure: name(&check.subject),
        value,
        limit: amount(check.limit),
        baseline: if is_budget { String::new() } else { amount(check.baseline) },
        change: if is_budget { String::new() } else { check.change().map_or_else(String::new, Percent::signed) },
        outcome: Some(check.outcome),
    }
}

/// What may have been higher says so: growth by the end of its interval, where that is above 10 %.
fn shown(subject: &Subject, run: &JudgedRun, value: Quantity) -> String {
    let plain = value.plain();
    match (&subject.phase, subject.measure) {
        (None, Measure::Peak) => with_bound(run, &plain),
        (_, Measure::Growth) => match subject.growth(&run.measures).value().map(|growth| Quantity::from(growth.high)) {
            Some(high) if high > value.times(1.1) => format!("{plain} (≤ {})", high.plain()),
            _ => plain,
        },
        _ => plain,
    }
}

/// What was measured though nobody set a limit: the worst run's, as a budget would judge it.
fn unasked(judged: &Judged, subject: &Subject) -> Row {
    let values = judged.runs.iter().filter_map(|run| Some((subject.of(&run.measures).value()?, run)));
    let value = values
        .max_by_key(|(value, _)| *value)
        .map_or_else(|| MISSING.to_owned(), |(value, run)| shown(subject, run, value));
    Row {
        workload: fit(&judged.name, NAME),
        measure: name(subject),
        value,
        limit: String::new(),
        baseline: String::new(),
        change: String::new(),
        outcome: None,
    }
}

/// Marks a peak that may lie elsewhere: by `±` or `≥` where its uncertainty is above 1%, by `≥` where
/// sampling stalled.
fn with_bound(run: &JudgedRun, value: &str) -> String {
    let Some(peak) = run.measures.peak.value() else { return value.to_owned() };
    let stalled = run.measures.quality != Quality::Good && peak.certainty == PeakCertainty::Sampled;
    mark(value, peak.value, peak.uncertainty)
        .unwrap_or_else(|| if stalled { format!("≥ {value}") } else { value.to_owned() })
}

/// The value with its uncertainty. None where that is at most 1%.
#[must_use]
pub(super) fn mark(text: &str, value: Bytes, uncertainty: Uncertainty) -> Option<String> {
    let matters = |bytes: Bytes| bytes.as_f64() > value.as_f64() / 100.0;
    match (matters(uncertainty.below), matters(uncertainty.above)) {
        (false, false) => None,
        (false, true) if uncertainty == Uncertainty::UNBOUNDED => Some(format!("≥ {text}")),
        (false, true) => Some(format!("≥ {text} (≤ {})", uncertainty.high(value))),
        (true, _) => Some(format!("{text} ± {}", uncertainty.below.max(uncertainty.above))),
    }
}

/// `peak`, `startup`, `load peak`.
#[must_use]
pub fn name(subject: &Subject) -> String {
    match &subject.phase {
        Some(phase) => format!("{} {}", fit(phase, NAME), subject.measure.name()),
        None => subject.measure.name().to_owned(),
    }
}
