//! Threads that sleep, and the instant at which one of them is given a CPU: until then nothing that it holds can change, and
//! nobody need look.
//!
//! Kernel interface: perf_event_open(2), `context_switch`: the kernel records when a thread is given a CPU and when it loses
//! it, for whoever may trace the thread, where `/proc/sys/kernel/perf_event_paranoid` is 2 or less, or for root.

mod ring;
#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Instant;

use rustix::event::epoll;
use rustix::time::Timespec;

use self::ring::{Ring, open_event};
use super::monotonic::Monotonic;

/// Wakes who waits while threads sleep.
#[derive(Debug)]
pub struct Stirs {
    leave: Leave,
    /// Held by every sleeper, to know how many there are.
    slots: Arc<()>,
    /// How many more may be watched from this tick on.
    left: usize,
    clock: Monotonic,
}

/// The kernel's leave to watch.
#[derive(Debug)]
enum Leave {
    Unasked,
    Asked(Receiver<io::Result<Granted>>),
    Granted(Granted),
    Refused,
}

#[derive(Debug)]
struct Granted {
    /// What all sleepers are heard through.
    epoll: OwnedFd,
    /// As long as there is one event, the next comes without a pause.
    _first: OwnedFd,
}

/// A thread that is watched.
#[derive(Debug)]
pub(super) struct Sleeper {
    ring: Ring,
    /// As of the last look it had no CPU, and would not have got one unrecorded.
    is_out: bool,
    _slot: Arc<()>,
}

/// To begin to watch takes some 20 us: not many at once.
const A_TICK: usize = 8;
/// Each holds two pages and a file.
const MOST: usize = 256;

impl Stirs {
    pub(super) fn new() -> Self {
        Self { leave: Leave::Unasked, slots: Arc::default(), left: 0, clock: Monotonic::new() }
    }

    /// A tick begins.
    pub(super) fn tick(&mut self) {
        self.left = A_TICK;
    }

    /// Whether one more may be watched now.
    pub(super) fn has_room(&mut self) -> bool {
        if self.left == 0 || Arc::strong_count(&self.slots) > MOST {
            return false;
        }
        match &self.leave {
            Leave::Unasked => {
                self.leave = ask();
                false
            }
            Leave::Asked(answer) => {
                self.leave = match answer.try_recv() {
                    Err(TryRecvError::Empty) => return false,
                    Ok(Ok(granted)) => Leave::Granted(granted),
                    Ok(Err(_)) | Err(TryRecvError::Disconnected) => Leave::Refused,
                };
                matches!(self.leave, Leave::Granted(_))
            }
            Leave::Granted(_) => true,
            Leave::Refused => false,
        }
    }

    /// Begins to watch a thread that is taken to sleep: what it did before that is not known.
    ///
    /// # Errors
    /// When there is no such thread, or it may not be watched.
    pub(super) fn watch(&mut self, thread: u32) -> io::Result<Sleeper> {
        let Leave::Granted(granted) = &self.leave else { return Err(io::ErrorKind::PermissionDenied.into()) };
        self.left = self.left.saturating_sub(1);
        let ring = Ring::open(thread)?;
        epoll::add(&granted.epoll, ring.event(), epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        Ok(Sleeper { ring, is_out: true, _slot: Arc::clone(&self.slots) })
    }

    /// Forgets who stirred until now, for those who wait from now on.
    pub(super) fn forget(&self) -> io::Result<()> {
        let Leave::Granted(granted) = &self.leave else { return Ok(()) };
        // As many as there can be: one that has ended is told of again and again, until it is let go of.
        let mut events = Vec::with_capacity(MOST);
        epoll::wait(&granted.epoll, rustix::buffer::spare_capacity(&mut events), Some(&NOW))?;
        Ok(())
    }

    /// What is readable once one has stirred. None where none is watched.
    pub(super) fn heard(&self) -> Option<BorrowedFd<'_>> {
        if let Leave::Granted(granted) = &self.leave { Some(granted.epoll.as_fd()) } else { None }
    }

    /// An instant of the kernel's monotonic clock, in nanoseconds.
    pub(super) fn instant(&self, nanos: u64) -> Instant {
        self.clock.instant(nanos)
    }
}

const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Asks for a first event. The kernel takes some 10 ms to grant it, in which it rewrites its scheduler: that is not waited for.
fn ask() -> Leave {
    let (sender, answer) = channel();
    let thread = std::thread::Builder::new().name("stirs".to_owned()).spawn(move || {
        let granted = open_event(0).and_then(|first| {
            let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
            Ok(Granted { epoll, _first: first })
        });
        // Whoever asked may be gone.
        let _ = sender.send(granted);
    });
    if thread.is_ok() { Leave::Asked(answer) } else { Leave::Refused }
}

impl Sleeper {
    /// Whether it slept, and did so since the last look.
    pub(super) fn slept(&mut self) -> bool {
        match self.ring.take() {
            None => self.is_out,
            Some(last) => {
                self.is_out = last.is_some_and(|switch| switch.is_out);
                false
            }
        }
    }

    /// Whether it has slept since the last look so far. No look is taken.
    pub(super) fn sleeps(&self) -> bool {
        self.is_out && !self.ring.has_news()
    }

    /// When it was given a CPU since the last look, at which it slept, on the kernel's monotonic clock, in nanoseconds. None
    /// where it was not.
    pub(super) fn stirred(&self) -> Option<u64> {
        self.ring.first().map(|switch| switch.at)
    }
}
