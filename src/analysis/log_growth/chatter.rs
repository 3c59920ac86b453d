//! Which templates are chatter: lines that come whatever the memory does, and must not cut short what others announced.

use std::collections::{BTreeMap, BTreeSet};

use super::super::templates::TemplateId;
use super::habits::{Bend, FEW, Habit};
use super::marks::Mark;

/// A template that comes this often may be what goes on while another chatters.
const RECURRING: u64 = 3;
/// After so many of its usual gaps without a line it has stopped.
const SILENT: f64 = 2.0;
/// It goes on for at least this share of the other's time, or of the rise in it.
const ALONG: f64 = 0.5;
/// Correlations closer than this tell nothing: three times what chance makes of 128 stretches.
const SAME_DOSE: f64 = 0.3;
/// At least this share of what rises after the lines would have to lie elsewhere, were it theirs.
const MISPLACED: f64 = 0.25;

/// Finds the templates whose lines mark nothing on the curve.
///
/// Few lines are never chatter, nor those after which the curve bends upwards. Others, those with most lines first, are
/// chatter where another template explains the rise at least as well: it goes on at the same time, and the curve bends
/// at its lines, or its lines are more where the rise is more, or, where nothing tells them apart, it is the rarer one.
/// And they are chatter where the rise depends on what was printed before them: a heartbeat during start-up.
pub(super) fn chatter(marks: &[Mark], habits: &BTreeMap<TemplateId, Habit>) -> BTreeSet<TemplateId> {
    let bends: BTreeMap<TemplateId, Bend> = habits.iter().map(|(id, habit)| (*id, habit.bend())).collect();
    let plain = |id: &TemplateId| habits[id].marks < FEW || bends[id] == Bend::Up;
    let mut doubtful: Vec<(u64, TemplateId)> =
        habits.iter().filter(|(id, _)| !plain(id)).map(|(id, habit)| (habit.marks, *id)).collect();
    doubtful.sort_unstable_by(|left, right| right.cmp(left));
    let depends = dependence(marks, habits, &doubtful.iter().map(|(_, id)| *id).collect());

    let mut chatter = BTreeSet::new();
    for (_, id) in &doubtful {
        let own = &habits[id];
        let explains = |(other, habit): (&TemplateId, &Habit)| {
            other != id
                && !chatter.contains(other)
                && habit.marks >= RECURRING
                && explains_better((habit, bends[other]), (own, bends[id]))
                && goes_along(marks, habit, own)
        };
        let reports = bends[id] == Bend::Down;
        if habits.iter().any(explains) || (!reports && depends.get(id).is_some_and(|share| *share >= MISPLACED)) {
            chatter.insert(*id);
        }
    }
    chatter
}

fn explains_better((other, other_bend): (&Habit, Bend), (own, own_bend): (&Habit, Bend)) -> bool {
    match (other_bend, own_bend) {
        (Bend::Up, _) | (Bend::Down, Bend::None) => true,
        (_, Bend::Up) | (Bend::None, Bend::Down) => false,
        _ if other.dose > own.dose + SAME_DOSE => true,
        _ if other.dose < own.dose - SAME_DOSE => false,
        // Equal numbers: whichever is asked first gives way.
        _ => other.marks <= own.marks,
    }
}

/// Whether a template goes on during half of another's time, or while half of its rise happens.
fn goes_along(marks: &[Mark], other: &Habit, own: &Habit) -> bool {
    let until = |habit: &Habit| habit.last.saturating_add(habit.gap() as u64);
    let (from, end) = (other.first.max(own.first), until(other).min(until(own)));
    if from >= end {
        return false;
    }
    let level = |at: u64| {
        let index = marks.partition_point(|mark| mark.at < at).min(marks.len().saturating_sub(1));
        marks.get(index).map_or(0.0, |mark| mark.level)
    };
    let (common, whole) = (level(end) - level(from), level(until(own)) - level(own.first));
    let time = (end - from) as f64 >= ALONG * (until(own) - own.first) as f64;
    time || (whole > 0.0 && common >= ALONG * whole)
}

/// What the lines in doubt are printed in: the template that spoke last, and whether it has fallen silent since.
type Context = Option<(TemplateId, bool)>;

/// For each of these templates, the share of the rise after its lines that depends on what was printed last by those
/// not among them: 0 where memory rises at one rate all along, nearly 1 where it rises in one short context alone.
fn dependence(
    marks: &[Mark],
    habits: &BTreeMap<TemplateId, Habit>,
    of: &BTreeSet<TemplateId>,
) -> BTreeMap<TemplateId, f64> {
    let mut by_context: BTreeMap<(TemplateId, Context), (f64, f64)> = BTreeMap::new();
    let mut spoke: Option<Mark> = None;
    for pair in marks.windows(2) {
        if !of.contains(&pair[0].template) {
            spoke = Some(pair[0]);
            continue;
        }
        let context = spoke.map(|spoke| {
            let recurs = habits.get(&spoke.template).filter(|habit| habit.marks >= RECURRING);
            let is_silent = recurs.is_some_and(|habit| (pair[0].at - spoke.at) as f64 > SILENT * habit.gap());
            (spoke.template, is_silent)
        });
        let (rise, time) = by_context.entry((pair[0].template, context)).or_default();
        *rise += pair[1].level - pair[0].level;
        *time += (pair[1].at - pair[0].at) as f64;
    }
    let mut totals: BTreeMap<TemplateId, (f64, f64, f64)> = BTreeMap::new();
    for ((template, _), (rise, time)) in &by_context {
        let total = totals.entry(*template).or_default();
        *total = (total.0 + rise, total.1 + time, 0.0);
    }
    for ((template, _), (rise, time)) in &by_context {
        if let Some((whole, whole_time, misplaced)) = totals.get_mut(template) {
            *misplaced += (rise - *whole * time / whole_time.max(1.0)).abs() / 2.0;
        }
    }
    let share = |(whole, _, misplaced): (f64, f64, f64)| if whole > 0.0 { misplaced / whole } else { 0.0 };
    totals.into_iter().map(|(template, total)| (template, share(total))).collect()
}
