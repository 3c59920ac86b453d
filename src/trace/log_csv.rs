//! `log.csv`: what the workload printed, line by line, on the same clock as its memory.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::model::{LogLine, Stream};
use super::row_file::RowFile;
use super::rows::{Quoting, Row, Rows};
use super::text::{push_last_cell, push_text, without_guard};

const HEADER: &str = "elapsed_s,timestamp,stream,line";

/// The stream of a row that memguard wrote about the log itself. It is no line of the workload's.
pub(super) const OWN: &str = "memguard";

/// Creates `log.csv` with its header.
pub(super) fn create(path: &Path) -> Result<RowFile> {
    RowFile::create(path, HEADER)
}

/// Appends a row. `stamp` is its first two cells.
pub(super) fn push_row(stamp: &[u8], stream: &str, text: &str, rows: &mut Vec<u8>) {
    rows.extend_from_slice(stamp);
    push_text(stream, rows);
    rows.push(b',');
    push_last_cell(text, rows);
}

/// As the files write it.
pub(super) fn name(stream: &Stream) -> &str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::File(name) => name,
    }
}

/// The lines of a `log.csv`, one at a time, in the order in which they were completed.
pub struct LogLines {
    rows: Rows,
    full_at: Option<Duration>,
}

impl LogLines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { rows: Rows::open(path, HEADER, &Quoting::Allowed)?, full_at: None })
    }

    pub(super) fn last_is_cut(&self) -> bool {
        self.rows.last_is_cut()
    }

    /// Since when lines were counted and not stored, once all rows are read. None where every line was.
    #[must_use]
    pub const fn full_at(&self) -> Option<Duration> {
        self.full_at
    }
}

impl Iterator for LogLines {
    type Item = Result<LogLine>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let full_at = &mut self.full_at;
            let read = self.rows.next_with(|row| {
                if row.text(2)? != OWN {
                    return line(row).map(Some);
                }
                *full_at = Some(row.seconds(0)?);
                Ok(None)
            });
            match read? {
                Ok(Some(line)) => return Some(Ok(line)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn line(row: &Row<'_>) -> Result<LogLine> {
    let stream = match without_guard(row.text(2)?) {
        "stdout" => Stream::Stdout,
        "stderr" => Stream::Stderr,
        "" => return Err(row.cell_error(2, "names no stream")),
        file => Stream::File(file.into()),
    };
    Ok(LogLine { at: row.seconds(0)?, stream, text: without_guard(row.text(3)?).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::files;

    fn read(rows: &str) -> Result<Vec<LogLine>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        files::replace(&path, format!("{HEADER}\n{rows}").as_bytes()).unwrap();
        LogLines::open(&path)?.collect()
    }

    #[test]
    fn a_full_log_says_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        files::replace(&path, format!("{HEADER}\n0.5,t,stdout,a\n2.0,t,{OWN},full\n").as_bytes()).unwrap();
        let mut lines = LogLines::open(&path).unwrap();
        assert_eq!(lines.by_ref().count(), 1);
        assert_eq!(lines.full_at(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_damaged_row_is_told_with_its_line_and_value() {
        for (row, told) in [
            ("x,t,stdout,a", "line 3: elapsed_s is not a number of seconds: \"x\""),
            ("1.0,t,,a", "line 3: stream names no stream: \"\""),
            ("1.0,t,stdout,a,b", "line 3: has 5 cells, not 4"),
        ] {
            let error = read(&format!("0.0,t,stdout,\"quoted, whole\"\n{row}\n")).unwrap_err().to_string();
            assert!(error.contains(told), "{row}: {error}");
        }
    }

    #[test]
    fn a_file_is_a_stream_by_its_name() {
        let mut rows = Vec::new();
        push_row(b"1.0,t,", "=logs, old/app.log", "a", &mut rows);
        let lines = read(&String::from_utf8(rows).unwrap()).unwrap();
        assert_eq!(lines[0].stream, Stream::File("=logs, old/app.log".into()));
    }

    #[test]
    fn a_last_row_that_was_cut_within_quotes_is_left_out() {
        let lines = read("0.0,t,stdout,whole\n0.1,t,stdout,\"cut, o").unwrap();
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["whole"]);
    }
}
