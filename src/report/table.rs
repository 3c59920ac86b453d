use crate::analysis::{Certainty, Measured, Quality};
use crate::units::{Bytes, Percent, SignedBytes};
use crate::verdict::{Check, CheckKind, Judged, JudgedRun, Measure, Outcome, Subject};

use super::escape::plain;

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
const NAME: usize = 40;
const SMALL: Bytes = Bytes::from_mib(8);

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
    let mut subjects: Vec<Subject> =
        [Measure::Peak, Measure::Startup, Measure::Retained].map(|measure| Subject { phase: None, measure }).into();
    let phases = run.measures.phases.iter().map(|phase| phase.name.clone());
    subjects.extend(phases.map(|phase| Subject { phase: Some(phase), measure: Measure::Peak }));
    let has_ready = matches!(run.measures.ready, Measured::Value(_));
    let checked = |subject: &Subject| judged.checks.iter().any(|check| check.subject == *subject);
    subjects.retain(|subject| subject.measure == Measure::Peak || has_ready || checked(subject));
    subjects
}

fn asked(judged: &Judged, check: &Check) -> Row {
    let amount = |amount: Option<SignedBytes>| amount.map_or_else(|| MISSING.to_owned(), SignedBytes::plain);
    let is_budget = check.kind == CheckKind::Budget;
    let value = match check.run.filter(|_| check.subject == Subject { phase: None, measure: Measure::Peak }) {
        Some(number) => judged
            .runs
            .iter()
            .find(|run| run.record.run == number)
            .map_or_else(|| amount(check.value), |run| with_bound(run, &amount(check.value))),
        None => amount(check.value),
    };
    Row {
        workload: plain(&judged.name, NAME),
        measure: name(&check.subject),
        value,
        limit: amount(check.limit),
        baseline: if is_budget { String::new() } else { amount(check.baseline) },
        change: if is_budget { String::new() } else { check.change().map_or_else(String::new, Percent::signed) },
        outcome: Some(check.outcome),
    }
}

/// What was measured though nobody set a limit: the worst run's, as a budget would judge it.
fn unasked(judged: &Judged, subject: &Subject) -> Row {
    let values = judged.runs.iter().filter_map(|run| {
        let measures = &run.measures;
        let value = match (&subject.phase, subject.measure) {
            (Some(phase), _) => {
                measures.phases.iter().find(|other| other.name == *phase)?.peak.value().map(SignedBytes::from)
            }
            (None, Measure::Peak) => measures.peak.value().map(|peak| peak.value.into()),
            (None, Measure::Startup) => measures.startup.value().map(SignedBytes::from),
            (None, Measure::Retained) => measures.retained.value(),
        };
        Some((value?, run))
    });
    let value = values.max_by_key(|(value, _)| *value).map_or_else(
        || MISSING.to_owned(),
        |(value, run)| {
            let is_peak = *subject == Subject { phase: None, measure: Measure::Peak };
            if is_peak { with_bound(run, &value.plain()) } else { value.plain() }
        },
    );
    Row {
        workload: plain(&judged.name, NAME),
        measure: name(subject),
        value,
        limit: String::new(),
        baseline: String::new(),
        change: String::new(),
        outcome: None,
    }
}

/// A peak that may have been higher says so where the measuring was poor, with its bound where that is worth a look: above 2 %,
/// and above what small programs differ by anyway.
fn with_bound(run: &JudgedRun, value: &str) -> String {
    let Some(peak) = run.measures.peak.value().filter(|_| run.measures.quality != Quality::Good) else {
        return value.to_owned();
    };
    let worth_a_look = |most: Bytes| most.as_f64() > peak.value.as_f64() * 1.02 && most > peak.value + SMALL;
    match peak.certainty {
        Certainty::Exact => value.to_owned(),
        Certainty::AtMost(most) if worth_a_look(most) => format!("≥ {value} (≤ {most})"),
        Certainty::AtMost(_) | Certainty::AtLeast => format!("≥ {value}"),
    }
}

/// `peak`, `startup`, `load peak`.
#[must_use]
pub fn name(subject: &Subject) -> String {
    match &subject.phase {
        Some(phase) => format!("{} {}", plain(phase, NAME), subject.measure.name()),
        None => subject.measure.name().to_owned(),
    }
}
