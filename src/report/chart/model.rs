use std::time::Duration;

use super::tracks::LogMark;
use crate::analysis::{Band, ExcerptLine, Measured, ProgramBands, Segment};
use crate::trace::{Curve, SamplePoint};
use crate::units::{Bytes, Metric, Quantity};
use crate::verdict::{CheckKind, Judged, JudgedRun, Measure, Outcome, Subject, Verdict};

use crate::report::details::Details;
use crate::report::escape::plain;
use crate::report::table::run_value;

/// Everything that the graph shows, in the units of the trace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChartModel {
    /// The first line above.
    pub title: String,
    /// The second, smaller.
    pub subtitle: String,
    /// The main one last, so that it lies on top.
    pub curves: Vec<PlottedCurve>,
    /// Budgets.
    pub lines: Vec<Line>,
    /// Where start-up ended.
    pub ready: Option<Duration>,
    /// Where memguard began to stop the workload.
    pub stop: Option<Duration>,
    /// Phases.
    pub shades: Vec<Shade>,
    /// The highest point of the main curve, and its memory as shown.
    pub peak: Option<(SamplePoint, String)>,
    /// The log lines beside the main curve, in the order of time.
    pub log: Vec<LogMark>,
    /// The main curve as straight stretches.
    pub segments: Vec<Segment>,
    /// Who held the memory of the main curve. None where it was one program alone, or is not known.
    pub programs: Option<ProgramBands>,
}

impl ChartModel {
    /// The curve that the graph is about.
    pub(super) fn main(&self) -> Option<&Curve> {
        self.curves.iter().find(|curve| curve.kind == CurveKind::Main).map(|main| &main.curve)
    }
}

/// A curve with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct PlottedCurve {
    /// For the legend; empty for one that needs none.
    pub label: String,
    /// What it is.
    pub kind: CurveKind,
    /// Its points and gaps.
    pub curve: Curve,
}

/// What a curve is, and with that how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CurveKind {
    /// The run that the graph is about.
    Main,
    /// Another run of the same workload.
    Other,
    /// The accepted one.
    Baseline,
    /// One of several that are compared; the number chooses its colour.
    Overlaid(usize),
}

/// A limit across the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it limits.
    pub label: String,
    /// Where.
    pub value: Bytes,
    /// Whether the worst run is above it.
    pub crossed: bool,
    /// The part of the time that it holds for; None for all of it.
    pub window: Option<(Duration, Duration)>,
}

/// A named window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shade {
    /// Its name.
    pub label: String,
    /// Its begin.
    pub from: Duration,
    /// Its end.
    pub until: Duration,
}

const TITLE: usize = 60;
const LABEL: usize = 32;
/// A line is marked more strongly where so much of the peak was taken after it.
const STRONG: f64 = 0.05;

/// Mapped files are named where they are more than this share of the peak.
const MAPPED_SHOWN: f64 = 0.05;

/// Mapped files at the peak of a run. None if they are part of its metric, or not known.
#[must_use]
pub fn mapped_files(run: &JudgedRun) -> Option<Bytes> {
    run.measures.peak.value()?.mapped.filter(|_| run.record.metric == Metric::Footprint)
}

/// The run in the middle by its peak; of an even number the lower of the two. None where none has a peak.
#[must_use]
pub fn median_run(judged: &Judged) -> Option<&JudgedRun> {
    let mut runs: Vec<(Bytes, &JudgedRun)> =
        judged.runs.iter().filter_map(|run| Some((run.measures.peak.value()?.value, run))).collect();
    runs.sort_by_key(|(peak, _)| *peak);
    runs.get(runs.len().saturating_sub(1) / 2).map(|(_, run)| *run)
}

/// The baseline's curve; empty where there is none.
#[must_use]
pub fn baseline_points(judged: &Judged) -> Vec<SamplePoint> {
    let Some(curve) = &judged.baseline_curve else { return Vec::new() };
    // Each stretch's maximum stands in its middle.
    let point =
        |(index, memory): (u32, &Bytes)| SamplePoint { at: curve.step * index + curve.step / 2, memory: *memory };
    (0u32..).zip(&curve.memory).map(point).collect()
}

/// The graph of a workload: its median run, the others thin behind it, the baseline's curve dashed.
#[must_use]
pub fn of(judged: &Judged, details: &Details) -> ChartModel {
    let main = median_run(judged);
    let count = judged.runs.len();
    let word = match judged.verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
        Verdict::NoBaseline => "no baseline",
        Verdict::Error => "ERROR",
    };
    let runs = if count == 1 { "1 run".to_owned() } else { format!("median of {count} runs") };
    let mut model = ChartModel {
        title: plain(&judged.name, TITLE),
        subtitle: format!("{word} · {} · {} · {runs}", judged.key.metric, plain(&judged.key.platform, TITLE)),
        ..ChartModel::default()
    };
    let points = baseline_points(judged);
    if !points.is_empty() {
        model.curves.push(PlottedCurve {
            label: "baseline".into(),
            kind: CurveKind::Baseline,
            curve: Curve { points, gaps: Vec::new() },
        });
    }
    let others = judged.runs.iter().filter(|run| main.is_none_or(|main| main.record.run != run.record.run));
    for (index, run) in others.enumerate() {
        let label = if index == 0 { "other runs".to_owned() } else { String::new() };
        model.curves.push(PlottedCurve { label, kind: CurveKind::Other, curve: run.curve.clone() });
    }
    for check in judged.checks.iter().filter(|check| check.kind == CheckKind::Budget) {
        let window = match (&check.subject.phase, check.subject.measure, main) {
            // A level above that at ready, and a slope, have no place on this axis.
            (_, Measure::Retained | Measure::Growth, _) => continue,
            (Some(phase), _, Some(run)) => {
                let phase = run.measures.phases.iter().find(|other| other.name == *phase);
                match phase.map(|phase| &phase.window) {
                    Some(Measured::Value(window)) => Some(*window),
                    Some(Measured::Unmeasured(_) | Measured::NotAsked) | None => continue,
                }
            }
            (None, Measure::Startup, Some(run)) => match run.measures.ready {
                Measured::Value(ready) => Some((Duration::ZERO, ready)),
                Measured::Unmeasured(_) | Measured::NotAsked => continue,
            },
            _ => None,
        };
        let Some(limit) = check.limit.and_then(Quantity::memory) else { continue };
        let name = plain(&crate::report::table::name(&check.subject), LABEL);
        let crossed = matches!(check.outcome, Outcome::Fail | Outcome::Warn);
        model.lines.push(Line { label: format!("{name} budget {limit}"), value: limit, crossed, window });
    }
    if let Some(run) = main {
        let label = if model.curves.is_empty() { String::new() } else { format!("run {}", run.record.run) };
        model.ready = run.measures.ready.value();
        model.segments.clone_from(&run.measures.segments);
        let peak = run.measures.peak.value().map(|peak| peak.value).unwrap_or_default();
        let mark = |line: &ExcerptLine| LogMark {
            at: line.line.at,
            text: plain(line.line.text.trim(), LABEL),
            rise: line.rise,
            is_strong: line.rise.as_f64() >= STRONG * peak.as_f64().max(1.0),
        };
        model.log = details.excerpt.lines.iter().map(mark).collect();
        model.programs = details.programs.clone().filter(are_several);
        model.stop = run.record.stop_at;
        let text = run_value(&Subject { phase: None, measure: Measure::Peak }, run);
        let point = run.measures.peak.value().map(|peak| SamplePoint { at: peak.at, memory: peak.value });
        model.peak = point.zip(text);
        if let Some(mapped) = mapped_files(run).filter(|mapped| mapped.as_f64() > MAPPED_SHOWN * peak.as_f64()) {
            model.subtitle += &format!(" · mapped files {mapped}, not counted");
        }
        for phase in &run.measures.phases {
            if let Measured::Value((from, until)) = phase.window {
                model.shades.push(Shade { label: plain(&phase.name, LABEL), from, until });
            }
        }
        model.curves.push(PlottedCurve { label, kind: CurveKind::Main, curve: run.curve.clone() });
    }
    model
}

/// Whether it is worth telling who held the memory: not where a shell only waits for the program.
fn are_several(programs: &ProgramBands) -> bool {
    let part = |band: &Band| band.peak.as_f64() / programs.bands[0].peak.as_f64().max(1.0);
    programs.bands.get(1).is_some_and(|second| part(second) >= 0.02)
}

/// Several curves on the same axes.
#[must_use]
pub fn overlay(title: &str, curves: &[(String, Curve)]) -> ChartModel {
    let single = curves.len() == 1;
    let plotted = curves.iter().enumerate().map(|(index, (label, curve))| PlottedCurve {
        label: if single { String::new() } else { plain(label, LABEL) },
        kind: if single { CurveKind::Main } else { CurveKind::Overlaid(index) },
        curve: curve.clone(),
    });
    ChartModel {
        title: plain(title, TITLE),
        subtitle: "memory over time".into(),
        curves: plotted.collect(),
        peak: curves
            .first()
            .filter(|_| single)
            .and_then(|(_, curve)| curve.highest())
            .map(|peak| (peak, peak.memory.to_string())),
        ..ChartModel::default()
    }
}
