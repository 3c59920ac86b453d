//! The log lines beside the curve.

use super::Detail;
use super::markup::Markup;
use crate::analysis::{Excerpt, ExcerptLine};
use crate::trace::Stream;
use crate::units::{Bytes, format_duration};

/// A list of lines with their times, and what was left out of it. `peak` is that of the run, `source` whose lines they are.
/// Nothing where there are none.
pub(super) fn list(html: &mut Markup, excerpt: &Excerpt, peak: Bytes, source: &str, detail: &Detail) {
    let lines = picked(&excerpt.lines, detail.lines);
    if lines.is_empty() {
        return;
    }
    html.open("section", &[("class", "log")]);
    html.element("h3", &[], "Log lines");
    html.element("p", &[("class", "note")], &what(excerpt, lines.len(), source));
    html.open("ol", &[("class", "lines")]);
    for line in lines {
        let at = format!("{:.6}", line.line.at.as_secs_f64());
        html.open("li", &[("class", heat(line.rise, peak)), ("data-at", &at)]);
        html.element("span", &[("class", "at")], &format_duration(line.line.at));
        html.element("span", &[("class", "level")], &line.level.to_string());
        html.element("span", &[("class", "text")], &cut(&line.line.text, detail.characters));
        if let Some(stream) = stream(&line.line.stream) {
            html.element("span", &[("class", "stream")], &cut(stream, STREAM));
        }
        html.close("li");
    }
    html.close("ol");
    html.close("section");
}

fn what(excerpt: &Excerpt, shown: usize, source: &str) -> String {
    let mut text = if shown as u64 == excerpt.all {
        format!("All {shown} lines of {source}.")
    } else {
        format!(
            "{shown} of {} lines of {source}: those beside the largest rises, the first of each kind, and some of every \
             stretch of the run. The others are in its log.csv.",
            grouped(excerpt.all)
        )
    };
    for gap in &excerpt.left_out {
        let (from, until) = (format_duration(gap.from), format_duration(gap.until));
        let lines = grouped(gap.lines);
        text +=
            &format!(" The log is too large to be kept whole: {lines} lines between {from} and {until} are not in it.");
    }
    text + " Each with the memory at its time; a mark before it says that much was taken after it."
}

/// The longest name of a log file beside a line.
const STREAM: usize = 40;

/// `1,000,000`
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How much of the peak was taken after the line.
fn heat(rise: Bytes, peak: Bytes) -> &'static str {
    match rise.as_f64() / peak.as_f64().max(1.0) {
        0.2.. => "rise-3",
        0.05.. => "rise-2",
        0.01.. => "rise-1",
        _ => "rise-0",
    }
}

/// Standard output goes without saying.
fn stream(stream: &Stream) -> Option<&str> {
    match stream {
        Stream::Stdout => None,
        Stream::Stderr => Some("stderr"),
        Stream::File(name) => Some(name),
    }
}

pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// At most so many, in their order: half of them those with the largest rises, the others as evenly as can be.
fn picked(lines: &[ExcerptLine], most: usize) -> Vec<&ExcerptLine> {
    if lines.len() <= most {
        return lines.iter().collect();
    }
    let mut by_rise: Vec<usize> = (0..lines.len()).collect();
    by_rise.sort_by_key(|index| (std::cmp::Reverse(lines[*index].rise), *index));
    let (high, rest) = by_rise.split_at(most / 2);
    let mut rest = rest.to_vec();
    rest.sort_unstable();
    let count = most - high.len();
    let even = (0..count).filter_map(|index| rest.get(index * rest.len() / count.max(1)).copied());
    let mut all: Vec<usize> = high.iter().copied().chain(even).collect();
    all.sort_unstable();
    all.into_iter().map(|index| &lines[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{LeftOut, LogLine};
    use std::time::Duration;

    fn line(second: u64, rise: u64) -> ExcerptLine {
        let line = LogLine { at: Duration::from_secs(second), stream: Stream::Stdout, text: format!("line {second}") };
        ExcerptLine { line, level: Bytes(5), rise: Bytes(rise) }
    }

    #[test]
    fn fewer_lines_are_half_the_highest_rises_and_half_an_even_choice() {
        let lines: Vec<ExcerptLine> = (0..100).map(|second| line(second, u64::from(second % 50 == 49) * 9)).collect();
        let seconds: Vec<u64> = picked(&lines, 4).iter().map(|line| line.line.at.as_secs()).collect();
        assert_eq!(seconds, [0, 49, 50, 99]);
        assert_eq!(picked(&lines, 0).len(), 0);
        assert_eq!(picked(&lines, 200).len(), 100);
    }

    #[test]
    fn what_was_left_out_is_said() {
        let gap = LeftOut { from: Duration::from_secs(90), until: Duration::from_secs(120), lines: 5000 };
        let excerpt = Excerpt { all: 1_234_567, left_out: vec![gap], ..Excerpt::default() };
        let text = what(&excerpt, 400, "run 2");
        assert!(
            text.starts_with("400 of 1,234,567 lines of run 2: ")
                && text.contains(": 5,000 lines between 1 min 30 s and 2 min"),
            "{text}"
        );
        assert!(what(&Excerpt { all: 3, ..Excerpt::default() }, 3, "run 1").starts_with("All 3 lines of run 1."));
    }
}
