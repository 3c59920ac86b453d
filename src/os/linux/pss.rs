use std::time::{Duration, Instant};

use super::machine::Machine;
use super::process::{Life, Process};
use super::sharing::{Kin, Shares, Sharing};
use super::tree::Tree;

/// Reading the shares of pages costs about 3 ms per GB and holds the target's memory map lock: it is rationed.
///
/// Between two readings the share is estimated from the last one ([`Sharing::share_of`]). The estimate can only go wrong when
/// mapped files or shared memory moved, or where forks share pages: those are read first.
#[derive(Debug)]
pub(super) struct Ration {
    /// Time that may be spent; below zero it is owed.
    allowance: f64,
    last: Instant,
}

/// The share of one core that reading may take.
const SHARE: f64 = 0.01;
/// What may be saved up, and what may be owed, in seconds: a short run is read as often as it needs to be.
const SAVED: f64 = 0.1;
const OWED: f64 = 0.1;
/// A process that moved less than this since it was read is not read for it.
const MOVED: u64 = 64 << 10;
/// While there are several each is read again after so many ticks, whatever its resident memory does: what one of them maps
/// or writes to changes the shares of others, and their resident memory not at all.
const AGAIN: u32 = 20;
/// A family's reading during which the share of its first member moved by more than one part in so many is torn: half of it
/// is of before a fork, an exec or an end, half of after it, and pages are counted twice or not at all.
const TORN: u64 = 100;
/// A family that is read within this time is tried again at once.
const AT_ONCE: Duration = Duration::from_millis(1);

impl Ration {
    pub(super) fn new(now: Instant) -> Self {
        Self { allowance: SAVED, last: now }
    }

    /// Reads the shares that matter most, as far as the ration goes. Returns how many processes refused.
    /// `machine` tells the shared memory in use on the whole machine.
    pub(super) fn spend(&mut self, tree: &mut Tree, machine: &mut Machine, buffer: &mut Vec<u8>, now: Instant) -> u64 {
        self.allowance = (self.allowance + now.duration_since(self.last).as_secs_f64() * SHARE).min(SAVED);
        self.last = now;
        tree.note_kin();
        if self.allowance < -OWED {
            return 0;
        }
        let mut wanted: Vec<(u64, u32)> =
            tree.running().filter_map(|process| Some((urgency(process)?, process.pid))).collect();
        wanted.sort_unstable_by(|left, right| right.cmp(left));
        let mut denied = 0;
        for (urgency, pid) in wanted {
            if urgency < u64::MAX && self.allowance <= 0.0 {
                break;
            }
            let Some(process) = tree.running().find(|process| process.pid == pid) else { continue };
            if process.ticks_since_shares == 0 {
                continue; // with its family
            }
            let (kin, stack) = (process.kin, process.stat.stack);
            // What one of a family copied is the others' alone since then: they are read at one go.
            let mut group: Vec<&mut Process> = tree
                .counted_mut()
                .filter(|process| {
                    process.pid == pid
                        || (kin == Kin::Family && process.stat.stack == stack)
                        || (kin == Kin::Crowd && urgency < u64::MAX && process.kin == Kin::Crowd)
                })
                .filter(|process| is_readable(process))
                .collect();
            let begun = Instant::now();
            denied += read_group(&mut group, machine.shmem(buffer), buffer);
            self.allowance -= begun.elapsed().max(Duration::from_nanos(1)).as_secs_f64();
        }
        denied
    }
}

fn is_readable(process: &Process) -> bool {
    process.life == Life::Running && process.memory.is_some() && !process.borrows && process.sharing != Sharing::Denied
}

/// How much a new reading of the shares would tell; None for nothing.
fn urgency(process: &Process) -> Option<u64> {
    if !is_readable(process) {
        return None;
    }
    match process.sharing {
        Sharing::Denied => None,
        Sharing::Unknown => Some(u64::MAX),
        Sharing::Read(_) if process.stale => Some(u64::MAX),
        Sharing::Read(Shares { resident, .. }) => {
            let now = process.memory?.split;
            let moved = now.file.abs_diff(resident.file) + now.shmem.abs_diff(resident.shmem);
            let moved = if process.kin == Kin::Family { moved + now.anon.abs_diff(resident.anon) } else { moved };
            let again = process.kin != Kin::Alone && process.ticks_since_shares >= AGAIN;
            (moved >= MOVED || again).then_some(moved + u64::from(process.ticks_since_shares))
        }
    }
}

/// Reads the shares of processes that share pages. If what they share moved meanwhile, the estimates stand until it is tried
/// again. Returns how many refused.
fn read_group(group: &mut [&mut Process], shmem: Option<u64>, buffer: &mut Vec<u8>) -> u64 {
    // The first one tells of a change in all: it is the one that shares the most.
    group.sort_by_key(|process| std::cmp::Reverse(process.memory.map(|memory| memory.resident())));
    let is_family = group.len() > 1 && group.iter().any(|process| process.kin == Kin::Family);
    let begun = Instant::now();
    let (read, whole) = loop {
        let read: Vec<Option<Shares>> = group.iter_mut().map(|process| process.read_shares(shmem, buffer)).collect();
        let holds_still = !is_family || {
            let again = group.first_mut().and_then(|process| process.read_shares(shmem, buffer));
            let first = read.first().copied().flatten();
            let share = |shares: Option<Shares>| shares.map_or(0, |shares| shares.share.total());
            share(first).abs_diff(share(again)) <= share(first) / TORN
        };
        // A fork that no tick has seen yet has taken half of each share.
        if group.iter().any(|process| process.has_new_fork(buffer)) {
            break (read, false);
        }
        if holds_still || begun.elapsed() > AT_ONCE {
            break (read, holds_still);
        }
    };
    for (process, shares) in group.iter_mut().zip(&read) {
        process.ticks_since_shares = 0;
        process.stale &= !whole;
        match shares {
            Some(shares) if whole => process.sharing = Sharing::Read(*shares),
            // It has let go of its memory since this tick read it: the others' shares have what was shared.
            None if process.sharing != Sharing::Denied => process.memory = None,
            _ => {}
        }
    }
    group.iter().filter(|process| process.sharing == Sharing::Denied).count() as u64
}
