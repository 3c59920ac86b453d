use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Wakes the one who waits for a deadline. Kernel interface: `FUTEX_WAIT_BITSET`, futex(2), whose timeout is an instant of
/// `CLOCK_MONOTONIC`.
///
/// After 10 ms of sleep all is cold, and what a wake-up costs is how much it touches: this is one word and one system call.
#[derive(Debug)]
pub struct Bell {
    rung: AtomicU32,
    /// One instant on both clocks: that of the standard library is the kernel's, and does not show it.
    made: (Instant, Timespec),
}

const SILENT: u32 = 0;
const RUNG: u32 = 1;

impl Default for Bell {
    fn default() -> Self {
        Self { rung: AtomicU32::new(SILENT), made: (Instant::now(), clock_gettime(ClockId::Monotonic)) }
    }
}

impl Bell {
    /// Ends the waiting, or the next one at its begin.
    pub fn ring(&self) {
        if self.rung.swap(RUNG, Ordering::Release) == SILENT {
            let _ = futex::wake(&self.rung, Flags::PRIVATE, 1); // can't fail on a word of one's own
        }
    }

    /// Waits until it rings or the deadline has passed. Returns whether it rang.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        let (instant, time) = self.made;
        let after = Timespec::try_from(deadline.saturating_duration_since(instant)).ok();
        let deadline = after.and_then(|after| time.checked_add(after));
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
}
