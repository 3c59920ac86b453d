//! The writer of `log.csv`: from the bytes of several streams to rows, bounded whatever a workload prints.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use super::clock::WallClock;
use super::lines::{LineSplitter, RawLine};
use super::log_csv::{self, OWN, name};
use super::model::Stream;
use super::redact::Redactor;
use super::row_file::RowFile;
use super::text::harmless;
use crate::units::{Bytes, format_duration};

/// The most that `log.csv` holds: 64 MiB.
pub const LARGEST_LOG: Bytes = Bytes::from_mib(64);

/// Writes `log.csv`; shared by the threads that read the workload's output and the one that samples.
///
/// Rows stand in the order in which the lines were completed. A line's time is the arrival of its first byte, or its
/// own, so a line that was printed in parts may stand after a younger one.
pub struct LogWriter {
    inner: Mutex<Inner>,
}

struct Inner {
    /// Of the streams that have brought something and have not ended.
    splitters: Vec<(Stream, LineSplitter)>,
    log: Log,
    closed: bool,
}

/// The rows, once they are lines.
struct Log {
    file: RowFile,
    clock: WallClock,
    redactor: Redactor,
    /// The first two cells of lines of this time: those of one chunk share them.
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
    pub(super) fn new(file: RowFile, clock: WallClock, redactor: Redactor, largest: Bytes) -> Self {
        let room = usize::try_from(largest.0).unwrap_or(usize::MAX);
        let stamp = (None, Vec::new());
        let log = Log { file, clock, redactor, stamp, scratch: String::new(), room, omitted: None };
        Self { inner: Mutex::new(Inner { splitters: Vec::new(), log, closed: false }) }
    }

    /// Takes bytes as they arrived at `at`, and shows every line that they end to `stamp`, also where the log is full.
    ///
    /// `stamp` gets the line's arrival and its text as `log.csv` has it, and answers with the time that the line is to
    /// have. It must not call this writer.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn push(
        &self,
        stream: &Stream,
        at: Duration,
        bytes: &[u8],
        mut stamp: impl FnMut(Duration, &str) -> Duration,
    ) -> Result<()> {
        let mut inner = self.lock();
        let Inner { splitters, log, closed } = &mut *inner;
        if *closed {
            return Ok(());
        }
        let index = splitters.iter().position(|(known, _)| known == stream).unwrap_or_else(|| {
            splitters.push((stream.clone(), LineSplitter::default()));
            splitters.len() - 1
        });
        splitters[index].1.push(at, bytes, |line| log.line(stream, &line, &mut stamp))
    }

    /// The stream has ended: what it printed last is a line though nothing ended it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn end(&self, stream: &Stream, mut stamp: impl FnMut(Duration, &str) -> Duration) -> Result<()> {
        let mut inner = self.lock();
        let Inner { splitters, log, closed } = &mut *inner;
        let Some(index) = splitters.iter().position(|(known, _)| known == stream).filter(|_| !*closed) else {
            return Ok(());
        };
        let (_, mut splitter) = splitters.swap_remove(index);
        splitter.finish(|line| log.line(stream, &line, &mut stamp))
    }

    pub(super) fn flush(&self) -> Result<()> {
        self.lock().log.file.flush()
    }

    /// Writes what is left. What comes later, from a process that kept the stream open, is ignored. Tells what is not
    /// in the file.
    pub(super) fn finish(&self) -> (Result<()>, Option<String>) {
        let mut inner = self.lock();
        let Inner { splitters, log, closed } = &mut *inner;
        *closed = true;
        let end = |(stream, mut splitter): (Stream, LineSplitter)| {
            splitter.finish(|line| log.line(&stream, &line, &mut |at, _| at))
        };
        let written = std::mem::take(splitters).into_iter().try_for_each(end);
        let flushed = log.file.flush();
        (written.and(flushed), log.omitted.map(Omitted::notice))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn line(
        &mut self,
        stream: &Stream,
        line: &RawLine<'_>,
        stamp: &mut impl FnMut(Duration, &str) -> Duration,
    ) -> Result<()> {
        let text = if self.redactor.is_idle() {
            Cow::Borrowed(harmless(line.bytes, line.cut, &mut self.scratch))
        } else if line.cut == 0 {
            self.redactor.apply(harmless(line.bytes, 0, &mut self.scratch))
        } else {
            Cow::Owned(self.redactor.apply_to_cut(harmless(line.bytes, 0, &mut self.scratch), line.cut))
        };
        let (text, at) = (&*text, stamp(line.at, &text));
        if let Some(omitted) = &mut self.omitted {
            omitted.lines += 1;
            return Ok(());
        }
        if self.stamp.0 != Some(at) {
            self.stamp.0 = Some(at);
            self.stamp.1.clear();
            self.clock.write(at, &mut self.stamp.1);
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
            self.omitted = Some(Omitted { from: at, lines: 1 });
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
        let writer = LogWriter::new(log_csv::create(&path).unwrap(), clock, Redactor::default(), largest);
        Fixture { _folder: folder, path, writer }
    }

    impl Fixture {
        fn print(&self, stream: &Stream, millis: u64, bytes: &[u8]) {
            self.writer.push(stream, Duration::from_millis(millis), bytes, |at, _| at).unwrap();
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
        log.print(&Stream::Stdout, 1, b"loading a, b\n=1+1\nhalf");
        log.print(&Stream::Stderr, 2, b"\x1b[1m\"warn\"\xff\x1b[0m\n\n");
        log.print(&Stream::Stdout, 3, b" a line\nno end");
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
        let mut see = |at: Duration, text: &str| {
            seen.push(text.to_owned());
            at
        };
        let bytes = b"first\nse\0cond\nthird\n";
        log.writer.push(&Stream::Stdout, Duration::ZERO, bytes, &mut see).unwrap();
        log.writer.push(&Stream::Stdout, Duration::ZERO, b"last", |_, _| panic!("not a line yet")).unwrap();
        log.writer.end(&Stream::Stdout, &mut see).unwrap();
        assert_eq!(seen, ["first", "se␀cond", "third", "last"]);
        assert_eq!(
            log.finish().as_deref(),
            Some("3 lines of output from 0 ms on are not in `log.csv`, which holds 64.0 MiB at the most")
        );
        assert_eq!(log.texts(), ["first"]);
        let file = files::read_text(&log.path).unwrap();
        assert!(file.ends_with(",memguard,\"the log is full: later lines are counted, not stored\"\n"), "{file}");
    }

    #[test]
    fn each_stream_has_its_own_lines_and_each_line_the_time_that_it_is_given() {
        let log = fixture(LARGEST_LOG);
        let file = Stream::File("app.log".into());
        log.print(&file, 5, b"ha");
        log.print(&Stream::Stdout, 6, b"out\n");
        log.writer.push(&file, Duration::from_millis(7), b"lf\n", |at, _| at - Duration::from_millis(2)).unwrap();
        log.print(&file, 8, b"rest");
        log.finish();
        let found: Vec<_> = log.lines().into_iter().map(|line| (line.stream, line.at.as_millis(), line.text)).collect();
        let of_file = |at, text: &str| (file.clone(), at, text.to_owned());
        assert_eq!(found, [(Stream::Stdout, 6, "out".into()), of_file(3, "half"), of_file(8, "rest")]);
    }

    #[test]
    fn secrets_are_neither_stored_nor_shown() {
        let mut log = fixture(LARGEST_LOG);
        let redactor = Redactor::new(vec![regex::Regex::new("pass=[a-z]+").unwrap()]);
        log.writer.inner.get_mut().unwrap().log.redactor = redactor;
        let mut see = |at: Duration, text: &str| {
            assert!(!text.contains("secret"), "{text}");
            at
        };
        let bytes = [b"login pass=secret ok\n", &vec![b'x'; 9000][..], b"pass=secret\n"].concat();
        log.writer.push(&Stream::Stdout, Duration::ZERO, &bytes, &mut see).unwrap();
        log.finish();
        assert_eq!(log.texts()[0], "login [redacted] ok");
        assert!(!files::read_text(&log.path).unwrap().contains("secret"));
    }

    #[test]
    fn what_comes_after_the_end_is_ignored() {
        let log = fixture(LARGEST_LOG);
        log.print(&Stream::Stdout, 0, b"in time\n");
        log.finish();
        log.print(&Stream::Stdout, 1, b"too late\n");
        log.finish();
        assert_eq!(log.texts(), ["in time"]);
    }

    #[test]
    fn a_hundred_megabytes_without_a_line_end_are_one_short_row() {
        let log = fixture(LARGEST_LOG);
        let chunk = vec![0u8; 1 << 20];
        for _ in 0..100 {
            log.print(&Stream::Stdout, 5, &chunk);
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
                log.print(&Stream::Stderr, 7, line.as_bytes());
                log.print(&Stream::Stderr, 8, b"\n");
            }
            log.finish();
            prop_assert_eq!(log.texts(), lines);
        }

        #[test]
        fn no_output_breaks_the_file(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..9)) {
            let log = fixture(Bytes(400));
            let mut seen = 0;
            let mut see = |at: Duration, _: &str| {
                seen += 1;
                at
            };
            for chunk in &chunks {
                log.writer.push(&Stream::Stdout, Duration::ZERO, chunk, &mut see).unwrap();
            }
            log.writer.end(&Stream::Stdout, &mut see).unwrap();
            let full = log.finish().is_some();
            let read = log.lines().len();
            prop_assert_eq!(read < seen, full);
        }
    }
}
