//! The threads of a process: what they forked, and whether they ran at all.

use std::io;
use std::time::{Duration, Instant};

use super::proc::{ProcFile, is_gone, parse_children, parse_schedstat, parse_stat};
use super::stirs::{Sleeper, Stirs};

/// The threads of one process, with their files open.
#[derive(Debug, Default)]
pub(super) struct Threads {
    threads: Vec<Thread>,
    /// How many there were when they were listed.
    listed: u32,
    /// One of them has ended since: another may have its place.
    one_ended: bool,
    ticks_since_listed: u32,
    /// The kernel keeps no accounts.
    unaccounted: bool,
}

#[derive(Debug)]
struct Thread {
    id: u32,
    file: ProcFile,
    /// The list as it was last handed on.
    children: Vec<u8>,
    pulse: Option<Pulse>,
    watch: Watch,
}

/// What the kernel tells of a thread by itself.
#[derive(Debug)]
enum Watch {
    /// Nothing. At so many ticks its account has told that it rests, of which each that told otherwise takes half.
    Not(u32),
    /// When it is given a CPU. At so many ticks in a row it had been.
    On(Sleeper, u32),
    /// It may not be watched.
    Refused,
}

/// One that sleeps so much is watched: it wakes at one tick in five, or at fewer…
const SLEEPS: u32 = 6;
/// …until it runs at so many in a row: each time it is given a CPU would cost it a microsecond.
const RUNS: u32 = 4;

/// Threads are listed again when their number changed or one has ended, and every so many ticks for those that took one
/// another's place between two of them.
const LIST_AGAIN: u32 = 16;

impl Threads {
    /// Whether they sleep, and did so since the last tick: then the process has neither touched memory nor forked. The first one
    /// was seen to `sleep` since its account was last read, or not.
    pub(super) fn rest(
        &mut self,
        pid: u32,
        sleeps: bool,
        now: Instant,
        stirs: &mut Stirs,
        buffer: &mut Vec<u8>,
    ) -> bool {
        if self.unaccounted || self.threads.is_empty() {
            return false;
        }
        let mut rest = true;
        let sleeps = sleeps && self.threads.len() == 1;
        for thread in &mut self.threads {
            match thread.rests(pid, sleeps, now, stirs, buffer) {
                Some(rests) => rest &= rests,
                // The first thread is there as long as the process: it lacks nothing but the account.
                None if thread.id == pid && thread.pulse.is_none() => {
                    self.unaccounted = true;
                    return false;
                }
                None => (rest, self.one_ended) = (false, true),
            }
        }
        rest
    }

    /// Makes room for files that are needed more.
    pub(super) fn close_accounts(&mut self) {
        self.threads.iter_mut().for_each(|thread| (thread.pulse, thread.watch) = (None, Watch::Refused));
    }

    /// Whether all of them are watched, and sleep since they were last looked at.
    pub(super) fn sleep_watched(&self) -> bool {
        !self.threads.is_empty() && self.watched().count() == self.threads.len() && self.watched().all(Sleeper::sleeps)
    }

    /// When the first of those that slept was given a CPU, on the kernel's monotonic clock, in nanoseconds.
    pub(super) fn stirred(&self) -> Option<u64> {
        self.watched().filter_map(Sleeper::stirred).min()
    }

    fn watched(&self) -> impl Iterator<Item = &Sleeper> {
        self.threads.iter().filter_map(|thread| match &thread.watch {
            Watch::On(sleeper, _) => Some(sleeper),
            Watch::Not(_) | Watch::Refused => None,
        })
    }

    /// The processes that they forked, where these changed since the last time or `all` are wanted. `count` is how many
    /// threads the process has now.
    ///
    /// # Errors
    /// When memguard may not open more files.
    pub(super) fn children(
        &mut self,
        pid: u32,
        count: u32,
        all: bool,
        buffer: &mut Vec<u8>,
        found: &mut Vec<u32>,
    ) -> io::Result<()> {
        self.ticks_since_listed += 1;
        let may_have_changed = self.one_ended || (count > 1 && self.ticks_since_listed >= LIST_AGAIN);
        if count != self.listed || may_have_changed {
            self.list(pid, count)?;
            (self.listed, self.one_ended, self.ticks_since_listed) = (count, false, 0);
        }
        for thread in &mut self.threads {
            // A thread that has ended has handed its children to another.
            let Ok(text) = thread.file.read(buffer) else { continue };
            if all || text != thread.children {
                found.extend(parse_children(text));
                thread.children.clear();
                thread.children.extend_from_slice(text);
            }
        }
        Ok(())
    }

    /// Whether one has forked since its children were listed, and the fork still runs the program of this `stack`.
    pub(super) fn have_new_fork(&self, stack: u64, buffer: &mut Vec<u8>) -> bool {
        self.threads.iter().any(|thread| {
            let Ok(text) = thread.file.read(buffer) else { return false };
            if text == thread.children {
                return false;
            }
            let known: Vec<u32> = parse_children(&thread.children).collect();
            let new: Vec<u32> = parse_children(text).filter(|pid| !known.contains(pid)).collect();
            let mut stat_of = |pid| parse_stat(ProcFile::open(&format!("/proc/{pid}/stat")).ok()?.read(buffer).ok()?);
            new.into_iter().filter_map(&mut stat_of).any(|child| child.stack == stack)
        })
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
                && let Some(file) = ProcFile::open_if_there(&format!("/proc/{pid}/task/{id}/children"))?
            {
                self.threads.push(Thread { id, file, children: Vec::new(), pulse: None, watch: Watch::Not(0) });
            }
        }
        Ok(())
    }
}

impl Thread {
    /// Whether it sleeps, and did so since the last tick. None once it is gone, or where it has no account.
    fn rests(&mut self, pid: u32, sleeps: bool, now: Instant, stirs: &mut Stirs, buffer: &mut Vec<u8>) -> Option<bool> {
        if let Watch::On(sleeper, runs) = &mut self.watch {
            if sleeper.slept() {
                *runs = 0;
                return Some(true);
            }
            *runs += 1;
            if *runs >= RUNS {
                self.watch = Watch::Not(0);
            }
        }
        if self.pulse.is_none() {
            self.pulse = Pulse::open(pid, self.id, now);
        }
        let pulse = self.pulse.as_mut()?;
        let rests = pulse.rests(sleeps, now, buffer)?;
        if let Watch::Not(slept) = &mut self.watch {
            *slept = if rests { *slept + 1 } else { *slept / 2 };
            if *slept >= SLEEPS && stirs.has_room() {
                let watched = stirs.watch(self.id);
                // It may have run until now.
                let rests = pulse.rests(sleeps, now, buffer)?;
                self.watch = match watched {
                    Ok(sleeper) if rests => Watch::On(sleeper, 0),
                    Ok(_) => Watch::Not(0),
                    Err(_) => Watch::Refused,
                };
                return Some(rests);
            }
        }
        Some(rests)
    }
}

/// A thread's account of CPU time, and since when it stands still.
///
/// Kernel interface: `/proc/PID/task/TID/schedstat`, Documentation/scheduler/sched-stats.rst: time on a CPU and time waiting
/// for one in nanoseconds, and how often it was given one. This is the cheapest file of /proc that tells of any change: it
/// takes no lock, and looks at nothing but the thread itself.
#[derive(Debug)]
struct Pulse {
    file: ProcFile,
    account: Option<(u64, u64)>,
    since: Instant,
}

/// The account of a thread that is on a CPU moves at every tick of the scheduler: every 10 ms, or more often. One that stood
/// still for longer is of a thread that sleeps, and moves as soon as it is woken.
const AT_REST: Duration = Duration::from_millis(21);

impl Pulse {
    fn open(pid: u32, thread: u32, now: Instant) -> Option<Self> {
        let file = ProcFile::open(&format!("/proc/{pid}/task/{thread}/schedstat")).ok()?;
        Some(Self { file, account: None, since: now })
    }

    /// Whether the thread sleeps, and did so since the account was last read. None once the thread is gone. One that was seen to
    /// `sleep` after that was given no CPU while the account stands still, however short that is.
    fn rests(&mut self, sleeps: bool, now: Instant, buffer: &mut Vec<u8>) -> Option<bool> {
        let account = parse_schedstat(self.file.read(buffer).ok()?);
        if account != self.account || account.is_none() {
            (self.account, self.since) = (account, now);
            return Some(false);
        }
        Some(sleeps || now.duration_since(self.since) > AT_REST)
    }
}

/// Whether the accounts of threads on some cores may stand still while these run. Kernel interface: `nohz_full`,
/// Documentation/timers/no_hz.rst.
pub(super) fn has_tickless_cores() -> bool {
    let list = std::fs::read_to_string("/sys/devices/system/cpu/nohz_full").unwrap_or_default();
    list.trim_start().starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_rests_once_it_is_seen_to_sleep_or_its_account_stood_still_for_long() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (pid, now, mut buffer) = (child.id(), Instant::now(), Vec::new());
        let stat = ProcFile::open(&format!("/proc/{pid}/stat")).unwrap();
        let command = ProcFile::open(&format!("/proc/{pid}/cmdline")).unwrap();
        let mut pulse = Pulse::open(pid, pid, now).unwrap();
        // Until it has executed its program, and waits for its end.
        while !command.read(&mut buffer).unwrap().starts_with(b"sleep")
            || !parse_stat(stat.read(&mut buffer).unwrap()).unwrap().sleeps
        {
            std::thread::yield_now();
        }
        let mut told = |sleeps, after| {
            while pulse.rests(true, now, &mut buffer) == Some(false) {}
            pulse.rests(sleeps, now + after, &mut buffer)
        };
        let (seen, unseen, late) = (told(true, Duration::ZERO), told(false, Duration::ZERO), told(false, 2 * AT_REST));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((seen, unseen, late), (Some(true), Some(false), Some(true)));
        assert_eq!(pulse.rests(true, now, &mut buffer), None);
    }
}
