use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::place::Version;
use crate::units::Bytes;

/// The most that was charged to a run's own group since the last reading.
///
/// Page cache and kernel memory are charged, too. What was charged beside the footprint is known before and after: the mark
/// less that is how high the footprint was. None of it where the kernel does not let its mark be reset (v2 before Linux 6.12).
#[derive(Debug)]
pub(super) struct Charge {
    files: Option<Files>,
    /// The least and the most that was charged beside the footprint at the last reading.
    beside: (Bytes, Bytes),
    /// What was charged before this reading.
    usage: Bytes,
}

#[derive(Debug)]
struct Files {
    usage: File,
    mark: File,
}

impl Charge {
    pub(super) fn open(version: Version, folder: &Path) -> Self {
        let (usage, mark) = match version {
            Version::V1 => ("memory.usage_in_bytes", "memory.max_usage_in_bytes"),
            Version::V2 => ("memory.current", "memory.peak"),
        };
        // Where marks can't be reset they are read-only: by their permissions, or by an error from the kernel.
        let mark = OpenOptions::new().read(true).write(true).open(folder.join(mark));
        let mark = mark.ok().filter(|mark| mark.write_at(b"0", 0).is_ok());
        let files = mark.zip(File::open(folder.join(usage)).ok()).map(|(mark, usage)| Files { usage, mark });
        Self { files, beside: (Bytes::ZERO, Bytes::ZERO), usage: Bytes::ZERO }
    }

    /// Whether the kernel lets the mark be reset.
    pub(super) const fn resets(&self) -> bool {
        self.files.is_some()
    }

    /// Is to be called right before the footprint is read.
    pub(super) fn begin(&mut self) {
        self.usage = self.files.as_ref().and_then(|files| amount(&files.usage)).unwrap_or_default();
    }

    /// Reads the mark and begins a new one. `resident` is what of the footprint is charged now. Returns the least and the most
    /// that this was since the last reading.
    pub(super) fn take(&mut self, resident: Bytes) -> Option<(Bytes, Bytes)> {
        let Files { usage, mark } = self.files.as_ref()?;
        let (highest, usage) = (amount(mark)?, amount(usage)?);
        mark.write_at(b"0", 0).ok()?;
        // The group is not still while it is read.
        let beside = (self.usage.min(usage).saturating_sub(resident), self.usage.max(usage).saturating_sub(resident));
        let before = std::mem::replace(&mut self.beside, beside);
        Some(between(highest, before, beside))
    }
}

/// How high the footprint was when so much was charged, by the least and the most that was charged beside it before and after.
fn between(highest: Bytes, before: (Bytes, Bytes), after: (Bytes, Bytes)) -> (Bytes, Bytes) {
    (highest.saturating_sub(before.1.max(after.1)), highest.saturating_sub(before.0.min(after.0)))
}

fn amount(file: &File) -> Option<Bytes> {
    let mut text = [0; 32];
    let length = file.read_at(&mut text, 0).ok()?;
    std::str::from_utf8(text.get(..length)?).ok()?.trim_end().parse().ok().map(Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_cache_that_came_since_makes_the_rise_uncertain() {
        let (before, after) = ((Bytes(40), Bytes(40)), (Bytes(60), Bytes(70)));
        assert_eq!(between(Bytes(180), before, after), (Bytes(110), Bytes(140)));
        assert_eq!(between(Bytes(180), before, before), (Bytes(140), Bytes(140)));
    }
}
