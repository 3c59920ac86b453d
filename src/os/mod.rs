//! What differs between operating systems: reading the memory of a tree of processes, signals, process groups.
//!
//! The only place that asks which system this is. Sources of memory stand behind one trait, [`Source`]; those that follow a
//! tree have another, [`TreeSource`].

mod portable;
mod portable_watch;
mod source;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

#[cfg(target_os = "linux")]
use linux::{self as kernel, watch};
#[cfg(not(target_os = "linux"))]
use {portable as kernel, portable_watch as watch};

#[cfg(target_os = "linux")]
pub use linux::cgroup;

pub use kernel::{
    adopt_orphans, cgroup_source, memory_kills, native_source, wait_for_child, widen_pipe, with_limits_found,
};
pub use portable::{portable_source, portable_tree};
pub use portable_watch::portable_machine;
pub use source::{ChildEnd, Gone, Reading, Seen, Share, Source, SourceKind, TreeSource, Watched};
pub use system::{
    Ending, Foreground, Group, Interrupts, Memory, ending, environment, has_input, in_own_group, is_executable,
    is_file_at, is_no_program, kill_process, map_memory, may_draw, nobody_reads_output, own_usage, pipe_file, shell,
    signal_name, signal_number, signal_process, speaks_sequences, terminal_width, thread_cpu, unbuffered_stdout,
    wait_for_input,
};
pub use watch::{container_group, watch_group, watch_machine, watch_tree};

use std::time::Duration;

use crate::units::Bytes;

/// What memguard itself has used so far. None where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnUsage {
    /// User and system time of all threads.
    pub cpu: Option<Duration>,
    /// The most resident memory so far.
    pub peak: Option<Bytes>,
}

/// Whether variables of the environment say in which encoding a terminal reads. On Windows the standard library sees to it that text arrives.
#[must_use]
pub fn has_locales() -> bool {
    std::env::consts::FAMILY != "windows"
}

/// The operating system and architecture that results are told apart by: `linux-x86_64`.
#[must_use]
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}
