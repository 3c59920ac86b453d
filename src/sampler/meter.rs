use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::events::{Event, Inbox};
use super::nap::Naps;
use super::ticks::Ticks;
use crate::os::{self, OwnUsage, Reading, Share, Source};
use crate::trace::{Holder, PeakBound, ProcessRow, Recorder, RunRecord, Sample};
use crate::units::Bytes;

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
    /// The highest of the readings' bounds; None once a reading had none.
    pub(super) at_most: Option<Bytes>,
    seen_once: u64,
    naps: Naps,
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
            at_most: Some(Bytes::ZERO),
            seen_once: 0,
            naps: Naps::default(),
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

    /// Waits until the next reading is due or this `deadline` has passed, or for what happens until then. While nothing that is
    /// read can change, no reading is due: the last one stands for it.
    pub(super) fn wait(&mut self, inbox: &Inbox, deadline: Option<Duration>) -> Result<Option<Event>> {
        let earlier = |due: Duration| deadline.map_or(due, |deadline| deadline.min(due));
        if let Some(until) = self.naps.begin(&self.ticks)
            && let Some(last) = self.last
            && let Some(stirs) = self.source.stirs()
        {
            let until = earlier(until);
            let event = inbox.wait_until_stirred(self.clock + until, stirs);
            let now = self.clock.elapsed();
            let stirred = self.source.stirred().map(|at| at.saturating_duration_since(self.clock));
            let mut left_out = 0;
            let known = stirred.map_or_else(|| self.ticks.last_by(now), |at| at.min(now));
            while let Some(at) = self.ticks.pass_over(known) {
                left_out += 1;
                self.recorder.sample(&Sample { at, peak: last.memory, ..last })?;
            }
            self.naps.ended(left_out);
            if event.is_some() || (stirred.is_none() && now >= until) {
                return Ok(event);
            }
        }
        Ok(inbox.wait_until(self.clock + earlier(self.ticks.next())))
    }

    fn record(&mut self, at: Duration, reading: &Reading) -> Result<()> {
        for seen in &reading.seen {
            self.started.insert(seen.pid, Sight { parent: seen.parent, at, tick: self.ticks.quality.ticks });
        }
        for gone in &reading.gone {
            let sight = self.started.remove(&gone.pid);
            let (parent_pid, seen, tick) = sight.map_or((0, at, 0), |sight| (sight.parent, sight.at, sight.tick));
            self.seen_once += u64::from(self.ticks.quality.ticks <= tick + 1);
            let ended = at.saturating_sub(gone.ago);
            // It was seen within a tick of its start, where the system does not tell better.
            let started = gone.lived.map_or(seen, |lived| ended.saturating_sub(lived));
            let (peak, command, ended) = (gone.peak, gone.command.clone(), Some(ended));
            self.recorder.process(&ProcessRow { pid: gone.pid, parent_pid, started, ended, peak, command })?;
        }
        self.at_most = self.at_most.zip(reading.at_most).map(|(before, now)| before.max(now));
        let sample = Sample {
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
            self.peak = reading.peak;
            return self.recorder.sample(&Sample { at, peak: reading.peak, ..self.last.unwrap_or(unread) });
        }
        self.peak = self.peak.max(sample.peak);
        self.last = Some(sample);
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

    /// What the peak can have been, where the source says that it was no more than this.
    pub(super) fn bound(&self, at_most: Option<Bytes>) -> PeakBound {
        match at_most {
            None => PeakBound::Open,
            Some(at_most) if at_most > self.peak => PeakBound::AtMost(at_most),
            Some(_) => PeakBound::Exact,
        }
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
        record.remarks.extend(self.source.remarks());
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
