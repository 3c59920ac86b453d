//! How much memory processes hold together that share pages.
//!
//! A reading of `smaps_rollup` is exact. Between two readings the sum is estimated from what `status` and `stat` show: how each
//! process grew, and its page faults. What these cannot show makes the estimate uncertain: pages that were shared and then
//! copied, or given back by one of their holders.

use std::collections::HashMap;

/// The sum over processes that share pages, as an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Estimate {
    pub(super) value: u64,
    pub(super) low: u64,
    pub(super) high: u64,
}

/// Processes forked from one another without executing a program: they share anonymous memory until one writes to it.
#[derive(Debug, Default)]
pub(super) struct Family {
    members: HashMap<u32, Known>,
    sum: Sum,
    /// Shared pages that members can have stopped sharing since the last reading: the others' own by now.
    unshared: u64,
}

/// A member as it is now, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// Anonymous memory, resident and in swap.
    pub(super) held: u64,
    /// A page for each minor fault so far.
    pub(super) faults: u64,
    /// A page for each minor fault of this tick, less what it grew.
    pub(super) new_faults: u64,
}

/// A member as `smaps_rollup` has it, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) pid: u32,
    /// Its share of the pages that it holds.
    pub(super) share: u64,
    pub(super) held: u64,
    pub(super) faults: u64,
}

/// What is known of a member, in bytes.
#[derive(Debug, Clone, Copy)]
struct Known {
    held: u64,
    faults: u64,
    /// How much of `held` others hold, too: at least and at most.
    shared_low: u64,
    shared_high: u64,
    /// Shared pages that it can still have copied or given back unseen.
    unseen: u64,
    /// Those that it can have in this tick.
    unseen_now: u64,
}

/// A sum of changes, with how far it can be off.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    value: i64,
    below: u64,
    above: u64,
}

impl Family {
    /// Follows the members to how they are now. A parent stands before its children.
    pub(super) fn advance(&mut self, members: &[Member]) {
        let mut before = std::mem::take(&mut self.members);
        for member in members {
            if let Some(known) = before.remove(&member.pid) {
                self.follow(known, member);
            }
        }
        before.values().for_each(|gone| self.leave(gone));
        for member in members {
            if !self.members.contains_key(&member.pid) {
                self.join(member, members);
            }
        }
        if members.len() == 1 {
            (self.sum, self.unshared) = (Sum::default(), 0);
            for only in self.members.values_mut() {
                (only.shared_low, only.shared_high, only.unseen) = (0, 0, 0);
                self.sum.value = signed(only.held);
            }
        }
    }

    fn follow(&mut self, mut known: Known, now: &Member) {
        let growth = signed(now.held) - signed(known.held);
        let faulted = signed(now.faults.saturating_sub(known.faults));
        // Each fault can have copied a shared page, and what was given back can be held by others still.
        known.unseen_now = unsigned(faulted.max(growth) - growth).min(known.unseen);
        self.sum.value += growth;
        self.sum.above += known.unseen_now;
        known.unseen -= known.unseen_now;
        self.unshared += known.unseen_now;
        known.shared_high = known.shared_high.min(now.held);
        (known.held, known.faults) = (now.held, now.faults);
        self.members.insert(now.pid, known);
    }

    /// It ended, or executed a program: its own pages are free, the shared ones are not.
    fn leave(&mut self, gone: &Known) {
        let own_low = gone.held - gone.shared_high.min(gone.held);
        let own_high = gone.held - gone.shared_low.saturating_sub(self.unshared).min(gone.held);
        let own = own_low.midpoint(own_high);
        self.sum.value -= signed(own);
        self.sum.below += own_high - own;
        self.sum.above += own - own_low;
        self.unshared += gone.shared_high;
    }

    /// It was forked: what it has beyond its parent is its own, and so is what it wrote to since.
    fn join(&mut self, new: &Member, members: &[Member]) {
        let parent = members.iter().find(|member| member.pid == new.parent);
        let largest = self.members.values().map(|known| known.held).max();
        let own = new.held.saturating_sub(parent.map(|parent| parent.held).or(largest).unwrap_or(0));
        let shared = new.held - own;
        let unseen = match (parent, largest) {
            (Some(_), _) => new.faults.saturating_sub(own).min(new.held),
            (None, None) => 0,
            // Its parent is gone: the others can hold all of it or nothing.
            (None, Some(_)) => {
                self.sum.below += own;
                shared
            }
        };
        self.sum.value += signed(own);
        self.sum.above += unseen;
        if let (Some(parent), Some(known)) = (parent, self.members.get_mut(&new.parent)) {
            // It can have written to its pages since it forked.
            let written = parent.new_faults.saturating_sub(known.unseen_now).min(known.held);
            self.sum.above += written;
            self.unshared += written;
            (known.shared_high, known.unseen) = (known.held, known.held);
            known.unseen_now += written;
        }
        let known = Known {
            held: new.held,
            faults: new.faults,
            shared_low: shared.saturating_sub(unseen) + self.unshared,
            shared_high: new.held,
            unseen: new.held,
            unseen_now: unseen,
        };
        self.members.insert(new.pid, known);
    }

    /// Takes a reading of all members. Returns how much they gave back, and how much they took, since they were last followed.
    pub(super) fn read(&mut self, shares: &[Share]) -> (u64, u64) {
        let before = |share: &Share| self.members.get(&share.pid).map_or(0, |known| known.held);
        let given_back = shares.iter().map(|share| before(share).saturating_sub(share.held)).sum();
        let taken = shares.iter().map(|share| share.held.saturating_sub(before(share))).sum();
        let count = shares.len().max(2) as u64;
        self.sum = Sum { value: shares.iter().map(|share| signed(share.share)).sum(), below: 0, above: 0 };
        self.unshared = 0;
        let known = |share: &Share| {
            // A page that k processes hold counts one part in k in each.
            let of_others = share.held.saturating_sub(share.share);
            let shared_high = (of_others * 2).min(share.held);
            let shared_low = (of_others * count / (count - 1)).min(shared_high);
            let Share { pid, held, faults, .. } = *share;
            (pid, Known { held, faults, shared_low, shared_high, unseen: shared_high, unseen_now: 0 })
        };
        self.members = shares.iter().map(known).collect();
        (given_back, taken)
    }

    /// At least the largest member, at most all of them added up.
    pub(super) fn estimate(&self) -> Estimate {
        self.sum.within(self.members.values().map(|known| known.held))
    }

    /// What the members hold, shared pages once for each of them.
    pub(super) fn held(&self) -> u64 {
        self.members.values().map(|known| known.held).sum()
    }
}

/// Processes that map shared memory, which may be the same.
#[derive(Debug, Default)]
pub(super) struct SharedMemory {
    mapped: HashMap<u32, u64>,
    sum: Sum,
}

impl SharedMemory {
    /// Follows the processes to what each maps now, in bytes by pid. `machine` is how the machine's shared memory changed
    /// meanwhile: that much of what they mapped anew, or gave back, is likely to be memory and not another view of it.
    pub(super) fn advance(&mut self, now: HashMap<u32, u64>, machine: i64) {
        let held = |list: &HashMap<u32, u64>, pid| list.get(pid).copied().unwrap_or(0);
        let mapped: u64 = now.iter().map(|(pid, bytes)| bytes.saturating_sub(held(&self.mapped, pid))).sum();
        let unmapped: u64 = self.mapped.iter().map(|(pid, bytes)| bytes.saturating_sub(held(&now, pid))).sum();
        let (new, freed) = (mapped.min(unsigned(machine)), unmapped.min(unsigned(-machine)));
        self.sum.value += signed(new) - signed(freed);
        self.sum.below += new + (unmapped - freed);
        self.sum.above += (mapped - new) + freed;
        self.mapped = now;
        if self.mapped.len() == 1 {
            self.sum = Sum { value: self.mapped.values().map(|bytes| signed(*bytes)).sum(), below: 0, above: 0 };
        }
    }

    /// Takes a reading of all of them: the sum of their shares.
    pub(super) fn read(&mut self, shares: u64) {
        self.sum = Sum { value: signed(shares), below: 0, above: 0 };
    }

    /// At least the most that one of them maps, at most all of it added up.
    pub(super) fn estimate(&self) -> Estimate {
        self.sum.within(self.mapped.values().copied())
    }

    /// What they map, the same memory once for each of them.
    pub(super) fn held(&self) -> u64 {
        self.mapped.values().sum()
    }
}

impl Sum {
    fn within(self, parts: impl Iterator<Item = u64>) -> Estimate {
        let (largest, all) = parts.fold((0, 0), |(largest, all), part| (part.max(largest), all + part));
        let clamp = |value: i64| unsigned(value).clamp(largest, all);
        Estimate {
            value: clamp(self.value),
            low: clamp(self.value.saturating_sub_unsigned(self.below)),
            high: clamp(self.value.saturating_add_unsigned(self.above)),
        }
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn unsigned(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}

#[cfg(test)]
mod tests;
