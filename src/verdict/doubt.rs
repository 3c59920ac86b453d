use crate::analysis::{Certainty, Peak, Quality};
use crate::units::{Bytes, SignedBytes};

use super::{JudgedRun, Measure, Subject};

/// Why runs that were found below a limit may have been above it: the first one whose measuring was poor. Where it is known how
/// high its peak can have been, and that is below the limit, the run is proven whatever the readings missed.
pub(super) fn doubt(subject: &Subject, runs: &[JudgedRun], limit: SignedBytes) -> Option<String> {
    runs.iter().find_map(|run| {
        let Quality::Poor(why) = &run.measures.quality else { return None };
        let highest = run.measures.peak.value().and_then(at_most);
        let is_proven =
            subject.measure != Measure::Retained && highest.is_some_and(|highest| SignedBytes::from(highest) <= limit);
        let run = if runs.len() == 1 { String::new() } else { format!("run {}: ", run.record.run) };
        (!is_proven).then(|| format!("{run}{why}"))
    })
}

fn at_most(peak: Peak) -> Option<Bytes> {
    match peak.certainty {
        Certainty::Exact => Some(peak.value),
        Certainty::AtMost(most) => Some(most),
        Certainty::AtLeast => None,
    }
}
