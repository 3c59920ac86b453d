//! Reads a tree of processes through /proc.

use std::io;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::attach;
use super::files::ManyFiles;
use super::footprint::{Footprint, SMALL, Total};
use super::machine::Machine;
use super::proc::{ProcFile, parse_status};
use super::process::{Process, Rise};
use super::sharing::Estimate;
use super::tree::{Changes, EndedRoot, Tree};
use crate::os::Group;
use crate::os::source::{ChildEnd, Reading, Share, Source, SourceKind, TreeSource};
use crate::units::{Bytes, Metric, Parts, Uncertainty};

/// The metrics that `status` has.
pub(super) const METRICS: [Metric; 2] = [Metric::Footprint, Metric::Rss];

/// Reads a tree through /proc.
#[derive(Debug)]
pub(super) struct ProcSource {
    metric: Metric,
    tree: Tree,
    footprint: Footprint,
    machine: Machine,
    buffer: Vec<u8>,
    last: Last,
    root: Root,
    /// How many huge pages the machine had given out when the tree last moved.
    huge_pages: u64,
    /// How many of them were new then: the counter is read after the processes.
    new_huge_pages: u64,
    wants_exact: bool,
    /// From the launch on: the workload starts under the limits which memguard found.
    files: Option<ManyFiles>,
    /// The system refused files for what is to be left out.
    failed: Option<io::Error>,
}

/// What the readings found so far.
#[derive(Debug, Default)]
struct Last {
    total: Total,
    /// The sum at the beginning of that tick.
    begin: Estimate,
    /// The highest sum.
    highest: u64,
    processes: u32,
}

/// How a process moved within a tick, in bytes.
struct Moved {
    rise: Rise,
    growth: u64,
    /// How far it was, at its highest, above what it held before.
    above_before: u64,
}

/// What is known of the first process.
#[derive(Debug, Default)]
struct Root {
    pid: Option<u32>,
    end: Option<ChildEnd>,
    /// There were processes beside it.
    had_others: bool,
    /// It let go of mapped files: other memory can have come and gone in their place, below its mark.
    has_unmapped: bool,
}

/// Sums of less than this are never read twice in a tick.
const READ_TWICE: u64 = 16 << 20;

impl ProcSource {
    pub(super) fn open(metric: Option<Metric>) -> Result<Self> {
        let metric = metric.unwrap_or(Metric::Footprint);
        ensure!(
            METRICS.contains(&metric),
            "the source `proc` can't read the metric `{metric}`\nhelp: use `--metric footprint` or `--metric rss`"
        );
        let mut buffer = Vec::new();
        let own = ProcFile::open("/proc/self/status").and_then(|file| file.read(&mut buffer).map(parse_status));
        let own = own.context("could not read `/proc/self/status`")?;
        ensure!(
            own.is_some_and(|memory| memory.anon > 0),
            "this kernel does not split resident memory by kind (Linux 4.5 and later do)\nhelp: use `--source portable`"
        );
        let machine = Machine::new();
        let huge_pages = machine.huge_pages(&mut buffer);
        Ok(Self {
            metric,
            tree: Tree::new()?,
            footprint: Footprint::new(Instant::now(), &machine, &mut buffer),
            machine,
            buffer,
            last: Last::default(),
            root: Root::default(),
            huge_pages,
            new_huge_pages: 0,
            wants_exact: false,
            files: None,
            failed: None,
        })
    }

    /// Begins the tree at a process that memguard did not start, with all its descendants as they are now. Those that lose
    /// their parents from now on stay. memguard itself is left out. Returns the command line.
    pub(super) fn attach(&mut self, pid: u32) -> Result<String> {
        let command = attach::check(pid)?;
        self.files = Some(ManyFiles::claim());
        self.tree.leave_out(std::process::id()).context("could not open the files of memguard's own process")?;
        self.tree.join_in(pid);
        self.root.had_others = true; // in its past, for all that is known
        Ok(command)
    }

    /// The sum of what the processes hold, in the metric: now, and at the beginning of the tick.
    fn add_up(&mut self, now: Instant, changes: &Changes) -> (Total, Estimate) {
        if changes.members {
            self.footprint.regroup(&self.tree.processes);
        }
        let total = self.footprint.add_up(&self.tree.processes, &self.machine, &mut self.buffer);
        if self.metric == Metric::Rss {
            let resident = total.parts.resident();
            let sum = Estimate { value: resident, low: resident, high: resident };
            return (Total { sum, ..total }, sum);
        }
        let wanted = (self.last.highest, std::mem::take(&mut self.wants_exact));
        let total = if total.sum.value > self.last.highest.max(READ_TWICE) { self.read_twice(total) } else { total };
        self.footprint.settle(total, &self.tree.processes, wanted, now, &mut self.buffer)
    }

    /// Reads processes again that grew in this tick to a new high: what one has given back meanwhile, another may have taken
    /// between the two readings, and the sum has it twice.
    fn read_twice(&mut self, mut total: Total) -> Total {
        let grown = |process: &&Process| process.is_read() && process.counts() && process.growth() > 0;
        if self.tree.processes.iter().filter(grown).nth(1).is_none() {
            return total;
        }
        let (mut given_back, mut taken) = (0, 0);
        for process in self.tree.processes.iter().filter(grown) {
            let again = process.read_memory(&mut self.buffer).map_or(0, |memory| memory.footprint());
            match process.footprint().saturating_sub(again) {
                0 => taken += process.growth(),
                given => given_back += given,
            }
        }
        let double = given_back.min(taken);
        total.sum.value = total.sum.value.saturating_sub(double);
        total.sum.low = total.sum.low.saturating_sub(double);
        total
    }

    /// The reading of a tree whose sum is `total`.
    fn reading(&mut self, (total, begin): (Total, Estimate), changes: &Changes, reading: &mut Reading) {
        let moved = self.rises();
        let (low, peak, high) = peak(&begin, &moved);
        let (low, peak, mut high) = (low.max(total.sum.low), peak.max(total.sum.value), high.max(total.sum.high));
        // Each process was at its mark, or at what it holds now, beside what all held before.
        let before = self.last.begin.high.max(self.last.total.sum.high);
        let above: u64 = moved.iter().map(|moved| moved.above_before).sum();
        let has_risen = moved.iter().any(|moved| moved.rise != Rise::default());
        let is_lost = !changes.lost.is_nothing();
        let mut new = 0;
        if self.root.had_others && changes.moved {
            let huge_pages = self.machine.huge_pages(&mut self.buffer);
            let since = huge_pages.saturating_sub(std::mem::replace(&mut self.huge_pages, huge_pages));
            new = since + std::mem::replace(&mut self.new_huge_pages, since);
        }
        if is_lost {
            high = high
                .max(before.max(total.sum.high) + changes.lost.bytes(new))
                .max(before + above + changes.lost.bytes(new));
        } else if has_risen {
            high = high.max(before + above);
        }
        let below = (peak - low.min(peak)).max(total.sum.value - total.sum.low);
        let Total { parts, shmem, sum } = total;
        reading.memory = Bytes(sum.value);
        reading.peak = Bytes(peak);
        reading.rise = Bytes(peak.saturating_sub(begin.value.max(sum.value)));
        reading.uncertainty = Uncertainty { below: Bytes(below), above: Bytes(high.saturating_sub(peak)) };
        reading.parts = Parts {
            rss: Some(Bytes(parts.resident())),
            anon: Some(Bytes(sum.value.saturating_sub(shmem + parts.swap))),
            shmem: Some(Bytes(shmem)),
            swap: Some(Bytes(parts.swap)),
            mapped: Some(Bytes(parts.mapped)),
            kernel: None,
        };
        if self.metric == Metric::Rss {
            reading.parts.anon = Some(Bytes(parts.anon));
        }
        self.last.highest = self.last.highest.max(peak);
        let unmapped = self.last.total.parts.mapped.saturating_sub(parts.mapped);
        self.root.has_unmapped |= parts.mapped > 0 && unmapped > self.last.highest / SMALL;
        (self.last.total, self.last.begin) = (total, begin);
    }

    /// How the processes moved within this tick.
    fn rises(&self) -> Vec<Moved> {
        let counted = self.tree.processes.iter().filter(|process| process.is_read() && process.counts());
        let moved = counted.map(|process| {
            let rise = match self.metric {
                Metric::Rss => Rise { bytes: process.rise.resident, below: 0, above: 0, ..process.rise },
                _ => process.rise,
            };
            // One that was not there before may have come when others had gone.
            let before = process.before.footprint();
            let is_known = process.before.high_water > 0;
            let highest = process.footprint() + rise.bytes + rise.above;
            let above_before = if is_known { highest.saturating_sub(before) } else { 0 };
            Moved { rise, growth: process.growth(), above_before }
        });
        moved.filter(|moved| moved.rise != Rise::default() || moved.growth > 0).collect()
    }

    /// What the root had last, by what the kernel reports of its whole life.
    fn end_root(&mut self, changes: &mut Changes, reading: &mut Reading) {
        let (Some(ended), Some(end)) = (self.tree.root.ended.take(), self.root.end) else { return };
        let EndedRoot { memory, high_water, faults } = ended;
        let late = end.minor_faults.map_or(0, |all| all.saturating_sub(faults));
        changes.lost.add_faults(late);
        let Some(reached) = end.at_most.filter(|most| end.is_reached && *most > high_water && !self.root.had_others)
        else {
            return;
        };
        // It rose after its last reading, alone.
        let risen = reached.0.saturating_sub(memory.resident());
        let brought = late.saturating_mul(rustix::param::page_size() as u64);
        (reading.peak, reading.rise) = (Bytes(memory.footprint() + risen), Bytes(risen));
        reading.uncertainty = Uncertainty { below: Bytes(risen.saturating_sub(brought)), above: Bytes::ZERO };
        changes.lost = super::tree::Lost::default();
    }
}

/// The lowest, the likely and the highest peak since the reading before: one process at its mark beside what was there all the
/// while. Of several marks only the largest is certain: they can have been reached one after another.
fn peak(sum: &Estimate, moved: &[Moved]) -> (u64, u64, u64) {
    let growth: u64 = moved.iter().map(|moved| moved.growth).sum();
    let mut peak = (sum.low, sum.value);
    let mut high = sum.high;
    for Moved { rise, growth: own_growth, .. } in moved {
        let others = growth - own_growth;
        let risen = |from: u64, by: u64| (from + by).saturating_sub(others);
        high += rise.bytes + rise.above;
        let value = risen(sum.value, rise.bytes);
        if value > peak.1 {
            peak = (risen(sum.low, rise.bytes - rise.below).max(sum.low), value);
        }
    }
    (peak.0, peak.1, high)
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
        let mut changes = match self.failed.take() {
            Some(error) => Err(error),
            None => self.tree.update(now, &mut self.buffer, &mut reading),
        }
        .context(
            "could not open the files of each of its processes\nhelp: raise the limit of open files, `ulimit -n`",
        )?;
        self.root.had_others |= reading.seen.iter().any(|seen| Some(seen.pid) != self.root.pid);
        if changes.members {
            let counted = self.tree.processes.iter().filter(|process| process.counts() && process.memory.is_some());
            self.last.processes = u32::try_from(counted.count()).unwrap_or(u32::MAX);
        }
        reading.is_partial = !changes.complete && !changes.moved;
        let Estimate { value, low, high } = self.last.total.sum;
        let is_uncertain = high - low > value / SMALL;
        let total = if changes.moved || changes.members || self.wants_exact || is_uncertain {
            self.add_up(now, &changes)
        } else {
            (self.last.total, self.last.total.sum)
        };
        reading.processes = Some(self.last.processes);
        self.end_root(&mut changes, &mut reading);
        if reading.peak == Bytes::ZERO {
            self.reading(total, &changes, &mut reading);
        }
        if self.tree.refused > 0 {
            reading.uncertainty.above = Uncertainty::UNBOUNDED.above;
        }
        reading.machine_used = self.machine.used(now, &mut self.buffer);
        Ok(reading)
    }

    fn is_gone(&self) -> bool {
        self.tree.running().next().is_none()
    }

    fn shares(&self) -> Vec<Share<'_>> {
        let mut shares = Vec::new();
        for process in self.tree.running().filter(|process| process.counts()) {
            let Some(memory) = process.memory else { continue };
            let bytes = match self.metric {
                Metric::Rss => memory.resident(),
                _ => self.footprint.share(process, &memory),
            };
            let (command, is_fork) = (process.program.command.as_str(), process.role.is_fork);
            shares.push(Share { command, is_fork, memory: Bytes(bytes) });
        }
        shares
    }

    fn settle(&mut self) {
        self.wants_exact = true;
    }

    fn notices(&self) -> Vec<String> {
        let denied = self.footprint.denied;
        let notice = || {
            format!(
                "the system does not let memguard read what {denied} processes share (another user's?): their sum lies between \
                 the largest of them and all of them"
            )
        };
        let refused = self.tree.refused;
        let missing = || format!("the system does not let memguard read {refused} processes: their memory is missing");
        (denied > 0).then(notice).into_iter().chain((refused > 0).then(missing)).collect()
    }
}

impl TreeSource for ProcSource {
    fn prepare(&mut self, _command: &mut Command) -> Result<()> {
        self.tree.leave_out_children()
    }

    fn follow(&mut self, root: u32, _group: Option<&Group>) -> Result<()> {
        self.files = Some(ManyFiles::claim());
        self.root.pid = Some(root);
        self.tree.follow(root);
        Ok(())
    }

    fn leave_out(&mut self, pid: u32) {
        self.failed = self.tree.leave_out(pid).err();
    }

    fn root_ended(&mut self, end: &ChildEnd) {
        self.root.end = Some(*end);
    }

    fn covers_gaps(&self) -> bool {
        !self.root.had_others && !self.root.has_unmapped && self.root.end.is_some_and(|end| end.at_most.is_some())
    }

    fn members(&self) -> Vec<u32> {
        self.tree.running().map(|process| process.pid).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn moved(bytes: u64, below: u64, above: u64, growth: u64) -> Moved {
        Moved { rise: Rise { bytes, resident: bytes, below, above }, growth, above_before: 0 }
    }

    #[test]
    fn of_several_marks_only_the_largest_is_certain() {
        let sum = Estimate { value: 100, low: 100, high: 100 };
        assert_eq!(peak(&sum, &[]), (100, 100, 100));
        assert_eq!(peak(&sum, &[moved(64, 0, 0, 0)]), (164, 164, 164));
        assert_eq!(peak(&sum, &[moved(64, 0, 0, 0), moved(60, 0, 0, 0)]), (164, 164, 224));
        assert_eq!(peak(&sum, &[moved(64, 10, 5, 0)]), (154, 164, 169), "some of it may be mapped files");
    }

    #[test]
    fn what_others_grew_can_have_come_after_a_mark() {
        let sum = Estimate { value: 100, low: 90, high: 110 };
        assert_eq!(peak(&sum, &[moved(64, 0, 0, 7), moved(0, 0, 0, 30)]), (124, 134, 174));
        assert_eq!(peak(&sum, &[moved(20, 0, 0, 0), moved(0, 0, 0, 30)]), (90, 100, 130), "the sum now is higher");
    }
}
