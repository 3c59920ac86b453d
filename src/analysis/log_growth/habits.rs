//! What is known of a template besides its text: how often it comes, and what the curve does where it does.

use std::collections::{BTreeMap, VecDeque};

use super::super::templates::TemplateId;
use super::marks::{Gap, Mark, Row};

/// Fewer marks than this are no habit: each of them may well begin something.
pub(super) const FEW: u64 = 16;
/// The curve is looked at no farther than this before and after a line: 5 s.
const FARTHEST: f64 = 5e6;
/// Stretches of the run in which lines are counted against the rise.
const STRETCHES: usize = 128;
/// So many standard errors from zero are no accident (1 in 700 would be).
const STANDARD_ERRORS: f64 = 3.0;
/// A bend smaller than this share of what the curve moves anyway is of no account.
const BEND: f64 = 0.1;

/// How a template's lines lie on the curve.
#[derive(Debug, Clone, Default)]
pub(super) struct Habit {
    pub(super) marks: u64,
    /// First and last mark, microseconds since launch.
    pub(super) first: u64,
    pub(super) last: u64,
    /// Sum of the logarithms of the gaps: their geometric mean is not moved by a long silence.
    log_gaps: f64,
    bends: Bends,
    in_stretch: BTreeMap<usize, u32>,
    /// Rank correlation of its lines with the rise, over the run's stretches: from -1 to 1.
    pub(super) dose: f64,
}

/// How the curve bends at a template's lines: the rise just after each less that just before it.
#[derive(Debug, Clone, Copy, Default)]
struct Bends {
    count: f64,
    sum: f64,
    squares: f64,
    /// The sum of all movements, up or down, against which the bends are small or large.
    moves: f64,
}

/// What the curve does at the lines of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bend {
    /// It rises more after them: they announce it.
    Up,
    /// It rises less after them: they report it.
    Down,
    /// Nothing that would not happen elsewhere, or too little is known.
    None,
}

impl Habit {
    /// The typical time between two marks, in microseconds.
    pub(super) fn gap(&self) -> f64 {
        if self.marks < 2 { 0.0 } else { (self.log_gaps / (self.marks - 1) as f64).exp() }
    }

    pub(super) fn bend(&self) -> Bend {
        let Bends { count, sum, squares, moves } = self.bends;
        if count < FEW as f64 || sum.abs() < BEND * moves {
            return Bend::None;
        }
        let mean = sum / count;
        let variance = (squares / count - mean * mean).max(0.0);
        let certain = mean.abs() > STANDARD_ERRORS * (variance / count).sqrt();
        match certain {
            true if mean > 0.0 => Bend::Up,
            true => Bend::Down,
            false => Bend::None,
        }
    }

    /// How far before and after its lines the curve is looked at: half-way to the next of them.
    fn reach(&self) -> f64 {
        (self.gap() / 2.0).min(FARTHEST)
    }
}

/// The habits of all templates, before the curve is known.
pub(super) fn habits(marks: &[Mark]) -> BTreeMap<TemplateId, Habit> {
    let mut habits: BTreeMap<TemplateId, Habit> = BTreeMap::new();
    for mark in marks {
        let habit = habits.entry(mark.template).or_default();
        if habit.marks == 0 {
            habit.first = mark.at;
        } else {
            habit.log_gaps += ((mark.at - habit.last) as f64).max(1.0).ln();
        }
        habit.marks += 1;
        habit.last = mark.at;
    }
    habits
}

/// Looks at the curve around every mark while the rows are read.
pub(super) struct Watch {
    habits: BTreeMap<TemplateId, Habit>,
    rows: VecDeque<Row>,
    next: usize,
    rises: [f64; STRETCHES],
    /// The length of a stretch, in microseconds: the last line stands in the last.
    stretch: u64,
    /// The stretches in which no lines were left out.
    told: Vec<usize>,
}

impl Watch {
    pub(super) fn new(habits: BTreeMap<TemplateId, Habit>, gaps: &[Gap]) -> Self {
        let last = habits.values().map(|habit| habit.last).max().unwrap_or_default();
        let stretch = last / STRETCHES as u64 + 1;
        let is_told = |index: &usize| {
            let from = *index as u64 * stretch;
            gaps.iter().all(|gap| gap.until <= from || from + stretch <= gap.from)
        };
        let told = (0..STRETCHES).filter(is_told).collect();
        Self { habits, rows: VecDeque::new(), next: 0, rises: [0.0; STRETCHES], stretch, told }
    }

    fn stretch(&self, at: u64) -> usize {
        usize::try_from(at / self.stretch).unwrap_or(STRETCHES).min(STRETCHES - 1)
    }

    pub(super) fn row(&mut self, marks: &[Mark], row: Row) {
        let stretch = self.stretch(row.at);
        self.rises[stretch] += row.level - self.rows.back().map_or(row.level, |before| before.level);
        self.rows.push_back(row);
        while let Some(mark) = marks.get(self.next) {
            let Some(habit) = self.habits.get_mut(&mark.template) else { break };
            let reach = habit.reach();
            if habit.marks >= FEW {
                if (row.at as f64) < mark.at as f64 + reach {
                    break;
                }
                habit.bends.add(&self.rows, mark.at, reach);
            }
            self.next += 1;
        }
        let oldest = marks.get(self.next).map_or(row.at, |mark| mark.at.min(row.at)) as f64 - 2.0 * FARTHEST;
        while self.rows.len() > 2 && (self.rows[1].at as f64) < oldest {
            self.rows.pop_front();
        }
    }

    /// The habits, complete.
    pub(super) fn finish(mut self, marks: &[Mark]) -> BTreeMap<TemplateId, Habit> {
        for mark in marks {
            let stretch = self.stretch(mark.at);
            if let Some(habit) = self.habits.get_mut(&mark.template).filter(|habit| habit.marks >= FEW) {
                *habit.in_stretch.entry(stretch).or_default() += 1;
            }
        }
        let told = |values: &[f64; STRETCHES]| self.told.iter().map(|index| values[*index]).collect::<Vec<_>>();
        let rises = ranks(&told(&self.rises));
        for habit in self.habits.values_mut().filter(|habit| habit.marks >= FEW) {
            let mut counts = [0.0; STRETCHES];
            for (stretch, count) in std::mem::take(&mut habit.in_stretch) {
                counts[stretch] = f64::from(count);
            }
            habit.dose = correlation(&ranks(&told(&counts)), &rises);
        }
        self.habits
    }
}

impl Bends {
    fn add(&mut self, rows: &VecDeque<Row>, at: u64, reach: f64) {
        // What a line announces is often there with the next row, so the bend is sought at the row before the line.
        let after = rows.partition_point(|row| row.at <= at);
        let (Some(before), Some(next)) = (after.checked_sub(1).map(|index| rows[index]), rows.get(after)) else {
            return;
        };
        let at = if before.level == next.level { at as f64 } else { before.at as f64 };
        let (Some(left), Some(middle), Some(right)) =
            (level(rows, at - reach), level(rows, at), level(rows, at + reach))
        else {
            return;
        };
        let bend = right - middle - (middle - left);
        self.count += 1.0;
        self.sum += bend;
        self.squares += bend * bend;
        self.moves += (right - middle).abs() + (middle - left).abs();
    }
}

/// The height of the curve, on a straight line between two rows.
fn level(rows: &VecDeque<Row>, at: f64) -> Option<f64> {
    let after = rows.partition_point(|row| row.at as f64 <= at);
    let before = rows[after.checked_sub(1)?];
    match rows.get(after) {
        Some(next) => {
            let share = (at - before.at as f64) / (next.at - before.at).max(1) as f64;
            Some(before.level + (next.level - before.level) * share)
        }
        None => (before.at as f64 >= at).then_some(before.level),
    }
}

/// The rank of each value, the mean of their ranks for equal ones.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|left, right| values[*left].total_cmp(&values[*right]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    for group in order.chunk_by(|left, right| values[*left] == values[*right]) {
        group.iter().for_each(|index| ranks[*index] = from as f64 + (group.len() - 1) as f64 / 2.0);
        from += group.len();
    }
    ranks
}

/// Pearson's; 0 where one of both never changes.
fn correlation(left: &[f64], right: &[f64]) -> f64 {
    // The mean of ranks is known.
    let mean = left.len().saturating_sub(1) as f64 / 2.0;
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let scale = (sum(left, left) * sum(right, right)).sqrt();
    if scale > 0.0 { sum(left, right) / scale } else { 0.0 }
}
