//! `log.csv`: what the workload printed, line by line, on the same clock as its memory.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::model::{LeftOut, LogLine, LogRow, Stream};
use super::rows::{Quoting, Row, Rows};
use super::text::{push_last_cell, push_text, without_guard};

pub(super) const HEADER: &str = "elapsed_s,timestamp,stream,line";

/// The stream of a row that memguard wrote about the log itself. It is no line of the workload's.
const OWN: &str = "memguard";

/// Where the end of a large log stands while it is recorded, beside its `log.csv`: the earlier part of it and the later.
pub(super) const ENDS: [&str; 2] = ["log-end-1.csv", "log-end-2.csv"];

/// Appends a row. `stamp` is its first two cells.
pub(super) fn push_row(stamp: &[u8], stream: &str, text: &str, rows: &mut Vec<u8>) {
    rows.extend_from_slice(stamp);
    push_text(stream, rows);
    rows.push(b',');
    push_last_cell(text, rows);
}

/// Appends the row that stands in place of lines, `stamp` being the first one's.
pub(super) fn push_left_out(stamp: &[u8], lines: u64, rows: &mut Vec<u8>) {
    let (noun, are) = if lines == 1 { ("line", "is") } else { ("lines", "are") };
    push_row(stamp, OWN, &format!("{lines} {noun} of output {are} left out here"), rows);
}

/// As the files write it.
pub(super) fn name(stream: &Stream) -> &str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::File(name) => name,
    }
}

/// The rows of a `log.csv`, one at a time, in the order in which the lines were completed.
///
/// Where memguard was ended before the end of a large log was put into its place, it is read from where it stands.
pub struct LogLines {
    rows: Rows,
    part: Part,
    ends: VecDeque<PathBuf>,
    /// When the gap began that was just read, and how many lines it has. It ends with the next line.
    gap: Option<(Duration, u64)>,
    waiting: Option<LogLine>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Beginning,
    FirstEnd,
    SecondEnd,
}

/// A row of a file.
enum Read {
    Line(LogLine),
    LeftOut(Duration, u64),
}

impl LogLines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let ends: VecDeque<PathBuf> =
            ENDS.iter().map(|name| path.with_file_name(name)).filter(|path| path.exists()).collect();
        let part = if ends.is_empty() { Part::Whole } else { Part::Beginning };
        Ok(Self { rows: open(path)?, part, ends, gap: None, waiting: None })
    }

    /// Whether the file that was written last ends within a row, which is left out.
    pub(super) fn last_is_cut(&self) -> Result<bool> {
        self.ends.back().map_or(Ok(self.rows.last_is_cut()), |path| Ok(open(path)?.last_is_cut()))
    }

    fn read(&mut self) -> Result<Option<Read>> {
        loop {
            let read = self.rows.next_with(|row| match row.text(2)? {
                OWN => left_out(row),
                _ => line(row).map(Read::Line),
            });
            match (read.transpose()?, self.part) {
                // What follows was being put into its place: it stands in the other files, too.
                (None | Some(Read::LeftOut(..)), Part::Beginning) => self.turn_to(Part::FirstEnd)?,
                (None, Part::FirstEnd) if !self.ends.is_empty() => self.turn_to(Part::SecondEnd)?,
                // It counts the lines of the first end.
                (Some(Read::LeftOut(..)), Part::SecondEnd) => {}
                (read, _) => return Ok(read),
            }
        }
    }

    fn turn_to(&mut self, part: Part) -> Result<()> {
        if let Some(path) = self.ends.pop_front() {
            self.rows = open(&path)?;
        }
        self.part = part;
        Ok(())
    }

    fn next_row(&mut self) -> Result<Option<LogRow>> {
        if let Some(line) = self.waiting.take() {
            return Ok(Some(LogRow::Line(line)));
        }
        loop {
            let line = match self.read()? {
                Some(Read::LeftOut(from, lines)) => {
                    self.gap = Some((from, lines)).filter(|_| lines > 0);
                    continue;
                }
                Some(Read::Line(line)) => Some(line),
                None => None,
            };
            let Some((from, lines)) = self.gap.take() else { return Ok(line.map(LogRow::Line)) };
            // A line that was begun before the gap may have been completed after it.
            let until = line.as_ref().map_or(Duration::MAX, |line| line.at).max(from);
            self.waiting = line;
            return Ok(Some(LogRow::LeftOut(LeftOut { from, until, lines })));
        }
    }
}

impl Iterator for LogLines {
    type Item = Result<LogRow>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

fn open(path: &Path) -> Result<Rows> {
    Rows::open(path, HEADER, &Quoting::Allowed)
}

fn left_out(row: &Row<'_>) -> Result<Read> {
    let digits = row.text(3)?.split(' ').next().unwrap_or_default();
    let lines = digits.parse().map_err(|_| row.cell_error(3, "names no number of lines"))?;
    Ok(Read::LeftOut(row.seconds(0)?, lines))
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

    fn read(rows: &str) -> Result<Vec<LogRow>> {
        read_all(&[("log.csv", rows)])
    }

    /// The rows of a folder with these files, each without its header.
    fn read_all(all: &[(&str, &str)]) -> Result<Vec<LogRow>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, rows) in all {
            files::replace(&folder.path().join(name), format!("{HEADER}\n{rows}").as_bytes()).unwrap();
        }
        LogLines::open(&folder.path().join("log.csv"))?.collect()
    }

    /// The texts, and `from-until: lines` in milliseconds for a gap.
    fn told(rows: &[LogRow]) -> Vec<String> {
        let tell = |row: &LogRow| match row {
            LogRow::Line(line) => line.text.clone(),
            LogRow::LeftOut(gap) => format!("{}-{}: {}", gap.from.as_millis(), gap.until.as_millis(), gap.lines),
        };
        rows.iter().map(tell).collect()
    }

    #[test]
    fn a_gap_is_told_with_its_length_and_how_many_lines_it_has() {
        let rows = "0.5,t,stdout,a\n2.0,t,memguard,7 lines of output are left out here\n9.0,t,stdout,b\n";
        assert_eq!(told(&read(rows).unwrap()), ["a", "2000-9000: 7", "b"]);
        let rows = "0.5,t,stdout,a\n2.0,t,memguard,0 lines of output are left out here\n9.0,t,stdout,b\n";
        assert_eq!(told(&read(rows).unwrap()), ["a", "b"]);
        let error = read("2.0,t,memguard,many\n").unwrap_err().to_string();
        assert!(error.contains("line 2: line names no number of lines: \"many\""), "{error}");
    }

    #[test]
    fn an_end_that_was_not_put_into_its_place_is_read_from_where_it_stands() {
        let beginning = "0.5,t,stdout,a\n";
        let first = "1.0,t,memguard,7 lines of output are left out here\n5.0,t,stdout,c\n";
        let second = "1.0,t,memguard,8 lines of output are left out here\n6.0,t,stdout,d\n7.0,t,stdout,cu";
        let all = [("log.csv", beginning), (ENDS[0], first), (ENDS[1], second)];
        assert_eq!(told(&read_all(&all).unwrap()), ["a", "1000-5000: 7", "c", "d"]);
        // There is none before the first is full, and for an instant none after it.
        assert_eq!(told(&read_all(&[all[0], all[2]]).unwrap()), ["a", "1000-6000: 8", "d"]);
        assert_eq!(told(&read_all(&[all[0], all[1]]).unwrap()), ["a", "1000-5000: 7", "c"]);
        // It was being put there.
        let beginning = format!("{beginning}{first}6.0,t,std");
        let all = [("log.csv", beginning.as_str()), all[1], all[2]];
        assert_eq!(told(&read_all(&all).unwrap()), ["a", "1000-5000: 7", "c", "d"]);
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
        let LogRow::Line(line) = &lines[0] else { panic!("{lines:?}") };
        assert_eq!(line.stream, Stream::File("=logs, old/app.log".into()));
    }

    #[test]
    fn a_last_row_that_was_cut_within_quotes_is_left_out() {
        let lines = read("0.0,t,stdout,whole\n0.1,t,stdout,\"cut, o").unwrap();
        assert_eq!(told(&lines), ["whole"]);
    }
}
