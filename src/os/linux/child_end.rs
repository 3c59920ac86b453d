use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::proc::{ProcFile, parse_stat};
use crate::os::source::ChildEnd;
use crate::os::unix::{ending, own_usage};
use crate::units::Bytes;

/// Waits for a child of memguard, and learns what the kernel tells of its whole life. Kernel interface: `ru_maxrss` of wait4(2),
/// which is the most of the child itself, of its own children that it waited for, and (since a fork begins with its parent's) of
/// memguard when it started it. So it is a bound where there were no children, and a measure where it is also above what
/// memguard ever had. Calls `stopped` with the signal each time the child is stopped.
///
/// # Errors
/// When it is no child, or was waited for.
pub fn wait_for_child(child: &mut Child, mut stopped: impl FnMut(i32)) -> io::Result<ChildEnd> {
    drop(child.stdin.take());
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    // Until it is waited for, it can still be asked about its children.
    let any_change = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(pid), any_change) {
            Ok(Some(change)) if change.stopped() => {
                // Waiting for the stop again, without NOWAIT, keeps it from being reported twice.
                let stop = waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG);
                if let Some(signal) = stop.ok().flatten().and_then(|stop| stop.stopping_signal()) {
                    stopped(signal);
                }
            }
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let is_childless = is_childless(child.id()) == Some(true);
    let (status, usage) = wait4(pid)?;
    let at_most = u64::try_from(usage.ru_maxrss).ok().map(Bytes::from_kib).filter(|_| is_childless);
    let is_reached = at_most.zip(own_usage().peak).is_some_and(|(most, own)| most > own);
    let minor_faults = u64::try_from(usage.ru_minflt).ok();
    Ok(ChildEnd { ending: ending(status), at_most, is_reached, minor_faults })
}

/// Whether a process that has ended surely waited for no child, and left none to be forgotten by the kernel. What it did not
/// wait for goes to memguard.
fn is_childless(pid: u32) -> Option<bool> {
    let mut buffer = Vec::new();
    let mut read = |name: &str| {
        let text = ProcFile::open(&format!("/proc/{pid}/{name}")).ok()?.read(&mut buffer).ok()?.to_vec();
        Some(text)
    };
    // Whatever runs in memory of its own has faults, which go to the parent that waits for it.
    let waited_for_none = parse_stat(&read("stat")?)?.childrens_faults == 0;
    let ignored = ignored_signals(&read("status")?)?;
    const CHILD: u64 = 1 << (libc::SIGCHLD - 1);
    Some(waited_for_none && ignored & CHILD == 0)
}

/// `SigIgn` of /proc/PID/status: a bit for each signal.
fn ignored_signals(status: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(status).ok()?;
    let mask = text.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

fn wait4(pid: Pid) -> io::Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    loop {
        #[expect(unsafe_code, reason = "wait4 has no safe wrapper among the crates in use")]
        // SAFETY: both pointers are to whole objects that live through the call.
        let waited = unsafe { libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, usage.as_mut_ptr()) };
        if waited > 0 {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: any bit pattern is a valid `rusage`, and the kernel has filled it.
    let usage = unsafe { usage.assume_init() };
    Ok((ExitStatus::from_raw(status), usage))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use super::*;
    use crate::os::{Ending, signal_process};

    fn end_of(script: &str) -> ChildEnd {
        wait_for_child(&mut Command::new("/bin/sh").args(["-c", script]).spawn().unwrap(), |_| {}).unwrap()
    }

    #[test]
    fn the_end_of_a_process_tells_how_it_was_and_whether_it_had_children() {
        let alone = end_of("exit 3");
        assert_eq!((alone.ending, alone.is_reached), (Ending::Exited(3), false), "a test has more than a shell");
        assert!(alone.at_most.unwrap().0 > 300 << 10);
        assert_eq!(end_of("/bin/true; exit 0").at_most, None, "its child may have had more");
        assert_eq!(end_of("kill -9 $$").ending, Ending::Signaled(9));
        let mut deaf = Command::new("/bin/true");
        #[expect(unsafe_code, reason = "the standard library has no signals")]
        // SAFETY: between fork and exec it makes one system call, which takes numbers alone.
        unsafe {
            deaf.pre_exec(|| {
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
                Ok(())
            })
        };
        let deaf = wait_for_child(&mut deaf.spawn().unwrap(), |_| {}).unwrap();
        assert_eq!(deaf.at_most, None, "children may have been forgotten");
    }

    #[test]
    fn each_stop_is_reported_once() {
        let mut child = Command::new("/bin/sh").args(["-c", "kill -STOP $$; kill -STOP $$; exit 3"]).spawn().unwrap();
        let (pid, mut stops) = (child.id(), Vec::new());
        let end = wait_for_child(&mut child, |signal| {
            stops.push(signal);
            signal_process(pid, libc::SIGCONT);
        });
        assert_eq!((end.unwrap().ending, stops), (Ending::Exited(3), vec![libc::SIGSTOP; 2]));
    }

    #[test]
    fn ignored_signals_are_read_as_bits() {
        assert_eq!(ignored_signals(b"SigBlk:\t01\nSigIgn:\t0000000000010000\n"), Some(1 << 16));
        assert_eq!(ignored_signals(b"SigIgn:\tx\n"), None);
    }
}
