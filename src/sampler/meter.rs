use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::events::{Event, Inbox};
use super::ticks::Ticks;
use crate::os::{self, OwnUsage, Reading, Share, Source};
use crate::trace::{Holder, ProcessRow, Recorder, RunRecord, Sample};
use crate::units::{Bytes, Uncertainty};

/// Reads a source at every tick, records what it reads, and adds up what is to be said at the end.
pub(super) struct Meter<'a, S: Source + ?Sized> {
    pub(super) ticks: Ticks,
    pub(super) source: Box<S>,
    recorder: &'a mut Recorder,
    clock: Instant,
    own_before: OwnUsage,
    /// The processes that live.
    started: HashMap<u32, Sight>,
    last: Option<Sample>,
    /// When the last reading ended.
    pub(super) now: Duration,
    pub(super) peak: Bytes,
    /// The most that the metric can have been so far.
    high: Bytes,
    seen_once: u64,
}

/// A process when it was first seen.
struct Sight {
    parent: u32,
    at: Duration,
    tick: u64,
}

impl<'a, S: Source + ?Sized> Meter<'a, S> {
    /// `own_before` is what memguard itself had used when the run began.
    pub(super) fn new(
        source: Box<S>,
        interval: Duration,
        recorder: &'a mut Recorder,
        clock: Instant,
        own_before: OwnUsage,
    ) -> Self {
        Self {
            ticks: Ticks::new(interval),
            source,
            recorder,
            clock,
            own_before,
            started: HashMap::new(),
            last: None,
            now: Duration::ZERO,
            peak: Bytes::ZERO,
            high: Bytes::ZERO,
            seen_once: 0,
        }
    }

    /// One reading: a sample, and the processes that came and went.
    pub(super) fn read(&mut self) -> Result<()> {
        let begun = self.clock.elapsed();
        let reading = self.source.read()?;
        self.now = self.clock.elapsed();
        self.ticks.taken(begun, self.now, os::thread_cpu);
        self.record(begun, &reading)?;
        self.recorder.flush_if_due(begun)
    }

    /// Waits until the next reading is due or this `deadline` has passed, or for what happens until then.
    pub(super) fn wait(&self, inbox: &Inbox, deadline: Option<Duration>) -> Option<Event> {
        let due = self.ticks.next();
        inbox.wait_until(self.clock + deadline.map_or(due, |deadline| deadline.min(due)))
    }

    fn record(&mut self, at: Duration, reading: &Reading) -> Result<()> {
        for seen in &reading.seen {
            self.started.insert(seen.pid, Sight { parent: seen.parent, at, tick: self.ticks.quality.ticks });
        }
        for gone in &reading.gone {
            let sight = self.started.remove(&gone.pid);
            let (parent_pid, started, tick) = sight.map_or((0, at, 0), |sight| (sight.parent, sight.at, sight.tick));
            self.seen_once += u64::from(self.ticks.quality.ticks <= tick + 1);
            let (peak, command) = (gone.peak, gone.command.clone());
            self.recorder.process(&ProcessRow {
                pid: gone.pid,
                parent_pid,
                started,
                ended: Some(at),
                peak,
                command,
            })?;
        }
        let sample = Sample {
            at,
            memory: reading.memory,
            peak: reading.peak,
            uncertainty: reading.uncertainty,
            parts: reading.parts,
            processes: reading.processes,
            machine_used: reading.machine_used,
        };
        let high = reading.uncertainty.high(reading.peak);
        // With its last process dying there is nothing to measure, rather than a measured zero: but a mark may be left, or a bound
        // on what was not read.
        if reading.processes == Some(0) {
            if high <= self.high {
                return Ok(());
            }
            let last = self.last.unwrap_or(Sample { memory: reading.peak, processes: None, ..sample });
            let peak = reading.peak.max(last.memory);
            (self.peak, self.high) = (self.peak.max(peak), high);
            let low = reading.uncertainty.low(reading.peak).max(last.uncertainty.low(last.memory));
            let uncertainty = Uncertainty::between(low, peak, high);
            return self.recorder.sample(&Sample { at, peak, uncertainty, ..last });
        }
        self.high = self.high.max(high);
        self.peak = self.peak.max(sample.peak);
        self.last = Some(sample);
        // A row says that nothing changed until then.
        if reading.is_partial {
            return Ok(());
        }
        self.recorder.sample(&sample)?;
        let source = &self.source;
        self.recorder.programs(at, sample.memory, || source.shares().into_iter().map(holder).collect())
    }

    /// As last read.
    pub(super) fn memory(&self) -> Bytes {
        self.last.map_or(Bytes::ZERO, |sample| sample.memory)
    }

    /// Learns what is still to be learned of processes that have ended, once all have.
    pub(super) fn read_last(&mut self) -> Result<()> {
        let reading = self.source.read()?;
        self.record(self.now, &reading)
    }

    /// Writes what was read, and how well, into the record.
    pub(super) fn conclude(&mut self, record: &mut RunRecord) {
        record.sampling = self.ticks.quality;
        record.sampling.seen_once = self.seen_once;
        let own = os::own_usage();
        record.sampling.own_cpu = own.cpu.zip(self.own_before.cpu).map(|(after, before)| after.saturating_sub(before));
        record.sampling.own_peak = own.peak;
        record.notices.extend(self.source.notices());
        record.notices.extend(self.ticks.notice());
    }

    /// The rows of those that outlived the run.
    pub(super) fn close_rows(&mut self) -> Result<()> {
        for (pid, Sight { parent, at, .. }) in std::mem::take(&mut self.started) {
            let (parent_pid, command) = (parent, String::new());
            self.recorder.process(&ProcessRow { pid, parent_pid, started: at, ended: None, peak: None, command })?;
        }
        Ok(())
    }
}

const fn holder(Share { command, is_fork, memory }: Share<'_>) -> Holder<'_> {
    Holder { command, is_fork, memory }
}
