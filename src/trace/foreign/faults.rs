//! What is wrong with rows, counted.

use anyhow::{Result, bail};

use super::lines::Whole;

/// Why a row is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Cells,
    Time,
    Memory,
    Backwards,
    TooLong,
    Unended,
}

impl Fault {
    const fn what(self) -> &'static str {
        match self {
            Self::Cells => "has another number of cells than the header or the rows before",
            Self::Time => "has no time that can be read",
            Self::Memory => "has no amount of memory that can be read",
            Self::Backwards => "lies before the row before it",
            Self::TooLong => "is longer than a row can be",
            Self::Unended => "has no line end: it may be cut off",
        }
    }
}

impl Whole {
    /// What is wrong with a row that did not come whole.
    pub(super) const fn fault(self) -> Option<Fault> {
        match self {
            Self::Yes => None,
            Self::Unended => Some(Fault::Unended),
            Self::TooLong => Some(Fault::TooLong),
        }
    }
}

/// The rows that were left out, by what was wrong with them: how many, and the first.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Faulty>);

#[derive(Debug)]
struct Faulty {
    fault: Fault,
    count: u64,
    line: u64,
    text: String,
}

/// An error must not print a whole file.
const SHOWN: usize = 60;

impl Faults {
    pub(super) fn add(&mut self, line: u64, fault: Fault, text: &[u8]) {
        match self.0.iter_mut().find(|faulty| faulty.fault == fault) {
            Some(faulty) => faulty.count += 1,
            None => {
                let text = String::from_utf8_lossy(&text[..text.len().min(4 * SHOWN)]).into_owned();
                self.0.push(Faulty { fault, count: 1, line, text });
            }
        }
    }

    /// A sentence for each kind; an error where more rows were left out than read.
    pub(super) fn judge(mut self, name: &str, rows: u64) -> Result<Vec<String>> {
        self.0.sort_by_key(|faulty| (faulty.fault == Fault::Unended, faulty.line));
        let left_out: u64 = self.0.iter().map(|faulty| faulty.count).sum();
        let sentence = |faulty: &Faulty| {
            let shown: String = faulty.text.chars().take(SHOWN).collect();
            let more = if shown.len() < faulty.text.len() { "…" } else { "" };
            let head = format!("{name} line {}: {shown:?}{more} {}", faulty.line, faulty.fault.what());
            match faulty.count {
                1 => format!("{head}; it is left out"),
                count => format!("{head}; {count} such rows are left out"),
            }
        };
        if rows == 0 || left_out > rows {
            let Some(first) = self.0.first() else { bail!("{name} has no row after its header") };
            bail!(
                "{}: of {} rows {rows} could be read\nhelp: name the columns with --time-column and --memory-column",
                sentence(first),
                rows + left_out
            );
        }
        Ok(self.0.iter().map(sentence).collect())
    }
}
