use crate::analysis::{Certainty, Growth, Peak, Quality};
use crate::units::{Bytes, Quantity, Rate};

use super::{JudgedRun, Measure, Subject};

/// Why runs that were found below a limit may have been above it: the first one of which that is so.
pub(super) fn doubt(subject: &Subject, runs: &[JudgedRun], limit: Quantity) -> Option<String> {
    runs.iter().find_map(|run| {
        let why = gaps(subject, run, limit).or_else(|| scatter(subject, run, limit))?;
        Some(if runs.len() == 1 { why } else { format!("run {}: {why}", run.record.run) })
    })
}

/// The measuring was poor. Where it is known how high the peak can have been, and that is below the limit, the run is proven
/// whatever the readings missed.
fn gaps(subject: &Subject, run: &JudgedRun, limit: Quantity) -> Option<String> {
    let Quality::Poor(why) = &run.measures.quality else { return None };
    let highest = run.measures.peak.value().and_then(at_most);
    let is_proven = matches!(subject.measure, Measure::Peak | Measure::Startup)
        && highest.is_some_and(|highest| Quantity::from(highest) <= limit);
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

fn at_most(peak: Peak) -> Option<Bytes> {
    match peak.certainty {
        Certainty::Exact => Some(peak.value),
        Certainty::AtMost(most) => Some(most),
        Certainty::AtLeast => None,
    }
}
