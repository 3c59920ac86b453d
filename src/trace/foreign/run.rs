use std::time::Duration;

use jiff::Timestamp;

use super::Recording;
use crate::trace::model::{Curve, Ended, LogRow, RunRecord, Sample, Sampling, Until};
use crate::trace::reader::RunFiles;
use crate::units::{Metric, Parts, Uncertainty};

impl Recording {
    /// How long it lasts.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.points.last().map(|point| point.at).unwrap_or_default()
    }

    /// The spacing of its rows: three of four are no further apart.
    fn interval(&self) -> Duration {
        let mut apart: Vec<Duration> =
            self.points.windows(2).map(|pair| pair[1].at.saturating_sub(pair[0].at)).collect();
        apart.sort_unstable();
        apart.get(apart.len().saturating_sub(1) * 3 / 4).copied().unwrap_or_default()
    }

    /// The recording for drawing.
    #[must_use]
    pub fn into_curve(self) -> Curve {
        let interval = self.interval();
        Curve::through(self.points, interval)
    }

    /// The recording as a run of its own, with the log that was written beside it, in the order of time.
    #[must_use]
    pub fn into_run(self, name: &str, mut log: Vec<LogRow>) -> RunFiles {
        let duration = self.duration();
        let gaps = self.points.windows(2).map(|pair| pair[1].at.saturating_sub(pair[0].at));
        let longest_gap = gaps.max().unwrap_or_default();
        let interval = self.interval();
        let record = RunRecord {
            workload: name.to_owned(),
            command: self.command.unwrap_or_default(),
            platform: "elsewhere".to_owned(),
            started: self.began.unwrap_or(Timestamp::UNIX_EPOCH),
            duration: Some(duration),
            ended: Ended::Recorded { until: Until::Unknown },
            sampling: Sampling { ticks: self.rows, longest_gap, ..Sampling::default() },
            ..RunRecord::beginning(Metric::Recorded, self.format.name(), interval)
        };
        let sample = |point: &super::SamplePoint| Sample {
            at: point.at,
            memory: point.memory,
            peak: point.memory,
            uncertainty: Uncertainty::NONE,
            parts: Parts::default(),
            processes: None,
            machine_used: None,
        };
        log.extend(self.lines.into_iter().map(LogRow::Line));
        log.sort_by_key(LogRow::at);
        RunFiles::held(record, self.points.iter().map(sample), log, self.warnings)
    }
}
