use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::events::{Caught, Event, Inbox, Outbox, post};
use super::life::{Deed, Life};
use super::meter::Meter;
use super::onlooker::Onlooker;
use super::settings::{Settings, SourceChoice};
use super::threads::{Watchers, wait_for_drive, wait_for_root};
use crate::os::{self, Foreground, Group, SourceKind, TreeSource};
use crate::trace::{Ended, PeakCertainty, Redactor, RunFolder, RunRecord};
use crate::units::{Bytes, format_duration};
use crate::workload::{self, Followed, Launched, OutputPipe};

/// How long what a workload left in its pipes is waited for, once all its processes are gone.
const LAST_OUTPUT: Duration = Duration::from_secs(1);
/// Processes that outlive the root by more than this are worth a word.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// Opens the source that the settings ask for.
///
/// # Errors
/// When this system has no such source, or it can't read the metric.
pub fn open_source(settings: &Settings) -> Result<Box<dyn TreeSource>> {
    match settings.source {
        SourceChoice::Portable => os::portable_source(settings.metric),
        SourceChoice::Cgroup => os::cgroup_source(settings.metric),
        SourceChoice::Native => os::native_source(settings.metric),
        SourceChoice::Proc => {
            let source = os::native_source(settings.metric)?;
            anyhow::ensure!(
                source.kind() == SourceKind::Proc,
                "the source `proc` is Linux's own\nhelp: leave `source` out to take the best of this system"
            );
            Ok(source)
        }
    }
}

/// Runs a workload once, to its end, reads it through `source`, and records it in `folder`. `record` says what is known beforehand; it comes back complete.
///
/// # Errors
/// When what must be read or written can't be. The workload has ended all the same, and what was recorded stands.
/// A workload that fails, or does not even start, is no error: the record says so.
pub fn record_run(
    launch: &workload::Settings,
    sampling: &Settings,
    mut source: Box<dyn TreeSource>,
    folder: &Path,
    mut record: RunRecord,
    caught: &Caught,
    onlooker: &Onlooker,
) -> Result<RunRecord> {
    let redactor = Redactor::new(launch.redact.clone());
    os::adopt_orphans()?;
    if let Some(before) = &launch.before
        && let Err(error) = workload::run_to_end(before, launch)
    {
        return not_started(folder, record, redactor, &error.context("its `before` failed"));
    }
    let files = RunFolder::create(folder, &record, redactor.clone())?;
    let followed = (!launch.logs.is_empty()).then(|| Followed::begin(&launch.logs));
    let kills_before = os::memory_kills();
    let own_before = os::own_usage();
    let (clock, wall) = (Instant::now(), SystemTime::now());
    record.started = Timestamp::now();
    let Launched { child, group, stdout, stderr } = match workload::launch(launch, source.as_mut()) {
        Ok(launched) => launched,
        Err(error) => return not_started(folder, record, redactor, &error),
    };
    let root = child.id();
    source.follow(root, Some(&group))?;
    let mut recorder = files.launched(record.started);
    let (events, inbox) = post();
    caught.listen(Some(events.clone()));
    let foreground = Foreground::lend(root);
    onlooker.pulse.begin(clock, root);
    let watchers = Watchers::new(launch, &recorder, &events, clock);
    wait_for_root(child, &events);
    let pipes = [&stdout, &stderr].map(Arc::downgrade);
    watchers.start(launch, &onlooker.screen, stdout, stderr, wall);
    let outputs = 2 + u32::from(followed.is_some());
    if let Some(followed) = followed {
        watchers.follow(&launch.logs, followed, record.started);
    }
    let mut run = Run {
        launch,
        life: Life::new(launch),
        meter: Meter::new(source, sampling.interval, &mut recorder, clock, own_before),
        events,
        inbox,
        clock,
        group,
        foreground,
        pipes,
        stopped: Duration::ZERO,
        drive: None,
        outputs,
        output_lost: None,
        notices: Vec::new(),
        root_ended: None,
        onlooker,
    };
    let result = run.watch();
    if result.is_err() {
        run.kill_all();
    }
    let duration = clock.elapsed();
    watchers.give_up.store(true, Ordering::Relaxed);
    let drained = run.drain_output();
    run.end_drive();
    caught.listen(None);

    let kills = run.meter.source.memory_kills();
    let counted = matches!((kills_before, os::memory_kills()), (Some(before), Some(after)) if after > before);
    let killed_for_memory = kills.map_or(counted, |kills| kills > 0);
    record.ended = run.life.ended(killed_for_memory);
    if let Some(kills @ 1..) = kills
        && record.ended != Ended::OutOfMemory
    {
        record.notices.push(format!("the kernel killed {kills} of its processes for memory"));
    }
    if run.foreground.is_lent()
        && let Ended::Signaled { signal: 2 } = record.ended
    {
        // The terminal was the workload's: its Ctrl-C went there alone, and meant memguard as well.
        record.ended = Ended::Interrupted { signal: 2 };
    }
    run.foreground.take_back();
    record.ready = run.life.ready_mark();
    record.stop_at = run.life.stop_at();
    record.duration = Some(duration);
    let last = run.meter.read_last();
    record.peak_certainty = if run.meter.source.covers_gaps() { PeakCertainty::Exact } else { PeakCertainty::Sampled };
    run.meter.source.end();
    run.meter.conclude(&mut record);
    record.output_lost = run.output_lost.take().map(|error| error.to_string());
    if run.stopped > record.interval {
        let stopped = format_duration(run.stopped);
        record.notices.push(format!("it was stopped for {stopped} (Ctrl-Z), and its memory was not read meanwhile"));
    }
    record.notices.append(&mut run.notices);
    if run.meter.peak == Bytes::ZERO {
        record.notices.push("it ended before its memory could be read even once".to_owned());
    }
    let rows = run.meter.close_rows();
    let finished = recorder.finish(&mut record);
    result.and(last).and(rows).and(drained).and(finished)?;
    Ok(record)
}

/// Leaves a complete folder for a run that never began, so that reports and checks know of it.
fn not_started(folder: &Path, mut record: RunRecord, redactor: Redactor, error: &anyhow::Error) -> Result<RunRecord> {
    record.ended = Ended::NotStarted;
    record.duration = Some(Duration::ZERO);
    record.started = Timestamp::now();
    record.notices.push(format!("{error:#}"));
    RunFolder::create(folder, &record, redactor)?.launched(record.started).finish(&mut record)?;
    Ok(record)
}

/// A run under way.
struct Run<'a> {
    launch: &'a workload::Settings,
    life: Life,
    meter: Meter<'a, dyn TreeSource>,
    events: Outbox,
    inbox: Inbox,
    clock: Instant,
    group: Group,
    foreground: Foreground,
    /// What the workload prints into, until it is closed.
    pipes: [Weak<OutputPipe>; 2],
    /// How long it was stopped.
    stopped: Duration,
    drive: Option<Group>,
    /// Streams that may still bring something; the followed files are one.
    outputs: u32,
    output_lost: Option<io::Error>,
    /// What is to be said of the followed files.
    notices: Vec<String>,
    root_ended: Option<Duration>,
    onlooker: &'a Onlooker,
}

impl Run<'_> {
    fn watch(&mut self) -> Result<()> {
        let mut told = false;
        loop {
            self.meter.read().context("could not read the workload's memory")?;
            self.onlooker.pulse.tell(self.meter.memory(), self.meter.peak);
            let deed = self.life.tick(self.meter.now, self.meter.memory());
            self.perform(deed)?;
            if self.life.root_has_ended() {
                let members = self.meter.source.members();
                if members.is_empty() {
                    return Ok(());
                }
                let waited = self.clock.elapsed().saturating_sub(self.root_ended.unwrap_or_default());
                if !told && waited >= LEFT_BEHIND {
                    told = true;
                    self.tell_of_those_left(members.len());
                }
            }
            self.wait()?;
        }
    }

    fn tell_of_those_left(&self, count: usize) {
        let (them, limit) = if count == 1 { ("1 process", "it ends") } else { ("processes", "they end") };
        let count = if count == 1 { String::new() } else { format!("{count} ") };
        let timeout =
            if self.launch.timeout.is_some() { ", or until `timeout`" } else { "; set `timeout` to limit that" };
        self.onlooker.screen.say(&format!(
            "the workload has ended and left {count}{them} behind: measuring goes on until {limit}{timeout}"
        ));
    }

    /// Waits until the next reading is due, and deals with what happens until then.
    fn wait(&mut self) -> Result<()> {
        loop {
            let Some(event) = self.meter.wait(&self.inbox, self.life.next_deadline()) else { return Ok(()) };
            let ended = matches!(event, Event::RootEnded(_));
            self.happen(event)?;
            if ended {
                return Ok(()); // look at once who is left
            }
        }
    }

    fn happen(&mut self, event: Event) -> Result<()> {
        let now = self.clock.elapsed();
        let deed = match event {
            Event::Ready(at) => {
                self.meter.source.settle();
                self.life.ready(at)
            }
            Event::RootEnded(end) => {
                self.root_ended = Some(now);
                self.meter.source.root_ended(&end);
                self.life.root_ended(end.ending);
                None
            }
            Event::RootStopped(signal) => {
                self.stop_too(signal);
                None
            }
            Event::Beside(pid) => {
                self.meter.source.leave_out(pid);
                None
            }
            Event::DriveEnded(ending) => {
                self.drive = None;
                self.onlooker.pulse.tell_of_one_beside(false);
                self.life.drive_ended(now, ending)
            }
            Event::Interrupted(signal) => self.life.interrupted(now, signal),
            Event::OutputEnded => {
                self.outputs -= 1;
                None
            }
            Event::LogsFollowed(notices) => {
                self.notices.extend(notices);
                None
            }
            Event::OutputFailed(error) => return Err(error),
            Event::OutputLost(error) => {
                self.output_lost.get_or_insert(error);
                None
            }
        };
        self.perform(deed)
    }

    /// Stops with the workload if the terminal's user stopped it, until the shell continues both.
    fn stop_too(&mut self, signal: i32) {
        let begun = Instant::now();
        if self.foreground.is_lent() {
            // What it printed last may restore the terminal.
            for pipe in self.pipes.iter().filter_map(Weak::upgrade) {
                pipe.wait_until_passed_on(begun + LAST_OUTPUT);
            }
        }
        let foreground = &mut self.foreground;
        if self.onlooker.screen.without_line(|| foreground.stop_too(signal)) {
            let stopped = begun.elapsed();
            self.stopped += stopped;
            self.life.stopped_for(stopped);
        }
    }

    fn perform(&mut self, deed: Option<Deed>) -> Result<()> {
        match deed {
            None => {}
            Some(Deed::Drive) => self.start_drive()?,
            Some(Deed::Stop) => {
                let signal = os::signal_number(self.launch.stop.signal.name());
                self.signal_all(signal);
            }
            Some(Deed::PassOn(signal)) => self.signal_all(signal),
            Some(Deed::Kill) => self.kill_all(),
        }
        Ok(())
    }

    fn start_drive(&mut self) -> Result<()> {
        let Some(drive) = &self.launch.drive else { return Ok(()) };
        match workload::start_beside(drive, self.launch) {
            Ok((child, group)) => {
                self.meter.source.leave_out(child.id());
                self.drive = Some(group);
                self.onlooker.pulse.tell_of_one_beside(true);
                wait_for_drive(child, &self.events);
                Ok(())
            }
            Err(error) => {
                self.onlooker.screen.say(&format!("{error:#}"));
                let deed = self.life.drive_ended(self.clock.elapsed(), None);
                self.perform(deed)
            }
        }
    }

    /// The root's group gets the signal; where the root has gone, those whom it left behind, one by one.
    fn signal_all(&self, signal: i32) {
        if self.life.root_has_ended() {
            self.meter.source.members().into_iter().for_each(|pid| os::signal_process(pid, signal));
        } else {
            self.group.signal(signal);
        }
    }

    fn kill_all(&self) {
        if !self.life.root_has_ended() {
            self.group.kill();
        }
        self.meter.source.kill();
    }

    fn end_drive(&mut self) {
        if let Some(drive) = self.drive.take() {
            drive.kill();
        }
    }

    /// Takes what is still in the pipes. A process outside of the tree may hold one open: it is not waited for long.
    fn drain_output(&mut self) -> Result<()> {
        let deadline = Instant::now() + LAST_OUTPUT;
        while self.outputs > 0 {
            match self.inbox.wait_until(deadline) {
                Some(Event::OutputEnded) => self.outputs -= 1,
                Some(Event::OutputFailed(error)) => return Err(error),
                Some(Event::OutputLost(error)) => {
                    self.output_lost.get_or_insert(error);
                }
                Some(Event::LogsFollowed(notices)) => self.notices.extend(notices),
                Some(Event::Ready(at)) if !self.life.is_stopping() => {
                    // The line was printed before the end, and read after it.
                    let _ = self.life.ready(at);
                }
                Some(_) => {}
                None => return Ok(()),
            }
        }
        Ok(())
    }
}
