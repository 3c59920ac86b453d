use super::*;
use crate::trace::{LogLine, LogLines, LogRow, files};
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
    let writer = LogWriter::new(LogStore::create(&path, largest).unwrap(), clock, Redactor::default());
    Fixture { _folder: folder, path, writer }
}

impl Fixture {
    fn print(&self, stream: &Stream, millis: u64, bytes: &[u8]) {
        self.writer.push(stream, Duration::from_millis(millis), bytes, None).unwrap();
    }

    fn finish(&self) -> Option<String> {
        let (written, notice) = self.writer.finish();
        written.unwrap();
        notice
    }

    fn rows(&self) -> Vec<LogRow> {
        LogLines::open(&self.path).unwrap().map(Result::unwrap).collect()
    }

    fn lines(&self) -> Vec<LogLine> {
        let line = |row| match row {
            LogRow::Line(line) => Some(line),
            LogRow::LeftOut(_) => None,
        };
        self.rows().into_iter().filter_map(line).collect()
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
fn every_line_is_shown_as_the_file_has_it_also_where_there_is_no_room() {
    let log = fixture(Bytes(240));
    let mut seen = Vec::new();
    let mut see = |at: Duration, text: &str| {
        seen.push(text.to_owned());
        at
    };
    let bytes = b"first\nse\0cond\nthird\nfourth\nfifth\n";
    log.writer.push(&Stream::Stdout, Duration::ZERO, bytes, Some(&mut see)).unwrap();
    log.print(&Stream::Stdout, 0, b"last");
    log.writer.end(&Stream::Stdout, Some(&mut see)).unwrap();
    assert_eq!(seen, ["first", "se␀cond", "third", "fourth", "fifth", "last"]);
    assert_eq!(
        log.finish().as_deref(),
        Some(
            "2 lines of output from 0 ms on are not in `log.csv`, which holds 128.0 MiB at the most: the beginning of the \
             log and its end"
        )
    );
    assert_eq!(log.texts(), ["first", "se␀cond", "fifth", "last"]);
    let file = files::read_text(&log.path).unwrap();
    assert!(file.contains(",memguard,2 lines of output are left out here\n"), "{file}");
}

#[test]
fn of_more_than_can_be_stored_the_last_is_kept_and_all_is_counted() {
    let log = fixture(Bytes::from_mib(4));
    let chunk: String = (0..1000).map(|number| format!("a line of the workload's, number {number:04}\n")).collect();
    for round in 0..1000 {
        // 40 MB in a quarter of a second, a piece of a line in every chunk.
        log.print(&Stream::Stdout, round / 4, &chunk.as_bytes()[usize::from(round == 0) * 7..]);
        log.print(&Stream::Stderr, round / 4, b"beside ");
    }
    log.print(&Stream::Stderr, 251, b"the end\n");
    log.finish();
    let rows = log.rows();
    let gaps: Vec<u64> = rows.iter().filter_map(left_out).collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(rows.len() as u64 - 1 + gaps[0], 1_000_001);
    let texts = log.texts();
    assert!(texts.ends_with(&["a line of the workload's, number 0999".into(), last_of_stderr()]), "{}", texts.len());
    let size = log.path.metadata().unwrap().len();
    assert!((2 << 20..4 << 20).contains(&size), "{size}");
}

fn left_out(row: &LogRow) -> Option<u64> {
    match row {
        LogRow::LeftOut(gap) => Some(gap.lines),
        LogRow::Line(_) => None,
    }
}

fn last_of_stderr() -> String {
    format!("{}the end", "beside ".repeat(1000))
}

#[test]
fn what_waits_is_on_disk_soon() {
    let log = fixture(Bytes(400));
    for millis in 0..20 {
        log.print(&Stream::Stdout, millis, b"line\n");
    }
    log.print(&Stream::Stdout, 100, b"waits\n");
    log.writer.flush(Duration::from_millis(300)).unwrap();
    assert_eq!(log.texts().last().unwrap(), "waits");
}

#[test]
fn each_stream_has_its_own_lines_and_each_line_the_time_that_it_is_given() {
    let log = fixture(LARGEST_LOG);
    let file = Stream::File("app.log".into());
    log.print(&file, 5, b"ha");
    log.print(&Stream::Stdout, 6, b"out\n");
    log.writer
        .push(&file, Duration::from_millis(7), b"lf\n", Some(&mut |at, _| at - Duration::from_millis(2)))
        .unwrap();
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
    log.writer.push(&Stream::Stdout, Duration::ZERO, &bytes, Some(&mut see)).unwrap();
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
            log.writer.push(&Stream::Stdout, Duration::ZERO, chunk, Some(&mut see)).unwrap();
        }
        log.writer.end(&Stream::Stdout, Some(&mut see)).unwrap();
        log.finish();
        let gap: u64 = log.rows().iter().filter_map(left_out).sum();
        prop_assert_eq!(log.lines().len() as u64 + gap, seen);
    }
}
