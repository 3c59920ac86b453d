use std::time::Duration;

use super::segments::Outline;
use crate::trace::{CurveBuilder, RunRecord, Sample};
use crate::units::Bytes;

/// What is seen of all rows at one go, whatever is asked of them.
pub(super) struct Survey {
    pub(super) samples: u64,
    /// The highest, and where it was first reached.
    pub(super) peak: Option<(Bytes, Duration)>,
    /// The most that the metric can have been.
    pub(super) high: Bytes,
    /// The most that it surely was.
    pub(super) low: Bytes,
    pub(super) outline: Outline,
    pub(super) curve: CurveBuilder,
}

impl Survey {
    /// Of a run that lasted so long.
    pub(super) fn new(record: &RunRecord, duration: Duration) -> Self {
        Self {
            samples: 0,
            peak: None,
            high: Bytes::ZERO,
            low: Bytes::ZERO,
            outline: Outline::new(duration, record.interval),
            curve: CurveBuilder::new(record.interval),
        }
    }

    pub(super) fn push(&mut self, sample: &Sample) {
        self.samples += 1;
        if self.peak.is_none_or(|(highest, _)| sample.peak > highest) {
            self.peak = Some((sample.peak, sample.at));
        }
        self.high = self.high.max(sample.uncertainty.high(sample.peak));
        self.low = self.low.max(sample.uncertainty.low(sample.peak));
        self.outline.push(sample.at, sample.memory);
        self.curve.push(sample);
    }
}
