//! Who shares pages with whom.

use super::super::proc::Split;
use super::super::process::Process;
use super::super::sharing::Kin;
use super::Tree;

impl Tree {
    /// Finds out who shares pages with whom, and whose shares a fork, an exec or an end has changed.
    pub(in super::super) fn note_kin(&mut self) {
        if !std::mem::take(&mut self.kin_changed) {
            return;
        }
        let mut stacks = std::mem::take(&mut self.stacks);
        stacks.clear();
        // One that runs in its parent's memory has no pages to share.
        let sharers = self.running().filter(|process| !process.borrows);
        stacks.extend(sharers.map(|process| process.stat.stack).filter(|stack| *stack != 0));
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

    /// What the parent of a fork has resident. None for a process that runs a program of its own, and for an orphan.
    pub(in super::super) fn inherited(&self, process: &Process) -> Option<Split> {
        let parent = || self.processes.iter().find(|parent| parent.pid == process.stat.parent);
        if process.forked { parent()?.memory.map(|memory| memory.split) } else { None }
    }
}
