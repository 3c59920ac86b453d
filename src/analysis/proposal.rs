//! A `ready` to propose where the workload was given none.

use std::time::Duration;

use anyhow::Result;
use regex::Regex;

use super::segments::{Segment, seeming_end};
use crate::trace::{LogLine, LogRow};

/// A line marks the end of start-up if it was printed within this time of it…
const NEAR: Duration = Duration::from_millis(50);
/// …or within this part of the time until then.
const NEAR_PART: u32 = 10;
/// The most lines that are tried.
const MAX_LINES: usize = 8;
/// The most characters of a line that its pattern is made of.
const MAX_CHARS: usize = 100;
/// A pattern without a word of this many letters could match anything.
const MIN_LETTERS: usize = 3;
/// What stands in a stored line in place of a secret.
const REDACTED: &str = "[redacted]";
/// A word of letters and digits from this length on is taken for an identifier.
const IDENTIFIER_CHARS: usize = 8;

/// Where start-up seems to end in a run without a `ready`. Nothing is judged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Where it seems to end, since launch.
    pub at: Duration,
    /// A log line that marks it. None where there is none.
    pub line: Option<ProposedLine>,
}

/// A log line that marks the end of start-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedLine {
    /// The line.
    pub text: String,
    /// A regular expression that matches it and no earlier line. It has no backtick and no control character.
    pub pattern: String,
}

impl ProposedLine {
    /// The key of a config that gives the workload this `ready`: `ready = { log = 'Loaded \d+ rows' }`.
    #[must_use]
    pub fn config_line(&self) -> String {
        let pattern = &self.pattern;
        // A literal string has no escapes, so that it cannot hold a single quote.
        let value = if pattern.contains('\'') {
            format!("\"{}\"", pattern.replace('\\', r"\\").replace('"', "\\\""))
        } else {
            format!("'{pattern}'")
        };
        format!("ready = {{ log = {value} }}")
    }
}

/// Proposes a `ready` from a run's curve and log. None where no end of start-up can be seen. `log` opens the log, which is read
/// twice.
///
/// # Errors
/// The first error of the log.
pub fn propose_ready<Log: IntoIterator<Item = Result<LogRow>>>(
    segments: &[Segment],
    log: impl Fn() -> Result<Log>,
) -> Result<Option<Proposal>> {
    let Some(at) = seeming_end(segments) else { return Ok(None) };
    let distance = |line: &LogLine| line.at.abs_diff(at);
    let mut nearest: Vec<LogLine> = Vec::new();
    for row in log()? {
        if let LogRow::Line(line) = row?
            && distance(&line) <= NEAR.max(at / NEAR_PART)
        {
            let place = nearest.partition_point(|other| distance(other) <= distance(&line));
            nearest.insert(place, line);
            nearest.truncate(MAX_LINES);
        }
    }
    let mut candidates: Vec<Candidate> = nearest.into_iter().filter_map(Candidate::new).collect();
    for row in log()? {
        let LogRow::Line(line) = row? else { continue };
        candidates.retain_mut(|candidate| candidate.is_first_match(&line));
        if candidates.iter().all(|candidate| candidate.is_reached) {
            break;
        }
    }
    let line = candidates.into_iter().next();
    let line = line.map(|found| ProposedLine { text: found.line.text, pattern: found.pattern.to_string() });
    Ok(Some(Proposal { at, line }))
}

/// A line that may be proposed.
struct Candidate {
    line: LogLine,
    pattern: Regex,
    is_reached: bool,
}

impl Candidate {
    fn new(line: LogLine) -> Option<Self> {
        let pattern = pattern(&line.text)?;
        Some(Self { line, pattern, is_reached: false })
    }

    /// False if a line before the candidate matches its pattern: start-up would end there. Lines come in their order.
    fn is_first_match(&mut self, line: &LogLine) -> bool {
        self.is_reached |= self.line == *line;
        self.is_reached || !self.pattern.is_match(&line.text)
    }
}

/// A pattern for a line and for those that differ from it in their numbers. None where it would be too general.
fn pattern(line: &str) -> Option<Regex> {
    // What stands before the first letter is a time or a counter.
    let text = line[line.find(char::is_alphabetic)?..].trim_end();
    let cut = text.char_indices().nth(MAX_CHARS).map(|(end, _)| &text[..end]);
    let kept = cut.map_or(text, |cut| cut.rsplit_once(' ').map_or(cut, |(words, _)| words));
    let mut out = String::new();
    if line.starts_with(char::is_alphabetic) {
        out.push('^');
    }
    let mut pieces = kept.split(REDACTED);
    let mut letters = pieces.next().map_or(0, |piece| write_pattern(piece, &mut out));
    for piece in pieces {
        out.push_str(".*");
        letters = letters.max(write_pattern(piece, &mut out));
    }
    if line.ends_with(kept) {
        out.push('$');
    }
    Regex::new(&out).ok().filter(|pattern| letters >= MIN_LETTERS && pattern.is_match(line))
}

/// Writes a text as a pattern; returns the most letters in a row that it keeps.
fn write_pattern(mut text: &str, out: &mut String) -> usize {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut letters = 0;
    while let Some(first) = text.chars().next() {
        if !is_of_word(first) {
            text = &text[first.len_utf8()..];
            match first {
                // A code span in a report would end there.
                '`' => out.push_str(r"\x60"),
                '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => {
                    out.extend(['\\', first]);
                }
                ' '..='~' => out.push(first),
                _ => out.push('.'),
            }
            continue;
        }
        let (mut word, rest) = text.split_at(text.find(|c| !is_of_word(c)).unwrap_or(text.len()));
        text = rest;
        if word.len() >= IDENTIFIER_CHARS && word.contains(|c: char| c.is_ascii_digit()) && !is_number(word) {
            out.push_str(r"\w+");
            continue;
        }
        while !word.is_empty() {
            let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let end = word[digits..].find(|c: char| c.is_ascii_digit()).map_or(word.len(), |at| at + digits);
            if digits > 0 {
                out.push_str(r"\d+");
            }
            out.push_str(&word[digits..end]);
            letters = letters.max(word[digits..end].chars().count());
            word = &word[end..];
        }
    }
    letters
}

fn is_number(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::SegmentKind::{Plateau, Ramp};
    use crate::trace::Stream;
    use crate::units::{Bytes, Percent};
    use proptest::prelude::*;

    /// A ramp of 1.4 s and a calm until 6 s.
    fn segments() -> Vec<Segment> {
        let segment = |kind, from, to, from_level, to_level| Segment {
            kind,
            from: Duration::from_millis(from),
            to: Duration::from_millis(to),
            from_level: Bytes::from_mib(from_level),
            to_level: Bytes::from_mib(to_level),
            rise: Bytes::from_mib(to_level) - Bytes::from_mib(from_level),
            share: Percent(0.0),
        };
        vec![segment(Ramp, 0, 1400, 0, 100), segment(Plateau, 1400, 6000, 100, 100)]
    }

    fn line(millis: u64, text: &str) -> LogLine {
        LogLine { at: Duration::from_millis(millis), stream: Stream::Stdout, text: text.to_owned() }
    }

    fn proposed(lines: &[(u64, &str)]) -> Option<String> {
        let rows = || Ok(lines.iter().map(|(millis, text)| Ok(LogRow::Line(line(*millis, text)))));
        let proposal = propose_ready(&segments(), rows).unwrap().unwrap();
        assert_eq!(proposal.at, Duration::from_millis(1400));
        proposal.line.map(|line| line.config_line())
    }

    #[test]
    fn the_line_nearest_to_the_end_of_start_up_is_proposed() {
        let lines = [(3, "starting"), (700, "Loading"), (1390, "Loaded 10000 rows"), (1500, "serving"), (3000, "x")];
        assert_eq!(proposed(&lines).as_deref(), Some(r"ready = { log = '^Loaded \d+ rows$' }"));
        assert_eq!(proposed(&[(3, "starting"), (700, "Loading"), (3000, "request")]), None);
        let none = propose_ready(&segments()[1..], || Ok([Err(anyhow::anyhow!("it is not read"))]));
        assert_eq!(none.unwrap(), None);
    }

    #[test]
    fn a_line_that_an_earlier_one_is_like_is_not_proposed() {
        let lines = [(200, "read part 1"), (900, "read part 2"), (1380, "read part 3"), (1450, "ready now")];
        assert_eq!(proposed(&lines).as_deref(), Some("ready = { log = '^ready now$' }"));
        assert_eq!(proposed(&lines[..3]), None);
        let many: Vec<(u64, &str)> = (0..100).map(|at| (1300 + at, "tick")).chain([(1400, "done it")]).collect();
        assert_eq!(proposed(&many).as_deref(), Some("ready = { log = '^done it$' }"));
    }

    #[test]
    fn a_pattern_keeps_the_words_of_a_line() {
        for (text, expected) in [
            ("Loaded 10000 rows", Some(r"^Loaded \d+ rows$")),
            (
                "2026-01-31T12:00:00.123 INFO (main) up in 1.5s",
                Some(r"T\d+:\d+:\d+\.\d+ INFO \(main\) up in \d+\.\d+s$"),
            ),
            ("12:00:01,5 it's \"open\"  ", Some(r#"it's "open""#)),
            ("session 3fa85f64c2 of [redacted] open", Some(r"^session \w+ of .* open$")),
            ("a `b` listens\u{202e}\u{1b}[0m", Some(r"^a \x60b\x60 listens..\[\d+m$")),
            ("10000", None),
            ("ok", None),
            ("12 / 15", None),
            ("", None),
        ] {
            assert_eq!(pattern(text).map(|pattern| pattern.to_string()).as_deref(), expected, "{text}");
        }
        let long = format!("begins {}", "and goes on ".repeat(20));
        assert!(pattern(&long).unwrap().as_str().ends_with("and goes"), "{:?}", pattern(&long));
    }

    fn parsed(config_line: &str) -> String {
        let table = toml::de::DeTable::parse(config_line).unwrap().into_inner();
        table["ready"].get_ref()["log"].get_ref().as_str().unwrap().to_owned()
    }

    #[test]
    fn quotes_in_a_line_are_quoted_in_the_config() {
        let config_line = |text: &str| {
            ProposedLine { text: text.to_owned(), pattern: pattern(text).unwrap().to_string() }.config_line()
        };
        assert_eq!(config_line(r#"it's "open" on 80"#), r#"ready = { log = "^it's \"open\" on \\d+$" }"#);
        assert_eq!(config_line(r#"all "up""#), r#"ready = { log = '^all "up"$' }"#);
    }

    proptest! {
        #[test]
        fn a_pattern_matches_its_line_also_as_read_from_a_config(text in "\\PC{0,150}") {
            if let Some(pattern) = pattern(&text) {
                let line = ProposedLine { text: text.clone(), pattern: pattern.to_string() };
                let read = parsed(&line.config_line());
                prop_assert_eq!(&read, &line.pattern);
                prop_assert!(Regex::new(&read).unwrap().is_match(&text));
                prop_assert!(!read.contains('`') && !read.chars().any(char::is_control));
            }
        }

        #[test]
        fn other_numbers_match_as_well(word in "[a-z]{3,10}", one in 0u32.., other in 0u32..) {
            let pattern = pattern(&format!("{word} {one} (of {one})")).unwrap();
            let other_line = format!("{word} {other} (of {other})");
            prop_assert!(pattern.is_match(&other_line));
        }
    }
}
