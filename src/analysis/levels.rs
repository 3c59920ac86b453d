use std::time::Duration;

use crate::units::Bytes;

/// Rows that are held of one cell. Past it three in turn become their median.
const HELD: usize = 3 * 512;

/// The levels of a part of a run: its time in equal cells, of each the median of the memory over time, a row holding until the next.
/// What comes and goes within less than half a cell is not seen. Bounded, however many rows there are.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    /// Where the part begins, and how long a cell is, in nanoseconds.
    from: u64,
    cell: u64,
    cells: usize,
    levels: Vec<u64>,
    held: Vec<Held>,
}

/// Memory over time, in bytes and nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Held {
    memory: u64,
    time: u64,
}

impl Levels {
    /// From one time to another, in at most so many cells, none shorter than the time between two readings.
    pub(super) fn new(from: Duration, to: Duration, most: u32, interval: Duration) -> Self {
        let (from, length) = (nanos(from), nanos(to.saturating_sub(from)));
        let cells = u64::from(most).min(length / nanos(interval).max(1));
        let cell = length.div_ceil(cells.max(1)).max(1);
        Self { from, cell, cells: cells as usize, levels: Vec::new(), held: Vec::new() }
    }

    /// Whether nothing that comes later is in it.
    pub(super) fn is_full(&self) -> bool {
        self.levels.len() == self.cells
    }

    /// Memory was so much from one time to another. Times come in their order.
    pub(super) fn hold(&mut self, from: Duration, to: Duration, memory: Bytes) {
        let (mut from, to) = (nanos(from).max(self.from), nanos(to));
        while from < to && !self.is_full() {
            let begin = self.from + self.cell * self.levels.len() as u64;
            let end = begin + self.cell;
            if self.held.is_empty() {
                // Before the first row nothing is known: it is taken to have been so much already.
                from = from.min(begin);
            }
            let until = to.min(end);
            if until > from {
                if self.held.len() == HELD {
                    thin(&mut self.held);
                }
                self.held.push(Held { memory: memory.0, time: until - from });
                from = until;
            }
            if until == end {
                self.close();
            }
        }
    }

    /// Ends the cell where anything is held in it: no more comes.
    pub(super) fn close(&mut self) {
        if let Some(level) = median(&mut self.held) {
            self.levels.push(level);
            self.held.clear();
        }
    }

    /// The levels in order, in bytes.
    pub(super) fn get(&self) -> &[u64] {
        &self.levels
    }

    /// How long one holds.
    pub(super) fn cell(&self) -> Duration {
        Duration::from_nanos(self.cell)
    }
}

/// Each three in turn become one, with their median: what is higher or lower for a moment is gone, as it is from the median of
/// all (the remedian of Rousseeuw and Bassett, 1990).
fn thin(held: &mut Vec<Held>) {
    let thinned = held.chunks(3).map(|three| {
        let mut sorted = [0; 3];
        let sorted = &mut sorted[..three.len()];
        sorted.iter_mut().zip(three).for_each(|(memory, held)| *memory = held.memory);
        sorted.sort_unstable();
        Held { memory: sorted[sorted.len() / 2], time: three.iter().map(|held| held.time).sum() }
    });
    *held = thinned.collect();
}

/// What was held for half of the time; None of nothing.
fn median(held: &mut [Held]) -> Option<u64> {
    held.sort_unstable_by_key(|held| held.memory);
    let half = held.iter().map(|held| held.time).sum::<u64>() / 2;
    let mut passed = 0;
    let middle = held.iter().find(|held| {
        passed += held.time;
        passed > half
    });
    middle.map(|held| held.memory)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows of (milliseconds, memory), the last of them until the end.
    fn levels(from: u64, to: u64, most: u32, rows: &[(u64, u64)]) -> Vec<u64> {
        let ms = Duration::from_millis;
        let mut levels = Levels::new(ms(from), ms(to), most, ms(10));
        for pair in rows.windows(2) {
            levels.hold(ms(pair[0].0), ms(pair[1].0), Bytes(pair[0].1));
        }
        if let Some((at, memory)) = rows.last() {
            levels.hold(ms(*at), ms(to), Bytes(*memory));
        }
        levels.close();
        levels.get().to_vec()
    }

    #[test]
    fn a_level_is_what_memory_was_for_most_of_its_cell() {
        let rows = [(0, 5), (40, 9), (60, 5), (100, 7), (300, 8), (349, 1), (350, 2)];
        assert_eq!(levels(0, 400, 4, &rows), [5, 7, 7, 2]);
        assert_eq!(levels(0, 400, 1, &rows), [7]);
        assert_eq!(levels(100, 400, 3, &rows), [7, 7, 2]);
    }

    #[test]
    fn what_is_before_the_first_row_has_its_level() {
        assert_eq!(levels(0, 400, 4, &[(250, 7), (300, 9)]), [7, 7, 7, 9]);
        let mut late = Levels::new(Duration::ZERO, Duration::from_nanos(5), 4, Duration::ZERO);
        late.hold(Duration::from_nanos(4), Duration::from_nanos(9), Bytes(3));
        assert_eq!(late.get(), [3; 4], "without an interval, too");
    }

    #[test]
    fn no_cell_is_shorter_than_the_time_between_two_readings() {
        assert_eq!(levels(0, 40, 512, &[(0, 1), (10, 2), (20, 3), (30, 4)]), [1, 2, 3, 4]);
        assert_eq!(levels(0, 5, 512, &[(0, 1)]), Vec::<u64>::new());
    }

    #[test]
    fn many_rows_in_one_cell_are_thinned_without_a_trace_of_their_spikes() {
        let rows: Vec<(u64, u64)> = (0..100_000).map(|row| (row, if row % 10 == 0 { 9_000 } else { 100 })).collect();
        assert_eq!(levels(0, 100_000, 2, &rows), [100, 100]);
    }

    proptest! {
        #[test]
        fn every_cell_has_a_level_within_what_was_held(
            late in 0u64..400, steps in proptest::collection::vec((1u64..400, 0u64..1000), 1..200), most in 1u32..40
        ) {
            let mut at = late;
            let rows: Vec<(u64, u64)> = steps.iter().map(|(step, memory)| { at += step; (at - step, *memory) }).collect();
            prop_assume!(at >= 10);
            let found = levels(0, at, most, &rows);
            prop_assert_eq!(found.len() as u64, u64::from(most).min(at / 10));
            prop_assert!(found.iter().all(|level| rows.iter().any(|row| row.1 == *level)));
        }
    }
}
