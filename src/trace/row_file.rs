//! A CSV file in the making: rows are collected in memory and put on disk a few times a second.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use super::files;

const FULL: usize = 32 * 1024;

pub(super) struct RowFile {
    path: PathBuf,
    file: File,
    rows: Vec<u8>,
    broken: bool,
}

impl RowFile {
    /// Creates the file with its header on disk.
    pub(super) fn create(path: &Path, header: &str) -> Result<Self> {
        let file = files::create(path)?;
        let rows = Vec::with_capacity(2 * FULL);
        let mut file = Self { path: path.to_owned(), file, rows, broken: false };
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
        result.with_context(|| format!("could not write `{}`", self.path.display()))
    }

    /// Appends whole rows as they stand elsewhere.
    pub(super) fn append(&mut self, mut from: impl Read) -> Result<()> {
        self.flush()?;
        let copied = std::io::copy(&mut from, &mut self.file);
        self.broken = copied.is_err();
        copied.map(drop).with_context(|| format!("could not write `{}`", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_is_told_with_its_path_and_nothing_follows_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.csv");
        let mut rows = RowFile::create(&path, "a").unwrap();
        let writable = std::mem::replace(&mut rows.file, files::open(&path).unwrap());
        rows.row(|out| out.extend_from_slice(b"lost\n")).unwrap();
        let error = rows.flush().unwrap_err().to_string();
        assert!(error.contains(&format!("could not write `{}`", path.display())), "{error}");

        rows.file = writable;
        rows.row(|out| out.extend_from_slice(b"after a gap\n")).unwrap();
        let error = format!("{:#}", rows.flush().unwrap_err());
        assert!(error.ends_with("an earlier write failed"), "{error}");
        assert_eq!(files::read_text(&path).unwrap(), "a\n");
    }
}
