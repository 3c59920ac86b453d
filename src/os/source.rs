use anyhow::Result;

use crate::units::{Bytes, Metric, Parts};

/// Reads the memory of a tree of processes.
pub trait Source: Send {
    /// What a reading adds up.
    fn metric(&self) -> Metric;

    /// Which source this is, for the record.
    fn kind(&self) -> SourceKind;

    /// Begins the tree at this process, a child of memguard that was just started.
    ///
    /// # Errors
    /// When the process can't be read.
    fn follow(&mut self, root: u32) -> Result<()>;

    /// Keeps a child of memguard, and what descends from it, out of the tree.
    fn leave_out(&mut self, pid: u32);

    /// Reads the whole tree, now. A tree that is gone reads as zero processes.
    ///
    /// # Errors
    /// When the system refuses what it granted before. A process that ends meanwhile is no error.
    fn read(&mut self) -> Result<Reading>;

    /// The processes of the tree that live, as of the last reading.
    fn members(&self) -> Vec<u32>;

    /// What the reader of the results must know of how they were read, in sentences.
    fn notices(&self) -> Vec<String>;
}

/// Which source reads the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Linux's /proc, with files kept open.
    Proc,
    /// The `sysinfo` crate.
    Portable,
}

impl SourceKind {
    /// As the config and the files write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proc => "proc",
            Self::Portable => "portable",
        }
    }
}

/// The tree at one instant.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The metric.
    pub memory: Bytes,
    /// The most that the metric surely reached since the reading before.
    pub peak: Bytes,
    /// The most that it can have reached since then: every process at its own peak at once.
    pub at_most: Bytes,
    /// What `memory` is made of.
    pub parts: Parts,
    /// How many processes live; None where the source does not count them.
    pub processes: Option<u32>,
    /// Used memory of the whole machine.
    pub machine_used: Option<Bytes>,
    /// Processes that joined the tree.
    pub seen: Vec<Seen>,
    /// Processes that ended.
    pub gone: Vec<Gone>,
}

/// A process that joined the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
}

/// A process that left the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its number.
    pub pid: u32,
    /// The most resident memory that it had; None where it could never be read.
    pub peak: Option<Bytes>,
    /// Its command line, as last read.
    pub command: String,
}
