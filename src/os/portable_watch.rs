//! What is read without a process of its own to follow, on every system that the `sysinfo` crate knows.

use anyhow::{Context, Result};
use sysinfo::{MemoryRefreshKind, System};

use super::source::{Reading, Source, SourceKind, Watched};
use crate::units::{Bytes, Metric, Parts};

/// The whole machine.
///
/// # Errors
/// When the system is one that the crate does not know.
pub fn portable_machine() -> Result<Watched> {
    let system = System::new().ok().context("this system's memory can't be read")?;
    Ok(Watched { source: Box::new(PortableMachine { system }), what: "the whole machine".to_owned() })
}

struct PortableMachine {
    system: System,
}

impl Source for PortableMachine {
    fn metric(&self) -> Metric {
        Metric::Machine
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Portable
    }

    fn read(&mut self) -> Result<Reading> {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram().with_swap());
        let used = Bytes(self.system.used_memory());
        // Windows tells what is promised to be backed by its page files, not what lies in them.
        let swap = if cfg!(windows) { None } else { Some(Bytes(self.system.used_swap())) };
        let memory = used + swap.unwrap_or_default();
        Ok(Reading {
            memory,
            peak: memory,
            parts: Parts { swap, ..Parts::default() },
            machine_used: Some(used),
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

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{container_group, watch_group};
#[cfg(not(target_os = "linux"))]
pub use {super::portable::portable_tree as watch_tree, portable_machine as watch_machine};

/// What Linux has of its own.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::path::{Path, PathBuf};

    use anyhow::{Result, bail};

    use super::Watched;

    /// None on this system.
    ///
    /// # Errors
    /// Always.
    pub fn watch_group(_path: &Path) -> Result<Watched> {
        bail!(
            "control groups are Linux's own: this system has none\nhelp: use `--pid`, or leave it out for the machine"
        )
    }

    /// None on this system: its containers run in a virtual machine.
    ///
    /// # Errors
    /// Never.
    pub fn container_group(_pid: u32, _id: &str) -> Result<Option<PathBuf>> {
        Ok(None)
    }
}
