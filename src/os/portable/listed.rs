use std::collections::HashMap;

use anyhow::Result;
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use super::source::{Id, Memory, Newcomer, Processes, State};
use crate::os::Group;
use crate::units::{Bytes, Metric};

/// What `sysinfo` tells of the processes of any Unix: resident memory, without a mark of its peak.
pub(super) struct ListedProcesses {
    system: System,
    group: Option<u32>,
    /// When each process started that was there when they were last listed.
    known: HashMap<Pid, u64>,
}

impl ListedProcesses {
    pub(super) fn new(_metric: Metric, system: System) -> Self {
        Self { system, group: None, known: HashMap::new() }
    }

    fn is_in_group(&self, pid: Pid) -> bool {
        let Some(pid) = i32::try_from(pid.as_u32()).ok().filter(|_| self.group.is_some()) else { return false };
        #[expect(unsafe_code, reason = "the safe wrapper panics at the kernel's own threads, whose group is 0")]
        // SAFETY: takes a number alone.
        let group = unsafe { libc::getpgid(pid) };
        u32::try_from(group).ok() == self.group
    }
}

impl Processes for ListedProcesses {
    fn metric(&self) -> Metric {
        Metric::Rss
    }

    fn keep_to(&mut self, group: &Group) {
        self.group = Some(group.leader());
    }

    fn newcomers(&mut self) -> Result<Vec<Newcomer>> {
        let nothing = ProcessRefreshKind::nothing().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, nothing);
        let all = self.system.processes().iter().filter(|(_, process)| is_process(process));
        let now: HashMap<Pid, u64> = all.map(|(pid, process)| (*pid, process.start_time())).collect();
        let before = std::mem::replace(&mut self.known, now);
        let new = self.known.iter().filter(|(pid, started)| before.get(pid) != Some(started));
        let newcomers = new.map(|(pid, started)| Newcomer {
            id: Id { pid: pid.as_u32(), started: *started },
            parent: self.system.process(*pid).and_then(Process::parent).map(Pid::as_u32),
            in_group: self.is_in_group(*pid),
        });
        Ok(newcomers.collect())
    }

    fn state(&mut self, id: Id) -> State {
        let pid = Pid::from_u32(id.pid);
        let memory = ProcessRefreshKind::nothing().with_memory().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, memory);
        match self.system.process(pid) {
            Some(process) if process.start_time() == id.started && is_process(process) => {
                let resident = Bytes(process.memory());
                State::Lives(Memory { now: resident, high_water: None, resident: Some(resident) })
            }
            _ => State::Ended(None),
        }
    }

    fn command(&mut self, pid: u32) -> String {
        super::command(&mut self.system, pid)
    }
}

/// Whether it runs, and is no thread, which `sysinfo` may list as well, each with the memory of all.
fn is_process(process: &Process) -> bool {
    process.thread_kind().is_none() && !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
}
