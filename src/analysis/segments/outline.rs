use std::time::Duration;

use crate::units::Bytes;

/// Levels of a scale, at most.
const CELLS: u32 = 256;
/// Each scale shows so much less of the run, and that so much finer.
const FINER: u32 = 64;
/// Below this many levels there is nothing to be told.
const FEWEST: u32 = 8;
/// Rows that are held of one cell. Past it three in turn become their median.
const HELD: usize = 3 * 512;

/// A run's memory thinned to a bounded number of levels, row by row, at several scales: the whole run, its first 64th, the
/// first 64th of that, until the levels lie as close as the readings. So the first seconds are seen as well as the days after
/// them.
///
/// A level is the median over time of a cell, a row holding until the next: what comes and goes within less than half of it is
/// not seen.
#[derive(Debug, Clone)]
pub struct Outline {
    run: Duration,
    first: Option<Bytes>,
    last: Option<(Duration, Bytes)>,
    /// The longest first.
    scales: Vec<Scale>,
    /// So many scales have not been passed yet.
    open: usize,
}

/// The levels of a run until some time.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    /// How long one level holds, in nanoseconds.
    cell: u64,
    wanted: usize,
    levels: Vec<u64>,
    held: Vec<Held>,
    held_until: u64,
}

/// Memory over time, in bytes and nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Held {
    memory: u64,
    time: u64,
}

impl Outline {
    /// Of a run that lasted so long and was read so often.
    #[must_use]
    pub fn new(run: Duration, interval: Duration) -> Self {
        let interval = nanos(interval).max(1);
        let mut scales = Vec::new();
        let mut window = nanos(run);
        loop {
            let wanted = u64::from(CELLS).min(window / interval);
            if wanted < u64::from(FEWEST) {
                break;
            }
            let cell = window.div_ceil(wanted);
            scales.push(Scale { cell, wanted: wanted as usize, levels: Vec::new(), held: Vec::new(), held_until: 0 });
            if wanted < u64::from(CELLS) {
                break;
            }
            window /= u64::from(FINER);
        }
        let open = scales.len();
        Self { run, first: None, last: None, scales, open }
    }

    /// Takes the next row in the order of time.
    pub fn push(&mut self, at: Duration, memory: Bytes) {
        if let Some((from, held)) = self.last {
            self.hold(from, at, held);
        } else {
            // Before the first reading nothing is known: it holds from the launch on.
            self.first = Some(memory);
            self.hold(Duration::ZERO, at, memory);
        }
        self.last = Some((at, memory));
    }

    fn hold(&mut self, from: Duration, to: Duration, memory: Bytes) {
        let (from, to) = (nanos(from), nanos(to));
        for scale in &mut self.scales[..self.open] {
            scale.hold(from, to, memory.0);
        }
        while self.open > 0 && self.scales[self.open - 1].is_full() {
            self.open -= 1;
        }
    }

    /// No more rows come.
    pub(super) fn finish(&mut self) {
        if let Some((from, memory)) = self.last {
            self.hold(from, self.run, memory);
        }
        for scale in &mut self.scales {
            scale.close();
        }
        self.scales.retain(|scale| scale.levels.len() >= FEWEST as usize);
    }

    /// The whole run first, then ever less of it.
    pub(super) fn scales(&self) -> &[Scale] {
        &self.scales
    }

    /// The first reading.
    pub(super) fn first(&self) -> Option<Bytes> {
        self.first
    }

    pub(super) fn run(&self) -> Duration {
        self.run
    }
}

impl Scale {
    fn is_full(&self) -> bool {
        self.levels.len() == self.wanted
    }

    fn hold(&mut self, mut from: u64, to: u64, memory: u64) {
        while from < to && !self.is_full() {
            let end = self.cell * (self.levels.len() as u64 + 1);
            let until = to.min(end);
            if until > from {
                if self.held.len() == HELD {
                    thin(&mut self.held);
                }
                self.held.push(Held { memory, time: until - from });
                self.held_until = until;
            }
            from = until.max(from);
            if until == end {
                self.close();
            }
        }
    }

    /// Ends the cell where anything is held in it.
    fn close(&mut self) {
        if let Some(level) = median(&mut self.held) {
            self.levels.push(level);
            self.held.clear();
        }
    }

    /// The levels without short spikes: each the median of up to five around it.
    pub(super) fn levels(&self) -> Vec<f64> {
        let around = match self.levels.len() {
            ..60 => 0,
            60..200 => 1,
            _ => 2,
        };
        let last = self.levels.len() - 1;
        let level = |index: usize| {
            // At the ends the window keeps its width, so that one odd level there is passed over as well.
            let middle = index.clamp(around, last - around);
            let mut window = [0; 5];
            let window = &mut window[..2 * around + 1];
            window.copy_from_slice(&self.levels[middle - around..=middle + around]);
            window.sort_unstable();
            window[around] as f64
        };
        (0..=last).map(level).collect()
    }

    /// How long one level holds, in seconds.
    pub(super) fn cell(&self) -> f64 {
        self.cell as f64 / 1e9
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

/// What was held for half of the time or less at most; None of nothing.
fn median(held: &mut [Held]) -> Option<u64> {
    held.sort_unstable_by_key(|held| held.memory);
    let half = held.iter().map(|held| held.time).sum::<u64>() / 2;
    let mut passed = 0;
    held.iter()
        .find(|held| {
            passed += held.time;
            passed > half
        })
        .map(|held| held.memory)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
