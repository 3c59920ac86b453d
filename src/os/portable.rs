//! Every system: the tree is found by parents and groups, what is told of its processes stands behind one trait.

#[cfg(not(any(target_os = "macos", windows)))]
mod listed;
#[cfg(target_os = "macos")]
mod macos;
mod source;
#[cfg(test)]
mod tests;
#[cfg(windows)]
mod windows;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

#[cfg(not(any(target_os = "macos", windows)))]
use self::listed::ListedProcesses as SystemProcesses;
#[cfg(target_os = "macos")]
use self::macos::MacProcesses as SystemProcesses;
use self::source::PortableSource;
#[cfg(windows)]
use self::windows::WindowsProcesses as SystemProcesses;
#[cfg(not(target_os = "linux"))]
use super::source::ChildEnd;
use super::source::{TreeSource, Watched};
use crate::units::Metric;

#[cfg(target_os = "macos")]
pub(super) use self::macos::own_peak;

/// What can be read of every process here: the best first.
const METRICS: &[Metric] = if cfg!(target_os = "macos") {
    &[Metric::Footprint, Metric::Rss]
} else if cfg!(windows) {
    &[Metric::Private, Metric::Rss]
} else {
    &[Metric::Rss]
};

/// The source of every system. The command line of a process, and where the system has nothing better also its parent and its
/// memory, are what the `sysinfo` crate tells.
///
/// # Errors
/// When the metric is one that can't be read here, or the system is one that the crate does not know.
pub fn portable_source(metric: Option<Metric>) -> Result<Box<dyn TreeSource>> {
    open(metric).map(|source| Box::new(source) as Box<dyn TreeSource>)
}

/// A process that memguard did not start, and all its descendants as they are now. memguard itself is left out.
///
/// # Errors
/// As [`portable_source`]; when there is no such process, or it may not be read.
pub fn portable_tree(pid: u32, metric: Option<Metric>) -> Result<Watched> {
    let mut source = open(metric)?;
    let command = source.attach(pid)?;
    Ok(Watched { source: Box::new(source), what: Watched::tree(pid, &command) })
}

fn open(metric: Option<Metric>) -> Result<PortableSource<SystemProcesses>> {
    let metric = metric.unwrap_or(METRICS[0]);
    anyhow::ensure!(
        METRICS.contains(&metric),
        "the source `portable` can't read the metric `{metric}` on this system\nhelp: leave `metric` out, or use {}",
        METRICS.iter().map(|metric| format!("`{metric}`")).collect::<Vec<_>>().join(" or ")
    );
    let processes = SystemProcesses::new(metric, system()?);
    Ok(PortableSource::new(processes, system()?))
}

fn system() -> Result<System> {
    System::new().ok().context("this system's processes can't be read")
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

/// Pipes are as large as this system makes them.
#[cfg(not(target_os = "linux"))]
pub const fn widen_pipe<Pipe>(_: &Pipe) {}

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

/// Does nothing: no limits are changed here.
#[cfg(not(target_os = "linux"))]
pub const fn with_limits_found(_: &mut std::process::Command) {}

/// Not told by this system.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn memory_kills() -> Option<u64> {
    None
}

/// The command line of a process, or its name where that is not told. It is asked for where it is not known.
fn command(system: &mut System, pid: u32) -> String {
    let pid = Pid::from_u32(pid);
    if system.process(pid).is_none_or(|process| process.cmd().is_empty()) {
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, words());
    }
    let Some(process) = system.process(pid) else { return String::new() };
    let words: Vec<_> = process.cmd().iter().map(|word| word.to_string_lossy()).collect();
    if words.is_empty() { process.name().to_string_lossy().into_owned() } else { words.join(" ") }
}

fn words() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing().with_cmd(UpdateKind::OnlyIfNotSet).without_tasks()
}

/// Waits for a child of memguard. Calls `stopped` with the signal each time the child is stopped.
///
/// # Errors
/// When it was waited for.
#[cfg(not(target_os = "linux"))]
pub fn wait_for_child(child: &mut std::process::Child, stopped: impl FnMut(i32)) -> std::io::Result<ChildEnd> {
    let status = super::system::wait(child, stopped)?;
    Ok(ChildEnd { ending: super::ending(status), at_most: None, is_reached: false, minor_faults: None })
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
