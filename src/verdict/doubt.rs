use crate::analysis::{Peak, Quality};
use crate::trace::PeakBound;
use crate::units::SignedBytes;

use super::{JudgedRun, Measure, Subject};

/// Why runs that were found below a limit may have been above it: the first one whose measuring was poor. A single process is
/// proven by its high-water mark all the same, whatever the readings missed; of several, one may have come and gone unseen.
pub(super) fn doubt(subject: &Subject, runs: &[JudgedRun], limit: SignedBytes) -> Option<String> {
    runs.iter().find_map(|run| {
        let Quality::Poor(why) = &run.measures.quality else { return None };
        let is_below = |peak: Peak| SignedBytes::from(peak.value) <= limit;
        let proven = subject.measure != Measure::Retained
            && run.record.peak_bound == PeakBound::Exact
            && run.measures.peak.value().is_some_and(is_below);
        let run = if runs.len() == 1 { String::new() } else { format!("run {}: ", run.record.run) };
        (!proven).then(|| format!("{run}{why}"))
    })
}
