//! What a group's files say. Kernel interface: Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files", and
//! Documentation/admin-guide/cgroup-v1/memory.rst, "stat file".

use super::place::Version;
use crate::units::{Bytes, Parts, Uncertainty};

/// The memory of a group and of all groups below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupMemory {
    /// Heaps and stacks, huge pages among them: `anon` (v2), `total_rss` (v1).
    pub anon: Bytes,
    /// shm, memfd, tmpfs, mapped or not: `shmem` (v2), `total_shmem` (v1).
    pub shmem: Bytes,
    /// Mapped files. Both versions count mapped shared memory as mapped files, too, and do not report how much of it is mapped:
    /// here all of it is taken to be. `file_mapped` (v2), `total_mapped_file` (v1).
    pub mapped: Bytes,
    /// Kernel stacks and page tables: `kernel_stack`, `pagetables`. None in v1, which does not tell them apart, and on kernels
    /// that report one alone.
    pub kernel: Option<Bytes>,
    /// Moved out to swap and not read back: `memory.swap.current` less `swapcached` (v2), `total_swap` (v1). None where swap
    /// is not accounted.
    pub swap: Option<Bytes>,
    /// Pages on their way to swap or back: they may be in no other figure.
    in_transit: Bytes,
}

impl GroupMemory {
    /// The metric: anonymous memory, shared memory and swap.
    #[must_use]
    pub fn footprint(&self) -> Bytes {
        self.resident() + self.swap.unwrap_or_default()
    }

    /// What a container cannot give back: the footprint, mapped files, kernel stacks and page tables.
    #[must_use]
    pub fn used(&self) -> Bytes {
        self.footprint() + self.mapped + self.kernel.unwrap_or_default()
    }

    /// The part of the footprint that is charged as memory.
    pub(super) fn resident(&self) -> Bytes {
        self.anon + self.shmem
    }

    /// How far the footprint can be off.
    #[must_use]
    pub fn uncertainty(&self) -> Uncertainty {
        Uncertainty { below: Bytes::ZERO, above: self.in_transit }
    }

    /// The figures beside the metric.
    #[must_use]
    pub fn parts(&self) -> Parts {
        Parts {
            rss: None,
            anon: Some(self.anon),
            shmem: Some(self.shmem),
            swap: self.swap,
            mapped: Some(self.mapped),
            kernel: self.kernel,
        }
    }
}

/// Reads `memory.stat`; `swap` is what `memory.swap.current` holds (v2). None where a figure is missing that every kernel has.
pub(super) fn parse_stat(version: Version, text: &[u8], swap: Option<Bytes>) -> Option<GroupMemory> {
    let mut figures = Figures::default();
    for line in text.split(|&byte| byte == b'\n') {
        let Some(space) = line.iter().position(|&byte| byte == b' ') else { continue };
        let slot = match (version, &line[..space]) {
            (Version::V2, b"anon") | (Version::V1, b"total_rss") => &mut figures.anon,
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
    shmem: Option<Bytes>,
    mapped: Option<Bytes>,
    stacks: Option<Bytes>,
    tables: Option<Bytes>,
    swap_cache: Option<Bytes>,
    swap: Option<Bytes>,
}

impl Figures {
    fn add_up(self, version: Version, swap: Option<Bytes>) -> Option<GroupMemory> {
        let (anon, shmem, mapped) = (self.anon?, self.shmem?, self.mapped?);
        // A page that is in swap and in memory at once counts as swap in v2, and not in v1: there it is memory alone.
        let in_both = self.swap_cache.unwrap_or_default();
        let (swap, in_transit) = match version {
            Version::V1 => (self.swap, Bytes::ZERO),
            Version::V2 => (swap.map(|swap| swap.saturating_sub(in_both)), in_both.min(swap.unwrap_or_default())),
        };
        Some(GroupMemory {
            anon,
            shmem,
            mapped: mapped.saturating_sub(shmem),
            kernel: self.stacks.zip(self.tables).map(|(stacks, tables)| stacks + tables),
            swap,
            in_transit,
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
    fn the_footprint_is_anonymous_and_shared_memory_and_swap() {
        let memory = parse_stat(Version::V2, V2, Some(Bytes(125))).unwrap();
        let wanted = GroupMemory {
            anon: Bytes(1000),
            shmem: Bytes(200),
            mapped: Bytes(250),
            kernel: Some(Bytes(70)),
            swap: Some(Bytes(100)),
            in_transit: Bytes(25),
        };
        assert_eq!(memory, wanted);
        assert_eq!((memory.footprint(), memory.used()), (Bytes(1300), Bytes(1620)));
    }

    #[test]
    fn version_one_has_its_figures_for_the_groups_below_and_no_page_tables() {
        let text = b"cache 1\nrss 2\nshmem 3\nmapped_file 4\nswap 5\nkernel_stack 9\ntotal_cache 500\ntotal_rss 1000\n\
            total_shmem 100\ntotal_mapped_file 300\ntotal_swap 50\ntotal_swapcached 7\n";
        let memory = parse_stat(Version::V1, text, None).unwrap();
        assert_eq!((memory.anon, memory.shmem, memory.mapped), (Bytes(1000), Bytes(100), Bytes(200)));
        assert_eq!((memory.kernel, memory.swap), (None, Some(Bytes(50))));
        assert_eq!(memory.footprint(), Bytes(1150));
    }

    #[test]
    fn what_is_not_told_is_missing_rather_than_nothing() {
        let text = b"anon 10\nfile 10\nfile_mapped 0\nshmem 0\nkernel_stack 5\n";
        let memory = parse_stat(Version::V2, text, None).unwrap();
        assert_eq!((memory.kernel, memory.swap), (None, None));
        assert_eq!(parse_stat(Version::V2, b"file_mapped 0\nshmem 0\n", None), None);
        assert_eq!(parse_stat(Version::V1, V2, None), None);
    }

    #[test]
    fn a_kill_for_memory_is_counted_and_other_events_are_not() {
        assert_eq!(parse_kills("low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\n"), Some(4));
        assert_eq!(parse_kills("oom_kill_disable 0\nunder_oom 0\n"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in ".*",
            lines in prop::collection::vec(
                ("anon|shmem|file_mapped|kernel_stack|pagetables|swapcached|total_rss|total_shmem", 0_u64..1 << 50), 0..12,
            ),
            swap in prop::option::of((0_u64..1 << 50).prop_map(Bytes)),
        ) {
            let figures: String = lines.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
            for version in [Version::V1, Version::V2] {
                let _ = parse_stat(version, text.as_bytes(), swap);
                let _ = parse_stat(version, figures.as_bytes(), swap).map(|memory| memory.used());
            }
        }
    }
}
