use std::collections::HashSet;

use anyhow::{Context, Result};

use super::proc::{ProcFile, Split, parse_children};
use super::process::{Life, News, Process};
use super::sharing::Kin;
use super::{reap, shares_memory};
use crate::os::source::{Gone, Reading, Seen};

/// The root process, all its descendants, and the orphans among them, which become memguard's children.
#[derive(Debug)]
pub(super) struct Tree {
    processes: Vec<Process>,
    pids: HashSet<u32>,
    /// The children of memguard's first thread: that which adopts orphans.
    own_children: ProcFile,
    own_pid: u32,
    root: Option<u32>,
    /// The root until it is first read.
    unseen_root: Option<u32>,
    /// Scratch for the pids found in one tick, and whether they are left out.
    found: Vec<(u32, bool)>,
    children: Vec<u32>,
    ticks: u32,
    /// A process was let go of: its number may be another's, in a list of children that reads the same.
    any_let_go: bool,
    /// The families (programs forked and not executed anew, by the stack that they share) which gained or lost a member
    /// since the shares were last read.
    changed_families: Vec<u64>,
    /// Scratch.
    stacks: Vec<u64>,
}

/// The list of adopted orphans is read at every so many ticks, and whenever a process has ended.
const ADOPTED_EVERY: u32 = 8;

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
            found: Vec::new(),
            children: Vec::new(),
            ticks: 0,
            any_let_go: false,
            changed_families: Vec::new(),
            stacks: Vec::new(),
        };
        // What is there before the root is none of its own.
        let mut buffer = Vec::new();
        let earlier: Vec<u32> = tree.own_children.read(&mut buffer).map(|text| parse_children(text).collect())?;
        for pid in earlier {
            tree.leave_out(pid);
        }
        Ok(tree)
    }

    pub(super) fn follow(&mut self, root: u32) {
        (self.root, self.unseen_root) = (Some(root), Some(root));
    }

    pub(super) fn leave_out(&mut self, pid: u32) {
        if let Some(mut process) = Process::open(pid, &mut Vec::new()) {
            process.left_out = true;
            self.pids.insert(pid);
            self.processes.push(process);
        }
    }

    /// The processes that count.
    pub(super) fn counted(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(|process| !process.left_out)
    }

    pub(super) fn counted_mut(&mut self) -> impl Iterator<Item = &mut Process> {
        self.processes.iter_mut().filter(|process| !process.left_out)
    }

    /// Finds out who shares pages with whom, and whose shares a fork, an exec or an end has changed.
    pub(super) fn note_kin(&mut self) {
        let mut stacks = std::mem::take(&mut self.stacks);
        stacks.clear();
        stacks.extend(self.running().map(|process| process.stat.stack).filter(|stack| *stack != 0));
        stacks.sort_unstable();
        let crowd = self.running().nth(1).is_some();
        let changed = std::mem::take(&mut self.changed_families);
        for process in self.counted_mut() {
            let first = stacks.partition_point(|stack| *stack < process.stat.stack);
            let family = stacks.get(first + 1) == Some(&process.stat.stack);
            process.kin = match (family, crowd) {
                (true, _) => Kin::Family,
                (false, true) => Kin::Crowd,
                (false, false) => Kin::Alone,
            };
            process.stale |= changed.contains(&process.stat.stack);
        }
        self.stacks = stacks;
    }

    /// Those of the processes that count which have not ended.
    pub(super) fn running(&self) -> impl Iterator<Item = &Process> {
        self.counted().filter(|process| process.life == Life::Running)
    }

    /// What the parent of a fork has resident. None for a process that runs a program of its own, and for an orphan.
    pub(super) fn inherited(&self, process: &Process) -> Option<Split> {
        let parent = || self.processes.iter().find(|parent| parent.pid == process.stat.parent);
        if process.forked { parent()?.memory.map(|memory| memory.split) } else { None }
    }

    /// Reads every process once, follows every fork, lets go of those that ended.
    pub(super) fn update(&mut self, buffer: &mut Vec<u8>, reading: &mut Reading) {
        self.found.clear();
        if let Some(root) = self.unseen_root.take() {
            self.found.push((root, false));
        }
        let all = std::mem::take(&mut self.any_let_go);
        for index in 0..self.processes.len() {
            self.visit(index, all, buffer);
        }
        // Orphans come to memguard when their parent ends; one whose parent was never seen is found before long.
        self.ticks += 1;
        let parents_ended = self.processes.iter().any(|process| process.life != Life::Running);
        if (parents_ended || self.ticks.is_multiple_of(ADOPTED_EVERY))
            && let Ok(text) = self.own_children.read(buffer)
        {
            self.found.extend(parse_children(text).map(|pid| (pid, false)));
        }
        self.let_go(reading);
        // Newcomers may have forked already: the list grows while it is walked.
        while let Some((pid, left_out)) = self.found.pop() {
            if self.pids.contains(&pid) {
                continue;
            }
            if let Some(process) = Process::open(pid, buffer) {
                self.join(process, left_out, buffer, reading);
            }
        }
    }

    fn join(&mut self, mut process: Process, left_out: bool, buffer: &mut Vec<u8>, reading: &mut Reading) {
        let (pid, stat) = (process.pid, process.stat);
        process.left_out = left_out;
        process.forked = stat.stack != 0
            && self
                .processes
                .iter()
                .any(|other| other.pid == stat.parent && other.stat.stack == stat.stack && !other.left_out);
        process.borrows = process.forked;
        if process.forked {
            self.changed_families.push(stat.stack);
        }
        if !left_out {
            reading.seen.push(Seen { pid, parent: stat.parent });
        }
        self.pids.insert(pid);
        self.processes.push(process);
        self.visit(self.processes.len() - 1, true, buffer);
    }

    fn visit(&mut self, index: usize, all: bool, buffer: &mut Vec<u8>) {
        let process = &mut self.processes[index];
        let family = process.stat.stack;
        match process.refresh(buffer) {
            News::Ended => return,
            News::Executed if process.forked => {
                self.changed_families.push(family);
                (process.forked, process.borrows) = (false, false);
            }
            News::Executed | News::Nothing => {}
        }
        if process.borrows {
            let (pid, parent) = (process.pid, process.stat.parent);
            let memory = process.memory;
            // Where the kernel does not tell, equal to the byte is the best sign there is.
            let is_equal = || self.processes.iter().any(|other| other.pid == parent && other.memory == memory);
            let borrows = shares_memory(pid, parent).unwrap_or_else(is_equal);
            self.processes[index].borrows = borrows;
        }
        let process = &mut self.processes[index];
        let left_out = process.left_out;
        self.children.clear();
        process.children(all, buffer, &mut self.children);
        self.found.extend(self.children.drain(..).map(|pid| (pid, left_out)));
    }

    fn let_go(&mut self, reading: &mut Reading) {
        let (own_pid, root) = (self.own_pid, self.root);
        let Self { changed_families, pids, any_let_go, .. } = self;
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
                reading.gone.push(Gone {
                    pid: process.pid,
                    peak: process.peak,
                    command: std::mem::take(&mut process.command),
                });
            }
            if process.life == Life::Gone {
                pids.remove(&process.pid);
                *any_let_go = true;
            }
            process.life != Life::Gone
        });
    }
}
