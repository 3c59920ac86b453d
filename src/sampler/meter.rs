use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::ticks::Ticks;
use crate::os::{self, OwnUsage, Reading, Share, Source};
use crate::trace::{Holder, PeakBound, ProcessRow, Recorder, RunRecord, Sample};
use crate::units::{Bytes, Metric};

/// Reads a source at every tick, records what it reads, and adds up what is to be said at the end.
pub(super) struct Meter<'a, S: Source + ?Sized> {
    pub(super) ticks: Ticks,
    pub(super) source: Box<S>,
    recorder: &'a mut Recorder,
    clock: Instant,
    own_before: OwnUsage,
    /// Parent and first sight of the processes that live.
    started: HashMap<u32, (u32, Duration)>,
    last: Option<Sample>,
    /// When the last reading ended.
    pub(super) now: Duration,
    pub(super) peak: Bytes,
    /// The most that the peak can have been; None once a reading left that open.
    at_most: Option<Bytes>,
    /// Whether there was ever more than one process: then the peak of the sum lies between two bounds.
    several: bool,
    /// Whether what is read was there before the first reading: then its marks may be of a time before.
    has_past: bool,
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
            at_most: Some(Bytes::ZERO),
            several: false,
            has_past: false,
        }
    }

    /// The same of what was there before.
    pub(super) fn with_past(self) -> Self {
        Self { has_past: true, ..self }
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

    fn record(&mut self, at: Duration, reading: &Reading) -> Result<()> {
        for seen in &reading.seen {
            self.started.insert(seen.pid, (seen.parent, at));
        }
        for gone in &reading.gone {
            let (parent_pid, started) = self.started.remove(&gone.pid).unwrap_or((0, at));
            let command = gone.command.clone();
            let row = ProcessRow { pid: gone.pid, parent_pid, started, ended: Some(at), peak: gone.peak, command };
            self.recorder.process(&row)?;
        }
        self.at_most = self.at_most.zip(reading.at_most).map(|(before, now)| before.max(now));
        let mut sample = Sample {
            at,
            memory: reading.memory,
            peak: reading.peak,
            parts: reading.parts,
            processes: reading.processes,
            machine_used: reading.machine_used,
        };
        // With its last process dying there is nothing to measure, rather than a measured zero: but a mark may be left that
        // tells of a peak.
        if reading.processes == Some(0) {
            if reading.peak <= self.peak {
                return Ok(());
            }
            let unread = Sample { memory: reading.peak, processes: None, ..sample };
            sample = Sample { at, peak: reading.peak, ..self.last.unwrap_or(unread) };
        }
        self.peak = self.peak.max(sample.peak);
        self.several |= sample.processes.is_some_and(|processes| processes > 1);
        self.last = Some(sample);
        self.recorder.sample(&sample)?;
        let source = &self.source;
        self.recorder.programs(at, sample.memory, || source.shares().into_iter().map(holder).collect())
    }

    /// As last read.
    pub(super) fn memory(&self) -> Bytes {
        self.last.map_or(Bytes::ZERO, |sample| sample.memory)
    }

    /// Writes what was read, and how well, into the record.
    pub(super) fn conclude(&mut self, record: &mut RunRecord) {
        // A single process's own mark is exact; a group has none without the page cache, a machine none at all.
        let is_bounded =
            self.several || self.has_past || matches!(self.source.metric(), Metric::Cgroup | Metric::Machine);
        record.peak_bound = match self.at_most {
            None => PeakBound::Open,
            Some(at_most) if is_bounded => PeakBound::AtMost(at_most.max(self.peak)),
            Some(_) => PeakBound::Exact,
        };
        record.sampling = self.ticks.quality;
        let own = os::own_usage();
        record.sampling.own_cpu = own.cpu.zip(self.own_before.cpu).map(|(after, before)| after.saturating_sub(before));
        record.sampling.own_peak = own.peak;
        record.notices.extend(self.source.notices());
        record.notices.extend(self.ticks.notice());
    }

    /// The rows of those that outlived the run.
    pub(super) fn close_rows(&mut self) -> Result<()> {
        for (pid, (parent_pid, started)) in std::mem::take(&mut self.started) {
            let command = String::new();
            self.recorder.process(&ProcessRow { pid, parent_pid, started, ended: None, peak: None, command })?;
        }
        Ok(())
    }
}

const fn holder(Share { command, is_fork, memory }: Share<'_>) -> Holder<'_> {
    Holder { command, is_fork, memory }
}
