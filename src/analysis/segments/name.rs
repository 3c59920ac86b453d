use std::time::Duration;

use super::SegmentKind;
use super::knots::Knot;

/// What rises or falls by less than this part of the span stays…
const SPAN: f64 = 0.03;
/// …as does what moves by less than this part of the highest level…
const LEVEL: f64 = 0.01;
/// …or by less than so many times its noise.
const NOISE: f64 = 2.0;
/// A ramp rises so many times faster than the run does on the whole.
const FAST: f64 = 1.5;

/// Names the lines of a curve: see [`SegmentKind`]. Neighbours that both stay are one.
pub(super) fn name(lines: &[(Knot, Knot, f64)], run: Duration) -> Vec<(SegmentKind, Knot, Knot)> {
    let levels = || lines.iter().flat_map(|(from, to, _)| [from.level, to.level]);
    let (highest, lowest) = (levels().fold(0.0, f64::max), levels().fold(f64::INFINITY, f64::min));
    let still = (SPAN * (highest - lowest)).max(LEVEL * highest);
    let rise = |(from, to, _): &(Knot, Knot, f64)| to.level - from.level;
    let total: f64 = lines.iter().map(rise).filter(|rise| *rise > 0.0).sum();
    let mean = total / run.as_secs_f64().max(f64::MIN_POSITIVE);
    let mut named: Vec<(SegmentKind, Knot, Knot)> = Vec::new();
    for line in lines {
        let (from, to, noise) = *line;
        let rise = rise(line);
        let kind = if rise.abs() <= still.max(NOISE * noise) {
            SegmentKind::Plateau
        } else if rise < 0.0 {
            SegmentKind::Drop
        } else if rise >= FAST * mean * (to.at - from.at) {
            SegmentKind::Ramp
        } else {
            SegmentKind::Growth
        };
        match named.last_mut() {
            Some((SegmentKind::Plateau, _, end)) if kind == SegmentKind::Plateau => *end = to,
            _ => named.push((kind, from, to)),
        }
    }
    named
}
