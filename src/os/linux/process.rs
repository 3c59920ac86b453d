use std::io;
use std::time::{Duration, Instant};

use super::proc::{ProcFile, Resident, Split, Stat, is_gone, parse_rollup, parse_stat, parse_status};
use super::sharing::{Estimate, Kin, Now, Shares, Sharing};
use super::threads::Threads;
use crate::units::Bytes;

/// One process of the tree, with its files open.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// As of this tick.
    pub(super) stat: Stat,
    /// Out of the tree (a drive, and what descends from it): followed to know its children, never counted.
    pub(super) left_out: bool,
    /// It runs its parent's program, forked and not executed anew: they share pages, perhaps all of them.
    pub(super) forked: bool,
    /// Its memory is its parent's own, not a copy: between vfork and exec.
    pub(super) borrows: bool,
    /// How many ticks have seen it.
    pub(super) age: u32,
    /// The command line for people.
    pub(super) command: String,
    /// As of this tick.
    pub(super) memory: Option<Resident>,
    /// How far the high-water mark rose above what the ticks saw, within this tick.
    pub(super) rise: u64,
    /// What becomes of it, and whether its end has been told.
    pub(super) life: Life,
    pub(super) told: bool,
    pub(super) sharing: Sharing,
    pub(super) kin: Kin,
    /// A relative forked, executed or ended since its shares were read.
    pub(super) stale: bool,
    /// The tick at which its shares were read last, or were tried to, and its time.
    pub(super) shares_read: u64,
    pub(super) shares_time: Instant,
    /// The most resident memory of any program that this process ran.
    pub(super) peak: Option<Bytes>,
    high_water: u64,
    stat_file: ProcFile,
    status_file: ProcFile,
    pub(super) threads: Threads,
    /// When it was last read, rather than left alone as one that sleeps.
    read: Instant,
    ticks_since_status: u32,
}

/// What becomes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    /// It has ended, and its parent has not asked how.
    Zombie,
    Gone,
}

/// What a tick learns of a process beside its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It is still what it was, with the same memory.
    Nothing,
    /// Its memory moved, or can have.
    Moved,
    /// It executed another program.
    Executed,
    /// It has ended.
    Ended,
}

/// What is resident can change by a little without a fault (the system swaps it out): so many readings later it is read all
/// the same.
const STATUS_AGAIN: u32 = 16;

/// A process is asked whether it runs once it is no longer new: most of the short-lived never are.
const NEW: u32 = 4;
/// What others can do to the memory of a process that sleeps (the system swaps it out, or makes huge pages of it) is seen
/// this much later, or up to twice that: by their pids they differ, so as not to be read all at once.
const READ_AGAIN: Duration = Duration::from_millis(500);

/// A command line of a megabyte helps nobody.
const COMMAND_LENGTH: usize = 512;

impl Process {
    /// Opens a process. None where it is gone already.
    ///
    /// # Errors
    /// When memguard may not open more files.
    pub(super) fn open(pid: u32, now: Instant, buffer: &mut Vec<u8>) -> io::Result<Option<Self>> {
        let open = |name: &str| ProcFile::open_if_there(&format!("/proc/{pid}/{name}"));
        let (Some(stat_file), Some(status_file)) = (open("stat")?, open("status")?) else { return Ok(None) };
        let Some(stat) = stat_file.read(buffer).ok().and_then(parse_stat) else { return Ok(None) };
        Ok(Some(Self {
            pid,
            stat,
            left_out: false,
            forked: false,
            borrows: false,
            age: 0,
            command: read_command(pid),
            memory: None,
            rise: 0,
            life: Life::Running,
            told: false,
            sharing: Sharing::Unknown,
            kin: Kin::Alone,
            stale: false,
            shares_read: 0,
            shares_time: now,
            peak: None,
            high_water: 0,
            stat_file,
            status_file,
            threads: Threads::default(),
            read: now,
            ticks_since_status: 0,
        }))
    }

    /// Whether it sleeps, and did so since the last tick: then all of it is as it was, and it need not be read.
    pub(super) fn rests(&mut self, now: Instant, buffer: &mut Vec<u8>) -> bool {
        let again = READ_AGAIN + READ_AGAIN / 32 * (self.pid % 32);
        self.age > NEW && now.duration_since(self.read) < again && self.threads.rest(self.pid, now, buffer)
    }

    /// Reads the process as it is now: its memory, how far it rose between the ticks, and what else became of it.
    pub(super) fn refresh(&mut self, now: Instant, buffer: &mut Vec<u8>) -> News {
        let before = (self.stat, self.memory, self.rise);
        self.rise = 0;
        self.read = now;
        self.age = self.age.saturating_add(1);
        let Some(stat) = self.stat_file.read(buffer).ok().and_then(parse_stat) else {
            (self.life, self.memory) = (Life::Gone, None);
            return News::Ended;
        };
        self.stat = stat;
        // A process whose first thread has ended while others go on shows as a zombie, too.
        if stat.zombie && stat.threads <= 1 {
            (self.life, self.memory) = (Life::Zombie, None);
            return News::Ended;
        }
        let mut executed = stat.stack != before.0.stack;
        let marks = |stat: Stat| (stat.minor_faults, stat.major_faults, stat.resident_pages);
        let moved = marks(stat) != marks(before.0);
        self.ticks_since_status += 1;
        if self.age == 1 || executed || moved || self.ticks_since_status >= STATUS_AGAIN {
            self.ticks_since_status = 0;
            self.memory = self.status_file.read(buffer).ok().and_then(parse_status);
            if executed && self.memory.is_none() {
                // It is ending: its stack went with its memory.
                executed = false;
                self.stat.stack = before.0.stack;
            }
            self.note_marks(executed);
            // While a program is being executed, or writes itself a title, it has no command line.
            if self.age > 1 && self.command.starts_with('[') {
                self.command = read_command(self.pid);
            }
        }
        if executed {
            self.begin_program();
            return News::Executed;
        }
        if moved || (self.memory, self.rise) != (before.1, before.2) { News::Moved } else { News::Nothing }
    }

    fn note_marks(&mut self, executed: bool) {
        let Some(memory) = self.memory else { return };
        // Above every mark so far: that happened since the last tick, whatever is resident by now. An exec begins a new mark.
        if executed || memory.high_water > self.high_water {
            self.rise = memory.high_water.saturating_sub(memory.resident());
        }
        self.high_water = memory.high_water.max(memory.resident());
        self.peak = self.peak.max(Some(Bytes(self.high_water)));
    }

    /// It runs another program than before. Until then a fork shows its parent's memory as its own, and so do its marks.
    fn begin_program(&mut self) {
        self.command = read_command(self.pid);
        self.sharing = Sharing::Unknown;
        if self.forked {
            self.peak = self.memory.map(|memory| Bytes(memory.high_water));
        }
    }

    /// Its share of its memory, as far as that is known. None where it has none (any more). `inherited` tells what its parent
    /// has, which matters until its shares are first read.
    pub(super) fn estimate(&self, inherited: impl FnOnce() -> Option<Split>) -> Option<Estimate> {
        let resident = self.memory?.split;
        let inherited = if self.sharing == Sharing::Unknown { inherited() } else { None };
        Some(self.sharing.share_of(&Now { resident, faults: self.stat.minor_faults, kin: self.kin, inherited }))
    }

    /// Reads its shares. This holds the lock of its memory map and takes about 3 ms per GB. None where it can't be read now.
    pub(super) fn read_shares(&mut self, machine_shmem: Option<u64>, buffer: &mut Vec<u8>) -> Option<Shares> {
        let memory = self.memory?;
        // Not kept open: it would stay with the memory of the program that it was opened for.
        let file = ProcFile::open(&format!("/proc/{}/smaps_rollup", self.pid));
        match file.and_then(|file| file.read(buffer).map(parse_rollup)) {
            Ok(Some(share)) => {
                let faults = self.stat.minor_faults;
                return Some(Shares { resident: memory.split, share, faults, machine_shmem });
            }
            // It has let go of its memory since this tick read it: the others' shares have what was shared.
            Ok(None) => self.memory = None,
            Err(error) if is_gone(&error) => self.memory = None,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.sharing = Sharing::Denied,
            // No more files to be had: the estimate stands.
            Err(_) => {}
        }
        None
    }
}

/// The command line for people; the program's short name in brackets where there is none.
pub(super) fn read_command(pid: u32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = line.split(|&byte| byte == 0).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        return if name.is_empty() { String::new() } else { format!("[{}]", name.trim_end()) };
    }
    let mut text = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
    if let Some((cut, _)) = text.char_indices().nth(COMMAND_LENGTH) {
        text.truncate(cut);
        text.push('…');
    }
    text
}
