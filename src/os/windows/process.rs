//! A process held open: what the system tells of it, also once it has ended, and nobody else gets its number meanwhile.

use std::io;
use std::mem::size_of;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::time::Duration;

use windows_sys::Win32::Foundation::{FILETIME, WAIT_OBJECT_0};
use windows_sys::Win32::System::ProcessStatus::{
    K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS, PROCESS_MEMORY_COUNTERS_EX,
};
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE,
    TerminateProcess, WaitForSingleObject,
};

use super::job::ENDED;
use crate::units::Bytes;

/// What Windows counts of a process: `PROCESS_MEMORY_COUNTERS_EX`.
#[derive(Debug, Clone, Copy)]
pub(in crate::os) struct Counters {
    /// Committed memory of its own, in RAM or in the page file: `PrivateUsage`, which is also told as `PagefileUsage` (wine
    /// tells that alone).
    pub(in crate::os) private: Bytes,
    /// The most that this was: `PeakPagefileUsage`.
    pub(in crate::os) private_peak: Bytes,
    /// Its working set: what it maps and has in RAM.
    pub(in crate::os) resident: Bytes,
    /// The most that this was.
    pub(in crate::os) resident_peak: Bytes,
}

/// An open process.
#[derive(Debug)]
pub(in crate::os) struct Process(OwnedHandle);

#[expect(unsafe_code, reason = "processes that are no children have no safe wrapper among the crates in use")]
impl Process {
    /// Opens it to be asked.
    pub(in crate::os) fn open(pid: u32) -> io::Result<Self> {
        Self::open_to(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE, pid)
    }

    fn open_to(rights: u32, pid: u32) -> io::Result<Self> {
        // SAFETY: takes numbers alone.
        let handle = unsafe { OpenProcess(rights, 0, pid) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle was just made, and nobody else has it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    pub(in crate::os) fn has_ended(&self) -> bool {
        // SAFETY: the handle is open, and may be waited for; no time is spent on it.
        unsafe { WaitForSingleObject(self.0.as_raw_handle(), 0) == WAIT_OBJECT_0 }
    }

    pub(in crate::os) fn memory(&self) -> Option<Counters> {
        let size = size_of::<PROCESS_MEMORY_COUNTERS_EX>() as u32;
        let mut counters = PROCESS_MEMORY_COUNTERS_EX { cb: size, ..Default::default() };
        let pointer = (&raw mut counters).cast::<PROCESS_MEMORY_COUNTERS>();
        // SAFETY: the pointer is to a whole structure, which begins as the one that is asked for, with its size.
        let is_told = unsafe { K32GetProcessMemoryInfo(self.0.as_raw_handle(), pointer, size) };
        (is_told != 0).then_some(Counters {
            private: Bytes(counters.PrivateUsage.max(counters.PagefileUsage) as u64),
            private_peak: Bytes(counters.PeakPagefileUsage as u64),
            resident: Bytes(counters.WorkingSetSize as u64),
            resident_peak: Bytes(counters.PeakWorkingSetSize as u64),
        })
    }

    /// User and system time of all its threads.
    pub(in crate::os) fn cpu(&self) -> Option<Duration> {
        let [mut created, mut exited, mut system, mut user] = [FILETIME::default(); 4];
        let handle = self.0.as_raw_handle();
        // SAFETY: the pointers are to whole structures.
        let is_told =
            unsafe { GetProcessTimes(handle, &raw mut created, &raw mut exited, &raw mut system, &raw mut user) };
        // In steps of 100 ns.
        let time = |time: FILETIME| {
            Duration::from_nanos((u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)) * 100)
        };
        (is_told != 0).then(|| time(system) + time(user))
    }

    /// Ends a process at once. One that is gone is no error.
    pub(super) fn end(pid: u32) {
        if let Ok(process) = Self::open_to(PROCESS_TERMINATE, pid) {
            // SAFETY: the handle is open, and may end its process.
            unsafe { TerminateProcess(process.0.as_raw_handle(), ENDED) };
        }
    }
}
