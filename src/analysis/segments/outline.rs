use std::time::Duration;

use crate::analysis::levels::Levels;
use crate::units::Bytes;

/// Levels of a scale, at most.
const CELLS: u32 = 256;
/// Each scale shows so much less of the run, and that so much finer.
const FINER: u32 = 64;
/// Below this many levels there is nothing to be told.
const FEWEST: usize = 8;

/// A run's memory thinned to a bounded number of levels, row by row, at several scales: the whole run, its first 64th, the
/// first 64th of that, until the levels lie as close as the readings. So the first seconds are seen as well as the days after
/// them.
#[derive(Debug, Clone)]
pub struct Outline {
    run: Duration,
    first: Option<Bytes>,
    lowest: Bytes,
    highest: Bytes,
    last: Option<(Duration, Bytes)>,
    /// The longest first.
    scales: Vec<Levels>,
    /// So many scales have not been passed yet.
    open: usize,
}

impl Outline {
    /// Of a run that lasted so long and was read so often.
    #[must_use]
    pub fn new(run: Duration, interval: Duration) -> Self {
        let interval = interval.max(Duration::from_micros(1));
        let mut scales = Vec::new();
        let mut window = run;
        while window >= interval * FEWEST as u32 {
            scales.push(Levels::new(Duration::ZERO, window, CELLS, interval));
            if window < interval * CELLS {
                break;
            }
            window /= FINER;
        }
        let open = scales.len();
        Self { run, first: None, lowest: Bytes(u64::MAX), highest: Bytes::ZERO, last: None, scales, open }
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
        self.lowest = self.lowest.min(memory);
        self.highest = self.highest.max(memory);
        self.last = Some((at, memory));
    }

    fn hold(&mut self, from: Duration, to: Duration, memory: Bytes) {
        for scale in &mut self.scales[..self.open] {
            scale.hold(from, to, memory);
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
        self.scales.retain(|scale| scale.get().len() >= FEWEST);
    }

    /// The whole run first, then ever less of it.
    pub(super) fn scales(&self) -> &[Levels] {
        &self.scales
    }

    /// The first reading.
    pub(super) fn first(&self) -> Option<Bytes> {
        self.first
    }

    /// Returns the level, moved to between the lowest and the highest reading. A straight line can reach past both.
    pub(super) fn clamp(&self, level: f64) -> f64 {
        level.min(self.highest.as_f64()).max(self.lowest.as_f64())
    }

    pub(super) fn run(&self) -> Duration {
        self.run
    }
}
