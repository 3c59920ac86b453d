//! What a program of a known memory shape needs of Unix: memory that is really taken and given back, forks, a daemon.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use memmap2::MmapMut;

use super::Backing;
use super::unix_map::{Map, mapped};
use crate::units::Bytes;

/// The least that the system gives.
const PAGE: usize = 4096;

/// Memory, resident as far as it was touched: private and anonymous unless it is backed by something.
#[derive(Debug)]
pub struct Block {
    map: Map,
    touched: usize,
    size: Bytes,
}

impl Block {
    /// So much address space, and no memory yet.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn untouched(size: Bytes) -> Result<Self> {
        let length = usize::try_from(size.0).context("more memory than this machine can address")?;
        let map = MmapMut::map_anon(length.max(1)).with_context(|| format!("could not map {size}"))?;
        // A huge page would be taken whole at its first byte. Where the system has none there is nothing to switch off.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::NoHugePage);
        Ok(Self { map: Map::Mmap(map), touched: 0, size })
    }

    /// So much memory, resident.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn touched(size: Bytes) -> Result<Self> {
        let mut block = Self::untouched(size)?;
        block.touch(size);
        Ok(block)
    }

    /// So much memory with something behind it, resident.
    ///
    /// # Errors
    /// When the system has no room for it, or no such thing.
    pub fn backed(backing: Backing, size: Bytes) -> Result<Self> {
        let mut block = Self { map: mapped(backing, size)?, touched: 0, size };
        block.touch(size);
        Ok(block)
    }

    /// Asks the system to write it to swap space or to its file. Where there is neither, it stays where it is.
    ///
    /// # Errors
    /// When the system does not know how.
    pub fn page_out(&mut self) -> Result<()> {
        self.map.page_out()
    }

    /// Makes the first `size` of it resident.
    pub fn touch(&mut self, size: Bytes) {
        let bytes = self.map.bytes();
        let until = usize::try_from(size.0).unwrap_or(usize::MAX).min(bytes.len());
        while self.touched < until {
            // Every page differs: nothing can merge them.
            let mark = (self.touched / PAGE) as u64 | 1;
            let end = (self.touched + 8).min(bytes.len());
            bytes[self.touched..end].copy_from_slice(&mark.to_le_bytes()[..end - self.touched]);
            self.touched += PAGE;
        }
    }

    /// How much it is, once touched.
    #[must_use]
    pub const fn size(&self) -> Bytes {
        self.size
    }
}

/// A forked child that shares this program's pages.
#[derive(Debug)]
pub struct Fork(libc::pid_t);

impl Fork {
    /// Waits for it to end.
    pub fn wait(self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0) {
            let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
        }
    }
}

/// Forks; the child does `work` and ends.
///
/// # Errors
/// When the system refuses.
#[expect(unsafe_code, reason = "the standard library can start programs and not fork")]
pub fn fork(work: impl FnOnce()) -> Result<Fork> {
    // SAFETY: the child only sleeps, touches memory that is its own and leaves by `_exit`: no lock that another thread of the
    // parent may have held is taken, and none of the parent's clean-up is done twice.
    match unsafe { libc::fork() } {
        -1 => bail!("could not fork: {}", std::io::Error::last_os_error()),
        0 => {
            work();
            // SAFETY: ends the process, always.
            unsafe { libc::_exit(0) }
        }
        pid => Ok(Fork(pid)),
    }
}

/// Leaves a process behind that does `work`: in a session of its own, its streams closed, its parent gone.
///
/// # Errors
/// When the system refuses.
pub fn daemonise(work: impl FnOnce()) -> Result<()> {
    let middle = fork(|| {
        let _ = rustix::process::setsid();
        let _ = fork(|| {
            close_all_streams();
            // Its parent has to be gone for it to be an orphan while it grows.
            std::thread::sleep(Duration::from_millis(50));
            work();
        });
    })?;
    middle.wait();
    Ok(())
}

#[expect(unsafe_code, reason = "closing a standard stream has no safe form")]
fn close_all_streams() {
    for stream in 0..3 {
        // SAFETY: nothing in this process uses the standard streams any more.
        unsafe { libc::close(stream) };
    }
}

/// Closes standard output: what is printed later fails.
#[expect(unsafe_code, reason = "closing a standard stream has no safe form")]
pub fn close_stdout() {
    // SAFETY: the standard library treats a closed standard output as one that takes everything.
    unsafe { libc::close(1) };
}

/// Lets a signal pass from now on.
///
/// # Errors
/// When the system refuses, as it does for SIGKILL.
pub fn ignore_signal(signal: i32) -> Result<()> {
    let flag = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(signal, flag).map(drop).with_context(|| format!("could not ignore signal {signal}"))
}
