//! From pieces that were fitted each for itself to a curve in one line.

use super::outline::Outline;
use super::pieces::{Piece, pieces, smooth};
use crate::units::Bytes;

/// A jump between two pieces is one where it is more than this part of the span; else they are joined.
const JUMP: f64 = 0.03;
/// Two pieces meet where their lines do, if that is within this part of each…
const REACH: f64 = 0.5;
/// …and not farther than so many levels' part of it.
const FARTHEST: f64 = 20.0;

/// A point of the curve: seconds since launch, bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Knot {
    pub(super) at: f64,
    pub(super) level: f64,
}

/// The curve as a polyline, and how far its levels are from it, in bytes: for each of its lines. Empty where there are too few
/// levels. Only at a jump are two knots as near as the readings.
pub(super) fn knots(outline: &Outline) -> Vec<(Knot, Knot, f64)> {
    let Some(whole) = outline.scales().first() else { return Vec::new() };
    let levels = smooth(whole);
    let first = outline.first().map_or(0.0, Bytes::as_f64);
    let highest = levels.iter().copied().fold(first, f64::max);
    let lowest = levels.iter().copied().fold(first, f64::min);
    let span = highest - lowest;
    if span <= 0.0 {
        let to = Knot { at: outline.run().as_secs_f64(), level: first };
        return vec![(Knot { at: 0.0, level: first }, to, 0.0)];
    }
    let mut pieces = from_launch(outline, 0, first, span);
    if let Some(last) = pieces.last_mut() {
        last.to = outline.run().as_secs_f64();
    }
    let clamp = |knot: Knot| Knot { level: outline.clamp(knot.level), ..knot };
    join(&pieces, first, span).into_iter().map(|(from, to, noise)| (clamp(from), clamp(to), noise)).collect()
}

/// The pieces of one scale; what it can't resolve at its beginning is taken from the next.
fn from_launch(outline: &Outline, scale: usize, first: f64, span: f64) -> Vec<Piece> {
    let mut found = pieces(&outline.scales()[scale], span);
    let Some(finer) = outline.scales().get(scale + 1) else { return found };
    let window = finer.cell().as_secs_f64() * finer.get().len() as f64;
    let is_resolved = found[0].to > window && (found[0].line.at(0.0) - first).abs() <= JUMP * span;
    if is_resolved {
        return found;
    }
    let mut early = from_launch(outline, scale + 1, first, span);
    // The last of them goes on as the one that is there at the end of the window.
    early.pop();
    found.retain(|piece| piece.to > window);
    if let Some(next) = found.first_mut() {
        next.from = early.last().map_or(0.0, |last| last.to);
    }
    early.extend(found);
    early
}

fn join(pieces: &[Piece], first: f64, span: f64) -> Vec<(Knot, Knot, f64)> {
    let mut lines = Vec::new();
    let Some(begin) = pieces.first() else { return lines };
    let mut knot = Knot { at: 0.0, level: begin.line.at(0.0) };
    if (knot.level - first).abs() > JUMP * span {
        let to = Knot { at: begin.cell.min((begin.from + begin.to) / 2.0), level: begin.line.at(begin.cell) };
        lines.push((Knot { at: 0.0, level: first }, to, begin.noise));
        knot = to;
    }
    for pair in pieces.windows(2) {
        let [before, after] = pair else { continue };
        match joint(before, after, span) {
            Joint::Kink(at) => {
                let level = f64::midpoint(before.line.at(at), after.line.at(at));
                let to = Knot { at: at.max(knot.at), level };
                lines.push((knot, to, before.noise));
                knot = to;
            }
            Joint::Jump(from, to) => {
                let foot = Knot { at: from.max(knot.at), level: before.line.at(from) };
                let head = Knot { at: to.max(knot.at), level: after.line.at(to) };
                lines.push((knot, foot, before.noise));
                lines.push((foot, head, before.noise.min(after.noise)));
                knot = head;
            }
        }
    }
    if let Some(end) = pieces.last() {
        lines.push((knot, Knot { at: end.to, level: end.line.at(end.to) }, end.noise));
    }
    lines.retain(|(from, to, _)| to.at > from.at);
    lines
}

enum Joint {
    Kink(f64),
    Jump(f64, f64),
}

fn joint(before: &Piece, after: &Piece, span: f64) -> Joint {
    let at = before.to;
    let most = FARTHEST * before.cell.min(after.cell);
    let (left, right) = ((before.to - before.from).min(most) * REACH, (after.to - after.from).min(most) * REACH);
    if let Some(meets) = before.line.meets(after.line)
        && (at - left..=at + right).contains(&meets)
    {
        return Joint::Kink(meets);
    }
    if (after.line.at(at) - before.line.at(at)).abs() > JUMP * span {
        let half = before.cell.min(after.cell) / 2.0;
        return Joint::Jump(at - half, at + half);
    }
    Joint::Kink(at)
}
