use std::time::Duration;

use super::axis::{self, Axis};
use super::labels::Rect;
use super::model::ChartModel;
use crate::trace::SamplePoint;
use crate::units::Bytes;

/// Where the curves are, in logical pixels.
pub(super) const FRAME: Rect = Rect { left: 86.0, top: 92.0, width: 888.0, height: 340.0 };

/// From the units of the trace to logical pixels.
pub(super) struct Scales {
    pub(super) memory: Axis,
    pub(super) time: Axis,
}

impl Scales {
    pub(super) fn of(model: &ChartModel) -> Self {
        let points = model.curves.iter().flat_map(|curve| &curve.points);
        let highest = points.clone().map(|point| point.memory).chain(model.lines.iter().map(|line| line.value)).max();
        let last = points.map(|point| point.at).chain(model.shades.iter().map(|shade| shade.until)).max();
        Self { memory: axis::memory(highest.unwrap_or_default()), time: axis::time(last.unwrap_or_default()) }
    }

    pub(super) fn x(&self, at: Duration) -> f64 {
        FRAME.left + (at.as_secs_f64() / self.time.end).clamp(0.0, 1.0) * FRAME.width
    }

    pub(super) fn y(&self, memory: Bytes) -> f64 {
        FRAME.bottom() - (memory.as_f64() / self.memory.end).clamp(0.0, 1.0) * FRAME.height
    }

    /// When it is at this place.
    pub(super) fn time_at(&self, x: f64) -> Duration {
        Duration::from_secs_f64((x - FRAME.left).max(0.0) / FRAME.width * self.time.end)
    }

    /// A point for every column of pixels that has any, at the highest of them.
    pub(super) fn columns(&self, points: &[SamplePoint], per_pixel: f64) -> Vec<(f64, f64)> {
        let mut columns: Vec<(f64, f64)> = Vec::new();
        for point in points {
            let (x, y) = ((self.x(point.at) * per_pixel).round() / per_pixel, self.y(point.memory));
            match columns.last_mut() {
                Some(last) if (last.0 - x).abs() < 1e-9 => last.1 = last.1.min(y),
                _ => columns.push((x, y)),
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::{CurveKind, PlottedCurve};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_highest_sample_of_every_column_is_drawn(points in prop::collection::vec((0u64..5_000, 0u64..1 << 40), 1..400)) {
            let mut points = points;
            points.sort_unstable();
            let points = points.iter().map(|(ms, bytes)| SamplePoint { at: Duration::from_millis(*ms), memory: Bytes(*bytes) });
            let curve = PlottedCurve { label: String::new(), kind: CurveKind::Main, points: points.collect() };
            let model = ChartModel { curves: vec![curve], ..ChartModel::default() };
            let scales = Scales::of(&model);
            let columns = scales.columns(&model.curves[0].points, 1.0);
            for point in &model.curves[0].points {
                let column = columns.iter().find(|(x, _)| (x - scales.x(point.at).round()).abs() < 1e-9);
                prop_assert!(column.is_some_and(|(_, y)| *y <= scales.y(point.memory) + 1e-9));
            }
        }
    }
}
