use std::io;

use super::proc::{ProcFile, Resident, Split, Stat, parse_children, parse_rollup, parse_stat, parse_status};
use super::sharing::{Estimate, Kin, Now, Shares, Sharing};
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
    pub(super) ticks_since_shares: u32,
    /// The most resident memory of any program that this process ran.
    pub(super) peak: Option<Bytes>,
    high_water: u64,
    stat_file: ProcFile,
    status_file: ProcFile,
    rollup_file: Option<ProcFile>,
    threads: Vec<Thread>,
    /// How many threads there were when `threads` was listed.
    listed: u32,
    ticks_since_listed: u32,
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
    /// It is still what it was.
    Nothing,
    /// It executed another program.
    Executed,
    /// It has ended.
    Ended,
}

#[derive(Debug)]
struct Thread {
    id: u32,
    file: ProcFile,
    /// The list as it was last handed on.
    children: Vec<u8>,
}

/// The threads of a process are listed again when their number changed, and every so many ticks for those that took one
/// another's place.
const LIST_AGAIN: u32 = 16;

/// What is resident can change by a little without a fault (the system swaps it out): so many ticks later it is read all the
/// same.
const STATUS_AGAIN: u32 = 16;

/// A command line of a megabyte helps nobody.
const COMMAND_LENGTH: usize = 512;

impl Process {
    /// Opens a process. None where it is gone already.
    pub(super) fn open(pid: u32, buffer: &mut Vec<u8>) -> Option<Self> {
        let stat_file = ProcFile::open(&format!("/proc/{pid}/stat")).ok()?;
        let status_file = ProcFile::open(&format!("/proc/{pid}/status")).ok()?;
        let stat = parse_stat(stat_file.read(buffer).ok()?)?;
        Some(Self {
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
            ticks_since_shares: 0,
            peak: None,
            high_water: 0,
            stat_file,
            status_file,
            rollup_file: None,
            threads: Vec::new(),
            listed: 0,
            ticks_since_listed: 0,
            ticks_since_status: 0,
        })
    }

    /// Reads the process as it is now: its memory, how far it rose between the ticks, and what else became of it.
    pub(super) fn refresh(&mut self, buffer: &mut Vec<u8>) -> News {
        let before = self.stat;
        self.rise = 0;
        self.age = self.age.saturating_add(1);
        self.ticks_since_shares = self.ticks_since_shares.saturating_add(1);
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
        let mut executed = stat.stack != before.stack;
        let moved = |stat: Stat| (stat.minor_faults, stat.major_faults, stat.resident_pages);
        self.ticks_since_status += 1;
        if self.age == 1 || executed || moved(stat) != moved(before) || self.ticks_since_status >= STATUS_AGAIN {
            self.ticks_since_status = 0;
            self.memory = self.status_file.read(buffer).ok().and_then(parse_status);
            if executed && self.memory.is_none() {
                // It is ending: its stack went with its memory.
                executed = false;
                self.stat.stack = before.stack;
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
        News::Nothing
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
        // An open one stays with the memory of the program that it was opened for.
        self.rollup_file = None;
        if self.forked {
            self.peak = self.memory.map(|memory| Bytes(memory.high_water));
        }
    }

    /// The processes that its threads forked, where these changed since the last time or `all` are wanted.
    pub(super) fn children(&mut self, all: bool, buffer: &mut Vec<u8>, found: &mut Vec<u32>) {
        self.ticks_since_listed += 1;
        let may_have_changed = self.stat.threads > 1 && self.ticks_since_listed >= LIST_AGAIN;
        if self.stat.threads != self.listed || may_have_changed {
            self.list_threads();
            self.listed = self.stat.threads;
            self.ticks_since_listed = 0;
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
    }

    /// Whether it has forked since its children were listed, and the fork still shares its pages.
    pub(super) fn has_new_fork(&self, buffer: &mut Vec<u8>) -> bool {
        self.threads.iter().any(|thread| {
            let Ok(text) = thread.file.read(buffer) else { return false };
            if text == thread.children {
                return false;
            }
            let known: Vec<u32> = parse_children(&thread.children).collect();
            let new: Vec<u32> = parse_children(text).filter(|pid| !known.contains(pid)).collect();
            let mut stat_of = |pid| parse_stat(ProcFile::open(&format!("/proc/{pid}/stat")).ok()?.read(buffer).ok()?);
            new.into_iter().filter_map(&mut stat_of).any(|child| child.stack == self.stat.stack)
        })
    }

    fn list_threads(&mut self) {
        let Ok(entries) = std::fs::read_dir(format!("/proc/{}/task", self.pid)) else { return };
        let ids: Vec<u32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        self.threads.retain(|thread| ids.contains(&thread.id));
        for id in ids {
            if self.threads.iter().all(|thread| thread.id != id)
                && let Ok(file) = ProcFile::open(&format!("/proc/{}/task/{id}/children", self.pid))
            {
                self.threads.push(Thread { id, file, children: Vec::new() });
            }
        }
    }

    /// Its share of its memory, as far as that is known. None where it has none (any more).
    pub(super) fn estimate(&self, inherited: Option<Split>) -> Option<Estimate> {
        let resident = self.memory?.split;
        Some(self.sharing.share_of(&Now { resident, faults: self.stat.minor_faults, kin: self.kin, inherited }))
    }

    /// Reads its shares. This holds the lock of its memory map and takes about 3 ms per GB. None where it can't be read now.
    pub(super) fn read_shares(&mut self, machine_shmem: Option<u64>, buffer: &mut Vec<u8>) -> Option<Shares> {
        let memory = self.memory?;
        if self.rollup_file.is_none() {
            match ProcFile::open(&format!("/proc/{}/smaps_rollup", self.pid)) {
                Ok(file) => self.rollup_file = Some(file),
                Err(error) => return self.note_denial(&error),
            }
        }
        match self.rollup_file.as_ref()?.read(buffer).map(parse_rollup) {
            // None: no memory left to speak of, it is on its way out.
            Ok(share) => {
                let faults = self.stat.minor_faults;
                Some(Shares { resident: memory.split, share: share?, faults, machine_shmem })
            }
            Err(error) => {
                self.rollup_file = None;
                self.note_denial(&error)
            }
        }
    }

    fn note_denial<T>(&mut self, error: &io::Error) -> Option<T> {
        if error.kind() == io::ErrorKind::PermissionDenied {
            self.sharing = Sharing::Denied;
        }
        None
    }
}

/// The command line for people; the program's short name in brackets where there is none.
fn read_command(pid: u32) -> String {
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
