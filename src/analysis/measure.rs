//! From a trace to its measures, in one pass over the log and one or two over the samples.

use std::time::Duration;

use anyhow::Result;

use super::marks::Marks;
use super::model::{Measured, Measures, PhaseMeasures, Rules};
use super::part::{Part, PartOf};
use super::quality::quality;
use super::segments::segments;
use super::survey::Survey;
use super::window::Window;
use crate::trace::{Curve, Ended, LogLine, LogRow, RunRecord, Sample};

/// Measures a run from its trace, and thins its curve for drawing. Holds a bounded amount of it, however long it is.
///
/// - `peak`: the highest `peak` of all samples, at its sample's time.
/// - `startup`: the highest value from launch to ready; a phase's peak: from its begin to its end. The ends fall
///   between samples: the first sample after an end counts with its `memory` alone, since its `peak` may be of either
///   side.
/// - `retained`: the level at the end of the steady part less the level at ready. The steady part lasts from ready
///   until memguard stopped the workload, or until the last instant at which memory was held before the run ended (it fell
///   by at most 1 % within 2 s). A level is the median over 1/20 of it (at least 100 ms and three samples, at most the half), each sample
///   lasting until the next.
/// - `growth`: the slope of the steady part, and of each phase; see [`Growth`](super::Growth).
///
/// Without a `ready` in the rules, only the peak and the phases are measured.
///
/// `samples` opens the rows: once more where the run's length is not known.
///
/// # Errors
/// The first error of the samples or the log.
pub fn measure<Samples: Iterator<Item = Result<Sample>>>(
    record: &RunRecord,
    rules: &Rules,
    samples: impl Fn() -> Result<Samples>,
    log: impl IntoIterator<Item = Result<LogRow>>,
) -> Result<(Measures, Curve)> {
    let marks = Marks::find(rules, record, log)?;
    let duration = match record.duration {
        Some(duration) => duration,
        None => last(samples()?)?,
    };
    let mut survey = Survey::new(record, duration);
    let mut split = marks.ready_at().map(|ready| Split::new(ready, duration, record));
    let mut phases: Vec<Option<PhaseWindow>> = marks
        .windows()
        .map(|window| {
            let (from, until) = window?;
            let growth = Part::new(PartOf::Phase, from, until.min(duration), record);
            Some(PhaseWindow { peak: Window::new(from, until), growth })
        })
        .collect();
    for sample in samples()? {
        let sample = sample?;
        survey.push(&sample);
        phases.iter_mut().flatten().for_each(|phase| phase.push(&sample));
        split.iter_mut().for_each(|split| split.push(&sample));
    }
    let Survey { samples: count, peak, outline, curve, .. } = survey;
    let segments = segments(outline);
    let ready = marks.ready(duration);

    let peak_of = |window: Option<&Window>, none: &str| match window.and_then(Window::peak) {
        Some(peak) => Measured::Value(peak),
        None => Measured::Unmeasured(none.to_owned()),
    };
    const NONE: &str = "no sample was taken during the phase";
    let phases = rules.phases.iter().zip(phases).enumerate().map(|(index, (rule, phase))| {
        let window = marks.window(index, duration);
        let (peak, growth) = phase.map(|phase| (phase.peak, phase.growth)).unzip();
        PhaseMeasures {
            name: rule.name.clone(),
            peak: given(&window, || peak_of(peak.as_ref(), NONE)),
            growth: given(&window, || growth.map_or_else(|| Measured::Unmeasured(NONE.to_owned()), Part::growth)),
            window,
        }
    });
    let measures = Measures {
        duration,
        peak: match peak {
            Some(peak) => Measured::Value(peak),
            None => Measured::Unmeasured("no sample was taken".to_owned()),
        },
        startup: given(&ready, || {
            peak_of(split.as_ref().map(|split| &split.startup), "no sample was taken before ready")
        }),
        retained: given(&ready, || match &split {
            _ if was_killed(record.ended) => {
                Measured::Unmeasured("the run was killed, so that there is no level at its end".to_owned())
            }
            Some(split) => split.steady.retained(),
            None => Measured::Unmeasured("no sample was taken after ready".to_owned()),
        }),
        growth: given(&ready, || match split {
            Some(split) => split.steady.growth(),
            None => Measured::Unmeasured("no sample was taken after ready".to_owned()),
        }),
        segments,
        phases: phases.collect(),
        samples: count,
        quality: quality(&record.sampling, record.interval, duration),
        ready,
    };
    Ok((measures, curve.finish()))
}

/// A run before and after it was ready.
struct Split {
    startup: Window,
    steady: Part,
}

impl Split {
    /// Of a run that lasted so long.
    fn new(ready: Duration, duration: Duration, record: &RunRecord) -> Self {
        Self { startup: Window::new(Duration::ZERO, ready), steady: Part::new(PartOf::Run, ready, duration, record) }
    }

    fn push(&mut self, sample: &Sample) {
        self.startup.push(sample);
        self.steady.push(sample);
    }
}

/// What is seen of a phase.
struct PhaseWindow {
    peak: Window,
    growth: Part,
}

impl PhaseWindow {
    fn push(&mut self, sample: &Sample) {
        self.peak.push(sample);
        self.growth.push(sample);
    }
}

const fn was_killed(ended: Ended) -> bool {
    matches!(ended, Ended::OutOfMemory | Ended::Aborted | Ended::Signaled { .. })
}

/// The time of the last row.
fn last(samples: impl Iterator<Item = Result<Sample>>) -> Result<Duration> {
    let mut last = Duration::ZERO;
    for sample in samples {
        last = sample?.at;
    }
    Ok(last)
}

/// What depends on a mark is unmeasured where the mark is, for the same reason.
fn given<M, T>(mark: &Measured<M>, measure: impl FnOnce() -> Measured<T>) -> Measured<T> {
    match mark {
        Measured::Value(_) => measure(),
        Measured::Unmeasured(why) => Measured::Unmeasured(why.clone()),
        Measured::NotAsked => Measured::NotAsked,
    }
}

/// The last line printed at or before an instant: what the program was about then. None where that line was left out.
///
/// # Errors
/// The first error of the log.
pub fn line_near(log: impl IntoIterator<Item = Result<LogRow>>, at: Duration) -> Result<Option<LogLine>> {
    let mut near: Option<LogLine> = None;
    for row in log {
        let line = match row? {
            LogRow::Line(line) => line,
            LogRow::LeftOut(gap) if gap.from <= at => {
                near = None;
                continue;
            }
            LogRow::LeftOut(_) => continue,
        };
        // Lines stand in the order in which they were completed, which is nearly that in which they began.
        if line.at <= at && near.as_ref().is_none_or(|near| near.at <= line.at) {
            near = Some(line);
        }
    }
    Ok(near)
}
