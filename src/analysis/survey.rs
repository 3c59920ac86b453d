use std::time::Duration;

use super::model::Estimate;
use super::segments::Outline;
use crate::trace::{CurveBuilder, RunRecord, Sample};
use crate::units::Bytes;

/// What is seen of all rows at one go, whatever is asked of them.
pub(super) struct Survey {
    pub(super) samples: u64,
    /// The highest, and where it was first reached.
    pub(super) peak: Option<(Estimate<Bytes>, Duration)>,
    pub(super) outline: Outline,
    pub(super) curve: CurveBuilder,
}

impl Survey {
    /// Of a run that lasted so long.
    pub(super) fn new(record: &RunRecord, duration: Duration) -> Self {
        Self {
            samples: 0,
            peak: None,
            outline: Outline::new(duration, record.interval),
            curve: CurveBuilder::new(record.interval),
        }
    }

    pub(super) fn push(&mut self, sample: &Sample) {
        self.samples += 1;
        let peak = Estimate { value: sample.peak, uncertainty: sample.uncertainty };
        self.peak = Some(match self.peak {
            Some((highest, at)) => (highest.max(peak), if peak.value > highest.value { sample.at } else { at }),
            None => (peak, sample.at),
        });
        self.outline.push(sample.at, sample.memory);
        self.curve.push(sample);
    }
}
