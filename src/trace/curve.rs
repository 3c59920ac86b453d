//! From any number of rows to a curve that can be held and drawn.

use std::time::Duration;

use anyhow::Result;

use super::model::{Curve, Sample, SamplePoint};

/// The most points of a curve: more than a graph has columns.
const MOST: usize = 4096;

/// Thins rows as they pass to at most 4096 points. Each point is the highest peak of its stretch of time, at its
/// instant.
///
/// Stretches are equally long, begin at 1 ms (the shortest interval), and double whenever there are too many.
#[derive(Debug, Clone)]
pub struct CurveBuilder {
    points: Vec<SamplePoint>,
    stretch: Duration,
    /// Where the stretch of the last point ends.
    until: Duration,
    most: usize,
}

impl Default for CurveBuilder {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl CurveBuilder {
    /// For at most so many points.
    pub(super) fn new(most: usize) -> Self {
        Self { points: Vec::new(), stretch: Duration::from_millis(1), until: Duration::ZERO, most }
    }

    /// Takes the next row in the order of time.
    pub fn push(&mut self, sample: &Sample) {
        self.push_point(SamplePoint { at: sample.at, memory: sample.peak });
    }

    /// Takes the next point in the order of time.
    pub(super) fn push_point(&mut self, point: SamplePoint) {
        self.join(point);
        while self.points.len() > self.most {
            self.stretch *= 2;
            self.until = Duration::ZERO;
            let finer = std::mem::replace(&mut self.points, Vec::with_capacity(self.most + 1));
            finer.into_iter().for_each(|point| self.join(point));
        }
    }

    /// Adds a point; within the stretch of the last one only the higher of the two stays.
    fn join(&mut self, point: SamplePoint) {
        match self.points.last_mut() {
            Some(last) if point.at < self.until => {
                if point.memory > last.memory {
                    *last = point;
                }
            }
            _ => {
                self.points.push(point);
                let stretch = self.stretch.as_nanos();
                let until = (point.at.as_nanos() / stretch + 1) * stretch;
                self.until = Duration::from_nanos(u64::try_from(until).unwrap_or(u64::MAX));
            }
        }
    }

    /// The curve of the rows so far.
    #[must_use]
    pub fn finish(self) -> Curve {
        Curve { points: self.points }
    }
}

impl Curve {
    /// Thins all rows of a run.
    ///
    /// # Errors
    /// The first error of the rows.
    pub fn thin(samples: impl IntoIterator<Item = Result<Sample>>) -> Result<Self> {
        let mut builder = CurveBuilder::default();
        for sample in samples {
            builder.push(&sample?);
        }
        Ok(builder.finish())
    }

    /// The highest point, the first of several. None of a curve without points.
    #[must_use]
    pub fn highest(&self) -> Option<SamplePoint> {
        self.points.iter().copied().reduce(|high, point| if point.memory > high.memory { point } else { high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Bytes, Parts, Uncertainty};
    use proptest::prelude::*;

    fn sample(micros: u64, peak: u64) -> Sample {
        let at = Duration::from_micros(micros);
        Sample {
            at,
            memory: Bytes(0),
            peak: Bytes(peak),
            uncertainty: Uncertainty::NONE,
            parts: Parts::default(),
            processes: Some(1),
            machine_used: None,
        }
    }

    #[test]
    fn a_short_run_keeps_every_row() {
        let samples: Vec<Sample> = (0..4000).map(|tick| sample(tick * 10_000, 5)).collect();
        let curve = Curve::thin(samples.iter().map(|sample| Ok(*sample))).unwrap();
        assert!(curve.points.len() >= 1000, "{}", curve.points.len());
        let first: Vec<Sample> = samples[..400].to_vec();
        assert_eq!(Curve::thin(first.into_iter().map(Ok)).unwrap().points.len(), 400);
    }

    #[test]
    fn an_error_in_the_rows_is_handed_on() {
        assert!(Curve::thin([Ok(sample(0, 1)), Err(anyhow::anyhow!("line 3"))]).is_err());
    }

    proptest! {
        #[test]
        fn a_curve_is_bounded_in_order_and_has_the_maximum_of_every_stretch(
            steps in proptest::collection::vec((0u64..100_000, 0u64..1000), 1..300), scale in 1u64..1000, most in 1usize..20
        ) {
            let mut at = 0;
            let samples: Vec<Sample> = steps.into_iter().map(|(step, peak)| {
                at += step * scale;
                sample(at, peak)
            }).collect();
            let mut builder = CurveBuilder::new(most);
            samples.iter().for_each(|sample| builder.push(sample));
            let stretch = |at: Duration| at.as_nanos() / builder.stretch.as_nanos();
            prop_assert!(builder.points.len() <= most);
            prop_assert!(builder.points.is_sorted_by(|a, b| stretch(a.at) < stretch(b.at)));
            for point in &builder.points {
                prop_assert!(samples.iter().any(|sample| sample.at == point.at && sample.peak == point.memory));
            }
            for sample in &samples {
                let index = builder.points.binary_search_by_key(&stretch(sample.at), |point| stretch(point.at));
                prop_assert!(builder.points[index.unwrap()].memory >= sample.peak);
            }
        }
    }
}
