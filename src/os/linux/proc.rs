//! The files of /proc/PID, kept open, and what they say. Kernel interface: proc_pid_status(5), proc_pid_smaps(5),
//! proc_pid_stat(5), proc_pid_task(5).

use std::fs::File;
use std::io;

use crate::units::Bytes;

/// What the kernel fills at the most in one read of a list.
const PAGE: usize = 4096;
/// A piece below this had room for another pid: there was none.
const LAST_PIECE: usize = PAGE - 64;

/// A file of /proc that is read again and again without being reopened.
///
/// An open file stays bound to the process it was opened for: once that is gone reads fail, whoever has the pid now.
#[derive(Debug)]
pub(super) struct ProcFile(File);

impl ProcFile {
    pub(super) fn open(path: &str) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    /// Opens a file of a process. None where the process is gone.
    ///
    /// # Errors
    /// When memguard may not open more files, or not this one.
    pub(super) fn open_if_there(path: &str) -> io::Result<Option<Self>> {
        match Self::open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The whole text as of now, into a buffer that is reused.
    pub(super) fn read<'a>(&self, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        let mut length = 0;
        if buffer.len() < PAGE {
            buffer.resize(PAGE, 0);
        }
        loop {
            let read = rustix::io::pread(&self.0, &mut buffer[length..], length as u64)?;
            length += read;
            // The kernel hands out whole records of less than a page: only a short piece is surely the last.
            if length == buffer.len() {
                buffer.resize(length * 2, 0);
            } else if read < LAST_PIECE {
                return Ok(&buffer[..length]);
            }
        }
    }
}

/// Whether an error says that the process is gone: ENOENT from opening its files, ESRCH from reading them.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

/// A process's memory as `/proc/PID/status` has it, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// `RssAnon`.
    pub(super) anon: u64,
    /// `RssShmem`.
    pub(super) shmem: u64,
    /// `VmSwap`: anonymous memory in swap.
    pub(super) swap: u64,
    /// `RssFile`.
    pub(super) mapped: u64,
    /// `VmHWM`: the most resident memory since the program was executed.
    pub(super) high_water: u64,
}

impl Memory {
    /// What `high_water` is a maximum of.
    pub(super) const fn resident(&self) -> u64 {
        self.anon + self.shmem + self.mapped
    }

    /// The metric, if no page is shared.
    pub(super) const fn footprint(&self) -> u64 {
        self.anon + self.shmem + self.swap
    }
}

/// Reads the memory in `/proc/PID/status`. None once the process has let go of it (a zombie, or on its way there).
pub(super) fn parse_status(text: &[u8]) -> Option<Memory> {
    let (mut memory, mut high_water) = (Memory::default(), None);
    for line in text.split(|&byte| byte == b'\n') {
        // One look at the first byte passes over most of the fifty lines.
        match line.first() {
            Some(b'V') => {
                if let Some(rest) = line.strip_prefix(b"VmHWM:") {
                    high_water = number(rest);
                } else if let Some(rest) = line.strip_prefix(b"VmSwap:") {
                    memory.swap = kib(rest);
                    break; // nothing that is wanted comes after it
                }
            }
            Some(b'R') => {
                if let Some(rest) = line.strip_prefix(b"RssAnon:") {
                    memory.anon = kib(rest);
                } else if let Some(rest) = line.strip_prefix(b"RssFile:") {
                    memory.mapped = kib(rest);
                } else if let Some(rest) = line.strip_prefix(b"RssShmem:") {
                    memory.shmem = kib(rest);
                }
            }
            _ => {}
        }
    }
    Some(Memory { high_water: Bytes::from_kib(high_water?).0, ..memory })
}

/// A process's shares of the pages that it maps, from one walk over its page tables, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rollup {
    /// `Anonymous`.
    pub(super) anon: u64,
    /// `Pss_Anon`.
    pub(super) anon_share: u64,
    /// `Pss_Shmem`.
    pub(super) shmem_share: u64,
    /// `SwapPss`: anonymous memory in swap.
    pub(super) swap_share: u64,
}

/// Reads `/proc/PID/smaps_rollup`. None where the kernel does not split PSS (before 5.9) or the process has no memory.
pub(super) fn parse_rollup(text: &[u8]) -> Option<Rollup> {
    let (mut rollup, mut has_split) = (Rollup::default(), false);
    for line in text.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (name, rest) = (&line[..colon], &line[colon + 1..]);
        match name {
            b"Anonymous" => rollup.anon = kib(rest),
            b"Pss_Anon" => (rollup.anon_share, has_split) = (kib(rest), true),
            b"Pss_Shmem" => rollup.shmem_share = kib(rest),
            b"SwapPss" => rollup.swap_share = kib(rest),
            _ => {}
        }
    }
    has_split.then_some(rollup)
}

/// What `/proc/PID/stat` has of a process. While the faults and the resident pages stand still, so do the memory and
/// its high-water mark: no page comes into a process but by a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// Field 3: it has ended, and its parent has not waited for it; or its first thread has, while others go on.
    pub(super) zombie: bool,
    /// Field 3: the first thread waits for something, and has no CPU.
    pub(super) sleeps: bool,
    /// Field 4.
    pub(super) parent: u32,
    /// Field 10: pages that it was given without reading a file, those copied on write among them.
    pub(super) minor_faults: u64,
    /// Field 11: minor faults of the children that it waited for, and of theirs.
    pub(super) childrens_faults: u64,
    /// Field 20.
    pub(super) threads: u32,
    /// Field 22: ticks since boot. With the pid, this names a process for good.
    pub(super) started: u64,
    /// Field 24.
    pub(super) resident_pages: u64,
    /// What processes have in common that were forked from one another and executed no program since: field 28, `startstack`,
    /// which is drawn anew at every exec. Where it may not be read (it is zero then) the name stands in, field 2.
    pub(super) family: u64,
}

/// Reads `/proc/PID/stat`, whose second field may hold anything, spaces and parentheses included.
pub(super) fn parse_stat(text: &[u8]) -> Option<Stat> {
    let after_name = text.iter().rposition(|&byte| byte == b')')? + 2;
    let mut fields = text.get(after_name..)?.split(|&byte| byte == b' ');
    let state = *fields.next()?.first()?; // field 3
    let parent = number(fields.next()?)?;
    let minor_faults = number(fields.nth(10 - 5)?)?;
    let childrens_faults = number(fields.next()?)?;
    let threads = number(fields.nth(20 - 12)?)?;
    let started = number(fields.nth(22 - 21)?)?;
    let resident_pages = number(fields.nth(24 - 23)?)?;
    let family = match number(fields.nth(28 - 25)?)? {
        0 => text[..after_name]
            .iter()
            .skip_while(|&&byte| byte != b'(')
            .fold(0, |hash: u64, &byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte))),
        stack => stack,
    };
    Some(Stat {
        zombie: matches!(state, b'Z' | b'X'),
        sleeps: matches!(state, b'S' | b'D'),
        parent: u32::try_from(parent).ok()?,
        minor_faults,
        childrens_faults,
        threads: u32::try_from(threads).ok()?,
        started,
        resident_pages,
        family,
    })
}

/// The last pid that was given to a process or thread: the fifth field of `/proc/loadavg`. While it stands still, nothing
/// was forked on this machine, or in this pid namespace.
pub(super) fn parse_last_pid(text: &[u8]) -> Option<u64> {
    number(text.rsplit(|&byte| byte == b' ').next()?)
}

/// The time on a CPU in nanoseconds, and how often it was given one, in `/proc/PID/task/TID/schedstat`. None where the kernel
/// keeps no accounts, or it never ran.
pub(super) fn parse_schedstat(text: &[u8]) -> Option<(u64, u64)> {
    let mut fields = text.split(|&byte| byte == b' ').map(number);
    let (ran, _waited, times) = (fields.next()??, fields.next()??, fields.next()??);
    (times > 0).then_some((ran, times))
}

/// The pids in `/proc/PID/task/TID/children`.
pub(super) fn parse_children(text: &[u8]) -> impl Iterator<Item = u32> {
    text.split(|&byte| byte == b' ').filter_map(number).filter_map(|pid| u32::try_from(pid).ok())
}

/// The first number in the text, over leading blanks. None where there is none.
fn number(text: &[u8]) -> Option<u64> {
    let mut digits = text.iter().skip_while(|byte| byte.is_ascii_whitespace()).take_while(|byte| byte.is_ascii_digit());
    let first = u64::from(digits.next()? - b'0');
    digits.try_fold(first, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

fn kib(text: &[u8]) -> u64 {
    Bytes::from_kib(number(text).unwrap_or(0)).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn status_tells_memory_by_what_stands_behind_it() {
        let text = b"Name:\tVmHWM: 7 kB\nState:\tS (sleeping)\nPPid:\t41\nVmHWM:\t    1692 kB\nVmRSS:\t    1600 kB\n\
            RssAnon:\t     112 kB\nRssFile:\t    1480 kB\nRssShmem:\t       8 kB\nVmSwap:\t       4 kB\nThreads:\t3\n";
        let wanted =
            Memory { anon: 112 << 10, shmem: 8 << 10, swap: 4 << 10, mapped: 1480 << 10, high_water: 1692 << 10 };
        assert_eq!(parse_status(text), Some(wanted));
        assert_eq!((wanted.resident(), wanted.footprint()), (1600 << 10, 124 << 10));
    }

    #[test]
    fn a_zombie_has_no_memory_rather_than_none_left() {
        assert_eq!(parse_status(b"Name:\tsh\nState:\tZ (zombie)\nPPid:\t1\nThreads:\t1\n"), None);
    }

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let mut text = b"7 (a) b (c) S".to_vec();
        for field in 4..=52 {
            text.extend_from_slice(format!(" {field}").as_bytes());
        }
        let stat = Stat {
            zombie: false,
            sleeps: true,
            parent: 4,
            minor_faults: 10,
            childrens_faults: 11,
            threads: 20,
            started: 22,
            resident_pages: 24,
            family: 28,
        };
        assert_eq!(parse_stat(&text), Some(stat));
        assert_eq!(parse_stat(b"7 (sh)"), None);
    }

    #[test]
    fn a_rollup_gives_the_share_of_every_part() {
        let text = b"55-7f ---p 0 00:00 0 [rollup]\nRss: 1628 kB\nPss: 328 kB\nPss_Anon: 116 kB\nPss_File: 212 kB\n\
            Pss_Shmem: 2 kB\nAnonymous: 120 kB\nSwap: 6 kB\nSwapPss: 3 kB\n";
        let rollup = Rollup { anon: 120 << 10, anon_share: 116 << 10, shmem_share: 2 << 10, swap_share: 3 << 10 };
        assert_eq!(parse_rollup(text), Some(rollup));
        assert_eq!(parse_rollup(b"Rss: 1 kB\nPss: 1 kB\n"), None);
    }

    #[test]
    fn the_last_pid_is_the_last_number_of_the_load() {
        assert_eq!(parse_last_pid(b"0.20 0.18 0.12 1/80 11206\n"), Some(11206));
        assert_eq!(parse_last_pid(b""), None);
    }

    #[test]
    fn an_account_of_cpu_time_is_none_where_the_kernel_keeps_none() {
        assert_eq!(parse_schedstat(b"30522 815 7\n"), Some((30522, 7)));
        assert_eq!(parse_schedstat(b"0 0 0\n"), None);
        assert_eq!(parse_schedstat(b"30522 815"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let mut buffer = Vec::new();
        let status = ProcFile::open("/proc/self/status").unwrap();
        assert!(parse_status(status.read(&mut buffer).unwrap()).unwrap().resident() > 0);
        let stat = ProcFile::open("/proc/self/stat").unwrap();
        assert!(parse_stat(stat.read(&mut buffer).unwrap()).unwrap().started > 0);
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_parser_panic(text in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse_status(&text);
            let _ = parse_rollup(&text);
            let _ = parse_stat(&text);
            let _ = parse_schedstat(&text);
            let _ = parse_last_pid(&text);
            let _ = parse_children(&text).count();
        }
    }
}
