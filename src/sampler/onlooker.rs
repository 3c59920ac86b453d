use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::units::Bytes;
use crate::workload::Screen;

/// Whoever watches while a workload runs: where its output goes, and what it has come to so far.
#[derive(Debug, Clone, Default)]
pub struct Onlooker {
    /// What the workload prints goes here, as do sentences about it.
    pub screen: Arc<Screen>,
    /// What the readings say.
    pub pulse: Arc<Pulse>,
}

/// What a run has come to, for other threads to look at: to tell it costs the sampler three stores a tick.
#[derive(Debug, Default)]
pub struct Pulse {
    begun: OnceLock<Begun>,
    /// In bytes; the last since somebody looked.
    memory: AtomicU64,
    peak: AtomicU64,
    highest: AtomicU64,
    /// Something else prints on memguard's own output.
    is_beside: AtomicBool,
}

#[derive(Debug)]
struct Begun {
    clock: Instant,
    root: u32,
}

/// A run at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The pid of the first process, which is the number of its group.
    pub root: u32,
    /// Since launch.
    pub lasted: Duration,
    /// As last read.
    pub memory: Bytes,
    /// The most so far.
    pub peak: Bytes,
    /// The most since the last look.
    pub highest: Bytes,
    /// Whether something else prints on memguard's own output, whose lines memguard does not see.
    pub is_beside: bool,
}

impl Pulse {
    /// How far the run is. None before it is launched. For one who looks: what was highest since is told once.
    #[must_use]
    pub fn look(&self) -> Option<Beat> {
        let Begun { clock, root } = self.begun.get()?;
        let memory = self.memory.load(Ordering::Relaxed);
        Some(Beat {
            root: *root,
            lasted: clock.elapsed(),
            memory: Bytes(memory),
            peak: Bytes(self.peak.load(Ordering::Relaxed)),
            highest: Bytes(self.highest.swap(0, Ordering::Relaxed).max(memory)),
            is_beside: self.is_beside.load(Ordering::Relaxed),
        })
    }

    pub(super) fn begin(&self, clock: Instant, root: u32) {
        // There is one run to a pulse.
        let _ = self.begun.set(Begun { clock, root });
    }

    /// The peak never falls.
    pub(super) fn tell(&self, memory: Bytes, peak: Bytes) {
        self.memory.store(memory.0, Ordering::Relaxed);
        let before = self.peak.swap(peak.0, Ordering::Relaxed);
        let reached = if peak.0 > before { peak } else { memory };
        self.highest.fetch_max(reached.0, Ordering::Relaxed);
    }

    pub(super) fn tell_of_one_beside(&self, is_beside: bool) {
        self.is_beside.store(is_beside, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_highest_between_two_looks_is_told_once() {
        let pulse = Pulse::default();
        assert_eq!(pulse.look(), None);
        pulse.begin(Instant::now(), 7);
        pulse.tell(Bytes(5), Bytes(9));
        pulse.tell(Bytes(4), Bytes(9));
        let seen = |beat: Beat| (beat.root, beat.memory.0, beat.peak.0, beat.highest.0);
        assert_eq!(pulse.look().map(seen), Some((7, 4, 9, 9)));
        assert_eq!(pulse.look().map(seen), Some((7, 4, 9, 4)));
    }
}
