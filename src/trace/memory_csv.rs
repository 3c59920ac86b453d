//! `memory.csv`: the metric over time.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::clock::WallClock;
use super::model::Sample;
use super::row_file::RowFile;
use super::rows::{Quoting, Row, Rows};
use super::text::push_cell;
use super::thinning::Thinning;
use crate::units::{Parts, Uncertainty};

pub(super) const HEADER: &str = "elapsed_s,timestamp,memory_bytes,peak_bytes,\
                                 uncertainty_below_bytes,uncertainty_above_bytes,rss_bytes,anon_bytes,\
                                 shmem_bytes,swap_bytes,mapped_bytes,kernel_bytes,processes,machine_used_bytes";

/// Writes the readings of a run, thinned to at most 100 rows a second and about one where memory stays as it is.
pub(super) struct MemoryWriter {
    file: RowFile,
    clock: WallClock,
    thinning: Thinning,
}

impl MemoryWriter {
    /// Creates `memory.csv` with its header.
    pub(super) fn create(path: &Path) -> Result<RowFile> {
        RowFile::create(path, HEADER)
    }

    pub(super) fn new(file: RowFile, clock: WallClock) -> Self {
        Self { file, clock, thinning: Thinning::default() }
    }

    /// Takes a reading. Readings come in the order of time.
    pub(super) fn push(&mut self, sample: &Sample) -> Result<()> {
        let (file, clock) = (&mut self.file, &mut self.clock);
        self.thinning.push(*sample, |row| write(row, file, clock))
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        let (file, clock) = (&mut self.file, &mut self.clock);
        self.thinning.finish(|row| write(row, file, clock))?;
        self.file.flush()
    }
}

fn write(sample: &Sample, file: &mut RowFile, clock: &mut WallClock) -> Result<()> {
    let Sample { at, memory, peak, uncertainty, parts, processes, machine_used } = *sample;
    let Parts { rss, anon, shmem, swap, mapped, kernel } = parts;
    file.row(|out| {
        clock.write(at, out);
        push_cell(Some(memory.0), out);
        push_cell(Some(peak.max(memory).0), out);
        push_cell(Some(uncertainty.below.0), out);
        push_cell(Some(uncertainty.above.0), out);
        for part in [rss, anon, shmem, swap, mapped, kernel] {
            push_cell(part.map(|bytes| bytes.0), out);
        }
        push_cell(processes.map(u64::from), out);
        let _ = match machine_used {
            Some(bytes) => writeln!(out, "{}", bytes.0),
            None => writeln!(out),
        };
    })
}

/// The rows of a `memory.csv`, one at a time.
pub struct Samples {
    rows: Rows,
    last: Duration,
}

impl Samples {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let rows = Rows::open(path, HEADER, &Quoting::None)?;
        Ok(Self { rows, last: Duration::ZERO })
    }

    pub(super) fn last_is_cut(&self) -> bool {
        self.rows.last_is_cut()
    }
}

impl Iterator for Samples {
    type Item = Result<Sample>;

    fn next(&mut self) -> Option<Self::Item> {
        let last = &mut self.last;
        self.rows.next_with(|row| {
            let sample = sample(row)?;
            row.follows(last, sample.at)?;
            if sample.peak < sample.memory {
                return Err(row.cell_error(3, "is less than memory_bytes"));
            }
            Ok(sample)
        })
    }
}

fn sample(row: &Row<'_>) -> Result<Sample> {
    Ok(Sample {
        at: row.seconds(0)?,
        memory: row.bytes(2)?,
        peak: row.bytes(3)?,
        uncertainty: Uncertainty { below: row.bytes(4)?, above: row.bytes(5)? },
        parts: Parts {
            rss: row.optional_bytes(6)?,
            anon: row.optional_bytes(7)?,
            shmem: row.optional_bytes(8)?,
            swap: row.optional_bytes(9)?,
            mapped: row.optional_bytes(10)?,
            kernel: row.optional_bytes(11)?,
        },
        processes: row.optional_count(12)?,
        machine_used: row.optional_bytes(13)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::files;
    use crate::units::Bytes;
    use jiff::tz::{Offset, TimeZone};
    use proptest::prelude::*;
    use std::path::PathBuf;

    fn write_all(folder: &Path, samples: &[Sample]) -> PathBuf {
        let path = folder.join("memory.csv");
        let clock = WallClock::new("2026-01-31T11:00:00Z".parse().unwrap(), TimeZone::fixed(Offset::constant(1)));
        let mut writer = MemoryWriter::new(MemoryWriter::create(&path).unwrap(), clock);
        for sample in samples {
            writer.push(sample).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    fn read(text: &str) -> Result<Vec<Sample>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.csv");
        files::replace(&path, text.as_bytes()).unwrap();
        Samples::open(&path)?.collect()
    }

    fn with_rows(rows: &str) -> String {
        format!("{HEADER}\n{rows}")
    }

    #[test]
    fn the_file_is_what_the_documentation_says() {
        let folder = tempfile::tempdir().unwrap();
        let parts = Parts { rss: Some(Bytes(7)), anon: Some(Bytes(0)), ..Parts::default() };
        let mut sample = Sample {
            at: Duration::from_micros(12_345),
            memory: Bytes(5),
            peak: Bytes(6),
            uncertainty: Uncertainty { below: Bytes(1), above: Bytes(3) },
            parts,
            processes: Some(2),
            machine_used: None,
        };
        let first = sample;
        sample.at = Duration::from_secs(100_000);
        sample.processes = None;
        sample.machine_used = Some(Bytes(1 << 40));
        let path = write_all(folder.path(), &[first, sample]);
        insta::assert_snapshot!(files::read_text(&path).unwrap(), @r#"
        elapsed_s,timestamp,memory_bytes,peak_bytes,uncertainty_below_bytes,uncertainty_above_bytes,rss_bytes,anon_bytes,shmem_bytes,swap_bytes,mapped_bytes,kernel_bytes,processes,machine_used_bytes
        0.012345,2026-01-31T12:00:00.012345+01:00,5,6,1,3,7,0,,,,,2,
        100000.000000,2026-02-01T15:46:40.000000+01:00,5,6,1,3,7,0,,,,,,1099511627776
        "#);
    }

    #[test]
    fn a_last_row_that_was_cut_off_is_left_out() {
        let whole = with_rows("0.0,t,1,1,0,0,,,,,,,1,\n1.0,t,2,2,0,0,,,,,,,1,\n");
        for end in 0..=whole.len() {
            let rows = whole[..end].matches('\n').count().saturating_sub(1);
            let samples = read(&whole[..end]).unwrap();
            assert_eq!(samples.len(), rows, "cut at {end}");
        }
        let zeros = format!("{}{}", with_rows("0.0,t,1,1,0,0,,,,,,,1,\n"), "\0".repeat(500));
        assert_eq!(read(&zeros).unwrap().len(), 1);
    }

    #[test]
    fn a_damaged_row_is_told_with_its_file_line_and_value() {
        let good = "0.5,t,1,1,0,0,,,,,,,1,\n";
        for (row, told) in [
            ("x,t,1,1,0,0,,,,,,,1,", "line 3: elapsed_s is not a number of seconds: \"x\""),
            ("1.0,t,,1,0,0,,,,,,,1,", "line 3: memory_bytes is not a whole number of bytes: \"\""),
            ("1.0,t,-1,1,0,0,,,,,,,1,", "line 3: memory_bytes is not a whole number of bytes: \"-1\""),
            ("1.0,t,1,1,0,0,,1.5,,,,,1,", "line 3: anon_bytes is not a whole number of bytes: \"1.5\""),
            ("1.0,t,1,1,0,0,,,,,,,-1,", "line 3: processes is not a whole number: \"-1\""),
            ("1.0,t,1,1", "line 3: has 4 cells, not 14"),
            ("0.4,t,1,1,0,0,,,,,,,1,", "line 3: elapsed_s is less than in the row before: \"0.4\""),
            ("1.0,t,5,4,0,0,,,,,,,1,", "line 3: peak_bytes is less than memory_bytes: \"4\""),
            ("1.0,t,\",1,0,0,,,,,,,1,", "line 3: memory_bytes is not a whole number of bytes: \"\\\"\""),
        ] {
            let error = read(&with_rows(&format!("{good}{row}\n{good}"))).unwrap_err().to_string();
            assert!(error.contains(told) && error.contains("memory.csv`"), "{row}: {error}");
        }
    }

    #[test]
    fn a_file_that_a_spreadsheet_saved_again_still_reads() {
        let text = with_rows("0.0,t,1,1,0,0,,,,,,,1,\n1,t,2,2,0,0,,,,,,,1,\n");
        assert_eq!(read(&format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap(), read(&text).unwrap());
    }

    #[test]
    fn a_file_of_something_else_is_told_by_its_first_line() {
        let error = read("time,rss\n1,2\n").unwrap_err().to_string();
        assert!(error.contains("memory.csv` is not a file of memguard's: it begins with `time,rss`"), "{error}");
        let error = read(&"x".repeat(3 << 20)).unwrap_err();
        assert!(format!("{error:#}").contains("longer than 1 MiB"), "{error:#}");
        assert!(read("\u{0}\u{1}\n").is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_has_the_peak_of_what_was_pushed(
            ticks in proptest::collection::vec((1_000u64..30_000, 0u64..5, 0u64..3, proptest::option::of(0u64..9)), 1..200)
        ) {
            let mut at = Duration::ZERO;
            let samples: Vec<Sample> = ticks.into_iter().map(|(step, memory, above, part)| {
                at += Duration::from_micros(step);
                let part = part.map(Bytes);
                let parts = Parts { rss: part, swap: part, ..Parts::default() };
                let uncertainty = Uncertainty { below: Bytes(memory / 2), above: Bytes(above) };
                Sample { at, memory: Bytes(memory), peak: Bytes(memory + above), uncertainty, parts, processes: Some(3), machine_used: part }
            }).collect();
            let folder = tempfile::tempdir().unwrap();
            let read: Vec<Sample> = Samples::open(&write_all(folder.path(), &samples)).unwrap().map(Result::unwrap).collect();
            let peak = |samples: &[Sample]| samples.iter().map(|sample| sample.peak).max();
            prop_assert_eq!(peak(&read), peak(&samples));
            let high = |samples: &[Sample]| samples.iter().map(|sample| sample.uncertainty.high(sample.peak)).max();
            prop_assert_eq!(high(&read), high(&samples));
            prop_assert_eq!(read[0], samples[0]);
            prop_assert!(read.iter().all(|row| samples.iter().any(|sample| sample.at == row.at && sample.parts == row.parts)));
        }

        #[test]
        fn no_file_makes_the_reader_panic(text in "(\\PC|[0-9.,\n\r\"])*") {
            let _ = read(&with_rows(&text));
            let _ = read(&text);
        }
    }
}
