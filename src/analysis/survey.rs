use std::time::Duration;

use super::model::Peak;
use super::segments::Outline;
use crate::trace::{CurveBuilder, PeakCertainty, RunRecord, Sample};

/// What is seen of all rows at one go, whatever is asked of them.
pub(super) struct Survey {
    pub(super) samples: u64,
    /// The highest, where it was first reached.
    pub(super) peak: Option<Peak>,
    certainty: PeakCertainty,
    pub(super) outline: Outline,
    pub(super) curve: CurveBuilder,
}

impl Survey {
    /// Of a run that lasted so long.
    pub(super) fn new(record: &RunRecord, duration: Duration) -> Self {
        Self {
            samples: 0,
            peak: None,
            certainty: record.peak_certainty,
            outline: Outline::new(duration, record.interval),
            curve: CurveBuilder::new(record.interval),
        }
    }

    pub(super) fn push(&mut self, sample: &Sample) {
        self.samples += 1;
        let peak = Peak {
            value: sample.peak,
            at: sample.at,
            uncertainty: sample.uncertainty,
            certainty: self.certainty,
            mapped: sample.parts.mapped,
        };
        self.peak = Some(self.peak.map_or(peak, |highest| highest.max(peak)));
        self.outline.push(sample.at, sample.memory);
        self.curve.push(sample);
    }
}
