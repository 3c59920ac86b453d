use std::time::Duration;

use crate::os::Ending;
use crate::trace::{Ended, MarkKind, ReadyMark};
use crate::units::Bytes;
use crate::workload::{ReadyKind, Settings};

/// Where a run stands, and what has to be done next: pure, so that every way to end can be tested without a process.
#[derive(Debug)]
pub(super) struct Life {
    by: Option<MarkKind>,
    within: Option<Duration>,
    timeout: Option<Duration>,
    abort_above: Option<Bytes>,
    drives: bool,
    grace: Duration,
    after: Option<Duration>,
    ready: Option<Duration>,
    root: Option<Ending>,
    stopping: Option<Stopping>,
}

/// memguard has begun to end the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stopping {
    at: Duration,
    why: Ended,
    killed: bool,
}

/// What the run needs from whoever holds the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Start the load: start-up has ended.
    Drive,
    /// Ask the tree to end, in the way that the workload's `stop` names.
    Stop,
    /// Pass this signal on to the tree.
    PassOn(i32),
    /// End all of the tree at once.
    Kill,
}

impl Life {
    pub(super) fn new(settings: &Settings) -> Self {
        let kind = settings.ready.as_ref().map(|ready| &ready.kind);
        let by = kind.map(|kind| match kind {
            ReadyKind::After(_) => MarkKind::After,
            ReadyKind::Log(_) => MarkKind::Log,
            ReadyKind::Port(_) => MarkKind::Port,
            ReadyKind::File(_) => MarkKind::File,
            ReadyKind::Command(_) => MarkKind::Command,
        });
        Self {
            by,
            within: settings.ready.as_ref().and_then(|ready| ready.within),
            timeout: settings.timeout,
            abort_above: settings.abort_above,
            drives: settings.drive.is_some(),
            grace: settings.stop.grace,
            after: if let Some(ReadyKind::After(after)) = kind { Some(*after) } else { None },
            ready: None,
            root: None,
            stopping: None,
        }
    }

    /// The sign of being ready has come. What comes after it, or once the run is being stopped, is no sign.
    pub(super) fn ready(&mut self, at: Duration) -> Option<Deed> {
        if self.ready.is_some() || self.stopping.is_some() {
            return None;
        }
        self.ready = Some(at);
        self.drives.then_some(Deed::Drive)
    }

    /// The workload was stopped, and what limits its time stood still with it.
    pub(super) fn stopped_for(&mut self, time: Duration) {
        for limit in [&mut self.timeout, &mut self.within].into_iter().flatten() {
            *limit += time;
        }
    }

    pub(super) fn root_ended(&mut self, ending: Ending) {
        self.root = Some(ending);
    }

    pub(super) fn root_has_ended(&self) -> bool {
        self.root.is_some()
    }

    /// The drive has ended: then so does the server.
    pub(super) fn drive_ended(&mut self, at: Duration, ending: Option<Ending>) -> Option<Deed> {
        let why = match ending {
            Some(Ending::Exited(0)) => Ended::Stopped,
            Some(Ending::Exited(status)) => Ended::DriveFailed { status: Some(status) },
            Some(Ending::Signaled(_)) | None => Ended::DriveFailed { status: None },
        };
        // A server that went before its load did was not stopped: how it ended is what there is to tell.
        if self.root.is_some() { None } else { self.stop(at, why) }
    }

    /// Someone asks memguard itself to end: the first time it is passed on, the second time there is no waiting.
    pub(super) fn interrupted(&mut self, at: Duration, signal: i32) -> Option<Deed> {
        match &mut self.stopping {
            Some(stopping) => {
                stopping.killed = true;
                Some(Deed::Kill)
            }
            None => {
                self.stopping = Some(Stopping { at, why: Ended::Interrupted { signal }, killed: false });
                Some(Deed::PassOn(signal))
            }
        }
    }

    /// What the clock and the memory ask for.
    pub(super) fn tick(&mut self, now: Duration, memory: Bytes) -> Option<Deed> {
        if let Some(stopping) = &mut self.stopping {
            // Again and again: a process that was starting another when it was killed may have left that one behind.
            stopping.killed |= now >= stopping.at + self.grace;
            return stopping.killed.then_some(Deed::Kill);
        }
        if self.abort_above.is_some_and(|limit| memory > limit) {
            self.stopping = Some(Stopping { at: now, why: Ended::Aborted, killed: true });
            return Some(Deed::Kill);
        }
        if self.timeout.is_some_and(|timeout| now >= timeout) {
            return self.stop(now, Ended::Timeout);
        }
        if let Some(after) = self.after
            && self.ready.is_none()
            && now >= after
        {
            return self.ready(after);
        }
        if self.ready.is_none() && self.root.is_none() && self.within.is_some_and(|within| now >= within) {
            return self.stop(now, Ended::NeverReady);
        }
        None
    }

    /// The next instant at which the clock alone asks for something.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        match &self.stopping {
            Some(stopping) if stopping.killed => None,
            Some(stopping) => Some(stopping.at + self.grace),
            None => {
                let waiting = self.ready.is_none() && self.root.is_none();
                let within = self.within.filter(|_| waiting);
                let after = self.after.filter(|_| waiting);
                [self.timeout, within, after].into_iter().flatten().min()
            }
        }
    }

    fn stop(&mut self, at: Duration, why: Ended) -> Option<Deed> {
        if self.stopping.is_some() {
            return None;
        }
        self.stopping = Some(Stopping { at, why, killed: false });
        Some(Deed::Stop)
    }

    /// How it ended, once all of the tree is gone.
    pub(super) fn ended(&self, killed_for_memory: bool) -> Ended {
        /// What a shell says of a command that SIGKILL ended.
        const KILLED: i32 = 128 + 9;
        match (self.stopping, self.root) {
            (Some(stopping), _) => stopping.why,
            (None, Some(Ending::Signaled(9) | Ending::Exited(KILLED))) if killed_for_memory => Ended::OutOfMemory,
            (None, Some(Ending::Signaled(signal))) => Ended::Signaled { signal },
            (None, Some(Ending::Exited(status))) => Ended::Exited { status },
            (None, None) => Ended::Unfinished,
        }
    }

    pub(super) fn stop_at(&self) -> Option<Duration> {
        self.stopping.map(|stopping| stopping.at)
    }

    pub(super) fn ready_mark(&self) -> ReadyMark {
        match (self.by, self.ready) {
            (None, _) => ReadyMark::NotAsked,
            (Some(by), Some(at)) => ReadyMark::Reached { by, at },
            (Some(by), None) => ReadyMark::Never { by },
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::workload::{Command, Ready, Stop};

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn settings() -> Settings {
        let command = Command::Direct(vec!["server".into()]);
        Settings {
            drive: None,
            before: None,
            env: BTreeMap::new(),
            folder: None,
            timeout: Some(s(60)),
            ready: Some(Ready { kind: ReadyKind::Port(1), within: Some(s(5)) }),
            stop: Stop::default(),
            abort_above: Some(Bytes(100)),
            logs: Vec::new(),
            redact: Vec::new(),
            command,
        }
    }

    fn server() -> Settings {
        Settings { drive: Some(Command::Shell("load".into())), ..settings() }
    }

    #[test]
    fn a_server_is_driven_once_it_is_ready_and_stopped_when_the_drive_ends() {
        let mut life = Life::new(&server());
        assert_eq!(life.tick(s(0), Bytes(1)), None);
        assert_eq!(life.ready(s(1)), Some(Deed::Drive));
        assert_eq!(life.ready(s(2)), None);
        assert_eq!(life.drive_ended(s(3), Some(Ending::Exited(0))), Some(Deed::Stop));
        life.root_ended(Ending::Signaled(15));
        assert_eq!(life.ended(false), Ended::Stopped);
        assert_eq!(life.stop_at(), Some(s(3)));
    }

    #[test]
    fn time_in_which_it_was_stopped_does_not_count_towards_its_limits() {
        let mut life = Life::new(&settings());
        life.stopped_for(s(100));
        assert_eq!((life.next_deadline(), life.tick(s(104), Bytes(1))), (Some(s(105)), None));
        life.ready(s(104));
        assert_eq!((life.tick(s(159), Bytes(1)), life.tick(s(160), Bytes(1))), (None, Some(Deed::Stop)));
    }

    #[test]
    fn a_drive_that_fails_fails_the_run() {
        let mut life = Life::new(&server());
        life.ready(s(1));
        assert_eq!(life.drive_ended(s(3), Some(Ending::Exited(7))), Some(Deed::Stop));
        assert_eq!(life.ended(false), Ended::DriveFailed { status: Some(7) });
    }

    #[test]
    fn a_server_that_ends_under_its_load_was_not_stopped() {
        let mut life = Life::new(&server());
        life.ready(s(1));
        life.root_ended(Ending::Exited(1));
        assert_eq!(life.drive_ended(s(3), Some(Ending::Exited(0))), None);
        assert_eq!(life.ended(false), Ended::Exited { status: 1 });
    }

    #[test]
    fn what_ignores_being_stopped_is_killed_after_its_grace() {
        let mut life = Life::new(&settings());
        life.ready(s(1));
        assert_eq!(life.tick(s(60), Bytes(1)), Some(Deed::Stop));
        assert_eq!(life.next_deadline(), Some(s(70)));
        assert_eq!(life.tick(s(69), Bytes(1)), None);
        assert_eq!(life.tick(s(70), Bytes(1)), Some(Deed::Kill));
        assert_eq!(life.tick(s(71), Bytes(1)), Some(Deed::Kill), "who is left");
        life.root_ended(Ending::Signaled(9));
        assert_eq!(life.ended(true), Ended::Timeout);
    }

    #[test]
    fn a_ready_that_never_comes_ends_the_run_by_name() {
        let mut life = Life::new(&settings());
        assert_eq!(life.next_deadline(), Some(s(5)));
        assert_eq!(life.tick(s(5), Bytes(1)), Some(Deed::Stop));
        assert_eq!(life.ready(s(6)), None);
        assert_eq!(life.ended(false), Ended::NeverReady);
        assert_eq!(life.ready_mark(), ReadyMark::Never { by: MarkKind::Port });
    }

    #[test]
    fn crossing_abort_above_kills_at_once() {
        let mut life = Life::new(&settings());
        assert_eq!(life.tick(s(1), Bytes(100)), None);
        assert_eq!(life.tick(s(2), Bytes(101)), Some(Deed::Kill));
        assert_eq!(life.ended(true), Ended::Aborted);
    }

    #[test]
    fn the_second_interrupt_does_not_wait() {
        let mut life = Life::new(&settings());
        assert_eq!(life.interrupted(s(1), 2), Some(Deed::PassOn(2)));
        assert_eq!(life.interrupted(s(2), 15), Some(Deed::Kill));
        assert_eq!(life.ended(false), Ended::Interrupted { signal: 2 });
    }

    #[test]
    fn only_the_kernels_own_counter_makes_a_kill_one_for_memory() {
        for (ending, counted, ended) in [
            (Ending::Signaled(9), true, Ended::OutOfMemory),
            (Ending::Exited(137), true, Ended::OutOfMemory),
            (Ending::Signaled(9), false, Ended::Signaled { signal: 9 }),
            (Ending::Exited(137), false, Ended::Exited { status: 137 }),
            (Ending::Exited(0), true, Ended::Exited { status: 0 }),
        ] {
            let mut life = Life::new(&settings());
            life.root_ended(ending);
            assert_eq!(life.ended(counted), ended);
        }
    }

    #[test]
    fn a_time_is_a_sign_of_being_ready_at_that_time_not_at_the_tick_after() {
        let ready = Some(Ready { kind: ReadyKind::After(s(2)), within: None });
        let mut life = Life::new(&Settings { ready, ..settings() });
        assert_eq!(life.next_deadline(), Some(s(2)));
        life.tick(Duration::from_millis(2003), Bytes(1));
        assert_eq!(life.ready_mark(), ReadyMark::Reached { by: MarkKind::After, at: s(2) });
    }
}
