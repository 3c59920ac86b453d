//! From any number of rows to a curve that can be held and drawn.

use std::time::Duration;

use super::model::{Curve, Gap, Sample, SamplePoint};
use crate::units::Bytes;

/// The most stretches of a curve: more than a graph has columns.
const MAX_STRETCHES: usize = 4096;

/// Rows may lie this many intervals apart…
const INTERVALS: u32 = 3;
/// …but half a second is no gap: a busy machine delays readings, and a large tree stretches them…
const SHORTEST_GAP: Duration = Duration::from_millis(500);
/// …and while memory stays as it is there is a row a second.
const UNCHANGED: Duration = Duration::from_secs(1);

/// True if memory was not measured between two rows: they are further apart than rows at this interval ever are.
fn is_gap(before: SamplePoint, after: SamplePoint, interval: Duration) -> bool {
    let unchanged = if before.memory == after.memory { UNCHANGED } else { Duration::ZERO };
    let farthest = interval.saturating_mul(INTERVALS).max(SHORTEST_GAP).saturating_add(unchanged);
    after.at.saturating_sub(before.at) > farthest
}

/// Thins rows as they pass to at most 4096 stretches of time, each with its highest peak.
///
/// Stretches are equally long, begin at 1 ms (the shortest interval), and double whenever there are too many.
#[derive(Debug, Clone)]
pub struct CurveBuilder {
    stretches: Stretches,
    most: usize,
    interval: Duration,
    last: Option<SamplePoint>,
    gaps: Vec<Gap>,
}

impl CurveBuilder {
    /// A builder for rows that were read at this interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self::with_stretches(MAX_STRETCHES, interval)
    }

    pub(super) fn with_stretches(most: usize, interval: Duration) -> Self {
        let stretches = Stretches { length: Duration::from_millis(1), all: Vec::new() };
        Self { stretches, most, interval, last: None, gaps: Vec::new() }
    }

    /// Takes the next row in the order of time.
    pub fn push(&mut self, sample: &Sample) {
        self.push_point(SamplePoint { at: sample.at, memory: sample.peak });
    }

    /// Takes the next point in the order of time.
    pub(super) fn push_point(&mut self, point: SamplePoint) {
        if let Some(last) = self.last.replace(point)
            && is_gap(last, point, self.interval)
            && point.at - last.at >= self.stretches.length
        {
            self.gaps.push(Gap { from: last.at, until: point.at });
        }
        self.stretches.push(point);
        while self.stretches.all.len() > self.most {
            self.stretches.double();
            let length = self.stretches.length;
            self.gaps.retain(|gap| gap.until - gap.from >= length);
        }
    }

    /// The curve of the rows so far.
    #[must_use]
    pub fn finish(self) -> Curve {
        Curve { points: self.stretches.points(), gaps: self.gaps }
    }
}

impl Curve {
    /// The curve through all points, which were read at this interval.
    pub(super) fn through(points: Vec<SamplePoint>, interval: Duration) -> Self {
        let pairs = points.windows(2).filter(|pair| is_gap(pair[0], pair[1], interval));
        let gaps = pairs.map(|pair| Gap { from: pair[0].at, until: pair[1].at }).collect();
        Self { points, gaps }
    }

    /// The highest point, the first of several. None of a curve without points.
    #[must_use]
    pub fn highest(&self) -> Option<SamplePoint> {
        self.points.iter().copied().reduce(|high, point| if point.memory > high.memory { point } else { high })
    }

    /// The points from gap to gap: a line may join those of one piece alone.
    pub fn pieces(&self) -> impl Iterator<Item = &[SamplePoint]> {
        let mut begin = 0;
        let ends = self.gaps.iter().map(|gap| self.points.partition_point(|point| point.at <= gap.from));
        ends.chain([self.points.len()])
            .map(move |end| &self.points[std::mem::replace(&mut begin, end)..end])
            .filter(|piece| !piece.is_empty())
    }

    /// The gap that an instant lies in.
    #[must_use]
    pub fn gap_at(&self, at: Duration) -> Option<Gap> {
        let next = self.gaps.partition_point(|gap| gap.until <= at);
        self.gaps.get(next).copied().filter(|gap| gap.from < at)
    }

    /// The parts of a window that were measured, in order.
    pub fn measured(&self, from: Duration, until: Duration) -> impl Iterator<Item = (Duration, Duration)> {
        let begins = [from].into_iter().chain(self.gaps.iter().map(move |gap| gap.until.max(from)));
        let ends = self.gaps.iter().map(move |gap| gap.from.min(until)).chain([until]);
        begins.zip(ends).filter(|(begin, end)| begin < end)
    }

    /// The same in stretches of this length.
    #[must_use]
    pub fn thinned(&self, length: Duration) -> Self {
        let mut stretches = Stretches { length, all: Vec::new() };
        self.points.iter().for_each(|point| stretches.push(*point));
        let gaps = self.gaps.iter().copied().filter(|gap| gap.until - gap.from >= length);
        Self { points: stretches.points(), gaps: gaps.collect() }
    }
}

/// The highest memory of each column of time. One without a point is at the level of the last point before it, None before the
/// first point and after the last.
pub fn columns(points: &[SamplePoint], count: usize, column_of: impl Fn(Duration) -> usize) -> Vec<Option<Bytes>> {
    let mut columns = vec![None; count];
    let (mut level, mut next) = (None, 0);
    for point in points {
        let column = column_of(point.at).min(count - 1);
        if next < column {
            columns[next..column].fill(level);
        }
        columns[column] = columns[column].max(Some(point.memory));
        (level, next) = (Some(point.memory), column + 1);
    }
    columns
}

/// Points by equal stretches of time.
#[derive(Debug, Clone)]
struct Stretches {
    length: Duration,
    all: Vec<Stretch>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    first: SamplePoint,
    highest: SamplePoint,
    last: SamplePoint,
}

impl Stretches {
    fn push(&mut self, point: SamplePoint) {
        self.join(Stretch { first: point, highest: point, last: point });
    }

    fn join(&mut self, next: Stretch) {
        let number = self.number(next.first);
        match self.all.last().map(|stretch| self.number(stretch.first)).zip(self.all.last_mut()) {
            Some((held, stretch)) if held == number => {
                stretch.last = next.last;
                if next.highest.memory > stretch.highest.memory {
                    stretch.highest = next.highest;
                }
            }
            _ => self.all.push(next),
        }
    }

    fn double(&mut self) {
        self.length *= 2;
        let finer = std::mem::take(&mut self.all);
        finer.into_iter().for_each(|stretch| self.join(stretch));
    }

    fn number(&self, point: SamplePoint) -> u128 {
        point.at.as_nanos() / self.length.as_nanos().max(1)
    }

    /// The highest point of each. Where the rows of two are apart, the line leaves the one by its last point and comes to the
    /// other by its first: what is level before and after a spike stays level.
    fn points(&self) -> Vec<SamplePoint> {
        let are_apart = |one: &Stretch, other: &Stretch| other.first.at - one.last.at >= self.length / 2;
        let mut points = Vec::with_capacity(self.all.len());
        for (index, stretch) in self.all.iter().enumerate() {
            let Stretch { first, highest, last } = *stretch;
            let before = index.checked_sub(1).map(|index| &self.all[index]);
            if first.memory < highest.memory && before.is_some_and(|before| are_apart(before, stretch)) {
                points.push(first);
            }
            points.push(highest);
            if last.memory < highest.memory && self.all.get(index + 1).is_some_and(|after| are_apart(stretch, after)) {
                points.push(last);
            }
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(millis: u64, memory: u64) -> SamplePoint {
        SamplePoint { at: Duration::from_millis(millis), memory: Bytes(memory) }
    }

    fn curve(interval: u64, points: &[(u64, u64)]) -> Curve {
        let mut builder = CurveBuilder::new(Duration::from_millis(interval));
        points.iter().for_each(|(at, memory)| builder.push_point(point(*at, *memory)));
        builder.finish()
    }

    fn gaps(interval: u64, points: &[(u64, u64)]) -> Vec<(u128, u128)> {
        let curve = curve(interval, points);
        assert_eq!(curve, Curve::through(curve.points.clone(), Duration::from_millis(interval)));
        curve.gaps.iter().map(|gap| (gap.from.as_millis(), gap.until.as_millis())).collect()
    }

    #[test]
    fn a_short_run_keeps_every_row() {
        let rows: Vec<(u64, u64)> = (0..4000).map(|tick| (tick * 10, 5)).collect();
        assert!(curve(10, &rows).points.len() >= 1000);
        assert_eq!(curve(10, &rows[..400]).points.len(), 400);
    }

    #[test]
    fn rows_further_apart_than_the_recorder_leaves_them_have_a_gap_between_them() {
        let stalled = [(0, 5), (10, 6), (510, 7), (1020, 9), (1030, 9)];
        assert_eq!(gaps(10, &stalled), [(510, 1020)], "half a second is none");
        let idle = [(0, 5), (1000, 5), (2400, 5), (4000, 5), (4010, 6)];
        assert_eq!(gaps(10, &idle), [(2400, 4000)], "unchanged, there is a row a second");
        let slow = [(0, 5), (5000, 6), (20_000, 7), (35_010, 8), (51_010, 8), (67_020, 8)];
        assert_eq!(gaps(5000, &slow), [(20_000, 35_010), (51_010, 67_020)], "three intervals are none");
    }

    #[test]
    fn pieces_end_at_gaps() {
        let curve = curve(10, &[(0, 1), (10, 2), (3000, 3), (6000, 4), (6010, 5)]);
        let pieces: Vec<Vec<u64>> =
            curve.pieces().map(|piece| piece.iter().map(|point| point.memory.0).collect()).collect();
        assert_eq!(pieces, [vec![1, 2], vec![3], vec![4, 5]]);
        let gap = |millis| curve.gap_at(Duration::from_millis(millis)).map(|gap| gap.from.as_millis());
        assert_eq!([10, 11, 3000, 3001, 6000].map(gap), [None, Some(10), None, Some(3000), None]);
        assert_eq!(Curve::default().pieces().count(), 0);
        let measured = |from, until| {
            let parts = curve.measured(Duration::from_millis(from), Duration::from_millis(until));
            parts.map(|(from, until)| (from.as_millis(), until.as_millis())).collect::<Vec<_>>()
        };
        assert_eq!(measured(5, 7000), [(5, 10), (6000, 7000)]);
        assert_eq!(measured(5, 8), [(5, 8)]);
        assert_eq!(measured(100, 200), []);
    }

    #[test]
    fn a_spike_in_an_unchanged_stretch_of_a_long_run_does_not_become_a_slope() {
        // 20 minutes: a stretch is 512 ms, and has all three rows at the spike.
        let mut rows: Vec<(u64, u64)> = (0..1200).map(|second| (second * 1000 + 10, 5)).collect();
        rows.splice(600..600, [(599_690, 5), (599_700, 50), (599_710, 5)]);
        let points = curve(10, &rows).points;
        let spike = points.iter().position(|point| point.memory == Bytes(50)).unwrap();
        assert_eq!(points[spike - 1..=spike + 1], [point(599_690, 5), point(599_700, 50), point(599_710, 5)]);
        let thin = Curve { points, ..Curve::default() }.thinned(Duration::from_millis(500));
        assert!(thin.points.contains(&point(599_690, 5)) && thin.points.contains(&point(599_710, 5)));
    }

    #[test]
    fn a_column_without_a_point_has_the_level_after_the_spike_before_it() {
        let points = [(1000, 5), (2000, 90), (2010, 5), (5000, 7)].map(|(at, memory)| point(at, memory));
        let levels = columns(&points, 7, |at| at.as_secs() as usize);
        assert_eq!(levels, [None, Some(5), Some(90), Some(5), Some(5), Some(7), None].map(|level| level.map(Bytes)));
    }

    proptest! {
        #[test]
        fn a_curve_is_bounded_in_order_and_has_the_maximum_of_every_stretch(
            steps in proptest::collection::vec((0u64..100, 0u64..1000), 1..300), scale in 1u64..1000, most in 1usize..20
        ) {
            let mut at = 0;
            let rows: Vec<SamplePoint> = steps.into_iter().map(|(step, peak)| {
                at += step * scale;
                point(at, peak)
            }).collect();
            let mut builder = CurveBuilder::with_stretches(most, Duration::from_millis(10));
            rows.iter().for_each(|row| builder.push_point(*row));
            let stretches = builder.stretches.clone();
            let curve = builder.finish();
            prop_assert!(curve.points.len() <= 3 * most && curve.gaps.len() < curve.points.len().max(2));
            prop_assert!(curve.points.is_sorted_by_key(|point| point.at));
            prop_assert!(curve.points.iter().all(|point| rows.contains(point)));
            for row in &rows {
                let number = stretches.number(*row);
                let mut same = curve.points.iter().filter(|point| stretches.number(**point) == number);
                prop_assert!(same.any(|point| point.memory >= row.memory));
            }
            // Every gap is between two pieces, and nothing was read in it.
            prop_assert_eq!(curve.pieces().count(), curve.gaps.len() + 1);
            prop_assert_eq!(curve.pieces().map(<[_]>::len).sum::<usize>(), curve.points.len());
            for gap in &curve.gaps {
                prop_assert!(!rows.iter().any(|row| row.at > gap.from && row.at < gap.until));
            }
        }
    }
}
