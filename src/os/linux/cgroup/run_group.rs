//! A control group of the run's own: made, entered, emptied, removed. Kernel interface: cgroups(7);
//! Documentation/admin-guide/cgroup-v2.rst, "Core Interface Files" and "No Internal Process Constraint".

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::ControlGroup;
use super::place::{Place, Version, of_process};
use crate::os::kill_process;

/// How long a group that is still busy is tried to be removed: its last process may be on its way out.
const BUSY: Duration = Duration::from_secs(1);
const TRY_AGAIN: Duration = Duration::from_millis(1);
/// Where groups can't be killed as a whole, their members are, until so many rounds have brought no new ones to light.
const ROUNDS: u32 = 100;

/// The group. Removed when dropped, if not before; what is left in it is killed.
#[derive(Debug)]
pub(super) struct RunGroup {
    pub(super) group: ControlGroup,
    folder: PathBuf,
    is_removed: bool,
    /// Dropped last: memguard goes back to where it was once the group is gone.
    _aside: Option<Aside>,
}

impl RunGroup {
    /// Makes a group below memguard's own.
    ///
    /// # Errors
    /// If none can be made: why, and what to do.
    pub(super) fn create() -> Result<Self> {
        let own = of_process("self").context("memguard's own control group is not known")?;
        Self::below(&own).map_err(|error| anyhow!("{error:#}\nhelp: {}", help(&own, &error)))
    }

    fn below(own: &Place) -> Result<Self> {
        let aside = match own.version {
            Version::V1 => None,
            Version::V2 => make_room(own)?,
        };
        let folder = make_folder(own, "run")?;
        let group = ControlGroup::open(&folder).inspect_err(|_| {
            let _ = fs::remove_dir(&folder);
        })?;
        Ok(Self { group, folder, is_removed: false, _aside: aside })
    }

    /// Has a command enter the group before its program is executed, so that nothing of it is missed.
    pub(super) fn enter(&self, command: &mut Command) -> Result<()> {
        let mut file = self.members_file().with_context(|| {
            format!("could not open the members of the run's control group `{}`", self.folder.display())
        })?;
        #[expect(unsafe_code, reason = "what runs between fork and exec has to be declared so")]
        // SAFETY: the child makes one system call on a file that was opened before the fork; nothing is allocated or locked.
        unsafe {
            command.pre_exec(move || file.write_all(b"0"));
        }
        Ok(())
    }

    /// Ends every process in the group at once.
    pub(super) fn kill(&self) {
        // Linux 5.14.
        if self.group.version() == Version::V2 && fs::write(self.folder.join("cgroup.kill"), "1").is_ok() {
            return;
        }
        let mut known: Vec<u32> = Vec::new();
        for _ in 0..ROUNDS {
            let new: Vec<u32> = self.group.members().into_iter().filter(|pid| !known.contains(pid)).collect();
            if new.is_empty() {
                return;
            }
            new.iter().copied().for_each(kill_process);
            known.extend(new);
        }
    }

    /// Removes the group, and those that the workload made below it.
    ///
    /// # Errors
    /// When it stays busy.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        if self.is_removed {
            return Ok(());
        }
        self.is_removed = true;
        if !self.group.members().is_empty() {
            self.kill();
        }
        until_idle(|| remove_all(&self.folder))
    }

    fn members_file(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.folder.join("cgroup.procs"))
    }
}

impl Drop for RunGroup {
    fn drop(&mut self) {
        // There is nobody left to tell; an empty group does no harm.
        let _ = self.remove();
    }
}

/// memguard itself, stepped aside into a group of its own: below a group of v2 whose memory is told apart by groups no
/// process may stand in the group itself.
#[derive(Debug)]
struct Aside {
    from: PathBuf,
    to: PathBuf,
}

impl Aside {
    fn step(own: &Place) -> Result<Self> {
        let aside = Self { from: own.folder.clone(), to: make_folder(own, "watcher")? };
        fs::write(aside.to.join("cgroup.procs"), "0").with_context(|| {
            format!("memguard could not step aside within its control group `{}`", own.folder.display())
        })?;
        Ok(aside)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // As it was before. Where that fails the groups are memguard's own, and empty once it ends.
        let _ = fs::write(self.from.join("cgroup.subtree_control"), "-memory");
        let _ = fs::write(self.from.join("cgroup.procs"), "0");
        let _ = until_idle(|| fs::remove_dir(&self.to));
    }
}

/// Sees to it that groups below memguard's own have the memory controller.
fn make_room(own: &Place) -> Result<Option<Aside>> {
    let shown = own.folder.display();
    if !lists_memory(&own.folder, "cgroup.controllers")? {
        bail!(
            "the memory controller is not at hand in memguard's control group `{shown}`: its parents have to list `memory` \
             in `cgroup.subtree_control`"
        );
    }
    if lists_memory(&own.folder, "cgroup.subtree_control")? {
        return Ok(None);
    }
    // The first group of all alone may hold processes beside groups.
    if own.folder.join("cgroup.type").exists() {
        let others = others_in(&own.folder)?;
        if others > 0 {
            bail!(
                "memguard's control group `{shown}` holds {others} other process{}, so that none can be made below it",
                if others == 1 { "" } else { "es" },
            );
        }
        let aside = Aside::step(own)?;
        enable_memory(own)?;
        return Ok(Some(aside));
    }
    enable_memory(own)?;
    Ok(None)
}

fn enable_memory(own: &Place) -> Result<()> {
    fs::write(own.folder.join("cgroup.subtree_control"), "+memory")
        .with_context(|| format!("the memory of groups below `{}` could not be told apart", own.folder.display()))
}

fn lists_memory(folder: &Path, name: &str) -> Result<bool> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path).with_context(|| format!("could not read `{}`", path.display()))?;
    Ok(text.split_whitespace().any(|controller| controller == "memory"))
}

/// How many processes but memguard itself a group holds.
fn others_in(folder: &Path) -> Result<usize> {
    let path = folder.join("cgroup.procs");
    let text = fs::read_to_string(&path).with_context(|| format!("could not read `{}`", path.display()))?;
    let own = std::process::id().to_string();
    Ok(text.lines().filter(|line| *line != own).count())
}

/// A new group below memguard's own. Its name is nobody's: one that an earlier memguard left behind stays as it is.
fn make_folder(own: &Place, purpose: &str) -> Result<PathBuf> {
    let mut number = 0_u32;
    loop {
        let folder = own.folder.join(format!("memguard-{}-{purpose}-{number}", std::process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => {
                let what = format!("could not make a control group below `{}`", own.folder.display());
                return Err(anyhow!(error).context(what));
            }
        }
    }
}

/// What to do where no group can be made below this one.
fn help(own: &Place, refused: &anyhow::Error) -> String {
    let kind = refused.root_cause().downcast_ref().map(io::Error::kind);
    let first = match own.version {
        _ if kind == Some(io::ErrorKind::ReadOnlyFilesystem) => {
            "control groups are read-only here, as they are in most containers"
        }
        Version::V1 => "run memguard as root",
        Version::V2 if rustix::process::geteuid().is_root() => {
            "start memguard in a control group of its own, with systemd: \
             `systemd-run --scope -p Delegate=yes memguard run …`"
        }
        Version::V2 => {
            "start memguard in a control group of its own that belongs to its user, with systemd: \
             `systemd-run --user --scope -p Delegate=yes memguard run …`"
        }
    };
    format!("{first}; the default source, `proc`, needs none")
}

fn until_idle(mut act: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && begun.elapsed() < BUSY => {
                std::thread::sleep(TRY_AGAIN);
            }
            // Gone is gone, whoever removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            result => return result,
        }
    }
}

/// The folders of a group hold nothing but files of the kernel's, which go with it, and other groups.
fn remove_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_all(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}
