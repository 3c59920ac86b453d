//! Every system that the `sysinfo` crate knows: slower than a source of a system's own, and right.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use sysinfo::{MemoryRefreshKind, Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::Group;
use super::source::{Gone, Reading, Seen, Source, SourceKind, TreeSource};
use crate::units::{Bytes, Metric, Parts};

/// The source over `sysinfo`: resident set size (macOS, Linux) or private commit (Windows) of every process.
///
/// # Errors
/// When the metric is one that it can't read, or the system is one that the crate does not know.
pub fn portable_source(metric: Option<Metric>) -> Result<Box<dyn TreeSource>> {
    anyhow::ensure!(
        matches!(metric, None | Some(Metric::Rss)),
        "the portable source can't read the metric `{}`\nhelp: use `--metric rss`, or `--source proc` on Linux",
        metric.unwrap_or(Metric::Rss)
    );
    let system = System::new().ok().context("this system's processes can't be read")?;
    Ok(Box::new(PortableSource { system, root: None, members: HashMap::new(), left_out: Vec::new() }))
}

/// The best source of this system where it has none of its own.
///
/// # Errors
/// As [`portable_source`].
#[cfg(not(target_os = "linux"))]
pub fn native_source(metric: Option<Metric>) -> Result<Box<dyn TreeSource>> {
    portable_source(metric)
}

/// Does nothing: orphans are found by the parent that they had when they were first seen.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn adopt_orphans() -> Result<()> {
    Ok(())
}

/// None on this system.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn cgroup_source(_metric: Option<Metric>) -> Result<Box<dyn TreeSource>> {
    anyhow::bail!(
        "control groups are Linux's own\nhelp: leave `source` and `metric` out to take the best of this system"
    )
}

/// Not told by this system.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn memory_kills() -> Option<u64> {
    None
}

struct PortableSource {
    system: System,
    root: Option<Pid>,
    /// By pid; the time of start tells a process from another that took its number.
    members: HashMap<Pid, Member>,
    left_out: Vec<Pid>,
}

struct Member {
    started: u64,
    peak: Bytes,
    command: String,
}

impl Source for PortableSource {
    fn metric(&self) -> Metric {
        Metric::Rss
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Portable
    }

    fn read(&mut self) -> Result<Reading> {
        let what = ProcessRefreshKind::nothing().with_memory().with_cmd(UpdateKind::OnlyIfNotSet).without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let mut reading = Reading { machine_used: Some(Bytes(self.system.used_memory())), ..Reading::default() };
        self.let_go(&mut reading);
        self.let_in(&mut reading);
        let mut processes = 0;
        for (pid, member) in &mut self.members {
            let Some(process) = self.system.process(*pid) else { continue };
            let memory = memory_of(process);
            member.peak = member.peak.max(memory);
            reading.memory += memory;
            processes += 1;
        }
        reading.processes = Some(processes);
        (reading.peak, reading.at_most) = (reading.memory, reading.memory);
        reading.parts = Parts { rss: Some(reading.memory), ..Parts::default() };
        Ok(reading)
    }

    fn is_gone(&self) -> bool {
        self.members.is_empty()
    }

    fn notices(&self) -> Vec<String> {
        Vec::new()
    }
}

impl TreeSource for PortableSource {
    fn follow(&mut self, root: u32, _group: Option<&Group>) -> Result<()> {
        self.root = Some(Pid::from_u32(root));
        Ok(())
    }

    fn leave_out(&mut self, pid: u32) {
        self.left_out.push(Pid::from_u32(pid));
    }

    fn members(&self) -> Vec<u32> {
        self.members.keys().map(|pid| pid.as_u32()).collect()
    }
}

impl PortableSource {
    fn let_go(&mut self, reading: &mut Reading) {
        let system = &self.system;
        self.members.retain(|pid, member| {
            let lives = system.process(*pid).is_some_and(|now| now.start_time() == member.started && !has_ended(now));
            if !lives {
                let command = std::mem::take(&mut member.command);
                reading.gone.push(Gone { pid: pid.as_u32(), peak: Some(member.peak), command });
            }
            lives
        });
    }

    /// Everything whose parent is a member joins, until nothing more does.
    fn let_in(&mut self, reading: &mut Reading) {
        let mut found = true;
        while found {
            found = false;
            for (pid, process) in self.system.processes() {
                let is_thread = process.thread_kind().is_some();
                if self.members.contains_key(pid) || self.left_out.contains(pid) || is_thread || has_ended(process) {
                    continue;
                }
                // A parent that started after its child only has the number of the real one.
                let parent = process.parent().and_then(|parent| self.members.get(&parent));
                let descends = parent.is_some_and(|parent| parent.started <= process.start_time());
                if descends || self.root == Some(*pid) {
                    let words: Vec<_> = process.cmd().iter().map(|word| word.to_string_lossy()).collect();
                    let command =
                        if words.is_empty() { process.name().to_string_lossy().into_owned() } else { words.join(" ") };
                    let started = process.start_time();
                    self.members.insert(*pid, Member { started, peak: Bytes::ZERO, command });
                    let parent = process.parent().map_or(0, Pid::as_u32);
                    reading.seen.push(Seen { pid: pid.as_u32(), parent });
                    found = true;
                }
            }
        }
    }
}

fn has_ended(process: &Process) -> bool {
    matches!(process.status(), sysinfo::ProcessStatus::Zombie | sysinfo::ProcessStatus::Dead)
}

/// On Windows private commit (there `memory()` is the working set, which the system trims as it likes); elsewhere the
/// resident set.
fn memory_of(process: &Process) -> Bytes {
    Bytes(if cfg!(windows) { process.virtual_memory() } else { process.memory() })
}

/// The facts about the machine that every system tells.
pub(super) fn common_environment() -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    if let Ok(kernel) = System::kernel_version() {
        facts.insert("kernel".to_owned(), kernel);
    }
    if let Ok(cores) = std::thread::available_parallelism() {
        facts.insert("cores".to_owned(), cores.to_string());
    }
    if let Ok(mut system) = System::new() {
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        facts.insert("memory_bytes".to_owned(), system.total_memory().to_string());
    }
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ALLOCATOR_VARIABLES.iter().any(|prefix| name.starts_with(prefix)) {
            facts.insert(name.into_owned(), value.to_string_lossy().into_owned());
        }
    }
    facts
}

/// What tunes the common allocators and runtimes, and with them the memory that a program takes.
const ALLOCATOR_VARIABLES: [&str; 10] = [
    "MALLOC_",
    "GLIBC_TUNABLES",
    "LD_PRELOAD",
    "MIMALLOC_",
    "TCMALLOC_",
    "JAVA_TOOL_OPTIONS",
    "NODE_OPTIONS",
    "GOGC",
    "GOMEMLIMIT",
    "PYTHONMALLOC",
];
