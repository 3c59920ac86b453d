//! The rows of a log while it is recorded: its beginning in `log.csv`, and once that is full, its end in two files in turn.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::clock::Stamp;
use super::files;
use super::log_csv::{ENDS, HEADER, push_left_out, push_row};
use super::row_file::RowFile;
use crate::units::Bytes;

/// Keeps the beginning, up to half of the largest size, and the lines that came last: once there are so many, between a quarter
/// and a half of it, as long as none is skipped.
///
/// What was flushed is on disk, whatever happens to memguard.
pub(super) struct LogStore {
    /// Of `log.csv`.
    path: PathBuf,
    beginning: RowFile,
    after: Option<After>,
    /// The most that the beginning and each file of the end hold.
    largest: (usize, usize),
    /// What is left in the file that is written to.
    room: usize,
    failed: bool,
}

/// What comes after the beginning.
struct After {
    /// The time of its first line, and that as the first cells of a row.
    from: Duration,
    stamp: Vec<u8>,
    /// How many lines it has had.
    lines: u64,
    end: Option<End>,
}

/// The end as far as it is stored: all lines since the first of them.
struct End {
    /// The later file of the two.
    file: RowFile,
    /// How many lines of what comes after the beginning are in neither file, and how many are not in the later.
    left_out: u64,
    before_later: u64,
}

/// Lines that are not stored, and the time of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Omitted {
    pub(super) from: Duration,
    pub(super) lines: u64,
}

impl LogStore {
    /// Creates `log.csv` with its header. What is there of an earlier log goes.
    pub(super) fn create(path: &Path, largest: Bytes) -> Result<Self> {
        let beginning = RowFile::create(path, HEADER)?;
        for name in ENDS {
            files::remove_if_there(&path.with_file_name(name))?;
        }
        let part = |of: u64| usize::try_from(largest.0 / of).unwrap_or(usize::MAX);
        let largest = (part(2), part(4));
        Ok(Self { path: path.to_owned(), beginning, after: None, largest, room: largest.0, failed: false })
    }

    /// Whether lines go to the end by now, where others may have to make room for them.
    pub(super) const fn has_begun_its_end(&self) -> bool {
        self.after.is_some()
    }

    /// Appends a line.
    pub(super) fn push(&mut self, at: Duration, stamp: &mut Stamp, stream: &str, text: &str) -> Result<()> {
        if self.failed {
            bail!("an earlier line could not be stored");
        }
        let pushed = self.push_to_its_place(at, stamp, stream, text);
        self.failed = pushed.is_err();
        pushed
    }

    fn push_to_its_place(&mut self, at: Duration, stamp: &mut Stamp, stream: &str, text: &str) -> Result<()> {
        let stamp = stamp.of(at);
        let is_begun = self.after.as_ref().is_none_or(|after| after.end.is_some());
        if !is_begun || !self.push_if_it_fits(stamp, stream, text)? {
            self.turn(at, stamp)?;
            if !self.push_if_it_fits(stamp, stream, text)? {
                // It is larger than all of the room.
                self.room = 0;
                self.file().row(|rows| push_row(stamp, stream, text, rows))?;
            }
        }
        if let Some(after) = &mut self.after {
            after.lines += 1;
        }
        Ok(())
    }

    fn push_if_it_fits(&mut self, stamp: &[u8], stream: &str, text: &str) -> Result<bool> {
        let (room, mut left) = (self.room, None);
        self.file().row(|rows| {
            let before = rows.len();
            push_row(stamp, stream, text, rows);
            left = room.checked_sub(rows.len() - before);
            if left.is_none() {
                rows.truncate(before);
            }
        })?;
        self.room = left.unwrap_or(room);
        Ok(left.is_some())
    }

    /// Leaves lines out that come after the beginning, the first at `at`, and all that came between: the end begins anew.
    pub(super) fn skip(&mut self, at: Duration, lines: u64, stamp: &mut Stamp) {
        let after = self.after.get_or_insert_with(|| After::new(at, stamp.of(at)));
        after.lines += lines;
        after.end = None;
    }

    fn file(&mut self) -> &mut RowFile {
        let end = self.after.as_mut().and_then(|after| after.end.as_mut());
        end.map_or(&mut self.beginning, |end| &mut end.file)
    }

    /// Goes on in another file. What was the earlier part of the end is given up.
    fn turn(&mut self, at: Duration, stamp: &[u8]) -> Result<()> {
        self.flush()?;
        let [earlier, later] = ENDS.map(|name| self.path.with_file_name(name));
        let after = self.after.get_or_insert_with(|| After::new(at, stamp));
        let left_out = match after.end.take() {
            Some(End { file, before_later, .. }) => {
                drop(file);
                files::rename(&later, &earlier)?;
                before_later
            }
            None => {
                files::remove_if_there(&earlier)?;
                after.lines
            }
        };
        let mut file = RowFile::create(&later, HEADER)?;
        file.row(|rows| push_left_out(&after.stamp, after.lines, rows))?;
        after.end = Some(End { file, left_out, before_later: after.lines });
        self.room = self.largest.1;
        Ok(())
    }

    /// Puts on disk what was pushed.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.file().flush()
    }

    /// Puts the end into its place, behind the beginning. Tells what is not in the file.
    pub(super) fn finish(&mut self) -> Result<Option<Omitted>> {
        self.flush()?;
        let Some(After { from, end: Some(end), .. }) = self.after.take() else { return Ok(None) };
        let parts = ENDS.map(|name| self.path.with_file_name(name));
        let [earlier, later] = &parts;
        let (mut later_but, header, both) = (1, 1, 2);
        if end.left_out < end.before_later {
            append(&mut self.beginning, earlier, header)?;
            later_but = both;
        }
        append(&mut self.beginning, later, later_but)?;
        parts.iter().try_for_each(|path| files::remove_if_there(path))?;
        Ok((end.left_out > 0).then_some(Omitted { from, lines: end.left_out }))
    }
}

impl After {
    fn new(from: Duration, stamp: &[u8]) -> Self {
        Self { from, stamp: stamp.to_vec(), lines: 0, end: None }
    }
}

/// Appends a file without its first lines.
fn append(to: &mut RowFile, from: &Path, but: usize) -> Result<()> {
    let mut rows = BufReader::new(files::open(from)?);
    for _ in 0..but {
        rows.skip_until(b'\n').with_context(|| format!("could not read `{}`", from.display()))?;
    }
    to.append(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::clock::WallClock;
    use crate::trace::{LogLines, LogRow};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn stamp() -> Stamp {
        Stamp::new(WallClock::new(Timestamp::UNIX_EPOCH, TimeZone::UTC))
    }

    /// Pushes lines that are numbers, at as many milliseconds. Those that `skipped` names are skipped once there is an end.
    fn pushed(store: &mut LogStore, numbers: std::ops::Range<u64>, skipped: impl Fn(u64) -> bool) {
        let mut stamp = stamp();
        for number in numbers {
            let at = Duration::from_millis(number);
            if store.has_begun_its_end() && skipped(number) {
                store.skip(at, 1, &mut stamp);
            } else {
                store.push(at, &mut stamp, "stdout", &format!("line {number}")).unwrap();
            }
        }
    }

    /// From when, until when, and how many lines.
    type Gap = (u128, u128, u64);

    /// The numbers of the lines, those before a gap and those after it, and what the gap says.
    fn stored(path: &Path) -> (Vec<u64>, Option<Gap>, Vec<u64>) {
        let (mut before, mut gap, mut after) = (Vec::new(), None, Vec::new());
        for row in LogLines::open(path).unwrap() {
            match row.unwrap() {
                LogRow::LeftOut(found) => {
                    assert_eq!(gap, None);
                    gap = Some((found.from.as_millis(), found.until.as_millis(), found.lines));
                }
                LogRow::Line(line) => {
                    let number = line.text.strip_prefix("line ").unwrap().parse().unwrap();
                    assert_eq!(line.at.as_millis(), u128::from(number));
                    if gap.is_some() { after.push(number) } else { before.push(number) }
                }
            }
        }
        (before, gap, after)
    }

    #[test]
    fn a_log_that_outgrows_its_room_keeps_its_beginning_and_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let mut store = LogStore::create(&path, Bytes(8000)).unwrap();
        pushed(&mut store, 0..10_000, |_| false);
        store.flush().unwrap();
        let unfinished = stored(&path);
        let omitted = store.finish().unwrap().unwrap();
        assert_eq!(stored(&path), unfinished, "a crash would have left the same");
        let (before, gap, after) = unfinished;
        assert!(before.len() > 60 && (30..=62).contains(&after.len()), "{} {}", before.len(), after.len());
        assert_eq!(before, (0..before.len() as u64).collect::<Vec<_>>());
        assert_eq!(after, (after[0]..10_000).collect::<Vec<_>>());
        assert_eq!(gap, Some((before.len() as u128, u128::from(after[0]), after[0] - before.len() as u64)));
        assert_eq!(omitted, Omitted { from: Duration::from_millis(before.len() as u64), lines: gap.unwrap().2 });
        assert_eq!(files::list(folder.path()).unwrap(), [path.as_path()]);
        assert!(path.metadata().unwrap().len() < 8000 + 200);
    }

    #[test]
    fn a_log_that_fits_is_whole_though_its_end_was_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let mut store = LogStore::create(&path, Bytes(8000)).unwrap();
        pushed(&mut store, 0..100, |_| false);
        assert!(store.has_begun_its_end());
        assert_eq!(store.finish().unwrap(), None);
        assert_eq!(stored(&path), ((0..100).collect(), None, Vec::new()));
    }

    #[test]
    fn a_new_log_has_nothing_of_the_one_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let mut store = LogStore::create(&path, Bytes(2000)).unwrap();
        pushed(&mut store, 0..1000, |_| false);
        store.flush().unwrap();
        drop(store);
        let mut store = LogStore::create(&path, Bytes(2000)).unwrap();
        pushed(&mut store, 0..3, |_| false);
        store.finish().unwrap();
        assert_eq!(stored(&path), (vec![0, 1, 2], None, Vec::new()));
    }

    proptest! {
        #[test]
        fn every_line_is_stored_or_counted_and_the_end_is_all_since_the_last_that_was_skipped(
            lines in 0u64..400, largest in 200u64..6000, skipped in prop::collection::vec(0u64..400, 0..4), is_ended in any::<bool>()
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log.csv");
            let mut store = LogStore::create(&path, Bytes(largest)).unwrap();
            // The last line is never skipped: what waits is stored before the end.
            let skips = |number: u64| skipped.contains(&number) && number + 1 < lines;
            pushed(&mut store, 0..lines, skips);
            if is_ended { store.finish().unwrap(); } else { store.flush().unwrap(); }
            let (before, gap, after) = stored(&path);
            let left_out = gap.map_or(0, |gap| gap.2);
            prop_assert_eq!(before.len() as u64 + left_out + after.len() as u64, lines);
            prop_assert!(before.iter().copied().eq(0..before.len() as u64));
            if let Some(first) = after.first() {
                prop_assert!(after.iter().copied().eq(*first..lines));
                prop_assert!(after.iter().all(|number| !skips(*number)));
            }
        }
    }
}
