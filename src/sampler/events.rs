use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::os::{Bell, ChildEnd, Ending, Interrupts, Stirs};

/// Ctrl-C and its like, caught for as long as memguard runs workloads.
#[derive(Debug)]
pub struct Caught {
    state: Arc<Mutex<CaughtState>>,
    _watch: Interrupts,
}

#[derive(Debug, Default)]
struct CaughtState {
    signal: Option<i32>,
    current: Option<Outbox>,
}

impl Caught {
    /// Begins to catch.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn begin() -> Result<Self> {
        let state = Arc::new(Mutex::new(CaughtState::default()));
        let shared = Arc::clone(&state);
        let watch = Interrupts::watch(move |signal| {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            state.signal = Some(signal);
            if let Some(current) = &state.current {
                // A run that has just ended no longer listens: the number is kept for what comes after it.
                current.send(Event::Interrupted(signal));
            }
        })?;
        Ok(Self { state, _watch: watch })
    }

    /// The last signal that came, if any: nothing more is to be started then.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).signal
    }

    pub(super) fn listen(&self, current: Option<Outbox>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).current = current;
    }
}

/// What happens while a workload runs.
#[derive(Debug)]
pub(super) enum Event {
    Ready(Duration),
    RootEnded(ChildEnd),
    /// memguard has started a process beside the workload.
    Beside(u32),
    DriveEnded(Option<Ending>),
    OutputEnded,
    OutputFailed(anyhow::Error),
    /// What is to be said of the files that were followed.
    LogsFollowed(Vec<String>),
    Interrupted(i32),
}

/// Where to send what happens. A run that is over no longer listens: that is no error.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    sender: Sender<Event>,
    bell: Arc<Bell>,
}

/// Where it is received, by the thread that made it. A channel's own timed wait would do the same and touch much more memory
/// at every tick, all of it cold after 10 ms of sleep.
#[derive(Debug)]
pub(super) struct Inbox {
    receiver: Receiver<Event>,
    bell: Arc<Bell>,
}

pub(super) fn post() -> (Outbox, Inbox) {
    let (sender, receiver) = channel();
    let bell = Arc::new(Bell::default());
    (Outbox { sender, bell: Arc::clone(&bell) }, Inbox { receiver, bell })
}

impl Outbox {
    pub(super) fn send(&self, event: Event) {
        if self.sender.send(event).is_ok() {
            self.bell.ring();
        }
    }
}

impl Inbox {
    /// The next event. None when there was none until the deadline.
    pub(super) fn wait_until(&self, deadline: Instant) -> Option<Event> {
        while self.bell.wait_until(deadline) {
            let event = self.take();
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// The same, but waits no longer than until something stirs, and perhaps less.
    pub(super) fn wait_until_stirred(&self, deadline: Instant, stirs: &Stirs) -> Option<Event> {
        if self.bell.wait_until_stirred(deadline, stirs) { self.take() } else { None }
    }

    fn take(&self) -> Option<Event> {
        let event = self.receiver.try_recv().ok()?;
        self.bell.ring(); // there may be more
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn events_come_in_their_order_and_late_ones_are_waited_for() {
        let (outbox, inbox) = post();
        outbox.send(Event::OutputEnded);
        outbox.send(Event::Interrupted(2));
        let far = Instant::now() + Duration::from_secs(60);
        assert!(matches!(inbox.wait_until(far), Some(Event::OutputEnded)));
        assert!(matches!(inbox.wait_until(far), Some(Event::Interrupted(2))));
        let late = thread::spawn(move || outbox.send(Event::OutputEnded));
        assert!(matches!(inbox.wait_until(far), Some(Event::OutputEnded)));
        late.join().unwrap();
        assert!(inbox.wait_until(Instant::now()).is_none());
    }
}
