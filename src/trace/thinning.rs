//! Which readings become rows.

use std::time::Duration;

use super::model::Sample;

/// At most 100 rows a second…
const CLOSEST: Duration = Duration::from_millis(10);
/// …and at least one.
const FARTHEST: Duration = Duration::from_secs(1);

/// Picks the rows of `memory.csv` from all readings.
///
/// Every reading is a row, but for two cases: at more than 100 readings a second a row stands for 10 ms of them, and
/// while memory and the number of processes stay as they are a row stands for a second. No peak is lost: a row
/// carries the highest of the readings that it stands for. The last reading before a change is a row too, so that a
/// step stays a step.
#[derive(Default)]
pub(super) struct Thinning {
    row: Option<Sample>,
    /// The last reading that was not made a row, with the highest peak since the last row.
    held: Option<Sample>,
    next_due: Duration,
}

impl Thinning {
    /// Takes a reading, and hands on what is to be written: nothing, the reading, or the one before and the reading.
    pub(super) fn push<E>(
        &mut self,
        mut sample: Sample,
        mut write: impl FnMut(&Sample) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(row) = self.row else {
            self.next_due = sample.at;
            return self.write(sample, &mut write);
        };
        let changed = differ(&row, &sample) || self.held.is_some_and(|held| held.peak > row.memory);
        if sample.at < self.next_due || (!changed && sample.at < row.at + FARTHEST) {
            if let Some(held) = self.held {
                sample.absorb(&held);
            }
            self.held = Some(sample);
            return Ok(());
        }
        match self.held {
            Some(held) if changed && held.at >= self.next_due && !differ(&row, &held) => {
                self.write(held, &mut write)?;
            }
            Some(held) => sample.absorb(&held),
            None => {}
        }
        self.write(sample, &mut write)
    }

    /// Hands on the last reading where it is not written yet.
    pub(super) fn finish<E>(&mut self, mut write: impl FnMut(&Sample) -> Result<(), E>) -> Result<(), E> {
        match self.held {
            Some(held) => self.write(held, &mut write),
            None => Ok(()),
        }
    }

    fn write<E>(&mut self, row: Sample, write: &mut impl FnMut(&Sample) -> Result<(), E>) -> Result<(), E> {
        self.held = None;
        self.row = Some(row);
        // Deadlines of its own: a reading that comes late must not cost the next one its row.
        self.next_due = (self.next_due + CLOSEST).max(row.at);
        write(&row)
    }
}

fn differ(row: &Sample, sample: &Sample) -> bool {
    // After a spike the same memory is a change, too: without a row right after it, its fall would be drawn as a slope.
    row.peak > row.memory
        || sample.memory != row.memory
        || sample.peak > row.memory
        || sample.processes != row.processes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Bytes, Parts, Uncertainty};
    use proptest::prelude::*;

    fn sample(at: Duration, memory: u64, peak: u64) -> Sample {
        let (memory, peak) = (Bytes(memory), Bytes(peak));
        Sample {
            at,
            memory,
            peak,
            uncertainty: Uncertainty::NONE,
            parts: Parts::default(),
            processes: Some(1),
            machine_used: None,
        }
    }

    fn rows(samples: &[Sample]) -> Vec<Sample> {
        let (mut thinning, mut rows) = (Thinning::default(), Vec::new());
        let mut write = |row: &Sample| -> Result<(), ()> {
            rows.push(*row);
            Ok(())
        };
        for sample in samples {
            thinning.push(*sample, &mut write).unwrap();
        }
        thinning.finish(&mut write).unwrap();
        rows
    }

    /// Readings so many milliseconds apart: (memory, peak).
    fn every(step: u64, values: &[(u64, u64)]) -> Vec<Sample> {
        let at = |index: usize| Duration::from_millis(step * index as u64);
        values.iter().enumerate().map(|(index, (memory, peak))| sample(at(index), *memory, *peak)).collect()
    }

    fn millis(rows: &[Sample]) -> Vec<u128> {
        rows.iter().map(|row| row.at.as_millis()).collect()
    }

    #[test]
    fn at_100_readings_a_second_every_change_is_a_row() {
        let samples = every(10, &[(1, 1), (2, 2), (3, 3), (2, 2)]);
        assert_eq!(rows(&samples), samples);
    }

    #[test]
    fn readings_that_come_late_do_not_cost_the_next_its_row() {
        let late = [0, 10_900, 20_000, 30_100, 47_000, 50_000, 60_000];
        let samples: Vec<Sample> = late.iter().map(|at| sample(Duration::from_micros(*at), *at, *at)).collect();
        assert_eq!(rows(&samples), samples);
    }

    #[test]
    fn at_1000_readings_a_second_a_row_stands_for_ten_and_has_their_peak() {
        let mut values: Vec<(u64, u64)> = (0..31).map(|value| (100 + value, 100 + value)).collect();
        values[13].1 = 900;
        let rows = rows(&every(1, &values));
        assert_eq!(millis(&rows), [0, 10, 20, 30]);
        assert_eq!(rows.iter().map(|row| row.peak.0).collect::<Vec<_>>(), [100, 110, 900, 130]);
        assert_eq!(rows[2].memory, Bytes(120));
    }

    #[test]
    fn a_change_every_ten_readings_of_a_millisecond_is_one_row_each() {
        let values: Vec<(u64, u64)> = (0..100).map(|tick| (tick / 10, tick / 10)).collect();
        assert_eq!(millis(&rows(&every(1, &values))), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99]);
    }

    #[test]
    fn an_unchanged_stretch_has_a_row_a_second_and_its_last_reading() {
        let mut values = vec![(5, 5); 250];
        values.push((9, 9));
        let rows = rows(&every(10, &values));
        assert_eq!(millis(&rows), [0, 1000, 2000, 2490, 2500]);
        assert_eq!(rows[3].memory, Bytes(5));
    }

    #[test]
    fn a_spike_that_ended_before_the_reading_is_a_change() {
        let mut values = vec![(5, 5); 20];
        values[10] = (5, 50);
        let rows = rows(&every(10, &values));
        assert_eq!(millis(&rows), [0, 90, 100, 110, 190]);
        assert_eq!((rows[2].memory, rows[2].peak, rows[3].peak), (Bytes(5), Bytes(50), Bytes(5)));
    }

    #[test]
    fn a_spike_that_ended_within_10_ms_is_not_held_until_the_next_second() {
        let mut values = vec![(5, 5); 1500];
        values[3] = (5, 50);
        let rows = rows(&every(1, &values));
        assert_eq!(millis(&rows), [0, 10, 20, 1020, 1499]);
        assert_eq!(rows.iter().map(|row| row.peak.0).collect::<Vec<_>>(), [5, 50, 5, 5, 5]);
    }

    fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
        let step = prop_oneof![Just(1_000u64), Just(10_000), 500u64..20_000, 1_000_000u64..3_000_000];
        proptest::collection::vec((step, 0u64..4, prop_oneof![4 => Just(0u64), 1 => 0u64..9]), 1..400).prop_map(
            |ticks| {
                let mut at = Duration::ZERO;
                let reading = |(step, memory, above)| {
                    at += Duration::from_micros(step);
                    sample(at, memory, memory + above)
                };
                ticks.into_iter().map(reading).collect()
            },
        )
    }

    proptest! {
        #[test]
        fn no_peak_is_ever_lost_and_stands_in_the_row_after_it(samples in any_samples()) {
            let rows = rows(&samples);
            let mut from = Duration::ZERO;
            for row in &rows {
                let between = samples.iter().filter(|sample| sample.at > from && sample.at <= row.at);
                prop_assert_eq!(Some(row.peak), between.map(|sample| sample.peak).max());
                from = row.at;
            }
            prop_assert_eq!(from, samples[samples.len() - 1].at);
        }

        #[test]
        fn every_row_is_a_reading_and_the_first_and_last_are_rows(samples in any_samples()) {
            let rows = rows(&samples);
            prop_assert!(rows.iter().all(|row| samples.iter().any(|sample| sample.at == row.at && sample.memory == row.memory)));
            prop_assert_eq!(rows[0], samples[0]);
            prop_assert_eq!(rows[rows.len() - 1].at, samples[samples.len() - 1].at);
        }

        #[test]
        fn the_row_after_a_spike_is_near(samples in any_samples()) {
            let rows = rows(&samples);
            for pair in rows.windows(2).filter(|pair| pair[0].peak > pair[0].memory) {
                let next = samples.iter().find(|sample| sample.at >= pair[0].at + 2 * CLOSEST);
                prop_assert!(next.is_none_or(|next| pair[1].at <= next.at));
            }
        }

        #[test]
        fn rows_are_at_most_a_second_and_a_reading_apart(samples in any_samples()) {
            for pair in rows(&samples).windows(2) {
                let next = samples.iter().find(|sample| sample.at >= pair[0].at + FARTHEST);
                prop_assert!(next.is_none_or(|next| pair[1].at <= next.at));
            }
        }
    }
}
