use std::time::{Duration, Instant};

use super::proc::ProcFile;
use crate::units::Bytes;

/// The whole machine's memory. Kernel interface: proc_meminfo(5).
#[derive(Debug)]
pub(super) struct Machine {
    file: Option<ProcFile>,
    /// As last read.
    used: Option<(Instant, Bytes)>,
}

/// What the machine uses is beside the point of a tick, and dear for what it tells: it may be so old.
const FRESH: Duration = Duration::from_millis(95);

impl Machine {
    pub(super) fn new() -> Self {
        Self { file: ProcFile::open("/proc/meminfo").ok(), used: None }
    }

    /// Used memory, as of now or of an instant ago: `MemTotal` less `MemAvailable`.
    pub(super) fn used(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Bytes> {
        if let Some((read, used)) = self.used
            && now.duration_since(read) < FRESH
        {
            return Some(used);
        }
        let text = self.file.as_ref()?.read(buffer).ok()?;
        let used = Bytes(figure(text, "MemTotal:")?.saturating_sub(figure(text, "MemAvailable:")?));
        self.used = Some((now, used));
        Some(used)
    }

    /// Shared memory in use, in bytes: `Shmem`.
    pub(super) fn shmem(&self, buffer: &mut Vec<u8>) -> Option<u64> {
        figure(self.file.as_ref()?.read(buffer).ok()?, "Shmem:")
    }
}

/// A figure of /proc/meminfo, in bytes.
fn figure(text: &[u8], name: &str) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse().ok())?;
    Some(Bytes::from_kib(kib).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_by_its_name_and_given_in_bytes() {
        let text = b"MemTotal:       24 kB\nShmemHugePages:        2 kB\nShmem:             8 kB\n";
        assert_eq!(figure(text, "Shmem:"), Some(8 << 10));
        assert_eq!(figure(text, "MemFree:"), None);
    }
}
