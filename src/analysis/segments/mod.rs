//! The curve as a few straight stretches.

mod finding;
mod knots;
mod model;
mod name;
mod outline;
mod pieces;
mod start_up;

use std::time::Duration;

pub use self::finding::{After, Finding, finding};
pub use self::model::{Segment, SegmentKind};
pub use self::outline::Outline;
pub(super) use self::start_up::seeming_end;
use crate::units::{Bytes, Percent};

/// Finds the straight stretches of a run. None where it has too few readings.
///
/// The same for the same rows on every machine: nothing is drawn by lot, and there is no arithmetic but sums, products, quotients
/// and square roots.
#[must_use]
pub fn segments(mut outline: Outline) -> Vec<Segment> {
    outline.finish();
    let named = name::name(&knots::knots(&outline), outline.run());
    let rise = |from: f64, to: f64| bytes(to) - bytes(from);
    let total: f64 = named.iter().map(|(_, from, to)| rise(from.level, to.level).as_f64().max(0.0)).sum();
    let last = named.len().saturating_sub(1);
    named
        .iter()
        .enumerate()
        .map(|(index, (kind, from, to))| {
            let rise = rise(from.level, to.level);
            let share = if total > 0.0 { rise.as_f64().max(0.0) / total * 100.0 } else { 0.0 };
            Segment {
                kind: *kind,
                from: seconds(from.at),
                to: if index == last { outline.run() } else { seconds(to.at) },
                from_level: bytes(from.level),
                to_level: bytes(to.level),
                rise,
                share: Percent(share),
            }
        })
        .collect()
}

fn bytes(level: f64) -> Bytes {
    Bytes(level.round() as u64)
}

fn seconds(at: f64) -> Duration {
    Duration::from_secs_f64(at.max(0.0))
}
