//! What is said of a run while it lasts.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::escape::fit;
use super::term_chart::{Look, height};
use crate::units::{Bytes, format_duration};

/// Columns of a workload's name, at most.
const NAME: usize = 20;
/// Columns of the curve: a full one is thinned to half of them.
const WIDEST: usize = 32;
/// A shorter curve says nothing.
const NARROWEST: usize = 8;

/// A run at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since launch.
    pub lasted: Duration,
    /// Now.
    pub memory: Bytes,
    /// The most so far.
    pub peak: Bytes,
}

/// A run under way, as one line.
#[derive(Debug)]
pub struct Live {
    name: String,
    curve: Vec<Bytes>,
    /// How many looks make a column, and how many the last one still lacks.
    looks: u32,
    lacks: u32,
}

impl Live {
    /// Of a workload.
    #[must_use]
    pub fn new(workload: &str) -> Self {
        Self { name: fit(workload, NAME), curve: Vec::new(), looks: 1, lacks: 0 }
    }

    /// Adds to the curve the most there was since the last look. Looks are equally far apart.
    pub fn look(&mut self, highest: Bytes) {
        match self.curve.last_mut() {
            Some(last) if self.lacks > 0 => *last = (*last).max(highest),
            _ => {
                if self.curve.len() == WIDEST {
                    let halved = self.curve.chunks(2).map(|pair| pair.iter().copied().max().unwrap_or(Bytes::ZERO));
                    self.curve = halved.collect();
                    self.looks = self.looks.saturating_mul(2);
                }
                self.curve.push(highest);
                self.lacks = self.looks;
            }
        }
        self.lacks -= 1;
    }

    /// As a line for a terminal, shorter than that is wide: what does not fit is left out, the least important first.
    #[must_use]
    pub fn line(&self, now: Moment, look: Look) -> String {
        let columns = look.width.saturating_sub(1);
        let name = if look.unicode { self.name.clone() } else { ascii(&self.name) };
        let lasted = format!("{:>6}", format_duration(now.lasted));
        let (memory, peak) =
            (format!("now {:>10}", now.memory.to_string()), format!("peak {:>10}", now.peak.to_string()));
        let parts = [name.as_str(), &lasted, &memory, &peak];
        let kept: &[&str] = [&parts[..], &parts[1..], &parts[2..], &parts[2..3]]
            .into_iter()
            .find(|parts| width(parts) <= columns)
            .unwrap_or_default();
        let room = columns.saturating_sub(width(kept) + SPACE.len());
        let mut line = kept.join(SPACE);
        if kept.len() == parts.len() {
            let dim = |text: &str| {
                if look.colour { format!("{0}{text}{0:#}", Style::new().dimmed()) } else { text.to_owned() }
            };
            line.replace_range(..name.len(), &dim(&name));
            let (curve, style) = (self.drawn(room, look), AnsiColor::Cyan.on_default());
            if !curve.is_empty() {
                line += SPACE;
                line += &if look.colour { format!("{style}{curve}{style:#}") } else { curve };
            }
        }
        line
    }

    /// The curve so far, of a character for each column.
    fn drawn(&self, columns: usize, look: Look) -> String {
        if columns < NARROWEST {
            return String::new();
        }
        let cells = look.cells();
        let top = self.curve.iter().copied().max().unwrap_or(Bytes::ZERO);
        let each = self.curve.len().div_ceil(columns).max(1);
        let levels = self.curve.chunks(each).map(|some| some.iter().copied().max().unwrap_or(Bytes::ZERO));
        levels.map(|level| cells[height(level, top, cells.len() - 1)]).collect()
    }

    /// As a sentence, for a log.
    #[must_use]
    pub fn sentence(&self, now: Moment) -> String {
        format!("{}: {}, {} now, peak {}", self.name, format_duration(now.lasted), now.memory, now.peak)
    }
}

const SPACE: &str = "  ";

fn width(parts: &[&str]) -> usize {
    parts.iter().map(|part| part.width()).sum::<usize>() + SPACE.len() * parts.len().saturating_sub(1)
}

fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Look = Look { width: 100, colour: false, unicode: true };

    fn moment(seconds: u64, memory: u64, peak: u64) -> Moment {
        Moment { lasted: Duration::from_secs(seconds), memory: Bytes::from_mib(memory), peak: Bytes::from_mib(peak) }
    }

    /// A ramp, a spike, a plateau.
    fn live(name: &str) -> Live {
        let mut live = Live::new(name);
        (0..24)
            .map(|look| if look == 14 { 400 } else { 20 * look.min(10) })
            .map(Bytes::from_mib)
            .for_each(|m| live.look(m));
        live
    }

    #[test]
    fn the_line_has_less_the_narrower_the_terminal() {
        let live = live("ingest\x1b[31m");
        let lines: Vec<String> = [100, 80, 60, 45, 35, 20, 10]
            .into_iter()
            .map(|width| live.line(moment(6, 200, 400), Look { width, ..PLAIN }))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let (live, now) = (live("ingest"), moment(6, 200, 400));
        let coloured = live.line(now, Look { colour: true, ..PLAIN });
        let codes = ["\x1b[2m", "\x1b[36m", "\x1b[0m"];
        assert!(codes.iter().all(|code| coloured.contains(code)), "{coloured:?}");
        assert_eq!(codes.iter().fold(coloured, |line, code| line.replace(code, "")), live.line(now, PLAIN));
    }

    #[test]
    fn a_sentence_has_the_same_without_the_curve() {
        assert_eq!(live("ingest").sentence(moment(3660, 200, 400)), "ingest: 1 h 1 min, 200.0 MiB now, peak 400.0 MiB");
    }

    #[test]
    fn without_utf_8_the_line_is_ascii() {
        let line = live("größe").line(moment(6, 200, 400), Look { unicode: false, ..PLAIN });
        assert!(line.is_ascii() && line.contains("#"), "{line}");
    }

    proptest! {
        #[test]
        fn however_long_a_run_its_curve_is_short_and_has_its_peak(memory in prop::collection::vec(0u64..1 << 40, 1..2000)) {
            let mut live = Live::new("x");
            memory.iter().for_each(|memory| live.look(Bytes(*memory)));
            prop_assert!(live.curve.len() <= WIDEST);
            prop_assert!(live.curve.len() >= memory.len().min(WIDEST / 2));
            prop_assert_eq!(live.curve.iter().max().map(|bytes| bytes.0), memory.iter().max().copied());
        }

        #[test]
        fn the_line_is_shorter_than_the_terminal_is_wide(
            name in ".{0,40}", width in 1usize..200, memory in 0u64..u64::MAX, seconds in 0u64..1 << 32, unicode: bool
        ) {
            let line = live(&name).line(
                Moment { lasted: Duration::from_secs(seconds), memory: Bytes(memory), peak: Bytes(memory) },
                Look { width, colour: false, unicode },
            );
            prop_assert!(line.width() < width, "{line}");
            prop_assert!(!line.contains(char::is_control));
        }
    }
}
