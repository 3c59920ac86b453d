//! Reading a CSV of ours: one row at a time, whatever the size of the file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use csv::ByteRecord;

use super::clock::parse_seconds;
use super::files;
use crate::units::Bytes;

/// The rows of a CSV file as it was when it was opened.
///
/// A last row without its line end was being written when the power went: it is left out.
pub(super) struct Rows {
    path: PathBuf,
    columns: Vec<&'static str>,
    reader: csv::Reader<LinesOf<Take<File>>>,
    record: ByteRecord,
    size: u64,
    last_is_cut: bool,
    failed: bool,
}

/// Whether commas and line ends may stand in quotes.
pub(super) enum Quoting {
    /// As in RFC 4180.
    Allowed,
    /// Numbers need none; a stray quote must not swallow the rows after it.
    None,
}

impl Rows {
    /// Opens a file and checks its header. A file cut off before the end of its header has no rows.
    pub(super) fn open(path: &Path, header: &'static str, quoting: &Quoting) -> Result<Self> {
        let mut file = files::open_plain(path)?;
        let in_file = || format!("could not read `{}`", path.display());
        let (size, last_is_cut) = ending(&mut file).with_context(in_file)?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .quoting(matches!(quoting, Quoting::Allowed))
            .from_reader(LinesOf { inner: file.take(size), since_line_end: 0 });
        let mut record = ByteRecord::new();
        reader.read_byte_record(&mut record).with_context(in_file)?;
        let columns: Vec<&str> = header.split(',').collect();
        let cut_in_header = last_is_cut && reader.position().byte() >= size;
        if size > 0 && !cut_in_header && record != columns {
            let found: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
            bail!(
                "`{}` is not a file of memguard's: it begins with `{}`\nhelp: its first line would be `{header}`",
                path.display(),
                shortened(&found.join(",")),
            );
        }
        Ok(Self { path: path.to_owned(), columns, reader, record, size, last_is_cut, failed: false })
    }

    /// Whether the file ends within a row, which is left out.
    pub(super) fn last_is_cut(&self) -> bool {
        self.last_is_cut
    }

    /// The next row as what `parse` makes of it. None at the end, and after the first error.
    pub(super) fn next_with<T>(&mut self, parse: impl FnOnce(&Row<'_>) -> Result<T>) -> Option<Result<T>> {
        if self.failed {
            return None;
        }
        let read = self.next_row().and_then(|row| row.map(|row| parse(&row)).transpose());
        self.failed = read.is_err();
        read.transpose()
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>> {
        let more = self
            .reader
            .read_byte_record(&mut self.record)
            .with_context(|| format!("could not read `{}`", self.path.display()))?;
        if !more || (self.last_is_cut && self.reader.position().byte() >= self.size) {
            return Ok(None);
        }
        let row = Row { rows: self };
        if row.rows.record.len() != row.rows.columns.len() {
            let (found, wanted) = (row.rows.record.len(), row.rows.columns.len());
            return Err(row.error(format_args!("has {found} cells, not {wanted}")));
        }
        Ok(Some(row))
    }
}

/// The size of a file, and whether it ends without a line end.
fn ending(file: &mut File) -> io::Result<(u64, bool)> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    if size > 0 {
        file.seek(SeekFrom::Start(size - 1))?;
        file.read_exact(&mut last)?;
    }
    file.rewind()?;
    Ok((size, last != *b"\n"))
}

/// One row, read cell by cell. Every error names the file, the line and the value.
pub(super) struct Row<'a> {
    rows: &'a Rows,
}

impl Row<'_> {
    pub(super) fn text(&self, column: usize) -> Result<&str> {
        std::str::from_utf8(self.cell(column)).map_err(|_| self.cell_error(column, "is not UTF-8"))
    }

    fn cell(&self, column: usize) -> &[u8] {
        self.rows.record.get(column).unwrap_or_default()
    }

    pub(super) fn seconds(&self, column: usize) -> Result<Duration> {
        parse_seconds(self.cell(column)).ok_or_else(|| self.cell_error(column, "is not a number of seconds"))
    }

    /// Checks that the time in the first cell is not before that of the row before.
    pub(super) fn follows(&self, last: &mut Duration, at: Duration) -> Result<()> {
        if at < *last {
            return Err(self.cell_error(0, "is less than in the row before"));
        }
        *last = at;
        Ok(())
    }

    pub(super) fn optional_seconds(&self, column: usize) -> Result<Option<Duration>> {
        if self.cell(column).is_empty() { Ok(None) } else { self.seconds(column).map(Some) }
    }

    pub(super) fn bytes(&self, column: usize) -> Result<Bytes> {
        let bytes = whole(self.cell(column)).map(Bytes);
        bytes.ok_or_else(|| self.cell_error(column, "is not a whole number of bytes"))
    }

    pub(super) fn optional_bytes(&self, column: usize) -> Result<Option<Bytes>> {
        if self.cell(column).is_empty() { Ok(None) } else { self.bytes(column).map(Some) }
    }

    pub(super) fn optional_count(&self, column: usize) -> Result<Option<u32>> {
        if self.cell(column).is_empty() { Ok(None) } else { self.count(column).map(Some) }
    }

    pub(super) fn count(&self, column: usize) -> Result<u32> {
        let count = whole(self.cell(column)).and_then(|count| u32::try_from(count).ok());
        count.ok_or_else(|| self.cell_error(column, "is not a whole number"))
    }

    /// An error about one cell: `line 7: peak_bytes is not a whole number of bytes: "x"`.
    pub(super) fn cell_error(&self, column: usize, what: &str) -> anyhow::Error {
        let name = self.rows.columns.get(column).copied().unwrap_or_default();
        let cell = String::from_utf8_lossy(self.cell(column));
        self.error(format_args!("{name} {what}: {:?}", shortened(&cell)))
    }

    fn error(&self, what: fmt::Arguments<'_>) -> anyhow::Error {
        let line = self.rows.record.position().map_or(0, csv::Position::line);
        anyhow!("`{}` line {line}: {what}\nhelp: the file was changed after it was written", self.rows.path.display())
    }
}

/// A number that is digits alone. A trace has tens of millions of them: none is looked through for UTF-8 first.
fn whole(cell: &[u8]) -> Option<u64> {
    let add = |number: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    if cell.is_empty() { None } else { cell.iter().try_fold(0, add) }
}

/// A file of any content may stand in the place of ours: an error must not print all of it.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Reads a file of lines: one that has none for a mebibyte is refused before it fills the memory.
struct LinesOf<R> {
    inner: R,
    since_line_end: usize,
}

impl<R: Read> Read for LinesOf<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.since_line_end = match memchr::memrchr(b'\n', &buffer[..read]) {
            Some(end) => read - end - 1,
            None => self.since_line_end + read,
        };
        if self.since_line_end > 1 << 20 {
            return Err(io::Error::other("a line is longer than 1 MiB: this is not a file of memguard's"));
        }
        Ok(read)
    }
}
