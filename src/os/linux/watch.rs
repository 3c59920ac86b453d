//! What memguard did not start: a tree of processes, a control group, the whole machine or the container that it runs in.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::cgroup::ControlGroup;
use super::machine::Machine;
use super::proc_source::ProcSource;
use crate::os::source::{Reading, Source, SourceKind, Watched};
use crate::units::{Metric, Parts};

/// A process that memguard did not start, and all its descendants as they are now. Those whose parents ended before are not
/// known as descendants; those that lose theirs from now on stay. memguard itself is left out.
///
/// # Errors
/// When there is no such process, or it can't be read in this metric.
pub fn watch_tree(pid: u32, metric: Option<Metric>) -> Result<Watched> {
    let mut source = ProcSource::open(metric)?;
    let command = source.attach(pid)?;
    Ok(Watched { source: Box::new(source), what: Watched::tree(pid, &command) })
}

/// The machine, or the container that memguard runs in: where the control groups that can be seen from here do not begin at
/// the kernel's first one, that with which they begin.
///
/// # Errors
/// When the system does not tell.
pub fn watch_machine() -> Result<Watched> {
    match ControlGroup::container() {
        Some(group) => {
            let what = format!("the container that memguard runs in (control group `{}`)", group.folder().display());
            Ok(Watched { source: Box::new(GroupSource::new(group, Metric::Machine)), what })
        }
        None => Ok(Watched { source: Box::new(MachineSource::new()), what: "the whole machine".to_owned() }),
    }
}

/// A control group with those below it, by its folder or by its path from the beginning of the hierarchy.
///
/// # Errors
/// When there is none, or it has no memory controller.
pub fn watch_group(path: &Path) -> Result<Watched> {
    let group = ControlGroup::open(path)?;
    let what = format!("control group `{}`", group.folder().display());
    Ok(Watched { source: Box::new(GroupSource::new(group, Metric::Footprint)), what })
}

/// The control group of a container, found through one of its processes: the outermost that has the container's id in its
/// name. None where there is no such group: the process is then another machine's.
///
/// # Errors
/// When there is no such process, or its group can't be read.
pub fn container_group(pid: u32, id: &str) -> Result<Option<PathBuf>> {
    let group = ControlGroup::of_pid(pid)?;
    let bears_it = |folder: &&Path| folder.file_name().is_some_and(|name| name.to_string_lossy().contains(id));
    Ok(group.folder().ancestors().filter(bears_it).last().map(Path::to_owned))
}

/// The whole machine.
#[derive(Debug)]
struct MachineSource {
    machine: Machine,
    buffer: Vec<u8>,
}

impl MachineSource {
    fn new() -> Self {
        Self { machine: Machine::new(), buffer: Vec::new() }
    }
}

impl Source for MachineSource {
    fn metric(&self) -> Metric {
        Metric::Machine
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Proc
    }

    fn read(&mut self) -> Result<Reading> {
        let memory = self.machine.read(&mut self.buffer).context("could not read `/proc/meminfo`")?;
        Ok(Reading {
            memory: memory.used + memory.swap,
            peak: memory.used + memory.swap,
            parts: Parts {
                anon: Some(memory.anon),
                shmem: Some(memory.shmem),
                swap: Some(memory.swap),
                mapped: Some(memory.mapped),
                ..Parts::default()
            },
            machine_used: Some(memory.used),
            ..Reading::default()
        })
    }

    fn is_gone(&self) -> bool {
        false
    }

    fn notices(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A control group that others made.
#[derive(Debug)]
struct GroupSource {
    group: ControlGroup,
    metric: Metric,
    machine: Machine,
    gone: bool,
    buffer: Vec<u8>,
}

impl GroupSource {
    fn new(group: ControlGroup, metric: Metric) -> Self {
        Self { group, metric, machine: Machine::new(), gone: false, buffer: Vec::new() }
    }
}

impl Source for GroupSource {
    fn metric(&self) -> Metric {
        self.metric
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Cgroup
    }

    fn read(&mut self) -> Result<Reading> {
        let memory = match self.group.read(&mut self.buffer) {
            Ok(memory) => memory,
            Err(error) if is_removed(&error) => {
                self.gone = true;
                return Ok(Reading { processes: Some(0), ..Reading::default() });
            }
            Err(error) => {
                let folder = self.group.folder().display();
                return Err(error).with_context(|| format!("could not read the control group `{folder}`"));
            }
        };
        let value = if self.metric == Metric::Machine { memory.used() } else { memory.footprint() };
        Ok(Reading {
            memory: value,
            peak: value,
            uncertainty: memory.uncertainty(),
            parts: memory.parts(),
            machine_used: self.machine.used(Instant::now(), &mut self.buffer),
            ..Reading::default()
        })
    }

    fn is_gone(&self) -> bool {
        self.gone
    }

    fn notices(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The kernel's word for a group that was removed while its files were open.
fn is_removed(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENODEV)
}
