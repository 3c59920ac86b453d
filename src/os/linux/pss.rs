use std::time::{Duration, Instant};

use super::process::{Life, Process, Sharing};
use super::tree::Tree;

/// Reading the shares of pages costs about 3 ms per GB and holds the target's memory map lock: it is rationed.
///
/// Between two readings a process's last discount is taken off what is resident. It can only have changed when mapped
/// files or shared memory moved, or where forks share pages: those are read first.
#[derive(Debug)]
pub(super) struct Ration {
    /// CPU time that may be spent; below zero it is owed.
    allowance: f64,
    last: Instant,
}

/// The share of one core that reading may take while there is one process.
const SHARE: f64 = 0.004;
/// The same while several may share pages: then the sum is wrong without it.
const SHARE_CROWD: f64 = 0.04;
/// What may be saved up, and what may be owed, in seconds.
const SAVED: f64 = 0.02;
const OWED: f64 = 0.2;
/// A process that moved less than this since it was read is not read for it.
const MOVED: u64 = 64 << 10;
/// While there are several each is read again after so many ticks, whatever its resident memory does: what one of them maps
/// or writes to changes the shares of others, and their resident memory not at all.
const AGAIN: u32 = 20;

impl Ration {
    pub(super) fn new(now: Instant) -> Self {
        Self { allowance: SAVED, last: now }
    }

    /// Reads the shares that matter most, as far as the ration goes. Returns how many processes refused.
    pub(super) fn spend(&mut self, tree: &mut Tree, buffer: &mut Vec<u8>, now: Instant) -> u64 {
        tree.note_families(buffer);
        let crowd = tree.counted().filter(|process| process.life == Life::Running).nth(1).is_some();
        let share = if crowd { SHARE_CROWD } else { SHARE };
        self.allowance = (self.allowance + now.duration_since(self.last).as_secs_f64() * share).min(SAVED);
        self.last = now;
        // A family is read at one go: half of it read before and half after a fork would count its pages twice.
        let changed = std::mem::take(&mut tree.changed_families);
        if !changed.is_empty() {
            for process in tree.counted_mut() {
                process.stale |= changed.contains(&process.identity.stack);
            }
        }
        if self.allowance < -OWED {
            return 0;
        }
        let mut wanted: Vec<(u64, u32)> =
            tree.counted().filter_map(|process| Some((urgency(process, crowd)?, process.pid))).collect();
        wanted.sort_unstable_by(|left, right| right.cmp(left));
        let mut denied = 0;
        for (urgency, pid) in wanted {
            if urgency < u64::MAX && self.allowance <= 0.0 {
                break;
            }
            let Some(process) = tree.counted().find(|process| process.pid == pid) else { continue };
            // A family is read at one go: what one of them copied is the others' alone since then.
            let (family, stack) = (process.family, process.identity.stack);
            let is_due = |process: &Process| {
                let with_it = process.pid == pid || (family && process.identity.stack == stack);
                with_it && process.ticks_since_read > 0 && process.sharing != Sharing::Denied
            };
            for process in tree.counted_mut().filter(|process| is_due(process)) {
                let begun = Instant::now();
                process.read_sharing(buffer);
                process.stale = false;
                process.ticks_since_read = 0;
                denied += u64::from(process.sharing == Sharing::Denied);
                self.allowance -= begun.elapsed().max(Duration::from_nanos(1)).as_secs_f64();
            }
        }
        denied
    }
}

/// How much a new reading of the shares would tell; None for nothing.
fn urgency(process: &Process, crowd: bool) -> Option<u64> {
    let memory = process.memory.filter(|_| process.life == Life::Running)?;
    match process.sharing {
        Sharing::Denied => None,
        Sharing::Unknown => Some(u64::MAX),
        Sharing::Read { .. } if process.stale => Some(u64::MAX),
        Sharing::Read { resident, .. } => {
            let moved = memory.split.file.abs_diff(resident.file) + memory.split.shmem.abs_diff(resident.shmem);
            let moved = if process.family { moved + memory.split.anon.abs_diff(resident.anon) } else { moved };
            let again = crowd && process.ticks_since_read >= AGAIN;
            (moved >= MOVED || again).then_some(moved + u64::from(process.ticks_since_read))
        }
    }
}
