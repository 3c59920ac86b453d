//! Retained memory: the level at the end of the steady part less the level at ready.

use std::time::Duration;

use super::model::{Estimate, Measured};
use super::part::PartOf;
use crate::trace::Sample;
use crate::units::{Bytes, SignedBytes, Uncertainty};

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

/// Memory that falls by at most 1/100…
const HELD_SHARE: u64 = 100;
/// …within this time is held: a process that frees its memory before it ends stands still for less, even on a busy machine…
const HELD_TIME: Duration = Duration::from_secs(2);
/// …or within this part of the steady part, 1/4, where that is shorter.
const HELD_PART: u32 = 4;

/// A part of a run, seen row by row, without the final drop: where a process ends by itself, the last readings, from the
/// last instant at which its memory was held (or all that are zero).
pub(super) struct Steady {
    what: PartOf,
    from: Duration,
    until: Duration,
    interval: Duration,
    has_final_drop: bool,
    last: Option<(Duration, Estimate<Bytes>)>,
    stretches: Vec<Stretch>,
    rows_per_stretch: u32,
    readings: u64,
    /// The last reading of each level that no later reading reaches, so that the levels fall.
    falling: Vec<LastReading>,
}

#[derive(Debug, Clone, Copy)]
struct LastReading {
    at: Duration,
    memory: Bytes,
    /// How many readings there were until then.
    readings: u64,
}

/// Memory over time, a row holding until the next.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Duration,
    until: Duration,
    byte_nanos: ByteNanos,
    rows: u32,
}

/// Memory times time: of the least, the value and the most. `u128::MAX` for a most that nothing bounds.
#[derive(Debug, Clone, Copy)]
struct ByteNanos {
    low: u128,
    value: u128,
    high: u128,
}

impl Steady {
    /// From one time to another; the interval is that between two readings. `has_final_drop` where the process may have
    /// ended within the part.
    pub(super) fn new(what: PartOf, from: Duration, until: Duration, interval: Duration, has_final_drop: bool) -> Self {
        Self {
            what,
            from,
            until,
            interval: interval.max(Duration::from_millis(1)),
            has_final_drop,
            last: None,
            stretches: Vec::new(),
            rows_per_stretch: 1,
            readings: 0,
            falling: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: &Sample) {
        if row.at <= self.until {
            self.see(row.at, row.memory);
        } else if let Some((at, held)) = self.last
            && at < self.until
            && held.value == row.memory
        {
            // Unchanged across the end: so much it was there.
            self.see(self.until, row.memory);
        }
        let held = Estimate::read(row.memory, row.uncertainty);
        self.last = (row.at <= self.until).then_some((row.at, held));
    }

    fn see(&mut self, at: Duration, memory: Bytes) {
        if at <= self.from {
            return;
        }
        if let Some((before, held)) = self.last {
            self.hold(before.max(self.from), at, held, held.value == memory);
        }
        if memory > Bytes::ZERO {
            while self.falling.last().is_some_and(|last| last.memory <= memory) {
                self.falling.pop();
            }
            self.falling.push(LastReading { at, memory, readings: self.readings });
        }
        if self.falling.len() > MOST {
            let mut index = 0;
            self.falling.retain(|_| {
                index += 1;
                index % 2 == 0
            });
        }
    }

    /// Memory was so much from one row to the next.
    fn hold(&mut self, from: Duration, until: Duration, memory: Estimate<Bytes>, unchanged: bool) {
        let time = until - from;
        // Of an unchanged stretch the recorder writes a row a second, however many readings there were.
        let readings = if unchanged { (time.as_nanos() / self.interval.as_nanos()).max(1) } else { 1 };
        self.readings += readings as u64;
        let held = Stretch { from, until, byte_nanos: ByteNanos::of(memory, time.as_nanos()), rows: 1 };
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
        let end = self.falling.iter().rfind(|reading| !self.has_final_drop || self.is_held_at(reading));
        let (end, readings) = end.map_or((self.from, 0), |reading| (reading.at, reading.readings));
        if readings < FEWEST {
            let samples = if readings == 1 { "sample" } else { "samples" };
            return Err(format!("only {readings} {samples} {}, {FEWEST} are needed", self.what.place()));
        }
        Ok((end, readings))
    }

    /// True if memory hardly fell for a while before a reading, as seen from the highest that followed each instant.
    fn is_held_at(&self, reading: &LastReading) -> bool {
        let lasted = self.falling.last().map_or(Duration::ZERO, |last| last.at - self.from);
        let spacing = lasted / u32::try_from(self.readings.max(1)).unwrap_or(u32::MAX);
        let time = HELD_TIME.max(spacing * READINGS).min(lasted / HELD_PART);
        let earlier = reading.at.saturating_sub(time);
        let index = self.falling.partition_point(|other| other.at < earlier);
        let fall = self.falling[index].memory.saturating_sub(reading.memory);
        fall.0 <= reading.memory.0 / HELD_SHARE
    }

    pub(super) fn retained(&self) -> Measured<Estimate<SignedBytes>> {
        match self.rise() {
            Ok((rise, _)) => Measured::Value(rise),
            Err(why) => Measured::Unmeasured(why),
        }
    }

    /// How far the level at the end is above that at the beginning, and how long the part lasted.
    ///
    /// # Errors
    /// A reason, as a sentence for people without a full stop, where it can't be measured.
    pub(super) fn rise(&self) -> Result<(Estimate<SignedBytes>, Duration), String> {
        let (end, readings) = self.measured_end()?;
        let steady = end - self.from;
        let spacing = steady / u32::try_from(readings).unwrap_or(u32::MAX);
        let window = (steady / PART).max(SHORTEST).max(spacing * READINGS).min(steady / 2);
        let levels = (self.level(self.from, self.from + window), self.level(end - window, end));
        let (Some(first), Some(last)) = levels else {
            return Err("no time passed between the samples after ready".to_owned());
        };
        if !first.uncertainty.is_bounded() || !last.uncertainty.is_bounded() {
            return Err("the memory of some processes could not be read".to_owned());
        }
        Ok((last - first, steady))
    }

    /// The median of memory over time. It lies between the medians of the least and of the most that memory can have been.
    fn level(&self, from: Duration, until: Duration) -> Option<Estimate<Bytes>> {
        let median = |of: fn(&ByteNanos) -> u128| {
            let within = |stretch: &Stretch| stretch.until.min(until).saturating_sub(stretch.from.max(from));
            let mut parts: Vec<(Bytes, Duration)> = self
                .stretches
                .iter()
                .map(|stretch| (stretch.mean(of), within(stretch)))
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
        };
        let value = median(|sum| sum.value)?;
        let (low, high) = (median(|sum| sum.low)?, median(|sum| sum.high)?);
        Some(Estimate { value, uncertainty: Uncertainty::between(low, value, high) })
    }
}

impl Stretch {
    fn join(self, next: Self) -> Self {
        Self {
            from: self.from,
            until: next.until,
            byte_nanos: self.byte_nanos.plus(next.byte_nanos),
            rows: self.rows + next.rows,
        }
    }

    fn mean(&self, of: fn(&ByteNanos) -> u128) -> Bytes {
        let nanos = (self.until - self.from).as_nanos().max(1);
        Bytes(u64::try_from(of(&self.byte_nanos).saturating_add(nanos / 2) / nanos).unwrap_or(u64::MAX))
    }
}

impl ByteNanos {
    fn of(memory: Estimate<Bytes>, nanos: u128) -> Self {
        let Estimate { value, uncertainty } = memory;
        let times = |bytes: Bytes| u128::from(bytes.0) * nanos;
        let high = if uncertainty.is_bounded() { times(uncertainty.high(value)) } else { u128::MAX };
        Self { low: times(uncertainty.low(value)), value: times(value), high }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            low: self.low.saturating_add(other.low),
            value: self.value.saturating_add(other.value),
            high: self.high.saturating_add(other.high),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::measure;
    use crate::analysis::tests::{flat, measured, ready_after, record, why};
    use crate::trace::{Ended, RunRecord};
    use crate::units::Rate;
    use proptest::prelude::*;

    /// Every 10 ms a row, as `level` says, from launch until the time in milliseconds.
    fn every_10_ms(until: u64, level: impl Fn(u64) -> u64) -> Vec<Sample> {
        flat(&(0..=until / 10).map(|tick| (tick * 10, level(tick * 10))).collect::<Vec<_>>())
    }

    fn retained(record: &RunRecord, ready: u64, samples: &[Sample]) -> Measured<SignedBytes> {
        measured(record, &ready_after(ready), samples, &[]).retained.map(|retained| retained.value)
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

    /// 60 MB until 300 ms, then up to 100 MB by 600 ms, held until 1000 ms; then what `drop` has, by the time since.
    fn leak(until: u64, drop: impl Fn(u64) -> u64) -> Vec<Sample> {
        every_10_ms(until, |at| match at {
            0..300 => 60_000_000,
            300..600 => 60_000_000 + (at - 300) * 133_333,
            600..1000 => 100_000_000,
            _ => drop(at - 1000),
        })
    }

    #[test]
    fn a_process_that_stands_still_while_it_frees_its_memory_is_in_its_final_drop() {
        let last = |millis| RunRecord { duration: Some(Duration::from_millis(millis)), ..record() };
        let growth = SignedBytes(40_000_000);
        for (name, until, drop) in [
            ("at once, then still", 1090, (|_| 46_000_000) as fn(u64) -> u64),
            ("in two steps", 1250, |since| if since < 120 { 80_000_000 } else { 20_000_000 }),
            ("little by little", 1290, |since| 100_000_000 - since / 30 * 10_000_000),
            ("with a rise between", 1190, |since| if since / 50 == 1 { 71_000_000 } else { 65_000_000 }),
            ("above the level at ready", 1100, |_| 90_000_000),
        ] {
            assert_eq!(retained(&last(until), 0, &leak(until, drop)), Measured::Value(growth), "{name}");
        }
    }

    #[test]
    fn a_program_that_goes_on_at_a_lower_level_retains_that() {
        for (until, level, expected) in [(1400, 70_000_000, 10_000_000), (5000, 40_000_000, -20_000_000)] {
            let record = RunRecord { duration: Some(Duration::from_millis(until)), ..record() };
            assert_eq!(
                retained(&record, 0, &leak(until, |_| level)),
                Measured::Value(SignedBytes(expected)),
                "{level} bytes until {until} ms"
            );
        }
        let record = RunRecord { duration: Some(Duration::from_secs(100)), ..record() };
        let slowly = every_10_ms(100_000, |at| 100_000_000 - at * 300);
        let Measured::Value(retained) = retained(&record, 1000, &slowly) else { panic!("it was not measured") };
        assert!((retained.0 + 28_200_000).abs() < 200_000, "{retained:?}");
    }

    #[test]
    fn a_server_that_is_stopped_has_no_final_drop() {
        let samples = leak(1090, |_| 80_000_000);
        let at = |millis| Some(Duration::from_millis(millis));
        let record = RunRecord { duration: at(1500), stop_at: at(1090), ..record() };
        assert_eq!(
            retained(&record, 1000, &samples),
            Measured::Unmeasured("only 9 samples between ready and the final drop, 10 are needed".to_owned())
        );
        assert_eq!(retained(&record, 950, &samples), Measured::Value(SignedBytes(-20_000_000)));
    }

    #[test]
    fn a_run_that_was_killed_has_no_level_at_its_end() {
        for ended in [Ended::OutOfMemory, Ended::Aborted, Ended::Signaled { signal: 9 }] {
            let record = RunRecord { ended, duration: Some(Duration::from_millis(1090)), ..record() };
            let measured = retained(&record, 0, &leak(1090, |_| 1_000_000));
            assert_eq!(why(&measured), "the run was killed, so that there is no level at its end");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A process frees what it has in steps of up to 150 ms, while noise of a thousandth is on all that it holds.
        #[test]
        fn a_leak_is_found_however_the_process_is_scheduled_at_its_end(
            grows in 0u64..100,
            steps in prop::collection::vec((1u64..15, 0u64..90), 1..8),
            noise in prop::collection::vec(0u64..100_000, 50),
        ) {
            let leaked = 100_000_000 + grows * 1_000_000;
            let mut rows: Vec<(u64, u64)> = (0..300)
                .map(|tick| (tick * 10, if tick < 100 { 100_000_000 } else { leaked } + noise[tick as usize % 50]))
                .collect();
            let (mut at, mut memory) = (2990, leaked);
            for (ticks, percent) in steps {
                memory = memory * percent / 100;
                rows.extend((1..=ticks).map(|tick| (at + tick * 10, memory)));
                at += ticks * 10;
            }
            let record = RunRecord { duration: Some(Duration::from_millis(at + 1)), ..record() };
            let retained = retained(&record, 100, &flat(&rows)).value().unwrap_or_default();
            prop_assert!((retained.0 - grows as i64 * 1_000_000).abs() <= 100_000, "{retained:?}");
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
        assert_eq!(why(&told), "only 2 samples between ready and the final drop, 10 are needed");
    }

    /// 1 MB at 100 Hz for ten seconds, with the uncertainty that `of` gives each time in milliseconds.
    fn uncertain(of: impl Fn(u64) -> (u64, u64)) -> Vec<Sample> {
        let mut samples = every_10_ms(10_000, |_| 1_000_000);
        for (sample, tick) in samples.iter_mut().zip(0..) {
            let (below, above) = of(tick * 10);
            sample.uncertainty = Uncertainty { below: Bytes(below), above: Bytes(above) };
        }
        samples
    }

    #[test]
    fn the_uncertainty_of_both_levels_adds_up_and_that_of_a_moment_does_not_count() {
        let record = RunRecord { duration: Some(Duration::from_secs(10)), ..record() };
        let interval = |samples: &[Sample]| {
            let measures = measured(&record, &ready_after(1000), samples, &[]);
            measures.retained.map(|retained| (retained.low().number(), retained.high().unwrap().number()))
        };
        let halves = uncertain(|at| if at < 5000 { (10, 200) } else { (3000, 40_000) });
        assert_eq!(interval(&halves), Measured::Value((-3200, 40_010)));
        let moments = uncertain(|at| if at % 100 == 0 { (10_000, u64::MAX) } else { (0, 0) });
        assert_eq!(interval(&moments), Measured::Value((0, 0)));
        let unbounded = interval(&uncertain(|at| (0, if at < 5000 { 0 } else { u64::MAX })));
        assert_eq!(why(&unbounded), "the memory of some processes could not be read");
    }

    #[test]
    fn growth_is_as_uncertain_as_the_rise_over_the_time_that_it_took() {
        let record = RunRecord { duration: Some(Duration::from_secs(10)), ..record() };
        let growth = |samples: &[Sample]| measured(&record, &ready_after(1000), samples, &[]).growth;
        let growing = every_10_ms(10_000, |at| 1_000_000 + at);
        let exact = growth(&growing).value().unwrap();
        assert!(exact.is_real(), "{exact:?}");
        let mut seen = uncertain(|_| (4500, 9000));
        seen.iter_mut().zip(&growing).for_each(|(seen, grown)| (seen.memory, seen.peak) = (grown.memory, grown.peak));
        let wide = growth(&seen).value().unwrap();
        // 13,500 bytes either way in 9 s.
        assert_eq!((wide.low, wide.high), (exact.low.minus(Rate(90_000)), exact.high.minus(Rate(-90_000))));
        assert_eq!((wide.slope, wide.sure()), (exact.slope, Rate::ZERO));
        let unbounded = growth(&uncertain(|_| (0, u64::MAX)));
        assert_eq!(why(&unbounded), "the memory of some processes could not be read");
    }

    #[test]
    fn a_long_run_is_measured_in_bounded_memory_with_the_same_answer() {
        let samples = (0..300_000u64).map(|tick| {
            let memory = 1_000_000 + tick * 10 + tick % 13;
            Ok(flat(&[(tick * 10, memory)])[0])
        });
        let record = RunRecord { duration: Some(Duration::from_secs(3000)), ..record() };
        let measures = measure(&record, &ready_after(0), || Ok(samples.clone()), []).unwrap().0;
        let retained = measures.retained.value().unwrap().value.0;
        // The middles of the first and the last twentieth are 19/20 of the rise apart.
        assert!((retained - 2_850_000).abs() < 2_000, "{retained}");
    }
}
