use std::time::Duration;

use super::model::Quality;
use crate::trace::Sampling;
use crate::units::format_duration;

/// A gap as long as this share of the run is too long…
const SHARE: f64 = 0.05;
/// …within these: a machine that is busy for a moment is no poor measuring, and a second is long for any program.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(1);

/// A reading may come so many intervals after the one before: who asks for few gets few.
const INTERVALS: u32 = 3;

/// Judges the measuring of a run that lasted so long and was to be read at this interval.
pub(super) fn quality(sampling: &Sampling, interval: Duration, duration: Duration) -> Quality {
    let most = duration.mul_f64(SHARE).clamp(SHORTEST, LONGEST).max(interval * INTERVALS);
    if sampling.longest_gap <= most {
        return Quality::Good;
    }
    Quality::Poor(format!(
        "for {} nothing could be read, and what was taken then was not seen",
        format_duration(sampling.longest_gap)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(gap_ms: u64, run_s: u64) -> Quality {
        let sampling = Sampling { longest_gap: Duration::from_millis(gap_ms), ..Sampling::default() };
        quality(&sampling, Duration::from_millis(10), Duration::from_secs(run_s))
    }

    #[test]
    fn a_gap_is_too_long_by_its_share_of_the_run_within_bounds() {
        for (gap_ms, run_s, good) in [
            (250, 1, true),
            (251, 1, false),
            (490, 10, true),
            (510, 10, false),
            (1000, 90_000, true),
            (1001, 90_000, false),
        ] {
            assert_eq!(after(gap_ms, run_s) == Quality::Good, good, "{gap_ms} ms in {run_s} s");
        }
    }
}
