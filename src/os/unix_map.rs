//! Memory with something behind it, for programs of a known shape.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;

use anyhow::{Context, Result};
use memmap2::MmapMut;
use rustix::fs::Mode;

use super::Backing;
use crate::units::Bytes;

/// A mapping. It is given back when it goes.
#[derive(Debug)]
pub(super) enum Map {
    Mmap(MmapMut),
    SysV(Segment),
}

impl Map {
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        match self {
            Self::Mmap(map) => map,
            Self::SysV(segment) => segment.bytes(),
        }
    }

    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "memmap2 does not know this advice")]
    pub(super) fn page_out(&mut self) -> Result<()> {
        let bytes = self.bytes();
        // SAFETY: the range is mapped, and what it holds stays as it is.
        let done = unsafe { libc::madvise(bytes.as_mut_ptr().cast(), bytes.len(), libc::MADV_PAGEOUT) };
        anyhow::ensure!(
            done == 0,
            "could not page out memory (it came with Linux 5.4): {}",
            std::io::Error::last_os_error()
        );
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn page_out(&mut self) -> Result<()> {
        anyhow::bail!("`pageout` needs Linux")
    }
}

/// Maps so much, untouched. No name of it stays behind, however the program ends.
pub(super) fn mapped(backing: Backing, size: Bytes) -> Result<Map> {
    let length = usize::try_from(size.0).context("more memory than this machine can address")?.max(1);
    let map = match backing {
        Backing::SysV => return Segment::new(length).map(Map::SysV),
        Backing::Huge => MmapMut::map_anon(length).with_context(|| format!("could not map {size}"))?,
        Backing::Memfd => shared(&memfd()?, size)?,
        Backing::Shm => shared(&File::from(posix_shm()?), size)?,
        Backing::File => shared(&unnamed_file()?, size)?,
    };
    if backing == Backing::Huge {
        #[cfg(target_os = "linux")]
        map.advise(memmap2::Advice::HugePage).context("could not ask for huge pages")?;
    }
    Ok(Map::Mmap(map))
}

#[cfg(target_os = "linux")]
fn memfd() -> Result<File> {
    let file = rustix::fs::memfd_create("memguard-synth", rustix::fs::MemfdFlags::CLOEXEC);
    file.map(File::from).context("could not make a memfd")
}

#[cfg(not(target_os = "linux"))]
fn memfd() -> Result<File> {
    anyhow::bail!("`map … memfd` needs Linux")
}

fn posix_shm() -> Result<OwnedFd> {
    use rustix::shm::{OFlags, open, unlink};
    let name = format!("/memguard-synth-{}", std::process::id());
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR;
    let object = open(&name, flags, Mode::RUSR | Mode::WUSR).context("could not make POSIX shared memory")?;
    unlink(&name).context("could not remove the name of POSIX shared memory")?;
    Ok(object)
}

fn unnamed_file() -> Result<File> {
    let name = format!("memguard-synth-{}.map", std::process::id());
    let file = File::options().read(true).write(true).create_new(true).open(&name);
    let file = file.with_context(|| format!("could not create `{name}`"))?;
    std::fs::remove_file(&name).with_context(|| format!("could not remove `{name}`"))?;
    Ok(file)
}

#[expect(unsafe_code, reason = "a file may change under a mapping; no other program knows this one")]
fn shared(file: &File, size: Bytes) -> Result<MmapMut> {
    file.set_len(size.0.max(1)).with_context(|| format!("could not make a file of {size}"))?;
    // SAFETY: the file has no name, and its descriptor goes when this returns.
    unsafe { MmapMut::map_mut(file) }.with_context(|| format!("could not map {size}"))
}

/// A segment of System V shared memory, attached.
#[derive(Debug)]
pub(super) struct Segment {
    at: NonNull<u8>,
    length: usize,
}

impl Segment {
    #[expect(unsafe_code, reason = "System V shared memory has no safe wrapper among the crates in use")]
    fn new(length: usize) -> Result<Self> {
        let error = std::io::Error::last_os_error;
        // SAFETY: makes a new segment; takes numbers alone.
        let id = unsafe { libc::shmget(libc::IPC_PRIVATE, length, libc::IPC_CREAT | 0o600) };
        anyhow::ensure!(id >= 0, "could not make System V shared memory: {}", error());
        // SAFETY: attaches it where the system likes.
        let at = unsafe { libc::shmat(id, std::ptr::null(), 0) };
        let problem = error();
        // SAFETY: marks the segment to go with its last user; takes no structure.
        unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
        // What is no address is told as -1.
        let at = NonNull::new(at.cast::<u8>()).filter(|at| at.as_ptr().addr() != usize::MAX);
        let at = at.with_context(|| format!("could not attach System V shared memory: {problem}"))?;
        Ok(Self { at, length })
    }

    #[expect(unsafe_code, reason = "as above")]
    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: attached, `length` long, this program's alone, and borrowed for as long as the segment is.
        unsafe { std::slice::from_raw_parts_mut(self.at.as_ptr(), self.length) }
    }
}

impl Drop for Segment {
    #[expect(unsafe_code, reason = "as above")]
    fn drop(&mut self) {
        // SAFETY: attached by `new`, and not borrowed any more.
        unsafe { libc::shmdt(self.at.as_ptr().cast()) };
    }
}
