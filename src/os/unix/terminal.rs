//! The terminal: who has it, and whether memguard may draw on it.

use std::mem::MaybeUninit;

use rustix::process::{Pid, Signal as RawSignal};
use signal_hook::consts::{SIGSTOP, SIGTTIN, SIGTTOU};

use super::{is_ignored, raw_pid, raw_signal};

/// The terminal of standard input, which memguard lends to the workload's process group: a workload that reads from a terminal
/// without having it is stopped.
#[derive(Debug)]
pub struct Foreground {
    /// memguard's and the workload's. None if the terminal can't be lent.
    groups: Option<Groups>,
    is_lent: bool,
}

#[derive(Debug, Clone, Copy)]
struct Groups {
    own: Pid,
    workload: Pid,
}

impl Foreground {
    /// Hands the terminal over if memguard has it.
    #[must_use]
    pub fn lend(leader: u32) -> Self {
        let groups = own_group().zip(raw_pid(leader)).map(|(own, workload)| Groups { own, workload });
        let mut foreground = Self { groups, is_lent: false };
        if let Some(groups) = groups.filter(Groups::have_terminal) {
            // A workload that tried to read before it had the terminal was stopped.
            foreground.is_lent = groups.hand_over();
        }
        foreground
    }

    /// Whether the workload has the terminal, and Ctrl-C reaches it rather than memguard.
    #[must_use]
    pub fn is_lent(&self) -> bool {
        self.is_lent
    }

    /// Stops memguard because `signal` stopped the workload (Ctrl-Z), so that the shell gets its terminal back. Once the shell
    /// continues memguard, it continues the workload and, in the foreground, lends the terminal to it again.
    /// Returns false at once if the stop has nothing to do with the terminal: only the sender of such a signal continues the
    /// workload.
    pub fn stop_too(&mut self, signal: i32) -> bool {
        let Some(groups) = self.groups else { return false };
        if !self.is_lent {
            // The workload wants the terminal while memguard is in the background. For that the kernel stops memguard, too,
            // until it is in the foreground. A handler or a mask would let it take the terminal from another program.
            let wants_terminal = matches!(signal, SIGTTIN | SIGTTOU) && !is_ignored(SIGTTOU);
            self.is_lent = wants_terminal && groups.hand_over();
            return self.is_lent;
        }
        self.is_lent = false;
        groups.take_back();
        match signal {
            // A program that was asked to stop may do so by SIGSTOP, once it has tidied up its terminal.
            SIGSTOP => {
                let _ = rustix::process::kill_process(rustix::process::getpid(), RawSignal::STOP);
            }
            // As the terminal would have done to all of memguard's group, had it not been lent.
            _ => {
                let signal = raw_signal(signal).unwrap_or(RawSignal::TSTP);
                let _ = rustix::process::kill_current_process_group(signal);
            }
        }
        if groups.have_terminal() {
            self.is_lent = groups.hand_over();
        }
        if !self.is_lent {
            groups.continue_workload();
        }
        true
    }

    /// Takes the terminal back, as is done when this is dropped.
    pub fn take_back(self) {}
}

impl Groups {
    /// True if memguard's group is in the foreground.
    fn have_terminal(&self) -> bool {
        rustix::termios::tcgetpgrp(rustix::stdio::stdin()).is_ok_and(|group| group == self.own)
    }

    /// Gives the workload the terminal and continues it. Returns false if the terminal stays where it is.
    fn hand_over(&self) -> bool {
        let is_lent = rustix::termios::tcsetpgrp(rustix::stdio::stdin(), self.workload).is_ok();
        if is_lent {
            self.continue_workload();
        }
        is_lent
    }

    fn take_back(&self) {
        without_being_stopped(|| {
            let _ = rustix::termios::tcsetpgrp(rustix::stdio::stdin(), self.own);
        });
    }

    fn continue_workload(&self) {
        let _ = rustix::process::kill_process_group(self.workload, RawSignal::CONT);
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        if let Some(groups) = self.groups.filter(|_| self.is_lent) {
            groups.take_back();
        }
    }
}

/// None where it is that of a process outside of this pid namespace, or the kernel's own: then it has the number 0, which
/// the safe wrapper does not expect.
fn own_group() -> Option<Pid> {
    #[expect(unsafe_code, reason = "rustix takes the number 0 for impossible")]
    // SAFETY: the call takes nothing and always succeeds.
    let group = unsafe { libc::getpgrp() };
    Pid::from_raw(group)
}

/// A background process that takes the terminal is stopped by SIGTTOU, or refused, unless it ignores or blocks it
/// (tcsetpgrp(3)). A handler would not do.
#[expect(unsafe_code, reason = "signal masks have no safe wrapper among the crates in use")]
fn without_being_stopped(act: impl FnOnce()) {
    let (mut blocked, mut before) = (MaybeUninit::<libc::sigset_t>::zeroed(), MaybeUninit::<libc::sigset_t>::zeroed());
    // SAFETY: both pointers are to whole sets, of which the first is emptied before it is used.
    let is_blocked = unsafe {
        libc::sigemptyset(blocked.as_mut_ptr());
        libc::sigaddset(blocked.as_mut_ptr(), libc::SIGTTOU);
        libc::pthread_sigmask(libc::SIG_BLOCK, blocked.as_ptr(), before.as_mut_ptr()) == 0
    };
    act();
    if is_blocked {
        // SAFETY: the set was filled by the call that succeeded; this thread's mask is as it was.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    }
}

/// Columns of the terminal that standard error or output is on.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr())
        .or_else(|_| rustix::termios::tcgetwinsize(rustix::stdio::stdout()));
    size.ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0)
}

/// Whether control sequences do what they say on a terminal: all do here that do not say that they are dumb.
#[must_use]
pub const fn speaks_sequences() -> bool {
    true
}

/// Whether memguard may draw on the terminal that standard error is on. The workload whose group `leader` names, or memguard itself,
/// must have it: behind another program's back nothing is drawn. Nor is it where keys are read as they are typed or not shown: a
/// password is asked for, or the whole screen is in use. Nor where a program in the background is stopped for it (`TOSTOP`,
/// termios(3)).
#[must_use]
pub fn may_draw(leader: u32) -> bool {
    use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};
    let stderr = rustix::stdio::stderr();
    let Ok(group) = tcgetpgrp(stderr) else { return false };
    let Ok(modes) = tcgetattr(stderr).map(|attributes| attributes.local_modes) else { return false };
    let is_own = Some(group) == own_group();
    let is_lent = Some(group) == raw_pid(leader) && !modes.contains(LocalModes::TOSTOP);
    (is_own || is_lent) && modes.contains(LocalModes::ICANON | LocalModes::ECHO)
}
