//! From a trace to its measures, in one pass over the log and one over the samples.

use std::time::Duration;

use anyhow::Result;

use super::marks::Marks;
use super::model::{Certainty, Measured, Measures, Peak, PhaseMeasures, Rules};
use super::quality::quality;
use super::retained::Steady;
use super::window::Window;
use crate::trace::{LogLine, RunRecord, Sample};
use crate::units::Bytes;

/// Measures a run from its trace. Holds a bounded amount of it, however long it is.
///
/// - `peak`: the highest `peak` of all samples, at its sample's time.
/// - `startup`: the highest value from launch to ready; a phase's peak: from its begin to its end. The ends fall
///   between samples: the first sample after an end counts with its `memory` alone, since its `peak` may be of either
///   side.
/// - `retained`: the level at the end of the steady part less the level at ready. The steady part lasts from ready
///   until memguard stopped the workload or the run ended, without the last samples in which memory only falls or is
///   zero. A level is the median over 1/20 of it (at least 100 ms and three samples, at most the half), each sample
///   lasting until the next.
///
/// # Errors
/// The first error of the samples or the log.
pub fn measure(
    record: &RunRecord,
    rules: &Rules,
    samples: impl IntoIterator<Item = Result<Sample>>,
    log: impl IntoIterator<Item = Result<LogLine>>,
) -> Result<Measures> {
    let marks = Marks::find(rules, record, log)?;
    let mut startup = marks.ready_at().map(|ready| Window::new(Duration::ZERO, ready));
    let mut steady = marks.ready_at().map(|ready| Steady::new(ready, record));
    let mut windows: Vec<_> =
        marks.windows().map(|window| window.map(|(from, until)| Window::new(from, until))).collect();

    let (mut count, mut last) = (0, Duration::ZERO);
    let mut peak: Option<(Bytes, Duration)> = None;
    for sample in samples {
        let sample = sample?;
        count += 1;
        last = sample.at;
        if peak.is_none_or(|(highest, _)| sample.peak > highest) {
            peak = Some((sample.peak, sample.at));
        }
        startup.iter_mut().chain(windows.iter_mut().flatten()).for_each(|window| window.push(&sample));
        steady.iter_mut().for_each(|steady| steady.push(&sample));
    }

    let duration = record.duration.unwrap_or(last);
    let ready = marks.ready(duration);
    let peak_of = |window: &Option<Window>, none: &str| match window.as_ref().and_then(Window::peak) {
        Some(peak) => Measured::Value(peak),
        None => Measured::Unmeasured(none.to_owned()),
    };
    let phases = rules.phases.iter().zip(&windows).enumerate().map(|(index, (rule, peak))| {
        let window = marks.window(index, duration);
        let peak = given(&window, || peak_of(peak, "no sample was taken during the phase"));
        PhaseMeasures { name: rule.name.clone(), window, peak }
    });
    Ok(Measures {
        duration,
        peak: match peak {
            Some((value, at)) => Measured::Value(Peak { value, at, certainty: certainty(record, value) }),
            None => Measured::Unmeasured("no sample was taken".to_owned()),
        },
        startup: given(&ready, || peak_of(&startup, "no sample was taken before ready")),
        retained: given(&ready, || match &steady {
            Some(steady) => steady.retained(),
            None => Measured::Unmeasured("no sample was taken after ready".to_owned()),
        }),
        growth: Measured::Unmeasured("growth is not measured yet".to_owned()),
        segments: Vec::new(),
        phases: phases.collect(),
        samples: count,
        quality: quality(&record.sampling, record.interval, duration),
        ready,
    })
}

/// What depends on a mark is unmeasured where the mark is, for the same reason.
fn given<M, T>(mark: &Measured<M>, measure: impl FnOnce() -> Measured<T>) -> Measured<T> {
    match mark {
        Measured::Value(_) => measure(),
        Measured::Unmeasured(why) => Measured::Unmeasured(why.clone()),
    }
}

fn certainty(record: &RunRecord, peak: Bytes) -> Certainty {
    record.peak_at_most.filter(|at_most| *at_most > peak).map_or(Certainty::Exact, Certainty::AtMost)
}

/// The last line printed at or before an instant: what the program was about then.
///
/// # Errors
/// The first error of the log.
pub fn line_near(log: impl IntoIterator<Item = Result<LogLine>>, at: Duration) -> Result<Option<LogLine>> {
    let mut near: Option<LogLine> = None;
    for line in log {
        let line = line?;
        // Lines stand in the order in which they were completed, which is nearly that in which they began.
        if line.at <= at && near.as_ref().is_none_or(|near| near.at <= line.at) {
            near = Some(line);
        }
    }
    Ok(near)
}
