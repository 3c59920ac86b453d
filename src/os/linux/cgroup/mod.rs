//! Control groups of the memory controller, v1 and v2.

mod charge;
mod place;
mod run_group;
mod source;
mod stat;

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

pub use self::place::Version;
use self::place::{Place, of_container, of_folder, of_process};
pub use self::source::cgroup_source;
pub use self::stat::GroupMemory;
use self::stat::{parse_kills, parse_stat};
use super::proc::ProcFile;
use crate::units::Bytes;

/// A control group that is read and never changed: its own memory and that of all groups below it.
#[derive(Debug)]
pub struct ControlGroup {
    place: Place,
    stat: ProcFile,
    /// Swap in use (v2; v1 has it in `stat`).
    swap: Option<ProcFile>,
    events: Option<ProcFile>,
}

impl ControlGroup {
    /// A group by its folder, such as `/sys/fs/cgroup/system.slice/docker-….scope`.
    ///
    /// # Errors
    /// When it is no group of the memory controller, or may not be read.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::at(of_folder(folder)?)
    }

    /// The group that a process is in now.
    ///
    /// # Errors
    /// When the process is gone, or its group can't be seen from here.
    pub fn of_pid(pid: u32) -> Result<Self> {
        let place =
            of_process(&pid.to_string()).with_context(|| format!("process {pid} is in no known control group"))?;
        Self::at(place)
    }

    /// The group that memguard itself is in: in a container the container's.
    ///
    /// # Errors
    /// When it can't be seen from here, or is one without the memory controller.
    pub fn own() -> Result<Self> {
        Self::at(of_process("self")?)
    }

    /// The group of the container that memguard runs in: the outermost that can be seen from here, where that is not the
    /// kernel's first one. None outside of containers, and where the container's groups are hidden or have no memory controller.
    #[must_use]
    pub fn container() -> Option<Self> {
        of_container().and_then(|place| Self::at(place).ok())
    }

    fn at(place: Place) -> Result<Self> {
        let path = |name: &str| place.folder.join(name).to_string_lossy().into_owned();
        let open = |name: &str| ProcFile::open(&path(name));
        let stat = open("memory.stat").with_context(|| {
            let help = match place.version {
                Version::V1 => "is it one?",
                Version::V2 => "its parent has to list `memory` in `cgroup.subtree_control`",
            };
            format!("could not open `{}` of the control group\nhelp: {help}", path("memory.stat"))
        })?;
        let (swap, events) = match place.version {
            Version::V1 => (None, "memory.oom_control"),
            Version::V2 => (open("memory.swap.current").ok(), "memory.events"),
        };
        let events = open(events).ok();
        Ok(Self { place, stat, swap, events })
    }

    /// Which interface it has.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.place.version
    }

    /// Where it lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// What it holds now. `buffer` is reused from reading to reading.
    ///
    /// # Errors
    /// When the group is gone (`ENODEV`), or its figures are not what every kernel tells.
    pub fn read(&self, buffer: &mut Vec<u8>) -> io::Result<GroupMemory> {
        let swap = match &self.swap {
            Some(file) => Some(amount(file.read(buffer)?).ok_or(io::ErrorKind::InvalidData)?),
            None => None,
        };
        parse_stat(self.place.version, self.stat.read(buffer)?, swap).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// How many processes in it, and in the groups below it, the kernel has killed for memory. None where the kernel does not
    /// count (before Linux 4.13), and for v2's first group.
    #[must_use]
    pub fn memory_kills(&self) -> Option<u64> {
        let mut buffer = Vec::new();
        let own = parse_kills(std::str::from_utf8(self.events.as_ref()?.read(&mut buffer).ok()?).ok()?)?;
        if self.place.version == Version::V2 {
            return Some(own);
        }
        // In v1 each group counts its own.
        let mut all = 0;
        each_group(&self.place.folder, &mut |folder| {
            let text = fs::read_to_string(folder.join("memory.oom_control")).unwrap_or_default();
            all += parse_kills(&text).unwrap_or(0);
        });
        Some(all.max(own))
    }

    /// The processes in it and in the groups below it, now.
    #[must_use]
    pub fn members(&self) -> Vec<u32> {
        let mut found = Vec::new();
        each_group(&self.place.folder, &mut |folder| {
            // One that is gone has no members.
            let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            found.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
        });
        found
    }
}

/// Looks at a group and at all below it.
fn each_group(folder: &Path, look: &mut impl FnMut(&Path)) {
    look(folder);
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            each_group(&entry.path(), look);
        }
    }
}

fn amount(text: &[u8]) -> Option<Bytes> {
    std::str::from_utf8(text).ok()?.trim_end().parse().ok().map(Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_no_group_is_refused() {
        let error = ControlGroup::open(Path::new("/proc")).unwrap_err();
        assert!(error.to_string().contains("there is no control group"), "{error:#}");
    }
    /// `.ci/run` runs this where there is such a hierarchy.
    mod needs_cgroup_v1 {
        use super::*;

        #[test]
        #[ignore = "needs a control group v1 memory hierarchy"]
        fn the_group_of_this_process_can_be_read() {
            let group = ControlGroup::own().unwrap();
            let mut buffer = Vec::new();
            let memory = group.read(&mut buffer).unwrap();
            assert!(memory.footprint() <= memory.used());
            assert!(group.members().contains(&std::process::id()));
            assert_eq!(ControlGroup::open(group.folder()).unwrap().read(&mut buffer).unwrap().kernel, memory.kernel);
        }
    }
}
