use serde::{Deserialize, Serialize};

use super::Bytes;

/// What a sample adds up. Results of different metrics are never compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Proportional set size: each process's share of what it maps, so that shared pages count once in all.
    Pss,
    /// Resident set size: shared pages count once for every process that maps them.
    Rss,
    /// Physical footprint (macOS): what each process alone is charged for, compressed memory included. Activity Monitor's figure.
    Footprint,
    /// Private commit (Windows): memory of each process's own, in RAM or in the page file. Nothing shared counts.
    Private,
    /// A control group's own account (Linux): anonymous, shared and mapped file memory, kernel stacks and page tables, and swap,
    /// without the page cache. Every page counts once.
    Cgroup,
    /// Used memory of the whole machine, or of the container that memguard runs in.
    Machine,
    /// What another program recorded, by its own account.
    Recorded,
}

impl Metric {
    /// As the config, the files and people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pss => "pss",
            Self::Rss => "rss",
            Self::Footprint => "footprint",
            Self::Private => "private",
            Self::Cgroup => "cgroup",
            Self::Machine => "machine",
            Self::Recorded => "recorded",
        }
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What an amount of memory is made of, as far as the system tells. Missing is `None`, never zero.
///
/// Shared pages count here as the metric counts them. The metric may hold what none of these is: kernel stacks and page
/// tables of a control group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// Resident memory of all processes, shared pages once for each of them.
    pub rss: Option<Bytes>,
    /// Memory that no file stands behind: heaps and stacks.
    pub anon: Option<Bytes>,
    /// Mapped files: programs, libraries, data.
    pub file: Option<Bytes>,
    /// Shared memory: shm, memfd, tmpfs.
    pub shmem: Option<Bytes>,
    /// Pushed out to swap: still memory used, and part of the metric.
    pub swap: Option<Bytes>,
}
