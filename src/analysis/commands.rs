use std::cmp::Reverse;

use anyhow::Result;

use crate::trace::ProcessRow;
use crate::units::Bytes;

/// Processes with the same command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandUse {
    /// The command line.
    pub command: String,
    /// How many processes there were of it.
    pub count: u64,
    /// The most resident memory that one of them had. None where that was never read.
    pub peak: Option<Bytes>,
}

/// The so many command lines whose processes had the most, the highest first. Holds these alone, of however many: a build of a
/// week starts millions.
///
/// `rows` opens the rows of all processes: once to find them, once to count them.
///
/// # Errors
/// The first error of the rows.
pub fn largest_commands<Rows: Iterator<Item = Result<ProcessRow>>>(
    rows: impl Fn() -> Result<Rows>,
    most: usize,
) -> Result<Vec<CommandUse>> {
    let mut held: Vec<CommandUse> = Vec::with_capacity(most);
    for row in rows()? {
        let ProcessRow { command, peak, .. } = row?;
        if let Some(known) = held.iter_mut().find(|known| known.command == command) {
            known.peak = known.peak.max(peak);
            continue;
        }
        // One that was let go of comes back with a row that is higher than all of its own before.
        let new = CommandUse { command, count: 0, peak };
        if held.len() < most {
            held.push(new);
        } else if let Some(least) = held.iter_mut().min_by(|one, other| rank(one).cmp(&rank(other)))
            && rank(least) < rank(&new)
        {
            *least = new;
        }
    }
    for row in rows()? {
        let ProcessRow { command, .. } = row?;
        if let Some(known) = held.iter_mut().find(|known| known.command == command) {
            known.count += 1;
        }
    }
    held.sort_by(|one, other| rank(other).cmp(&rank(one)));
    Ok(held)
}

fn rank(command: &CommandUse) -> (Option<Bytes>, Reverse<&str>) {
    (command.peak, Reverse(&command.command))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn row((command, peak): &(u8, Option<u64>)) -> Result<ProcessRow> {
        let (command, peak) = (format!("job {command}"), peak.map(Bytes));
        Ok(ProcessRow { pid: 1, parent_pid: 0, started: Duration::ZERO, ended: None, peak, command })
    }

    proptest! {
        #[test]
        fn the_largest_are_found_and_counted_as_if_all_were_held(
            rows in prop::collection::vec((0u8..30, prop::option::of(0u64..50)), 0..200), most in 0usize..8
        ) {
            let mut all = BTreeMap::new();
            for (command, peak) in &rows {
                let (count, highest) = all.entry(format!("job {command}")).or_insert((0, None));
                *count += 1;
                *highest = (*highest).max(peak.map(Bytes));
            }
            let mut all: Vec<_> =
                all.into_iter().map(|(command, (count, peak))| CommandUse { command, count, peak }).collect();
            all.sort_by(|one, other| other.peak.cmp(&one.peak).then_with(|| one.command.cmp(&other.command)));
            all.truncate(most);
            prop_assert_eq!(largest_commands(|| Ok(rows.iter().map(row)), most).unwrap(), all);
        }
    }
}
