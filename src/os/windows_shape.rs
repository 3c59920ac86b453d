//! What a program of a known memory shape needs of Windows.

use anyhow::{Context, Result, bail};

use super::Backing;
use crate::units::Bytes;

/// The least that the system gives.
const PAGE: usize = 4096;

/// Memory of one's own, resident as far as it was touched.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    size: Bytes,
}

impl Block {
    /// Room for so much.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn untouched(size: Bytes) -> Result<Self> {
        usize::try_from(size.0).context("more memory than this machine can address")?;
        // Private commit counts from the reservation on: it is made as the memory is touched.
        Ok(Self { bytes: Vec::new(), size })
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

    /// Makes the first `size` of it resident.
    pub fn touch(&mut self, size: Bytes) {
        let from = self.bytes.len();
        let until = usize::try_from(size.0.min(self.size.0)).unwrap_or(from);
        if until > from {
            self.bytes.reserve_exact(until - from);
            self.bytes.resize(until, 1);
            self.bytes[from..].iter_mut().step_by(PAGE).for_each(|byte| *byte = 2);
        }
    }

    /// How much it is, once touched.
    #[must_use]
    pub const fn size(&self) -> Bytes {
        self.size
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
