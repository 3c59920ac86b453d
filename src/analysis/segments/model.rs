use std::time::Duration;

use crate::units::{Bytes, Percent, Rate, SignedBytes};

/// What memory does in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SegmentKind {
    /// It rises fast: what is taken here is taken at one go.
    Ramp,
    /// It rises slowly, for long.
    Growth,
    /// It stays, but for noise.
    Plateau,
    /// It falls.
    Drop,
}

impl SegmentKind {
    /// As the files and people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Growth => "growth",
            Self::Plateau => "plateau",
            Self::Drop => "drop",
        }
    }
}

/// A stretch of the curve that is nearly straight. Segments follow one another without a gap, the first from the launch, the
/// last until the end of the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// What memory does in it.
    pub kind: SegmentKind,
    /// Where it begins, since launch.
    pub from: Duration,
    /// Where it ends, since launch.
    pub to: Duration,
    /// The level at its begin: that of the straight line, of which noise is above and below.
    pub from_level: Bytes,
    /// The level at its end, of the line as well.
    pub to_level: Bytes,
    /// `to_level` less `from_level`.
    pub rise: SignedBytes,
    /// `rise` as a share of the total rise, which is the sum of all rises of the run (falls do not count against it). Zero where
    /// it does not rise.
    pub share: Percent,
}

impl Segment {
    /// The level of its straight line at a time within it.
    #[must_use]
    pub fn level_at(&self, at: Duration) -> Bytes {
        let (passed, length) =
            (at.saturating_sub(self.from).as_secs_f64(), self.to.saturating_sub(self.from).as_secs_f64());
        let share = if length > 0.0 { (passed / length).min(1.0) } else { 1.0 };
        let (from, to) = (self.from_level.as_f64(), self.to_level.as_f64());
        Bytes((from + (to - from) * share) as u64)
    }

    /// How fast memory rises in it. None of a segment without a length.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        Rate::of(self.rise, self.to.saturating_sub(self.from))
    }
}
