//! What a group's files say. Kernel interface: Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files", and
//! Documentation/admin-guide/cgroup-v1/memory.rst, "stat file".

use super::place::Version;
use crate::units::Bytes;

/// The memory of a group and of all groups below it, the page cache left out.
///
/// Both versions count mapped shared memory twice, as shared memory and as mapped files, and say nowhere how much of it is
/// mapped. Here all of it is taken to be: of mapped files only what exceeds the shared memory is counted. Where it is not
/// (a file in a tmpfs that no process maps), [`Self::at_most`] has the difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupMemory {
    /// Heaps and stacks, huge pages among them: `anon` (v2), `total_rss` (v1).
    pub anon: Bytes,
    /// shm, memfd, tmpfs, mapped or not: `shmem` (v2), `total_shmem` (v1).
    pub shmem: Bytes,
    /// Mapped files, as far as they exceed the shared memory: `file_mapped` (v2), `total_mapped_file` (v1).
    pub file: Bytes,
    /// Kernel stacks and page tables: `kernel_stack`, `pagetables`. None in v1, which does not tell them apart, and on kernels
    /// that tell of one alone.
    pub kernel: Option<Bytes>,
    /// Pushed out to swap and not read back: `memory.swap.current` less `swapcached` (v2), `total_swap` (v1). None where swap
    /// is not accounted.
    pub swap: Option<Bytes>,
    /// What may be held beside `memory`: mapped files behind shared memory that is not mapped itself, and pages that are on
    /// their way to swap or back.
    doubt: Bytes,
}

impl GroupMemory {
    /// The metric `cgroup`: all parts added up.
    #[must_use]
    pub fn memory(&self) -> Bytes {
        let parts = [self.anon, self.shmem, self.file, self.kernel.unwrap_or_default(), self.swap.unwrap_or_default()];
        parts.into_iter().sum()
    }

    /// The most that it can be: the same with everything counted that may be part of it.
    #[must_use]
    pub fn at_most(&self) -> Bytes {
        self.memory() + self.doubt
    }
}

/// Reads `memory.stat`; `swap` is what `memory.swap.current` holds (v2). None where a figure is missing that every kernel has.
pub(super) fn parse_stat(version: Version, text: &[u8], swap: Option<Bytes>) -> Option<GroupMemory> {
    let mut figures = Figures::default();
    for line in text.split(|&byte| byte == b'\n') {
        let Some(space) = line.iter().position(|&byte| byte == b' ') else { continue };
        let slot = match (version, &line[..space]) {
            (Version::V2, b"anon") | (Version::V1, b"total_rss") => &mut figures.anon,
            (Version::V2, b"file") | (Version::V1, b"total_cache") => &mut figures.cache,
            (Version::V2, b"shmem") | (Version::V1, b"total_shmem") => &mut figures.shmem,
            (Version::V2, b"file_mapped") | (Version::V1, b"total_mapped_file") => &mut figures.mapped,
            (Version::V2, b"kernel_stack") => &mut figures.stacks,
            (Version::V2, b"pagetables") => &mut figures.tables,
            (Version::V2, b"swapcached") => &mut figures.swap_cache,
            (Version::V1, b"total_swap") => &mut figures.swap,
            _ => continue,
        };
        *slot = std::str::from_utf8(&line[space + 1..]).ok()?.trim_end().parse().ok().map(Bytes);
    }
    figures.add_up(version, swap)
}

#[derive(Default)]
struct Figures {
    anon: Option<Bytes>,
    cache: Option<Bytes>,
    shmem: Option<Bytes>,
    mapped: Option<Bytes>,
    stacks: Option<Bytes>,
    tables: Option<Bytes>,
    swap_cache: Option<Bytes>,
    swap: Option<Bytes>,
}

impl Figures {
    fn add_up(self, version: Version, swap: Option<Bytes>) -> Option<GroupMemory> {
        let (anon, cache, shmem, mapped) = (self.anon?, self.cache?, self.shmem?, self.mapped?);
        let file = mapped.saturating_sub(shmem);
        // A page that is in swap and in memory at once counts as swap in v2, and not in v1: there it is memory alone.
        let in_both = self.swap_cache.unwrap_or_default();
        let (swap, returning) = match version {
            Version::V1 => (self.swap, Bytes::ZERO),
            Version::V2 => (swap.map(|swap| swap.saturating_sub(in_both)), in_both.min(swap.unwrap_or_default())),
        };
        let hidden = mapped.min(cache.saturating_sub(shmem)).saturating_sub(file);
        Some(GroupMemory {
            anon,
            shmem,
            file,
            kernel: self.stacks.zip(self.tables).map(|(stacks, tables)| stacks + tables),
            swap,
            doubt: hidden + returning,
        })
    }
}

/// How many processes of the group the kernel has killed for memory: `oom_kill` in `memory.events` (v2, Linux 4.13, groups
/// below included) or `memory.oom_control` (v1, Linux 4.13, groups below not included).
pub(super) fn parse_kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V2: &[u8] = b"anon 1000\nfile 900\nkernel 77\nkernel_stack 30\npagetables 40\nsec_pagetables 5\nshmem 200\n\
        file_mapped 450\nswapcached 25\nanon_thp 8\ninactive_anon 3\n";

    #[test]
    fn mapped_shared_memory_counts_once_and_the_page_cache_not_at_all() {
        let memory = parse_stat(Version::V2, V2, Some(Bytes(125))).unwrap();
        let wanted = GroupMemory {
            anon: Bytes(1000),
            shmem: Bytes(200),
            file: Bytes(250),
            kernel: Some(Bytes(70)),
            swap: Some(Bytes(100)),
            doubt: Bytes(225),
        };
        assert_eq!(memory, wanted);
        assert_eq!((memory.memory(), memory.at_most()), (Bytes(1620), Bytes(1845)));
    }

    #[test]
    fn version_one_has_its_figures_for_the_groups_below_and_no_page_tables() {
        let text = b"cache 1\nrss 2\nshmem 3\nmapped_file 4\nswap 5\nkernel_stack 9\ntotal_cache 500\ntotal_rss 1000\n\
            total_shmem 100\ntotal_mapped_file 300\ntotal_swap 50\ntotal_swapcached 7\n";
        let memory = parse_stat(Version::V1, text, None).unwrap();
        assert_eq!((memory.anon, memory.shmem, memory.file), (Bytes(1000), Bytes(100), Bytes(200)));
        assert_eq!((memory.kernel, memory.swap), (None, Some(Bytes(50))));
        assert_eq!(memory.memory(), Bytes(1350));
    }

    #[test]
    fn what_is_not_told_is_missing_rather_than_nothing() {
        let text = b"anon 10\nfile 10\nfile_mapped 0\nshmem 0\nkernel_stack 5\n";
        let memory = parse_stat(Version::V2, text, None).unwrap();
        assert_eq!((memory.kernel, memory.swap), (None, None));
        assert_eq!(parse_stat(Version::V2, b"file 10\nfile_mapped 0\nshmem 0\n", None), None);
        assert_eq!(parse_stat(Version::V1, V2, None), None);
    }

    #[test]
    fn a_kill_for_memory_is_counted_and_other_events_are_not() {
        assert_eq!(parse_kills("low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\n"), Some(4));
        assert_eq!(parse_kills("oom_kill_disable 0\nunder_oom 0\n"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_no_figure_is_above_its_bound(
            text in ".*",
            lines in prop::collection::vec(
                ("anon|file|shmem|file_mapped|kernel_stack|pagetables|swapcached|total_rss|total_cache", 0_u64..1 << 50),
                0..12,
            ),
            swap in prop::option::of((0_u64..1 << 50).prop_map(Bytes)),
        ) {
            let figures: String = lines.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
            for version in [Version::V1, Version::V2] {
                let _ = parse_stat(version, text.as_bytes(), swap);
                if let Some(memory) = parse_stat(version, figures.as_bytes(), swap) {
                    prop_assert!(memory.memory() <= memory.at_most());
                }
            }
        }
    }
}
