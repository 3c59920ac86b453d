//! Linux: /proc read directly, files kept open.

mod attach;
pub mod cgroup;
mod child_end;
mod command_line;
mod files;
mod footprint;
mod machine;
mod proc;
mod proc_source;
mod process;
mod sharing;
mod threads;
mod tree;
pub(super) mod watch;

use std::os::fd::AsFd;

use anyhow::{Context, Result};
use rustix::process::{getpid, set_child_subreaper};

use self::cgroup::ControlGroup;
pub use self::cgroup::cgroup_source;
pub use self::child_end::wait_for_child;
pub use self::files::with_limits_found;
use self::proc_source::ProcSource;
use super::source::TreeSource;
use crate::units::Metric;

/// The best source of this system, for the metric that was asked for or else its best.
///
/// # Errors
/// When /proc lacks what the source reads.
pub fn native_source(metric: Option<Metric>) -> Result<Box<dyn TreeSource>> {
    ProcSource::open(metric).map(|source| Box::new(source) as Box<dyn TreeSource>)
}

/// Makes memguard the parent of processes whose own parent has ended, so that none leaves the tree.
/// Kernel interface: `PR_SET_CHILD_SUBREAPER`, prctl(2).
///
/// # Errors
/// When the kernel refuses (before Linux 3.4).
pub fn adopt_orphans() -> Result<()> {
    set_child_subreaper(Some(getpid())).context("could not become the parent of orphaned processes (prctl)")
}

/// Lets a pipe hold more before who writes into it must wait: as much as anyone may have (`/proc/sys/fs/pipe-max-size`). One
/// that may not grow stays as it is. Kernel interface: `F_SETPIPE_SZ`, fcntl(2).
pub fn widen_pipe(pipe: &impl AsFd) {
    const PIPE_BYTES: usize = 1 << 20;
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
}

/// How many processes the kernel has killed for memory: in memguard's own control group, which the workload shares, and in
/// the whole machine since boot where the group can't tell (`oom_kill` in /proc/vmstat, Linux 4.13).
#[must_use]
pub fn memory_kills() -> Option<u64> {
    if let Some(kills) = ControlGroup::own().ok().and_then(|group| group.memory_kills()) {
        return Some(kills);
    }
    let text = std::fs::read_to_string("/proc/vmstat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|count| count.trim().parse().ok())
}
