use std::io;

use super::proc::{
    Identity, ProcFile, Resident, Split, Status, parse_children, parse_rollup, parse_stat, parse_status,
};
use crate::units::Bytes;

/// One process of the tree, with its files open.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) identity: Identity,
    /// Out of the tree (a drive, and what descends from it): followed to know its children, never counted.
    pub(super) left_out: bool,
    /// It runs its parent's program, forked and not executed anew: they share pages, perhaps all of them.
    pub(super) forked: bool,
    /// How many ticks have seen it.
    pub(super) age: u32,
    /// The command line for people.
    pub(super) command: String,
    /// As of this tick.
    pub(super) memory: Option<Resident>,
    /// How far the high-water mark rose above what the ticks saw, within this tick.
    pub(super) rise: u64,
    pub(super) sharing: Sharing,
    /// What becomes of it, and whether its end has been told.
    pub(super) life: Life,
    pub(super) told: bool,
    /// Others of the tree run the same program, forked and not executed anew.
    pub(super) family: bool,
    /// A relative forked, executed or ended since its shares were read.
    pub(super) stale: bool,
    pub(super) ticks_since_read: u32,
    /// The most resident memory of any program that this process ran.
    pub(super) peak: Option<Bytes>,
    high_water: u64,
    status: ProcFile,
    stat: ProcFile,
    rollup: Option<ProcFile>,
    threads: Vec<Thread>,
    /// How many threads the status told when `threads` was listed.
    listed: u32,
    ticks_since_listed: u32,
}

/// What becomes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    /// It has ended, and its parent has not asked how.
    Zombie,
    Gone,
}

#[derive(Debug)]
struct Thread {
    id: u32,
    children: ProcFile,
}

/// What is known of the pages that a process shares with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Not read yet.
    Unknown,
    /// As last read.
    Read {
        /// What was resident then: a process that has not moved since need not be read again.
        resident: Split,
        /// What of it was this process's share.
        share: Split,
        /// Its minor faults then.
        faults: u64,
    },
    /// The system does not let memguard read it: resident memory stands in.
    Denied,
}

impl Sharing {
    /// The share of what is resident now, from what the share was when it was read; None where that is not known.
    ///
    /// What is new is a program's own. But among others it is likely to map files that they have mapped, so that files keep
    /// their proportion; and in a family of forks a fault that brought no new page is a shared one that was written to and
    /// copied.
    pub(super) fn share_of(self, now: &Split, kin: Kin) -> Option<Split> {
        let (resident, share, faults) = match self {
            Self::Unknown => return None,
            Self::Denied => return Some(*now),
            Self::Read { resident, share, faults } => (resident, share, faults),
        };
        let own = now.above(&resident.above(&share));
        let scaled = |now: u64, resident: u64, share: u64| {
            if resident == 0 { now } else { (now as f64 * (share as f64 / resident as f64)) as u64 }
        };
        let file = scaled(now.file, resident.file, share.file);
        Some(match kin {
            Kin::Alone => own,
            Kin::Crowd => Split { file, ..own },
            Kin::Family(faults_now) => {
                let grown = now.total().saturating_sub(resident.total());
                let faulted = faults_now.saturating_sub(faults) * rustix::param::page_size() as u64;
                // Where shared memory prevails, such faults are its pages being written to for the first time.
                let copied = if now.shmem > now.anon { 0 } else { faulted.saturating_sub(grown) };
                let anon = (own.anon + copied).min(now.anon.max(own.anon));
                // What it maps anew its relatives have: the sum over the family sees to what none of them had.
                Split { anon, file, shmem: share.shmem.min(now.shmem), ..own }
            }
        })
    }
}

/// Whom a process shares its pages with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kin {
    /// It is the only one of the tree.
    Alone,
    /// Others of the tree may have the same programs and libraries mapped.
    Crowd,
    /// Others were forked from the same program. This is its number of minor faults by now.
    Family(u64),
}

/// The threads of a process are listed again when their number changed, and every so many ticks for those that took one
/// another's place.
const LIST_AGAIN: u32 = 16;

impl Process {
    /// Opens a process. None where it is gone already.
    pub(super) fn open(pid: u32, buffer: &mut Vec<u8>) -> Option<Self> {
        let stat = ProcFile::open(&format!("/proc/{pid}/stat")).ok()?;
        let status = ProcFile::open(&format!("/proc/{pid}/status")).ok()?;
        let identity = parse_stat(stat.read(buffer).ok()?)?;
        let parent = parse_status(status.read(buffer).ok()?)?.parent;
        let mut process = Self {
            pid,
            parent,
            identity,
            left_out: false,
            forked: false,
            age: 0,
            command: String::new(),
            memory: None,
            rise: 0,
            sharing: Sharing::Unknown,
            life: Life::Running,
            told: false,
            family: false,
            stale: false,
            ticks_since_read: 0,
            peak: None,
            high_water: 0,
            status,
            stat,
            rollup: None,
            threads: Vec::new(),
            listed: 0,
            ticks_since_listed: 0,
        };
        process.command = process.read_command();
        Some(process)
    }

    /// Reads the process as it is now: its memory, and how far it rose between the ticks.
    pub(super) fn refresh(&mut self, buffer: &mut Vec<u8>) -> Option<Status> {
        let status = self.status.read(buffer).ok().and_then(parse_status);
        self.rise = 0;
        self.age = self.age.saturating_add(1);
        self.ticks_since_read = self.ticks_since_read.saturating_add(1);
        let Some(status) = status else {
            (self.life, self.memory) = (Life::Gone, None);
            return None;
        };
        // A process whose first thread has ended while others go on shows as a zombie, too.
        if status.zombie && status.threads <= 1 {
            self.life = Life::Zombie;
        }
        self.parent = status.parent;
        self.memory = status.memory;
        if let Some(memory) = status.memory {
            // Above every mark so far: that happened since the last tick, whatever is resident by now.
            if memory.high_water > self.high_water {
                self.rise = memory.high_water.saturating_sub(memory.resident());
            }
            // An exec begins a new mark, lower than the one before.
            self.high_water = memory.high_water.max(memory.resident());
            self.peak = self.peak.max(Some(Bytes(self.high_water)));
        }
        Some(status)
    }

    /// The processes that its threads forked, as of now.
    pub(super) fn children(&mut self, status: &Status, buffer: &mut Vec<u8>, children: &mut Vec<u32>) {
        self.ticks_since_listed += 1;
        let stale = status.threads > 1 && self.ticks_since_listed >= LIST_AGAIN;
        if status.threads != self.listed || stale {
            self.list_threads();
            self.listed = status.threads;
            self.ticks_since_listed = 0;
        }
        for thread in &self.threads {
            // A thread that has ended has handed its children to another.
            if let Ok(text) = thread.children.read(buffer) {
                children.extend(parse_children(text));
            }
        }
    }

    fn list_threads(&mut self) {
        let Ok(entries) = std::fs::read_dir(format!("/proc/{}/task", self.pid)) else { return };
        let ids: Vec<u32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        self.threads.retain(|thread| ids.contains(&thread.id));
        for id in ids {
            if self.threads.iter().all(|thread| thread.id != id)
                && let Ok(children) = ProcFile::open(&format!("/proc/{}/task/{id}/children", self.pid))
            {
                self.threads.push(Thread { id, children });
            }
        }
    }

    /// Looks whether it runs another program than before, and begins its account anew if so.
    ///
    /// Until then a forked child shows its parent's memory as its own, and so do its marks.
    pub(super) fn note_exec(&mut self, buffer: &mut Vec<u8>) -> bool {
        let Some(now) = self.stat.read(buffer).ok().and_then(parse_stat) else { return false };
        if now.stack == self.identity.stack {
            return false;
        }
        self.identity.stack = now.stack;
        self.command = self.read_command();
        self.sharing = Sharing::Unknown;
        // An open one stays with the memory of the program that it was opened for.
        self.rollup = None;
        if self.forked {
            self.peak = self.memory.map(|memory| Bytes(memory.high_water));
            self.forked = false;
        }
        true
    }

    /// Its minor faults by now, for the share of a process in a family.
    pub(super) fn note_faults(&mut self, buffer: &mut Vec<u8>) {
        if let Some(now) = self.stat.read(buffer).ok().and_then(parse_stat) {
            self.identity.minor_faults = now.minor_faults;
        }
    }

    /// Reads what it shares with others. This holds the lock of its memory map and takes about 3 ms per GB.
    pub(super) fn read_sharing(&mut self, buffer: &mut Vec<u8>) {
        let Some(memory) = self.memory else { return };
        if self.rollup.is_none() {
            match ProcFile::open(&format!("/proc/{}/smaps_rollup", self.pid)) {
                Ok(file) => self.rollup = Some(file),
                Err(error) => return self.note_denial(&error),
            }
        }
        let Some(file) = &self.rollup else { return };
        match file.read(buffer).map(parse_rollup) {
            Ok(Some(rollup)) => {
                self.sharing =
                    Sharing::Read { resident: memory.split, share: rollup.share, faults: self.identity.minor_faults }
            }
            // No memory left to speak of: it is on its way out.
            Ok(None) => {}
            Err(error) => {
                self.rollup = None;
                self.note_denial(&error);
            }
        }
    }

    fn note_denial(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::PermissionDenied {
            self.sharing = Sharing::Denied;
        }
    }

    /// The command line for people; the program's short name in brackets where there is none.
    fn read_command(&self) -> String {
        let line = std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let words: Vec<_> = line.split(|&byte| byte == 0).filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            let name = std::fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
            return if name.is_empty() { String::new() } else { format!("[{}]", name.trim_end()) };
        }
        let mut text = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
        if let Some((cut, _)) = text.char_indices().nth(COMMAND_LENGTH) {
            text.truncate(cut);
            text.push('…');
        }
        text
    }
}

/// A command line of a megabyte helps nobody.
const COMMAND_LENGTH: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 4096;

    fn split(anon: u64, file: u64) -> Split {
        Split { anon: anon * PAGE, file: file * PAGE, ..Split::default() }
    }

    #[test]
    fn what_a_lone_program_maps_anew_is_its_own() {
        let read = Sharing::Read { resident: split(10, 10), share: split(10, 2), faults: 0 };
        assert_eq!(read.share_of(&split(15, 20), Kin::Alone), Some(split(15, 12)));
        assert_eq!(Sharing::Unknown.share_of(&split(1, 1), Kin::Alone), None);
        assert_eq!(Sharing::Denied.share_of(&split(1, 1), Kin::Alone), Some(split(1, 1)));
    }

    #[test]
    fn among_others_files_keep_their_proportion() {
        let read = Sharing::Read { resident: split(10, 10), share: split(5, 5), faults: 0 };
        assert_eq!(read.share_of(&split(10, 20), Kin::Crowd), Some(split(5, 10)));
    }

    #[test]
    fn a_fault_without_a_new_page_is_a_shared_one_that_was_copied() {
        let page = rustix::param::page_size() as u64 / PAGE;
        let read = Sharing::Read { resident: split(100, 0), share: split(50, 0), faults: 7 };
        assert_eq!(read.share_of(&split(100, 0), Kin::Family(17)), Some(split(50 + 10 * page, 0)));
        assert_eq!(
            read.share_of(&split(110, 0), Kin::Family(17)),
            Some(split(60 + 10 * (page - 1), 0)),
            "ten new pages, ten faults"
        );
        assert_eq!(read.share_of(&split(100, 0), Kin::Family(1000)), Some(split(100, 0)), "no more than is resident");
    }
}
