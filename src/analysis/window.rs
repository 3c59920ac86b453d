//! The peak of a window whose ends fall between samples.

use std::time::Duration;

use super::model::Estimate;
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
///
/// Each row's uncertainty counts for the value that it is counted with.
pub(super) struct Window {
    from: Duration,
    until: Duration,
    before: Option<Estimate<Bytes>>,
    within: Option<Estimate<Bytes>>,
    after: Option<Estimate<Bytes>>,
}

impl Window {
    pub(super) fn new(from: Duration, until: Duration) -> Self {
        Self { from, until, before: None, within: None, after: None }
    }

    pub(super) fn push(&mut self, row: &Sample) {
        let estimate = |value| Estimate::read(value, row.uncertainty);
        if row.at < self.from {
            self.before = Some(estimate(row.memory));
        } else if row.at <= self.until {
            let peak = estimate(row.peak);
            self.within = Some(self.within.map_or(peak, |highest| highest.max(peak)));
        } else {
            self.after.get_or_insert(estimate(row.memory));
        }
    }

    /// None where no row tells.
    pub(super) fn peak(&self) -> Option<Estimate<Bytes>> {
        let Some(within) = self.within else {
            let unchanged = self.before.zip(self.after).filter(|(before, after)| before.value == after.value);
            return unchanged.map(|(before, after)| before.max(after));
        };
        Some(self.after.map_or(within, |after| within.max(after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::rows;
    use crate::units::{Quantity, Uncertainty};

    fn peak(from_ms: u64, until_ms: u64, samples: &[(u64, u64, u64)]) -> Option<u64> {
        let mut window = Window::new(Duration::from_millis(from_ms), Duration::from_millis(until_ms));
        rows(samples).iter().for_each(|row| window.push(row));
        window.peak().map(|peak| peak.value.0)
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

    #[test]
    fn the_interval_covers_every_row_and_the_memory_after() {
        let mut samples = rows(&[(0, 100, 100), (10, 200, 200), (20, 150, 150), (30, 190, 500)]);
        let interval = |samples: &[Sample], until: u64| {
            let mut window = Window::new(Duration::ZERO, Duration::from_millis(until));
            samples.iter().for_each(|row| window.push(row));
            let peak = window.peak().unwrap();
            (peak.low().number(), peak.value.0, peak.high().map(Quantity::number))
        };
        samples[1].uncertainty = Uncertainty { below: Bytes(80), above: Bytes(10) };
        samples[2].uncertainty = Uncertainty { below: Bytes(20), above: Bytes(70) };
        samples[3].uncertainty = Uncertainty { below: Bytes(5), above: Bytes(90) };
        assert_eq!(interval(&samples, 5), (120, 200, Some(210)), "the row after counts with its memory");
        assert_eq!(interval(&samples, 15), (130, 200, Some(220)));
        assert_eq!(interval(&samples, 25), (185, 200, Some(280)));
        samples[0].uncertainty = Uncertainty { below: Bytes(700), ..Uncertainty::UNBOUNDED };
        assert_eq!(interval(&samples[..1], 5), (0, 100, None), "no memory is below zero");
        assert_eq!(interval(&samples, 25), (185, 200, None));
    }
}
