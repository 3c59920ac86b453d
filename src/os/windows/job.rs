//! A job object: what a command starts stays together in it, whoever its parent is, and ends with it.

use std::io;
use std::mem::size_of;
use std::os::windows::io::{AsRawHandle as _, BorrowedHandle, FromRawHandle as _, OwnedHandle};

use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_BREAKAWAY_OK, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicProcessIdList, JobObjectExtendedLimitInformation,
    QueryInformationJobObject, SetInformationJobObject, TerminateJobObject,
};
use windows_sys::Win32::System::Threading::{OpenThread, ResumeThread, THREAD_SUSPEND_RESUME};

use crate::units::Bytes;

/// The exit code of a process that memguard ends, as `taskkill /F` gives it.
pub(super) const ENDED: u32 = 1;

/// A job object of memguard's own. What is still in it when the last handle goes is ended by the system, even if memguard
/// is killed. It limits nothing else.
#[derive(Debug)]
pub(in crate::os) struct Job(OwnedHandle);

#[expect(unsafe_code, reason = "job objects have no safe wrapper among the crates in use")]
impl Job {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: no attributes and no name are asked for.
        let handle = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle was just made, and nobody else has it.
        let job = Self(unsafe { OwnedHandle::from_raw_handle(handle) });
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        // A program that asks to leave its job does so without memguard, and would fail if it could not.
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_BREAKAWAY_OK;
        // SAFETY: the pointer is to a whole structure of the class that is named, with its size.
        let is_set = unsafe {
            SetInformationJobObject(
                job.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size_in_u32::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>(),
            )
        };
        if is_set == 0 { Err(io::Error::last_os_error()) } else { Ok(job) }
    }

    /// Puts a process in it, which then stays in it with all that it starts from now on.
    pub(super) fn take_in(&self, process: BorrowedHandle<'_>) -> io::Result<()> {
        // SAFETY: both handles are open.
        let is_in = unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), process.as_raw_handle()) };
        if is_in == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The processes in it that live.
    pub(in crate::os) fn members(&self) -> io::Result<Vec<u32>> {
        let mut list = vec![0_usize; 64];
        loop {
            let bytes = u32::try_from(list.len() * size_of::<usize>()).unwrap_or(u32::MAX);
            // SAFETY: the list is as long as is said, and aligned for the structure, which is made of numbers alone.
            let is_told = unsafe {
                QueryInformationJobObject(
                    self.0.as_raw_handle(),
                    JobObjectBasicProcessIdList,
                    list.as_mut_ptr().cast(),
                    bytes,
                    std::ptr::null_mut(),
                )
            };
            let error = io::Error::last_os_error();
            if is_told == 0 && error.raw_os_error().and_then(|code| u32::try_from(code).ok()) != Some(ERROR_MORE_DATA) {
                return Err(error);
            }
            let (count, pids) = process_ids(&list);
            if is_told != 0 && count <= pids.len() {
                return Ok(pids.iter().filter_map(|pid| u32::try_from(*pid).ok()).collect());
            }
            list = vec![0; list.len().max(count) * 2];
        }
    }

    /// The most that all of them had committed together at one instant. The system keeps this mark whether a limit is set or
    /// not: "constantly", says the documentation of `JOBOBJECT_EXTENDED_LIMIT_INFORMATION`. None where it is not kept.
    pub(in crate::os) fn peak(&self) -> Option<Bytes> {
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        // SAFETY: the pointer is to a whole structure of the class that is named, with its size.
        let is_told = unsafe {
            QueryInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw mut limits).cast(),
                size_in_u32::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>(),
                std::ptr::null_mut(),
            )
        };
        (is_told != 0 && limits.PeakJobMemoryUsed > 0).then_some(Bytes(limits.PeakJobMemoryUsed as u64))
    }

    /// Ends all of them at once.
    pub(super) fn end(&self) {
        // SAFETY: the handle is open.
        unsafe { TerminateJobObject(self.0.as_raw_handle(), ENDED) };
    }
}

const fn size_in_u32<T>() -> u32 {
    size_of::<T>() as u32
}

/// Reads a `JOBOBJECT_BASIC_PROCESS_ID_LIST`: two `u32`, how many processes there are and how many are listed, then their ids,
/// each as wide as a pointer.
fn process_ids(list: &[usize]) -> (usize, &[usize]) {
    const HEADER: usize = 8 / size_of::<usize>();
    let bytes: Vec<u8> = list.iter().take(HEADER).flat_map(|word| word.to_ne_bytes()).collect();
    let number = |from: usize| {
        let four = bytes.get(from..from + 4).and_then(|four| four.try_into().ok()).unwrap_or_default();
        u32::from_ne_bytes(four) as usize
    };
    let rest = list.get(HEADER..).unwrap_or_default();
    (number(0), &rest[..number(4).min(rest.len())])
}

/// Lets a process run that was started suspended.
#[expect(unsafe_code, reason = "the standard library keeps the handle of the first thread to itself")]
pub(super) fn resume(pid: u32) -> io::Result<()> {
    // SAFETY: takes numbers alone; of all threads of the system, whatever the second says.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was just made, and nobody else has it.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(snapshot) };
    let mut thread = THREADENTRY32 { dwSize: size_in_u32::<THREADENTRY32>(), ..Default::default() };
    // SAFETY: the pointer is to a whole entry that says its size.
    let mut is_one = unsafe { Thread32First(snapshot.as_raw_handle(), &raw mut thread) };
    while is_one != 0 {
        if thread.th32OwnerProcessID == pid {
            // SAFETY: takes numbers alone.
            let handle = unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, thread.th32ThreadID) };
            if handle.is_null() {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the handle was just made, and nobody else has it.
            let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
            // SAFETY: the handle is open, and may resume its thread.
            return match unsafe { ResumeThread(handle.as_raw_handle()) } {
                u32::MAX => Err(io::Error::last_os_error()),
                _ => Ok(()),
            };
        }
        // SAFETY: as above.
        is_one = unsafe { Thread32Next(snapshot.as_raw_handle(), &raw mut thread) };
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "its first thread was not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header as this machine lays it out.
    fn listed(count: u32, in_list: u32, pids: &[usize]) -> Vec<usize> {
        let bytes = [count.to_ne_bytes(), in_list.to_ne_bytes()].concat();
        let header = bytes.chunks(size_of::<usize>()).map(|word| usize::from_ne_bytes(word.try_into().unwrap()));
        header.chain(pids.iter().copied()).collect()
    }

    #[test]
    fn process_ids_are_read_as_far_as_they_are_listed() {
        assert_eq!(process_ids(&listed(2, 2, &[4, 8, 0, 0])), (2, &[4, 8][..]));
        assert_eq!(process_ids(&listed(9, 1, &[4])), (9, &[4][..]));
        assert_eq!(process_ids(&listed(9, 7, &[4])), (9, &[4][..]));
        assert_eq!(process_ids(&[]), (0, &[][..]));
    }
}
