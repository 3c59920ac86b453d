//! A table of any program: lines of cells, of which one is a time and one an amount of memory.

use anyhow::{Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::faults::Fault;
use super::header::{Unit, memory_column, time_column};
use super::number::{Decimal, parse_date};
use super::plain::Plain;
use super::{Columns, Format, Sink};
use crate::trace::memory_csv::HEADER;
use crate::units::Bytes;

const SECOND: i64 = 1_000_000_000;
/// psrecord's MB are 2^20 bytes (`rss / 1024. ** 2` in its source).
const PSRECORD_UNIT: Bytes = Bytes(1 << 20);

/// The column `peak_bytes` of ours.
const OWN_PEAK: usize = 3;

pub(super) struct Table {
    pub(super) format: Format,
    /// There is no header: the first line is a row.
    pub(super) first_is_a_row: bool,
    separator: Separator,
    time: usize,
    memory: usize,
    /// How many cells a row has: as the header has, or the first row. Columns between blanks may have names of several words.
    cells: Option<usize>,
    clock: Clock,
    unit: Unit,
    zone: TimeZone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Byte(u8),
    Blanks,
}

/// How the time column tells the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// Not known before the first row; the name of the column may say what one of it is.
    Unseen(Option<i64>),
    /// Numbers of so many nanoseconds, since the beginning or since 1970.
    Number { nanos: i64, absolute: bool },
    /// Dates.
    Date,
}

impl Table {
    /// Makes out a table from its first line.
    pub(super) fn of(first: &[u8], columns: &Columns) -> Result<Self> {
        let text = String::from_utf8_lossy(first);
        let line = text.trim_start_matches(['#', ' ']).trim_end();
        let separator = separator(line);
        let cells = cells(line, separator);
        let mut table = Self {
            format: Format::Table,
            first_is_a_row: false,
            separator,
            time: 0,
            memory: 1,
            cells: None,
            clock: Clock::Unseen(None),
            unit: columns.unit.map_or(Unit::Unsaid, Unit::Is),
            zone: columns.zone.clone().unwrap_or_else(TimeZone::system),
        };
        let psrecord_text = text.starts_with("# Elapsed time") && text.contains("Real (MB)");
        if psrecord_text || line.starts_with("elapsed_time,nproc,cpu,mem_real,mem_virtual") {
            let memory = if psrecord_text { 2 } else { 3 };
            let (format, unit) = (Format::Psrecord, Unit::Is(columns.unit.unwrap_or(PSRECORD_UNIT)));
            let separator = if psrecord_text { Separator::Blanks } else { separator };
            return Ok(Self { format, unit, separator, memory, clock: Clock::Unseen(Some(SECOND)), ..table });
        }
        if line == HEADER {
            let (time, memory) = (0, OWN_PEAK);
            return Ok(Self { format: Format::Own, unit: Unit::Is(Bytes(1)), time, memory, ..table });
        }
        let is_value = |cell: &String| {
            Decimal::parse(cell.as_bytes(), true).is_some() || parse_date(cell.as_bytes(), &TimeZone::UTC).is_some()
        };
        if cells.iter().filter(|cell| is_value(cell)).count() >= 2 {
            table.first_is_a_row = true;
            let numbered = |column: &Option<String>, default: usize, flag: &str| match column {
                Some(column) => match column.parse::<usize>() {
                    Ok(number) if (1..=cells.len()).contains(&number) => Ok(number - 1),
                    _ => bail!(
                        "there is no header, and so no column `{column}`\nhelp: give its number with {flag}, from 1 to {}",
                        cells.len()
                    ),
                },
                None if cells.len() == 2 => Ok(default),
                None => bail!(
                    "there is no header, and it has {} columns\nhelp: say which are meant, such as --time-column 1 \
                     --memory-column 2",
                    cells.len()
                ),
            };
            table.time = numbered(&columns.time, 0, "--time-column")?;
            table.memory = numbered(&columns.memory, 1, "--memory-column")?;
            return Ok(table);
        }
        if cells.len() < 2 {
            bail!("{:?} is no header of a table and no row of numbers", cut(line));
        }
        let (time, clock) = time_column(&cells, columns)?;
        let (memory, unit) = memory_column(&cells, columns)?;
        if unit == Unit::Ambiguous && columns.unit.is_none() {
            let name = cells[memory].trim();
            bail!(
                "the unit of `{name}` may be powers of 1000 or of 1024\nhelp: say which with --unit, such as --unit MiB or --unit MB"
            );
        }
        let unit = columns.unit.map_or(unit, Unit::Is);
        let cells = matches!(separator, Separator::Byte(_)).then_some(cells.len());
        Ok(Self { time, memory, cells, clock: Clock::Unseen(clock), unit, ..table })
    }

    /// What its rows look like where they are numbers alone. None before the first, and where they can't be.
    pub(super) fn plain(&self) -> Option<Plain> {
        let (Separator::Byte(separator), Clock::Number { nanos, .. }) = (self.separator, self.clock) else {
            return None;
        };
        let unit = match self.unit {
            Unit::Is(unit) => Some(unit),
            Unit::Unsaid => None,
            Unit::Ambiguous => return None,
        };
        let (time, memory, comma) = (self.time, self.memory, self.has_decimal_commas());
        Some(Plain { separator, cells: self.cells?, time, memory, comma, nanos, unit })
    }

    /// Takes a row. A fault of its own leaves it out.
    ///
    /// # Errors
    /// When the unit of the memory can't be told.
    pub(super) fn take(&mut self, number: u64, line: &[u8], sink: &mut Sink) -> Result<()> {
        if matches!(line.trim_ascii_start().first(), None | Some(b'#')) {
            return Ok(());
        }
        let unquoted;
        let mut row = line;
        if memchr::memchr(b'"', line).is_some() {
            unquoted = without_quotes(line, self.separator);
            row = &unquoted;
        }
        let read = self.values(row);
        let fault = match read {
            Ok((_, memory)) if self.unit == Unit::Unsaid && memory.has_fraction() => bail!(
                "line {number}: the memory has a fraction ({}) and no unit\nhelp: say what it is in with --unit, such as \
                 --unit MiB",
                cut(&String::from_utf8_lossy(line))
            ),
            Ok((time, memory)) => match memory.bytes(self.unit) {
                Some(memory) if sink.push(time, memory) => return Ok(()),
                Some(_) => Fault::Backwards,
                None => Fault::Memory,
            },
            Err(fault) => fault,
        };
        sink.faults.add(number, fault, line);
        Ok(())
    }

    /// The time of a row in nanoseconds, and its memory.
    fn values(&mut self, row: &[u8]) -> Result<(i64, Amount), Fault> {
        let (time, memory, count) = self.two_cells(row);
        if *self.cells.get_or_insert(count) != count {
            return Err(Fault::Cells);
        }
        let (time, memory) = time.zip(memory).ok_or(Fault::Cells)?;
        let time = self.nanos(time).ok_or(Fault::Time)?;
        let memory = Amount::parse(memory, self.has_decimal_commas()).ok_or(Fault::Memory)?;
        Ok((time, memory))
    }

    /// The cells of the time and of the memory, and how many there are.
    fn two_cells<'a>(&self, row: &'a [u8]) -> (Option<&'a [u8]>, Option<&'a [u8]>, usize) {
        let (mut time, mut memory, mut count) = (None, None, 0);
        let mut take = |cell: &'a [u8]| {
            if count == self.time {
                time = Some(cell);
            }
            if count == self.memory {
                memory = Some(cell);
            }
            count += 1;
        };
        match self.separator {
            Separator::Byte(byte) => {
                let (mut from, mut separators) = (0, 0);
                for at in memchr::memchr_iter(byte, row) {
                    take(&row[from..at]);
                    (from, separators) = (at + 1, separators + 1);
                }
                // Some writers end each row with a separator.
                if from < row.len() || self.cells != Some(separators) {
                    take(&row[from..]);
                }
            }
            Separator::Blanks => row.split(u8::is_ascii_whitespace).filter(|cell| !cell.is_empty()).for_each(take),
        }
        (time, memory, count)
    }

    /// Where cells are not separated by commas, a comma may be a decimal point.
    fn has_decimal_commas(&self) -> bool {
        self.separator != Separator::Byte(b',')
    }

    fn nanos(&mut self, cell: &[u8]) -> Option<i64> {
        let number = |nanos| Decimal::parse(cell, self.has_decimal_commas())?.scaled(nanos);
        match self.clock {
            Clock::Number { nanos, .. } => number(nanos),
            Clock::Date => parse_date(cell, &self.zone),
            Clock::Unseen(named) => {
                let Some(time) = Decimal::parse(cell, self.has_decimal_commas()) else {
                    let date = parse_date(cell, &self.zone)?;
                    self.clock = Clock::Date;
                    return Some(date);
                };
                // Since 1970 there have passed so many seconds, or milliseconds, or smaller: a program does not run that long.
                let since_1970 = [(1e17, 1), (1e14, 1_000), (1e11, 1_000_000), (1e8, SECOND)];
                let guess = since_1970.into_iter().find(|(least, _)| time.magnitude() >= *least);
                let is_named = |nanos: i64| named.is_none_or(|named| named == nanos);
                let (nanos, absolute) = match guess {
                    Some((_, nanos)) if is_named(nanos) || named == Some(SECOND) => (nanos, true),
                    Some(_) | None => (named.unwrap_or(SECOND), false),
                };
                self.clock = Clock::Number { nanos, absolute };
                time.scaled(nanos)
            }
        }
    }

    /// The wall-clock time of the first row, where the times are of that kind.
    pub(super) fn began(&self, sink: &Sink) -> Option<Timestamp> {
        match self.clock {
            Clock::Number { absolute: true, .. } | Clock::Date => Timestamp::from_nanosecond(sink.first?.into()).ok(),
            Clock::Number { absolute: false, .. } | Clock::Unseen(_) => None,
        }
    }

    /// A doubt about the unit that only the figures raise.
    pub(super) fn doubt(&self, name: &str, highest: Bytes) -> Option<String> {
        let small = self.unit == Unit::Unsaid && highest > Bytes::ZERO && highest < Bytes::from_mib(1);
        small.then(|| {
            format!("{name} names no unit, and in bytes its highest memory is {highest}: if that is wrong, say --unit KiB or the like")
        })
    }
}

/// A cell with an amount of memory.
#[derive(Debug, Clone, Copy)]
enum Amount {
    /// In the unit of its column.
    Number(Decimal),
    /// With a unit of its own.
    Bytes(Bytes),
}

impl Amount {
    fn parse(cell: &[u8], comma: bool) -> Option<Self> {
        if let Some(number) = Decimal::parse(cell, comma) {
            return Some(Self::Number(number));
        }
        std::str::from_utf8(cell).ok()?.parse().ok().map(Self::Bytes)
    }

    fn has_fraction(self) -> bool {
        matches!(self, Self::Number(number) if number.has_fraction())
    }

    fn bytes(self, unit: Unit) -> Option<Bytes> {
        match (self, unit) {
            (Self::Bytes(bytes), _) => Some(bytes),
            (Self::Number(number), Unit::Is(unit)) => number.times(unit.0).map(Bytes),
            (Self::Number(number), Unit::Unsaid | Unit::Ambiguous) => number.times(1).map(Bytes),
        }
    }
}

/// What separates the cells of a line: the first of `;`, tab, `,` and `|` that it has, else blanks.
fn separator(line: &str) -> Separator {
    let found = [b';', b'\t', b',', b'|'].into_iter().find(|byte| line.as_bytes().contains(byte));
    found.map_or(Separator::Blanks, Separator::Byte)
}

fn cells(line: &str, separator: Separator) -> Vec<String> {
    match separator {
        Separator::Byte(byte) => {
            let mut record = csv::StringRecord::new();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(byte).from_reader(line.as_bytes());
            // A text line always reads as a record.
            let _ = reader.read_record(&mut record);
            record.iter().map(str::to_owned).collect()
        }
        Separator::Blanks => line.split_whitespace().map(str::to_owned).collect(),
    }
}

/// A row whose cells stand in quotes, without them: what is within a cell can't be taken for a separator any more.
fn without_quotes(line: &[u8], separator: Separator) -> Vec<u8> {
    let Separator::Byte(separator) = separator else {
        return line.iter().copied().filter(|byte| *byte != b'"').collect();
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(line);
    let mut record = csv::ByteRecord::new();
    let _ = reader.read_byte_record(&mut record);
    let cells = record.iter().map(|cell| cell.iter().map(|byte| if *byte == separator { b'_' } else { *byte }));
    let mut row: Vec<u8> = Vec::with_capacity(line.len());
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            row.push(separator);
        }
        row.extend(cell);
    }
    row
}

/// An error must not print a whole line.
fn cut(line: &str) -> String {
    line.chars().take(60).collect()
}
