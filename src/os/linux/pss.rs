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
    allowance: Allowance,
    wanted: Vec<(u64, usize)>,
    /// How many processes refused.
    pub(super) denied: u64,
}

/// A process that moved less than this since it was read is not read for it.
const MOVED: u64 = 64 << 10;
/// While there are several each is read again this many ticks after something moved, whatever its resident memory does: what
/// one of them maps or writes to changes the shares of others, and their resident memory not at all.
const AGAIN: u64 = 20;
/// Each that shares pages is read again this long after the last time even while nothing moves: those with whom it shares may
/// be outside the tree, and what they do to its shares moves nothing here.
pub(super) const AT_LATEST: Duration = Duration::from_secs(5);
/// …or later, so that it takes no more than one part in so many of a core's time…
const CALM: u32 = 2000;
/// …but not later than this.
const AT_LAST: Duration = Duration::from_secs(30);
/// A family's reading during which the share of its first member moved by more than one part in so many is torn: half of it
/// is of before a fork, an exec or an end, half of after it, and pages are counted twice or not at all.
const TORN: u64 = 100;
/// A family that is read within this time is tried again at once.
const AT_ONCE: Duration = Duration::from_millis(1);

impl Ration {
    pub(super) fn new(now: Instant) -> Self {
        Self { allowance: Allowance::new(now), wanted: Vec::new(), denied: 0 }
    }

    /// Reads the shares that matter most, as far as the ration goes. `machine` tells the shared memory in use on the whole
    /// machine. Returns whether there is more to be read before long, though nothing may move any more.
    pub(super) fn spend(&mut self, tree: &mut Tree, machine: &mut Machine, buffer: &mut Vec<u8>, now: Instant) -> bool {
        self.allowance.earn(now);
        tree.note_kin();
        let at = Moment { tick: tree.tick, moved: tree.moved, now };
        let mut pending = false;
        self.wanted.clear();
        for (index, process) in tree.processes.iter().enumerate().filter(|(_, process)| is_readable(process)) {
            pending |= process.kin != Kin::Alone && process.shares_read < at.moved;
            self.wanted.extend(urgency(process, at).map(|urgency| (urgency, index)));
        }
        self.wanted.sort_unstable_by(|left, right| right.cmp(left));
        for (urgency, index) in &self.wanted {
            if !self.allowance.allows(*urgency == URGENT) {
                return true;
            }
            let process = &tree.processes[*index];
            if process.shares_read == at.tick {
                continue; // with its family
            }
            let (kin, pid, stack) = (process.kin, process.pid, process.stat.stack);
            // What one of a family copied is the others' alone since then: they are read at one go.
            let mut group: Vec<&mut Process> = tree
                .processes
                .iter_mut()
                .filter(|process| {
                    process.pid == pid
                        || (kin == Kin::Family && process.stat.stack == stack)
                        || (kin == Kin::Crowd && *urgency < URGENT && process.kin == Kin::Crowd)
                })
                .filter(|process| is_readable(process))
                .collect();
            let begun = Instant::now();
            self.denied += read_group(&mut group, at, machine.shmem(buffer), buffer);
            self.allowance.spend(begun.elapsed());
        }
        pending
    }
}

/// Time that may be spent on reading shares.
#[derive(Debug)]
struct Allowance {
    /// In seconds; below zero it is owed.
    left: f64,
    last: Instant,
}

/// The share of one core that reading may take, over time.
const SHARE: f64 = 0.01;
/// What may be saved up, and what may be owed, in seconds: a short run is read as often as it needs to be.
const SAVED: f64 = 0.1;
const OWED: f64 = 0.1;

impl Allowance {
    fn new(now: Instant) -> Self {
        Self { left: SAVED, last: now }
    }

    fn earn(&mut self, now: Instant) {
        self.left = (self.left + now.duration_since(self.last).as_secs_f64() * SHARE).min(SAVED);
        self.last = now;
    }

    /// Whether another reading may begin. Urgent ones may be owed for.
    fn allows(&self, urgent: bool) -> bool {
        self.left > if urgent { -OWED } else { 0.0 }
    }

    fn spend(&mut self, time: Duration) {
        self.left -= time.as_secs_f64();
    }
}

/// It was never read, or what was read is no longer true.
const URGENT: u64 = u64::MAX;

fn is_readable(process: &Process) -> bool {
    process.life == Life::Running
        && !process.left_out
        && process.memory.is_some()
        && !process.borrows
        && process.sharing != Sharing::Denied
}

/// A tick, by its number and its time, and the number of the last one at which anything had moved.
#[derive(Debug, Clone, Copy)]
struct Moment {
    tick: u64,
    moved: u64,
    now: Instant,
}

/// A small newcomer may be gone before long, as most of those that a build or a script starts are.
const PASSING: u32 = 2;
const SMALL: u64 = 4 << 20;

/// Whether it is too early to ask for the shares of a process: what it may have of others is little, and it shares nothing yet
/// that it did not bring along.
fn is_passing(process: &Process) -> bool {
    let maps_little = process.memory.is_none_or(|memory| memory.split.file + memory.split.shmem < SMALL);
    process.age <= PASSING && process.kin == Kin::Crowd && maps_little
}

/// How much a new reading of the shares would tell; None for nothing.
fn urgency(process: &Process, at: Moment) -> Option<u64> {
    match process.sharing {
        Sharing::Denied => None,
        Sharing::Unknown => (!is_passing(process)).then_some(URGENT),
        Sharing::Read(_) if process.stale => Some(URGENT),
        Sharing::Read(Shares { resident, share, .. }) => {
            let now = process.memory?.split;
            let grown = now.file.abs_diff(resident.file) + now.shmem.abs_diff(resident.shmem);
            let grown = if process.kin == Kin::Family { grown + now.anon.abs_diff(resident.anon) } else { grown };
            let age = at.tick - process.shares_read;
            let again = process.kin != Kin::Alone && process.shares_read < at.moved && age >= AGAIN;
            let is_shared = resident.total() - share.total().min(resident.total()) >= MOVED;
            let is_old = is_shared && at.now >= process.shares_old_at;
            (grown >= MOVED || again || is_old).then_some(grown.saturating_add(age))
        }
    }
}

/// Reads the shares of processes that share pages. If what they share moved meanwhile, the estimates stand until it is tried
/// again. Returns how many refused.
fn read_group(group: &mut [&mut Process], at: Moment, shmem: Option<u64>, buffer: &mut Vec<u8>) -> u64 {
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
        if group.iter().any(|process| process.threads.have_new_fork(process.stat.stack, buffer)) {
            break (read, false);
        }
        if holds_still || begun.elapsed() > AT_ONCE {
            break (read, holds_still);
        }
    };
    let old_at = at.now + (begun.elapsed() * CALM).clamp(AT_LATEST, AT_LAST);
    for (process, shares) in group.iter_mut().zip(&read) {
        (process.shares_read, process.shares_old_at) = (at.tick, old_at);
        process.stale &= !whole;
        if let Some(shares) = shares
            && whole
        {
            process.sharing = Sharing::Read(*shares);
        }
    }
    group.iter().filter(|process| process.sharing == Sharing::Denied).count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustix::process::{Pid, Signal, kill_process, waitpid};

    use super::*;
    use crate::os::source::Reading;

    const MIB: u64 = 1 << 20;

    /// A fork of this process that sleeps.
    #[expect(unsafe_code, reason = "a test of forks forks")]
    fn sleeping_fork() -> Pid {
        // SAFETY: the child makes system calls alone.
        match unsafe { libc::fork() } {
            0 => loop {
                // SAFETY: as above.
                unsafe { libc::pause() };
            },
            pid => {
                // On its way there it still maps pages of the program.
                while !std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") S ") {
                    std::thread::yield_now();
                }
                Pid::from_raw(pid).unwrap()
            }
        }
    }

    #[test]
    fn what_others_outside_the_tree_let_go_of_is_seen_though_the_process_sleeps() {
        let block = vec![1u8; 16 << 20];
        let child = sleeping_fork();
        let (begun, mut buffer) = (Instant::now(), Vec::new());
        let (mut tree, mut ration, mut machine) = (Tree::new().unwrap(), Ration::new(begun), Machine::new());
        tree.follow(child.as_raw_nonzero().get().unsigned_abs());
        let mut share_after = |seconds| {
            let now = begun + Duration::from_secs(seconds);
            tree.update(now, &mut buffer, &mut Reading::default()).unwrap();
            ration.spend(&mut tree, &mut machine, &mut buffer, now);
            tree.running().find_map(|process| process.estimate(|| None)).map(|estimate| estimate.share.anon)
        };
        let shared = share_after(0);
        drop(block);
        let (soon, late) = (share_after(4), share_after(6));
        kill_process(child, Signal::KILL).unwrap();
        waitpid(Some(child), rustix::process::WaitOptions::empty()).unwrap();
        assert_eq!(soon, shared, "nothing here has moved");
        assert!(late >= shared.map(|shared| shared + 7 * MIB), "{shared:?}, then {late:?}");
    }

    proptest! {
        #[test]
        fn reading_takes_its_share_and_no_more_however_much_is_wanted(
            readings in prop::collection::vec((1u64..20_000, 1u64..50_000, any::<bool>()), 1..300)
        ) {
            let begun = Instant::now();
            let mut allowance = Allowance::new(begun);
            let (mut now, mut spent, mut longest) = (begun, Duration::ZERO, Duration::ZERO);
            for (after_us, cost_us, urgent) in readings {
                now += Duration::from_micros(after_us);
                allowance.earn(now);
                let cost = Duration::from_micros(cost_us);
                while allowance.allows(urgent) {
                    allowance.spend(cost);
                    (spent, longest) = (spent + cost, longest.max(cost));
                }
            }
            let most = now.duration_since(begun).as_secs_f64() * SHARE + SAVED + OWED + longest.as_secs_f64();
            prop_assert!(spent.as_secs_f64() <= most + 1e-6, "{spent:?} of {most} s");
        }
    }
}
