use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;

use crate::os::{Ending, Interrupts};

/// Ctrl-C and its like, caught for as long as memguard runs workloads.
#[derive(Debug)]
pub struct Caught {
    state: Arc<Mutex<CaughtState>>,
    _watch: Interrupts,
}

#[derive(Debug, Default)]
struct CaughtState {
    signal: Option<i32>,
    current: Option<Sender<Event>>,
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
                let _ = current.send(Event::Interrupted(signal));
            }
        })?;
        Ok(Self { state, _watch: watch })
    }

    /// The last signal that came, if any: nothing more is to be started then.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).signal
    }

    pub(super) fn listen(&self, current: Option<Sender<Event>>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).current = current;
    }
}

/// What happens while a workload runs.
#[derive(Debug)]
pub(super) enum Event {
    Ready(Duration),
    RootEnded(Ending),
    DriveEnded(Option<Ending>),
    OutputEnded,
    OutputFailed(anyhow::Error),
    /// What is to be said of the files that were followed.
    LogsFollowed(Vec<String>),
    Interrupted(i32),
}
