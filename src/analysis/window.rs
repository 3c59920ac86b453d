//! The peak of a window whose ends fall between samples.

use std::time::Duration;

use crate::trace::Sample;
use crate::units::Bytes;

/// The highest value of the metric from one instant to another, both included, from rows that fall where they will.
///
/// What is known between two rows is the later row's peak, not on which side of a mark it was. So:
/// - rows within the window count with their peak; that of the first may have been up to one interval before the
///   window;
/// - the first row after the window counts with its memory alone: what was taken before the mark and is still there
///   is seen, what was taken and freed after it is not. This adds at most what was taken within one interval after
///   the mark;
/// - a window without a row has a value only where memory stayed as it was from the row before it to the row after.
pub(super) struct Window {
    from: Duration,
    until: Duration,
    before: Option<Bytes>,
    within: Option<Bytes>,
    after: Option<Bytes>,
}

impl Window {
    pub(super) fn new(from: Duration, until: Duration) -> Self {
        Self { from, until, before: None, within: None, after: None }
    }

    pub(super) fn push(&mut self, row: &Sample) {
        if row.at < self.from {
            self.before = Some(row.memory);
        } else if row.at <= self.until {
            self.within = self.within.max(Some(row.peak));
        } else {
            self.after.get_or_insert(row.memory);
        }
    }

    /// None where no row tells.
    pub(super) fn peak(&self) -> Option<Bytes> {
        match self.within {
            Some(_) => self.within.max(self.after),
            None => self.after.filter(|after| self.before == Some(*after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::rows;

    fn peak(from_ms: u64, until_ms: u64, samples: &[(u64, u64, u64)]) -> Option<u64> {
        let mut window = Window::new(Duration::from_millis(from_ms), Duration::from_millis(until_ms));
        rows(samples).iter().for_each(|row| window.push(row));
        window.peak().map(|bytes| bytes.0)
    }

    #[test]
    fn rows_within_count_with_their_peak_and_the_one_after_with_its_memory() {
        let samples = [(0, 1, 1), (10, 2, 9), (20, 3, 3), (30, 4, 50), (40, 60, 60)];
        assert_eq!(peak(0, 40, &samples), Some(60));
        assert_eq!(peak(0, 30, &samples), Some(60));
        assert_eq!(peak(0, 25, &samples), Some(9));
        assert_eq!(peak(15, 25, &samples), Some(4));
        assert_eq!(peak(5, 5, &samples), None);
        assert_eq!(peak(50, 60, &samples), None);
    }

    #[test]
    fn a_window_within_an_unchanged_stretch_has_its_level() {
        let samples = [(0, 7, 7), (1000, 7, 7), (1010, 8, 8)];
        assert_eq!(peak(300, 400, &samples), Some(7));
        assert_eq!(peak(1001, 1002, &samples), None);
    }
}
