//! Memory that other programs recorded: psrecord's logs, mprof's files, and any table with a time and a memory column.
//!
//! Each is read in one pass and bounded memory, so that a pipe will do. Rows that can't be read are left out and counted; a
//! file of which most can't be is refused. memguard's own `memory.csv` is read like any other, by its peaks.

mod faults;
mod header;
mod lines;
mod log;
mod mprof;
mod number;
mod plain;
mod run;
mod table;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::faults::Faults;
use self::lines::{Lines, Whole};
use self::mprof::Mprof;
use self::table::Table;
use super::curve::CurveBuilder;
use super::model::{LogLine, SamplePoint};
use crate::units::{Bytes, format_duration};

pub use self::log::{Stamp, read_log};

/// The most points that are kept of a file, each the highest of its stretch of time.
const MOST: usize = 65_536;

/// Which columns of a table are meant, where its own words do not say it.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// The name of the time's column, or its number: 1 for the first.
    pub time: Option<String>,
    /// The same of the memory's.
    pub memory: Option<String>,
    /// What one of the memory column is.
    pub unit: Option<Bytes>,
    /// What holds for dates without an offset; None for this machine's.
    pub zone: Option<TimeZone>,
}

/// Which program's file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// psrecord's log, as text or CSV.
    Psrecord,
    /// mprof's `.dat` file.
    Mprof,
    /// memguard's own `memory.csv`.
    Own,
    /// A table of any other program.
    Table,
}

impl Format {
    /// For people, and for the record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Psrecord => "psrecord",
            Self::Mprof => "mprof",
            Self::Own => "memguard",
            Self::Table => "table",
        }
    }
}

/// What another program recorded.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Whose file it is.
    pub format: Format,
    /// The command that was recorded, where the file says it.
    pub command: Option<String>,
    /// The wall-clock time of the first row, where the file's times are of that kind.
    pub began: Option<Timestamp>,
    /// Memory since the first row: at most 65,536 points, each the highest of its stretch of time.
    pub points: Vec<SamplePoint>,
    /// How many rows were read.
    pub rows: u64,
    /// What the file itself says happened meanwhile: the functions that mprof's was told to watch.
    pub lines: Vec<LogLine>,
    /// What was wrong with the file and could be read past, as sentences.
    pub warnings: Vec<String>,
}

/// Reads a file of another program; `-` is standard input.
///
/// # Errors
/// When it can't be opened, is a folder, holds no rows, does not say which columns or unit are meant, or when most of its
/// rows can't be read. The error names the line and what stands there.
pub fn read(path: &Path, columns: &Columns) -> Result<Recording> {
    let name = path.display().to_string();
    if path.as_os_str() == "-" {
        return read_from(io::stdin().lock(), "standard input", columns);
    }
    if path.is_dir() {
        bail!("`{name}` is a folder, and a file with memory over time is wanted");
    }
    let file = File::open(path).with_context(|| format!("could not open `{name}`"))?;
    read_from(file, &format!("`{name}`"), columns)
}

fn read_from(from: impl Read, name: &str, columns: &Columns) -> Result<Recording> {
    let in_file = || format!("could not read {name}");
    let mut lines = Lines::new(from);
    let (number, first) = loop {
        let Some(line) = lines.next_line().with_context(in_file)? else {
            bail!("{name} is empty: there is no memory over time in it");
        };
        if line.whole == Whole::TooLong || line.text.contains(&0) {
            bail!(
                "{name} line {}: this is no text of numbers, and a table with memory over time is wanted",
                line.number
            );
        }
        if !line.text.trim_ascii().is_empty() {
            break (line.number, line.text.to_vec());
        }
    };
    if Mprof::begins(&first) {
        let mut mprof = Mprof::default();
        mprof.take(number, &first);
        while let Some(line) = lines.next_line().with_context(in_file)? {
            match line.whole.fault() {
                Some(fault) => mprof.add_fault(line.number, fault, line.text),
                None => mprof.take(line.number, line.text),
            }
        }
        return mprof.finish(name);
    }
    let mut table = Table::of(&first, columns).with_context(|| format!("{name} line {number}"))?;
    let mut sink = Sink::default();
    if table.first_is_a_row {
        table.take(number, &first, &mut sink).with_context(|| name.to_owned())?;
    }
    loop {
        if let Some(plain) = table.plain() {
            lines.pass(|text| plain.take(text, &mut sink));
        }
        let Some(line) = lines.next_line().with_context(in_file)? else { break };
        match line.whole.fault() {
            Some(fault) => sink.faults.add(line.number, fault, line.text),
            None => table.take(line.number, line.text, &mut sink).with_context(|| name.to_owned())?,
        }
    }
    let began = table.began(&sink);
    let (points, rows, mut warnings) = sink.finish(name)?;
    warnings.extend(table.doubt(name, points.iter().map(|point| point.memory).max().unwrap_or_default()));
    Ok(Recording { format: table.format, command: None, began, points, rows, lines: Vec::new(), warnings })
}

/// Where rows go: in the order of time, thinned.
struct Sink {
    builder: CurveBuilder,
    /// The time of the first and of the last row, in nanoseconds.
    first: Option<i64>,
    last: i64,
    rows: u64,
    faults: Faults,
}

impl Default for Sink {
    fn default() -> Self {
        // How far apart the rows are is not known before the last of them.
        let builder = CurveBuilder::with_stretches(MOST, std::time::Duration::MAX);
        Self { builder, first: None, last: i64::MIN, rows: 0, faults: Faults::default() }
    }
}

impl Sink {
    /// Takes a row with its time in nanoseconds. False where it lies before the row before it.
    fn push(&mut self, nanos: i64, memory: Bytes) -> bool {
        if nanos < self.last {
            return false;
        }
        let first = *self.first.get_or_insert(nanos);
        self.last = nanos;
        self.rows += 1;
        let at = std::time::Duration::from_nanos(nanos.abs_diff(first));
        self.builder.push_point(SamplePoint { at, memory });
        true
    }

    fn finish(self, name: &str) -> Result<(Vec<SamplePoint>, u64, Vec<String>)> {
        let warnings = self.faults.judge(name, self.rows)?;
        let points = self.builder.finish().points;
        // Three hundred years of them are no recording, and sums of times must have room.
        const LONGEST: std::time::Duration = std::time::Duration::from_secs(300 * 366 * 86_400);
        if let Some(last) = points.last().filter(|last| last.at > LONGEST) {
            bail!(
                "{name}: its times reach over {}, which can't be\nhelp: is the right column named with --time-column?",
                format_duration(last.at)
            );
        }
        Ok((points, self.rows, warnings))
    }
}
