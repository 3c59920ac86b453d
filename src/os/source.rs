use std::process::Command;

use anyhow::Result;

use super::{Ending, Group};
use crate::units::{Bytes, Metric, Parts, Uncertainty};

/// Reads memory: of a tree of processes, of a control group, of the whole machine.
pub trait Source: Send {
    /// What a reading adds up.
    fn metric(&self) -> Metric;

    /// Which source this is, for the record.
    fn kind(&self) -> SourceKind;

    /// Reads all of it, now. A tree that is gone reads as zero processes.
    ///
    /// # Errors
    /// When the system refuses what it granted before. A process that ends meanwhile is no error.
    fn read(&mut self) -> Result<Reading>;

    /// Whether what is read has gone for good, as of the last reading.
    fn is_gone(&self) -> bool;

    /// What each of its processes held at the last reading. Where pages are shared it need not add up to the metric. Nothing
    /// where the source does not tell one process from another.
    fn shares(&self) -> Vec<Share<'_>> {
        Vec::new()
    }

    /// Makes the next reading as exact as it can be, whatever it costs.
    fn settle(&mut self) {}

    /// What the reader of the results must know of how they were read, in sentences.
    fn notices(&self) -> Vec<String>;
}

/// Reads the memory of a tree of processes.
pub trait TreeSource: Source {
    /// Has a workload that is about to be started do what the source needs of it.
    ///
    /// # Errors
    /// When it can't.
    fn prepare(&mut self, _command: &mut Command) -> Result<()> {
        Ok(())
    }

    /// Begins the tree at this process. `group` is what memguard started it in, where it did: it tells of descendants whose
    /// parents are gone.
    ///
    /// # Errors
    /// When the process can't be read.
    fn follow(&mut self, root: u32, group: Option<&Group>) -> Result<()>;

    /// Keeps a child of memguard, and what descends from it, out of the tree.
    fn leave_out(&mut self, pid: u32);

    /// The processes of the tree that live, as of the last reading.
    fn members(&self) -> Vec<u32>;

    /// Ends every process of the tree at once.
    fn kill(&self) {
        self.members().into_iter().for_each(super::kill_process);
    }

    /// How many processes of the tree the kernel has killed for memory. None where the source can't tell them from others.
    fn memory_kills(&self) -> Option<u64> {
        None
    }

    /// Is told how the root ended, before the next reading.
    fn root_ended(&mut self, _end: &ChildEnd) {}

    /// True if the system's marks cover the time between the readings, once the run is over and the last reading was taken.
    fn covers_gaps(&self) -> bool;

    /// Gives back what was set up for the run, once it is over.
    fn end(&mut self) {}
}

/// Something that memguard did not start, ready to be read.
pub struct Watched {
    /// What reads it.
    pub source: Box<dyn Source>,
    /// What it is, for people: `the whole machine`, ``control group `/sys/fs/cgroup/a` ``.
    pub what: String,
}

impl Watched {
    /// A tree of processes in words.
    pub(super) fn tree(pid: u32, command: &str) -> String {
        format!("process {pid} (`{command}`) and its descendants")
    }
}

/// What reads the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Linux's /proc, with files kept open.
    Proc,
    /// A Linux control group.
    Cgroup,
    /// The `sysinfo` crate.
    Portable,
}

impl SourceKind {
    /// As the config and the files write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proc => "proc",
            Self::Cgroup => "cgroup",
            Self::Portable => "portable",
        }
    }
}

/// The tree at one instant.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The metric.
    pub memory: Bytes,
    /// The most that the metric reached since the reading before.
    pub peak: Bytes,
    /// How far the true values can lie from these two.
    pub uncertainty: Uncertainty,
    /// How far a high-water mark shows that a process was above all that was read of it.
    pub rise: Bytes,
    /// What stands beside the metric.
    pub parts: Parts,
    /// How many processes live; None where the source does not count them.
    pub processes: Option<u32>,
    /// Used memory of the whole machine.
    pub machine_used: Option<Bytes>,
    /// Some processes slept and were not looked at: unless something moved, the reading repeats the one before.
    pub is_partial: bool,
    /// Processes that joined the tree.
    pub seen: Vec<Seen>,
    /// Processes that ended.
    pub gone: Vec<Gone>,
}

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share<'a> {
    /// Its command line, as last read.
    pub command: &'a str,
    /// It was forked and still runs its parent's program, as far as the system tells.
    pub is_fork: bool,
    /// Its share of the metric, as far as it is known.
    pub memory: Bytes,
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

/// What the system tells of the root once it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildEnd {
    /// How it ended.
    pub ending: Ending,
    /// No program that it ran had more resident memory. None where the system does not tell, or not of it alone: it may have
    /// had children that came and went.
    pub at_most: Option<Bytes>,
    /// Whether it had so much for sure.
    pub is_reached: bool,
    /// Its minor page faults, with those of children that it waited for. None where the system does not report them.
    pub minor_faults: Option<u64>,
}
