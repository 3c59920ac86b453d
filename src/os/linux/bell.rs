use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags};
use rustix::time::Timespec;

use super::Stirs;
use super::monotonic::Monotonic;

/// Wakes the one who waits for a deadline. Kernel interface: `FUTEX_WAIT_BITSET`, futex(2), whose timeout is an instant of
/// `CLOCK_MONOTONIC`.
///
/// After 10 ms of sleep all is cold, and what a wake-up costs is how much it touches: this is one word and one system call.
#[derive(Debug)]
pub struct Bell {
    rung: AtomicU32,
    clock: Monotonic,
    /// Rings for one who waits for files, too. None where no more files are to be had.
    door: Option<OwnedFd>,
}

const SILENT: u32 = 0;
const RUNG: u32 = 1;
/// Who waits does so at the door.
const AT_DOOR: u32 = 2;

impl Default for Bell {
    fn default() -> Self {
        let door = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok();
        Self { rung: AtomicU32::new(SILENT), clock: Monotonic::new(), door }
    }
}

impl Bell {
    /// Ends the waiting, or the next one at its begin.
    pub fn ring(&self) {
        match self.rung.swap(RUNG, Ordering::Release) {
            SILENT => {
                let _ = futex::wake(&self.rung, Flags::PRIVATE, 1); // can't fail on a word of one's own
            }
            AT_DOOR => {
                let _ = self.door.as_ref().map(|door| rustix::io::write(door, &1_u64.to_ne_bytes())); // full is rung
            }
            _ => {}
        }
    }

    /// Waits until it rings or the deadline has passed. Returns whether it rang.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        let deadline = self.clock.time(deadline);
        loop {
            if self.rung.load(Ordering::Relaxed) == RUNG {
                self.rung.swap(SILENT, Ordering::Acquire);
                return true;
            }
            let waited = futex::wait_bitset(&self.rung, Flags::PRIVATE, SILENT, deadline.as_ref(), NonZeroU32::MAX);
            if waited == Err(Errno::TIMEDOUT) {
                return false;
            }
            // Woken, by a signal perhaps, or rung before it slept.
        }
    }

    /// Waits until it rings, something stirs, or the deadline has passed; or, where it can't be waited for all of these, not at
    /// all. Returns whether it rang.
    pub fn wait_until_stirred(&self, deadline: Instant, stirs: &Stirs) -> bool {
        if let (Some(door), Some(heard)) = (&self.door, stirs.heard())
            && self.rung.compare_exchange(SILENT, AT_DOOR, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut files = [PollFd::new(door, PollFlags::IN), PollFd::from_borrowed_fd(heard, PollFlags::IN)];
            // A signal may end it early.
            let _ = poll(&mut files, Timespec::try_from(left).ok().as_ref());
            if !files[0].revents().is_empty() {
                let _ = rustix::io::read(door, &mut [0_u8; 8]); // there is nobody else to empty it
            }
        }
        self.rung.swap(SILENT, Ordering::Acquire) == RUNG
    }
}
