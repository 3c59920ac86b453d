use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::place::Version;
use crate::units::Bytes;

/// The most that was charged to a run's own group since the last reading, or since the group was made where the kernel does
/// not let its mark be reset (v2 before Linux 6.12).
///
/// Page cache and kernel memory are charged, too: this bounds the metric from above and says nothing of it from below.
#[derive(Debug)]
pub(super) struct Marks {
    version: Version,
    memory: Option<Mark>,
    /// Swap alone (v2), or memory and swap together (v1).
    swap: Option<Mark>,
}

impl Marks {
    pub(super) fn open(version: Version, folder: &Path) -> Self {
        let (memory, swap) = match version {
            Version::V1 => ("memory.max_usage_in_bytes", "memory.memsw.max_usage_in_bytes"),
            Version::V2 => ("memory.peak", "memory.swap.peak"),
        };
        Self { version, memory: Mark::open(&folder.join(memory)), swap: Mark::open(&folder.join(swap)) }
    }

    /// Whether the kernel keeps a mark of memory.
    pub(super) const fn are_kept(&self) -> bool {
        self.memory.is_some()
    }

    /// Reads the marks and begins new ones. `swap` is what is in swap now: it stands in where the kernel keeps no mark of it.
    /// None where it keeps none of memory either.
    pub(super) fn take(&mut self, swap: Bytes) -> Option<Bytes> {
        let swap_mark = self.swap.as_mut().and_then(Mark::take);
        match self.version {
            Version::V1 if swap_mark.is_some() => swap_mark,
            Version::V1 => self.memory.as_mut()?.take(),
            Version::V2 => Some(self.memory.as_mut()?.take()? + swap_mark.unwrap_or_default().max(swap)),
        }
    }
}

#[derive(Debug)]
struct Mark {
    file: File,
    resets: bool,
}

impl Mark {
    fn open(path: &Path) -> Option<Self> {
        // Before Linux 6.12 v2's marks are read-only: by their permissions, or by an error from the kernel.
        if let Ok(file) = OpenOptions::new().read(true).write(true).open(path)
            && file.write_at(b"0", 0).is_ok()
        {
            return Some(Self { file, resets: true });
        }
        File::open(path).ok().map(|file| Self { file, resets: false })
    }

    fn take(&mut self) -> Option<Bytes> {
        let mut text = [0; 32];
        let length = self.file.read_at(&mut text, 0).ok()?;
        if self.resets {
            self.file.write_at(b"0", 0).ok()?;
        }
        std::str::from_utf8(text.get(..length)?).ok()?.trim_end().parse().ok().map(Bytes)
    }
}
