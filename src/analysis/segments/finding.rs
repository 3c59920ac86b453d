use std::time::Duration;

use super::{Segment, SegmentKind};
use crate::analysis::{Measured, Measures, Peak};
use crate::units::{Bytes, Percent, Rate};

/// The first thing to say of a run: what took the largest part of its peak. Shares are of the peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// Most was taken until ready or, where there is no `ready`, by a rise that begins at the launch.
    StartUp {
        /// The end of start-up, or of the rise.
        until: Duration,
        /// The highest level until then.
        share: Percent,
        /// What came after it; None where the run ended there.
        after: Option<After>,
        /// Whether a `ready` gave the end.
        has_ready: bool,
    },
    /// Most was taken by a ramp later on.
    Ramp {
        /// Where it begins.
        from: Duration,
        /// Where it ends.
        to: Duration,
        /// Its rise.
        share: Percent,
        /// The highest level until ready; None where there is no `ready`.
        start_up: Option<Percent>,
    },
    /// Most was taken little by little.
    Growth {
        /// Where it begins.
        from: Duration,
        /// Where it ends.
        to: Duration,
        /// Its rise.
        share: Percent,
        /// How fast.
        rate: Rate,
        /// The highest level until ready; None where there is no `ready`.
        start_up: Option<Percent>,
    },
    /// Most stands above the level around it, for a moment after start-up.
    Spike {
        /// When.
        at: Duration,
        /// How far it stands above.
        share: Percent,
        /// The highest level until ready; None where there is no `ready`.
        start_up: Option<Percent>,
    },
}

/// What came after start-up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct After {
    /// From ready to the end of the run.
    pub lasted: Duration,
    /// How far the peak is above start-up.
    pub share: Percent,
}

/// The first thing to say of a run. None where nothing was measured, or it never got ready.
#[must_use]
pub fn finding(measures: &Measures) -> Option<Finding> {
    let peak = measures.peak.value().filter(|peak| peak.value > Bytes::ZERO)?;
    let given = match (&measures.ready, &measures.startup) {
        (Measured::Value(ready), Measured::Value(startup)) => Some((*ready, startup.value)),
        (Measured::NotAsked, _) => None,
        _ => return None,
    };
    let of_peak = |bytes: Bytes| Percent(bytes.as_f64() / peak.value.as_f64() * 100.0);
    let start_up = given.map(|(_, startup)| of_peak(startup));
    let (ready, startup) = given.unwrap_or_default();
    let largest = measures
        .segments
        .iter()
        .filter(|segment| segment.from >= ready && matches!(segment.kind, SegmentKind::Ramp | SegmentKind::Growth))
        .max_by_key(|segment| segment.rise)
        .filter(|segment| segment.rise.0 > 0 && segment.rise.magnitude() > startup);
    let spike = spike(&measures.segments, &peak);
    if peak.at >= ready && spike > largest.map_or(startup, |segment| segment.rise.magnitude()) {
        return Some(Finding::Spike { at: peak.at, share: of_peak(spike), start_up });
    }
    let from_launch = |until: Duration, level: Bytes| {
        let lasted = measures.duration.saturating_sub(until);
        let share = of_peak(peak.value.saturating_sub(level));
        let after = (!lasted.is_zero()).then_some(After { lasted, share });
        Finding::StartUp { until, share: of_peak(level), after, has_ready: given.is_some() }
    };
    let Some(segment) = largest else { return given.map(|(ready, startup)| from_launch(ready, startup)) };
    if given.is_none() && segment.from.is_zero() && segment.kind == SegmentKind::Ramp {
        return Some(from_launch(segment.to, segment.to_level.min(peak.value)));
    }
    let (from, to, share) = (segment.from, segment.to, of_peak(segment.rise.magnitude()));
    Some(match (segment.kind, segment.rate()) {
        (SegmentKind::Growth, Some(rate)) => Finding::Growth { from, to, share, rate, start_up },
        _ => Finding::Ramp { from, to, share, start_up },
    })
}

/// How far the peak is above the straight stretch that it lies in: what comes and goes within a 256th of the run is in none.
fn spike(segments: &[Segment], peak: &Peak) -> Bytes {
    let around = segments.iter().find(|segment| (segment.from..=segment.to).contains(&peak.at));
    around.map_or(Bytes::ZERO, |segment| peak.value.saturating_sub(segment.level_at(peak.at)))
}
