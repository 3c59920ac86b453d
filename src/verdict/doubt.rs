use crate::analysis::{Certainty, Quality};
use crate::units::SignedBytes;

use super::{JudgedRun, Measure, Subject};

/// Why runs that were found below a limit may have been above it: the first one whose measuring was poor, unless the kernel's
/// own marks prove that its whole tree was never above the limit, whatever the readings missed.
pub(super) fn doubt(subject: &Subject, runs: &[JudgedRun], limit: SignedBytes) -> Option<String> {
    runs.iter().find_map(|run| {
        let Quality::Poor(why) = &run.measures.quality else { return None };
        let proven = subject.measure != Measure::Retained
            && run.measures.peak.value().is_some_and(|peak| match peak.certainty {
                Certainty::Exact => SignedBytes::from(peak.value) <= limit,
                Certainty::AtMost(most) => SignedBytes::from(most) <= limit,
            });
        let run = if runs.len() == 1 { String::new() } else { format!("run {}: ", run.record.run) };
        (!proven).then(|| format!("{run}{why}"))
    })
}
