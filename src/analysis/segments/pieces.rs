//! The best straight pieces for a row of levels.
//!
//! For every number of pieces the cut with the least squared error is found by dynamic programming (Bellman and Roth, 1969, "Curve
//! fitting by segmented straight lines"); then the number is chosen.

use crate::analysis::levels::Levels;

/// The most pieces. More would be no summary.
const MOST: usize = 32;
/// A piece has at least so many levels.
const SHORTEST: usize = 3;

/// A straight stretch of the curve: seconds since launch, bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) line: Line,
    /// How far apart the levels are that it was fitted to, in seconds.
    pub(super) cell: f64,
    /// The typical distance of a level from the line, in bytes.
    pub(super) noise: f64,
}

/// A level that changes with time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// At launch, in bytes.
    start: f64,
    /// Bytes per second.
    slope: f64,
}

impl Line {
    pub(super) fn at(self, seconds: f64) -> f64 {
        self.start + self.slope * seconds
    }

    /// When two lines meet, if they do.
    pub(super) fn meets(self, other: Self) -> Option<f64> {
        let at = (other.start - self.start) / (self.slope - other.slope);
        at.is_finite().then_some(at)
    }
}

/// The pieces of a scale, in order, without a gap. `span` is how far the whole run's memory reaches, in bytes: what is small
/// against it is no piece of its own.
pub(super) fn pieces(scale: &Levels, span: f64) -> Vec<Piece> {
    let levels: Vec<f64> = smooth(scale).iter().map(|level| level / span).collect();
    let sums = Sums::new(&levels);
    let cuts = cuts(&sums, levels.len());
    let edges = cuts.iter().copied().chain([levels.len()]);
    let cell = scale.cell().as_secs_f64();
    let mut from = 0;
    edges
        .map(|to| {
            let fit = sums.fit(from, to);
            let middle = (from + to) as f64 / 2.0 * cell;
            let slope = fit.slope * span / cell;
            let line = Line { start: fit.mean * span - slope * middle, slope };
            let noise = (fit.error / (to - from) as f64).sqrt() * span;
            let piece = Piece { from: from as f64 * cell, to: to as f64 * cell, line, cell, noise };
            from = to;
            piece
        })
        .collect()
}

/// The levels without short spikes, in bytes: each the median of up to five around it.
pub(super) fn smooth(levels: &Levels) -> Vec<f64> {
    let levels = levels.get();
    let around = match levels.len() {
        ..60 => 0,
        60..200 => 1,
        _ => 2,
    };
    let last = levels.len().saturating_sub(1);
    let level = |index: usize| {
        // At the ends the window keeps its width, so that one odd level there is passed over as well.
        let middle = index.clamp(around, last - around);
        let mut window = [0; 5];
        let window = &mut window[..=2 * around];
        window.copy_from_slice(&levels[middle - around..=middle + around]);
        window.sort_unstable();
        window[around] as f64
    };
    (0..levels.len()).map(level).collect()
}

/// Where the pieces begin, but for the first.
fn cuts(sums: &Sums, count: usize) -> Vec<usize> {
    let most = MOST.min(count / SHORTEST);
    // best[end]: the least error of the levels before `end`, cut into so many pieces.
    let mut best: Vec<f64> = (0..=count).map(|end| sums.error(0, end)).collect();
    let errors_to: Vec<Vec<f64>> =
        (0..=count).map(|end| (0..end).map(|from| sums.error(from, end)).collect()).collect();
    let mut errors = vec![best[count]];
    let mut begins: Vec<Vec<usize>> = Vec::new();
    for _ in 1..most {
        let (mut next, mut begin) = (vec![f64::INFINITY; count + 1], vec![0; count + 1]);
        for end in 0..=count {
            for (from, (before, last)) in best.iter().zip(&errors_to[end]).enumerate() {
                let error = before + last;
                if error < next[end] {
                    (next[end], begin[end]) = (error, from);
                }
            }
        }
        best = next;
        errors.push(best[count]);
        begins.push(begin);
    }
    let chosen = choose(&errors, count);
    let mut end = count;
    let mut cuts: Vec<usize> = begins[..chosen]
        .iter()
        .rev()
        .map(|begin| {
            end = begin[end];
            end
        })
        .collect();
    cuts.reverse();
    cuts
}

/// What one more piece must take off the error, as a multiple of what it takes off where there is nothing but noise left.
const NOISE: f64 = 5.0;
/// …and at the least: as much as 0.7 % of the span off each level.
const LEAST: f64 = 0.007 * 0.007;

/// How many cuts are worth it. `errors` are those of one piece and more; what is left of them past the true ones falls as the
/// noise has it.
///
/// Of noise without memory each further piece takes about as much off; the longer it remembers (a collector's teeth, a random
/// walk), the more the first ones take off: about as `k^-a` for the k-th, with `a` from 0 to 2. So `a` is read off the tail of
/// the errors, where there is noise alone, and what noise would do is reckoned back from there. It is the slope heuristic of
/// Birgé and Massart (2007) for noise that is not white.
fn choose(errors: &[f64], count: usize) -> usize {
    let last = errors.len() - 1;
    let least = LEAST * count as f64;
    let (low, middle) = (last * 10 / 31, last * 18 / 31);
    if low == 0 || middle == low || last == middle {
        return argmin(errors.iter().enumerate().map(|(cuts, error)| error + least * cuts as f64));
    }
    let per_piece = |from: usize, to: usize| ((errors[from] - errors[to]) / (to - from) as f64).max(f64::MIN_POSITIVE);
    let (early, late) = (per_piece(low, middle), per_piece(middle, last));
    // Where the two are about right, as geometric means. Square roots are the same on every machine, powers need not be.
    let at = ((middle * last) as f64).sqrt();
    let apart = at / ((low * middle) as f64).sqrt();
    let decay = [Decay::None, Decay::Root, Decay::Linear]
        .into_iter()
        .find(|decay| early / late < decay.raise(apart) * apart.sqrt().sqrt())
        .unwrap_or(Decay::Steep);
    let mut noise = 0.0;
    argmin(errors.iter().enumerate().map(|(cuts, error)| {
        if cuts > 0 {
            noise += (NOISE * late * decay.raise(at / cuts as f64)).max(least);
        }
        error + noise
    }))
}

/// How fast what noise gives falls with the number of pieces: as its power 0, 1/2, 1 or 3/2.
#[derive(Clone, Copy)]
enum Decay {
    None,
    Root,
    Linear,
    Steep,
}

impl Decay {
    fn raise(self, ratio: f64) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Root => ratio.sqrt(),
            Self::Linear => ratio,
            Self::Steep => ratio * ratio.sqrt(),
        }
    }
}

/// The first of the least.
fn argmin(values: impl Iterator<Item = f64>) -> usize {
    let least = values.enumerate().reduce(|least, other| if other.1 < least.1 { other } else { least });
    least.map_or(0, |(index, _)| index)
}

/// Sums of the levels until each, from which the best line through any stretch follows at once.
struct Sums {
    /// Of the levels, of each times its index, of their squares.
    sums: Vec<[f64; 3]>,
}

struct Fit {
    mean: f64,
    /// Per level.
    slope: f64,
    /// The squared error.
    error: f64,
}

impl Sums {
    fn new(levels: &[f64]) -> Self {
        let mut sum = [0.0; 3];
        let mut sums = vec![sum];
        for (index, level) in levels.iter().enumerate() {
            sum = [sum[0] + level, sum[1] + level * index as f64, sum[2] + level * level];
            sums.push(sum);
        }
        Self { sums }
    }

    /// The best line through the levels from one to before another.
    fn fit(&self, from: usize, to: usize) -> Fit {
        let [(sum, weighted, squares)] = [(0, 1, 2)].map(|(a, b, c)| {
            let of = |which: usize| self.sums[to][which] - self.sums[from][which];
            (of(a), of(b), of(c))
        });
        let count = (to - from) as f64;
        let mean = sum / count;
        let middle = (from + to - 1) as f64 / 2.0;
        let spread = count * (count * count - 1.0) / 12.0;
        let together = weighted - sum * middle;
        let slope = if spread > 0.0 { together / spread } else { 0.0 };
        let error = (squares - sum * mean - slope * together).max(0.0);
        Fit { mean, slope, error }
    }

    /// The squared error of the best line; infinite where the stretch is too short.
    fn error(&self, from: usize, to: usize) -> f64 {
        if to < from + SHORTEST { f64::INFINITY } else { self.fit(from, to).error }
    }
}
