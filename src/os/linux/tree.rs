use anyhow::{Context, Result};

use super::proc::{ProcFile, parse_children};
use super::process::{Life, Process};
use super::reap;
use crate::os::source::{Gone, Reading, Seen};

/// The root process, all its descendants, and the orphans among them, which become memguard's children.
#[derive(Debug)]
pub(super) struct Tree {
    processes: Vec<Process>,
    /// The children of memguard's first thread: that which adopts orphans.
    own_children: ProcFile,
    own_pid: u32,
    root: Option<u32>,
    /// The root until it is first read.
    unseen_root: Option<u32>,
    /// Scratch for the pids found in one tick.
    found: Vec<(u32, bool)>,
    children: Vec<u32>,
    ticks: u32,
    /// The families (programs forked and not executed anew, by the stack that they share) which gained or lost a member
    /// since the shares were last read.
    pub(super) changed_families: Vec<u64>,
}

/// For so many ticks a process is asked at each whether it has executed a program; later at every so many.
const YOUNG: u32 = 16;

/// The list of adopted orphans is read at every so many ticks, and whenever a process has ended.
const ADOPTED_EVERY: u32 = 8;

/// For so many ticks a child whose memory is its parent's to the byte is taken to run in it (vfork), waiting to execute.
const BORROWS_FOR: u32 = 50;

impl Tree {
    pub(super) fn new() -> Result<Self> {
        let own_pid = std::process::id();
        let path = format!("/proc/self/task/{own_pid}/children");
        let own_children = ProcFile::open(&path).with_context(|| {
            format!("could not open `{path}` (the kernel lacks CONFIG_PROC_CHILDREN?)\nhelp: use `--source portable`")
        })?;
        let mut tree = Self {
            processes: Vec::new(),
            own_children,
            own_pid,
            root: None,
            unseen_root: None,
            found: Vec::new(),
            children: Vec::new(),
            ticks: 0,
            changed_families: Vec::new(),
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

    /// Marks the processes that share pages with a relative.
    pub(super) fn note_families(&mut self, buffer: &mut Vec<u8>) {
        for index in 0..self.processes.len() {
            let (pid, stack) = (self.processes[index].pid, self.processes[index].identity.stack);
            let is_kin =
                |other: &Process| other.identity.stack == stack && other.pid != pid && other.life == Life::Running;
            let family = stack != 0 && self.counted().any(is_kin);
            self.processes[index].family = family;
            if family {
                self.processes[index].note_faults(buffer);
            }
        }
    }

    /// Whether its memory is its parent's own, not a copy: between vfork and exec.
    pub(super) fn borrows_memory(&self, process: &Process) -> bool {
        process.forked
            && process.age <= BORROWS_FOR
            && self.processes.iter().any(|parent| parent.pid == process.parent && parent.memory == process.memory)
    }

    /// Reads every process once, follows every fork, lets go of those that ended.
    pub(super) fn update(&mut self, buffer: &mut Vec<u8>, reading: &mut Reading) {
        self.found.clear();
        if let Some(root) = self.unseen_root.take() {
            self.found.push((root, false));
        }
        for index in 0..self.processes.len() {
            self.visit(index, buffer);
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
            if self.processes.iter().any(|process| process.pid == pid) {
                continue;
            }
            if let Some(process) = Process::open(pid, buffer) {
                self.join(process, left_out, buffer, reading);
            }
        }
    }

    fn join(&mut self, mut process: Process, left_out: bool, buffer: &mut Vec<u8>, reading: &mut Reading) {
        process.left_out = left_out;
        process.forked = process.identity.stack != 0
            && self.processes.iter().any(|other| {
                other.pid == process.parent && other.identity.stack == process.identity.stack && !other.left_out
            });
        if process.forked {
            self.changed_families.push(process.identity.stack);
        }
        if !left_out {
            reading.seen.push(Seen { pid: process.pid, parent: process.parent });
        }
        self.processes.push(process);
        self.visit(self.processes.len() - 1, buffer);
    }

    fn visit(&mut self, index: usize, buffer: &mut Vec<u8>) {
        let process = &mut self.processes[index];
        let Some(status) = process.refresh(buffer) else { return };
        if process.life != Life::Running {
            return;
        }
        if process.age < YOUNG || process.age.is_multiple_of(YOUNG) {
            let (family, forked) = (process.identity.stack, process.forked);
            if process.note_exec(buffer) && forked {
                self.changed_families.push(family);
            }
        }
        let left_out = process.left_out;
        self.children.clear();
        process.children(&status, buffer, &mut self.children);
        self.found.extend(self.children.drain(..).map(|pid| (pid, left_out)));
    }

    fn let_go(&mut self, reading: &mut Reading) {
        let (own_pid, root) = (self.own_pid, self.root);
        let changed_families = &mut self.changed_families;
        self.processes.retain_mut(|process| {
            if process.life == Life::Running {
                return true;
            }
            // The root and what was left out are waited for by whoever started them.
            let adopted = process.parent == own_pid && root != Some(process.pid) && !process.left_out;
            if process.life == Life::Zombie && adopted {
                reap(process.pid);
                process.life = Life::Gone;
            }
            if !process.told && !process.left_out {
                process.told = true;
                if process.forked {
                    changed_families.push(process.identity.stack);
                }
                reading.gone.push(Gone {
                    pid: process.pid,
                    peak: process.peak,
                    command: std::mem::take(&mut process.command),
                });
            }
            process.life != Life::Gone
        });
    }
}
