use serde::{Deserialize, Serialize};

use super::Bytes;

/// What a sample adds up. Results of different metrics are never compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Memory that the kernel cannot take back. On Linux: anonymous memory, shared memory and swap,
    /// where pages that processes of the tree share count once. On macOS: the physical footprint,
    /// Activity Monitor's figure. Mapped files and program code are not in it.
    Footprint,
    /// Private commit (Windows): memory of each process's own, in RAM or in the page file. Nothing shared counts.
    Private,
    /// Resident set size: shared pages count once for every process that maps them.
    Rss,
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
            Self::Footprint => "footprint",
            Self::Private => "private",
            Self::Rss => "rss",
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

/// What stands beside the metric at one instant, as far as the system reports it. Missing is `None`, never zero.
///
/// `anon`, `shmem` and `swap` add up to the footprint. `mapped` and `kernel` are not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// Resident memory of all processes, shared pages once for each of them.
    pub rss: Option<Bytes>,
    /// Memory that no file stands behind: heaps and stacks.
    pub anon: Option<Bytes>,
    /// Shared memory: memfd, POSIX, System V, tmpfs.
    pub shmem: Option<Bytes>,
    /// Pages moved out to swap.
    pub swap: Option<Bytes>,
    /// Mapped files: programs, libraries, data. Once for each process that maps them; a control group's own account has them once.
    pub mapped: Option<Bytes>,
    /// Kernel stacks and page tables of a control group.
    pub kernel: Option<Bytes>,
}

/// How far the true value can lie from an estimate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Uncertainty {
    /// The true value is at most this far below the estimate.
    pub below: Bytes,
    /// The true value is at most this far above the estimate.
    pub above: Bytes,
}

impl Uncertainty {
    /// The value is exact.
    pub const NONE: Self = Self { below: Bytes::ZERO, above: Bytes::ZERO };
    /// Nothing bounds the true value from above.
    pub const UNBOUNDED: Self = Self { below: Bytes::ZERO, above: Bytes(u64::MAX) };

    /// The uncertainty of a value that lies between `low` and `high`. A `high` of `u64::MAX` bounds nothing.
    #[must_use]
    pub fn between(low: Bytes, value: Bytes, high: Bytes) -> Self {
        let above = if high.0 == u64::MAX { high } else { high.saturating_sub(value) };
        Self { below: value.saturating_sub(low), above }
    }

    /// True if something bounds the true value from above.
    #[must_use]
    pub const fn is_bounded(self) -> bool {
        self.above.0 < u64::MAX
    }

    /// The least that the true value can be.
    #[must_use]
    pub fn low(self, value: Bytes) -> Bytes {
        value.saturating_sub(self.below)
    }

    /// The most that the true value can be.
    #[must_use]
    pub fn high(self, value: Bytes) -> Bytes {
        Bytes(value.0.saturating_add(self.above.0))
    }
}
