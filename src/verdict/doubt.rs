use crate::analysis::{Growth, Quality};
use crate::trace::PeakCertainty;
use crate::units::{Quantity, Rate};

use super::{JudgedRun, Measure, Subject};

/// The first reason why a passing value cannot be trusted.
pub(super) fn doubt(subject: &Subject, runs: &[JudgedRun], limit: Quantity) -> Option<String> {
    runs.iter().find_map(|run| {
        let why = gaps(subject, run, limit)
            .or_else(|| scatter(subject, run, limit))
            .or_else(|| straddles(subject, run, limit))?;
        Some(if runs.len() == 1 { why } else { format!("run {}: {why}", run.record.run) })
    })
}

/// The limit lies inside the uncertainty of the value.
pub(super) fn straddles(subject: &Subject, run: &JudgedRun, limit: Quantity) -> Option<String> {
    let (low, high) = subject.range(&run.measures)?;
    (low <= limit && limit < high).then(|| {
        format!(
            "it lies between {} and {}: processes share memory, ended while growing, or can't be read; `--source cgroup` measures \
             such programs exactly",
            low.plain(),
            high.plain()
        )
    })
}

/// The measuring was poor. If the system's marks cover the gaps and the peak is below the limit,
/// the run is proven all the same.
fn gaps(subject: &Subject, run: &JudgedRun, limit: Quantity) -> Option<String> {
    let Quality::Poor(why) = &run.measures.quality else { return None };
    let is_proven = matches!(subject.measure, Measure::Peak | Measure::Startup)
        && run.measures.peak.value().is_some_and(|peak| {
            peak.certainty == PeakCertainty::Exact && Quantity::from(peak.uncertainty.high(peak.value)) <= limit
        });
    (!is_proven).then(|| why.clone())
}

/// Memory went up and down so much, or was seen for so short, that growth at the limit would not have been told from none.
/// Where none at all is allowed, none was found.
fn scatter(subject: &Subject, run: &JudgedRun, limit: Quantity) -> Option<String> {
    let (Measure::Growth, Quantity::Rate(limit)) = (subject.measure, limit) else { return None };
    let growth = subject.growth(&run.measures).value()?;
    let Growth { low, high, .. } = growth;
    (limit > Rate::ZERO && high > limit && growth.hides(limit)).then(|| {
        let (low, high) = (low.signed(), high.signed());
        format!("it lies between {low} and {high}, and growth of {limit} would not be told from none: a longer run tells more")
    })
}
