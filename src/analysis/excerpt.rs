//! The log lines that are worth a place beside the curve: a few hundred of any number.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use super::top::Top;
use crate::trace::{Curve, LeftOut, LogLine, LogRow};
use crate::units::Bytes;

/// A log of so many lines is shown whole.
const WHOLE: u64 = 400;
/// Of a longer one: the line with the largest rise after it in each of so many equal stretches of the run,
const STRETCHES: usize = 192;
/// the first line of each kind, so many of them,
const KINDS: usize = 128;
/// and the largest rises anywhere.
const RISES: usize = 64;
/// Further kinds are not told apart.
const KINDS_KNOWN: usize = 1 << 16;
/// So many characters of a line are kept.
const LONGEST: usize = 400;

/// Some lines of a log, and how many there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// In the order of time.
    pub lines: Vec<ExcerptLine>,
    /// How many the log has.
    pub all: u64,
    /// Lines that were printed and are not in the log; those are in no count.
    pub left_out: Vec<LeftOut>,
}

/// A line and why it may be worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcerptLine {
    /// The line; a long one is cut and ends with `…`.
    pub line: LogLine,
    /// How high the curve is there.
    pub level: Bytes,
    /// How far the curve rises at the most until the next line was printed; zero where it does not.
    pub rise: Bytes,
}

/// Chooses lines as they pass, in bounded memory.
///
/// All of them where there are at most 400. Of more: in each of 192 equal stretches of the run the line after which memory
/// rose most; the first line of each kind, up to 128; the 64 with the largest rises; and the last before the peak.
#[derive(Debug)]
pub struct ExcerptBuilder<'a> {
    levels: Levels<'a>,
    end: Duration,
    peak_at: Duration,
    all: u64,
    /// Its rise is known once the next has come.
    waiting: Option<Waiting>,
    /// All lines, while they are few.
    whole: Vec<ExcerptLine>,
    stretches: Vec<Option<(Key, ExcerptLine)>>,
    kinds: Top<Key, ExcerptLine>,
    known: HashSet<u64>,
    rises: Top<Key, ExcerptLine>,
    before_peak: Option<(Key, ExcerptLine)>,
    left_out: Vec<LeftOut>,
}

/// The rise, then the place in the log: of equal rises, the earlier line counts for more.
type Key = (Bytes, Reverse<u64>);

#[derive(Debug)]
struct Waiting {
    line: LogLine,
    level: Bytes,
    is_new: bool,
}

impl<'a> ExcerptBuilder<'a> {
    /// Of a run that lasted until `end`.
    #[must_use]
    pub fn new(curve: &'a Curve, end: Duration) -> Self {
        Self {
            levels: Levels { curve, next: 0, passed: Bytes::ZERO },
            end,
            peak_at: curve.highest().map_or(Duration::ZERO, |point| point.at),
            all: 0,
            waiting: None,
            whole: Vec::new(),
            stretches: vec![None; STRETCHES],
            kinds: Top::new(KINDS),
            known: HashSet::new(),
            rises: Top::new(RISES),
            before_peak: None,
            left_out: Vec::new(),
        }
    }

    /// Takes what stands next in the log.
    pub fn push(&mut self, row: LogRow) {
        let level = self.levels.at(row.at());
        self.settle(level);
        let line = match row {
            LogRow::Line(line) => line,
            LogRow::LeftOut(gap) => {
                // What rises meanwhile is no line's.
                self.levels.at(gap.until.min(self.end));
                self.levels.passed = Bytes::ZERO;
                self.left_out.push(gap);
                return;
            }
        };
        let level = self.levels.at(line.at);
        self.levels.passed = Bytes::ZERO;
        let is_new = self.known.len() < KINDS_KNOWN && self.known.insert(kind(&line.text));
        self.waiting = Some(Waiting { line, level, is_new });
    }

    /// What was chosen.
    #[must_use]
    pub fn finish(mut self) -> Excerpt {
        let last = self.levels.at(self.end);
        self.settle(last);
        let mut lines = self.whole;
        if self.all > WHOLE {
            if let Some((_, last)) = &mut self.before_peak {
                last.line = cut(&last.line);
            }
            let by_stretch = self.stretches.into_iter().chain([self.before_peak]).flatten();
            let all = by_stretch.chain(self.kinds.into_iter()).chain(self.rises.into_iter());
            let chosen: BTreeMap<u64, ExcerptLine> = all.map(|((_, index), line)| (index.0, line)).collect();
            lines = chosen.into_values().collect();
        }
        // A line that was printed in parts stands after younger ones, and so may those of a file.
        lines.sort_by_key(|line| line.line.at);
        Excerpt { lines, all: self.all, left_out: self.left_out }
    }

    /// Finds the waiting line its places, now that the level at the next is known.
    fn settle(&mut self, next: Bytes) {
        let Some(Waiting { line, level, is_new }) = self.waiting.take() else { return };
        let highest = std::mem::take(&mut self.levels.passed).max(next);
        let (index, rise) = (self.all, highest.saturating_sub(level));
        let key = (rise, Reverse(index));
        let told = |line: &LogLine| ExcerptLine { line: cut(line), level, rise };
        self.all += 1;
        if self.all <= WHOLE {
            self.whole.push(told(&line));
        } else {
            self.whole.clear();
        }
        let share = line.at.as_secs_f64() / self.end.as_secs_f64().max(1e-9);
        let stretch = ((share * STRETCHES as f64) as usize).min(STRETCHES - 1);
        if self.stretches[stretch].as_ref().is_none_or(|best| key > best.0) {
            self.stretches[stretch] = Some((key, told(&line)));
        }
        self.rises.offer(key, || told(&line));
        if is_new {
            self.kinds.offer(key, || told(&line));
        }
        let is_last = |last: &(Key, ExcerptLine)| last.1.line.at <= line.at;
        if line.at <= self.peak_at && self.before_peak.as_ref().is_none_or(is_last) {
            self.before_peak = Some((key, ExcerptLine { line, level, rise }));
        }
    }
}

fn cut(line: &LogLine) -> LogLine {
    let text = match line.text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line.text[..end]),
        None => line.text.clone(),
    };
    LogLine { text, ..line.clone() }
}

/// The same for lines that differ only in words with digits, in paths and in what is quoted. Cheaper than a template, and less
/// exact: it chooses lines, and nothing is counted by it.
fn kind(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for word in text.split_ascii_whitespace().take(32) {
        let varies =
            word.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b'/' | b'\\' | b'"' | b'\'' | b'`'));
        if varies { "" } else { word }.hash(&mut hasher);
    }
    hasher.finish()
}

/// The curve's level at instants that mostly come in order.
#[derive(Debug)]
struct Levels<'a> {
    curve: &'a Curve,
    /// The first point after the last instant asked for.
    next: usize,
    /// The highest point gone over since it was last taken: a spike between two lines is none of their levels.
    passed: Bytes,
}

impl Levels<'_> {
    /// On the straight line between the points around the instant; at the ends, the nearest point's; in a gap, that before it.
    fn at(&mut self, at: Duration) -> Bytes {
        let points = &self.curve.points;
        if self.next > 0 && points[self.next - 1].at > at {
            self.next = points.partition_point(|point| point.at <= at);
        }
        while let Some(point) = points.get(self.next).filter(|point| point.at <= at) {
            self.passed = self.passed.max(point.memory);
            self.next += 1;
        }
        let before = self.next.checked_sub(1).and_then(|index| points.get(index));
        match (before, points.get(self.next)) {
            (Some(one), Some(other)) if self.curve.gap_at(at).is_none() => {
                let share = (at - one.at).as_secs_f64() / (other.at - one.at).as_secs_f64();
                let level = one.memory.as_f64() + (other.memory.as_f64() - one.memory.as_f64()) * share;
                Bytes(level.round() as u64)
            }
            (Some(only), _) | (None, Some(only)) => only.memory,
            (None, None) => Bytes::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Gap, SamplePoint, Stream};
    use proptest::prelude::*;

    fn line(millis: u64, text: &str) -> LogLine {
        LogLine { at: Duration::from_millis(millis), stream: Stream::Stdout, text: text.to_owned() }
    }

    /// Flat, but for rises of so many bytes from so many milliseconds on, each within one.
    fn curve(rises: &[(u64, u64)]) -> Curve {
        let point = |millis, memory| SamplePoint { at: Duration::from_millis(millis), memory: Bytes(memory) };
        let (mut points, mut level) = (vec![point(0, 1000)], 1000);
        for (at, rise) in rises {
            points.push(point(*at, level));
            level += rise;
            points.push(point(at + 1, level));
        }
        Curve { points, gaps: Vec::new() }
    }

    fn excerpt(curve: &Curve, end: u64, lines: impl IntoIterator<Item = LogLine>) -> Excerpt {
        let mut builder = ExcerptBuilder::new(curve, Duration::from_millis(end));
        lines.into_iter().for_each(|line| builder.push(LogRow::Line(line)));
        builder.finish()
    }

    #[test]
    fn a_short_log_is_shown_whole_with_the_rise_after_each_line() {
        let told = excerpt(&curve(&[(5, 70), (15, 30)]), 20, [line(4, "load"), line(12, "sort"), line(18, "done")]);
        let told: Vec<_> = told.lines.iter().map(|line| (line.line.text.as_str(), line.rise.0)).collect();
        assert_eq!(told, [("load", 70), ("sort", 30), ("done", 0)]);
    }

    #[test]
    fn a_spike_that_is_over_by_the_next_line_or_the_end_counts_as_a_rise() {
        let point = |millis, memory| SamplePoint { at: Duration::from_millis(millis), memory: Bytes(memory) };
        let points = vec![point(0, 10), point(5, 90), point(6, 10), point(15, 70), point(16, 5)];
        let told =
            excerpt(&Curve { points, gaps: Vec::new() }, 20, [line(4, "sort"), line(8, "wait"), line(14, "write")]);
        let rises: Vec<_> = told.lines.iter().map(|line| (line.line.text.as_str(), line.rise.0 > 0)).collect();
        assert_eq!(rises, [("sort", true), ("wait", true), ("write", true)]);
        assert_eq!(told.lines[0].rise + told.lines[0].level, Bytes(90));
    }

    #[test]
    fn a_rise_in_a_gap_is_seen_at_its_end_and_belongs_to_the_last_line_before() {
        let at = Duration::from_millis;
        let points =
            vec![SamplePoint { at: at(0), memory: Bytes(10) }, SamplePoint { at: at(8000), memory: Bytes(90) }];
        let curve = Curve { points, gaps: vec![Gap { from: at(0), until: at(8000) }] };
        let told = excerpt(&curve, 9000, [line(2000, "load"), line(6000, "sort"), line(8500, "done")]);
        let told: Vec<_> = told.lines.iter().map(|line| (line.level.0, line.rise.0)).collect();
        assert_eq!(told, [(10, 0), (10, 80), (90, 0)]);
    }

    #[test]
    fn of_a_long_log_the_lines_at_rises_the_new_ones_and_some_of_every_stretch_are_shown() {
        let curve = curve(&[(50_005, 70), (500_005, 900), (500_015, 500), (500_025, 700)]);
        let lines = (0..100_000).map(|tick| match tick {
            77_777 => line(tick * 10, "cache is full"),
            _ => line(tick * 10, &format!("tick {tick}")),
        });
        let told = excerpt(&curve, 1_000_000, lines);
        assert_eq!(told.all, 100_000);
        assert!((192..=400).contains(&told.lines.len()), "{}", told.lines.len());
        let has = |text: &str| told.lines.iter().any(|line| line.line.text == text);
        for text in ["tick 0", "tick 5000", "tick 50000", "tick 50001", "tick 50002", "cache is full"] {
            assert!(has(text), "{text}");
        }
        let gaps = told.lines.windows(2).map(|pair| pair[1].line.at - pair[0].line.at);
        assert!(gaps.max() <= Some(Duration::from_secs(11)), "no stretch is empty");
    }

    #[test]
    fn what_rises_where_lines_were_left_out_is_no_lines() {
        let curve = curve(&[(5, 70), (15, 900), (25, 30)]);
        let mut builder = ExcerptBuilder::new(&curve, Duration::from_millis(30));
        let gap = LeftOut { from: Duration::from_millis(10), until: Duration::from_millis(20), lines: 7 };
        let rows = [LogRow::Line(line(4, "load")), LogRow::LeftOut(gap), LogRow::Line(line(20, "done"))];
        rows.into_iter().for_each(|row| builder.push(row));
        let told = builder.finish();
        let rises: Vec<_> = told.lines.iter().map(|line| (line.line.text.as_str(), line.rise.0)).collect();
        assert_eq!((rises.as_slice(), told.all), ([("load", 70), ("done", 30)].as_slice(), 2));
        assert_eq!(told.left_out, [gap]);
    }

    #[test]
    fn the_last_line_before_the_peak_is_shown() {
        let lines = (0..5_000).map(|tick| line(tick * 10, &format!("tick {tick}")));
        let told = excerpt(&curve(&[(5, 1), (30_002, 5_000)]), 50_000, lines);
        assert!(told.lines.iter().any(|line| line.line.text == "tick 3000"));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let told = excerpt(&curve(&[]), 10, [line(1, &"é".repeat(100_000))]);
        assert_eq!(told.lines[0].line.text, format!("{}…", "é".repeat(LONGEST)));
    }

    proptest! {
        #[test]
        fn any_log_gives_a_bounded_excerpt_in_order(
            lines in prop::collection::vec((0u64..10_000, "[a-c]{1,2}( [0-9]{1,3})?"), 0..900), end in 0u64..12_000
        ) {
            let count = lines.len();
            let told = excerpt(&curve(&[(10, 5), (4_000, 50)]), end, lines.iter().map(|(at, text)| line(*at, text)));
            prop_assert_eq!(told.all, count as u64);
            prop_assert!(told.lines.len() == count || (count > 400 && told.lines.len() <= 400));
            prop_assert!(told.lines.is_sorted_by_key(|line| line.line.at));
        }
    }
}
