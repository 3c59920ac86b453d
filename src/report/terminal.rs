use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::analysis::Measured;
use crate::units::format_duration;
use crate::verdict::{Check, ExitCode, Judged, JudgedRun, Measure, Outcome, Verdict};

use super::details::Details;
use super::edits::Edits;
use super::escape::{fit, plain};
use super::table::{Row, rows};
use super::{explain, finding, log_growth};

/// How the report is to be printed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to colour.
    pub colour: bool,
    /// Print only what is wrong.
    pub quiet: bool,
    /// The folder with the artifacts; None where none were written.
    pub artifacts: Option<PathBuf>,
    /// What the change edits of that which judges it.
    pub edits: Edits,
}

/// What the person at the terminal reads: failures, the table, what to do, the verdict. `details` has those of each workload,
/// in the order of `judged`.
#[must_use]
pub fn render(judged: &[Judged], code: ExitCode, details: &[Details], options: &Options) -> String {
    let mut out = String::new();
    let paint = Paint(options.colour);
    if options.quiet
        && code == ExitCode::Pass
        && options.edits.looser.is_empty()
        && judged.iter().all(|judged| judged.verdict == Verdict::Pass)
    {
        return out;
    }
    for judged in judged {
        for failure in &judged.failures {
            let workload = plain(&judged.name, 64);
            let which = if judged.runs.len() > 1 { format!(" run {}", failure.run) } else { String::new() };
            let what = failure.what.lines().map(|line| plain(line, 400)).collect::<Vec<_>>().join("\n       ");
            let _ = writeln!(out, "{} `{workload}`{which} {what}", paint.bad("error:"));
        }
    }
    for (index, judged) in judged.iter().enumerate() {
        finding::write(&mut out, judged, details.get(index));
    }
    table(&mut out, &rows(judged), paint, options.width);
    for (index, judged) in judged.iter().enumerate() {
        let details = details.get(index);
        for check in &judged.checks {
            explain(&mut out, judged, check, details, paint, options.artifacts.as_deref());
        }
        if let Some(growth) = details.and_then(|details| details.log_growth.as_ref()) {
            log_growth::write(&mut out, &judged.name, growth, options.width);
        }
        for notice in notices(judged) {
            let _ = writeln!(out, "{} `{}`: {}", paint.dim("note:"), plain(&judged.name, 64), plain(&notice, 400));
        }
    }
    options.edits.write(&mut out, |text| paint.warn(text));
    if let Some(folder) = &options.artifacts {
        let _ = writeln!(out, "report: {} (graphs and data beside it)", folder.join("report.html").display());
    }
    let word = paint.verdict(overall(judged, code));
    let _ = writeln!(out, "verdict: {word} (exit code {}: {})", code as u8, code.meaning());
    out
}

/// One word for all workloads.
pub(super) fn overall(judged: &[Judged], code: ExitCode) -> Verdict {
    let any = |verdict| judged.iter().any(|judged| judged.verdict == verdict);
    match code {
        ExitCode::Usage | ExitCode::WorkloadFailed | ExitCode::Unmeasured if any(Verdict::Error) => Verdict::Error,
        ExitCode::Pass if any(Verdict::NoBaseline) => Verdict::NoBaseline,
        ExitCode::Pass if any(Verdict::Warn) => Verdict::Warn,
        ExitCode::Pass => Verdict::Pass,
        _ => Verdict::Fail,
    }
}

/// Sentences of all runs, each once. The reason for not starting is told as the failure.
fn notices(judged: &Judged) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for run in &judged.runs {
        let told = run.record.ended == crate::trace::Ended::NotStarted;
        for notice in run.record.notices.iter().skip(usize::from(told)) {
            if !all.contains(notice) {
                all.push(notice.clone());
            }
        }
    }
    all
}

fn table(out: &mut String, rows: &[Row], paint: Paint, width: usize) {
    if rows.is_empty() {
        return;
    }
    let heads = ["workload", "measure", "value", "limit", "baseline", "change"];
    let cells: Vec<[&str; 6]> = rows
        .iter()
        .map(|row| [&*row.workload, &*row.measure, &*row.value, &*row.limit, &*row.baseline, &*row.change])
        .collect();
    // A column that nobody fills is left out.
    let used: Vec<usize> =
        (0..6).filter(|column| *column < 3 || cells.iter().any(|row| !row[*column].is_empty())).collect();
    let widths: Vec<usize> = used
        .iter()
        .map(|column| cells.iter().map(|row| row[*column].width()).chain([heads[*column].width()]).max().unwrap_or(0))
        .collect();
    let outcomes = rows.iter().filter_map(|row| row.outcome).map(|outcome| word(outcome).width()).max().unwrap_or(0);
    if widths.iter().sum::<usize>() + 2 * widths.len() + outcomes > width {
        return stacked(out, rows, paint, width);
    }
    let line = |cells: &[&str; 6]| {
        let mut text = String::new();
        for (column, width) in used.iter().zip(&widths) {
            let pad = " ".repeat(width - cells[*column].width().min(*width));
            // Names begin and numbers end at the same place.
            let cell = cells[*column];
            text += &if *column < 2 { format!("{cell}{pad}  ") } else { format!("{pad}{cell}  ") };
        }
        text
    };
    let _ = writeln!(out, "{}", paint.dim(line(&heads).trim_end()));
    for (row, cells) in rows.iter().zip(&cells) {
        let outcome = row.outcome.map_or_else(String::new, |outcome| paint.outcome(outcome));
        let _ = writeln!(out, "{}", format!("{}{outcome}", line(cells)).trim_end());
    }
}

/// For narrow terminals: under each workload's name a line for each measure, and one for what it is held to.
fn stacked(out: &mut String, rows: &[Row], paint: Paint, width: usize) {
    let widest = |cell: fn(&Row) -> &str| rows.iter().map(|row| cell(row).width()).max().unwrap_or(0);
    let (values, outcomes) = (widest(|row| &row.value), widest(|row| row.outcome.map_or("", word)));
    let room = width.saturating_sub(values + outcomes + 2 * INDENT.len() + 2);
    let measures = widest(|row| &row.measure).min(room.max(NARROWEST));
    let mut workload = None;
    for row in rows {
        if workload != Some(&row.workload) {
            workload = Some(&row.workload);
            let _ = writeln!(out, "{}", fit(&row.workload, width));
        }
        let measure = fit(&row.measure, measures);
        let pads = [measures - measure.width(), values - row.value.width()].map(|pad| " ".repeat(pad));
        let outcome = row.outcome.map_or_else(String::new, |outcome| paint.outcome(outcome));
        let line = format!("{INDENT}{measure}{}  {}{}  {outcome}", pads[0], pads[1], row.value);
        let _ = writeln!(out, "{}", line.trim_end());
        let held = [("limit", &row.limit), ("baseline", &row.baseline), ("change", &row.change)];
        let held: Vec<String> =
            held.iter().filter(|(_, cell)| !cell.is_empty()).map(|(what, cell)| format!("{what} {cell}")).collect();
        let joined = held.join(", ");
        let held = if INDENT.len() * 2 + joined.width() > width { held } else { vec![joined] };
        held.iter().filter(|text| !text.is_empty()).for_each(|text| _ = writeln!(out, "{INDENT}{INDENT}{text}"));
    }
}

const INDENT: &str = "  ";
/// Of a measure's name so many columns are shown in the narrowest terminal.
const NARROWEST: usize = 8;

fn explain(
    out: &mut String,
    judged: &Judged,
    check: &Check,
    details: Option<&Details>,
    paint: Paint,
    artifacts: Option<&Path>,
) {
    let label = match check.outcome {
        Outcome::Pass => return,
        Outcome::Warn => paint.warn("warning:"),
        Outcome::Fail | Outcome::Unmeasured => paint.bad("fail:"),
        Outcome::NoBaseline | Outcome::NotComparable => paint.warn("no baseline:"),
    };
    let what = explain::what(judged, check).unwrap_or_default();
    let _ = writeln!(out, "\n{label} `{}` {what}", plain(&judged.name, 64));
    if explain::is_crossed(check) {
        if let Some(run) = judged_run(judged, check) {
            when(out, judged, check, run, details);
        }
        if let Some(note) = explain::note(check) {
            let _ = writeln!(out, "  note:  {note}");
        }
        if let Some(artifacts) = artifacts {
            let _ = writeln!(out, "  graph: {}", artifacts.join(&judged.name).join("graph.svg").display());
        }
    }
    if let Some(to_do) = explain::to_do(check, artifacts) {
        let _ = writeln!(out, "  to do: {to_do}");
    }
}

/// The run that was judged; for a median one that stands for it.
fn judged_run<'a>(judged: &'a Judged, check: &Check) -> Option<&'a JudgedRun> {
    match check.run {
        Some(number) => judged.runs.iter().find(|run| run.record.run == number),
        None => super::chart::median_run(judged),
    }
}

/// When it was reached, and beside which log line.
fn when(out: &mut String, judged: &Judged, check: &Check, run: &JudgedRun, details: Option<&Details>) {
    if check.subject.measure != Measure::Peak || check.subject.phase.is_some() {
        return;
    }
    let Measured::Value(peak) = run.measures.peak else { return };
    let number = run.record.run;
    let which = if judged.runs.len() > 1 { format!(" of run {number}") } else { String::new() };
    let _ = writeln!(out, "  when:  {} after the launch{which}", format_duration(peak.at));
    if let Some(line) = details.and_then(|details| details.peak_line(number)) {
        let _ = writeln!(out, "  log:   {} \"{}\"", format_duration(line.at), plain(line.text.trim(), 160));
    }
}

/// An answer, for the table.
const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::Fail => "FAIL",
        Outcome::NoBaseline => "no baseline",
        Outcome::NotComparable => "not comparable",
        Outcome::Unmeasured => "unmeasured",
    }
}

/// Colours, where they are wanted.
#[derive(Debug, Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    fn warn(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default().bold(), text)
    }

    fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    fn outcome(self, outcome: Outcome) -> String {
        let word = word(outcome);
        match outcome {
            Outcome::Pass => self.good(word),
            Outcome::Warn | Outcome::NoBaseline | Outcome::NotComparable => self.warn(word),
            Outcome::Fail | Outcome::Unmeasured => self.bad(word),
        }
    }

    fn verdict(self, verdict: Verdict) -> String {
        match verdict {
            Verdict::Pass => self.good("pass"),
            Verdict::Warn => self.warn("warn"),
            Verdict::Fail => self.bad("FAIL"),
            Verdict::NoBaseline => self.warn("no baseline"),
            Verdict::Error => self.bad("ERROR"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::baseline::{Found, example};
    use crate::units::{Bytes, Percent};
    use crate::verdict::{Budget, Limits, Subject, Tolerance, exit_code, judge};

    const WIDE: usize = 110;

    fn options(width: usize) -> Options {
        Options { width, colour: false, quiet: false, artifacts: None, edits: Edits::default() }
    }

    /// With a budget that passes, one that fails, one of a phase that never came, and a regression.
    fn judged(name: &str) -> Judged {
        let (peak, startup) = (Measure::Peak, Measure::Startup);
        let of_run = |measure| Subject { phase: None, measure };
        let of_phase = Subject { phase: Some("warm up".to_owned()), measure: peak };
        let budget = |subject, mib| Budget { subject, limit: Bytes::from_mib(mib).into(), written: None };
        let tolerance =
            Tolerance { subject: of_run(peak), percent: Percent(5.0), at_least: Bytes(0).into(), written: None };
        let limits = Limits {
            budgets: vec![budget(of_run(peak), 1536), budget(of_run(startup), 100), budget(of_phase, 64)],
            tolerances: vec![tolerance],
            ..Limits::default()
        };
        let curve = example::curve(10, &[230 << 20]);
        let measures = example::measures(Bytes::from_mib(230));
        let run = JudgedRun { record: example::record(1), measures, curve };
        judge(example::key(name), vec![run], &limits, Found::Entry(Box::new(example::entry(name))), false)
    }

    fn told(names: &[&str], options: &Options) -> String {
        let judged: Vec<Judged> = names.iter().map(|name| judged(name)).collect();
        let code = exit_code(&judged);
        render(&judged, code, &[], options)
    }

    const SHORT: [&str; 3] = ["ingest", "日本語", "a\u{1b}[31m\u{202e}b\rc"];
    const LONG: [&str; 3] = [
        "ingest",
        "日本語のとても長い名前のワークロード、四十桁を超える",
        "a-name\u{1b}[31m\u{202e}that-acts\ron-the-terminal\u{301}-and-is-too-long",
    ];

    #[test]
    fn in_a_pipe_and_in_ci_the_table_has_a_line_for_each_measure() {
        insta::assert_snapshot!(told(&SHORT, &options(WIDE)));
    }

    #[test]
    fn in_sixty_columns_each_measure_stands_under_its_workload() {
        insta::assert_snapshot!(told(&LONG, &options(60)));
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        for width in [WIDE, 60] {
            let coloured = told(&SHORT, &Options { colour: true, ..options(width) });
            let codes = ["\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[0m"];
            assert!(coloured.contains("\x1b[31mFAIL\x1b[0m"), "{coloured:?}");
            assert_eq!(codes.iter().fold(coloured, |text, code| text.replace(code, "")), told(&SHORT, &options(width)));
        }
    }

    proptest! {
        #[test]
        fn no_line_of_the_table_is_wider_than_the_terminal(name in ".{1,80}", width in 58usize..130) {
            let mut out = String::new();
            table(&mut out, &rows(&[judged(&name), judged("x")]), Paint(false), width);
            for line in out.lines() {
                prop_assert!(line.width() <= width, "{line:?} in {width}");
            }
        }
    }
}
