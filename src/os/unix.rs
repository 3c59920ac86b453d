//! What Unix systems have in common: signals, process groups, terminals.

mod terminal;

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use memmap2::MmapMut;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal as RawSignal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

pub use self::terminal::{Foreground, may_draw, speaks_sequences, terminal_width};
use super::OwnUsage;
#[cfg(target_os = "macos")]
use super::portable::own_peak;
#[cfg(not(target_os = "macos"))]
use crate::units::Bytes;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Exited(i32),
    /// By a signal.
    Signaled(i32),
}

/// Reads an exit status.
#[must_use]
pub fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Signaled(signal),
        (None, None) => Ending::Exited(-1),
    }
}

/// Waits for a child. Calls `stopped` with the signal each time the child is stopped.
///
/// # Errors
/// When it was waited for.
#[cfg(not(target_os = "linux"))]
pub(super) fn wait(child: &mut Child, mut stopped: impl FnMut(i32)) -> io::Result<ExitStatus> {
    use rustix::io::Errno;
    use rustix::process::{WaitOptions, waitpid};
    drop(child.stdin.take());
    let pid = raw_pid(child.id()).ok_or(io::ErrorKind::InvalidInput)?;
    loop {
        match waitpid(Some(pid), WaitOptions::UNTRACED) {
            Ok(Some((_, change))) => match change.stopping_signal() {
                Some(signal) => stopped(signal),
                None => return Ok(ExitStatus::from_raw(change.as_raw())),
            },
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// True if the system refused a file because it holds no program that it can run.
#[must_use]
pub fn is_no_program(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOEXEC)
}

/// True if someone may execute the file.
#[must_use]
pub fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.mode() & 0o111 != 0)
}

/// A pipe as a file.
#[must_use]
pub fn pipe_file(pipe: impl Into<OwnedFd>) -> File {
    File::from(pipe.into())
}

/// Waits until a read from the pipe returns at once.
pub fn wait_for_input(pipe: &File) {
    while poll(&mut [PollFd::new(pipe, PollFlags::IN)], None) == Err(rustix::io::Errno::INTR) {}
}

/// True if the pipe holds bytes that were not read.
#[must_use]
pub fn has_input(pipe: &File) -> bool {
    rustix::io::ioctl_fionread(pipe).is_ok_and(|bytes| bytes > 0)
}

/// Has the command start in a process group of its own, named by its pid.
pub fn in_own_group(command: &mut Command) {
    command.process_group(0);
}

/// A command that memguard started, and what it started in turn and did not leave its process group.
#[derive(Debug)]
pub struct Group {
    leader: u32,
}

impl Group {
    /// Starts a command as the first of a group.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        in_own_group(command);
        let child = command.spawn()?;
        let group = Self { leader: child.id() };
        Ok((child, group))
    }

    /// Sends a signal to all of them. A group that is gone is no error; while the first of it has not been waited for, nobody
    /// else can have its number.
    pub fn signal(&self, signal: i32) {
        if let (Some(pid), Some(signal)) = (raw_pid(self.leader), raw_signal(signal)) {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    /// Ends them all at once. A group that is gone is no error.
    pub fn kill(&self) {
        self.signal(signal_hook::consts::SIGKILL);
    }

    /// Its first process, whose number is the group's.
    pub(super) fn leader(&self) -> u32 {
        self.leader
    }
}

/// The system's shell, given a line.
#[must_use]
pub fn shell(line: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    command
}

/// Sends a signal to one process. One that is gone is no error.
pub fn signal_process(pid: u32, signal: i32) {
    if let (Some(pid), Some(signal)) = (raw_pid(pid), raw_signal(signal)) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Ends a process at once. One that is gone is no error.
pub fn kill_process(pid: u32) {
    if let Some(pid) = raw_pid(pid) {
        let _ = rustix::process::kill_process(pid, RawSignal::KILL);
    }
}

fn raw_pid(pid: u32) -> Option<Pid> {
    // 0 and 1 would mean one's own group and init.
    i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw)
}

fn raw_signal(signal: i32) -> Option<RawSignal> {
    RawSignal::from_named_raw(signal)
}

/// Private memory that goes back to the system when it is dropped.
pub type Memory = MmapMut;

/// Maps private memory. A page is resident once it has been written to.
///
/// # Errors
/// When the system has no room for it.
pub fn map_memory(length: usize) -> io::Result<Memory> {
    MmapMut::map_anon(length)
}

/// The number of a signal by its name without SIG; SIGTERM's where there is none of that name.
#[must_use]
pub fn signal_number(name: &str) -> i32 {
    use signal_hook::consts as numbers;
    match name {
        "HUP" => numbers::SIGHUP,
        "INT" => numbers::SIGINT,
        "QUIT" => numbers::SIGQUIT,
        "KILL" => numbers::SIGKILL,
        "USR1" => numbers::SIGUSR1,
        "USR2" => numbers::SIGUSR2,
        _ => numbers::SIGTERM,
    }
}

/// The name of a signal: `SIGKILL`.
#[must_use]
pub fn signal_name(signal: i32) -> Option<&'static str> {
    signal_hook::low_level::signal_name(signal)
}

/// Waits for the signals that ask memguard to end: Ctrl-C, SIGTERM, SIGHUP.
#[derive(Debug)]
pub struct Interrupts {
    handle: Handle,
}

impl Interrupts {
    /// Calls `tell` from a thread of its own with the number of each such signal, until dropped.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn watch(tell: impl Fn(i32) + Send + 'static) -> Result<Self> {
        // Who started memguard with `nohup` wants it to live on when the terminal is closed.
        let asked = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| *signal != SIGHUP || !is_ignored(SIGHUP));
        let mut signals = Signals::new(asked).context("could not watch for signals")?;
        let handle = signals.handle();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || signals.forever().for_each(tell))
            .context("could not start a thread")?;
        Ok(Self { handle })
    }
}

/// Whether a signal has no effect on memguard, as whoever started it wanted.
fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    #[expect(unsafe_code, reason = "sigaction has no safe wrapper among the crates in use")]
    // SAFETY: no action is set, and the pointer is to a whole `sigaction`, which is valid as zeroes where the call fails.
    let action = unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// What memguard itself has used so far.
#[must_use]
pub fn own_usage() -> OwnUsage {
    OwnUsage { cpu: Some(own_cpu()), peak: own_peak() }
}

/// Kernel interface: `VmHWM`. `ru_maxrss` may be inherited from the parent.
#[cfg(not(target_os = "macos"))]
fn own_peak() -> Option<Bytes> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let kib =
        text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
    kib.map(Bytes::from_kib)
}

/// The CPU time of the thread that asks.
#[must_use]
pub fn thread_cpu() -> Option<Duration> {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).ok()
}

/// Kernel interface: `RUSAGE_SELF`, getrusage(2).
fn own_cpu() -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    #[expect(unsafe_code, reason = "getrusage has no safe wrapper among the crates in use")]
    // SAFETY: the pointer is to a whole `rusage`, which any bit pattern makes valid.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Where a run is made: figures that may explain a difference between two machines.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    let mut facts = super::portable::common_environment();
    let page = rustix::param::page_size();
    facts.insert("page_size".into(), page.to_string());
    if let Ok(text) = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled")
        && let Some(chosen) = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'))
    {
        facts.insert("huge_pages".into(), chosen.0.to_owned());
    }
    facts
}

/// Whether an open file is the one that stands at a path now.
///
/// # Errors
/// When nothing stands there, or it can't be asked.
pub fn is_file_at(file: &File, path: &Path) -> io::Result<bool> {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    Ok(identity(file.metadata()?) == identity(fs::metadata(path)?))
}

/// Standard output as it is, where what is written need not be looked through for line ends.
///
/// # Errors
/// When it is closed.
pub fn unbuffered_stdout() -> io::Result<File> {
    rustix::stdio::stdout().try_clone_to_owned().map(File::from)
}

/// Whether standard output is nothing that another program reads from and may print to the terminal.
#[must_use]
pub fn nobody_reads_output() -> bool {
    use rustix::fs::FileType;
    let kind = rustix::fs::fstat(rustix::stdio::stdout()).map(|stat| FileType::from_raw_mode(stat.st_mode));
    matches!(kind, Ok(FileType::CharacterDevice | FileType::RegularFile))
}
