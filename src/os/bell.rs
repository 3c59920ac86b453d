use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Instant;

/// What changes in what is read is not heard of here.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub enum Stirs {}

/// Wakes the one who waits for a deadline: the thread that made it.
#[derive(Debug)]
pub struct Bell {
    rung: AtomicBool,
    sleeper: Thread,
}

impl Default for Bell {
    fn default() -> Self {
        Self { rung: AtomicBool::new(false), sleeper: thread::current() }
    }
}

impl Bell {
    /// Ends the waiting, or the next one at its begin.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.sleeper.unpark();
    }

    /// Waits until it rings or the deadline has passed. Returns whether it rang.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        loop {
            if self.rung.swap(false, Ordering::Acquire) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::park_timeout(left);
        }
    }

    /// Waits until it rings, something stirs, or the deadline has passed. Returns whether it rang.
    #[cfg(not(target_os = "linux"))]
    pub fn wait_until_stirred(&self, _deadline: Instant, stirs: &Stirs) -> bool {
        match *stirs {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    /// What every system's must do.
    macro_rules! rings {
        ($bell:ty) => {
            let far = Instant::now() + Duration::from_secs(600);
            let bell = Arc::new(<$bell>::default());
            assert!(!bell.wait_until(Instant::now()));
            bell.ring();
            assert!(bell.wait_until(far), "rung before");
            let ringer = Arc::clone(&bell);
            let thread = thread::spawn(move || ringer.ring());
            assert!(bell.wait_until(far), "rung meanwhile");
            thread.join().unwrap();
            let soon = Instant::now() + Duration::from_millis(5);
            assert!(!bell.wait_until(soon), "not rung again");
            assert!(Instant::now() >= soon);
        };
    }

    use super::*;

    #[test]
    fn the_portable_one_rings() {
        rings!(Bell);
    }

    #[test]
    fn this_systems_rings() {
        rings!(crate::os::Bell);
    }
}
