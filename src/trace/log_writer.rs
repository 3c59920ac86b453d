//! The writer of `log.csv`: from the bytes of two streams to rows, bounded whatever a workload prints.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use super::clock::WallClock;
use super::lines::{LineSplitter, RawLine};
use super::log_csv::{self, OWN, name};
use super::model::Stream;
use super::row_file::RowFile;
use super::text::harmless;
use crate::units::{Bytes, format_duration};

/// The most that `log.csv` holds: 64 MiB.
pub const LARGEST_LOG: Bytes = Bytes::from_mib(64);

/// Writes `log.csv`; shared by the threads that read the workload's output and the one that samples.
///
/// Rows stand in the order in which the lines were completed. A line's time is the arrival of its first byte, so a
/// line that was printed in parts may stand after a younger one.
pub struct LogWriter {
    inner: Mutex<Inner>,
}

struct Inner {
    stdout: LineSplitter,
    stderr: LineSplitter,
    log: Log,
    closed: bool,
}

/// The rows, once they are lines.
struct Log {
    file: RowFile,
    clock: WallClock,
    /// The first two cells of lines that arrived at this time: those of one chunk share them.
    stamp: (Option<Duration>, Vec<u8>),
    scratch: String,
    room: usize,
    omitted: Option<Omitted>,
}

#[derive(Clone, Copy)]
struct Omitted {
    from: Duration,
    lines: u64,
}

impl LogWriter {
    pub(super) fn new(file: RowFile, clock: WallClock, largest: Bytes) -> Self {
        let room = usize::try_from(largest.0).unwrap_or(usize::MAX);
        let log = Log { file, clock, stamp: (None, Vec::new()), scratch: String::new(), room, omitted: None };
        let (stdout, stderr) = (LineSplitter::default(), LineSplitter::default());
        Self { inner: Mutex::new(Inner { stdout, stderr, log, closed: false }) }
    }

    /// Takes bytes as they arrived at `at`, and shows every line that they end to `seen`, also where the log is full.
    ///
    /// `seen` gets the line's time and its text as `log.csv` has it. It must not call this writer.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn push(&self, stream: Stream, at: Duration, bytes: &[u8], mut seen: impl FnMut(Duration, &str)) -> Result<()> {
        let mut inner = self.lock();
        let Inner { stdout, stderr, log, closed } = &mut *inner;
        if *closed {
            return Ok(());
        }
        splitter(stream, stdout, stderr).push(at, bytes, |line| log.line(stream, &line, &mut seen))
    }

    /// The stream has ended: what it printed last is a line though nothing ended it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn end(&self, stream: Stream, mut seen: impl FnMut(Duration, &str)) -> Result<()> {
        let mut inner = self.lock();
        let Inner { stdout, stderr, log, closed } = &mut *inner;
        if *closed {
            return Ok(());
        }
        splitter(stream, stdout, stderr).finish(|line| log.line(stream, &line, &mut seen))
    }

    pub(super) fn flush_if_due(&self, now: Duration) -> Result<()> {
        self.lock().log.file.flush_if_due(now)
    }

    /// Writes what is left. What comes later, from a process that kept the stream open, is ignored. Tells what is not
    /// in the file.
    pub(super) fn finish(&self) -> (Result<()>, Option<String>) {
        let written = self.end(Stream::Stdout, |_, _| {}).and_then(|()| self.end(Stream::Stderr, |_, _| {}));
        let mut inner = self.lock();
        inner.closed = true;
        let flushed = inner.log.file.flush();
        (written.and(flushed), inner.log.omitted.map(Omitted::notice))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn splitter<'a>(stream: Stream, stdout: &'a mut LineSplitter, stderr: &'a mut LineSplitter) -> &'a mut LineSplitter {
    match stream {
        Stream::Stdout => stdout,
        Stream::Stderr => stderr,
    }
}

impl Log {
    fn line(&mut self, stream: Stream, line: &RawLine<'_>, seen: &mut impl FnMut(Duration, &str)) -> Result<()> {
        let text = harmless(line.bytes, line.cut, &mut self.scratch);
        seen(line.at, text);
        if let Some(omitted) = &mut self.omitted {
            omitted.lines += 1;
            return Ok(());
        }
        if self.stamp.0 != Some(line.at) {
            self.stamp.0 = Some(line.at);
            self.stamp.1.clear();
            self.clock.write(line.at, &mut self.stamp.1);
        }
        let (stamp, room) = (&self.stamp.1, &mut self.room);
        let mut full = false;
        let result = self.file.row(|rows| {
            let before = rows.len();
            log_csv::push_row(stamp, name(stream), text, rows);
            full = rows.len() - before > *room;
            if full {
                rows.truncate(before);
                log_csv::push_row(stamp, OWN, "the log is full: later lines are counted, not stored", rows);
            } else {
                *room -= rows.len() - before;
            }
        });
        if full {
            self.omitted = Some(Omitted { from: line.at, lines: 1 });
        }
        result
    }
}

impl Omitted {
    fn notice(self) -> String {
        let Self { from, lines } = self;
        let (noun, from) = (if lines == 1 { "line" } else { "lines" }, format_duration(from));
        format!("{lines} {noun} of output from {from} on are not in `log.csv`, which holds {LARGEST_LOG} at the most")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{LogLine, LogLines, files};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

    struct Fixture {
        _folder: TempDir,
        path: PathBuf,
        writer: LogWriter,
    }

    fn fixture(largest: Bytes) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let clock = WallClock::new(Timestamp::UNIX_EPOCH, TimeZone::UTC);
        let writer = LogWriter::new(log_csv::create(&path).unwrap(), clock, largest);
        Fixture { _folder: folder, path, writer }
    }

    impl Fixture {
        fn print(&self, stream: Stream, millis: u64, bytes: &[u8]) {
            self.writer.push(stream, Duration::from_millis(millis), bytes, |_, _| {}).unwrap();
        }

        fn finish(&self) -> Option<String> {
            let (written, notice) = self.writer.finish();
            written.unwrap();
            notice
        }

        fn lines(&self) -> Vec<LogLine> {
            LogLines::open(&self.path).unwrap().map(Result::unwrap).collect()
        }

        fn texts(&self) -> Vec<String> {
            self.lines().into_iter().map(|line| line.text).collect()
        }
    }

    #[test]
    fn the_file_is_what_the_documentation_says() {
        let log = fixture(LARGEST_LOG);
        log.print(Stream::Stdout, 1, b"loading a, b\n=1+1\nhalf");
        log.print(Stream::Stderr, 2, b"\x1b[1m\"warn\"\xff\x1b[0m\n\n");
        log.print(Stream::Stdout, 3, b" a line\nno end");
        assert_eq!(log.finish(), None);
        insta::assert_snapshot!(files::read_text(&log.path).unwrap(), @r#"
        elapsed_s,timestamp,stream,line
        0.001000,1970-01-01T00:00:00.001000+00:00,stdout,"loading a, b"
        0.001000,1970-01-01T00:00:00.001000+00:00,stdout,'=1+1
        0.002000,1970-01-01T00:00:00.002000+00:00,stderr,"␛[1m""warn""�␛[0m"
        0.002000,1970-01-01T00:00:00.002000+00:00,stderr,
        0.001000,1970-01-01T00:00:00.001000+00:00,stdout,half a line
        0.003000,1970-01-01T00:00:00.003000+00:00,stdout,no end
        "#);
        assert_eq!(log.texts(), ["loading a, b", "=1+1", "␛[1m\"warn\"\u{fffd}␛[0m", "", "half a line", "no end"]);
        assert_eq!(log.lines()[4].at, Duration::from_millis(1));
        assert_eq!(log.lines()[3].stream, Stream::Stderr);
    }

    #[test]
    fn every_line_is_shown_as_the_file_has_it_also_where_the_log_is_full() {
        let log = fixture(Bytes(60));
        let mut seen = Vec::new();
        let bytes = b"first\nse\0cond\nthird\n";
        log.writer.push(Stream::Stdout, Duration::ZERO, bytes, |at, text| seen.push((at, text.to_owned()))).unwrap();
        log.writer.push(Stream::Stdout, Duration::ZERO, b"last", |_, _| panic!("not a line yet")).unwrap();
        log.writer.end(Stream::Stdout, |at, text| seen.push((at, text.to_owned()))).unwrap();
        assert_eq!(
            seen.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(),
            ["first", "se␀cond", "third", "last"]
        );
        assert_eq!(
            log.finish().as_deref(),
            Some("3 lines of output from 0 ms on are not in `log.csv`, which holds 64.0 MiB at the most")
        );
        assert_eq!(log.texts(), ["first"]);
        let file = files::read_text(&log.path).unwrap();
        assert!(file.ends_with(",memguard,\"the log is full: later lines are counted, not stored\"\n"), "{file}");
    }

    #[test]
    fn what_comes_after_the_end_is_ignored() {
        let log = fixture(LARGEST_LOG);
        log.print(Stream::Stdout, 0, b"in time\n");
        log.finish();
        log.print(Stream::Stdout, 1, b"too late\n");
        log.finish();
        assert_eq!(log.texts(), ["in time"]);
    }

    #[test]
    fn a_hundred_megabytes_without_a_line_end_are_one_short_row() {
        let log = fixture(LARGEST_LOG);
        let chunk = vec![0u8; 1 << 20];
        for _ in 0..100 {
            log.print(Stream::Stdout, 5, &chunk);
        }
        log.finish();
        let texts = log.texts();
        assert_eq!(texts.len(), 1);
        assert!(texts[0].starts_with("␀␀␀") && texts[0].ends_with(" … (104849408 bytes more)"));
    }

    proptest! {
        #[test]
        fn every_printed_line_reads_back(lines in proptest::collection::vec("(\\PC|[\t=+@',\"-])*", 0..20)) {
            let log = fixture(LARGEST_LOG);
            for line in &lines {
                log.print(Stream::Stderr, 7, line.as_bytes());
                log.print(Stream::Stderr, 8, b"\n");
            }
            log.finish();
            prop_assert_eq!(log.texts(), lines);
        }

        #[test]
        fn no_output_breaks_the_file(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..9)) {
            let log = fixture(Bytes(400));
            let mut seen = 0;
            for chunk in &chunks {
                log.writer.push(Stream::Stdout, Duration::ZERO, chunk, |_, _| seen += 1).unwrap();
            }
            log.writer.end(Stream::Stdout, |_, _| seen += 1).unwrap();
            let full = log.finish().is_some();
            let read = log.lines().len();
            prop_assert_eq!(read < seen, full);
        }
    }
}
