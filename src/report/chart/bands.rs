//! Who held the memory: bands under the main curve, one upon the other.

use anyhow::Result;
use plotters::prelude::*;

use super::draw::{Sheet, failed};
use super::labels::{Labels, text_width};
use super::model::ChartModel;
use super::palette::{BANDS, INK, PAPER};
use super::scales::{FRAME, Scales};
use crate::analysis::ProgramBands;
use crate::report::escape::plain;
use crate::trace::{Curve, Program};

const NAME: usize = 40;
const SIZE: f64 = 12.0;

/// A band's colour, its name and its edges: for every column of pixels the lower and the upper one.
struct Strip {
    colour: RGBColor,
    name: String,
    edges: Vec<(f64, f64, f64)>,
}

/// A band that is drawn.
pub(super) struct Band {
    pub(super) colour: RGBColor,
    pub(super) name: String,
    /// Where in it there is room for its name; None where there is none.
    pub(super) middle: Option<(f64, f64)>,
}

impl<B: DrawingBackend> Sheet<'_, B> {
    /// Draws them, the lowest first, and tells where their names can stand.
    pub(super) fn bands(&self, model: &ChartModel, scales: &Scales) -> Result<Vec<Band>> {
        let (Some(programs), Some(main)) = (&model.programs, model.main()) else { return Ok(Vec::new()) };
        let mut bands = Vec::new();
        for strip in strips(programs, main, scales) {
            for edges in strip.pieces() {
                let upper = edges.iter().map(|(x, _, high)| (*x, *high));
                let lower = edges.iter().rev().map(|(x, low, _)| (*x, *low));
                let outline: Vec<(i32, i32)> = upper.clone().chain(lower).map(|(x, y)| self.at(x, y)).collect();
                self.area().draw(&Polygon::new(outline, strip.colour.filled())).map_err(failed)?;
                self.stroke(&upper.collect::<Vec<_>>(), PAPER.mix(1.0), 1.0)?;
            }
            bands.push(Band { middle: strip.middle(), colour: strip.colour, name: strip.name });
        }
        Ok(bands)
    }

    pub(super) fn band_names(&self, bands: &[Band], labels: &mut Labels) -> Result<()> {
        for Band { name, middle, .. } in bands {
            let Some((x, y)) = middle else { continue };
            let wish = (x - text_width(name, SIZE) / 2.0, y - SIZE * 0.65);
            // One that was moved would name another band.
            if labels.place_at(name, SIZE, wish) {
                self.write(name, wish, SIZE, INK)?;
            }
        }
        Ok(())
    }
}

/// What each held is drawn as its part of the curve: shared pages and the time between two instants leave the sum a little beside
/// it.
fn strips(programs: &ProgramBands, main: &Curve, scales: &Scales) -> Vec<Strip> {
    let strip = |(index, program): (usize, &Program)| {
        let (colour, name) = match program {
            Program::Named(name) => (BANDS[index % (BANDS.len() - 1)], plain(name, NAME)),
            Program::Others => (BANDS[BANDS.len() - 1], "all others".to_owned()),
        };
        Strip { colour, name, edges: Vec::new() }
    };
    let mut strips: Vec<Strip> = programs.bands.iter().map(|band| &band.program).enumerate().map(strip).collect();
    for (x, top) in main.pieces().flat_map(|piece| each_pixel(&scales.columns(piece, 1.0))) {
        let at = scales.time_at(x);
        let Some(now) = programs.instants.partition_point(|instant| *instant <= at).checked_sub(1) else { continue };
        let held = |band: usize| programs.bands[band].memory[now].as_f64();
        let whole = (0..strips.len()).map(held).sum::<f64>().max(1.0);
        let y = |sum: f64| FRAME.bottom() - (FRAME.bottom() - top) * sum / whole;
        let mut sum = 0.0;
        for (band, strip) in strips.iter_mut().enumerate() {
            let low = y(sum);
            sum += held(band);
            strip.edges.push((x, low, y(sum)));
        }
    }
    strips.retain(|strip| strip.edges.iter().any(|(_, low, high)| low - high > 0.5));
    strips
}

/// A curve at every pixel from its first to its last.
fn each_pixel(columns: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let between = columns.windows(2).flat_map(|pair| {
        let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
        let count = (to_x - x).round().max(1.0) as u32;
        (0..count).map(move |step| {
            let share = f64::from(step) / f64::from(count);
            (x + (to_x - x) * share, y + (to_y - y) * share)
        })
    });
    between.chain(columns.last().copied()).collect()
}

impl Strip {
    /// The edges from gap to gap: elsewhere there are some at every pixel.
    fn pieces(&self) -> impl Iterator<Item = &[(f64, f64, f64)]> {
        self.edges.chunk_by(|(x, ..), (next, ..)| next - x < 1.5)
    }

    /// In the middle of the widest part that is everywhere thick enough for it. None where there is none.
    fn middle(&self) -> Option<(f64, f64)> {
        let thick = SIZE * 1.4;
        let (mut best, mut now): (Option<[f64; 4]>, Option<[f64; 4]>) = (None, None);
        for (x, low, high) in &self.edges {
            now = match now {
                // The levels that all columns so far have in common.
                Some([left, right, floor, top]) if floor.min(*low) - top.max(*high) >= thick && x - right < 1.5 => {
                    Some([left, *x, floor.min(*low), top.max(*high)])
                }
                _ => (low - high >= thick).then_some([*x, *x, *low, *high]),
            };
            if now.map(|[left, right, ..]| right - left) > best.map(|[left, right, ..]| right - left) {
                best = now;
            }
        }
        let [left, right, floor, top] = best?;
        let is_room = right - left >= text_width(&self.name, SIZE) + 8.0;
        is_room.then(|| (f64::midpoint(left, right), f64::midpoint(floor, top)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;
    use crate::report::chart::{CurveKind, PlottedCurve};
    use crate::trace::{Gap, SamplePoint};
    use crate::units::Bytes;
    use proptest::prelude::*;
    use std::time::Duration;

    proptest! {
        #[test]
        fn the_bands_lie_one_upon_the_other_from_the_ground_to_the_curve(
            held in prop::collection::vec(prop::collection::vec(0u64..1 << 40, 3), 1..20), levels in prop::collection::vec(1u64..1 << 40, 2..50),
            gaps in prop::collection::btree_set(0u64..50, 0..4)
        ) {
            let points = |count: usize| (0..count).map(|index| Duration::from_secs(index as u64));
            let curve: Vec<SamplePoint> = points(levels.len()).zip(&levels).map(|(at, memory)| SamplePoint { at, memory: Bytes(*memory) }).collect();
            let band = |index: usize| analysis::Band {
                program: Program::Named(format!("p{index}")),
                processes: 1,
                peak: Bytes(1),
                memory: held.iter().map(|held| Bytes(held[index] + 1)).collect(),
            };
            let programs = ProgramBands { instants: points(held.len()).collect(), bands: (0..3).map(band).collect() };
            let gap = |index: u64| Gap { from: Duration::from_secs(index), until: Duration::from_secs(index + 1) };
            let curve = Curve { points: curve, gaps: gaps.iter().filter(|index| **index + 1 < levels.len() as u64).map(|index| gap(*index)).collect() };
            let plotted = PlottedCurve { label: String::new(), kind: CurveKind::Main, curve: curve.clone() };
            let model = ChartModel { curves: vec![plotted], ..ChartModel::default() };
            let scales = Scales::of(&model);
            let strips = strips(&programs, &curve, &scales);
            let pixels: Vec<(f64, f64)> = curve.pieces().flat_map(|piece| each_pixel(&scales.columns(piece, 1.0))).collect();
            for strip in &strips {
                prop_assert_eq!(strip.pieces().count(), curve.pieces().count());
            }
            for (place, (_, top)) in pixels.into_iter().enumerate().filter(|_| strips.len() == 3) {
                prop_assert!((strips[0].edges[place].1 - FRAME.bottom()).abs() < 1e-6);
                prop_assert!((strips[2].edges[place].2 - top).abs() < 1e-6);
                prop_assert!(strips.windows(2).all(|pair| (pair[0].edges[place].2 - pair[1].edges[place].1).abs() < 1e-6));
            }
        }
    }
}
