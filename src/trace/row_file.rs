//! A CSV file in the making: rows are collected in memory and put on disk a few times a second.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};

use super::files;

/// Rows are on disk this long after they were written, at the latest.
const FLUSH_EVERY: Duration = Duration::from_millis(250);

const FULL: usize = 32 * 1024;

pub(super) struct RowFile {
    path: PathBuf,
    file: File,
    rows: Vec<u8>,
    flushed: Duration,
    broken: bool,
}

impl RowFile {
    /// Creates the file with its header on disk.
    pub(super) fn create(path: &Path, header: &str) -> Result<Self> {
        let file = files::create(path)?;
        let rows = Vec::with_capacity(2 * FULL);
        let mut file = Self { path: path.to_owned(), file, rows, flushed: Duration::ZERO, broken: false };
        file.rows.extend_from_slice(header.as_bytes());
        file.rows.push(b'\n');
        file.flush()?;
        Ok(file)
    }

    /// Writes one row by appending to the buffer: whole, with its line end.
    pub(super) fn row(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        write(&mut self.rows);
        if self.rows.len() >= FULL { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush_if_due(&mut self, now: Duration) -> Result<()> {
        if now.saturating_sub(self.flushed) < FLUSH_EVERY {
            return Ok(());
        }
        self.flushed = now;
        self.flush()
    }

    /// After the first failure nothing more is written: rows after a gap or half a row would be worse than none.
    pub(super) fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let result = if self.broken {
            Err(anyhow!("an earlier write failed"))
        } else {
            self.file.write_all(&rows).map_err(anyhow::Error::from)
        };
        self.rows = rows;
        self.rows.clear();
        self.broken = result.is_err();
        match result {
            Ok(()) => Ok(()),
            Err(error) => bail!(error.context(format!("could not write `{}`", self.path.display()))),
        }
    }
}
