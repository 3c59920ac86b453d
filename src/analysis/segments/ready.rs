//! The end of start-up, where nobody told it.

use std::time::Duration;

use super::{Segment, SegmentKind};
use crate::units::{Bytes, format_duration};

/// A rise of less than this part of the level does not end a calm.
const RISE: f64 = 0.05;
/// Start-up that is found is followed by a calm of at least so many times its own length.
const LEAST: f64 = 0.1;

/// How sure it is where start-up ended, if the analysis had to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sureness {
    /// The calm after it is shorter than start-up itself, or another end would do nearly as well.
    Unsure,
    /// The calm after it is longer than start-up, and 1.5 times more so than after any other rise.
    Likely,
    /// The calm after it is three times as long as start-up, and three times more so than after any other rise.
    Sure,
}

impl Sureness {
    /// As the files and people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsure => "unsure",
            Self::Likely => "likely",
            Self::Sure => "sure",
        }
    }
}

/// Where start-up ends: after the ramp that is followed by the longest calm, in proportion to the time until then; a calm lasts
/// until the next ramp of more than 5 % of the level. So a shoulder of start-up, which is short against what stands before it, is
/// passed over, and so is a load that comes long after it. The steady part ends at `until`.
///
/// # Errors
/// A reason, as a sentence for people without a full stop, where there is no such end.
pub(in crate::analysis) fn find_ready(
    segments: &[Segment],
    first: Duration,
    until: Duration,
) -> Result<(Duration, Sureness), String> {
    if segments.is_empty() {
        return Err("there are too few samples to find the end of start-up".to_owned());
    }
    let is_ramp = |segment: &Segment| segment.kind == SegmentKind::Ramp;
    let rises = |segment: &Segment| matches!(segment.kind, SegmentKind::Ramp | SegmentKind::Growth);
    let mut ends: Vec<(f64, Duration)> = candidates(segments, until, is_ramp);
    if ends.is_empty() {
        ends = candidates(segments, until, rises);
    }
    if ends.is_empty() && !segments.iter().any(rises) {
        // It held all that it needed before the first reading.
        return Ok((first, Sureness::Sure));
    }
    ends.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let Some((calm, at)) = ends.first().copied().filter(|(calm, _)| *calm >= LEAST) else {
        let until = format_duration(until);
        return Err(format!("memory rose until {until}, so that the end of start-up could not be found"));
    };
    let apart = ends.get(1).map_or(f64::INFINITY, |second| calm / second.0);
    let sureness = match (calm, apart) {
        (3.0.., 3.0..) => Sureness::Sure,
        (1.0.., 1.5..) => Sureness::Likely,
        _ => Sureness::Unsure,
    };
    Ok((at, sureness))
}

/// Ends of rises with the calm after each, as a multiple of the time until then.
fn candidates(segments: &[Segment], until: Duration, rises: impl Fn(&Segment) -> bool) -> Vec<(f64, Duration)> {
    let mut found = Vec::new();
    for (index, segment) in segments.iter().enumerate().filter(|(_, segment)| rises(segment) && segment.to < until) {
        let most = Bytes((segment.to_level.as_f64() * RISE) as u64);
        let next = segments[index + 1..]
            .iter()
            .find(|next| next.kind == SegmentKind::Ramp && next.rise.magnitude() > most)
            .map_or(until, |next| next.from.min(until));
        let calm = next.saturating_sub(segment.to).as_secs_f64() / segment.to.as_secs_f64().max(f64::MIN_POSITIVE);
        found.push((calm, segment.to));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Percent;
    use SegmentKind::{Drop, Growth, Plateau, Ramp};

    /// Segments that follow one another: kind, end in ms, level there in MiB.
    fn segments(parts: &[(SegmentKind, u64, u64)]) -> Vec<Segment> {
        let (mut from, mut from_level) = (Duration::ZERO, Bytes::ZERO);
        let segment = |(kind, to, level): &(SegmentKind, u64, u64)| {
            let (to, to_level) = (Duration::from_millis(*to), Bytes::from_mib(*level));
            let rise = to_level - from_level;
            let segment = Segment { kind: *kind, from, to, from_level, to_level, rise, share: Percent(0.0) };
            (from, from_level) = (to, to_level);
            segment
        };
        parts.iter().map(segment).collect()
    }

    fn ready(parts: &[(SegmentKind, u64, u64)]) -> Result<(u128, Sureness), String> {
        let segments = segments(parts);
        let until = segments.last().map_or(Duration::ZERO, |last| last.to);
        find_ready(&segments, Duration::from_millis(2), until).map(|(at, sureness)| (at.as_millis(), sureness))
    }

    #[test]
    fn start_up_ends_after_the_first_ramp_that_a_long_calm_follows() {
        let simple = [(Ramp, 300, 100), (Plateau, 9000, 101)];
        assert_eq!(ready(&simple), Ok((300, Sureness::Sure)));
        let then_grows = [(Ramp, 300, 100), (Growth, 9000, 400)];
        assert_eq!(ready(&then_grows), Ok((300, Sureness::Sure)));
        let gives_back = [(Ramp, 300, 100), (Drop, 310, 60), (Plateau, 9000, 60)];
        assert_eq!(ready(&gives_back), Ok((300, Sureness::Sure)));
    }

    #[test]
    fn an_early_shoulder_is_not_the_end_of_start_up() {
        let shoulder = [(Ramp, 1000, 196), (Plateau, 1600, 200), (Ramp, 3000, 916), (Plateau, 20_000, 916)];
        assert_eq!(ready(&shoulder), Ok((3000, Sureness::Sure)));
        let long = [(Ramp, 700, 88), (Plateau, 1500, 88), (Ramp, 3100, 300), (Plateau, 12_000, 300)];
        assert_eq!(ready(&long), Ok((3100, Sureness::Likely)));
    }

    #[test]
    fn a_load_that_comes_long_after_start_up_is_no_part_of_it() {
        let server = [(Ramp, 700, 100), (Plateau, 10_000, 100), (Ramp, 12_000, 400), (Plateau, 40_000, 400)];
        assert_eq!(ready(&server), Ok((700, Sureness::Sure)));
        let step = [(Ramp, 700, 100), (Plateau, 900, 100), (Ramp, 910, 102), (Plateau, 9000, 102)];
        assert_eq!(ready(&step), Ok((700, Sureness::Unsure)));
    }

    #[test]
    fn a_program_that_holds_all_it_needs_at_once_is_ready_at_the_first_sample() {
        assert_eq!(ready(&[(Plateau, 9000, 100)]), Ok((2, Sureness::Sure)));
    }

    #[test]
    fn a_rise_until_the_end_has_no_end_of_start_up() {
        for rising in [&[(Growth, 9000, 100)][..], &[(Ramp, 3000, 100), (Growth, 3200, 110), (Ramp, 9000, 400)]] {
            assert_eq!(
                ready(rising),
                Err("memory rose until 9.00 s, so that the end of start-up could not be found".to_owned())
            );
        }
        assert!(ready(&[]).unwrap_err().contains("too few samples"));
    }

    #[test]
    fn a_slow_rise_that_ends_is_start_up_where_there_is_no_ramp() {
        assert_eq!(ready(&[(Growth, 6000, 100), (Plateau, 9000, 100)]), Ok((6000, Sureness::Unsure)));
    }
}
