//! Who is in the tree.

use std::collections::HashSet;
use std::io;
use std::time::Instant;

use anyhow::{Context, Result};
use rustix::process::Pid;

use super::proc::{Memory, ProcFile, parse_children, parse_last_pid};
use super::process::{Life, News, Process};
use super::threads::has_tickless_cores;
use crate::os::source::{Gone, Reading, Seen};
use crate::units::Bytes;

/// The root process, all its descendants, and the orphans among them, which become memguard's children.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) processes: Vec<Process>,
    pids: HashSet<u32>,
    pub(super) root: Root,
    /// The tree began before memguard came: what its files say of that time is no news.
    has_past: bool,
    orphans: Orphans,
    forks: Forks,
    tick: u64,
    /// One runs in the memory of its parent.
    has_borrowers: bool,
    /// There are no files to be had for the accounts that show who sleeps, or the accounts can't be relied on.
    is_unaccounted: bool,
    /// Processes whose files the system does not let memguard open.
    pub(super) refused: u64,
    /// Faults that the last tick missed: a child ended after its parent was read.
    owed_faults: i64,
}

/// The process that the tree begins with.
#[derive(Debug, Default)]
pub(super) struct Root {
    pid: Option<u32>,
    /// The same until it is first read.
    unseen: Option<u32>,
    /// As it was last read, once it has ended.
    pub(super) ended: Option<EndedRoot>,
}

/// Pids found in one tick, and whether they are left out.
type Found = Vec<(u32, bool)>;

/// What a tick changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Memory, members or marks did.
    pub(super) moved: bool,
    /// Members came, went, or run another program.
    pub(super) members: bool,
    /// Each process was looked at, if only at its accounts.
    pub(super) complete: bool,
    pub(super) lost: Lost,
}

/// What processes that ended held after they were last read, and those that no reading saw.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost {
    /// Minor faults that ended processes had in all, less those that readings had seen. Each brought a page at most, huge
    /// pages apart. Below zero where a parent does not wait for its children: then nothing is known of their last faults.
    faults: i64,
    /// How much they grew over their last tick.
    growth: u64,
}

/// The root as it was last read.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndedRoot {
    pub(super) memory: Memory,
    pub(super) high_water: Bytes,
    /// Minor faults of its own and of children that it waited for.
    pub(super) faults: u64,
}

/// The children of memguard's first thread, which adopts orphans.
#[derive(Debug)]
struct Orphans {
    children: ProcFile,
    own_pid: u32,
    /// A process was gone before it could be opened: its children are another's by now.
    look_again: bool,
}

/// Whether anything was forked.
#[derive(Debug)]
struct Forks {
    load: Option<ProcFile>,
    last_pid: Option<u64>,
    /// A pid is given before the child stands in its parent's list: the tick after is one to look, too.
    look_again: bool,
}

/// Up to so many processes are all looked at in every tick; of more, those that sleep in turn, each in every fifth.
const FEW_PROCESSES: usize = 16;
const TURNS: u64 = 5;
/// The lists of children are read every so many ticks even if nothing was forked.
const LOOK_EVERY: u64 = 50;
/// Others can change the memory of a process that sleeps (the system swaps it out): it is read every so many ticks.
const READ_ASLEEP_EVERY: u64 = 50;

impl Tree {
    pub(super) fn new() -> Result<Self> {
        let own_pid = std::process::id();
        let path = format!("/proc/self/task/{own_pid}/children");
        let children = ProcFile::open(&path).with_context(|| {
            format!("could not open `{path}` (the kernel lacks CONFIG_PROC_CHILDREN?)\nhelp: use `--source portable`")
        })?;
        let mut tree = Self {
            processes: Vec::new(),
            pids: HashSet::new(),
            root: Root::default(),
            has_past: false,
            orphans: Orphans { children, own_pid, look_again: false },
            forks: Forks { load: ProcFile::open("/proc/loadavg").ok(), last_pid: None, look_again: false },
            tick: 0,
            has_borrowers: false,
            is_unaccounted: has_tickless_cores(),
            refused: 0,
            owed_faults: 0,
        };
        tree.leave_out_children()?;
        Ok(tree)
    }

    /// The children that memguard has before it starts the root are not of the tree.
    pub(super) fn leave_out_children(&mut self) -> Result<()> {
        let mut buffer = Vec::new();
        let children: Vec<u32> = self.orphans.children.read(&mut buffer).map(|text| parse_children(text).collect())?;
        for pid in children {
            if !self.pids.contains(&pid) {
                self.leave_out(pid)?;
            }
        }
        Ok(())
    }

    pub(super) fn follow(&mut self, root: u32) {
        self.root = Root { pid: Some(root), unseen: Some(root), ended: None };
    }

    /// The same at a process that has a past.
    pub(super) fn join_in(&mut self, root: u32) {
        self.follow(root);
        self.has_past = true;
    }

    /// # Errors
    /// When memguard may not open more files.
    pub(super) fn leave_out(&mut self, pid: u32) -> io::Result<()> {
        if let Some(mut process) = Process::open(pid, &mut Vec::new())? {
            process.role.is_left_out = true;
            self.pids.insert(pid);
            self.processes.push(process);
        }
        Ok(())
    }

    /// The members that have not ended.
    pub(super) fn running(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(|process| process.life == Life::Running && !process.role.is_left_out)
    }

    /// Reads every process that may have changed, follows every fork, lets go of those that ended.
    ///
    /// # Errors
    /// When memguard may not open more files.
    pub(super) fn update(&mut self, now: Instant, buffer: &mut Vec<u8>, reading: &mut Reading) -> io::Result<Changes> {
        self.tick += 1;
        let mut changes = Changes { complete: true, ..Changes::default() };
        let updated = self.try_update(now, buffer, reading, &mut changes);
        if updated.is_err() && !self.is_unaccounted {
            // Accounts are worth less than the files of newcomers; what was found and not opened is found again.
            self.is_unaccounted = true;
            self.processes.iter_mut().for_each(|process| process.threads.close());
            self.try_update(now, buffer, reading, &mut changes)?;
        } else {
            updated?;
        }
        let found = changes.lost.faults;
        changes.lost.faults += self.owed_faults;
        self.owed_faults = found.min(0);
        (self.root.unseen, self.has_past) = (None, false);
        Ok(changes)
    }

    fn try_update(
        &mut self,
        now: Instant,
        buffer: &mut Vec<u8>,
        reading: &mut Reading,
        changes: &mut Changes,
    ) -> io::Result<()> {
        let all = self.tick.is_multiple_of(LOOK_EVERY);
        let look_again = std::mem::take(&mut self.orphans.look_again);
        let look = self.forks.may_have_forked(buffer) || look_again || all;
        let mut found: Found = self.root.unseen.map(|root| (root, false)).into_iter().collect();
        // A parent sleeps while a child that borrows its memory runs.
        let mut lenders: Vec<u32> = Vec::new();
        if std::mem::take(&mut self.has_borrowers) {
            let borrowers = self.processes.iter().filter(|process| process.role.borrows);
            lenders.extend(borrowers.map(|process| process.stat.parent));
        }
        let (mut parents, mut any_ended) = (Vec::new(), false);
        for index in 0..self.processes.len() {
            let turn = index as u64 + self.tick;
            let is_turn = self.processes.len() <= FEW_PROCESSES || turn.is_multiple_of(TURNS);
            let is_due = turn.is_multiple_of(READ_ASLEEP_EVERY);
            let process = &mut self.processes[index];
            let may_sleep = !self.is_unaccounted && !lenders.contains(&process.pid);
            if may_sleep && !is_turn && (process.is_asleep() || process.life == Life::Zombie) {
                process.leave();
                changes.complete = false;
            } else if may_sleep && !is_due && process.is_asleep() && process.still_sleeps(now, buffer) {
                process.leave();
            } else if self.visit(index, now, may_sleep, buffer, changes) {
                parents.push(self.processes[index].stat.parent);
            }
            any_ended |= self.processes[index].life != Life::Running;
        }
        // The faults of one that ended go to the parent that waited for it, and its children to another.
        if !parents.is_empty() {
            for index in 0..self.processes.len() {
                if self.processes[index].is_asleep() && parents.contains(&self.processes[index].pid) {
                    self.visit(index, now, false, buffer, changes);
                }
            }
        }
        let look = look || !parents.is_empty();
        for index in 0..self.processes.len() {
            let process = &self.processes[index];
            if all || (!process.is_asleep() && (look || process.threads.is_outdated(process.stat.threads))) {
                self.find_children(index, &mut found, buffer)?;
            }
        }
        if look && let Ok(text) = self.orphans.children.read(buffer) {
            found.extend(parse_children(text).map(|pid| (pid, false)));
        }
        if any_ended {
            self.let_go(reading, changes);
        }
        // Newcomers may have forked already: the list grows while it is walked.
        while let Some((pid, left_out)) = found.pop() {
            if self.pids.contains(&pid) {
                continue;
            }
            match Process::open(pid, buffer) {
                Ok(Some(mut process)) => {
                    process.role.is_left_out = left_out;
                    let index = self.join(process, now, buffer, reading, changes);
                    self.find_children(index, &mut found, buffer)?;
                }
                Ok(None) => self.orphans.look_again = true,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    self.pids.insert(pid);
                    self.refused += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn join(
        &mut self,
        mut process: Process,
        now: Instant,
        buffer: &mut Vec<u8>,
        reading: &mut Reading,
        changes: &mut Changes,
    ) -> usize {
        let (pid, stat) = (process.pid, process.stat);
        process.role.is_fork = self
            .processes
            .iter()
            .any(|other| other.pid == stat.parent && other.stat.family == stat.family && !other.role.is_left_out);
        process.role.borrows = process.role.is_fork; // until it is found out
        if !process.role.is_left_out {
            reading.seen.push(Seen { pid, parent: stat.parent });
        }
        self.pids.insert(pid);
        self.processes.push(process);
        changes.members = true;
        let index = self.processes.len() - 1;
        if self.visit(index, now, false, buffer, changes) {
            self.orphans.look_again = true;
            return index;
        }
        let process = &mut self.processes[index];
        if self.has_past {
            // Its marks, and the faults of children that it waited for, are of the past.
            changes.lost.faults -= i64::try_from(process.stat.childrens_faults).unwrap_or(i64::MAX);
        }
        if self.has_past || process.role.is_fork {
            process.rise = super::process::Rise::default(); // a fork's mark was its parent's
        }
        index
    }

    /// Reads a process. Returns whether it ended since the tick before.
    fn visit(
        &mut self,
        index: usize,
        now: Instant,
        may_sleep: bool,
        buffer: &mut Vec<u8>,
        changes: &mut Changes,
    ) -> bool {
        let process = &mut self.processes[index];
        let (life, stat, grown) = (process.life, process.stat, process.growth());
        let is_new = process.is_unread();
        let news = process.refresh(now, may_sleep, buffer);
        let is_member = !process.role.is_left_out;
        if is_member {
            let known = if is_new { 0 } else { stat.childrens_faults };
            let waited_for = process.stat.childrens_faults.saturating_sub(known);
            // Its last faults, once it has let go of the memory that it had.
            let has_let_go = process.memory.is_none() && process.before.high_water > 0;
            let has_executed = news == News::Executed && !is_new;
            let is_last = has_let_go || has_executed || (process.life == Life::Zombie && life == Life::Running);
            let last = if is_last && process.life != Life::Gone { process.new_faults } else { 0 };
            changes.lost.faults += i64::try_from(waited_for + last).unwrap_or(i64::MAX);
        }
        if news == News::Ended {
            let ended = life == Life::Running;
            if ended && is_member {
                changes.lost.growth += grown;
            }
            changes.moved |= life != process.life;
            changes.members |= life != process.life;
            return ended;
        }
        changes.moved |= news != News::Unchanged;
        if news == News::Executed {
            (process.role.is_fork, process.role.borrows) = (false, false);
            changes.members = true;
        }
        if process.role.borrows {
            let (pid, parent, memory) = (process.pid, process.stat.parent, process.memory);
            // Where the kernel does not answer, equal to the byte is the best sign there is.
            let is_equal = || self.processes.iter().any(|other| other.pid == parent && other.memory == memory);
            if !shares_memory(pid, parent).unwrap_or_else(is_equal) {
                self.processes[index].role.borrows = false;
                (changes.moved, changes.members) = (true, true);
            } else {
                self.has_borrowers = true;
            }
        }
        false
    }

    fn find_children(&mut self, index: usize, found: &mut Found, buffer: &mut Vec<u8>) -> io::Result<()> {
        let process = &mut self.processes[index];
        if process.life != Life::Running {
            return Ok(());
        }
        let (pid, count, left_out) = (process.pid, process.stat.threads, process.role.is_left_out);
        let mut children = Vec::new();
        process.threads.children(pid, count, buffer, &mut children)?;
        found.extend(children.into_iter().map(|pid| (pid, left_out)));
        Ok(())
    }

    fn let_go(&mut self, reading: &mut Reading, changes: &mut Changes) {
        let (own_pid, root) = (self.orphans.own_pid, self.root.pid);
        let (pids, orphans, ended_root) = (&mut self.pids, &mut self.orphans, &mut self.root.ended);
        self.processes.retain_mut(|process| {
            if process.life == Life::Running {
                return true;
            }
            let (pid, is_member) = (process.pid, !process.role.is_left_out);
            let faults = process.stat.minor_faults.saturating_add(process.stat.childrens_faults);
            let mut goes_to_a_member = is_member && root != Some(pid);
            // The root and what was left out are waited for by who started them.
            if process.life == Life::Zombie && goes_to_a_member && process.stat.parent == own_pid {
                reap(pid);
                process.life = Life::Gone;
                goes_to_a_member = false; // its faults go to memguard
            }
            if is_member && !std::mem::replace(&mut process.program.is_reported, true) {
                if root == Some(pid) {
                    let high_water = process.program.peak.unwrap_or_default();
                    *ended_root = Some(EndedRoot { memory: process.program.memory, high_water, faults });
                }
                let (peak, command) = (process.program.peak, std::mem::take(&mut process.program.command));
                reading.gone.push(Gone { pid, peak, command });
            }
            if process.life == Life::Gone {
                pids.remove(&pid);
                orphans.look_again = true;
                if goes_to_a_member {
                    changes.lost.faults -= i64::try_from(faults).unwrap_or(i64::MAX);
                }
            }
            process.life != Life::Gone
        });
    }
}

impl Lost {
    /// Faults of a process after it was last read: how it ended says so.
    pub(super) fn add_faults(&mut self, faults: u64) {
        self.faults = self.faults.saturating_add_unsigned(faults);
    }

    /// The most memory that they can have had beside what readings saw. `huge_pages` is how many the machine gave out meanwhile:
    /// each came with one fault.
    pub(super) fn bytes(&self, huge_pages: u64) -> u64 {
        let page = rustix::param::page_size() as u64;
        match u64::try_from(self.faults) {
            // A huge page has as many pages as a page has entries of eight bytes.
            Ok(faults) => {
                faults.saturating_mul(page).saturating_add(faults.min(huge_pages).saturating_mul(page * page / 8))
            }
            Err(_) => self.growth,
        }
    }

    /// True if anything ended, as far as is known.
    pub(super) const fn is_nothing(&self) -> bool {
        self.faults == 0 && self.growth == 0
    }
}

impl Forks {
    /// True if something was forked since the last look, or may have been.
    fn may_have_forked(&mut self, buffer: &mut Vec<u8>) -> bool {
        let last_pid = self.load.as_ref().and_then(|load| parse_last_pid(load.read(buffer).ok()?));
        let differs = last_pid.is_none() || last_pid != self.last_pid;
        self.last_pid = last_pid;
        std::mem::replace(&mut self.look_again, differs) || differs
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
    fn what_ended_processes_held_unseen_is_bounded_by_their_faults() {
        let page = rustix::param::page_size() as u64;
        assert_eq!(Lost { faults: 3, growth: 100 * page }.bytes(0), 3 * page);
        assert_eq!(Lost { faults: 3, growth: 0 }.bytes(2), 3 * page + 2 * page * page / 8);
        assert_eq!(Lost { faults: -1, growth: 7 }.bytes(5), 7, "their parent does not wait for them");
    }
}
