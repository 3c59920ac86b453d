use std::io;
use std::time::{Duration, Instant};

use super::proc::ProcFile;
use crate::units::Bytes;

/// The whole machine's memory. Kernel interface: proc_meminfo(5).
#[derive(Debug)]
pub(super) struct Machine {
    file: Option<ProcFile>,
    vmstat: Option<ProcFile>,
    /// As last read.
    used: Option<(Instant, Bytes)>,
}

/// What the whole machine holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MachineMemory {
    /// `MemTotal` less `MemAvailable`: what can't be had without swapping or killing. The page cache is no part of it.
    pub(super) used: Bytes,
    /// In swap and not in memory as well: `SwapTotal` less `SwapFree` and `SwapCached`.
    pub(super) swap: Bytes,
    /// `AnonPages`.
    pub(super) anon: Bytes,
    /// Mapped files: `Mapped`, as far as it exceeds `Shmem`, which is in it where it is mapped.
    pub(super) mapped: Bytes,
    /// `Shmem`.
    pub(super) shmem: Bytes,
}

/// What the machine uses is beside the point of a tick, and dear for what it tells: it may be so old.
const FRESH: Duration = Duration::from_millis(95);

impl Machine {
    pub(super) fn new() -> Self {
        let (file, vmstat) = (ProcFile::open("/proc/meminfo").ok(), ProcFile::open("/proc/vmstat").ok());
        Self { file, vmstat, used: None }
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

    /// How many huge pages faults have brought since boot: `thp_fault_alloc` of /proc/vmstat. Zero where there are none.
    pub(super) fn huge_pages(&self, buffer: &mut Vec<u8>) -> u64 {
        let text = self.vmstat.as_ref().and_then(|file| std::str::from_utf8(file.read(buffer).ok()?).ok());
        let count = text.and_then(|text| text.lines().find_map(|line| line.strip_prefix("thp_fault_alloc ")));
        count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
    }

    /// Shared memory in use, in bytes: `Shmem`.
    pub(super) fn shmem(&self, buffer: &mut Vec<u8>) -> Option<u64> {
        figure(self.file.as_ref()?.read(buffer).ok()?, "Shmem:")
    }

    /// All of it, now.
    pub(super) fn read(&self, buffer: &mut Vec<u8>) -> io::Result<MachineMemory> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        parse(file.read(buffer)?).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// None where a figure is missing that the kernel has had since 3.14.
fn parse(text: &[u8]) -> Option<MachineMemory> {
    let bytes = |name| figure(text, name).map(Bytes);
    let (total, swap_total, shmem) = (bytes("MemTotal:")?, bytes("SwapTotal:")?, bytes("Shmem:")?);
    Some(MachineMemory {
        used: total.saturating_sub(bytes("MemAvailable:")?),
        swap: swap_total.saturating_sub(bytes("SwapFree:")?).saturating_sub(bytes("SwapCached:")?),
        anon: bytes("AnonPages:")?,
        mapped: bytes("Mapped:")?.saturating_sub(shmem),
        shmem,
    })
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

    #[test]
    fn the_page_cache_is_not_used_memory_and_what_is_in_swap_counts_once() {
        let text = "MemTotal: 1000 kB\nMemFree: 50 kB\nMemAvailable: 600 kB\nCached: 550 kB\nSwapCached: 20 kB\n\
            SwapTotal: 500 kB\nSwapFree: 420 kB\nAnonPages: 300 kB\nMapped: 90 kB\nShmem: 30 kB\n";
        let kib = Bytes::from_kib;
        let wanted = MachineMemory { used: kib(400), swap: kib(60), anon: kib(300), mapped: kib(60), shmem: kib(30) };
        assert_eq!(parse(text.as_bytes()), Some(wanted));
        let before_3_14 = text.replace("MemAvailable: 600 kB\n", "");
        assert_eq!(parse(before_3_14.as_bytes()), None, "missing is not nothing");
    }

    #[test]
    fn this_machine_can_be_read() {
        let memory = Machine::new().read(&mut Vec::new()).unwrap();
        assert!(memory.used > Bytes::ZERO && memory.anon > Bytes::ZERO, "{memory:?}");
    }
}
