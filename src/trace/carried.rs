//! Runs that another machine recorded, carried here in a folder. Nothing in it is trusted: a name leads nowhere else, and no
//! file is read whole before its size is known.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::layout::run_folder;
use super::log_csv::ENDS;
use super::{FILES, RunFiles, files, open};
use crate::units::Bytes;

/// A folder in which another machine's results lie.
#[derive(Debug, Clone)]
pub struct Carried {
    folder: PathBuf,
}

impl Carried {
    /// The folder as whoever carried it there named it.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A text file in the folder, of at most so many bytes.
    ///
    /// # Errors
    /// When it is missing, no plain file, larger, or not UTF-8.
    pub fn read(&self, name: &str, most: u64) -> Result<String> {
        let path = self.folder.join(name);
        plain_file(&path)?;
        files::read_text_within(&path, most)
    }

    /// A run of a workload: 1 for the first. The caller has made sure that the workload's name is no path.
    ///
    /// # Errors
    /// When it is not there whole, is a link to elsewhere, or is not memguard's.
    pub fn run(&self, workload: &str, run: u32) -> Result<RunFiles> {
        let folder = run_folder(&self.folder, workload, run);
        plain_folder(&self.folder.join(workload))?;
        plain_folder(&folder)?;
        for name in files_of(&folder) {
            plain_file(&folder.join(name))?;
        }
        open(&folder)
    }

    /// How much the files of a run are.
    ///
    /// # Errors
    /// When one is missing, or no plain file.
    pub fn size(&self, workload: &str, run: u32) -> Result<Bytes> {
        let folder = run_folder(&self.folder, workload, run);
        FILES.iter().map(|name| plain_file(&folder.join(name))).sum()
    }

    /// Copies what [`Self::run`] reads into the folder of a run.
    ///
    /// # Errors
    /// When a file can't be read or written.
    pub fn copy_run(&self, workload: &str, run: u32, to: &Path) -> Result<()> {
        let from = run_folder(&self.folder, workload, run);
        files::create_folder(to)?;
        for name in files_of(&from) {
            let (from, to) = (from.join(name), to.join(name));
            plain_file(&from)?;
            let copied = files::open(&from).and_then(|mut input| {
                let mut output = files::create(&to)?;
                Ok(std::io::copy(&mut input, &mut output)?)
            });
            copied.with_context(|| format!("could not copy `{}` to `{}`", from.display(), to.display()))?;
        }
        Ok(())
    }
}

/// The names of a run's files: those that each has, and those of a log whose end is not in its place.
fn files_of(folder: &Path) -> impl Iterator<Item = &'static str> {
    FILES.into_iter().chain(ENDS.into_iter().filter(|name| fs::symlink_metadata(folder.join(name)).is_ok()))
}

fn plain_folder(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => bail!("`{}` is not a folder but a link or a file", path.display()),
        Err(_) => bail!("the folder `{}` is missing", path.display()),
    }
}

/// Makes sure of it, and tells its size.
fn plain_file(path: &Path) -> Result<Bytes> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Bytes(metadata.len())),
        Ok(_) => bail!("`{}` is not a file but a link, a folder or a device", path.display()),
        Err(_) => bail!("the file `{}` is missing", path.display()),
    }
}
