//! Which programs' shares become rows, and when.

use std::time::Duration;

use super::model::{Holder, Program, ProgramRow};
use super::program::program_of;
use crate::units::Bytes;

/// About as many snapshots as a graph has columns…
const COLUMNS: u32 = 256;
/// …but never more than 50 a second, and at least two.
const CLOSEST: Duration = Duration::from_millis(20);
const FARTHEST: Duration = Duration::from_millis(500);
/// So many programs are named at one instant, those that hold the most; the rest are counted together.
const NAMED: usize = 8;
/// A program whose memory moved by less than one part in so many of the whole has not moved.
const MOVED: u64 = 256;
/// Within an interval the snapshot is taken anew where the whole rose by one part in so many.
const RISEN: u64 = 16;

/// Picks the rows of `programs.csv`.
///
/// Time is cut into intervals, short ones first. Of each, the rows are those of the reading at which the whole was highest (or
/// lower by 1/16 at most): so the programs' shares add up to what the tree held at one instant. A program whose share is what
/// its last row says, within 1/256 of the whole, gets none.
#[derive(Default)]
pub(super) struct Snapshots {
    until: Duration,
    held: Option<Snapshot>,
    standing: Vec<Standing>,
}

struct Snapshot {
    at: Duration,
    total: Bytes,
    /// The largest first.
    shares: Vec<Standing>,
}

/// What a program holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    program: Program,
    processes: u32,
    memory: Bytes,
}

impl Snapshots {
    /// Takes a reading of the whole; `holders` tells who holds it, and is asked only where that is wanted. Hands on the rows of
    /// the interval that has ended.
    pub(super) fn push<'a, E>(
        &mut self,
        at: Duration,
        total: Bytes,
        holders: impl FnOnce() -> Vec<Holder<'a>>,
        write: impl FnMut(&ProgramRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut written = Ok(());
        if at >= self.until {
            written = self.finish(write);
            self.until = at + (at / COLUMNS).clamp(CLOSEST, FARTHEST);
        }
        if self.held.as_ref().is_none_or(|held| total.0 > held.total.0 + held.total.0 / RISEN) {
            let holders = holders();
            if !holders.is_empty() {
                self.held = Some(Snapshot { at, total, shares: shares(&holders, total) });
            }
        }
        written
    }

    /// Hands on the rows of the interval so far.
    pub(super) fn finish<E>(&mut self, mut write: impl FnMut(&ProgramRow) -> Result<(), E>) -> Result<(), E> {
        let Some(Snapshot { at, total, shares }) = self.held.take() else { return Ok(()) };
        let row = |share: &Standing| {
            let Standing { program, processes, memory } = share.clone();
            ProgramRow { at, program, processes, memory }
        };
        for gone in self.standing.extract_if(.., |standing| !shares.iter().any(|new| new.program == standing.program)) {
            write(&ProgramRow { processes: 0, memory: Bytes::ZERO, ..row(&gone) })?;
        }
        for share in shares {
            let standing = self.standing.iter_mut().find(|standing| standing.program == share.program);
            let before = standing.as_ref().map_or(0, |standing| standing.memory.0);
            if before.abs_diff(share.memory.0) <= total.0 / MOVED {
                continue;
            }
            write(&row(&share))?;
            match standing {
                Some(standing) => *standing = share,
                None => self.standing.push(share),
            }
        }
        Ok(())
    }
}

/// Adds up by program; scaled, so that all of it adds up to the total.
fn shares(holders: &[Holder<'_>], total: Bytes) -> Vec<Standing> {
    let mut shares: Vec<Standing> = Vec::new();
    let mut known: Vec<(&str, bool, usize)> = Vec::new();
    for holder in holders {
        // Many processes of a tree have one command line.
        let same = known.iter().find(|(command, is_fork, _)| *command == holder.command && *is_fork == holder.is_fork);
        let index = same.map(|(.., index)| *index).unwrap_or_else(|| {
            let program = program_of(holder.command, holder.is_fork);
            let index = shares.iter().position(|share| share.program == program).unwrap_or_else(|| {
                shares.push(Standing { program, processes: 0, memory: Bytes::ZERO });
                shares.len() - 1
            });
            known.push((holder.command, holder.is_fork, index));
            index
        });
        shares[index].processes += 1;
        shares[index].memory += holder.memory;
    }
    shares.sort_by(|one, other| other.memory.cmp(&one.memory).then_with(|| one.program.cmp(&other.program)));
    if shares.len() > NAMED {
        let others = Standing { program: Program::Others, processes: 0, memory: Bytes::ZERO };
        let others = shares.drain(NAMED..).fold(others, |sum, share| Standing {
            processes: sum.processes + share.processes,
            memory: sum.memory + share.memory,
            ..sum
        });
        shares.push(others);
    }
    let sum: Bytes = shares.iter().map(|share| share.memory).sum();
    for share in &mut shares {
        let part = if sum == Bytes::ZERO { 0.0 } else { share.memory.as_f64() / sum.as_f64() };
        share.memory = Bytes((part * total.as_f64()).round() as u64);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn holder(command: &str, memory: u64) -> Holder<'_> {
        Holder { command, is_fork: false, memory: Bytes(memory) }
    }

    /// When, the total, and who holds what.
    type Read<'a> = (u64, u64, &'a [(&'a str, u64)]);

    fn rows(readings: &[Read<'_>]) -> Vec<(u128, String, u32, u64)> {
        let (mut snapshots, mut rows) = (Snapshots::default(), Vec::new());
        let mut write = |row: &ProgramRow| -> Result<(), ()> {
            let name = match &row.program {
                Program::Named(name) => name.clone(),
                Program::Others => "others".into(),
            };
            rows.push((row.at.as_millis(), name, row.processes, row.memory.0));
            Ok(())
        };
        for (at, total, held) in readings {
            let holders = || held.iter().map(|(command, memory)| holder(command, *memory)).collect();
            snapshots.push(ms(*at), Bytes(*total), holders, &mut write).unwrap();
        }
        snapshots.finish(&mut write).unwrap();
        rows
    }

    fn row(at: u128, name: &str, processes: u32, memory: u64) -> (u128, String, u32, u64) {
        (at, name.into(), processes, memory)
    }

    #[test]
    fn processes_of_one_program_are_added_up_and_what_stays_is_not_told_again() {
        let both: &[(&str, u64)] = &[("make -j2", 1000), ("/bin/cc1 a.c", 4000), ("/bin/cc1 b.c", 5000)];
        let readings = [(0, 10_000, both), (50, 10_000, both), (100, 1000, &both[..1])];
        assert_eq!(rows(&readings), [row(0, "cc1", 2, 9000), row(0, "make", 1, 1000), row(100, "cc1", 0, 0)]);
    }

    #[test]
    fn of_an_interval_the_reading_at_which_most_was_held_is_told() {
        let (low, high): (&[_], &[_]) = (&[("a", 100)], &[("a", 100), ("b", 900)]);
        let readings = [(0, 100, low), (10, 1000, high), (15, 100, low), (40, 100, low)];
        assert_eq!(rows(&readings), [row(10, "b", 1, 900), row(10, "a", 1, 100), row(40, "b", 0, 0)]);
    }

    #[test]
    fn shares_add_up_to_the_whole() {
        // Shared memory of 600 is in both, and counts once in the whole.
        assert_eq!(rows(&[(0, 900, &[("a", 800), ("b", 700)])]), [row(0, "a", 1, 480), row(0, "b", 1, 420)]);
    }

    #[test]
    fn those_that_hold_the_least_are_told_together() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        let held: Vec<(&str, u64)> = names.iter().zip((10..=100).rev().step_by(10)).map(|(n, m)| (*n, m)).collect();
        let rows = rows(&[(0, 550, &held)]);
        assert_eq!(rows.len(), NAMED + 1);
        assert_eq!(rows[NAMED], row(0, "others", 2, 30));
    }

    proptest! {
        #[test]
        fn what_stands_is_what_was_held_when_most_was(
            steps in prop::collection::vec((1u64..40, prop::collection::vec(0u64..1000, 3)), 1..60)
        ) {
            let mut at = 0;
            let (mut snapshots, mut rows) = (Snapshots::default(), Vec::new());
            let mut readings: Vec<(Duration, Vec<u64>)> = Vec::new();
            for (step, held) in steps {
                at += step;
                let total = held.iter().sum();
                let holders = || ["a", "b", "c"].iter().zip(&held).map(|(name, memory)| holder(name, *memory)).collect();
                snapshots.push(ms(at), Bytes(total), holders, |row| { rows.push(row.clone()); Ok::<(), ()>(()) }).unwrap();
                readings.push((ms(at), held));
            }
            snapshots.finish(|row| { rows.push(row.clone()); Ok::<(), ()>(()) }).unwrap();
            prop_assert!(rows.is_sorted_by_key(|row| row.at));
            // At every instant that has rows, all programs stand within a 256th of what they held at it.
            for row in &rows {
                let (_, held) = readings.iter().find(|(at, _)| *at == row.at).unwrap();
                let total: u64 = held.iter().sum();
                for (name, memory) in ["a", "b", "c"].iter().zip(held) {
                    let program = Program::Named((*name).to_owned());
                    let stands = rows.iter().rev().find(|other| other.at <= row.at && other.program == program);
                    prop_assert!(stands.map_or(0, |row| row.memory.0).abs_diff(*memory) <= total / MOVED + 1);
                }
            }
            // And what stands after an interval's end is no more than a sixteenth below its highest, rows or not.
            let highest = readings.iter().map(|(_, held)| held.iter().sum::<u64>()).max().unwrap();
            let stand = |at: Duration| -> u64 {
                let last = |name: &str| rows.iter().rev().find(|row| row.at <= at && row.program == Program::Named(name.to_owned()));
                ["a", "b", "c"].iter().filter_map(|name| last(name)).map(|row| row.memory.0).sum()
            };
            let shown = rows.iter().map(|row| stand(row.at)).max().unwrap_or(0);
            prop_assert!(shown + highest / RISEN + 3 * (highest / MOVED) + 4 >= highest, "{shown} of {highest}");
        }
    }
}
