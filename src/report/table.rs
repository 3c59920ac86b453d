use crate::analysis::stats::median;
use crate::analysis::{Estimate, Measured, Peak, Quality};
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
    Row {
        workload: fit(&judged.name, NAME),
        measure: name(&check.subject),
        value: judged_value(judged, check).unwrap_or_else(|| MISSING.to_owned()),
        limit: amount(check.limit),
        baseline: if is_budget { String::new() } else { amount(check.baseline) },
        change: if is_budget { String::new() } else { check.change().map_or_else(String::new, Percent::signed) },
        outcome: Some(check.outcome),
    }
}

/// The value that a check judged, as shown. None if it is missing.
#[must_use]
pub(super) fn judged_value(judged: &Judged, check: &Check) -> Option<String> {
    let value = check.value?;
    let runs = judged.runs.iter().filter(|run| check.run.is_none_or(|number| run.record.run == number));
    Some(
        middle(&check.subject, runs)
            .filter(|middle| middle.value == value)
            .map_or_else(|| value.plain(), |middle| middle.text),
    )
}

/// What was measured in a run, as shown. None if it is missing.
#[must_use]
pub(super) fn run_value(subject: &Subject, run: &JudgedRun) -> Option<String> {
    Some(middle(subject, [run])?.text)
}

/// The median of some runs: its value, and the same as shown.
pub(super) struct Middle {
    pub(super) value: Quantity,
    pub(super) text: String,
}

/// The median of some runs, marked where its uncertainty is above 1%, and where sampling stalled. None if no run has the measure.
pub(super) fn middle<'a>(subject: &Subject, runs: impl IntoIterator<Item = &'a JudgedRun>) -> Option<Middle> {
    let runs: Vec<&JudgedRun> = runs.into_iter().collect();
    let estimates: Vec<Estimate<Quantity>> =
        runs.iter().filter_map(|run| subject.estimate(&run.measures).value()).collect();
    let all =
        |part: fn(Estimate<Quantity>) -> Quantity| median(&estimates.iter().copied().map(part).collect::<Vec<_>>());
    // The median of all true values lies between those of the lows and of the highs.
    let highs: Option<Vec<Quantity>> = estimates.iter().map(|estimate| estimate.high()).collect();
    let value = all(|estimate| estimate.value)?;
    let estimate = Estimate::between(all(Estimate::low)?, value, highs.and_then(|highs| median(&highs)));
    let peaks = |run: &&JudgedRun| Some(Quantity::from(run.measures.peak.value()?.value));
    let text = match subject.measure {
        Measure::Growth => {
            let highs = runs.iter().filter_map(|run| Some(subject.growth(&run.measures).value()?.high.into()));
            match median(&highs.collect::<Vec<Quantity>>()) {
                Some(high) if high > value.times(1.1) => format!("{} (≤ {})", value.plain(), high.plain()),
                _ => value.plain(),
            }
        }
        // A difference of two levels: what is 1% of it says nothing.
        Measure::Retained => {
            mark(estimate, median(&runs.iter().filter_map(peaks).collect::<Vec<_>>()).unwrap_or(value))
        }
        Measure::Peak | Measure::Startup => {
            let text = mark(estimate, value);
            if text == value.plain() && runs.iter().any(|run| has_stalled(run)) { format!("≥ {text}") } else { text }
        }
    };
    Some(Middle { value, text })
}

/// Memory that came and went while sampling stalled can be missing.
fn has_stalled(run: &JudgedRun) -> bool {
    let is_sampled = |peak: Peak| peak.certainty == PeakCertainty::Sampled;
    run.measures.quality != Quality::Good && run.measures.peak.value().is_some_and(is_sampled)
}

/// The value, with its uncertainty where that is above 1% of `scale`.
fn mark(estimate: Estimate<Quantity>, scale: Quantity) -> String {
    let text = estimate.value.plain();
    let Uncertainty { below, above } = estimate.uncertainty;
    let matters = |bytes: Bytes| bytes.as_f64() > scale.as_f64() / 100.0;
    match estimate.high() {
        None => format!("≥ {}", estimate.low().plain()),
        Some(_) if matters(below) => format!("{text} ± {}", below.max(above)),
        Some(high) if matters(above) => format!("≥ {text} (≤ {})", high.plain()),
        Some(_) => text,
    }
}

/// What was measured though nobody set a limit: the worst run's, as a budget would judge it.
fn unasked(judged: &Judged, subject: &Subject) -> Row {
    let values = judged.runs.iter().filter_map(|run| middle(subject, [run]));
    let value = values.max_by_key(|one| one.value).map_or_else(|| MISSING.to_owned(), |worst| worst.text);
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

/// `peak`, `startup`, `load peak`.
#[must_use]
pub fn name(subject: &Subject) -> String {
    match &subject.phase {
        Some(phase) => format!("{} {}", fit(phase, NAME), subject.measure.name()),
        None => subject.measure.name().to_owned(),
    }
}
