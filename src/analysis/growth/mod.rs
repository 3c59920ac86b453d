//! How fast memory grows once start-up is over.

mod theil_sen;

use std::time::Duration;

use self::theil_sen::{Slope, slope};
use super::levels::Levels;
use crate::units::{Bytes, Rate, Uncertainty};

/// Cells of the steady part, at most.
pub(super) const CELLS: u32 = 512;
/// The steady part is looked at in so many blocks, and in fewer: noise that remembers longer than a block shows in a difference.
const BLOCKS: [usize; 2] = [16, 10];
/// A shorter steady part tells nothing about a minute.
const SHORTEST: Duration = Duration::from_secs(1);

/// The robust slope of the steady part: after ready and before the final drop.
///
/// The part is cut into 16 blocks, and into 10. Of each block the median level is taken, or the lowest, whichever lies straighter
/// (the lowest where a garbage collector runs: what is left after it). The slope between the blocks is Theil's and Sen's: the
/// median of the slopes of all pairs. Its interval is Sen's, widened as far as the blocks remember each other (Hamed and Rao, 1998),
/// and covers what both cuts give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// The estimate.
    pub slope: Rate,
    /// The lower end of its 95 % confidence interval, and of the uncertainty of the levels.
    pub low: Rate,
    /// The upper end.
    pub high: Rate,
}

impl Growth {
    /// Whether memory grows beyond doubt: the whole interval is above zero.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.low > Rate::ZERO
    }

    /// The slope where it is beyond doubt that there is one, up or down; else none: what a plateau has, whatever its noise.
    #[must_use]
    pub fn sure(&self) -> Rate {
        if self.low > Rate::ZERO || self.high < Rate::ZERO { self.slope } else { Rate::ZERO }
    }

    /// The same with the uncertainty of the rise from the first level to the last, which took so long.
    pub(super) fn widened(self, rise: Uncertainty, lasted: Duration) -> Self {
        let per_time = |bytes: Bytes| Rate::per_second(bytes.as_f64() / lasted.as_secs_f64());
        Self {
            low: self.low.minus(per_time(rise.below)),
            high: Rate(self.high.0.saturating_add(per_time(rise.above).0)),
            ..self
        }
    }

    /// Whether a slope of so much more or less would not have been told from this one: half of the interval is wider.
    #[must_use]
    pub fn hides(&self, slope: Rate) -> bool {
        self.high.minus(self.low).0 / 2 > slope.0
    }
}

/// The growth of a part that lasted so long; its levels may go on after it. None where it is too short to tell.
pub(super) fn growth(levels: &Levels, lasted: Duration) -> Option<Growth> {
    let cell = levels.cell().as_secs_f64();
    let whole = (lasted.as_secs_f64() / cell) as usize;
    let steady = &levels.get()[..whole.min(levels.get().len())];
    if lasted < SHORTEST || steady.len() < BLOCKS[1] {
        return None;
    }
    let of = |statistic: fn(&mut [u64]) -> u64| {
        let slopes = BLOCKS.map(|blocks| slope(&values(steady, blocks.min(steady.len()), statistic)));
        let [first, second] = slopes;
        Slope { low: first.low.min(second.low), high: first.high.max(second.high), ..first }
    };
    let (middle, lowest) = (of(median), of(least));
    let straighter = if lowest.high - lowest.low < middle.high - middle.low { lowest } else { middle };
    let rate = |per_cell: f64| Rate::per_second(per_cell / cell);
    Some(Growth { slope: rate(straighter.slope), low: rate(straighter.low), high: rate(straighter.high) })
}

/// One value for each block, with its middle in cells.
fn values(levels: &[u64], blocks: usize, statistic: fn(&mut [u64]) -> u64) -> Vec<(f64, f64)> {
    let edge = |block: usize| block * levels.len() / blocks;
    let value = |block: usize| {
        let (from, to) = (edge(block), edge(block + 1));
        ((from + to) as f64 / 2.0, statistic(&mut levels[from..to].to_vec()) as f64)
    };
    (0..blocks).map(value).collect()
}

fn median(levels: &mut [u64]) -> u64 {
    levels.sort_unstable();
    let upper = levels.len() / 2;
    if levels.len() % 2 == 1 { levels[upper] } else { levels[upper - 1].midpoint(levels[upper]) }
}

fn least(levels: &mut [u64]) -> u64 {
    levels.iter().copied().min().unwrap_or(0)
}

#[cfg(test)]
mod tests;
