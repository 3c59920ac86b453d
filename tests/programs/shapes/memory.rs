//! Memory of every kind that the kernel counts differently.

use std::fs::File;
use std::ptr::NonNull;

use anyhow::{Context, Result, bail, ensure};
use memguard::units::Bytes;
use memmap2::{Advice, MmapMut};
use rustix::fs::{MemfdFlags, Mode, memfd_create};
use rustix::shm;

const PAGE_BYTES: usize = 4 << 10;

/// Memory that goes back to the kernel when it is dropped.
pub(crate) enum Memory {
    Mapped(MmapMut),
    SystemV(Segment),
}

impl Memory {
    /// Maps private memory in small pages, none of it resident.
    pub(crate) fn private(size: Bytes) -> Result<Self> {
        let map = MmapMut::map_anon(length(size)?).with_context(|| format!("could not map {size}"))?;
        // A huge page would be resident from its first byte on. A kernel without huge pages refuses the advice.
        let _ = map.advise(Advice::NoHugePage);
        Ok(Self::Mapped(map))
    }

    /// Maps memory of a kind, all of it resident. Nothing of it has a name.
    pub(crate) fn of_kind(kind: &str, size: Bytes) -> Result<Self> {
        let mut memory = match kind {
            "memfd" => Self::of_file(&memfd_create("shapes", MemfdFlags::CLOEXEC)?.into(), size)?,
            "shm" => Self::of_file(&posix_object()?, size)?,
            "file" => Self::of_file(&tempfile::tempfile_in(".")?, size)?,
            "sysv" => Self::SystemV(Segment::new(length(size)?)?),
            "huge" => {
                let map = MmapMut::map_anon(length(size)?)?;
                map.advise(Advice::HugePage).context("could not ask for huge pages")?;
                Self::Mapped(map)
            }
            _ => bail!("`map` does not know `{kind}`"),
        };
        memory.touch(size);
        Ok(memory)
    }

    #[expect(unsafe_code, reason = "a file may change under a mapping")]
    fn of_file(file: &File, size: Bytes) -> Result<Self> {
        file.set_len(size.0)?;
        // SAFETY: the file has no name, so that no other program changes it.
        let map = unsafe { MmapMut::map_mut(file) };
        Ok(Self::Mapped(map.with_context(|| format!("could not map {size}"))?))
    }

    fn bytes(&mut self) -> &mut [u8] {
        match self {
            Self::Mapped(map) => map,
            Self::SystemV(segment) => segment.bytes(),
        }
    }

    /// Makes the first `size` of it resident.
    pub(crate) fn touch(&mut self, size: Bytes) {
        let bytes = self.bytes();
        let end = usize::try_from(size.0).unwrap_or(usize::MAX).min(bytes.len());
        bytes[..end].chunks_mut(PAGE_BYTES).for_each(|page| page[0] = 1);
    }

    /// Has the kernel write it to swap space or to its file. Without swap space it stays resident.
    #[expect(unsafe_code, reason = "memmap2 does not know this advice")]
    pub(crate) fn page_out(&mut self) -> Result<()> {
        let bytes = self.bytes();
        // SAFETY: the range is mapped, and its content does not change.
        let done = unsafe { libc::madvise(bytes.as_mut_ptr().cast(), bytes.len(), libc::MADV_PAGEOUT) };
        ensure!(done == 0, "could not page out memory: {}", std::io::Error::last_os_error());
        Ok(())
    }
}

fn length(size: Bytes) -> Result<usize> {
    Ok(usize::try_from(size.0)?.max(1))
}

fn posix_object() -> Result<File> {
    let name = format!("/memguard-shapes-{}", std::process::id());
    let flags = shm::OFlags::CREATE | shm::OFlags::EXCL | shm::OFlags::RDWR;
    let object = shm::open(&name, flags, Mode::RUSR | Mode::WUSR).context("could not make POSIX shared memory")?;
    shm::unlink(&name)?;
    Ok(object.into())
}

/// An attached segment of System V shared memory.
pub(crate) struct Segment {
    start: NonNull<u8>,
    length: usize,
}

#[expect(unsafe_code, reason = "no crate in use wraps System V shared memory")]
impl Segment {
    fn new(length: usize) -> Result<Self> {
        // SAFETY: makes a segment of its own; takes numbers only.
        let id = unsafe { libc::shmget(libc::IPC_PRIVATE, length, libc::IPC_CREAT | 0o600) };
        ensure!(id >= 0, "could not make System V shared memory: {}", std::io::Error::last_os_error());
        // SAFETY: attaches the segment where the kernel has room for it.
        let start = unsafe { libc::shmat(id, std::ptr::null(), 0) }.cast::<u8>();
        let error = std::io::Error::last_os_error();
        // SAFETY: removes the segment once nothing is attached to it; no structure is passed.
        unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
        // shmat(2) returns -1 when it fails.
        ensure!(start.addr() != usize::MAX, "could not attach System V shared memory: {error}");
        Ok(Self { start: NonNull::new(start).context("attached at null")?, length })
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the segment is attached, `length` long, and belongs to this value alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

#[expect(unsafe_code, reason = "as above")]
impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: `new` attached it, and nothing borrows it any more.
        unsafe { libc::shmdt(self.start.as_ptr().cast()) };
    }
}
