//! What a program of a known memory shape needs of Windows.

use std::alloc::{Layout, handle_alloc_error};
use std::io;
use std::ptr::NonNull;

use anyhow::{Context, Result, bail};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_NOACCESS, PAGE_READWRITE, VirtualAlloc, VirtualFree,
};

use super::Backing;
use crate::units::Bytes;

/// The least that the system gives.
const PAGE: usize = 4096;

/// Memory of one's own, committed and resident as far as it was touched. Kernel interface: `VirtualAlloc`. The heap would do
/// no good: to grow a block it takes a second one and copies, so that for a moment both are there.
#[derive(Debug)]
pub struct Block {
    start: NonNull<u8>,
    length: usize,
    touched: usize,
    size: Bytes,
}

#[expect(unsafe_code, reason = "reserved memory has no safe wrapper among the crates in use")]
impl Block {
    /// So much address space, and no memory yet.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn untouched(size: Bytes) -> Result<Self> {
        let length = usize::try_from(size.0).context("more memory than this machine can address")?.max(1);
        // SAFETY: the system chooses the place, and nothing there can be touched yet.
        let start = unsafe { VirtualAlloc(std::ptr::null(), length, MEM_RESERVE, PAGE_NOACCESS) };
        let start = NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error);
        let start = start.with_context(|| format!("could not reserve {size}"))?;
        Ok(Self { start, length, touched: 0, size })
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

    /// Not on this system.
    ///
    /// # Errors
    /// Always.
    pub fn backed(_backing: Backing, _size: Bytes) -> Result<Self> {
        bail!("`map` needs Unix\nhelp: `ramp` works everywhere")
    }

    /// Not on this system.
    ///
    /// # Errors
    /// Always.
    pub fn page_out(&mut self) -> Result<()> {
        bail!("`pageout` needs Linux")
    }

    /// Makes the first `size` of it resident. Where the system does not have so much, the program ends.
    pub fn touch(&mut self, size: Bytes) {
        let until = usize::try_from(size.0).unwrap_or(usize::MAX).min(self.length);
        let Some(more) = until.checked_sub(self.touched).filter(|more| *more > 0) else { return };
        // SAFETY: inside of what was reserved, which nobody else has.
        let is_committed = unsafe {
            let from = self.start.as_ptr().add(self.touched);
            !VirtualAlloc(from.cast(), more, MEM_COMMIT, PAGE_READWRITE).is_null()
        };
        if !is_committed {
            handle_alloc_error(Layout::array::<u8>(more).unwrap_or(Layout::new::<u8>()));
        }
        while self.touched < until {
            // SAFETY: inside of what was just committed.
            unsafe { self.start.as_ptr().add(self.touched).write_volatile(1) };
            self.touched = (self.touched + PAGE).min(until);
        }
    }

    /// How much it is, once touched.
    #[must_use]
    pub const fn size(&self) -> Bytes {
        self.size
    }
}

#[expect(unsafe_code, reason = "as above")]
impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: what was reserved, whole, which nothing refers to any more.
        unsafe { VirtualFree(self.start.as_ptr().cast(), 0, MEM_RELEASE) };
    }
}

/// Not on this system.
#[derive(Debug)]
pub struct Fork(());

impl Fork {
    /// Does nothing.
    pub fn wait(self) {}
}

/// Not on this system.
///
/// # Errors
/// Always.
pub fn fork(_work: impl FnOnce()) -> Result<Fork> {
    bail!("`fork … shared` needs Unix\nhelp: `fork … private` works everywhere")
}

/// Not on this system.
///
/// # Errors
/// Always.
pub fn daemonise(_work: impl FnOnce()) -> Result<()> {
    bail!("`daemonise` needs Unix")
}

/// Not on this system: standard output stays open.
pub fn close_stdout() {}

/// Not on this system.
///
/// # Errors
/// Always.
pub fn ignore_signal(_signal: i32) -> Result<()> {
    bail!("`ignore` needs Unix")
}
