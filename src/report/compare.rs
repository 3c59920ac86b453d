//! Two results side by side: what moved, and by how much.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::escape::plain;
use super::table::{Middle, middle};
use crate::analysis::LogGrowth;
use crate::units::{Bytes, Percent, SignedBytes, format_duration};
use crate::verdict::{Judged, Measure, Subject};

/// A workload on both sides.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The earlier one.
    pub base: Side<'a>,
    /// The later one.
    pub head: Side<'a>,
}

/// A workload on one side.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Its runs and what was measured of them.
    pub judged: &'a Judged,
    /// After which lines its memory was taken.
    pub log_growth: Option<&'a LogGrowth>,
}

/// So many lines of a log are told.
const LINES: usize = 5;
/// A difference of less is noise in any program.
const WORTH_TELLING: Bytes = Bytes(64 << 10);

/// The medians of both sides in a table, then the log lines after which the memory moved most.
#[must_use]
pub fn compare(pairs: &[Pair<'_>], width: usize) -> String {
    let mut rows = vec![["workload", "measure", "base", "head", "change", ""].map(str::to_owned)];
    for pair in pairs {
        rows.extend(measures(pair));
    }
    let widths: Vec<usize> =
        (0..6).map(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.width());
            // Names begin and numbers end at the same place.
            line += &if column < 2 { format!("{cell}{pad}  ") } else { format!("{pad}{cell}  ") };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for pair in pairs {
        lines(&mut out, pair, width);
    }
    out
}

/// The rows of a workload: its name, the measure, base, head, the change and its percentage.
pub(super) fn measures(pair: &Pair<'_>) -> Vec<[String; 6]> {
    let name = plain(&pair.head.judged.name, 40);
    let mut rows = Vec::new();
    for measure in Measure::ALL {
        let subject = Subject { phase: None, measure };
        let (base, head) = (middle(&subject, &pair.base.judged.runs), middle(&subject, &pair.head.judged.runs));
        if base.is_none() && head.is_none() {
            continue;
        }
        let value = |middle: &Option<Middle>| middle.as_ref().map(|middle| middle.value);
        let (change, percent) = match value(&base).zip(value(&head)) {
            Some((base, head)) => {
                let percent = Percent::change(base, head).map_or_else(String::new, Percent::signed);
                (head.minus(base).signed(), percent)
            }
            None => (String::new(), String::new()),
        };
        let shown = |middle: Option<Middle>| middle.map_or_else(|| "not measured".to_owned(), |middle| middle.text);
        rows.push([name.clone(), measure.name().to_owned(), shown(base), shown(head), change, percent]);
    }
    let duration = |side: &Side<'_>| {
        let mut all: Vec<_> = side.judged.runs.iter().map(|run| run.measures.duration).collect();
        all.sort_unstable();
        all.get(all.len().saturating_sub(1) / 2).copied().map_or_else(String::new, format_duration)
    };
    let [base, head] = [duration(&pair.base), duration(&pair.head)];
    rows.push([name, "duration".into(), base, head, String::new(), String::new()]);
    rows
}

/// Where in the log memory was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place<'a> {
    BeforeFirstLine,
    /// After lines of this template; a workload's own text, not escaped.
    AfterLine(&'a str),
    /// While lines were left out of the log.
    NotInTheLog,
}

impl Place<'_> {
    /// In words, where it is no line.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::BeforeFirstLine => "before the first line",
            Self::AfterLine(_) => "after a line",
            Self::NotInTheLog => "where lines are not in the log",
        }
    }
}

/// Where more, or less, was taken than before, the largest change first.
pub(super) fn moved<'a>(pair: &Pair<'a>) -> Vec<(SignedBytes, Place<'a>)> {
    let (Some(base), Some(head)) = (pair.base.log_growth, pair.head.log_growth) else { return Vec::new() };
    let rise = |growth: &LogGrowth, template: &str| {
        growth.templates.iter().find(|other| other.template == template).map(|other| other.rise)
    };
    let mut moved: Vec<(SignedBytes, Place<'a>)> = Vec::new();
    for template in &head.templates {
        // What is not among those told one by one rose by less than the least of them: as nothing, as far as is known.
        let before = rise(base, &template.template).unwrap_or_default();
        moved.push((template.rise - before, Place::AfterLine(&template.template)));
    }
    for template in base.templates.iter().filter(|template| rise(head, &template.template).is_none()) {
        moved.push((Bytes::ZERO - template.rise, Place::AfterLine(&template.template)));
    }
    moved.push((head.before_first_line - base.before_first_line, Place::BeforeFirstLine));
    moved.push((head.unseen.rise - base.unseen.rise, Place::NotInTheLog));
    moved.retain(|(change, _)| change.magnitude() >= WORTH_TELLING);
    moved.sort_by_key(|(change, place)| (std::cmp::Reverse(change.magnitude()), *place));
    moved
}

fn lines(out: &mut String, pair: &Pair<'_>, width: usize) {
    let moved = moved(pair);
    if moved.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nwhat moved, by log line of `{}`:", plain(&pair.head.judged.name, 64));
    let amounts: Vec<String> = moved.iter().take(LINES).map(|(change, _)| change.to_string()).collect();
    let widest = amounts.iter().map(|amount| amount.width()).max().unwrap_or(0);
    for (amount, (_, place)) in amounts.iter().zip(&moved) {
        let what = match *place {
            Place::AfterLine(template) => format!("\"{}\"", template.trim()),
            place => place.words().to_owned(),
        };
        let _ = writeln!(out, "  {amount:>widest$}  {}", plain(&what, width.saturating_sub(widest + 4).max(20)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{OtherTemplates, Unseen};
    use crate::baseline::{Found, example};
    use crate::verdict::{Limits, judge};

    #[test]
    fn what_was_taken_while_lines_were_left_out_of_a_log_is_told_as_that() {
        let judged =
            judge(example::key("a"), Vec::new(), &Limits::default(), Found::Missing { why: String::new() }, false);
        let growth = |mib| LogGrowth {
            total: Bytes::from_mib(60),
            unseen: Unseen { lines: 7, rise: Bytes::from_mib(mib) },
            before_first_line: Bytes::from_mib(5),
            templates: Vec::new(),
            others: OtherTemplates { templates: Some(0), lines: 0, rise: Bytes::ZERO },
        };
        let (base, head) = (growth(1), growth(40));
        let side = |log_growth| Side { judged: &judged, log_growth: Some(log_growth) };
        let pair = Pair { base: side(&base), head: side(&head) };
        assert_eq!(moved(&pair), [(Bytes::from_mib(40) - Bytes::from_mib(1), Place::NotInTheLog)]);
        let mut out = String::new();
        lines(&mut out, &pair, 80);
        assert!(out.contains("39.0 MiB  where lines are not in the log"), "{out}");
    }
}
