//! How much the tree holds: exact where no pages are shared, an interval where they are.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::machine::Machine;
use super::proc::Memory;
use super::process::Process;
use super::sharing::{Estimate, Family, Member, Share, SharedMemory};
use crate::os::unix::thread_cpu;

/// Adds up the memory of the processes of a tree.
#[derive(Debug)]
pub(super) struct Footprint {
    /// Processes forked from one another, by what they have in common.
    families: HashMap<u64, Group>,
    shared_memory: SharedMemory,
    /// The tree has mapped shared memory.
    has_shared: bool,
    /// The machine's shared memory: at first, and at the last tick.
    machine_shmem: (Option<u64>, Option<u64>),
    allowance: Allowance,
    /// Processes whose shares the system does not let memguard read.
    pub(super) denied: u64,
}

#[derive(Debug, Default)]
struct Group {
    family: Family,
    /// Where its members stand in the tree.
    places: Vec<usize>,
    /// What they hold, shared pages once for each of them.
    held: u64,
    is_denied: bool,
}

/// What the tree holds, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) sum: Estimate,
    /// All parts, shared pages once for each process.
    pub(super) parts: Memory,
    /// Of `sum`.
    pub(super) shmem: u64,
}

/// A reading during which the share of the largest member moved by more than one part in so many is torn: half of it is of
/// before a fork or an end, half of after it.
const TORN: u64 = 200;
/// A torn reading is tried again up to so many times.
const TRIES: u32 = 3;
/// An uncertainty of at most one part in so many is small.
pub(super) const SMALL: u64 = 100;

impl Footprint {
    pub(super) fn new(now: Instant, machine: &Machine, buffer: &mut Vec<u8>) -> Self {
        let shmem = machine.shmem(buffer);
        Self {
            families: HashMap::new(),
            shared_memory: SharedMemory::default(),
            has_shared: false,
            machine_shmem: (shmem, shmem),
            allowance: Allowance { left: SAVED, last: now },
            denied: 0,
        }
    }

    /// Finds out who shares pages with whom, once members came, went, or ran another program.
    pub(super) fn regroup(&mut self, processes: &[Process]) {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, process) in processes.iter().enumerate() {
            if process.counts() && process.memory.is_some() {
                places.entry(process.stat.family).or_default().push(place);
            }
        }
        places.retain(|_, places| places.len() > 1);
        self.families.retain(|family, _| places.contains_key(family));
        for (family, places) in places {
            let group = self.families.entry(family).or_default();
            (group.places, group.is_denied) = (places, false);
        }
    }

    /// Adds up the tree as of this tick.
    pub(super) fn add_up(&mut self, processes: &[Process], machine: &Machine, buffer: &mut Vec<u8>) -> Total {
        for group in self.families.values_mut() {
            let members = members(processes, &group.places);
            group.held = members.iter().map(|member| member.held).sum();
            group.family.advance(&members);
        }
        let mut parts = Memory::default();
        let mut mapped = HashMap::new();
        for (process, memory) in counted(processes) {
            parts.anon += memory.anon;
            parts.shmem += memory.shmem;
            parts.swap += memory.swap;
            parts.mapped += memory.mapped;
            if memory.shmem > 0 {
                mapped.insert(process.pid, memory.shmem);
            }
        }
        let mut growth = None;
        self.has_shared |= !mapped.is_empty();
        if self.has_shared {
            let before = std::mem::replace(&mut self.machine_shmem.1, machine.shmem(buffer));
            growth = self.machine_shmem.1.zip(before).map(|(now, before)| now as i64 - before as i64);
        }
        self.shared_memory.advance(mapped, growth.unwrap_or(i64::MAX));
        self.total(parts)
    }

    fn total(&self, parts: Memory) -> Total {
        let mut shmem = self.shared_memory.estimate();
        if self.has_shared
            && let (Some(first), Some(now)) = self.machine_shmem
        {
            // What ended processes left in memory that others map, too, or what was only unmapped, no living one shows.
            shmem.high = shmem.high.max(now.saturating_sub(first));
        }
        let grouped: u64 = self.families.values().map(|group| group.held).sum();
        let alone = (parts.anon + parts.swap).saturating_sub(grouped);
        let mut sum = Estimate { value: alone, low: alone, high: alone };
        for part in self.families.values().map(|group| group.family.estimate()).chain([shmem]) {
            sum.value += part.value;
            sum.low += part.low;
            sum.high += part.high;
        }
        Total { sum, parts, shmem: shmem.value }
    }

    /// Reads the shares of those that make the sum uncertain, as far as the allowance goes. `highest` is the highest sum so far:
    /// what can be higher matters more. `all`: the sum is wanted as exact as it can be. Returns the sum by these readings, and
    /// what they show of the sum as it was at the beginning of the tick.
    pub(super) fn settle(
        &mut self,
        total: Total,
        processes: &[Process],
        (highest, all): (u64, bool),
        now: Instant,
        buffer: &mut Vec<u8>,
    ) -> (Total, Estimate) {
        self.allowance.earn(now);
        let (mut total, mut before) = (total, total.sum);
        for _ in 0..=self.families.len() {
            let Estimate { value, low, high } = total.sum;
            let is_high = high > highest + highest / SMALL;
            if high - low <= value / SMALL || !(all || self.allowance.allows(is_high)) {
                break;
            }
            let begun = thread_cpu();
            let moved = self.read(processes, buffer);
            let spent = thread_cpu().zip(begun).map(|(now, begun)| now.saturating_sub(begun));
            self.allowance.left -= spent.unwrap_or_default().as_secs_f64();
            let Some((given_back, taken)) = moved else { break };
            total = self.total(total.parts);
            let (least, most) = (total.sum.low.saturating_sub(taken), total.sum.high + given_back);
            let clamp = |value: u64| value.clamp(least, most);
            before = Estimate { value: clamp(before.value), low: clamp(before.low), high: clamp(before.high) };
        }
        (total, before)
    }

    /// Reads the shares of the processes that are the most uncertain together. Returns how much these gave back and took since
    /// the beginning of the tick. None where they could not be read.
    fn read(&mut self, processes: &[Process], buffer: &mut Vec<u8>) -> Option<(u64, u64)> {
        let width = |estimate: Estimate| estimate.high - estimate.low;
        let readable = self.families.values_mut().filter(|group| !group.is_denied);
        let widest = readable.max_by_key(|group| width(group.family.estimate()));
        let widest_width = widest.as_ref().map_or(0, |group| width(group.family.estimate()));
        if width(self.shared_memory.estimate()) > widest_width {
            let mapping = counted(processes).filter(|(_, memory)| memory.shmem > 0).map(|(process, _)| process);
            let Shares::Read(shares) = read_shares(&mapping.collect::<Vec<_>>(), buffer) else { return None };
            self.shared_memory.read(shares.iter().map(|share| share.shmem).sum());
            return Some((0, 0));
        }
        let group = widest.filter(|_| widest_width > 0)?;
        let members: Vec<&Process> = group.places.iter().map(|place| &processes[*place]).collect();
        match read_shares(&members, buffer) {
            Shares::Read(shares) => Some(group.family.read(&shares.iter().map(|share| share.anon).collect::<Vec<_>>())),
            Shares::Torn => None,
            Shares::Denied => {
                group.is_denied = true;
                self.denied = self.denied.max(members.len() as u64);
                None
            }
        }
    }

    /// What a process holds, shared pages divided among those that share them.
    pub(super) fn share(&self, process: &Process, memory: &Memory) -> u64 {
        let divided = |held: u64, estimate: Estimate, all: u64| {
            if all == 0 { held } else { (held as f64 * estimate.value as f64 / all as f64) as u64 }
        };
        let private = memory.anon + memory.swap;
        let private = match self.families.get(&process.stat.family) {
            Some(group) => divided(private, group.family.estimate(), group.family.held()),
            None => private,
        };
        private + divided(memory.shmem, self.shared_memory.estimate(), self.shared_memory.held())
    }
}

/// The members that have memory, with it.
fn counted(processes: &[Process]) -> impl Iterator<Item = (&Process, Memory)> {
    processes.iter().filter(|process| process.counts()).filter_map(|process| Some((process, process.memory?)))
}

fn members(processes: &[Process], places: &[usize]) -> Vec<Member> {
    let page = rustix::param::page_size() as u64;
    let member = |place: &usize| {
        let process = &processes[*place];
        let (memory, before) = (process.memory.unwrap_or_default(), process.before);
        let (held, held_before) = (memory.anon + memory.swap, before.anon + before.swap);
        let faulted = process.new_faults.saturating_mul(page);
        let new_faults = faulted.max(held.saturating_sub(held_before)) + held_before.saturating_sub(held)
            - held.saturating_sub(held_before);
        let (pid, parent, faults) = (process.pid, process.stat.parent, process.stat.minor_faults.saturating_mul(page));
        Member { pid, parent, held, faults, new_faults }
    };
    places.iter().map(member).collect()
}

/// The outcome of reading the shares of several processes.
enum Shares {
    Read(Vec<ProcessShare>),
    /// A process forked or ended meanwhile.
    Torn,
    Denied,
}

struct ProcessShare {
    anon: Share,
    shmem: u64,
}

/// Reads the shares of processes at one go. What one of them copies, forks or frees changes the shares of the others: the
/// largest is read again at the end, and must be as it was. The page tables of a fork are copied before it has a pid, so that
/// to look for forks would not do.
fn read_shares(processes: &[&Process], buffer: &mut Vec<u8>) -> Shares {
    let Some(largest) = processes.iter().max_by_key(|process| process.footprint()) else { return Shares::Torn };
    let page = rustix::param::page_size() as u64;
    for _ in 0..TRIES {
        let mut shares = Vec::with_capacity(processes.len());
        let mut of_largest = 0;
        for process in processes {
            let (rollup, stat) = match process.read_shares(buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Shares::Denied,
                Err(_) => return Shares::Torn,
            };
            if process.pid == largest.pid {
                of_largest = rollup.anon_share;
            }
            let swap = process.memory.map_or(0, |memory| memory.swap);
            let anon = Share {
                pid: process.pid,
                share: rollup.anon_share + rollup.swap_share,
                held: rollup.anon + swap,
                faults: stat.minor_faults.saturating_mul(page),
            };
            shares.push(ProcessShare { anon, shmem: rollup.shmem_share });
        }
        match largest.read_shares(buffer) {
            Ok((again, _)) if again.anon_share.abs_diff(of_largest) <= of_largest / TORN => {
                return Shares::Read(shares);
            }
            Ok(_) => {}
            Err(_) => return Shares::Torn,
        }
    }
    Shares::Torn
}

/// Time that may be spent on reading shares, which takes about 3 ms per GB and holds the target's memory map lock.
#[derive(Debug)]
struct Allowance {
    /// In seconds; below zero it is owed.
    left: f64,
    last: Instant,
}

/// The share of one core that reading may take, over time.
const CPU_SHARE: f64 = 0.02;
/// What may be saved up, and what may be owed, in seconds: a short run is read as often as it needs to be.
const SAVED: f64 = 0.1;
const OWED: f64 = 0.1;

impl Allowance {
    fn earn(&mut self, now: Instant) {
        let earned = now.duration_since(self.last).min(Duration::from_secs(60)).as_secs_f64() * CPU_SHARE;
        self.left = (self.left + earned).min(SAVED);
        self.last = now;
    }

    /// Whether another reading may begin. Those that can find a new high may be owed for.
    fn allows(&self, is_high: bool) -> bool {
        self.left > if is_high { -OWED } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_takes_its_share_and_no_more_however_much_is_wanted(
            readings in prop::collection::vec((1u64..20_000, 1u64..50_000, any::<bool>()), 1..300)
        ) {
            let begun = Instant::now();
            let mut allowance = Allowance { left: SAVED, last: begun };
            let (mut now, mut spent, mut longest) = (begun, 0.0, 0.0);
            for (after_us, cost_us, is_high) in readings {
                now += Duration::from_micros(after_us);
                allowance.earn(now);
                let cost = cost_us as f64 / 1e6;
                while allowance.allows(is_high) {
                    allowance.left -= cost;
                    (spent, longest) = (spent + cost, f64::max(longest, cost));
                }
            }
            let most = now.duration_since(begun).as_secs_f64() * CPU_SHARE + SAVED + OWED + longest;
            prop_assert!(spent <= most + 1e-6, "{spent} s of {most} s");
        }
    }
}
