use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// One instant on both clocks: that of the standard library is the kernel's `CLOCK_MONOTONIC`, and does not show it.
#[derive(Debug)]
pub(super) struct Monotonic {
    instant: Instant,
    time: Timespec,
}

impl Monotonic {
    pub(super) fn new() -> Self {
        Self { instant: Instant::now(), time: clock_gettime(ClockId::Monotonic) }
    }

    /// An instant as the kernel writes it. None where it can't: then it is far away.
    pub(super) fn time(&self, instant: Instant) -> Option<Timespec> {
        let after = Timespec::try_from(instant.saturating_duration_since(self.instant)).ok()?;
        self.time.checked_add(after)
    }

    /// The instant that the kernel writes as so many nanoseconds.
    pub(super) fn instant(&self, nanos: u64) -> Instant {
        let made = Duration::try_from(self.time).unwrap_or_default();
        self.instant + Duration::from_nanos(nanos).saturating_sub(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_the_same_on_both_clocks() {
        let clock = Monotonic::new();
        let later = clock.instant + Duration::from_nanos(1_234_567_891);
        let time = clock.time(later).unwrap();
        let nanos = Duration::try_from(time).unwrap().as_nanos();
        assert_eq!(clock.instant(u64::try_from(nanos).unwrap()), later);
        assert_eq!(clock.instant(0), clock.instant, "nothing that is watched came before it");
    }
}
