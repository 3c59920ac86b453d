use std::collections::HashSet;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::GroupMemory;
use super::charge::Charge;
use super::place::of_process;
use super::run_group::RunGroup;
use crate::os::Group;
use crate::os::linux::proc_source::ProcSource;
use crate::os::source::{ChildEnd, Reading, Source, SourceKind, TreeSource};
use crate::units::{Bytes, Metric, Parts, Uncertainty};

/// Reads a control group that is made for the run.
///
/// # Errors
/// When no group can be made, saying why and what to do; when the metric is another.
pub fn cgroup_source(metric: Option<Metric>) -> Result<Box<dyn TreeSource>> {
    ensure!(
        matches!(metric, None | Some(Metric::Footprint)),
        "the source `cgroup` can't read the metric `{}`\nhelp: use `--metric footprint`, or leave `--source` out",
        metric.unwrap_or(Metric::Footprint)
    );
    CgroupSource::new().map(|source| Box::new(source) as Box<dyn TreeSource>)
}

/// How often it is looked whether a process has left the group.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// The group tells the memory; /proc the processes, and how high each of them rose between two readings.
#[derive(Debug)]
struct CgroupSource {
    own: RunGroup,
    charge: Charge,
    tree: ProcSource,
    buffer: Vec<u8>,
    looked_around: Instant,
    /// Processes of the tree that went over to another group.
    left: HashSet<u32>,
    not_removed: Option<String>,
}

impl CgroupSource {
    fn new() -> Result<Self> {
        let tree = ProcSource::open(Some(Metric::Footprint))?;
        let own = RunGroup::create()?;
        let charge = Charge::open(own.group.version(), own.group.folder());
        Ok(Self {
            own,
            charge,
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
        Metric::Footprint
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Cgroup
    }

    fn read(&mut self) -> Result<Reading> {
        let mut reading = self.tree.read()?;
        self.charge.begin();
        let memory = self.own.group.read(&mut self.buffer).with_context(|| {
            format!("could not read the run's control group `{}`", self.own.group.folder().display())
        })?;
        let risen = self.charge.take(memory.resident());
        if reading.processes == Some(0) {
            // None that memguard knows of by its parents.
            reading.processes = u32::try_from(self.own.group.members().len()).ok();
        }
        fill_in(&mut reading, &memory, risen);
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

    fn covers_gaps(&self) -> bool {
        self.charge.resets()
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

/// Puts the group's memory in the place of the processes'. `risen` is between what and what it was at its highest since the
/// reading before, swap apart; None where the kernel keeps no mark of it: then the marks of the processes have to do.
fn fill_in(reading: &mut Reading, memory: &GroupMemory, risen: Option<(Bytes, Bytes)>) {
    let (now, swap) = (memory.footprint(), memory.swap.unwrap_or_default());
    let by_process = now + reading.rise;
    let by_process = (by_process.saturating_sub(reading.uncertainty.below), by_process, by_process);
    let (low, peak, high) = risen.map_or(by_process, |(low, high)| (low + swap, low + swap, high + swap));
    reading.memory = now;
    reading.peak = now.max(peak);
    let high = high.max(memory.uncertainty().high(now));
    reading.uncertainty = Uncertainty::between(now.max(low), reading.peak, high);
    reading.parts = Parts { rss: reading.parts.rss, ..memory.parts() };
    reading.is_partial = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(risen: Option<(u64, u64)>) -> Reading {
        let mut memory = GroupMemory::default();
        (memory.anon, memory.swap) = (Bytes(100), Some(Bytes(5)));
        let mut reading = Reading { memory: Bytes(70), peak: Bytes(90), rise: Bytes(20), ..Reading::default() };
        fill_in(&mut reading, &memory, risen.map(|(low, high)| (Bytes(low), Bytes(high))));
        reading
    }

    #[test]
    fn a_rise_between_two_readings_is_known_by_what_was_charged() {
        let reading = filled(Some((120, 130)));
        assert_eq!((reading.memory, reading.peak), (Bytes(105), Bytes(125)));
        assert_eq!(reading.uncertainty, Uncertainty { below: Bytes::ZERO, above: Bytes(10) });
        assert_eq!(filled(Some((60, 70))).peak, Bytes(105), "a mark that lags behind");
    }

    #[test]
    fn without_a_mark_a_process_that_rose_has_to_do() {
        assert_eq!(filled(None).peak, Bytes(125));
    }
}
