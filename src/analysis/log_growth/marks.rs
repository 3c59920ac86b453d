//! Where in a run the lines of each template stand, and how high the curve is there.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;

use super::super::templates::{TemplateId, Templates};
use crate::trace::{LogRow, Sample};

/// So many marks are held, 32 bytes each.
const MOST: usize = 1 << 20;
/// Lines of one template are one mark where they stand as close as this: closer than two readings of the memory.
const CLOSE: u64 = 1_000;

/// Where a line stands; where lines of its template stand close together, the first of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// Microseconds since launch.
    pub(super) at: u64,
    pub(super) template: TemplateId,
    /// The metric at the mark, in bytes: see [`read_levels`].
    pub(super) level: f64,
    /// The most that it reached until the next mark, in bytes.
    pub(super) peak: f64,
}

/// What stands in the place of lines that were left out.
pub(super) const LEFT_OUT: TemplateId = TemplateId::MAX;

/// A stretch of the run whose lines were left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    /// Microseconds since launch; there are lines again from `until` on.
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) lines: u64,
}

/// All lines of a log as marks in the order of time, with the templates that they belong to in the end, and its gaps.
///
/// A gap has one mark, at its beginning: what stands within it is of another log, and knows only a part.
pub(super) fn read_log(
    log: impl IntoIterator<Item = Result<LogRow>>,
    templates: &mut Templates,
) -> Result<(Vec<Mark>, Vec<Gap>)> {
    let mut marks = Thinned { marks: Vec::new(), latest: HashMap::new(), stretch: CLOSE };
    let mut gaps: Vec<Gap> = Vec::new();
    for row in log {
        let line = match row? {
            LogRow::Line(line) => line,
            LogRow::LeftOut(gap) => {
                gaps.push(Gap { from: micros(gap.from), until: micros(gap.until), lines: gap.lines });
                continue;
            }
        };
        let (at, template) = (micros(line.at), templates.take(&line.text));
        marks.push(at, template);
        while marks.marks.len() > MOST {
            marks.stretch *= 2;
            for mark in marks.take() {
                marks.push(mark.at, templates.resolve(mark.template));
            }
        }
    }
    // Templates that were joined later on are one now, also where their lines stand close.
    for mark in marks.take() {
        marks.push(mark.at, templates.resolve(mark.template));
    }
    let mut marks = marks.marks;
    if !gaps.is_empty() {
        marks.retain(|mark| !gaps.iter().any(|gap| gap.holds(mark.at)));
        marks.extend(gaps.iter().map(|gap| Mark { at: gap.from, template: LEFT_OUT, level: 0.0, peak: 0.0 }));
    }
    // A line that was printed in parts stands after younger ones, and so may those of a file.
    marks.sort_by_key(|mark| mark.at);
    Ok((marks, gaps))
}

impl Gap {
    pub(super) const fn holds(&self, at: u64) -> bool {
        self.from <= at && at < self.until
    }
}

pub(super) fn micros(at: Duration) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or(u64::MAX)
}

struct Thinned {
    marks: Vec<Mark>,
    /// The stretch in which each template had its latest mark.
    latest: HashMap<TemplateId, u64>,
    stretch: u64,
}

impl Thinned {
    fn push(&mut self, at: u64, template: TemplateId) {
        if self.latest.insert(template, at / self.stretch) != Some(at / self.stretch) {
            self.marks.push(Mark { at, template, level: 0.0, peak: 0.0 });
        }
    }

    fn take(&mut self) -> Vec<Mark> {
        self.latest.clear();
        std::mem::take(&mut self.marks)
    }
}

/// A row of the trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Microseconds since launch.
    pub(super) at: u64,
    /// The metric, in bytes.
    pub(super) level: f64,
}

/// Reads the rows, gives each mark its level and its peak, and shows every row to `each`. Returns the level of the
/// first row and the last.
///
/// Between two rows, nobody knows when the memory was taken. A program says what it is about to do and then does it, so
/// it counts as taken evenly from the first mark after the earlier row on.
pub(super) fn read_levels(
    marks: &mut [Mark],
    samples: impl IntoIterator<Item = Result<Sample>>,
    mut each: impl FnMut(&[Mark], Row),
) -> Result<Option<(f64, f64)>> {
    let mut ends: Option<(f64, f64)> = None;
    let mut earlier: Option<Row> = None;
    let mut next = 0;
    for sample in samples {
        let sample = sample?;
        let row = Row { at: micros(sample.at), level: sample.memory.as_f64() };
        let before = earlier.unwrap_or(row);
        let first = next;
        while marks.get(next).is_some_and(|mark| mark.at < row.at) {
            let begin = marks[first].at;
            let share = (marks[next].at - begin) as f64 / (row.at - begin) as f64;
            let level = before.level + (row.level - before.level) * share;
            (marks[next].level, marks[next].peak) = (level, level);
            next += 1;
        }
        if let Some(mark) = next.checked_sub(1) {
            marks[mark].peak = marks[mark].peak.max(sample.peak.as_f64());
        }
        each(marks, row);
        ends = Some((ends.map_or(row.level, |(first, _)| first), row.level));
        earlier = Some(row);
    }
    for mark in &mut marks[next..] {
        // After the last row: nothing is known but that.
        let level = ends.map_or(0.0, |(_, last)| last);
        (mark.level, mark.peak) = (level, level);
    }
    Ok(ends)
}
