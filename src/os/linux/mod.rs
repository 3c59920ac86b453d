//! Linux: /proc read directly, files kept open.

mod attach;
mod bell;
pub mod cgroup;
mod child_end;
mod command_line;
mod ends;
mod files;
mod gaps;
mod machine;
mod monotonic;
mod proc;
mod process;
mod pss;
mod sharing;
mod stirs;
mod sum;
mod taskstats;
mod threads;
mod tree;
pub(super) mod watch;

use std::io;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use rustix::process::{Pid, getpid, set_child_subreaper};

pub use self::bell::Bell;
use self::cgroup::ControlGroup;
pub use self::cgroup::cgroup_source;
pub use self::child_end::wait_for_child;
use self::ends::Ends;
use self::files::ManyFiles;
pub use self::files::with_limits_found;
use self::machine::Machine;
use self::proc::ProcFile;
use self::pss::Ration;
pub use self::stirs::Stirs;
use self::sum::Sum;
use self::tree::Tree;
use super::Group;
use super::source::{ChildEnd, Reading, Share, Source, SourceKind, TreeSource};
use crate::units::{Bytes, Metric, Parts};

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
    const MOST: usize = 1 << 20;
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, MOST);
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

/// Reads a tree through /proc.
#[derive(Debug)]
struct ProcSource {
    metric: Metric,
    tree: Tree,
    ends: Ends,
    ration: Ration,
    machine: Machine,
    buffer: Vec<u8>,
    /// What a tick reads at which nothing has moved, once that is known.
    settled: Option<(Instant, Reading)>,
    /// From the launch of what is followed: that starts under the limits which memguard found.
    _files: Option<ManyFiles>,
    /// The system refused files for what is to be left out.
    failed: Option<io::Error>,
}

impl ProcSource {
    fn open(metric: Option<Metric>) -> Result<Self> {
        let metric = metric.unwrap_or(Metric::Pss);
        anyhow::ensure!(
            matches!(metric, Metric::Pss | Metric::Rss),
            "the source `proc` can't read the metric `{metric}`\nhelp: use `--metric pss` or `--metric rss`"
        );
        Self::new(metric)
    }

    fn new(metric: Metric) -> Result<Self> {
        let mut buffer = Vec::new();
        if metric == Metric::Pss {
            let own = ProcFile::open("/proc/self/smaps_rollup")
                .and_then(|file| file.read(&mut buffer).map(proc::parse_rollup))
                .context(
                    "could not read `/proc/self/smaps_rollup` (it came with Linux 4.14)\nhelp: use `--metric rss`",
                )?;
            anyhow::ensure!(
                own.is_some(),
                "this kernel does not split PSS by kind (that came with Linux 5.9)\nhelp: use `--metric rss`"
            );
        }
        Ok(Self {
            metric,
            tree: Tree::new()?,
            ends: Ends::begin(),
            ration: Ration::new(Instant::now()),
            machine: Machine::new(),
            buffer,
            settled: None,
            _files: None,
            failed: None,
        })
    }
}

impl Source for ProcSource {
    fn metric(&self) -> Metric {
        self.metric
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Proc
    }

    fn read(&mut self) -> Result<Reading> {
        let (now, mut reading) = (Instant::now(), Reading::default());
        let moved = match self.failed.take() {
            Some(error) => Err(error),
            None => self.tree.update(now, &mut self.buffer, &mut reading),
        }
        .context(
            "could not open the files of each of its processes\nhelp: raise the limit of open files, `ulimit -n`",
        )?;
        if let Some((since, settled)) = &self.settled
            && !moved
            && now.duration_since(*since) < pss::AT_LATEST
        {
            reading.clone_from(settled);
        } else {
            let pending = self.metric == Metric::Pss
                && self.ration.spend(&mut self.tree, &mut self.machine, &mut self.buffer, now);
            self.add_up(&mut reading);
            self.settled = (!moved && !pending).then(|| (now, reading.clone()));
        }
        self.ends.complete(&mut reading, &mut self.tree);
        reading.machine_used = self.machine.used(now, &mut self.buffer);
        Ok(reading)
    }

    fn is_gone(&self) -> bool {
        self.tree.running().next().is_none()
    }

    fn shares(&self) -> Vec<Share<'_>> {
        let mut shares = Vec::new();
        for process in self.tree.running().filter(|process| !process.borrows) {
            let memory = if self.metric == Metric::Pss {
                process.estimate(|| self.tree.inherited(process)).map(|estimate| estimate.total())
            } else {
                process.memory.map(|memory| memory.split.total())
            };
            let Some(memory) = memory.map(Bytes) else { continue };
            shares.push(Share { command: &process.command, is_fork: process.forked, memory });
        }
        shares
    }

    fn stirs(&self) -> Option<&Stirs> {
        let may_wait = self.settled.is_some() && self.tree.sleeps();
        // Who has stirred by now has done so before this, and sleeps no more.
        (may_wait && self.tree.stirs.forget().is_ok() && self.tree.sleeps()).then_some(&self.tree.stirs)
    }

    fn stirred(&self) -> Option<Instant> {
        self.tree.stirred()
    }

    fn notices(&self) -> Vec<String> {
        let denied = self.ration.denied;
        let denied = (denied > 0).then(|| {
            format!(
                "the shared memory of {denied} process{} could not be read (another user's?): resident memory stands in for \
                 its share",
                if denied == 1 { "" } else { "es" }
            )
        });
        denied.into_iter().chain(self.ends.notices()).collect()
    }

    fn remarks(&self) -> Vec<String> {
        self.ends.remarks()
    }
}

impl TreeSource for ProcSource {
    fn prepare(&mut self, _command: &mut Command) -> Result<()> {
        self.tree.leave_out_children()?;
        self.ends.prepare();
        Ok(())
    }

    fn follow(&mut self, root: u32, _group: Option<&Group>) -> Result<()> {
        self._files = Some(ManyFiles::claim());
        self.tree.follow(root);
        self.ends.follow(root);
        Ok(())
    }

    fn leave_out(&mut self, pid: u32) {
        self.failed = self.tree.leave_out(pid).err();
        self.ends.leave_out(pid);
    }

    fn root_ended(&mut self, end: &ChildEnd) {
        self.ends.root_ended(end);
    }

    fn at_most(&mut self, _highest: Option<Bytes>) -> Option<Bytes> {
        self.ends.at_most()
    }

    fn members(&self) -> Vec<u32> {
        self.tree.running().map(|process| process.pid).collect()
    }
}

impl ProcSource {
    /// Begins the tree at a process that memguard did not start, with all its descendants as they are now. Those that lose
    /// their parents from now on stay. memguard itself is left out. Returns the command line.
    fn attach(&mut self, pid: u32) -> Result<String> {
        let command = attach::check(pid, self.metric)?;
        self._files = Some(ManyFiles::claim());
        self.tree.leave_out(std::process::id()).context("could not open the files of memguard's own process")?;
        self.tree.join_in(pid);
        self.ends.follow(pid);
        Ok(command)
    }

    fn add_up(&mut self, reading: &mut Reading) {
        let (mut sum, mut processes) = (Sum::default(), 0);
        for process in self.tree.running() {
            let Some(memory) = process.memory else {
                process.let_go().into_iter().for_each(|last| self.ends.let_go(last));
                continue;
            };
            processes += 1;
            if process.borrows {
                continue;
            }
            let level = if self.metric == Metric::Pss {
                let estimate = process.estimate(|| self.tree.inherited(process)).unwrap_or_default();
                sum.add(&estimate, process.sharing, &memory, process.between())
            } else {
                sum.add_resident(&memory, process.between())
            };
            process.count(level);
        }
        let shmem_growth =
            sum.shmem_before().and_then(|before| self.machine.shmem(&mut self.buffer)?.checked_sub(before));
        let total = sum.total(shmem_growth);
        reading.processes = Some(processes);
        reading.memory = Bytes(total.total());
        reading.peak = Bytes(total.total().max(sum.peak()));
        reading.at_most = Some(Bytes(sum.at_most.max(reading.peak.0)));
        reading.parts = Parts {
            rss: Some(Bytes(sum.rss)),
            anon: Some(Bytes(total.anon)),
            file: Some(Bytes(total.file)),
            shmem: Some(Bytes(total.shmem)),
            swap: Some(Bytes(total.swap)),
        };
        self.ends.note(&sum);
    }
}

/// Takes note of how a child ended, so that it does not stay behind as a zombie.
fn reap(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It was a zombie child when it was last read: this can't block, and there is nothing to learn from its status.
        let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
    }
}

/// Whether two processes run in the same memory, as a child does between vfork and exec. Kernel interface: kcmp(2).
/// None where the kernel does not tell.
fn shares_memory(one: u32, other: u32) -> Option<bool> {
    const KCMP_VM: libc::c_int = 1;
    #[expect(unsafe_code, reason = "kcmp has no safe wrapper among the crates in use")]
    // SAFETY: the call takes numbers alone.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, one, other, KCMP_VM, 0, 0) };
    (order >= 0).then_some(order == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_had_bounds_the_tick_at_which_it_has_let_go_of_it_and_none_after_that() {
        let mut source = ProcSource::new(Metric::Rss).unwrap();
        let mut command = Command::new("sleep");
        source.prepare(&mut command).unwrap();
        let mut child = command.arg("60").spawn().unwrap();
        source.follow(child.id(), None).unwrap();
        let before = source.read().unwrap();
        source.tree.processes.iter_mut().for_each(|process| process.memory = None);
        let mut add_up = || {
            let mut reading = Reading::default();
            source.add_up(&mut reading);
            let let_go = source.ends.let_go_now();
            (reading.processes, reading.memory, let_go)
        };
        let (at_once, later) = (add_up(), add_up());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(before.memory > Bytes::ZERO, "{before:?}");
        assert_eq!((at_once, later), ((Some(0), Bytes::ZERO, 1), (Some(0), Bytes::ZERO, 0)));
    }
}
