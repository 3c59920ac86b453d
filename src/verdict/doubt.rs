use crate::analysis::{Growth, Quality};
use crate::trace::PeakCertainty;
use crate::units::{Quantity, Rate};

use super::{CheckKind, JudgedRun, Measure, Subject};

/// The first reason why a passing value cannot be trusted.
pub(super) fn doubt(kind: CheckKind, subject: &Subject, runs: &[JudgedRun], limit: Quantity) -> Option<String> {
    runs.iter().find_map(|run| {
        let why = gaps(subject, run, limit)
            .or_else(|| scatter(subject, run, limit))
            .or_else(|| straddles(kind, subject, run, limit))?;
        Some(if runs.len() == 1 { why } else { format!("run {}: {why}", run.record.run) })
    })
}

/// The limit lies inside the uncertainty of the value. A regression compares estimates of one kind,
/// so that only one without an upper bound is in doubt.
fn straddles(kind: CheckKind, subject: &Subject, run: &JudgedRun, limit: Quantity) -> Option<String> {
    let estimate = subject.estimate(&run.measures).value()?;
    let (low, high) = (estimate.low(), estimate.high());
    let is_inside = low <= limit && high.is_none_or(|high| kind == CheckKind::Budget && limit < high);
    is_inside.then(|| {
        let (range, why) = match high {
            Some(high) => {
                let range = format!("lies between {} and {}", low.plain(), high.plain());
                (range, "processes share memory or ended while growing")
            }
            None => (format!("is at least {}", low.plain()), "the memory of some processes could not be read"),
        };
        format!("it {range}: {why}; `--source cgroup` measures such programs exactly")
    })
}

/// The measuring was poor. If the system's marks cover the gaps and the peak is below the limit,
/// the run is proven all the same.
fn gaps(subject: &Subject, run: &JudgedRun, limit: Quantity) -> Option<String> {
    let Quality::Poor(why) = &run.measures.quality else { return None };
    let is_proven = matches!(subject.measure, Measure::Peak | Measure::Startup)
        && run.measures.peak.value().is_some_and(|peak| {
            let high = peak.estimate().high();
            peak.certainty == PeakCertainty::Exact && high.is_some_and(|high| high <= limit)
        });
    (!is_proven).then(|| format!("{why}: run it again, where less else is running"))
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
