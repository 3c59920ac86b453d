mod kin;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io;
use std::time::Instant;

use anyhow::{Context, Result};

use super::ends::Ended;
use super::proc::{ProcFile, parse_children};
use super::process::{Life, News, Process};
use super::sharing::Kin;
use super::stirs::Stirs;
use super::taskstats::Side;
use super::threads::has_tickless_cores;
use super::{reap, shares_memory};
use crate::os::source::{Reading, Seen};

/// The root process, all its descendants, and the orphans among them, which become memguard's children.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) processes: Vec<Process>,
    pids: HashSet<u32>,
    /// The children of memguard's first thread: that which adopts orphans.
    own_children: ProcFile,
    own_pid: u32,
    root: Option<u32>,
    /// The root until it is first read.
    unseen_root: Option<u32>,
    /// Whether the tree was watched when its newest processes started: then all that their marks tell happened under watch.
    is_watched: bool,
    /// Scratch for the pids found in one tick, and whether they are left out.
    found: Vec<(u32, bool)>,
    children: Vec<u32>,
    /// Scratch for the places of those that ran since the tick before.
    active: Vec<usize>,
    /// The number of this tick, and of the last one at which anything had moved.
    pub(super) tick: u64,
    pub(super) moved: u64,
    /// A process was let go of: its number may be another's, in a list of children that reads the same. Or one was gone
    /// before it could be opened, and its children are another's.
    any_let_go: bool,
    /// One runs in its parent's memory: that may change while the parent sleeps.
    any_borrows: bool,
    /// There are no files to be had for the accounts that tell who sleeps, or the accounts can't be relied on.
    unaccounted: bool,
    /// Who runs which program changed since it was last found out who is whose kin.
    kin_changed: bool,
    /// The families (programs forked and not executed anew, by the stack that they share) which gained or lost a member
    /// since the shares were last read.
    changed_families: Vec<u64>,
    /// Scratch.
    stacks: Vec<u64>,
    /// Orphans were looked for since one was last awake.
    adopted: bool,
    /// Those that ended, until they are taken from here.
    pub(super) ended: Vec<Ended>,
    pub(super) stirs: Stirs,
}

/// The list of adopted orphans is read at every so many ticks, and whenever a process has ended.
const ADOPTED_EVERY: u64 = 8;

impl Tree {
    pub(super) fn new() -> Result<Self> {
        let own_pid = std::process::id();
        let path = format!("/proc/self/task/{own_pid}/children");
        let own_children = ProcFile::open(&path).with_context(|| {
            format!("could not open `{path}` (the kernel lacks CONFIG_PROC_CHILDREN?)\nhelp: use `--source portable`")
        })?;
        let mut tree = Self {
            processes: Vec::new(),
            pids: HashSet::new(),
            own_children,
            own_pid,
            root: None,
            unseen_root: None,
            is_watched: true,
            found: Vec::new(),
            children: Vec::new(),
            active: Vec::new(),
            tick: 0,
            moved: 0,
            any_let_go: false,
            any_borrows: false,
            unaccounted: has_tickless_cores(),
            kin_changed: false,
            changed_families: Vec::new(),
            stacks: Vec::new(),
            adopted: false,
            ended: Vec::new(),
            stirs: Stirs::new(),
        };
        tree.leave_out_children()?;
        Ok(tree)
    }

    /// The children that memguard has before it starts the root are none of the tree.
    pub(super) fn leave_out_children(&mut self) -> Result<()> {
        let mut buffer = Vec::new();
        let children: Vec<u32> = self.own_children.read(&mut buffer).map(|text| parse_children(text).collect())?;
        for pid in children {
            if !self.pids.contains(&pid) {
                self.leave_out(pid)?;
            }
        }
        Ok(())
    }

    pub(super) fn follow(&mut self, root: u32) {
        (self.root, self.unseen_root) = (Some(root), Some(root));
    }

    /// The same at a process that has a past: what its marks, and those of its descendants as they are now, tell of that is no
    /// news.
    pub(super) fn join_in(&mut self, root: u32) {
        self.follow(root);
        self.is_watched = false;
    }

    /// Whose process it is. None where no tick has seen it, or it ended before this one.
    pub(super) fn side_of(&self, pid: u32) -> Option<Side> {
        if self.ended.iter().any(|ended| ended.last.pid == pid) {
            return Some(Side::Member);
        }
        let process = self.processes.iter().find(|process| process.pid == pid)?;
        Some(if process.left_out { Side::LeftOut } else { Side::Member })
    }

    /// # Errors
    /// When memguard may not open more files.
    pub(super) fn leave_out(&mut self, pid: u32) -> io::Result<()> {
        if let Some(mut process) = Process::open(pid, Instant::now(), &mut Vec::new())? {
            process.left_out = true;
            self.pids.insert(pid);
            self.processes.push(process);
        }
        Ok(())
    }

    /// Whether there are any, and all slept since the tick before.
    pub(super) fn is_at_rest(&self) -> bool {
        self.active.is_empty() && self.ended.is_empty() && self.running().next().is_some()
    }

    /// Whether each of its threads, of those left out as well, sleeps and will be heard when it stirs.
    pub(super) fn sleeps(&self) -> bool {
        self.adopted
            && self.running().next().is_some()
            && !self.any_borrows
            && !self.any_let_go
            && self.processes.iter().all(Process::sleeps_watched)
    }

    /// When the first of those that slept stirred.
    pub(super) fn stirred(&self) -> Option<Instant> {
        let first = self.processes.iter().filter_map(|process| process.threads.stirred()).min()?;
        Some(self.stirs.instant(first))
    }

    /// The processes that count.
    pub(super) fn counted(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(|process| !process.left_out)
    }

    pub(super) fn counted_mut(&mut self) -> impl Iterator<Item = &mut Process> {
        self.processes.iter_mut().filter(|process| !process.left_out)
    }

    /// Those of the processes that count which have not ended.
    pub(super) fn running(&self) -> impl Iterator<Item = &Process> {
        self.counted().filter(|process| process.life == Life::Running)
    }

    /// Reads every process that may have changed, follows every fork, lets go of those that ended. Returns whether anything
    /// moved since the tick before.
    ///
    /// # Errors
    /// When memguard may not open more files.
    pub(super) fn update(&mut self, now: Instant, buffer: &mut Vec<u8>, reading: &mut Reading) -> io::Result<bool> {
        let moved = match self.try_update(now, buffer, reading) {
            Err(_) if !self.unaccounted => {
                // Accounts are worth less than their files; what was found and not opened is found again.
                (self.unaccounted, self.any_let_go) = (true, true);
                self.processes.iter_mut().for_each(|process| process.threads.close_accounts());
                self.try_update(now, buffer, reading)?
            }
            result => result?,
        };
        self.unseen_root = None;
        if moved {
            self.moved = self.tick;
        }
        Ok(moved)
    }

    fn try_update(&mut self, now: Instant, buffer: &mut Vec<u8>, reading: &mut Reading) -> io::Result<bool> {
        self.tick += 1;
        self.stirs.tick();
        self.found.clear();
        self.active.clear();
        self.found.extend(self.unseen_root.map(|root| (root, false)));
        let let_go_before = std::mem::take(&mut self.any_let_go);
        let may_rest = !std::mem::take(&mut self.any_borrows) && !self.unaccounted;
        let (mut moved, mut awake, mut parents_ended, mut any_ended) = (false, false, false, false);
        for index in 0..self.processes.len() {
            let process = &mut self.processes[index];
            awake |= !process.sleeps_watched();
            if may_rest && process.rests(now, &mut self.stirs, buffer) {
                moved |= process.rest();
                continue;
            }
            let before = process.life;
            let news = self.visit(index, now, buffer);
            if news == News::Ended {
                any_ended = true;
                parents_ended |= before == Life::Running;
                moved |= before != self.processes[index].life;
            } else {
                moved |= news != News::Nothing;
                self.active.push(index);
            }
        }
        // Who sleeps forks nothing. But the children of one that ended go to another, which may.
        if parents_ended || let_go_before {
            self.active.clear();
            self.active.extend((0..self.processes.len()).filter(|index| self.processes[*index].life == Life::Running));
        }
        for at in 0..self.active.len() {
            self.find_children(self.active[at], let_go_before, buffer)?;
        }
        // Orphans come to memguard when their parent ends; one whose parent was never seen is found before long, or before all
        // sleep.
        let look = parents_ended || let_go_before || self.tick.is_multiple_of(ADOPTED_EVERY);
        let look = look || !(awake || self.adopted);
        self.adopted = look || (self.adopted && !awake);
        if look && let Ok(text) = self.own_children.read(buffer) {
            self.found.extend(parse_children(text).map(|pid| (pid, false)));
        }
        if any_ended {
            self.let_go();
            moved |= !self.ended.is_empty();
        }
        // Newcomers may have forked already: the list grows while it is walked.
        while let Some((pid, left_out)) = self.found.pop() {
            if self.pids.contains(&pid) {
                continue;
            }
            match Process::open(pid, now, buffer)? {
                Some(process) => {
                    moved = true;
                    self.join(process, left_out, now, buffer, reading)?;
                }
                None => self.any_let_go = true,
            }
        }
        self.is_watched = true;
        Ok(moved)
    }

    fn join(
        &mut self,
        mut process: Process,
        left_out: bool,
        now: Instant,
        buffer: &mut Vec<u8>,
        reading: &mut Reading,
    ) -> io::Result<()> {
        let (pid, stat) = (process.pid, process.stat);
        process.left_out = left_out;
        process.forked = stat.stack != 0
            && self
                .processes
                .iter()
                .any(|other| other.pid == stat.parent && other.stat.stack == stat.stack && !other.left_out);
        process.borrows = process.forked; // until it is found out
        if !left_out {
            reading.seen.push(Seen { pid, parent: stat.parent });
        }
        self.kin_changed = true;
        self.pids.insert(pid);
        self.processes.push(process);
        let index = self.processes.len() - 1;
        if self.visit(index, now, buffer) == News::Ended {
            self.any_let_go = true;
            return Ok(());
        }
        // What a fork's marks tell at first was its parent's.
        if !self.is_watched || self.processes[index].forked {
            self.processes[index].rise = 0;
        }
        self.find_children(index, true, buffer)
    }

    fn visit(&mut self, index: usize, now: Instant, buffer: &mut Vec<u8>) -> News {
        let process = &mut self.processes[index];
        let family = process.stat.stack;
        let mut news = process.refresh(now, buffer);
        match news {
            News::Ended => {
                self.kin_changed = true;
                return news;
            }
            News::Executed => {
                self.kin_changed = true;
                let borrowed = std::mem::take(&mut process.borrows);
                if std::mem::take(&mut process.forked) && !borrowed {
                    self.changed_families.push(family);
                }
            }
            News::Moved | News::Nothing => {}
        }
        if process.borrows {
            let (pid, parent) = (process.pid, process.stat.parent);
            let memory = process.memory;
            // Where the kernel does not tell, equal to the byte is the best sign there is.
            let is_equal = || self.processes.iter().any(|other| other.pid == parent && other.memory == memory);
            let borrows = shares_memory(pid, parent).unwrap_or_else(is_equal);
            self.processes[index].borrows = borrows;
            if !borrows {
                // It has half of every page of its parent's.
                self.changed_families.push(family);
                self.kin_changed = true;
                news = News::Moved;
            }
            self.any_borrows |= borrows;
        }
        news
    }

    fn find_children(&mut self, index: usize, all: bool, buffer: &mut Vec<u8>) -> io::Result<()> {
        let process = &mut self.processes[index];
        let (pid, count, left_out) = (process.pid, process.stat.threads, process.left_out);
        self.children.clear();
        process.threads.children(pid, count, all, buffer, &mut self.children)?;
        self.found.extend(self.children.drain(..).map(|pid| (pid, left_out)));
        Ok(())
    }

    fn let_go(&mut self) {
        let (own_pid, root) = (self.own_pid, self.root);
        let Self { changed_families, pids, any_let_go, ended, .. } = self;
        self.processes.retain_mut(|process| {
            if process.life == Life::Running {
                return true;
            }
            // The root and what was left out are waited for by whoever started them.
            let adopted = process.stat.parent == own_pid && root != Some(process.pid) && !process.left_out;
            if process.life == Life::Zombie && adopted {
                reap(process.pid);
                process.life = Life::Gone;
            }
            if !process.told && !process.left_out {
                process.told = true;
                // Its relatives' shares grow, whichever of them was the parent.
                if process.kin == Kin::Family {
                    changed_families.push(process.stat.stack);
                }
                ended.push(process.end());
            }
            if process.life == Life::Gone {
                pids.remove(&process.pid);
                *any_let_go = true;
            }
            process.life != Life::Gone
        });
    }
}
