use std::collections::HashSet;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::marks::Marks;
use super::place::of_process;
use super::run_group::RunGroup;
use super::{GroupMemory, scope};
use crate::os::Group;
use crate::os::linux::ProcSource;
use crate::os::source::{ChildEnd, Reading, Source, SourceKind, TreeSource};
use crate::units::{Bytes, Metric, Parts};

/// Reads a control group that is made for the run.
///
/// # Errors
/// When no group can be made, saying why and what to do; when the metric is another.
pub fn cgroup_source(metric: Option<Metric>) -> Result<Box<dyn TreeSource>> {
    ensure!(
        matches!(metric, None | Some(Metric::Cgroup)),
        "the source `cgroup` can't read the metric `{}`\nhelp: use `--metric cgroup`, or leave `--source` out",
        metric.unwrap_or(Metric::Cgroup)
    );
    CgroupSource::new().map(|source| Box::new(source) as Box<dyn TreeSource>)
}

/// How often it is looked whether a process has left the group.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// The group tells the memory; /proc the processes, and how high each of them rose between two readings.
#[derive(Debug)]
struct CgroupSource {
    own: RunGroup,
    marks: Marks,
    tree: ProcSource,
    buffer: Vec<u8>,
    looked_around: Instant,
    /// Processes of the tree that went over to another group.
    left: HashSet<u32>,
    not_removed: Option<String>,
}

impl CgroupSource {
    fn new() -> Result<Self> {
        let tree = ProcSource::new(Metric::Rss)?;
        let own = RunGroup::create()?;
        let marks = Marks::open(own.group.version(), own.group.folder());
        Ok(Self {
            own,
            marks,
            tree,
            buffer: Vec::new(),
            looked_around: Instant::now(),
            left: HashSet::new(),
            not_removed: None,
        })
    }

    /// What leaves the group is no longer counted: whoever reads the results has to know.
    fn look_around(&mut self) {
        if self.looked_around.elapsed() < LOOK_AROUND {
            return;
        }
        self.looked_around = Instant::now();
        let members: HashSet<u32> = self.own.group.members().into_iter().collect();
        for pid in self.tree.members().into_iter().filter(|pid| !members.contains(pid)) {
            // It has ended since, or it really is elsewhere.
            let is_elsewhere = |place: &super::place::Place| !place.folder.starts_with(self.own.group.folder());
            if of_process(&pid.to_string()).is_ok_and(|place| is_elsewhere(&place)) {
                self.left.insert(pid);
            }
        }
    }
}

impl Source for CgroupSource {
    fn metric(&self) -> Metric {
        Metric::Cgroup
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Cgroup
    }

    fn read(&mut self) -> Result<Reading> {
        let mut reading = self.tree.read()?;
        let memory = self.own.group.read(&mut self.buffer).with_context(|| {
            format!("could not read the run's control group `{}`", self.own.group.folder().display())
        })?;
        let marked = self.marks.take(memory.swap.unwrap_or_default());
        let rise = reading.peak.saturating_sub(reading.memory);
        if reading.processes == Some(0) {
            // None that memguard knows of by its parents.
            reading.processes = u32::try_from(self.own.group.members().len()).ok();
        }
        fill_in(&mut reading, &memory, rise, marked);
        self.look_around();
        Ok(reading)
    }

    fn is_gone(&self) -> bool {
        self.members().is_empty()
    }

    fn notices(&self) -> Vec<String> {
        let left = match self.left.len() {
            0 => None,
            1 => Some("a process went over to another control group: its memory is not counted there".to_owned()),
            count => {
                Some(format!("{count} processes went over to other control groups: their memory is not counted there"))
            }
        };
        self.tree.notices().into_iter().chain(left).chain(self.not_removed.clone()).collect()
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = self.tree.remarks();
        remarks.extend(scope::remark(self.own.group.folder()));
        remarks
    }
}

impl TreeSource for CgroupSource {
    fn prepare(&mut self, command: &mut Command) -> Result<()> {
        self.tree.prepare(command)?;
        self.own.enter(command)
    }

    fn follow(&mut self, root: u32, group: Option<&Group>) -> Result<()> {
        self.tree.follow(root, group)
    }

    fn leave_out(&mut self, pid: u32) {
        self.tree.leave_out(pid);
    }

    fn members(&self) -> Vec<u32> {
        let mut members = self.own.group.members();
        members.extend(self.tree.members());
        members.sort_unstable();
        members.dedup();
        members
    }

    fn kill(&self) {
        self.own.kill();
        self.tree.kill();
    }

    fn root_ended(&mut self, end: &ChildEnd) {
        self.tree.root_ended(end);
    }

    fn at_most(&mut self, highest: Option<Bytes>) -> Option<Bytes> {
        if self.marks.are_kept() { highest } else { self.tree.at_most(highest) }
    }

    fn memory_kills(&self) -> Option<u64> {
        self.own.group.memory_kills()
    }

    fn end(&mut self) {
        let folder = self.own.group.folder().display().to_string();
        if let Err(error) = self.own.remove() {
            self.not_removed = Some(format!("the run's control group `{folder}` could not be removed: {error}"));
        }
    }
}

/// Puts the group's memory in the place of the processes'. `rise` is how far one process rose above what it holds now; `marked`
/// the most that was charged.
fn fill_in(reading: &mut Reading, memory: &GroupMemory, rise: Bytes, marked: Option<Bytes>) {
    let now = memory.memory();
    // What a process mapped of files that another group was charged for is no rise of this one: it can't be above the mark.
    let risen = marked.map_or(now + rise, |marked| marked.min(now + rise));
    let most = memory.at_most();
    reading.memory = now;
    reading.peak = risen.max(now);
    reading.at_most = marked.or(reading.at_most).map(|bound| bound.max(most).max(reading.peak));
    reading.parts = Parts {
        rss: reading.parts.rss,
        anon: Some(memory.anon),
        file: Some(memory.file),
        shmem: Some(memory.shmem),
        swap: memory.swap,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(anon: u64) -> GroupMemory {
        let mut memory = GroupMemory::default();
        (memory.anon, memory.swap) = (Bytes(anon), Some(Bytes(5)));
        memory
    }

    fn filled(rise: u64, marked: Option<u64>) -> Reading {
        let mut reading =
            Reading { memory: Bytes(70), peak: Bytes(90), at_most: Some(Bytes(300)), ..Reading::default() };
        fill_in(&mut reading, &memory(100), Bytes(rise), marked.map(Bytes));
        reading
    }

    #[test]
    fn a_rise_between_two_readings_counts_as_far_as_it_was_charged() {
        let tick = filled(20, Some(400));
        assert_eq!((tick.memory, tick.peak, tick.at_most), (Bytes(105), Bytes(125), Some(Bytes(400))));
        assert_eq!(filled(20, Some(110)).peak, Bytes(110), "pages that another group was charged for");
        assert_eq!(filled(0, Some(90)).peak, Bytes(105), "a mark that lags behind");
    }

    #[test]
    fn without_a_mark_the_processes_bound_it() {
        let tick = filled(20, None);
        assert_eq!((tick.peak, tick.at_most), (Bytes(125), Some(Bytes(300))));
    }
}
