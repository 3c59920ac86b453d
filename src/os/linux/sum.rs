use super::proc::{Resident, Split};
use super::sharing::{Estimate, Sharing};

/// What the processes of a tree hold together.
#[derive(Debug, Default)]
pub(super) struct Sum {
    /// Resident memory, shared pages once for each that has them.
    pub(super) rss: u64,
    /// Every process as high as it can have been since the tick before, all at once.
    pub(super) at_most: u64,
    /// The most that one of them shares with others: what is resident, less its share.
    pub(super) discount: u64,
    /// What those that were there at the tick before, too, surely held all the while.
    pub(super) lasting: u64,
    /// How far above what it held all the while one of them rose by its mark.
    highest_rise: u64,
    share: Split,
    copied: u64,
    mapped: u64,
    anon: u64,
    largest_shmem: u64,
    largest_shmem_in_swap: u64,
    /// The machine's shared memory at the oldest of those readings since which some was mapped.
    shmem_before: Option<u64>,
}

/// What is counted of a process at a tick.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Level {
    /// What is surely its share.
    pub(super) least: u64,
    /// The most that its share can be.
    pub(super) most: u64,
    /// How far its share is surely below what it has: pages that it shares with others.
    pub(super) discount: u64,
}

/// A process between two ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Between {
    /// At the tick before. Nothing of one that was not there.
    pub(super) before: Level,
    /// How far it surely rose above what it has now.
    pub(super) rise: u64,
    /// How far it can have risen.
    pub(super) headroom: u64,
    /// The most that it can have that is not its parent's.
    pub(super) own_at_most: u64,
}

impl Sum {
    /// Adds a process by its share.
    pub(super) fn add(&mut self, estimate: &Estimate, sharing: Sharing, memory: &Resident, between: Between) -> Level {
        self.rss += memory.resident();
        self.anon += memory.split.anon;
        self.largest_shmem = self.largest_shmem.max(memory.split.shmem);
        self.share = self.share.plus(&estimate.share);
        self.copied += estimate.copied;
        self.mapped += estimate.mapped;
        self.largest_shmem_in_swap = self.largest_shmem_in_swap.max(estimate.shmem_in_swap);
        let highest = match sharing {
            Sharing::Unknown => memory.split.total().min(between.own_at_most),
            Sharing::Read(_) | Sharing::Denied => estimate.total(),
        };
        if let Sharing::Read(shares) = sharing
            && estimate.mapped > 0
        {
            self.shmem_before = [self.shmem_before, shares.machine_shmem].into_iter().flatten().min();
        }
        self.discount = self.discount.max(memory.split.total().saturating_sub(highest));
        let least = estimate.share.total().min(highest);
        self.note(Level { least, most: highest, discount: memory.split.total().saturating_sub(least) }, between)
    }

    /// Adds a process by what it has resident.
    pub(super) fn add_resident(&mut self, memory: &Resident, between: Between) -> Level {
        self.rss += memory.resident();
        self.anon += memory.split.anon;
        self.share = self.share.plus(&memory.split);
        let total = memory.split.total();
        self.note(Level { least: total, most: total, discount: 0 }, between)
    }

    fn note(&mut self, now: Level, between: Between) -> Level {
        // One may have given back what it had before another took what it has now.
        self.at_most += between.before.most.max(now.most + between.headroom);
        let lasting = between.before.least.min(now.least);
        self.lasting += lasting;
        // What it gave back after its mark may be pages that it shared, with the discount that these had.
        let rise = between.rise.saturating_sub(between.before.discount.saturating_sub(now.discount));
        if rise > 0 {
            self.highest_rise = self.highest_rise.max(now.least + rise - lasting);
        }
        now
    }

    /// The most that they surely held together since the tick before, where it is not what they hold now: one at its mark, beside
    /// what was there all the while. Who came since may have come after that, and who has less may have had less before.
    pub(super) fn peak(&self) -> u64 {
        self.lasting + self.highest_rise
    }

    /// The machine's shared memory before what was mapped since; None where nothing was, or it was not told.
    pub(super) fn shmem_before(&self) -> Option<u64> {
        self.shmem_before
    }

    /// The metric by its parts. `shmem_growth` is how much the machine's shared memory grew since [`Self::shmem_before`]: of
    /// what several mapped since, no more than that can be new.
    pub(super) fn total(&self, shmem_growth: Option<u64>) -> Split {
        let new = shmem_growth.map_or(self.mapped, |growth| growth.min(self.mapped));
        Split {
            // A page that was copied before may be counted again: there is no more than is resident.
            anon: (self.share.anon + self.copied).min(self.anon.max(self.share.anon)),
            // Together they hold at least what one of them has mapped.
            shmem: (self.share.shmem + new).max(self.largest_shmem),
            swap: self.share.swap + self.largest_shmem_in_swap,
            ..self.share
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sharing::Shares;
    use super::*;

    fn member(anon: u64, shmem: u64) -> Resident {
        Resident { high_water: anon + shmem, split: Split { anon, shmem, ..Split::default() } }
    }

    fn share(anon: u64, shmem: u64) -> Split {
        Split { anon, shmem, ..Split::default() }
    }

    fn read(machine_shmem: u64) -> Sharing {
        let nothing = Split::default();
        Sharing::Read(Shares {
            resident: nothing,
            share: nothing,
            shmem_in_swap: 0,
            faults: 0,
            machine_shmem: Some(machine_shmem),
        })
    }

    #[test]
    fn copies_of_shared_pages_are_counted_but_never_more_than_is_resident() {
        let mut sum = Sum::default();
        for copied in [30, 5] {
            sum.add(&Estimate { share: share(50, 0), copied, ..Estimate::default() }, read(0), &member(100, 0), ALL);
        }
        assert_eq!(sum.total(None), share(135, 0));
        sum.add(&Estimate { share: share(0, 0), copied: 500, ..Estimate::default() }, read(0), &member(100, 0), ALL);
        assert_eq!(sum.total(None), share(300, 0));
    }

    #[test]
    fn what_several_mapped_of_shared_memory_is_new_as_far_as_the_machine_has_more_of_it() {
        let mut sum = Sum::default();
        for before in [1000, 1040] {
            sum.add(
                &Estimate { share: share(0, 50), mapped: 30, ..Estimate::default() },
                read(before),
                &member(0, 130),
                ALL,
            );
        }
        assert_eq!(sum.shmem_before(), Some(1000));
        assert_eq!(sum.total(Some(35)), share(0, 135));
        assert_eq!(sum.total(Some(500)), share(0, 160), "the rest is others'");
        assert_eq!(sum.total(Some(0)), share(0, 130), "one of them has that much");
    }

    const ALL: Between =
        Between { before: Level { least: 0, most: 0, discount: 0 }, rise: 0, headroom: 0, own_at_most: u64::MAX };

    const fn level(bytes: u64) -> Level {
        Level { least: bytes, most: bytes, discount: 0 }
    }

    #[test]
    fn one_at_its_mark_beside_what_lasted_is_what_surely_was_and_all_of_them_what_can_have_been() {
        let mut sum = Sum::default();
        sum.add_resident(&member(100, 0), Between { before: level(90), rise: 20, headroom: 20, ..ALL });
        sum.add_resident(&member(100, 0), Between { before: level(140), rise: 30, headroom: 35, ..ALL });
        assert_eq!((sum.total(None).total(), sum.peak(), sum.at_most), (200, 90 + 130, 120 + 140));
        sum.add_resident(&member(100, 0), ALL);
        assert_eq!(sum.peak(), 90 + 130, "the third may have come after the mark");
    }

    #[test]
    fn shared_pages_that_were_given_back_after_a_mark_are_no_rise_of_what_is_counted() {
        let mut sum = Sum::default();
        let file = |file| Split { file, ..Split::default() };
        let now = Resident { high_water: 110, split: file(50) };
        let before = Level { least: 50, most: 50, discount: 50 };
        let estimate = Estimate { share: file(40), ..Estimate::default() };
        sum.add(&estimate, read(0), &now, Between { before, rise: 60, headroom: 60, ..ALL });
        assert_eq!(sum.peak(), 60, "110 of which 50 were shared, not 100");
    }

    proptest! {
        #[test]
        fn whatever_each_process_did_between_two_ticks_the_sum_was_within_its_bounds(
            lives in prop::collection::vec((0u64..1000, 0u64..1000, 0u64..1000), 1..20), at in any::<prop::sample::Index>()
        ) {
            // Before, in between and now, of which the one in between is what the mark tells.
            let (mut sum, mut all_at_once) = (Sum::default(), 0);
            for &(before, high, now) in &lives {
                let headroom = high.saturating_sub(now);
                sum.add_resident(&member(now, 0), Between { before: level(before), rise: headroom, headroom, ..ALL });
                all_at_once += before.max(high).max(now);
            }
            prop_assert!(sum.at_most >= all_at_once);
            prop_assert!(sum.peak() <= sum.at_most);
            // One at its mark, while the others had the least of before and now.
            let (before, high, now) = *at.get(&lives);
            let others: u64 = lives.iter().map(|(before, _, now)| before.min(now)).sum::<u64>() - before.min(now);
            let reached = if high > now { others + high } else { others };
            prop_assert!(sum.peak() >= reached);
        }
    }
}
