//! Windows: no process groups to signal; what can't be asked to end is ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result};
use same_file::Handle;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::OwnUsage;
use crate::units::Bytes;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Exited(i32),
    /// Not on this system.
    Signaled(i32),
}

/// Reads an exit status.
#[must_use]
pub fn ending(status: ExitStatus) -> Ending {
    Ending::Exited(status.code().unwrap_or(-1))
}

/// `CREATE_NEW_PROCESS_GROUP`: Ctrl-C in the console reaches memguard alone, which then stops the workload.
const NEW_GROUP: u32 = 0x0000_0200;

/// Has the command start in a process group of its own.
pub fn in_own_group(command: &mut Command) {
    command.creation_flags(NEW_GROUP);
}

/// The system's shell, given a line.
#[must_use]
pub fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    // As it stands: quoting is the shell's own affair.
    command.arg("/C").raw_arg(line);
    command
}

/// Ends the process: Windows has no signal that asks.
pub fn signal_process(pid: u32, _signal: i32) {
    kill_process(pid);
}

/// Ends the process: Windows has no signal that asks.
pub fn signal_group(leader: u32, _signal: i32) {
    kill_process(leader);
}

/// Ends a process at once. One that is gone is no error.
pub fn kill_process(pid: u32) {
    if let Ok(mut system) = System::new() {
        let pid = Pid::from_u32(pid);
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
        if let Some(process) = system.process(pid) {
            process.kill();
        }
    }
}

/// Ends the process: Windows has no groups to end.
pub fn kill_group(leader: u32) {
    kill_process(leader);
}

/// Windows has no signals: the number is not looked at.
#[must_use]
pub fn signal_number(_name: &str) -> i32 {
    0
}

/// Windows has no signals.
#[must_use]
pub fn signal_name(_signal: i32) -> Option<&'static str> {
    None
}

/// Waits for Ctrl-C.
#[derive(Debug)]
pub struct Interrupts {}

impl Interrupts {
    /// Calls `tell` from a thread of its own at each Ctrl-C, with the number that SIGINT has elsewhere.
    ///
    /// # Errors
    /// When the system refuses the handler.
    pub fn watch(tell: impl Fn(i32) + Send + 'static) -> Result<Self> {
        ctrlc::set_handler(move || tell(2)).context("could not watch for Ctrl-C")?;
        Ok(Self {})
    }
}

/// Consoles are shared: there is nothing to lend.
#[derive(Debug)]
pub struct Foreground {}

impl Foreground {
    /// Does nothing.
    #[must_use]
    pub fn lend(_leader: u32) -> Self {
        Self {}
    }

    /// Never.
    #[must_use]
    pub fn is_lent(&self) -> bool {
        false
    }
}

/// What memguard itself has used so far: private commit stands for resident memory.
#[must_use]
pub fn own_usage() -> OwnUsage {
    let own = sysinfo::get_current_pid().ok().and_then(|pid| {
        let mut system = System::new().ok()?;
        let what = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
        system.process(pid).map(|process| Bytes(process.virtual_memory()))
    });
    OwnUsage { cpu: None, peak: own }
}

/// Where a run is made: figures that may explain a difference between two machines.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    super::portable::common_environment()
}

/// Whether an open file is the one that stands at a path now.
///
/// # Errors
/// When nothing stands there, or it can't be asked.
pub fn is_file_at(file: &File, path: &Path) -> io::Result<bool> {
    // Times of creation don't tell: a file that is made anew under a name inherits the one that the name had.
    Ok(Handle::from_file(file.try_clone()?)? == Handle::from_path(path)?)
}

/// Not asked for on this system.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}
