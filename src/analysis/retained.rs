//! Retained memory: the level at the end of the steady part less the level at ready.

use std::time::Duration;

use super::model::Measured;
use super::part::PartOf;
use crate::trace::Sample;
use crate::units::{Bytes, SignedBytes};

/// With fewer readings than this a level is chance.
const FEWEST: u64 = 10;

/// The levels are taken over this part of the steady part, 1/20…
const PART: u32 = 20;
/// …but over at least so long, and so many readings, where it is long enough.
const SHORTEST: Duration = Duration::from_millis(100);
const READINGS: u32 = 3;

/// The most stretches that are held. Past it neighbours are joined, so that each level is still taken from about 100
/// stretches or more.
const MOST: usize = 4096;

/// A part of a run, seen row by row, without the final drop (the last rows in which memory only falls, or is zero).
pub(super) struct Steady {
    what: PartOf,
    from: Duration,
    until: Duration,
    interval: Duration,
    last: Option<(Duration, Bytes)>,
    stretches: Vec<Stretch>,
    rows_per_stretch: u32,
    readings: u64,
    /// Where the part ends if all that follows is the final drop, and the readings until there.
    end: Option<(Duration, u64)>,
}

/// Memory over time, a row holding until the next.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Duration,
    until: Duration,
    byte_nanos: u128,
    rows: u32,
}

impl Steady {
    /// From one time to another; the interval is that between two readings.
    pub(super) fn new(what: PartOf, from: Duration, until: Duration, interval: Duration) -> Self {
        Self {
            what,
            from,
            until,
            interval: interval.max(Duration::from_millis(1)),
            last: None,
            stretches: Vec::new(),
            rows_per_stretch: 1,
            readings: 0,
            end: None,
        }
    }

    pub(super) fn push(&mut self, row: &Sample) {
        if row.at <= self.until {
            self.see(row.at, row.memory);
        } else if let Some((at, memory)) = self.last
            && at < self.until
            && memory == row.memory
        {
            // Unchanged across the end: so much it was there.
            self.see(self.until, memory);
        }
        self.last = (row.at <= self.until).then_some((row.at, row.memory));
    }

    fn see(&mut self, at: Duration, memory: Bytes) {
        if at <= self.from {
            return;
        }
        if let Some((before, held)) = self.last {
            self.hold(before.max(self.from), at, held, held == memory);
        }
        let falling = self.last.is_some_and(|(_, held)| memory < held);
        if !falling && memory > Bytes::ZERO {
            self.end = Some((at, self.readings));
        }
    }

    /// Memory was so much from one row to the next.
    fn hold(&mut self, from: Duration, until: Duration, memory: Bytes, unchanged: bool) {
        let time = until - from;
        // Of an unchanged stretch the recorder writes a row a second, however many readings there were.
        let readings = if unchanged { (time.as_nanos() / self.interval.as_nanos()).max(1) } else { 1 };
        self.readings += readings as u64;
        let held = Stretch { from, until, byte_nanos: u128::from(memory.0) * time.as_nanos(), rows: 1 };
        match self.stretches.last_mut() {
            Some(last) if last.rows < self.rows_per_stretch => *last = last.join(held),
            _ => self.stretches.push(held),
        }
        if self.stretches.len() > MOST {
            self.rows_per_stretch *= 2;
            self.stretches =
                self.stretches.chunks(2).filter_map(|pair| pair.iter().copied().reduce(Stretch::join)).collect();
        }
    }

    /// Where the final drop begins, and the readings until there.
    ///
    /// # Errors
    /// A reason, as a sentence for people without a full stop, where there are too few.
    fn measured_end(&self) -> Result<(Duration, u64), String> {
        let (end, readings) = self.end.unwrap_or((self.from, 0));
        if readings < FEWEST {
            let samples = if readings == 1 { "sample" } else { "samples" };
            return Err(format!("only {readings} {samples} {}, {FEWEST} are needed", self.what.place()));
        }
        Ok((end, readings))
    }

    /// Where the final drop begins.
    ///
    /// # Errors
    /// A reason, as a sentence for people without a full stop, where too few samples are before it.
    pub(super) fn end(&self) -> Result<Duration, String> {
        self.measured_end().map(|(end, _)| end)
    }

    pub(super) fn retained(&self) -> Measured<SignedBytes> {
        let (end, readings) = match self.measured_end() {
            Ok(measured) => measured,
            Err(why) => return Measured::Unmeasured(why),
        };
        let steady = end - self.from;
        let spacing = steady / u32::try_from(readings).unwrap_or(u32::MAX);
        let window = (steady / PART).max(SHORTEST).max(spacing * READINGS).min(steady / 2);
        let levels = (self.level(self.from, self.from + window), self.level(end - window, end));
        match levels {
            (Some(first), Some(last)) => Measured::Value(last - first),
            _ => Measured::Unmeasured("no time passed between the samples after ready".to_owned()),
        }
    }

    /// The median of memory over time.
    fn level(&self, from: Duration, until: Duration) -> Option<Bytes> {
        let within = |stretch: &Stretch| stretch.until.min(until).saturating_sub(stretch.from.max(from));
        let mut parts: Vec<(Bytes, Duration)> = self
            .stretches
            .iter()
            .map(|stretch| (stretch.mean(), within(stretch)))
            .filter(|(_, time)| !time.is_zero())
            .collect();
        parts.sort_unstable();
        let whole: Duration = parts.iter().map(|(_, time)| *time).sum();
        let mut passed = Duration::ZERO;
        let middle = parts.iter().find(|(_, time)| {
            passed += *time;
            passed * 2 >= whole
        });
        middle.map(|(memory, _)| *memory)
    }
}

impl Stretch {
    fn join(self, next: Self) -> Self {
        Self {
            from: self.from,
            until: next.until,
            byte_nanos: self.byte_nanos + next.byte_nanos,
            rows: self.rows + next.rows,
        }
    }

    fn mean(&self) -> Bytes {
        let nanos = (self.until - self.from).as_nanos().max(1);
        Bytes(u64::try_from((self.byte_nanos + nanos / 2) / nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::measure;
    use crate::analysis::tests::{flat, measured, ready_after, record, why};
    use crate::trace::RunRecord;

    /// Every 10 ms a row, as `level` says, from launch until the time in milliseconds.
    fn every_10_ms(until: u64, level: impl Fn(u64) -> u64) -> Vec<Sample> {
        flat(&(0..=until / 10).map(|tick| (tick * 10, level(tick * 10))).collect::<Vec<_>>())
    }

    fn retained(record: &RunRecord, ready: u64, samples: &[Sample]) -> Measured<SignedBytes> {
        measured(record, &ready_after(ready), samples, &[]).retained
    }

    #[test]
    fn retained_is_the_rise_of_the_level_whatever_happens_between_and_at_the_end() {
        let record = RunRecord { duration: Some(Duration::from_secs(10)), ..record() };
        for (name, samples, expected) in [
            ("flat", every_10_ms(10_000, |_| 100), 0),
            ("a step", every_10_ms(10_000, |at| if at < 5000 { 100 } else { 130 }), 30),
            ("a fall", every_10_ms(10_000, |at| if at < 5000 { 100 } else { 70 }), -30),
            ("a spike at each end", every_10_ms(10_000, |at| if at == 1010 || at == 9900 { 900 } else { 100 }), 0),
            ("a final drop", every_10_ms(10_000, |at| if at < 9950 { 100 } else { 10_000 - at }), 0),
            ("zeros at the end", every_10_ms(10_000, |at| if at < 9000 { 100 + at / 4500 } else { 0 }), 1),
            ("start-up's spike", every_10_ms(10_000, |at| if at < 990 { 5000 } else { 100 }), 0),
            ("saw teeth", every_10_ms(10_000, |at| 100 + at / 10 % 7), 0),
        ] {
            assert_eq!(retained(&record, 1000, &samples), Measured::Value(SignedBytes(expected)), "{name}");
        }
    }

    #[test]
    fn what_follows_the_stop_of_a_server_is_not_its_steady_part() {
        let samples = every_10_ms(2000, |at| if at < 1000 { 100 } else { 500 });
        let record =
            RunRecord { duration: Some(Duration::from_secs(2)), stop_at: Some(Duration::from_secs(1)), ..record() };
        assert_eq!(retained(&record, 200, &samples), Measured::Value(SignedBytes(0)));
        assert_eq!(retained(&RunRecord { stop_at: None, ..record }, 200, &samples), Measured::Value(SignedBytes(400)));
    }

    #[test]
    fn an_unchanged_stretch_counts_with_all_its_readings_though_it_has_few_rows() {
        let record = RunRecord { duration: Some(Duration::from_secs(3)), ..record() };
        let thinned = flat(&[(0, 10), (490, 10), (500, 100), (1500, 100), (2500, 100), (2990, 100), (3000, 0)]);
        assert_eq!(retained(&record, 600, &thinned), Measured::Value(SignedBytes(0)));
    }

    #[test]
    fn too_few_samples_after_ready_are_no_level() {
        let samples = every_10_ms(1000, |at| 100 + at);
        let told = retained(&record(), 930, &samples);
        assert_eq!(why(&told), "only 7 samples between ready and the final drop, 10 are needed");
        let falling = every_10_ms(1000, |at| 2000 - at);
        let told = retained(&record(), 100, &falling);
        assert_eq!(why(&told), "only 0 samples between ready and the final drop, 10 are needed");
    }

    #[test]
    fn a_long_run_is_measured_in_bounded_memory_with_the_same_answer() {
        let samples = (0..300_000u64).map(|tick| {
            let memory = 1_000_000 + tick * 10 + tick % 13;
            Ok(flat(&[(tick * 10, memory)])[0])
        });
        let record = RunRecord { duration: Some(Duration::from_secs(3000)), ..record() };
        let measures = measure(&record, &ready_after(0), || Ok(samples.clone()), []).unwrap().0;
        let retained = measures.retained.value().unwrap().0;
        // The middles of the first and the last twentieth are 19/20 of the rise apart.
        assert!((retained - 2_850_000).abs() < 2_000, "{retained}");
    }
}
