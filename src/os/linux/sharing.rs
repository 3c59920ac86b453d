use super::proc::Split;

/// What is known of the pages that a process shares with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Not read yet. What a process executed is its own; what it was forked with is its relatives'.
    Unknown,
    /// As last read.
    Read(Shares),
    /// The system does not let memguard read it: resident memory stands in.
    Denied,
}

/// A reading of a process's shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    /// What was resident then.
    pub(super) resident: Split,
    /// What of it was this process's share.
    pub(super) share: Split,
    /// What was in swap of the shared memory that it maps, which no account of a process counts.
    pub(super) shmem_in_swap: u64,
    /// Its minor faults then.
    pub(super) faults: u64,
    /// The shared memory in use on the whole machine then, where that is told.
    pub(super) machine_shmem: Option<u64>,
}

/// Whom a process shares its pages with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kin {
    /// It is the only one of the tree.
    Alone,
    /// Others of the tree may have the same programs and libraries mapped.
    Crowd,
    /// Others were forked from the same program.
    Family,
}

/// A process as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now {
    pub(super) resident: Split,
    /// Minor faults since it was forked.
    pub(super) faults: u64,
    pub(super) kin: Kin,
    /// What its parent has resident, where it still runs its parent's program.
    pub(super) inherited: Option<Split>,
}

/// The share of a process that was read some time ago.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Estimate {
    /// What is surely its share.
    pub(super) share: Split,
    /// Pages that it shared with relatives and copied since, to write to them: its own, while the old ones are the others'.
    pub(super) copied: u64,
    /// Shared memory that it mapped since: new to the tree, or mapped by others before.
    pub(super) mapped: u64,
    /// What is in swap of the shared memory that it maps: others may map the same.
    pub(super) shmem_in_swap: u64,
}

impl Estimate {
    /// All that may be its.
    pub(super) fn total(&self) -> u64 {
        self.share.total() + self.copied + self.mapped + self.shmem_in_swap
    }
}

impl Sharing {
    /// The share of what is resident now, from what the share was when it was read.
    ///
    /// What is new is a program's own. But among others it is likely to map files that they have mapped, so that files keep
    /// their proportion; and in a family of forks a fault that brought no new page is a shared one that was written to and
    /// copied.
    pub(super) fn share_of(self, now: &Now) -> Estimate {
        let shares = match self {
            Self::Denied => return Estimate { share: now.resident, ..Estimate::default() },
            Self::Unknown => return share_unread(now),
            Self::Read(shares) => shares,
        };
        let own = now.resident.above(&shares.resident.above(&shares.share));
        let mapped = now.resident.shmem.saturating_sub(shares.resident.shmem);
        let shmem_in_swap = shares.shmem_in_swap.saturating_sub(mapped); // what came back is resident again
        if now.kin == Kin::Alone {
            return Estimate { share: own, shmem_in_swap, ..Estimate::default() };
        }
        let file = scaled(now.resident.file, shares.resident.file, shares.share.file);
        let share = Split { file, shmem: shares.share.shmem.min(now.resident.shmem), ..own };
        // Where shared memory prevails, faults are its pages being written to for the first time.
        let copied = if now.kin == Kin::Crowd || now.resident.shmem > now.resident.anon {
            0
        } else {
            let grown = now.resident.total().saturating_sub(shares.resident.total());
            pages(now.faults.saturating_sub(shares.faults)).saturating_sub(grown)
        };
        Estimate { share, copied, mapped, shmem_in_swap }
    }
}

/// Programs and libraries are others', too. Of what a fork has, that is its own which it faulted in, or has more than its
/// parent.
fn share_unread(now: &Now) -> Estimate {
    let own = Split { file: 0, shmem: 0, ..now.resident };
    let Some(inherited) = now.inherited else {
        return Estimate { share: own, mapped: now.resident.shmem, ..Estimate::default() };
    };
    let faulted = pages(now.faults).min(own.anon);
    let share = Split { anon: faulted.max(own.anon.saturating_sub(inherited.anon)), swap: 0, ..own };
    Estimate { share, mapped: now.resident.shmem.saturating_sub(inherited.shmem), ..Estimate::default() }
}

fn pages(count: u64) -> u64 {
    count.saturating_mul(rustix::param::page_size() as u64)
}

fn scaled(now: u64, resident: u64, share: u64) -> u64 {
    if resident == 0 { now } else { (now as f64 * (share as f64 / resident as f64)) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(anon: u64, file: u64) -> Split {
        Split { anon: pages(anon), file: pages(file), ..Split::default() }
    }

    fn now(resident: Split, kin: Kin) -> Now {
        Now { resident, faults: 7, kin, inherited: None }
    }

    const fn read(resident: Split, share: Split) -> Sharing {
        Sharing::Read(Shares { resident, share, shmem_in_swap: 0, faults: 7, machine_shmem: None })
    }

    const fn surely(share: Split) -> Estimate {
        Estimate { share, copied: 0, mapped: 0, shmem_in_swap: 0 }
    }

    #[test]
    fn what_a_lone_program_maps_anew_is_its_own() {
        let known = read(split(10, 10), split(10, 2));
        assert_eq!(known.share_of(&now(split(15, 20), Kin::Alone)), surely(split(15, 12)));
        assert_eq!(Sharing::Denied.share_of(&now(split(1, 1), Kin::Alone)), surely(split(1, 1)));
    }

    #[test]
    fn shared_memory_in_swap_is_counted_until_it_comes_back() {
        let resident = |shmem| Split { shmem, ..Split::default() };
        let shares =
            Shares { resident: resident(40), share: resident(40), shmem_in_swap: 60, faults: 7, machine_shmem: None };
        for kin in [Kin::Alone, Kin::Crowd] {
            let total = |shmem| Sharing::Read(shares).share_of(&now(resident(shmem), kin)).total();
            assert_eq!([40, 70, 100, 120].map(total), [100, 100, 100, 120], "{kin:?}");
        }
    }

    #[test]
    fn among_others_files_keep_their_proportion() {
        let known = read(split(10, 10), split(5, 5));
        assert_eq!(known.share_of(&now(split(10, 20), Kin::Crowd)), surely(split(5, 10)));
    }

    #[test]
    fn a_fault_without_a_new_page_is_a_shared_one_that_was_copied() {
        let known = read(split(100, 0), split(50, 0));
        let after = |faults: u64, anon| Now { faults: 7 + faults, ..now(split(anon, 0), Kin::Family) };
        let copied = |share, count| Estimate { copied: pages(count), ..surely(share) };
        assert_eq!(known.share_of(&after(10, 100)), copied(split(50, 0), 10));
        assert_eq!(known.share_of(&after(10, 110)), copied(split(60, 0), 0), "ten new pages, ten faults");
    }

    #[test]
    fn a_fork_that_was_not_read_yet_has_what_it_faulted_in_or_has_more_than_its_parent() {
        let fork = |faults, anon| Now { faults, inherited: Some(split(100, 9)), ..now(split(anon, 9), Kin::Family) };
        assert_eq!(Sharing::Unknown.share_of(&fork(3, 100)), surely(split(3, 0)));
        assert_eq!(Sharing::Unknown.share_of(&fork(3, 612)), surely(split(512, 0)), "a huge page is one fault");
        assert_eq!(Sharing::Unknown.share_of(&fork(40, 50)), surely(split(40, 0)), "what it let go of was not its own");
    }

    #[test]
    fn a_program_that_was_not_read_yet_has_its_anonymous_memory() {
        assert_eq!(Sharing::Unknown.share_of(&now(split(5, 5), Kin::Crowd)), surely(split(5, 0)));
    }
}
