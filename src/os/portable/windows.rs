use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context, Result};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::source::{Id, Memory, Newcomer, Processes, State};
use crate::os::Group;
use crate::os::system::{Counters, Job, Process};
use crate::units::{Bytes, Metric};

/// What Windows tells of its processes: who is in the job, and what each has committed. `sysinfo` knows parents and command
/// lines, and lists the whole system for either: it is asked when somebody came.
pub(super) struct WindowsProcesses {
    metric: Metric,
    system: System,
    job: Option<Arc<Job>>,
    /// The processes that were there when they were last listed.
    known: HashSet<u32>,
    /// Those of the tree, held open: nobody gets the number of one that has ended unseen.
    open: HashMap<u32, Process>,
    /// Those that have ended since somebody came: `sysinfo` is to let go of them.
    ended: Vec<Pid>,
}

impl WindowsProcesses {
    pub(super) fn new(metric: Metric, system: System) -> Self {
        Self { metric, system, job: None, known: HashSet::new(), open: HashMap::new(), ended: Vec::new() }
    }

    fn memory(&self, counters: &Counters) -> Memory {
        let (now, high_water) = match self.metric {
            Metric::Private => (counters.private, counters.private_peak),
            _ => (counters.resident, counters.resident_peak),
        };
        Memory { now, high_water: Some(high_water), resident: Some(counters.resident) }
    }
}

impl Processes for WindowsProcesses {
    fn metric(&self) -> Metric {
        self.metric
    }

    fn keep_to(&mut self, group: &Group) {
        self.job = Some(group.job());
    }

    fn newcomers(&mut self) -> Result<Vec<Newcomer>> {
        let now: HashSet<u32> = match &self.job {
            Some(job) => job.members().context("could not list the processes of the job object")?.into_iter().collect(),
            None => {
                let nothing = ProcessRefreshKind::nothing();
                self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, nothing);
                self.system.processes().keys().map(|pid| pid.as_u32()).collect()
            }
        };
        let before = std::mem::replace(&mut self.known, now);
        let new: Vec<Pid> = self.known.difference(&before).map(|pid| Pid::from_u32(*pid)).collect();
        if self.job.is_some() && !new.is_empty() {
            let changed: Vec<Pid> = new.iter().copied().chain(self.ended.drain(..)).collect();
            self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&changed), true, super::words());
        }
        let newcomers = new.into_iter().map(|pid| {
            let process = self.system.process(pid);
            Newcomer {
                id: Id { pid: pid.as_u32(), started: process.map_or(0, sysinfo::Process::start_time) },
                parent: process.and_then(sysinfo::Process::parent).map(Pid::as_u32),
                in_group: self.job.is_some(),
            }
        });
        Ok(newcomers.collect())
    }

    fn state(&mut self, id: Id) -> State {
        let process = match self.open.entry(id.pid) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => match Process::open(id.pid) {
                Ok(process) => place.insert(process),
                // It had ended before it could be asked; or it is another user's.
                Err(_) if !self.known.contains(&id.pid) => return State::Ended(None),
                Err(_) => return State::Denied,
            },
        };
        // In this order: what ends in between has its whole mark.
        let has_ended = process.has_ended();
        let memory = process.memory().map(|counters| self.memory(&counters));
        if has_ended {
            // What is open is told of also then: its mark is whole.
            self.open.remove(&id.pid);
            self.ended.push(Pid::from_u32(id.pid));
            return State::Ended(memory.and_then(|memory| memory.high_water));
        }
        memory.map_or(State::Denied, State::Lives)
    }

    fn command(&mut self, pid: u32) -> String {
        super::command(&mut self.system, pid)
    }

    fn high_water(&self) -> Option<Bytes> {
        match self.metric {
            Metric::Private => self.job.as_ref().and_then(|job| job.peak()),
            _ => None,
        }
    }
}
