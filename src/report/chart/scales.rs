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
        let points = model.curves.iter().flat_map(|curve| &curve.curve.points);
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

    /// The line through the points: for every column of pixels that has any, the highest of them. Where the column before it or
    /// after it has none, the line comes from the first of them, or leaves by the last: what stayed as it was stays level.
    pub(super) fn columns(&self, points: &[SamplePoint], per_pixel: f64) -> Vec<(f64, f64)> {
        let mut columns: Vec<Column> = Vec::new();
        for point in points {
            let (x, y) = ((self.x(point.at) * per_pixel).round() / per_pixel, self.y(point.memory));
            match columns.last_mut() {
                Some(column) if (column.x - x).abs() < 1e-9 => {
                    (column.highest, column.last) = (column.highest.min(y), y);
                }
                _ => columns.push(Column { x, first: y, highest: y, last: y }),
            }
        }
        let are_apart = |left: &Column, right: &Column| right.x - left.x > 1.0 / per_pixel + 1e-9;
        let mut line = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|index| columns.get(index));
            if column.first > column.highest && before.is_some_and(|before| are_apart(before, column)) {
                line.push((column.x, column.first));
            }
            line.push((column.x, column.highest));
            if column.last > column.highest && columns.get(index + 1).is_some_and(|after| are_apart(column, after)) {
                line.push((column.x, column.last));
            }
        }
        line
    }
}

/// The points of a curve in one column of pixels, y downwards.
struct Column {
    x: f64,
    first: f64,
    highest: f64,
    last: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::{CurveKind, PlottedCurve};
    use crate::trace::Curve;
    use proptest::prelude::*;

    #[test]
    fn a_level_stretch_before_and_after_a_spike_within_one_column_is_level() {
        let points = [(0, 10), (4999, 10), (5000, 90), (5001, 20), (10_000, 20)]
            .map(|(ms, bytes)| SamplePoint { at: Duration::from_millis(ms), memory: Bytes(bytes) });
        let curve = PlottedCurve {
            label: String::new(),
            kind: CurveKind::Main,
            curve: Curve { points: points.to_vec(), ..Curve::default() },
        };
        let model = ChartModel { curves: vec![curve], ..ChartModel::default() };
        let scales = Scales::of(&model);
        let line = scales.columns(&points, 1.0);
        let levels: Vec<f64> = line.iter().map(|(_, y)| *y).collect();
        let y = |bytes| scales.y(Bytes(bytes));
        assert_eq!(levels, [y(10), y(10), y(90), y(20), y(20)]);
        assert!((line[1].0 - line[3].0).abs() < 1e-9, "{line:?}");
    }

    proptest! {
        #[test]
        fn the_highest_sample_of_every_column_is_drawn(points in prop::collection::vec((0u64..5_000, 0u64..1 << 40), 1..400)) {
            let mut points = points;
            points.sort_unstable();
            let points = points.iter().map(|(ms, bytes)| SamplePoint { at: Duration::from_millis(*ms), memory: Bytes(*bytes) });
            let curve = PlottedCurve { label: String::new(), kind: CurveKind::Main, curve: Curve { points: points.collect(), ..Curve::default() } };
            let model = ChartModel { curves: vec![curve], ..ChartModel::default() };
            let scales = Scales::of(&model);
            let columns = scales.columns(&model.curves[0].curve.points, 1.0);
            for point in &model.curves[0].curve.points {
                let mut column = columns.iter().filter(|(x, _)| (x - scales.x(point.at).round()).abs() < 1e-9);
                prop_assert!(column.any(|(_, y)| *y <= scales.y(point.memory) + 1e-9));
            }
        }
    }
}
