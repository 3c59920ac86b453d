use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use super::command_line::read_command;
use super::ends::{Counted, Ended, Last};
use super::proc::{
    ProcFile, Resident, Rollup, Split, Stat, is_gone, largest_page, parse_rollup, parse_stat, parse_status,
};
use super::sharing::{Estimate, Kin, Now, Shares, Sharing};
use super::stirs::Stirs;
use super::sum::{Between, Level};
use super::threads::Threads;
use crate::units::Bytes;

/// One process of the tree, with its files open.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// The thread whose files tell of the memory: the first, whose number is the process's, while it lives.
    speaker: u32,
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
    /// How far the high-water mark surely rose above what is resident, within this tick.
    pub(super) rise: u64,
    /// How far it can have risen within this tick: up to its high-water mark, by pages that came with faults.
    headroom: u64,
    /// What was last counted of it.
    counted: Cell<Counted>,
    /// As last read, while it lived.
    resident: u64,
    high_water: u64,
    /// What becomes of it, and whether its end has been told.
    pub(super) life: Life,
    pub(super) told: bool,
    pub(super) sharing: Sharing,
    pub(super) kin: Kin,
    /// A relative forked, executed or ended since its shares were read.
    pub(super) stale: bool,
    /// The tick at which its shares were read last, or were tried to, and when they are to be read again though nothing moves.
    pub(super) shares_read: u64,
    pub(super) shares_old_at: Instant,
    /// The most resident memory of any program that this process ran.
    pub(super) peak: Option<Bytes>,
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
            speaker: pid,
            stat,
            left_out: false,
            forked: false,
            borrows: false,
            age: 0,
            command: read_command(pid),
            memory: None,
            rise: 0,
            headroom: 0,
            counted: Cell::new(Counted::Held(Level::default())),
            resident: 0,
            high_water: 0,
            life: Life::Running,
            told: false,
            sharing: Sharing::Unknown,
            kin: Kin::Alone,
            stale: false,
            shares_read: 0,
            shares_old_at: now,
            peak: None,
            stat_file,
            status_file,
            threads: Threads::default(),
            read: now,
            ticks_since_status: 0,
        }))
    }

    /// Whether it sleeps, and did so since the last tick: then all of it is as it was, and it need not be read.
    pub(super) fn rests(&mut self, now: Instant, stirs: &mut Stirs, buffer: &mut Vec<u8>) -> bool {
        let again = READ_AGAIN + READ_AGAIN / 32 * (self.pid % 32);
        self.age > NEW
            && now.duration_since(self.read) < again
            && self.threads.rest(self.pid, self.stat.sleeps, now, stirs, buffer)
    }

    /// Whether it sleeps, and did so since the last look, and will be heard when it stirs. A zombie can do nothing.
    pub(super) fn sleeps_watched(&self) -> bool {
        self.life != Life::Running || self.threads.sleep_watched()
    }

    /// Reads the process as it is now: its memory, how far it rose between the ticks, and what else became of it.
    pub(super) fn refresh(&mut self, now: Instant, buffer: &mut Vec<u8>) -> News {
        let (before, told) = (self.stat, (self.memory, self.rise, self.headroom));
        (self.rise, self.headroom) = (0, 0);
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
        if stat.zombie {
            // The stack went with the thread. An exec would have made another thread the first.
            self.stat.stack = before.stack;
        }
        let mut executed = self.stat.stack != before.stack;
        let marks = |stat: Stat| (stat.minor_faults, stat.major_faults, stat.resident_pages);
        let moved = marks(stat) != marks(before);
        self.ticks_since_status += 1;
        if self.age == 1 || executed || moved || stat.zombie || self.ticks_since_status >= STATUS_AGAIN {
            self.ticks_since_status = 0;
            let swapped = self.memory.map_or(0, |memory| memory.split.swap);
            self.memory = self.read_status(buffer);
            if executed && self.memory.is_none() {
                // It is ending: its stack went with its memory.
                executed = false;
                self.stat.stack = before.stack;
            }
            let is_new = self.age == 1 || executed;
            let faults = if is_new { u64::MAX } else { stat.faults().saturating_sub(before.faults()) };
            self.note_marks(executed, faults, swapped);
            // While a program is being executed, or writes itself a title, it has no command line.
            if self.age > 1 && self.command.starts_with('[') {
                self.command = read_command(self.pid);
            }
        }
        if executed {
            self.begin_program();
            return News::Executed;
        }
        if moved || (self.memory, self.rise, self.headroom) != told { News::Moved } else { News::Nothing }
    }

    /// It was left alone at this tick: how far it rose before is no news any more. Returns whether it was at the tick before.
    pub(super) fn rest(&mut self) -> bool {
        let rose = (self.rise, self.headroom) != (0, 0);
        (self.rise, self.headroom) = (0, 0);
        rose
    }

    /// Once the first thread has ended, or is about to, the process's own files are empty: another thread's tell.
    fn read_status(&mut self, buffer: &mut Vec<u8>) -> Option<Resident> {
        let told = self.status_file.read(buffer).ok().and_then(parse_status);
        if told.is_some() || self.stat.threads <= 1 {
            return told;
        }
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?;
        let threads = threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        threads.into_iter().find_map(|thread: u32| {
            let file = ProcFile::open(&format!("/proc/{}/task/{thread}/status", self.pid)).ok()?;
            let told = file.read(buffer).ok().and_then(parse_status)?;
            (self.speaker, self.status_file) = (thread, file);
            Some(told)
        })
    }

    /// `faults` is how many there were since the last tick, `swapped` what was swapped out by then.
    fn note_marks(&mut self, executed: bool, faults: u64, swapped: u64) {
        let Some(memory) = self.memory else { return };
        self.resident = memory.resident();
        let brought = faults.saturating_mul(largest_page());
        // Above every mark so far: that happened since the last tick, whatever is resident by now. An exec begins a new mark.
        if executed || memory.high_water > self.high_water {
            self.rise = risen(&memory, if executed { 0 } else { swapped }, brought);
        }
        self.headroom = memory.above().min(brought) + swapped.saturating_sub(memory.split.swap);
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

    /// What is left of it to be told once it has ended.
    pub(super) fn end(&mut self) -> Ended {
        Ended { command: std::mem::take(&mut self.command), last: self.last() }
    }

    /// So much is counted of it at this tick.
    pub(super) fn count(&self, level: Level) {
        self.counted.set(Counted::Held(level));
    }

    /// It has let go of its memory by this tick, and has yet to end. Returns what it had, once.
    pub(super) fn let_go(&self) -> Option<Last> {
        let last = self.last();
        match last.counted {
            Counted::Held(_) => {
                self.counted.set(Counted::LetGo);
                Some(last)
            }
            Counted::LetGo => None,
        }
    }

    fn last(&self) -> Last {
        Last {
            pid: self.pid,
            peak: self.peak,
            forked: self.forked,
            counted: self.counted.get(),
            resident: self.resident,
            high_water: self.high_water,
        }
    }

    /// What can have been between this tick and the last one.
    pub(super) fn between(&self) -> Between {
        let own_at_most = if self.forked { self.stat.faults().saturating_mul(largest_page()) } else { u64::MAX };
        let before = match self.counted.get() {
            Counted::Held(level) => level,
            Counted::LetGo => Level::default(),
        };
        Between { before, rise: self.rise, headroom: self.headroom, own_at_most }
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
        let file = ProcFile::open(&format!("/proc/{}/smaps_rollup", self.speaker));
        match file.and_then(|file| file.read(buffer).map(parse_rollup)) {
            Ok(Some(Rollup { resident, share, swap })) => {
                self.shared_at(resident);
                let shmem_in_swap = self.beyond_its_own(swap, memory.split.swap, buffer);
                let faults = self.stat.minor_faults;
                return Some(Shares { resident: memory.split, share, shmem_in_swap, faults, machine_shmem });
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

    /// What of `swap` is no memory of its own, of which `own` was in swap when this tick read it, and perhaps more by now.
    fn beyond_its_own(&self, swap: u64, own: u64, buffer: &mut Vec<u8>) -> u64 {
        if swap <= own {
            return 0;
        }
        let now = self.status_file.read(buffer).ok().and_then(parse_status);
        swap.saturating_sub(now.map_or(own, |now| now.split.swap.max(own)))
    }

    /// So much was resident when its shares were read: it may have given back some since this tick read its marks, and they are
    /// that much further above what is counted of it.
    fn shared_at(&mut self, resident: u64) {
        if self.rise > 0 {
            self.rise = (self.rise + self.resident).saturating_sub(resident);
        }
        self.resident = resident;
    }
}

/// How far a process was surely above what is counted of it now, by a new mark of what was resident. What went to swap since is
/// counted still, and of what was in swap before, so much may have come back until then as faults can have `brought`.
fn risen(memory: &Resident, swapped_before: u64, brought: u64) -> u64 {
    let swapped_then = swapped_before.min(memory.split.swap).saturating_sub(brought);
    (memory.high_water + swapped_then).saturating_sub(memory.split.total())
}

#[cfg(test)]
mod tests {
    use super::super::proc::parse_children;
    use super::*;
    use crate::os::{Block, fork};

    #[test]
    fn what_went_to_swap_since_a_mark_did_not_rise_above_what_is_counted() {
        let memory = |anon, swap, high_water| {
            let split = Split { anon, swap, ..Split::default() };
            Resident { high_water, split }
        };
        assert_eq!(risen(&memory(50, 0, 150), 0, 400), 100);
        assert_eq!(risen(&memory(50, 100, 150), 0, 400), 0, "150 were resident, and are still counted");
        assert_eq!(risen(&memory(50, 100, 150), 30, 0), 30, "30 of them were in swap before, beside 150 resident");
        assert_eq!(risen(&memory(50, 100, 150), 30, 20), 10, "20 of those may have come back, and be among the 150");
        assert_eq!(risen(&memory(50, 100, 150), 90, 400), 0);
        assert_eq!(risen(&memory(150, 0, 150), 40, 0), 0);
        assert_eq!(risen(&memory(50, 500, 150), 0, 0), 0);
    }

    #[test]
    fn a_process_whose_first_thread_has_ended_tells_of_its_memory_by_another() {
        let size = Bytes::from_mib(24);
        let child = fork(|| {
            let rest = std::thread::spawn(move || {
                let _block = Block::touched(size);
                std::thread::sleep(Duration::from_secs(60));
            });
            #[expect(unsafe_code, reason = "nothing else ends the first thread alone")]
            // SAFETY: the thread ends without unwinding; what it owned stays where it is.
            unsafe {
                libc::syscall(libc::SYS_exit, 0)
            };
            drop(rest);
        })
        .unwrap();
        let mut buffer = Vec::new();
        let own = ProcFile::open("/proc/thread-self/children").unwrap();
        let pid = parse_children(own.read(&mut buffer).unwrap()).next().unwrap();
        let mut process = Process::open(pid, Instant::now(), &mut buffer).unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !(process.stat.zombie && process.memory.is_some_and(|memory| memory.split.anon >= size.0)) {
            assert!(Instant::now() < deadline, "{process:?}");
            assert_ne!(process.refresh(Instant::now(), &mut buffer), News::Ended);
        }
        let shares = process.read_shares(None, &mut buffer);
        crate::os::kill_process(pid);
        child.wait();
        assert!(shares.is_some_and(|shares| shares.share.anon > 0), "{shares:?}");
    }
}
