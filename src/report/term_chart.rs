//! A curve in the terminal: text alone, so that a pipe gets the same as a screen.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::escape::plain;
use crate::trace::{self, Curve};
use crate::units::{Bytes, format_duration};

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether to colour.
    pub colour: bool,
    /// Whether block characters arrive as such; else ASCII is used.
    pub unicode: bool,
}

/// Rows of one curve.
const ROWS: usize = 10;
/// The fewest columns of a curve: in a narrower terminal its lines are longer than the terminal is wide.
const FEWEST: usize = 16;
const TITLE: usize = 60;

impl Look {
    /// Stands for a column in which nothing was measured.
    const fn gap(self) -> char {
        if self.unicode { '░' } else { '?' }
    }

    /// From an empty cell to a full one.
    pub(super) const fn cells(self) -> &'static [char] {
        if self.unicode { BLOCKS } else { ASCII }
    }
}

const BLOCKS: &[char] = &[' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: &[char] = &[' ', '.', ':', '#'];

/// The curves one below the other on the same axes, each with its name. Every column shows the highest memory in it, or that
/// nothing was measured.
#[must_use]
pub fn term_charts(curves: &[(String, Curve)], look: Look) -> String {
    let points = || curves.iter().flat_map(|(_, curve)| &curve.points);
    let top = points().map(|point| point.memory).max().unwrap_or(Bytes::ZERO);
    let end = points().map(|point| point.at).max().unwrap_or(Duration::ZERO);
    let charts = curves.iter().map(|(name, curve)| chart(name, curve, top, end, look));
    charts.collect::<Vec<_>>().join("\n")
}

fn chart(name: &str, curve: &Curve, top: Bytes, end: Duration, look: Look) -> String {
    let mut name = plain(name, TITLE);
    if !look.unicode {
        name = name.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    }
    let Some(peak) = curve.highest() else { return format!("{name}: no samples\n") };
    let labels = [top, Bytes(top.0 / 2), Bytes::ZERO].map(|amount| amount.to_string());
    let margin = labels.iter().map(String::len).max().unwrap_or(0);
    let (full, axis) = (look.cells(), if look.unicode { ("┤", "└", "─") } else { ("|", "+", "-") });
    let columns = look.width.saturating_sub(margin + 2).max(FEWEST);
    let levels = columns_of(curve, columns, end);
    let steps = full.len() - 1;
    let heights: Vec<Option<usize>> =
        levels.iter().map(|level| level.map(|level| height(level, top, ROWS * steps))).collect();
    let mut out = format!("{name}: peak {} at {}", peak.memory, format_duration(peak.at));
    if heights.contains(&None) {
        let _ = write!(out, " ({} not measured)", look.gap());
    }
    out.push('\n');
    for row in (0..ROWS).rev() {
        let label = match row {
            _ if row == ROWS - 1 => &labels[0],
            _ if row == ROWS / 2 - 1 => &labels[1],
            _ => "",
        };
        let cell = |height: &Option<usize>| match height {
            Some(height) => full[height.saturating_sub(row * steps).min(steps)],
            None => look.gap(),
        };
        let cells: String = heights.iter().map(cell).collect();
        let cells = cells.trim_end();
        let cells = if look.colour && !cells.is_empty() {
            let style: Style = AnsiColor::Cyan.on_default();
            format!("{style}{cells}{style:#}")
        } else {
            cells.to_owned()
        };
        let _ = writeln!(out, "{label:>margin$} {}{cells}", axis.0);
    }
    let _ = writeln!(out, "{:>margin$} {}{}", labels[2], axis.1, axis.2.repeat(columns));
    let end = format_duration(end);
    let gap = columns.saturating_sub("0 s".width() + end.width());
    let _ = writeln!(out, "{:>margin$}  0 s{}{end}", "", " ".repeat(gap));
    out
}

/// The highest memory of each column, nothing before the first point. None of one that lies in a gap.
fn columns_of(curve: &Curve, columns: usize, end: Duration) -> Vec<Option<Bytes>> {
    let span = end.as_nanos().max(1);
    let levels =
        trace::columns(&curve.points, columns, |at| (at.as_nanos() * columns as u128 / span).min(1 << 16) as usize);
    let edge = |column: usize| end.mul_f64(column as f64 / columns as f64);
    let is_measured = |column: usize| curve.gap_at(edge(column)).is_none_or(|gap| gap.until < edge(column + 1));
    let levels = levels.into_iter().enumerate();
    levels.map(|(column, level)| is_measured(column).then_some(level.unwrap_or(Bytes::ZERO))).collect()
}

/// In steps of a cell; what is not nothing is seen.
pub(super) fn height(level: Bytes, top: Bytes, steps: usize) -> usize {
    let share = level.as_f64() / top.as_f64().max(1.0);
    let height = (share * steps as f64).round() as usize;
    if level > Bytes::ZERO { height.max(1) } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::baseline::example;
    use crate::trace::Gap;

    const PLAIN: Look = Look { width: 60, colour: false, unicode: true };

    /// Start-up, growth, a spike, an end.
    fn curve() -> Curve {
        let memory: Vec<u64> = (0..100)
            .map(|tick: u64| match tick {
                0..20 => tick * 10,
                70 => 400,
                95.. => 0,
                _ => 200 + tick,
            })
            .map(|mib| mib << 20)
            .collect();
        example::curve(100, &memory)
    }

    #[test]
    fn a_curve_is_drawn_within_sixty_columns() {
        insta::assert_snapshot!(term_charts(&[("ingest/run-1".to_owned(), curve())], PLAIN));
    }

    #[test]
    fn without_utf_8_it_is_ascii_and_several_share_their_axes() {
        let small = example::curve(50, &[1 << 20, 100 << 20, 50 << 20]);
        let both = [("one\x1b[31m\u{202e}".to_owned(), curve()), ("other".to_owned(), small)];
        let drawn = term_charts(&both, Look { unicode: false, ..PLAIN });
        assert!(drawn.is_ascii(), "{drawn}");
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn a_gap_is_shown_as_not_measured() {
        let mut curve = curve();
        let (from, until) = (Duration::from_millis(3000), Duration::from_millis(5000));
        curve.points.retain(|point| point.at <= from || point.at >= until);
        curve.gaps.push(Gap { from, until });
        insta::assert_snapshot!(term_charts(&[("ingest/run-1".to_owned(), curve)], PLAIN));
    }

    #[test]
    fn nothing_is_drawn_of_no_samples() {
        assert_eq!(term_charts(&[("none".to_owned(), Curve::default())], PLAIN), "none: no samples\n");
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let curves = [("a".to_owned(), curve())];
        let coloured = term_charts(&curves, Look { colour: true, ..PLAIN });
        assert_eq!(coloured.replace("\x1b[36m", "").replace("\x1b[0m", ""), term_charts(&curves, PLAIN));
    }

    proptest! {
        #[test]
        fn the_highest_of_every_column_is_drawn_and_no_line_is_wider_than_the_terminal(
            memory in prop::collection::vec(0u64..1 << 40, 1..300), width in 40usize..200
        ) {
            let curve = example::curve(10, &memory);
            let columns = 16 + width % 50;
            let end = Duration::from_millis(10 * (memory.len() as u64 - 1));
            let levels = columns_of(&curve, columns, end);
            prop_assert_eq!(levels.into_iter().flatten().max(), curve.points.iter().map(|point| point.memory).max());
            let drawn = term_charts(&[("x".to_owned(), curve)], Look { width, ..PLAIN });
            prop_assert!(drawn.lines().all(|line| line.width() <= width), "{}", drawn);
        }
    }
}
