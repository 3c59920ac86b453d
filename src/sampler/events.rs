use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::os::{ChildEnd, Ending, Interrupts};

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
    /// A signal stopped the root: it runs on once it is continued.
    RootStopped(i32),
    /// memguard has started a process beside the workload.
    Beside(u32),
    DriveEnded(Option<Ending>),
    OutputEnded,
    OutputFailed(anyhow::Error),
    /// The workload's output could not be passed on.
    OutputLost(std::io::Error),
    /// What is to be said of the files that were followed.
    LogsFollowed(Vec<String>),
    Interrupted(i32),
}

/// Where to send what happens. A run that is over no longer listens: that is no error.
#[derive(Debug, Clone)]
pub(super) struct Outbox(Sender<Event>);

/// Where it is received.
#[derive(Debug)]
pub(super) struct Inbox(Receiver<Event>);

pub(super) fn post() -> (Outbox, Inbox) {
    let (sender, receiver) = channel();
    (Outbox(sender), Inbox(receiver))
}

impl Outbox {
    pub(super) fn send(&self, event: Event) {
        let _ = self.0.send(event);
    }
}

impl Inbox {
    /// The next event. None when there was none until the deadline.
    pub(super) fn wait_until(&self, deadline: Instant) -> Option<Event> {
        self.0.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
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
