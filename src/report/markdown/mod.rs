//! The report as Markdown, for a job's summary and a pull request's comment: the verdict first, then the table, what to do, the
//! chart, and memory by log line. One text for both; where there is no room the least important goes first, and it says so.

mod chart;
mod text;

use std::fmt::Write as _;
use std::path::PathBuf;

use self::chart::{Level, mermaid};
use self::text::{code, prose};
use super::chart::{baseline_points, median_run};
use super::details::Details;
use super::edits::Edits;
use super::explain;
use super::finding::{proposal_sentence, sentence};
use super::log_growth::{WORTH_TELLING, shown};
use super::table::{Row, rows};
use crate::analysis::{Measured, finding};
use crate::units::format_duration;
use crate::verdict::{Check, CheckKind, ExitCode, Judged, Measure, Outcome, Verdict};

/// Where the Markdown goes, and with that how much of it there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A job's summary: 1 MiB is dropped whole by GitHub, so it stays below.
    Summary,
    /// A comment, and the file that it is made from: at most 65,536 characters, with what the comment adds.
    Comment,
}

impl Place {
    const fn room(self) -> usize {
        match self {
            Self::Summary => 1_000_000,
            Self::Comment => 64_000,
        }
    }
}

/// What the reader is told besides the judgement.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// The folder of the results.
    pub results: PathBuf,
    /// Where the artifacts are, as a URL or a folder of our own; empty for nowhere.
    pub artifacts: String,
    /// What the change edits of that which judges it.
    pub edits: Edits,
}

/// More edits of one kind are counted.
const EDITS: usize = 20;

/// A part of the text. Those of the highest rank go first where there is no room.
struct Part {
    rank: u8,
    /// What it is, for the sentence about what was left out.
    what: &'static str,
    text: String,
}

/// The report of all workloads. `details` has those of each, in the order of `judged`.
#[must_use]
pub fn markdown(judged: &[Judged], code: ExitCode, details: &[Details], links: &Links, place: Place) -> String {
    let mut parts = vec![Part { rank: 0, what: "verdict", text: head(judged, code, details, &links.edits) }];
    parts.extend(edits(&links.edits));
    parts.extend(table(judged));
    for (index, judged) in judged.iter().enumerate() {
        workload(&mut parts, judged, details.get(index), links);
    }
    if !links.artifacts.is_empty() {
        parts.push(Part { rank: 0, what: "links", text: format!("Graphs and data: {}\n", links.artifacts) });
    }
    fit(parts, place.room())
}

/// Leaves out the least important, the last of it first, until the rest has room.
fn fit(mut parts: Vec<Part>, room: usize) -> String {
    /// For the sentence about it.
    const RESERVED: usize = 400;
    let mut size: usize = parts.iter().map(|part| part.text.len() + 1).sum();
    let mut left_out: Vec<(&'static str, usize)> = Vec::new();
    while size + RESERVED > room {
        // Of equal ranks this finds the last.
        let Some(index) =
            (0..parts.len()).filter(|index| parts[*index].rank > 0).max_by_key(|index| parts[*index].rank)
        else {
            break;
        };
        let part = parts.remove(index);
        size -= part.text.len() + 1;
        match left_out.iter_mut().find(|(what, _)| *what == part.what) {
            Some((_, count)) => *count += 1,
            None => left_out.push((part.what, 1)),
        }
    }
    let mut out = parts.into_iter().map(|part| part.text).collect::<Vec<_>>().join("\n");
    if !left_out.is_empty() {
        let what: Vec<String> = left_out.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        let _ = writeln!(
            out,
            "\nLeft out, since there is no room for more: {}. The artifacts have all of it.",
            what.join(", ")
        );
    }
    out
}

fn head(judged: &[Judged], exit: ExitCode, details: &[Details], edits: &Edits) -> String {
    let mut out = String::new();
    let bad = |judged: &&Judged| matches!(judged.verdict, Verdict::Fail | Verdict::Error);
    let failed = judged.iter().filter(bad).count();
    let of = match judged.len() {
        0 => "no workload was this machine's".to_owned(),
        1 => code(&judged[0].name, 60),
        count if failed > 0 => format!("{failed} of {count} workloads"),
        count => format!("{count} workloads"),
    };
    let word = match exit {
        ExitCode::Pass if judged.iter().any(|judged| judged.verdict == Verdict::NoBaseline) => "⚪ no baseline yet",
        ExitCode::Pass if judged.iter().any(|judged| judged.verdict == Verdict::Warn) => {
            "🟡 above a limit (only reported)"
        }
        ExitCode::Pass => "🟢 within its limits",
        ExitCode::Budget => "🔴 over budget",
        ExitCode::Regression => "🔴 more memory than the baseline",
        ExitCode::NoBaseline => "🔴 a baseline is required, and there is none",
        ExitCode::WorkloadFailed => "🔴 failed by itself",
        ExitCode::Usage | ExitCode::Unmeasured => "🔴 could not be measured",
    };
    // In a list of comments the heading is what is seen.
    let looser = if edits.looser.is_empty() { "" } else { ", ⚠️ and this change lets more pass than before" };
    let _ = writeln!(out, "## Memory: {of}: {word}{looser}\n");
    let is_alone = judged.len() == 1;
    for (index, judged) in judged.iter().enumerate().take(3) {
        let found = median_run(judged).and_then(|run| finding(&run.measures)).as_ref().map(sentence);
        // Its code spans are in no table, so that they keep their backslashes.
        let proposal = details.get(index).and_then(|details| details.proposal.as_ref()).map(proposal_sentence);
        let sentences: Vec<String> = found.into_iter().chain(proposal).collect();
        if !sentences.is_empty() {
            let which = if is_alone { String::new() } else { code(&judged.name, 60) + ": " };
            let _ = writeln!(out, "{which}{}\n", sentences.join(" "));
        }
    }
    out
}

/// What the change edits of that which judges it: nothing that a reviewer should have to look for.
fn edits(edits: &Edits) -> Option<Part> {
    let mut text = String::new();
    for (head, list) in edits.lists() {
        let _ = writeln!(text, "> ⚠️ **{head}:**\n>");
        list.iter().take(EDITS).for_each(|edit| _ = writeln!(text, "> - {}", prose(edit)));
        if list.len() > EDITS {
            let _ = writeln!(text, "> - and {} more, which `results.json` has", list.len() - EDITS);
        }
        text.push('\n');
    }
    for whose in &edits.judged_by {
        let _ = writeln!(text, "Judged by {}.\n", prose(whose));
    }
    edits.notes.iter().for_each(|note| _ = writeln!(text, "{}.\n", prose(note)));
    (!text.is_empty()).then_some(Part { rank: 0, what: "edits", text })
}

/// The table: rows that failed are kept the longest.
fn table(judged: &[Judged]) -> Vec<Part> {
    /// Rows of a part.
    const BLOCK: usize = 20;
    const HEAD: &str = "| workload | measure | value | limit | baseline | change | |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n";
    let is_bad = |row: &&Row| matches!(row.outcome, Some(Outcome::Fail | Outcome::Unmeasured | Outcome::Warn));
    let rows = rows(judged);
    let (bad, good): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(is_bad);
    let block = |rows: &[&Row], first: bool| {
        let mut text = if first { HEAD.to_owned() } else { String::new() };
        for row in rows {
            let Row { workload, measure, value, limit, baseline, change, outcome } = row;
            let outcome = outcome.map_or("", outcome_word);
            let measure = match measure.split_once(' ') {
                Some(_) => code(measure, 60),
                None => measure.clone(),
            };
            let _ = writeln!(
                text,
                "| {} | {measure} | {value} | {limit} | {baseline} | {change} | {outcome} |",
                code(workload, 60)
            );
        }
        text.trim_end().to_owned()
    };
    let ordered: Vec<&Row> = bad.iter().chain(&good).copied().collect();
    let mut parts: Vec<Part> = Vec::new();
    for (index, rows) in ordered.chunks(BLOCK).enumerate() {
        let rank = if index == 0 {
            0
        } else if index * BLOCK < bad.len() {
            2
        } else {
            4
        };
        parts.push(Part { rank, what: "20 rows of the table", text: block(rows, index == 0) });
    }
    if let Some(last) = parts.last_mut() {
        last.text.push('\n');
    }
    parts
}

const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "🟢 pass",
        Outcome::Warn => "🟡 warn",
        Outcome::Fail => "🔴 **fail**",
        Outcome::NoBaseline => "⚪ no baseline",
        Outcome::NotComparable => "⚪ not comparable",
        Outcome::Unmeasured => "🔴 **unmeasured**",
    }
}

fn workload(parts: &mut Vec<Part>, judged: &Judged, details: Option<&Details>, links: &Links) {
    let bad = matches!(judged.verdict, Verdict::Fail | Verdict::Error | Verdict::Warn);
    // What failed is looked at, what passed is only looked up.
    let rank = |least: u8| if bad { least } else { least + 3 };
    let mut text = String::new();
    for failure in &judged.failures {
        let _ = writeln!(text, "**{} run {} {}**\n", code(&judged.name, 60), failure.run, code(&failure.what, 400));
    }
    for check in judged.checks.iter().filter(|check| check.outcome != Outcome::Pass) {
        explain(&mut text, judged, check, details, links);
    }
    if !text.is_empty() {
        parts.push(Part { rank: 1, what: "explanation", text });
    }
    let levels: Vec<Level> = judged
        .checks
        .iter()
        .filter(|check| check.kind == CheckKind::Budget && check.subject.measure == Measure::Peak)
        .filter(|check| check.subject.phase.is_none())
        .filter_map(|check| check.limit?.memory())
        .map(|value| Level { name: format!("the budget of {value}"), value })
        .collect();
    if let Some(run) = median_run(judged)
        && let Some(chart) = mermaid(&run.curve, &baseline_points(judged), &levels)
    {
        parts.push(Part { rank: rank(3), what: "chart", text: chart });
    }
    if let Some(growth) = details.and_then(|details| details.log_growth.as_ref())
        && growth.total >= WORTH_TELLING
    {
        let mut text = format!("Memory by log line of {}:\n\n", code(&judged.name, 60));
        for row in shown(growth) {
            let _ = writeln!(text, "- {} ({:.0} %) {}", row.rise, row.share.0, code(&row.what, 160));
        }
        parts.push(Part { rank: rank(2), what: "memory by log line", text });
    }
}

fn explain(out: &mut String, judged: &Judged, check: &Check, details: Option<&Details>, links: &Links) {
    let Some(what) = explain::what(judged, check) else { return };
    let _ = write!(out, "**{}: {}**", code(&judged.name, 60), prose(&what));
    if explain::is_crossed(check) {
        when(out, judged, check, details);
        if let Some(note) = explain::note(check) {
            let _ = write!(out, ". {}", prose(&note));
        }
    }
    let _ = write!(out, ".");
    if let Some(to_do) = explain::to_do(check, Some(&links.results)) {
        let _ = write!(out, " To do: {}.", prose(&to_do));
    }
    let _ = writeln!(out, "\n");
}

/// When the peak was reached, and after which log line.
fn when(out: &mut String, judged: &Judged, check: &Check, details: Option<&Details>) {
    let run = match check.run {
        Some(number) => judged.runs.iter().find(|run| run.record.run == number),
        None => median_run(judged),
    };
    if let Some(run) = run
        && check.subject.measure == Measure::Peak
        && check.subject.phase.is_none()
        && let Measured::Value(peak) = run.measures.peak
    {
        let _ = write!(out, ", {} after the launch", format_duration(peak.at));
        if let Some(line) = details.and_then(|details| details.peak_line(run.record.run)) {
            let _ = write!(out, ", after the log line {}", code(&line.text, 160));
        }
    }
}

#[cfg(test)]
mod tests;
