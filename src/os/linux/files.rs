//! The limit of open files. memguard keeps four or five open for each process that it watches: more than the 1024 in all that
//! a shell grants, as soon as there are a few hundred.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit as it was before it was raised.
static FOUND: Mutex<Option<Rlimit>> = Mutex::new(None);

fn found() -> MutexGuard<'static, Option<Rlimit>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For as long as it lives memguard may open as many files as the system lets it.
#[derive(Debug)]
pub(super) struct ManyFiles(());

impl ManyFiles {
    /// Raises the limit. Where that is refused it stays as it is, and may do.
    pub(super) fn claim() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let mut found = found();
        if found.is_none() && setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).is_ok() {
            *found = Some(limit);
        }
        Self(())
    }
}

impl Drop for ManyFiles {
    fn drop(&mut self) {
        if let Some(limit) = found().take() {
            let _ = setrlimit(Resource::Nofile, limit); // to lower it is always allowed
        }
    }
}

/// Has a command start under the limit of open files that memguard was started with, if it has another one itself by now.
#[expect(unsafe_code, reason = "the standard library sets no limits")]
pub fn with_limits_found(command: &mut Command) {
    let Some(limit) = *found() else { return };
    let restore = move || setrlimit(Resource::Nofile, limit).map_err(io::Error::from);
    // SAFETY: between fork and exec it makes one system call, and neither takes a lock nor allocates.
    unsafe { command.pre_exec(restore) };
}
