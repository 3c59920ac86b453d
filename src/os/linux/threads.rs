//! The threads of a process: what they forked, and whether they ran.

use std::io;
use std::time::{Duration, Instant};

use super::proc::{ProcFile, is_gone, parse_children, parse_schedstat};

/// The threads of one process, with their files open.
#[derive(Debug, Default)]
pub(super) struct Threads {
    threads: Vec<Thread>,
    /// How many there were when they were listed.
    listed: u32,
    /// One of them has ended since: another can have its place.
    one_ended: bool,
    lists_read: u32,
    /// The kernel keeps no accounts, or there are no files to be had for them.
    is_unaccounted: bool,
}

#[derive(Debug)]
struct Thread {
    id: u32,
    children: ProcFile,
    /// The children as they were last handed on.
    known: Vec<u8>,
    account: Option<Account>,
}

/// A thread's account of CPU time, and since when it stands still.
///
/// Kernel interface: `/proc/PID/task/TID/schedstat`, Documentation/scheduler/sched-stats.rst: time on a CPU in nanoseconds,
/// and how often it was given one.
#[derive(Debug)]
struct Account {
    file: ProcFile,
    value: Option<(u64, u64)>,
    since: Instant,
}

/// Threads are listed again when their number changed or one has ended, and after so many looks for those that took one
/// another's place between two of them.
const LIST_AGAIN: u32 = 16;
/// The account of a thread that is on a CPU moves at every tick of the scheduler: every 10 ms, or more often. One that stood
/// still for longer is of a thread that sleeps, and moves as soon as it is woken.
const STILL: Duration = Duration::from_millis(21);

impl Threads {
    /// True if the list of threads is not of a process that has `count` of them.
    pub(super) fn is_outdated(&self, count: u32) -> bool {
        count != self.listed || self.one_ended
    }

    /// True if no thread ran since the last look. `first_sleeps`: the first thread was seen to sleep after that look.
    pub(super) fn have_slept(&mut self, pid: u32, first_sleeps: bool, now: Instant, buffer: &mut Vec<u8>) -> bool {
        if self.is_unaccounted || self.threads.is_empty() || self.one_ended {
            return false;
        }
        let first_sleeps = first_sleeps && self.threads.len() == 1;
        for thread in &mut self.threads {
            if thread.account.is_none() {
                thread.account = Account::open(pid, thread.id, now);
            }
            match thread.account.as_mut().and_then(|account| account.stood_still(first_sleeps, now, buffer)) {
                Some(true) => {}
                Some(false) => return false,
                None => {
                    // The first thread is there as long as the process: it lacks nothing but the account.
                    self.is_unaccounted |= thread.id == pid && thread.account.is_none();
                    self.one_ended = true;
                    return false;
                }
            }
        }
        true
    }

    /// Makes room for files that are needed more. All children are found again.
    pub(super) fn close(&mut self) {
        *self = Self { is_unaccounted: true, ..Self::default() };
    }

    /// The processes that they forked, where these changed since the last time. `count` is how many threads the process has
    /// now.
    ///
    /// # Errors
    /// When memguard may not open more files.
    pub(super) fn children(
        &mut self,
        pid: u32,
        count: u32,
        buffer: &mut Vec<u8>,
        found: &mut Vec<u32>,
    ) -> io::Result<()> {
        self.lists_read += 1;
        if self.is_outdated(count) || (count > 1 && self.lists_read >= LIST_AGAIN) {
            self.list(pid, count)?;
            (self.listed, self.one_ended, self.lists_read) = (count, false, 0);
        }
        for thread in &mut self.threads {
            // A thread that has ended has handed its children to another.
            let Ok(text) = thread.children.read(buffer) else { continue };
            if text != thread.known {
                found.extend(parse_children(text));
                thread.known.clear();
                thread.known.extend_from_slice(text);
            }
        }
        Ok(())
    }

    fn list(&mut self, pid: u32, count: u32) -> io::Result<()> {
        // The only thread is the first, which has the process's number: most short-lived processes have no other.
        let ids = if count == 1 && self.threads.is_empty() {
            vec![pid]
        } else {
            match std::fs::read_dir(format!("/proc/{pid}/task")) {
                Ok(entries) => entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect(),
                Err(error) => return if is_gone(&error) { Ok(()) } else { Err(error) },
            }
        };
        self.threads.retain(|thread| ids.contains(&thread.id));
        for id in ids {
            if self.threads.iter().all(|thread| thread.id != id)
                && let Some(children) = ProcFile::open_if_there(&format!("/proc/{pid}/task/{id}/children"))?
            {
                self.threads.push(Thread { id, children, known: Vec::new(), account: None });
            }
        }
        Ok(())
    }
}

impl Account {
    fn open(pid: u32, thread: u32, now: Instant) -> Option<Self> {
        let file = ProcFile::open(&format!("/proc/{pid}/task/{thread}/schedstat")).ok()?;
        Some(Self { file, value: None, since: now })
    }

    /// True if the thread did not run since the account was last read. None once the thread is gone. A thread that was seen to
    /// `sleep` after that was given no CPU while the account stands still, however short that is.
    fn stood_still(&mut self, sleeps: bool, now: Instant, buffer: &mut Vec<u8>) -> Option<bool> {
        let value = parse_schedstat(self.file.read(buffer).ok()?);
        if value != self.value || value.is_none() {
            (self.value, self.since) = (value, now);
            return Some(false);
        }
        Some(sleeps || now.duration_since(self.since) > STILL)
    }
}

/// True if the accounts of threads on some cores can stand still while these run. Kernel interface: `nohz_full`,
/// Documentation/timers/no_hz.rst.
pub(super) fn has_tickless_cores() -> bool {
    let list = std::fs::read_to_string("/sys/devices/system/cpu/nohz_full").unwrap_or_default();
    list.trim_start().starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::proc::parse_stat;
    use super::*;

    #[test]
    fn a_thread_slept_once_it_is_seen_to_sleep_or_its_account_stood_still_for_long() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (pid, now, mut buffer) = (child.id(), Instant::now(), Vec::new());
        let stat = ProcFile::open(&format!("/proc/{pid}/stat")).unwrap();
        let command = ProcFile::open(&format!("/proc/{pid}/cmdline")).unwrap();
        let mut account = Account::open(pid, pid, now).unwrap();
        // Until it has executed its program, and waits for its end.
        while !command.read(&mut buffer).unwrap().starts_with(b"sleep")
            || !parse_stat(stat.read(&mut buffer).unwrap()).unwrap().sleeps
        {
            std::thread::yield_now();
        }
        let mut slept = |sleeps, after| {
            while account.stood_still(true, now, &mut buffer) == Some(false) {}
            account.stood_still(sleeps, now + after, &mut buffer)
        };
        let (seen, unseen, late) = (slept(true, Duration::ZERO), slept(false, Duration::ZERO), slept(false, 2 * STILL));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((seen, unseen, late), (Some(true), Some(false), Some(true)));
        assert_eq!(account.stood_still(true, now, &mut buffer), None);
    }
}
