//! What the kernel records of one thread, in memory that it shares with memguard: to look takes no system call.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

/// The records of a thread. The first page is `perf_event_mmap_page`, the second one holds the records.
#[derive(Debug)]
pub(super) struct Ring {
    // Unmapped before the event is closed.
    pages: MmapRaw,
    page: usize,
    /// All before this was looked at.
    seen: u64,
    event: OwnedFd,
}

/// A thread was given a CPU, or lost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Switch {
    pub(super) is_out: bool,
    /// On the kernel's monotonic clock, in nanoseconds.
    pub(super) at: u64,
}

/// `struct perf_event_attr` in its size as of Linux 4.1, the first that has a clock of one's choice.
#[repr(C)]
#[derive(Debug, Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_watermark: u32,
    breakpoint_type: u32,
    config_1: u64,
    config_2: u64,
    branch_sample_type: u64,
    sample_regs_user: u64,
    sample_stack_user: u32,
    clock: i32,
}

const SOFTWARE: u32 = 1;
/// Counts nothing: the records are what is wanted.
const DUMMY: u64 = 9;
const SAMPLE_TIME: u64 = 1 << 2;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
const WATERMARK: u64 = 1 << 14;
const SAMPLE_ID_ALL: u64 = 1 << 18;
const USE_CLOCK: u64 = 1 << 25;
const CONTEXT_SWITCH: u64 = 1 << 26;

/// `data_head` and `data_tail` in `perf_event_mmap_page`.
const HEAD: usize = 1024;
const TAIL: usize = 1032;
/// `PERF_RECORD_SWITCH`, of so many bytes: a header, and the time.
const SWITCH: u32 = 14;
const RECORD: u64 = 16;
/// `PERF_RECORD_MISC_SWITCH_OUT`.
const OUT: u16 = 1 << 13;

/// Has the kernel record when a thread (0: this one) is given a CPU, and when it loses it.
///
/// # Errors
/// When memguard may not, or there is no such thread.
pub(super) fn open_event(thread: u32) -> io::Result<OwnedFd> {
    const CLOSE_ON_EXEC: libc::c_ulong = 8;
    if cfg!(target_endian = "big") {
        return Err(io::ErrorKind::Unsupported.into()); // the flags are counted from the other end there
    }
    let attributes = Attributes {
        kind: SOFTWARE,
        size: size_of::<Attributes>() as u32,
        config: DUMMY,
        sample_type: SAMPLE_TIME,
        flags: EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR | WATERMARK | SAMPLE_ID_ALL | USE_CLOCK | CONTEXT_SWITCH,
        wakeup_watermark: 1,
        clock: libc::CLOCK_MONOTONIC,
        ..Attributes::default()
    };
    let thread = i32::try_from(thread).map_err(|_| io::ErrorKind::NotFound)?;
    #[expect(unsafe_code, reason = "perf_event_open has no safe wrapper among the crates in use")]
    // SAFETY: the kernel reads as many bytes of the attributes as they say they have; the rest are numbers. What it returns
    // is a new file, and nobody else's.
    unsafe {
        let file = libc::syscall(libc::SYS_perf_event_open, &raw const attributes, thread, -1, -1, CLOSE_ON_EXEC);
        let file = i32::try_from(file).ok().filter(|file| *file >= 0).ok_or_else(io::Error::last_os_error)?;
        Ok(OwnedFd::from_raw_fd(file))
    }
}

impl Ring {
    /// # Errors
    /// As [`open_event`], and when memory may not be locked for the records.
    pub(super) fn open(thread: u32) -> io::Result<Self> {
        let event = open_event(thread)?;
        let page = rustix::param::page_size();
        let pages = MmapOptions::new().len(2 * page).map_raw(event.as_raw_fd())?;
        Ok(Self { pages, page, seen: 0, event })
    }

    pub(super) fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Whether anything was recorded since the last look.
    pub(super) fn has_news(&self) -> bool {
        self.head() != self.seen
    }

    /// The first record since the last look.
    pub(super) fn first(&self) -> Option<Switch> {
        self.has_news().then(|| self.at(self.seen)).flatten()
    }

    /// Looks at what was recorded, and makes room for more. None where nothing was since the last look, and no last record
    /// where there may have been more of them than there is room for.
    pub(super) fn take(&mut self) -> Option<Option<Switch>> {
        let head = self.head();
        if head == self.seen {
            return None;
        }
        let last = if self.is_full() { None } else { self.at(head.wrapping_sub(RECORD)) };
        self.seen = head;
        self.word(TAIL).store(head, Ordering::Release);
        Some(last)
    }

    /// Whether there may have been more records than there is room for. One byte of the page stays free.
    pub(super) fn is_full(&self) -> bool {
        self.head().wrapping_sub(self.seen) + 2 * RECORD > self.page as u64
    }

    fn head(&self) -> u64 {
        self.word(HEAD).load(Ordering::Acquire)
    }

    /// The record that begins at this place. None where it is of another kind.
    fn at(&self, place: u64) -> Option<Switch> {
        let page = self.page as u64;
        // A page has room for whole records only, and less than a page was recorded since the last look.
        let start = self.page + usize::try_from(place % page).unwrap_or(0);
        let [a, b, c, d, e, f, ..] = self.word(start).load(Ordering::Relaxed).to_ne_bytes();
        let (kind, misc) = (u32::from_ne_bytes([a, b, c, d]), u16::from_ne_bytes([e, f]));
        let at = self.word(start + 8).load(Ordering::Relaxed);
        (kind == SWITCH).then_some(Switch { is_out: misc & OUT != 0, at })
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= 2 * self.page, "{offset} is in the pages");
        #[expect(unsafe_code, reason = "the kernel writes into this memory")]
        // SAFETY: the pages are mapped as long as `self` lives, and the word is aligned and in them. The kernel writes whole
        // words, and none of those that `data_head` has passed until `data_tail` has.
        unsafe {
            AtomicU64::from_ptr(self.pages.as_mut_ptr().add(offset).cast())
        }
    }
}
