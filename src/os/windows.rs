//! Windows: job objects instead of process groups, and one signal.

mod console;
mod job;
mod process;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsHandle as _, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use same_file::Handle;
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};
use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, CREATE_SUSPENDED};

pub use self::console::{may_draw, speaks_sequences, terminal_width};
pub(super) use self::job::Job;
pub(super) use self::process::{Counters, Process};
use super::OwnUsage;

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

/// Waits for a child. No signal stops a process here.
///
/// # Errors
/// When it was waited for.
pub(super) fn wait(child: &mut Child, _stopped: impl FnMut(i32)) -> io::Result<ExitStatus> {
    child.wait()
}

/// True if the system refused a file because it holds no program that it can run (`ERROR_BAD_EXE_FORMAT`).
#[must_use]
pub fn is_no_program(error: &io::Error) -> bool {
    error.raw_os_error() == Some(193)
}

/// Files have no permission to be executed here.
#[must_use]
pub fn is_executable(_file: &Path) -> bool {
    true
}

/// A pipe as a file.
#[must_use]
pub fn pipe_file(pipe: impl Into<OwnedHandle>) -> File {
    File::from(pipe.into())
}

/// Does nothing: reading waits by itself.
pub fn wait_for_input(_pipe: &File) {}

/// Not needed here: memguard is never stopped with its workload.
#[must_use]
pub fn has_input(_pipe: &File) -> bool {
    false
}

/// Has the command start in a process group of its own: Ctrl-C in the console reaches memguard alone, which then stops the
/// workload.
pub fn in_own_group(command: &mut Command) {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// A command that memguard started, and all that it starts in turn: a job object. What is left of it when this is dropped is
/// ended.
#[derive(Debug)]
pub struct Group {
    leader: u32,
    job: Arc<Job>,
}

impl Group {
    /// Starts a command as the first of a group. It is suspended until it is in the job, so that nothing leaves by an early door.
    ///
    /// # Errors
    /// When it can't be started, or not be put into a job object: it has not run then.
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let job = Job::new()?;
        let mut child = command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_SUSPENDED).spawn()?;
        let taken_in = job.take_in(child.as_handle()).and_then(|()| job::resume(child.id()));
        if let Err(error) = taken_in {
            let _ = child.kill();
            return Err(io::Error::other(format!("it could not be put into a job object: {error}")));
        }
        let group = Self { leader: child.id(), job: Arc::new(job) };
        Ok((child, group))
    }

    /// Asks them to end, by the one signal that Windows has for a group: Ctrl-Break. What shares no console with memguard can't
    /// be asked, and is ended.
    pub fn signal(&self, _signal: i32) {
        #[expect(unsafe_code, reason = "console events have no safe wrapper among the crates in use")]
        // SAFETY: takes numbers alone.
        let is_asked = unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, self.leader) };
        if is_asked == 0 {
            self.kill();
        }
    }

    /// Ends them all at once.
    pub fn kill(&self) {
        self.job.end();
    }

    /// What keeps them together.
    pub(super) fn job(&self) -> Arc<Job> {
        Arc::clone(&self.job)
    }
}

/// The system's shell, given a line.
#[must_use]
pub fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    // As it stands: quoting is the shell's own affair.
    command.arg("/C").raw_arg(line);
    command
}

/// Ends the process: a single one can't be asked.
pub fn signal_process(pid: u32, _signal: i32) {
    kill_process(pid);
}

/// Ends a process at once. One that is gone is no error.
pub fn kill_process(pid: u32) {
    Process::end(pid);
}

/// Private memory that goes back to the system when it is dropped, if it is larger than 1 MiB: the heap keeps less.
pub type Memory = Vec<u8>;

/// Takes private memory.
///
/// # Errors
/// When the system has no room for it.
pub fn map_memory(length: usize) -> io::Result<Memory> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(length)?;
    memory.resize(length, 0);
    Ok(memory)
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

    /// Never: nothing stops a workload here.
    pub fn stop_too(&mut self, _signal: i32) -> bool {
        false
    }

    /// Does nothing.
    pub fn take_back(self) {}
}

/// What memguard itself has used so far: private commit stands for resident memory, of which the system takes as it likes.
#[must_use]
pub fn own_usage() -> OwnUsage {
    let Ok(own) = Process::open(std::process::id()) else { return OwnUsage::default() };
    OwnUsage { cpu: own.cpu(), peak: own.memory().map(|memory| memory.private_peak) }
}

/// The CPU time of the thread that asks: not told here.
#[must_use]
pub const fn thread_cpu() -> Option<Duration> {
    None
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

/// Standard output; a console wants whole characters, and this buffers them.
///
/// # Errors
/// None.
pub fn unbuffered_stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// Whether standard output is nothing that another program reads from and may print to the terminal.
#[must_use]
pub fn nobody_reads_output() -> bool {
    use std::io::IsTerminal as _;
    let stdout = io::stdout();
    let is_file = || {
        let file = File::from(stdout.as_handle().try_clone_to_owned().ok()?);
        file.metadata().ok().filter(std::fs::Metadata::is_file)
    };
    stdout.is_terminal() || is_file().is_some()
}
