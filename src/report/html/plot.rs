//! The data of a chart, for the script of the page.

use std::time::Duration;

use serde::Serialize;

use super::Detail;
use crate::analysis::{Band as ProgramBand, ProgramBands, Segment};
use crate::report::chart::{ChartModel, CurveKind, Line, PlottedCurve, Shade};
use crate::report::escape::plain;
use crate::trace::{self, Program, SamplePoint};
use crate::units::{Bytes, SignedBytes};

/// What the script draws. Times are seconds since launch, memory is in bytes, but in curves: see [`Curve`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plot {
    /// Of the longest curve or window.
    end: f64,
    /// Microseconds of one unit of time in a curve.
    time_unit: u64,
    /// Bytes of one unit of memory in a curve.
    memory_unit: u64,
    curves: Vec<Curve>,
    limits: Vec<Limit>,
    ready: Option<f64>,
    stop: Option<f64>,
    phases: Vec<Window>,
    segments: Vec<Stretch>,
    programs: Option<Bands>,
    peak: Option<Point>,
}

/// Each number is the difference to the one before, in units: short to write.
#[derive(Debug, Serialize)]
struct Curve {
    name: String,
    kind: &'static str,
    at: Vec<u64>,
    memory: Vec<i64>,
    /// Begin and end of each stretch in which nothing was measured, in seconds.
    gaps: Vec<(f64, f64)>,
}

/// Who held the memory. What a program holds at one instant it holds until the next.
#[derive(Debug, Serialize)]
struct Bands {
    at: Vec<u64>,
    bands: Vec<Band>,
}

#[derive(Debug, Serialize)]
struct Band {
    name: String,
    /// Its number among the page's colours.
    colour: usize,
    memory: Vec<i64>,
}

#[derive(Debug, Serialize)]
struct Limit {
    name: String,
    value: u64,
    crossed: bool,
    window: Option<(f64, f64)>,
}

#[derive(Debug, Serialize)]
struct Window {
    name: String,
    from: f64,
    to: f64,
}

#[derive(Debug, Serialize)]
struct Stretch {
    kind: &'static str,
    from: f64,
    to: f64,
    rise: i64,
    share: f64,
}

#[derive(Debug, Serialize)]
struct Point {
    at: f64,
    memory: u64,
    /// The memory as shown.
    text: String,
}

/// So many steps has the finest grid that times are told on: ten for each pixel of a wide screen, zoomed in to a thousandth.
const TIME_STEPS: u64 = 10_000_000;
/// All that are not told apart have a colour of their own.
pub(super) fn colour(index: usize, program: &Program) -> usize {
    match program {
        Program::Named(_) => index,
        Program::Others => OTHERS,
    }
}

/// The number of the page's last colour for a program.
const OTHERS: usize = 7;
/// The longest name of a program.
const NAME: usize = 48;
/// So many that memory is told on: finer than the digits that are shown.
const MEMORY_STEPS: u64 = 1 << 18;

impl Plot {
    pub(super) fn new(model: &ChartModel, detail: &Detail) -> Self {
        let points = || model.curves.iter().flat_map(|curve| &curve.curve.points);
        let last = points().map(|point| point.at).chain(model.shades.iter().map(|shade| shade.until)).max();
        let highest = points().map(|point| point.memory).max().unwrap_or_default();
        let end = last.unwrap_or_default();
        let units = Units {
            time: (micros(end) / TIME_STEPS).max(1),
            memory: (highest.0 / MEMORY_STEPS + 1).next_power_of_two(),
        };
        Self {
            end: end.as_secs_f64(),
            time_unit: units.time,
            memory_unit: units.memory,
            curves: model.curves.iter().map(|curve| units.curve(curve, detail)).collect(),
            limits: model.lines.iter().take(detail.rows).map(limit).collect(),
            ready: model.ready.map(|at| at.as_secs_f64()),
            stop: model.stop.map(|at| at.as_secs_f64()),
            phases: model.shades.iter().take(detail.rows).map(window).collect(),
            segments: model.segments.iter().take(detail.rows).map(stretch).collect(),
            programs: model.programs.as_ref().map(|programs| units.bands(programs, detail.columns)),
            peak: model.peak.as_ref().map(|(peak, text)| Point {
                at: peak.at.as_secs_f64(),
                memory: peak.memory.0,
                text: text.clone(),
            }),
        }
    }
}

struct Units {
    time: u64,
    memory: u64,
}

impl Units {
    fn curve(&self, curve: &PlottedCurve, detail: &Detail) -> Curve {
        let (kind, most) = match curve.kind {
            CurveKind::Main => ("main", detail.points),
            CurveKind::Overlaid(_) => ("overlaid", detail.points),
            CurveKind::Other => ("run", detail.other_points),
            CurveKind::Baseline => ("baseline", detail.other_points),
        };
        let trace::Curve { points, gaps } = thinned(&curve.curve, most);
        let at = self.times(points.iter().map(|point| point.at));
        let memory = self.amounts(points.iter().map(|point| point.memory));
        let gaps = gaps.iter().map(|gap| (gap.from.as_secs_f64(), gap.until.as_secs_f64())).collect();
        Curve { name: curve.label.clone(), kind, at, memory, gaps }
    }

    /// Of equal stretches of time the instant at which most was held.
    fn bands(&self, programs: &ProgramBands, most: usize) -> Bands {
        let sum = |index: usize| programs.bands.iter().map(|band| band.memory[index]).sum();
        let whole = programs.instants.iter().enumerate().map(|(index, at)| SamplePoint { at: *at, memory: sum(index) });
        let kept = thinned(&trace::Curve { points: whole.collect(), gaps: Vec::new() }, most);
        let index = |point: &SamplePoint| programs.instants.partition_point(|at| *at < point.at);
        let kept: Vec<usize> = kept.points.iter().map(index).collect();
        let band = |(index, band): (usize, &ProgramBand)| Band {
            name: program_name(&band.program),
            colour: colour(index, &band.program),
            memory: self.amounts(kept.iter().map(|index| band.memory[*index])),
        };
        Bands {
            at: self.times(kept.iter().map(|index| programs.instants[*index])),
            bands: programs.bands.iter().enumerate().map(band).collect(),
        }
    }

    fn times(&self, times: impl Iterator<Item = Duration>) -> Vec<u64> {
        let mut before = 0;
        times.map(|at| micros(at) / self.time).map(|now| now - std::mem::replace(&mut before, now)).collect()
    }

    fn amounts(&self, amounts: impl Iterator<Item = Bytes>) -> Vec<i64> {
        let mut before = 0;
        let rounded = amounts.map(|bytes| SignedBytes::from(Bytes((bytes.0 + self.memory / 2) / self.memory)).0);
        rounded.map(|now| now - std::mem::replace(&mut before, now)).collect()
    }
}

/// As tables and the graph call it.
pub(super) fn program_name(program: &Program) -> String {
    match program {
        Program::Named(name) => plain(name, NAME),
        Program::Others => "all others".to_owned(),
    }
}

/// At most so many stretches of time (or one more), each with its highest point.
pub(super) fn thinned(curve: &trace::Curve, most: usize) -> trace::Curve {
    match curve.points.last() {
        Some(last) if curve.points.len() > most => {
            curve.thinned(Duration::from_micros(micros(last.at).div_ceil(most.max(1) as u64).max(1)))
        }
        _ => curve.clone(),
    }
}

fn micros(at: Duration) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or(u64::MAX)
}

fn limit(line: &Line) -> Limit {
    let seconds = |(from, until): (Duration, Duration)| (from.as_secs_f64(), until.as_secs_f64());
    Limit { name: line.label.clone(), value: line.value.0, crossed: line.crossed, window: line.window.map(seconds) }
}

fn window(shade: &Shade) -> Window {
    Window { name: shade.label.clone(), from: shade.from.as_secs_f64(), to: shade.until.as_secs_f64() }
}

fn stretch(segment: &Segment) -> Stretch {
    Stretch {
        kind: segment.kind.name(),
        from: segment.from.as_secs_f64(),
        to: segment.to.as_secs_f64(),
        rise: segment.rise.0,
        share: segment.share.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(micros: u64, memory: u64) -> SamplePoint {
        SamplePoint { at: Duration::from_micros(micros), memory: Bytes(memory) }
    }

    fn plot(points: Vec<SamplePoint>) -> Plot {
        let curve = trace::Curve { points, gaps: Vec::new() };
        let curve = PlottedCurve { label: "run 1".into(), kind: CurveKind::Main, curve };
        Plot::new(&ChartModel { curves: vec![curve], ..ChartModel::default() }, &Detail::MOST)
    }

    #[test]
    fn a_short_curve_is_told_point_by_point() {
        let points = vec![point(5_000, 4096), point(15_000, 1 << 20), point(25_000, 4096)];
        let gap = trace::Gap { from: points[1].at, until: points[2].at };
        let curve = trace::Curve { points, gaps: vec![gap] };
        let curve = PlottedCurve { label: "run 1".into(), kind: CurveKind::Main, curve };
        let plot = Plot::new(&ChartModel { curves: vec![curve], ..ChartModel::default() }, &Detail::MOST);
        let text = serde_json::to_value(&plot).unwrap();
        assert_eq!((plot.time_unit, plot.memory_unit), (1, 8));
        assert_eq!(text["curves"][0]["at"], serde_json::json!([5_000, 10_000, 10_000]));
        assert_eq!(text["curves"][0]["memory"], serde_json::json!([512, 130_560, -130_560]));
        assert_eq!(text["curves"][0]["gaps"], serde_json::json!([[0.015, 0.025]]));
    }

    #[test]
    fn the_programs_are_told_at_the_instants_at_which_most_was_held() {
        let band = |name: &str, memory: [u64; 4]| ProgramBand {
            program: Program::Named(name.into()),
            processes: 1,
            peak: Bytes(90),
            memory: memory.map(|units| Bytes(units * 8)).to_vec(),
        };
        let instants = [0, 1, 2, 3].map(Duration::from_secs).to_vec();
        let programs = ProgramBands { instants, bands: vec![band("cc1", [1, 9, 2, 4]), band("ld", [0, 0, 5, 1])] };
        let model = ChartModel {
            curves: vec![PlottedCurve {
                label: String::new(),
                kind: CurveKind::Main,
                curve: trace::Curve { points: vec![point(4_000_000, 1 << 20)], gaps: Vec::new() },
            }],
            programs: Some(programs),
            ..ChartModel::default()
        };
        let plot = Plot::new(&model, &Detail { columns: 2, ..Detail::MOST });
        let text = serde_json::to_value(&plot).unwrap();
        let expected = serde_json::json!({"at": [1_000_000, 1_000_000, 1_000_000], "bands": [
            {"name": "cc1", "colour": 0, "memory": [9, -7, 2]}, {"name": "ld", "colour": 1, "memory": [0, 5, -4]}]});
        assert_eq!(text["programs"], expected);
    }

    proptest! {
        #[test]
        fn thinned_points_are_few_and_keep_the_highest_of_every_stretch(
            steps in prop::collection::vec((0u64..10_000, 0u64..1 << 40), 1..400), most in 1usize..60
        ) {
            let mut at = 0;
            let points: Vec<SamplePoint> = steps.iter().map(|(step, memory)| { at += step; point(at, *memory) }).collect();
            let thin = thinned(&trace::Curve { points: points.clone(), gaps: Vec::new() }, most).points;
            // Three in a stretch that is alone.
            prop_assert!(thin.len() <= 3 * (most + 1), "{} of {most}", thin.len());
            prop_assert!(thin.iter().all(|point| points.contains(point)));
            prop_assert!(thin.is_sorted_by_key(|point| point.at));
            let highest = |points: &[SamplePoint]| points.iter().map(|point| point.memory).max();
            prop_assert_eq!(highest(&thin), highest(&points));
        }

        #[test]
        fn a_curve_reads_back_within_its_units(steps in prop::collection::vec((0u64..1 << 40, 0u64..1 << 45), 1..300)) {
            let mut at = 0;
            let points: Vec<SamplePoint> = steps.iter().map(|(step, memory)| { at += step; point(at, *memory) }).collect();
            let plot = plot(points.clone());
            let (mut at, mut memory) = (0, 0);
            for (index, point) in points.iter().enumerate() {
                at += plot.curves[0].at[index];
                memory += plot.curves[0].memory[index];
                prop_assert!(at * plot.time_unit <= micros(point.at) && micros(point.at) - at * plot.time_unit < plot.time_unit);
                prop_assert!((memory as u64 * plot.memory_unit).abs_diff(point.memory.0) <= plot.memory_unit / 2);
            }
        }
    }
}
