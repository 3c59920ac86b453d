//! Where start-up seems to end, for a proposal: nothing is judged by it.

use std::time::Duration;

use super::{Segment, SegmentKind};

/// A ramp that rises by less than this part of the level before it does not end a calm.
const MIN_RISE: f64 = 0.05;
/// A calm shorter than this part of the time before it is none.
const MIN_CALM: f64 = 0.1;

/// The end of the first ramp that is followed by a calm, which lasts until the next ramp or the end of the run.
///
/// A calm that is shorter than the next ramp is a pause within start-up. If that ramp takes three times the level so far, a calm
/// shorter than three times its length is one, too.
pub(in crate::analysis) fn seeming_end(segments: &[Segment]) -> Option<Duration> {
    let run = segments.last()?.to;
    let is_ramp = |segment: &Segment| segment.kind == SegmentKind::Ramp;
    segments.iter().enumerate().filter(|(_, segment)| is_ramp(segment)).find_map(|(index, ramp)| {
        let level = ramp.to_level.as_f64().max(1.0);
        let later = &segments[index + 1..];
        let next = later.iter().position(|next| is_ramp(next) && next.rise.as_f64() > level * MIN_RISE);
        let (calm_end, pause) = next.map_or((run, 0.0), |next| {
            // A ramp may be of several slopes.
            let ramps = later[next..].iter().take_while(|next| is_ramp(next));
            let (lasts, rise) = ramps.fold((0.0, 0.0), |(lasts, rise), ramp| {
                (lasts + (ramp.to - ramp.from).as_secs_f64(), rise + ramp.rise.as_f64())
            });
            (later[next].from, lasts * (rise / level).max(1.0))
        });
        let calm = (calm_end - ramp.to).as_secs_f64();
        (calm > 0.0 && calm >= pause && calm >= ramp.to.as_secs_f64() * MIN_CALM).then_some(ramp.to)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Bytes, Percent};
    use SegmentKind::{Drop, Growth, Plateau, Ramp};

    /// The end in ms, of segments that follow one another: kind, end in ms, level there in MiB.
    fn end(parts: &[(SegmentKind, u64, u64)]) -> Option<u128> {
        let (mut from, mut from_level) = (Duration::ZERO, Bytes::ZERO);
        let segment = |(kind, to, level): &(SegmentKind, u64, u64)| {
            let (to, to_level) = (Duration::from_millis(*to), Bytes::from_mib(*level));
            let rise = to_level - from_level;
            let segment = Segment { kind: *kind, from, to, from_level, to_level, rise, share: Percent(0.0) };
            (from, from_level) = (to, to_level);
            segment
        };
        seeming_end(&parts.iter().map(segment).collect::<Vec<_>>()).map(|end| end.as_millis())
    }

    #[test]
    fn start_up_ends_with_the_first_ramp_before_a_calm() {
        assert_eq!(end(&[(Ramp, 300, 100), (Plateau, 9000, 101)]), Some(300));
        assert_eq!(end(&[(Ramp, 300, 100), (Growth, 9000, 400)]), Some(300));
        assert_eq!(end(&[(Ramp, 300, 100), (Drop, 310, 60), (Plateau, 9000, 60)]), Some(300));
        assert_eq!(end(&[(Ramp, 700, 100), (Plateau, 900, 100), (Ramp, 910, 102), (Plateau, 9000, 102)]), Some(700));
        let server = [(Ramp, 700, 100), (Plateau, 10_000, 100), (Ramp, 12_000, 400), (Plateau, 40_000, 400)];
        assert_eq!(end(&server), Some(700));
    }

    #[test]
    fn a_pause_within_start_up_does_not_end_it() {
        let shoulder = [(Ramp, 1000, 196), (Plateau, 1600, 200), (Ramp, 3000, 916), (Plateau, 20_000, 916)];
        assert_eq!(end(&shoulder), Some(3000));
        let stall = [
            (Ramp, 10, 5),
            (Plateau, 25, 5),
            (Ramp, 35, 16),
            (Plateau, 250, 17),
            (Ramp, 510, 117),
            (Plateau, 2000, 117),
        ];
        assert_eq!(end(&stall), Some(510));
        let slopes = [
            (Ramp, 110, 18),
            (Plateau, 290, 18),
            (Ramp, 395, 53),
            (Plateau, 445, 53),
            (Ramp, 455, 72),
            (Ramp, 697, 118),
            (Plateau, 2138, 118),
        ];
        assert_eq!(end(&slopes), Some(697));
    }

    #[test]
    fn a_curve_without_a_calm_after_a_ramp_has_no_end_of_start_up() {
        assert_eq!(end(&[]), None);
        assert_eq!(end(&[(Plateau, 9000, 100)]), None);
        assert_eq!(end(&[(Growth, 9000, 100)]), None);
        assert_eq!(end(&[(Ramp, 9000, 100)]), None);
        assert_eq!(end(&[(Ramp, 3000, 100), (Growth, 3200, 110), (Ramp, 9000, 400)]), None);
    }
}
