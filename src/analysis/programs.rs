//! Who held the memory over time: the rows of `programs.csv`, brought down to a few programs and a bounded number of instants.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;

use crate::trace::{Program, ProgramRow};
use crate::units::Bytes;

/// So many programs are told from one another: more can't be told by their colours either.
const NAMED: usize = 7;
/// The most stretches of time: more than a graph has columns.
const STRETCHES: usize = 1024;
/// So many programs are looked at; those that come after them are counted with the others.
const KNOWN: usize = 4096;

/// Who held the memory over time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramBands {
    /// In order. What is held at one of them is held until the next.
    pub instants: Vec<Duration>,
    /// The program that held the most at one time first, all others together last. Never empty.
    pub bands: Vec<Band>,
}

/// The memory of one program, or of all that are not told from one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// Whose it is.
    pub program: Program,
    /// The most processes of it at one instant.
    pub processes: u32,
    /// The most that it held at one instant.
    pub peak: Bytes,
    /// What it held at each of the instants.
    pub memory: Vec<Bytes>,
}

/// Reads the rows twice: to find the largest programs, then to follow them. None where there are no rows.
///
/// Time is cut into equal stretches; of each the instant at which most was held is told, and the last.
///
/// # Errors
/// The first error of the rows.
pub fn program_bands<R: Iterator<Item = Result<ProgramRow>>>(
    rows: impl Fn() -> Result<Option<R>>,
) -> Result<Option<ProgramBands>> {
    let Some(first) = rows()? else { return Ok(None) };
    let named = largest(first)?;
    let Some(again) = rows()?.filter(|_| !named.is_empty()) else { return Ok(None) };
    let mut tally = Tally::new(named);
    let mut stretches = Stretches::new(STRETCHES);
    let mut at = None;
    for row in again {
        let row = row?;
        // What is of one instant makes one column.
        if let Some(before) = at.filter(|at| *at != row.at) {
            stretches.push(tally.column(before));
        }
        at = Some(row.at);
        tally.take(row);
    }
    if let Some(at) = at {
        stretches.push(tally.column(at));
    }
    Ok(Some(tally.finish(&stretches.columns())))
}

/// The programs to be told from one another, the largest first.
fn largest(rows: impl Iterator<Item = Result<ProgramRow>>) -> Result<Vec<Program>> {
    let mut peaks: HashMap<Program, Bytes> = HashMap::new();
    for row in rows {
        let row = row?;
        if let Some(peak) = peaks.get_mut(&row.program) {
            *peak = (*peak).max(row.memory);
        } else if peaks.len() < KNOWN {
            peaks.insert(row.program, row.memory);
        }
    }
    let mut peaks: Vec<(Program, Bytes)> = peaks.into_iter().collect();
    peaks.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let named = peaks.into_iter().map(|(program, _)| program).filter(|program| *program != Program::Others);
    Ok(named.take(NAMED).collect())
}

/// What each program holds as the rows pass.
struct Tally {
    bands: Vec<Band>,
    /// The processes and the memory of each band, the others' last.
    now: Vec<(u32, Bytes)>,
    /// Those among the others, one by one.
    others: HashMap<Program, (u32, Bytes)>,
}

impl Tally {
    fn new(named: Vec<Program>) -> Self {
        let band = |program| Band { program, processes: 0, peak: Bytes::ZERO, memory: Vec::new() };
        let bands: Vec<Band> = named.into_iter().chain([Program::Others]).map(band).collect();
        Self { now: vec![(0, Bytes::ZERO); bands.len()], bands, others: HashMap::new() }
    }

    fn take(&mut self, row: ProgramRow) {
        let holds = (row.processes, row.memory);
        let named =
            self.bands.iter().position(|band| band.program == row.program).filter(|_| row.program != Program::Others);
        if let Some(index) = named {
            self.now[index] = holds;
            return;
        }
        if row.processes == 0 {
            self.others.remove(&row.program);
        } else {
            self.others.insert(row.program, holds);
        }
        let sum = |sum: (u32, Bytes), one: &(u32, Bytes)| (sum.0 + one.0, sum.1 + one.1);
        if let Some(last) = self.now.last_mut() {
            *last = self.others.values().fold((0, Bytes::ZERO), sum);
        }
    }

    fn column(&mut self, at: Duration) -> Column {
        for (band, (processes, memory)) in self.bands.iter_mut().zip(&self.now) {
            band.processes = band.processes.max(*processes);
            band.peak = band.peak.max(*memory);
        }
        Column { at, memory: self.now.iter().map(|(_, memory)| *memory).collect() }
    }

    fn finish(self, columns: &[Column]) -> ProgramBands {
        let mut bands = self.bands;
        for (index, band) in bands.iter_mut().enumerate() {
            band.memory = columns.iter().map(|column| column.memory[index]).collect();
        }
        bands.retain(|band| band.peak > Bytes::ZERO);
        ProgramBands { instants: columns.iter().map(|column| column.at).collect(), bands }
    }
}

/// What each band holds at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    at: Duration,
    memory: Vec<Bytes>,
}

impl Column {
    fn sum(&self) -> Bytes {
        self.memory.iter().copied().sum()
    }
}

/// A bounded number of equal stretches of time, which double whenever there are too many.
struct Stretches {
    most: usize,
    length: Duration,
    stretches: Vec<Stretch>,
}

struct Stretch {
    highest: Column,
    last: Column,
}

impl Stretches {
    fn new(most: usize) -> Self {
        Self { most, length: Duration::from_millis(1), stretches: Vec::new() }
    }

    fn push(&mut self, column: Column) {
        self.join(Stretch { highest: column.clone(), last: column });
        while self.stretches.len() > self.most {
            self.length *= 2;
            std::mem::take(&mut self.stretches).into_iter().for_each(|stretch| self.join(stretch));
        }
    }

    fn join(&mut self, next: Stretch) {
        let number = |at: Duration| at.as_nanos() / self.length.as_nanos();
        match self.stretches.last_mut() {
            Some(stretch) if number(stretch.last.at) == number(next.last.at) => {
                if next.highest.sum() > stretch.highest.sum() {
                    stretch.highest = next.highest;
                }
                stretch.last = next.last;
            }
            _ => self.stretches.push(next),
        }
    }

    fn columns(self) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        for Stretch { highest, last } in self.stretches {
            let is_one = highest.at == last.at;
            columns.push(highest);
            columns.extend((!is_one).then_some(last));
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(millis: u64, name: &str, processes: u32, memory: u64) -> ProgramRow {
        let program = if name == "others" { Program::Others } else { Program::Named(name.to_owned()) };
        ProgramRow { at: Duration::from_millis(millis), program, processes, memory: Bytes(memory) }
    }

    fn bands(rows: &[ProgramRow]) -> Option<ProgramBands> {
        program_bands(|| Ok(Some(rows.iter().cloned().map(Ok)))).unwrap()
    }

    fn told(band: &Band) -> (String, u32, u64, Vec<u64>) {
        let name = match &band.program {
            Program::Named(name) => name.clone(),
            Program::Others => "others".into(),
        };
        (name, band.processes, band.peak.0, band.memory.iter().map(|bytes| bytes.0).collect())
    }

    #[test]
    fn the_largest_come_first_and_what_stands_stands_until_its_next_row() {
        let rows = [row(0, "sh", 1, 5), row(100, "cc1", 2, 90), row(100, "ld", 1, 10), row(300, "cc1", 0, 0)];
        let found = bands(&rows).unwrap();
        assert_eq!(found.instants, [0, 100, 300].map(Duration::from_millis));
        let told: Vec<_> = found.bands.iter().map(told).collect();
        let band = |name: &str, processes, peak, memory: [u64; 3]| (name.to_owned(), processes, peak, memory.to_vec());
        assert_eq!(told, [band("cc1", 2, 90, [0, 90, 0]), band("ld", 1, 10, [0, 10, 10]), band("sh", 1, 5, [5, 5, 5])]);
    }

    #[test]
    fn beyond_seven_programs_the_smallest_are_one_band() {
        let rows: Vec<ProgramRow> = (0..9)
            .map(|index| row(index, &format!("p{index}"), 1, 100 - index))
            .chain([row(9, "others", 3, 4)])
            .collect();
        let found = bands(&rows).unwrap();
        assert_eq!(found.bands.len(), 8);
        assert_eq!(told(&found.bands[7]), ("others".into(), 5, 189, vec![0, 0, 0, 0, 0, 0, 0, 93, 185, 189]));
    }

    #[test]
    fn without_rows_there_are_no_bands() {
        assert_eq!(bands(&[]), None);
        assert_eq!(program_bands(|| Ok(None::<std::iter::Empty<Result<ProgramRow>>>)).unwrap(), None);
        assert!(program_bands(|| Ok(Some([Err(anyhow::anyhow!("line 3"))].into_iter()))).is_err());
    }

    proptest! {
        #[test]
        fn stretches_are_bounded_and_keep_the_highest_instant_and_what_stands_at_the_end(
            steps in prop::collection::vec((1u64..5000, prop::collection::vec(0u64..100, 2)), 1..200), most in 1usize..12
        ) {
            let (mut at, mut stretches) = (Duration::ZERO, Stretches::new(most));
            let columns: Vec<Column> = steps.into_iter().map(|(step, memory)| {
                at += Duration::from_millis(step);
                Column { at, memory: memory.into_iter().map(Bytes).collect() }
            }).collect();
            columns.iter().for_each(|column| stretches.push(column.clone()));
            let length = stretches.length.as_nanos();
            let kept = stretches.columns();
            prop_assert!(kept.len() <= 2 * most && kept.is_sorted_by(|one, other| one.at < other.at));
            prop_assert_eq!(kept.last(), columns.last());
            for column in &columns {
                let same = |other: &&Column| other.at.as_nanos() / length == column.at.as_nanos() / length;
                prop_assert!(kept.iter().filter(same).any(|other| other.sum() >= column.sum()));
                let last = columns.iter().rfind(|other| same(other)).unwrap();
                prop_assert!(kept.contains(last));
            }
        }
    }
}
