//! Which columns of a table hold the time and the memory, by their names.

use anyhow::{Result, bail};

use super::Columns;
use crate::units::Bytes;

/// What a column's name says of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nothing.
    Unsaid,
    Is(Bytes),
    /// `MB` may be 10^6 or 2^20: guessing would be off by 5 %.
    Ambiguous,
}

const TIMES: [&str; 16] = [
    "time",
    "timestamp",
    "elapsed",
    "elapsed_time",
    "time_elapsed",
    "date",
    "datetime",
    "date_time",
    "ts",
    "t",
    "seconds",
    "unix_time",
    "unixtime",
    "epoch",
    "wall_time",
    "wallclock",
];
const MEMORIES: [&str; 24] = [
    "memory",
    "mem",
    "rss",
    "pss",
    "uss",
    "real",
    "mem_real",
    "resident",
    "res",
    "resident_memory",
    "resident_set_size",
    "used",
    "used_memory",
    "memory_used",
    "mem_used",
    "memory_usage",
    "mem_usage",
    "usage",
    "memory_current",
    "value",
    "working_set",
    "rss_memory",
    "memory_rss",
    "vmrss",
];

/// Words at the end of a name that are a unit of time: nanoseconds.
const TIME_UNITS: [(&str, i64); 12] = [
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("secs", 1_000_000_000),
    ("seconds", 1_000_000_000),
    ("ms", 1_000_000),
    ("msec", 1_000_000),
    ("millis", 1_000_000),
    ("milliseconds", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("min", 60_000_000_000),
    ("minutes", 60_000_000_000),
];

/// A column's name in parts: what it is of, and the unit behind that.
struct Name {
    of: String,
    unit: Option<String>,
}

impl Name {
    /// `RSS (MiB)`, `rss_mib` and `rss [MiB]` are the same.
    fn new(cell: &str) -> Self {
        let words: Vec<&str> = cell.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let joined = |words: &[&str]| words.join("_").to_lowercase();
        match words.split_last() {
            Some((last, rest))
                if !rest.is_empty() && (memory_unit(last) != Unit::Unsaid || time_unit(last).is_some()) =>
            {
                Self { of: joined(rest), unit: Some((*last).to_owned()) }
            }
            _ => Self { of: joined(&words), unit: None },
        }
    }
}

fn time_unit(word: &str) -> Option<i64> {
    let word = word.to_lowercase();
    TIME_UNITS.iter().find(|(name, _)| *name == word).map(|(_, nanos)| *nanos)
}

fn memory_unit(word: &str) -> Unit {
    match word.to_lowercase().as_str() {
        "b" | "byte" | "bytes" => Unit::Is(Bytes(1)),
        "kib" => Unit::Is(Bytes(1 << 10)),
        "mib" => Unit::Is(Bytes(1 << 20)),
        "gib" => Unit::Is(Bytes(1 << 30)),
        "k" | "kb" | "m" | "mb" | "g" | "gb" => Unit::Ambiguous,
        _ => Unit::Unsaid,
    }
}

/// The column of the time, and what one of it is in nanoseconds where the name says so.
pub(super) fn time_column(cells: &[String], columns: &Columns) -> Result<(usize, Option<i64>)> {
    let found = match &columns.time {
        Some(wanted) => named(cells, wanted, "--time-column")?,
        None => only(cells, &TIMES, "time", "--time-column")?,
    };
    let name = cells.get(found).map(|cell| Name::new(cell));
    let unit = name.and_then(|name| time_unit(name.unit.as_deref().unwrap_or(&name.of)));
    Ok((found, unit))
}

/// The column of the memory, and what its name says of the unit.
pub(super) fn memory_column(cells: &[String], columns: &Columns) -> Result<(usize, Unit)> {
    let found = match &columns.memory {
        Some(wanted) => named(cells, wanted, "--memory-column")?,
        None => only(cells, &MEMORIES, "memory", "--memory-column")?,
    };
    let name = cells.get(found).map(|cell| Name::new(cell));
    let unit = name.map_or(Unit::Unsaid, |name| memory_unit(name.unit.as_deref().unwrap_or(&name.of)));
    Ok((found, unit))
}

/// The column that the user named, or its number.
fn named(cells: &[String], wanted: &str, flag: &str) -> Result<usize> {
    let same = |cell: &&String| cell.trim().eq_ignore_ascii_case(wanted.trim());
    if let Some(found) = cells.iter().position(|cell| same(&cell)) {
        return Ok(found);
    }
    match wanted.parse::<usize>() {
        Ok(number) if (1..=cells.len()).contains(&number) => Ok(number - 1),
        _ => bail!("there is no column `{wanted}` ({flag})\nhelp: {}", offered(cells)),
    }
}

/// The one column whose name is among those known.
fn only(cells: &[String], known: &[&str], what: &str, flag: &str) -> Result<usize> {
    let is_known = |cell: &str| {
        let name = Name::new(cell);
        known.contains(&name.of.as_str())
            || (name.unit.is_none() && what == "memory" && memory_unit(&name.of) == Unit::Is(Bytes(1)))
    };
    let found: Vec<usize> = (0..cells.len()).filter(|index| is_known(&cells[*index])).collect();
    match found.as_slice() {
        [found] => Ok(*found),
        [] => bail!("no column is known to be the {what}\nhelp: name it with {flag}; {}", offered(cells)),
        several => {
            let names: Vec<String> = several.iter().map(|index| format!("`{}`", cells[*index].trim())).collect();
            bail!("{} may each be the {what}\nhelp: name one with {flag}", names.join(" and "))
        }
    }
}

fn offered(cells: &[String]) -> String {
    /// A table may have thousands of columns.
    const SHOWN: usize = 12;
    let names: Vec<String> = cells.iter().take(SHOWN).map(|cell| format!("`{}`", cell.trim())).collect();
    let more = if cells.len() > SHOWN { format!(" and {} more", cells.len() - SHOWN) } else { String::new() };
    format!("the columns are {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(line: &str) -> Vec<String> {
        line.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn columns_are_found_by_their_names_and_units() {
        const MIB: Unit = Unit::Is(Bytes(1 << 20));
        for (header, time, memory) in [
            ("timestamp,used_bytes", (0, None), (1, Unit::Is(Bytes(1)))),
            ("Memory (MiB),Elapsed [s]", (1, Some(1_000_000_000)), (0, MIB)),
            ("time_ms,cpu,rss_mib", (0, Some(1_000_000)), (2, MIB)),
            ("Time,RSS", (0, None), (1, Unit::Unsaid)),
            ("ts,bytes", (0, None), (1, Unit::Is(Bytes(1)))),
            ("date,mem_mb", (0, None), (1, Unit::Ambiguous)),
        ] {
            let columns = Columns::default();
            assert_eq!(time_column(&cells(header), &columns).unwrap(), time, "{header}");
            assert_eq!(memory_column(&cells(header), &columns).unwrap(), memory, "{header}");
        }
    }

    #[test]
    fn a_column_can_be_named_or_counted() {
        let columns = Columns { time: Some("2".into()), memory: Some("Heap KiB".into()), ..Columns::default() };
        let header = cells("id,when,heap kib");
        assert_eq!(time_column(&header, &columns).unwrap().0, 1);
        assert_eq!(memory_column(&header, &columns).unwrap(), (2, Unit::Is(Bytes(1 << 10))));
    }

    #[test]
    fn what_can_not_be_told_is_asked_for_by_the_flag() {
        let error = |header: &str, columns: &Columns| memory_column(&cells(header), columns).unwrap_err().to_string();
        let told = error("time,rss,pss", &Columns::default());
        assert!(told.contains("`rss` and `pss` may each be the memory") && told.contains("--memory-column"), "{told}");
        let told = error("time,heap", &Columns::default());
        assert!(told.contains("no column is known") && told.contains("`time`, `heap`"), "{told}");
        let told = error("time,heap", &Columns { memory: Some("heep".into()), ..Columns::default() });
        assert!(told.contains("there is no column `heep`"), "{told}");
    }
}
