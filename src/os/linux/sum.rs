use super::proc::{Resident, Split};
use super::sharing::{Estimate, Sharing};

/// What the processes of a tree hold together.
#[derive(Debug, Default)]
pub(super) struct Sum {
    /// Resident memory, shared pages once for each that has them.
    pub(super) rss: u64,
    /// Every process at its own peak at once.
    pub(super) at_most: u64,
    /// How far one of them rose since the tick before, and is no longer.
    pub(super) highest_rise: u64,
    share: Split,
    copied: u64,
    mapped: u64,
    anon: u64,
    largest_shmem: u64,
    /// The machine's shared memory at the oldest of those readings since which some was mapped.
    shmem_before: Option<u64>,
}

impl Sum {
    /// Adds a process by its share.
    pub(super) fn add(&mut self, estimate: &Estimate, sharing: Sharing, memory: &Resident, rise: u64) {
        self.rss += memory.resident();
        self.anon += memory.split.anon;
        self.largest_shmem = self.largest_shmem.max(memory.split.shmem);
        self.share = self.share.plus(&estimate.share);
        self.copied += estimate.copied;
        self.mapped += estimate.mapped;
        let highest = match sharing {
            Sharing::Unknown => memory.split.total(),
            Sharing::Read(_) | Sharing::Denied => estimate.total(),
        };
        if let Sharing::Read(shares) = sharing
            && estimate.mapped > 0
        {
            self.shmem_before = [self.shmem_before, shares.machine_shmem].into_iter().flatten().min();
        }
        self.note_rise(highest, rise);
    }

    /// Adds a process by what it has resident.
    pub(super) fn add_resident(&mut self, memory: &Resident, rise: u64) {
        self.rss += memory.resident();
        self.anon += memory.split.anon;
        self.share = self.share.plus(&memory.split);
        self.note_rise(memory.split.total(), rise);
    }

    fn note_rise(&mut self, highest: u64, rise: u64) {
        self.at_most += highest + rise;
        self.highest_rise = self.highest_rise.max(rise);
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
            ..self.share
        }
    }
}

#[cfg(test)]
mod tests {
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
        Sharing::Read(Shares { resident: nothing, share: nothing, faults: 0, machine_shmem: Some(machine_shmem) })
    }

    #[test]
    fn copies_of_shared_pages_are_counted_but_never_more_than_is_resident() {
        let mut sum = Sum::default();
        for copied in [30, 5] {
            sum.add(&Estimate { share: share(50, 0), copied, mapped: 0 }, read(0), &member(100, 0), 0);
        }
        assert_eq!(sum.total(None), share(135, 0));
        sum.add(&Estimate { share: share(0, 0), copied: 500, mapped: 0 }, read(0), &member(100, 0), 0);
        assert_eq!(sum.total(None), share(300, 0));
    }

    #[test]
    fn what_several_mapped_of_shared_memory_is_new_as_far_as_the_machine_has_more_of_it() {
        let mut sum = Sum::default();
        for before in [1000, 1040] {
            sum.add(&Estimate { share: share(0, 50), copied: 0, mapped: 30 }, read(before), &member(0, 130), 0);
        }
        assert_eq!(sum.shmem_before(), Some(1000));
        assert_eq!(sum.total(Some(35)), share(0, 135));
        assert_eq!(sum.total(Some(500)), share(0, 160), "the rest is others'");
        assert_eq!(sum.total(Some(0)), share(0, 130), "one of them has that much");
    }

    #[test]
    fn the_highest_single_rise_is_what_surely_was_and_all_of_them_what_can_have_been() {
        let mut sum = Sum::default();
        sum.add_resident(&member(100, 0), 20);
        sum.add_resident(&member(100, 0), 30);
        assert_eq!((sum.total(None).total(), sum.highest_rise, sum.at_most), (200, 30, 250));
    }
}
