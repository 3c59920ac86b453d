use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use regex::Regex;

use super::events::{Event, Outbox};
use crate::os::{self, ChildEnd, Ending};
use crate::trace::{LogWriter, Recorder, StampBy, Stream};
use crate::workload::{self, Destination, Followed, LineClock, LogFile, OutputPipe, Piece, ReadyKind, Screen};

/// How often followed files are read: as often as the memory is, unless told otherwise.
const FOLLOWED_EVERY: Duration = Duration::from_millis(10);
/// How long they are read on once the workload has ended.
const LAST_LINES: Duration = Duration::from_millis(500);

/// What a run's threads have in common.
#[derive(Clone)]
pub(super) struct Watchers {
    pub(super) log: Arc<LogWriter>,
    pub(super) events: Outbox,
    /// When the run began, on the monotonic clock.
    pub(super) clock: Instant,
    /// Set once there is nothing left to wait for.
    pub(super) give_up: Arc<AtomicBool>,
    ready_line: Option<Arc<ReadyLine>>,
}

/// The line that ends start-up, wherever it is printed first.
struct ReadyLine {
    pattern: Regex,
    seen: AtomicBool,
}

impl Watchers {
    pub(super) fn new(launch: &workload::Settings, recorder: &Recorder, events: &Outbox, clock: Instant) -> Self {
        let ready_line = match &launch.ready {
            Some(workload::Ready { kind: ReadyKind::Log(pattern), .. }) => {
                Some(Arc::new(ReadyLine { pattern: pattern.clone(), seen: AtomicBool::new(false) }))
            }
            _ => None,
        };
        let give_up = Arc::new(AtomicBool::new(false));
        Self { log: recorder.log(), events: events.clone(), clock, give_up, ready_line }
    }

    /// Waits for both streams, and for the sign of being ready.
    pub(super) fn start(
        &self,
        launch: &workload::Settings,
        screen: &Arc<Screen>,
        stdout: Arc<OutputPipe>,
        stderr: Arc<OutputPipe>,
        wall: SystemTime,
    ) {
        let streams = [(stdout, Stream::Stdout, Destination::Stdout), (stderr, Stream::Stderr, Destination::Stderr)];
        for (from, stream, to) in streams {
            let (watchers, screen) = (self.clone(), Arc::clone(screen));
            thread::spawn(move || {
                let mut look = |at: Duration, line: &str| {
                    watchers.look(at, line);
                    at
                };
                let mut failure = None;
                let passed_on = workload::pass_on(&from, &screen, to, |came, bytes| {
                    let stamp = watchers.looks_for_a_line().then_some(&mut look as &mut StampBy<'_>);
                    if let Err(error) = watchers.log.push(&stream, watchers.since_launch(came), bytes, stamp) {
                        failure.get_or_insert(error);
                    }
                });
                // The workload is to meet a broken pipe if nobody reads its output any more.
                drop(from);
                if let Err(error) = passed_on {
                    watchers.events.send(Event::OutputLost(error));
                }
                let failure = watchers.log.end(&stream, Some(&mut look)).err().or(failure);
                watchers.end(failure);
            });
        }
        let (settings, watchers) = (launch.clone(), self.clone());
        thread::spawn(move || {
            let beside = |pid| watchers.events.send(Event::Beside(pid));
            if workload::watch_for_ready(&settings, wall, &watchers.give_up, beside) {
                watchers.events.send(Event::Ready(watchers.clock.elapsed()));
            }
        });
    }

    /// Follows files until told to give up, and then to their ends.
    pub(super) fn follow(&self, files: &[LogFile], mut followed: Followed, launched: Timestamp) {
        let watchers = self.clone();
        let mut files: Vec<(Stream, LineClock)> = files
            .iter()
            .map(|file| (Stream::File(file.name.as_str().into()), LineClock::new(file.time.clone(), launched)))
            .collect();
        thread::spawn(move || {
            let mut failure = None;
            let mut told: Option<Instant> = None;
            loop {
                if told.is_none() && watchers.give_up.load(Ordering::Relaxed) {
                    told = Some(Instant::now());
                }
                let any = followed.read(|index, piece| {
                    let (stream, clock) = &mut files[index];
                    if let Err(error) = watchers.take(stream, clock, piece) {
                        failure.get_or_insert(error);
                    }
                });
                match told {
                    None => thread::sleep(FOLLOWED_EVERY),
                    // Somebody else may write on and on.
                    Some(told) if any && told.elapsed() < LAST_LINES => {}
                    Some(_) => break,
                }
            }
            for (stream, clock) in &mut files {
                failure = watchers.take(stream, clock, Piece::Break).err().or(failure);
            }
            let named = files.iter().filter_map(|(stream, clock)| match stream {
                Stream::File(name) => clock.notice(name),
                Stream::Stdout | Stream::Stderr => None,
            });
            let notices = followed.notices().into_iter().chain(named).collect();
            watchers.events.send(Event::LogsFollowed(notices));
            watchers.end(failure);
        });
    }

    fn take(&self, stream: &Stream, clock: &mut LineClock, piece: Piece<'_>) -> anyhow::Result<()> {
        let mut stamp = |arrived: Duration, line: &str| {
            let at = clock.stamp(arrived, line);
            self.look(at, line);
            at
        };
        match piece {
            Piece::Bytes(came, bytes) => self.log.push(stream, self.since_launch(came), bytes, Some(&mut stamp)),
            Piece::Break => self.log.end(stream, Some(&mut stamp)),
        }
    }

    fn since_launch(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.clock)
    }

    /// Whether the line that ends start-up has yet to come.
    fn looks_for_a_line(&self) -> bool {
        self.ready_line.as_ref().is_some_and(|ready| !ready.seen.load(Ordering::Relaxed))
    }

    fn look(&self, at: Duration, line: &str) {
        if let Some(ready) = &self.ready_line
            && !ready.seen.load(Ordering::Relaxed)
            && ready.pattern.is_match(line)
            && !ready.seen.swap(true, Ordering::Relaxed)
        {
            self.events.send(Event::Ready(at));
        }
    }

    /// The run may be over: then nobody listens, and nobody needs to.
    fn end(&self, failure: Option<anyhow::Error>) {
        if let Some(error) = failure {
            self.events.send(Event::OutputFailed(error));
        }
        self.events.send(Event::OutputEnded);
    }
}

/// Waits for the root in a thread of its own: its stops and its end are events, not something to look for at every tick.
pub(super) fn wait_for_root(mut child: Child, events: &Outbox) {
    let events = events.clone();
    thread::spawn(move || {
        let end = os::wait_for_child(&mut child, |signal| events.send(Event::RootStopped(signal)));
        let unknown = ChildEnd { ending: Ending::Exited(-1), at_most: None, is_reached: false, minor_faults: None };
        events.send(Event::RootEnded(end.unwrap_or(unknown)));
    });
}

/// Waits for the drive in a thread of its own.
pub(super) fn wait_for_drive(mut child: Child, events: &Outbox) {
    let events = events.clone();
    thread::spawn(move || {
        let end = os::wait_for_child(&mut child, |_| {});
        events.send(Event::DriveEnded(end.ok().map(|end| end.ending)));
    });
}
