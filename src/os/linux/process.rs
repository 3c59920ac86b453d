//! One process of the tree: its memory, and how far that rose between two readings.

use std::io;
use std::time::Instant;

use super::command_line::read_command;
use super::proc::{Memory, ProcFile, Rollup, Stat, parse_rollup, parse_stat, parse_status};
use super::threads::Threads;
use crate::units::Bytes;

/// One process of the tree, with its files open.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) stat: Stat,
    /// As last read. None once it has let go of its memory.
    pub(super) memory: Option<Memory>,
    /// The memory at the reading before; nothing of a process that was not there.
    pub(super) before: Memory,
    /// Minor faults since the reading before.
    pub(super) new_faults: u64,
    pub(super) rise: Rise,
    pub(super) life: Life,
    pub(super) role: Role,
    pub(super) program: Program,
    pub(super) threads: Threads,
    files: Files,
    pace: Pace,
}

/// How far a process was above what it holds now, by a new high-water mark, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rise {
    pub(super) bytes: u64,
    /// The same of resident memory, mapped files among it.
    pub(super) resident: u64,
    /// What of it no page fault of its own brought: mapped files come up to 16 pages a fault.
    pub(super) below: u64,
    /// Mapped files that it let go of: other memory can have been in their place.
    pub(super) above: u64,
}

/// What becomes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    /// It has ended, and its parent has not waited for it.
    Zombie,
    Gone,
}

/// What a process is in the tree.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Role {
    /// Outside the tree (a drive, and what descends from it): followed to know its children, never counted.
    pub(super) is_left_out: bool,
    /// It runs its parent's program: forked, and no program executed since.
    pub(super) is_fork: bool,
    /// Its memory is its parent's own, not a copy: between vfork and exec.
    pub(super) borrows: bool,
}

/// What a process runs.
#[derive(Debug)]
pub(super) struct Program {
    /// The command line for people.
    pub(super) command: String,
    /// The most resident memory of any program that the process ran.
    pub(super) peak: Option<Bytes>,
    /// As last read, while it had memory.
    pub(super) memory: Memory,
    /// Its end was reported.
    pub(super) is_reported: bool,
}

#[derive(Debug)]
struct Files {
    stat: ProcFile,
    status: ProcFile,
    /// The thread whose files have the memory: the first, whose number is the process's, while it lives.
    thread: u32,
}

/// When a process is read.
#[derive(Debug)]
struct Pace {
    readings: u32,
    since_status: u32,
    is_asleep: bool,
    /// It was not read at the last tick either: there is nothing to forget.
    is_left: bool,
}

/// What a reading finds of a process beside its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Unchanged,
    Moved,
    Executed,
    Ended,
}

/// Resident memory can change by a little without a fault (the system swaps it out): after so many readings `status` is read
/// all the same.
const STATUS_AGAIN: u32 = 16;
/// The accounts of a process that is new are not read: most short-lived ones never sleep.
const READINGS_BEFORE_SLEEP: u32 = 3;
impl Process {
    /// Opens a process. None where it is gone already.
    ///
    /// # Errors
    /// When memguard may not open more files.
    pub(super) fn open(pid: u32, buffer: &mut Vec<u8>) -> io::Result<Option<Self>> {
        let open = |name: &str| ProcFile::open_if_there(&format!("/proc/{pid}/{name}"));
        let (Some(stat_file), Some(status)) = (open("stat")?, open("status")?) else { return Ok(None) };
        let Some(stat) = stat_file.read(buffer).ok().and_then(parse_stat) else { return Ok(None) };
        Ok(Some(Self {
            pid,
            stat,
            memory: None,
            before: Memory::default(),
            new_faults: 0,
            rise: Rise::default(),
            life: Life::Running,
            role: Role::default(),
            program: Program { command: read_command(pid), peak: None, memory: Memory::default(), is_reported: false },
            threads: Threads::default(),
            files: Files { stat: stat_file, status, thread: pid },
            pace: Pace { readings: 0, since_status: 0, is_asleep: false, is_left: false },
        }))
    }

    /// Whether it counts: it is of the tree, lives, and has memory of its own.
    pub(super) fn counts(&self) -> bool {
        self.life == Life::Running && !self.role.is_left_out && !self.role.borrows
    }

    /// What it holds, if it counts.
    pub(super) fn footprint(&self) -> u64 {
        self.memory.filter(|_| self.counts()).map_or(0, |memory| memory.footprint())
    }

    /// True if it was read at this tick.
    pub(super) const fn is_read(&self) -> bool {
        !self.pace.is_left
    }

    pub(super) const fn is_unread(&self) -> bool {
        self.pace.readings == 0
    }

    /// How much it grew between the last two readings.
    pub(super) fn growth(&self) -> u64 {
        let now = self.memory.map_or(0, |memory| memory.footprint());
        now.saturating_sub(self.before.footprint())
    }

    pub(super) const fn is_asleep(&self) -> bool {
        self.pace.is_asleep
    }

    /// True if it slept since the last look at its accounts: it need not be read. A zombie does not sleep: it may be gone.
    pub(super) fn still_sleeps(&mut self, now: Instant, buffer: &mut Vec<u8>) -> bool {
        self.pace.is_asleep &=
            self.life == Life::Running && self.threads.have_slept(self.pid, self.stat.sleeps, now, buffer);
        self.pace.is_asleep
    }

    /// It was not read at this tick: it has not changed.
    pub(super) fn leave(&mut self) {
        if !std::mem::replace(&mut self.pace.is_left, true) {
            self.forget_tick();
        }
    }

    /// What it did since the reading before is no news any more.
    fn forget_tick(&mut self) {
        (self.rise, self.new_faults) = (Rise::default(), 0);
        self.before = self.memory.unwrap_or_default();
    }

    /// Reads the process as it is now.
    pub(super) fn refresh(&mut self, now: Instant, may_sleep: bool, buffer: &mut Vec<u8>) -> News {
        let before = self.stat;
        self.forget_tick();
        (self.pace.is_asleep, self.pace.is_left) = (false, false);
        self.pace.readings = self.pace.readings.saturating_add(1);
        let is_first = self.pace.readings == 1;
        let Some(stat) = self.files.stat.read(buffer).ok().and_then(parse_stat) else {
            (self.life, self.memory) = (Life::Gone, None);
            return News::Ended;
        };
        self.stat = stat;
        self.new_faults = stat.minor_faults.saturating_sub(if is_first { 0 } else { before.minor_faults });
        // A process whose first thread has ended while others go on shows as a zombie, too.
        if stat.zombie && stat.threads <= 1 {
            (self.life, self.memory) = (Life::Zombie, None);
            return News::Ended;
        }
        if stat.zombie {
            // Its family went with the thread. An exec would have made another thread the first.
            self.stat.family = before.family;
        }
        let mut executed = self.stat.family != before.family;
        let moved = (stat.minor_faults, stat.resident_pages) != (before.minor_faults, before.resident_pages);
        self.pace.since_status += 1;
        if is_first || executed || moved || stat.zombie || self.pace.since_status >= STATUS_AGAIN {
            self.pace.since_status = 0;
            self.memory = self.read_status(buffer);
            if executed && self.memory.is_none() {
                // It is ending: its family went with its memory.
                executed = false;
                self.stat.family = before.family;
            }
            if let Some(memory) = self.memory {
                let known = if is_first || executed { Memory::default() } else { self.before };
                self.rise = rise(&known, &memory, self.new_faults);
                self.program.memory = memory;
                let peak = Bytes(memory.high_water.max(memory.resident()));
                // A fork's mark was its parent's before it executed a program.
                self.program.peak =
                    if executed && self.role.is_fork { Some(peak) } else { self.program.peak.max(Some(peak)) };
            }
            // While a program is being executed, or writes itself a title, it has no command line.
            if executed || (!is_first && self.program.command.starts_with('[')) {
                self.program.command = read_command(self.pid);
            }
        }
        if executed {
            return News::Executed;
        }
        if moved || self.memory.unwrap_or_default() != self.before || self.rise != Rise::default() {
            return News::Moved;
        }
        self.pace.is_asleep = may_sleep
            && !self.threads.is_outdated(stat.threads)
            && self.pace.readings > READINGS_BEFORE_SLEEP
            && self.threads.have_slept(self.pid, self.stat.sleeps, now, buffer);
        News::Unchanged
    }

    /// Reads its memory once more within a tick.
    pub(super) fn read_memory(&self, buffer: &mut Vec<u8>) -> Option<Memory> {
        self.files.status.read(buffer).ok().and_then(parse_status)
    }

    /// Once the first thread has ended, or is about to, the process's own files are empty: another thread's are not.
    fn read_status(&mut self, buffer: &mut Vec<u8>) -> Option<Memory> {
        let memory = self.read_memory(buffer);
        if memory.is_some() || self.stat.threads <= 1 {
            return memory;
        }
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?;
        let mut threads = threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        threads.find_map(|thread: u32| {
            let file = ProcFile::open(&format!("/proc/{}/task/{thread}/status", self.pid)).ok()?;
            let memory = file.read(buffer).ok().and_then(parse_status)?;
            (self.files.thread, self.files.status) = (thread, file);
            Some(memory)
        })
    }

    /// Reads its shares, and its faults before that. This holds the lock of its memory map and takes about 3 ms per GB.
    ///
    /// # Errors
    /// When the system refuses, or the process has let go of its memory.
    pub(super) fn read_shares(&self, buffer: &mut Vec<u8>) -> io::Result<(Rollup, Stat)> {
        let gone = || io::Error::from_raw_os_error(libc::ESRCH);
        let stat = parse_stat(self.files.stat.read(buffer)?).ok_or_else(gone)?;
        // Not kept open: it would stay with the memory of the program that it was opened for.
        let file = ProcFile::open(&format!("/proc/{}/smaps_rollup", self.files.thread))?;
        Ok((parse_rollup(file.read(buffer)?).ok_or_else(gone)?, stat))
    }
}

/// How far a process was above `now`, if its high-water mark is new since `before`.
fn rise(before: &Memory, now: &Memory, faults: u64) -> Rise {
    if now.high_water <= before.high_water.max(now.resident()) {
        return Rise::default();
    }
    let unmapped = before.mapped.saturating_sub(now.mapped);
    let swapped_out = now.swap.saturating_sub(before.swap);
    let above = now.high_water - now.resident();
    let bytes = above.saturating_sub(unmapped + swapped_out);
    // What it held before and gave back since was of the metric, and so is what a fault brought.
    let given_back = before.footprint().saturating_sub(now.footprint());
    let brought = faults.saturating_mul(rustix::param::page_size() as u64);
    let below = bytes.saturating_sub(brought + given_back);
    Rise { bytes, resident: above, below, above: unmapped.min(above) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::proc::parse_children;
    use super::*;

    const MIB: u64 = 1 << 20;
    /// Faults that bring a MiB in pages of 4 KiB.
    const FAULTS: u64 = 256;

    fn memory(anon: u64, mapped: u64, swap: u64, high_water: u64) -> Memory {
        let mib = |value| value * MIB;
        Memory { anon: mib(anon), mapped: mib(mapped), swap: mib(swap), shmem: 0, high_water: mib(high_water) }
    }

    #[test]
    fn a_new_mark_is_a_rise_of_anonymous_memory_as_far_as_faults_brought_it() {
        let rose = |bytes: u64, below: u64, above: u64| Rise {
            bytes: bytes * MIB,
            resident: bytes * MIB,
            below: below * MIB,
            above: above * MIB,
        };
        let before = memory(50, 10, 0, 60);
        assert_eq!(rise(&before, &memory(50, 10, 0, 124), 64 * FAULTS), rose(64, 0, 0));
        assert_eq!(rise(&before, &memory(50, 10, 0, 124), 4 * FAULTS), rose(64, 60, 0), "mapped files, most likely");
        let given_back = rise(&memory(80, 10, 0, 90), &memory(50, 10, 0, 124), 34 * FAULTS);
        assert_eq!(given_back, rose(64, 0, 0), "30 of it were there before");
        assert_eq!(rise(&before, &memory(50, 10, 0, 60), 64 * FAULTS), Rise::default(), "no new mark");
        assert_eq!(rise(&before, &memory(90, 10, 0, 100), 40 * FAULTS), Rise::default(), "it is at its mark now");
    }

    #[test]
    fn what_was_unmapped_or_swapped_out_since_a_mark_is_no_rise() {
        let before = memory(50, 30, 0, 80);
        let unmapped = rise(&before, &memory(50, 10, 0, 100), 1000 * FAULTS);
        assert_eq!((unmapped.bytes, unmapped.above), (20 * MIB, 20 * MIB));
        let swapped = rise(&before, &memory(20, 30, 40, 90), 1000 * FAULTS);
        assert_eq!(swapped.bytes, 0, "90 were resident, and 90 are counted");
    }

    #[test]
    fn another_thread_has_the_memory_once_the_first_has_ended() {
        let size = Bytes::from_mib(24);
        #[expect(unsafe_code, reason = "a child whose first thread alone ends")]
        // SAFETY: the child does not return: its first thread ends without unwinding, and the test kills the other.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let rest = std::thread::spawn(move || {
                let _held = vec![1_u8; size.0 as usize];
                std::thread::sleep(Duration::from_secs(60));
            });
            #[expect(unsafe_code, reason = "nothing else ends the first thread alone")]
            // SAFETY: as above.
            unsafe {
                libc::syscall(libc::SYS_exit, 0)
            };
            drop(rest);
        }
        let mut buffer = Vec::new();
        let own = ProcFile::open("/proc/thread-self/children").unwrap();
        let pid = parse_children(own.read(&mut buffer).unwrap()).next().unwrap();
        let mut process = Process::open(pid, &mut buffer).unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !(process.stat.zombie && process.memory.is_some_and(|memory| memory.anon >= size.0)) {
            assert!(Instant::now() < deadline, "{process:?}");
            assert_ne!(process.refresh(Instant::now(), false, &mut buffer), News::Ended);
        }
        let shares = process.read_shares(&mut buffer);
        crate::os::kill_process(pid);
        rustix::process::waitpid(rustix::process::Pid::from_raw(child), rustix::process::WaitOptions::empty()).unwrap();
        assert!(shares.as_ref().is_ok_and(|(rollup, _)| rollup.anon_share > 0), "{shares:?}");
    }
}
