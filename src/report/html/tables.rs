//! The tables of a workload.

use super::Detail;
use super::lines::{cut, grouped};
use super::markup::Markup;
use super::plot::{colour, program_name};
use super::table::{Cell, Head, Table};
use crate::analysis::{LogGrowth, Measured, ProgramBands, Quality, Segment};
use crate::report::chart::median_run;
use crate::report::details::Details;
use crate::report::table::{rows, run_value};
use crate::units::{Bytes, Percent, format_duration};
use crate::verdict::{Judged, JudgedRun, Measure, Outcome, Subject};

/// The longest command that is told whole.
const COMMAND: usize = 160;
/// So many programs are shown.
const PROGRAMS: usize = 12;

const MISSING: &str = "—";

pub(super) const fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::Fail | Outcome::Unmeasured => "fail",
        Outcome::NoBaseline | Outcome::NotComparable => "none",
    }
}

pub(super) fn checks(html: &mut Markup, judged: &Judged, most: usize) {
    let all = rows(std::slice::from_ref(judged));
    let with_limit = all.iter().any(|row| !row.limit.is_empty());
    let with_baseline = all.iter().any(|row| !row.baseline.is_empty());
    let mut heads = vec![Head::Text("measure"), Head::Number("value")];
    if with_limit {
        heads.push(Head::Number("limit"));
    }
    if with_baseline {
        heads.extend([Head::Number("baseline"), Head::Number("change")]);
    }
    if with_limit {
        heads.push(Head::Text("answer"));
    }
    let note = left_out(all.len(), most, "measures");
    let rows = all.into_iter().take(most).map(|row| {
        let mut cells = vec![Cell::Name(row.measure), Cell::Number(row.value)];
        if with_limit {
            cells.push(Cell::Number(row.limit));
        }
        if with_baseline {
            cells.extend([Cell::Number(row.baseline), Cell::Number(row.change)]);
        }
        if with_limit {
            cells.push(Cell::Outcome(row.outcome));
        }
        cells
    });
    let caption = if with_limit { "Checks" } else { "Measures" };
    Table { caption, heads: &heads, rows: rows.collect(), note }.write(html);
}

/// After which lines the memory was taken, the largest rises first.
pub(super) fn log_growth(html: &mut Markup, growth: &LogGrowth, detail: &Detail) {
    let share = |rise: Bytes| Percent(rise.as_f64() / growth.total.as_f64().max(1.0) * 100.0);
    let mut found: Vec<(Bytes, Cell)> = growth
        .templates
        .iter()
        .map(|template| {
            // A line that came once is told as it was.
            let (text, count) = match template.lines {
                1 => (&template.example, "once".to_owned()),
                lines => (&template.template, format!("{} times, {} each", grouped(lines), template.each())),
            };
            (template.rise, Cell::Line(cut(text.trim(), detail.characters), count))
        })
        .collect();
    found.push((growth.before_first_line, Cell::Name("before the first line".to_owned())));
    let unseen = format!("where {} lines are not in the log", grouped(growth.unseen.lines));
    found.push((growth.unseen.rise, Cell::Name(unseen)));
    found.sort_by_key(|row| std::cmp::Reverse(row.0));
    let others = format!("after {} other lines", grouped(growth.others.lines));
    found.push((growth.others.rise, Cell::Name(others)));
    found.retain(|row| share(row.0).0 >= 0.5);
    let heads = [Head::Text("after the line"), Head::Number("rise"), Head::Share];
    let row = |(rise, after): (Bytes, Cell)| vec![after, Cell::Number(rise.to_string()), Cell::Share(share(rise))];
    let rows = found.into_iter().map(row).collect();
    Table { caption: "Memory by log line", heads: &heads, rows, note: String::new() }.write(html);
}

pub(super) fn segments(html: &mut Markup, segments: &[Segment], most: usize) {
    let rows = segments.iter().take(most).map(|segment| {
        vec![
            Cell::Name(segment.kind.name().to_owned()),
            Cell::Number(format_duration(segment.from)),
            Cell::Number(format_duration(segment.to)),
            Cell::Number(segment.to_level.to_string()),
            Cell::Number(segment.rise.to_string()),
            Cell::Share(segment.share),
        ]
    });
    let heads = [
        Head::Text("segment"),
        Head::Number("from"),
        Head::Number("to"),
        Head::Number("level then"),
        Head::Number("rise"),
        Head::Share,
    ];
    let note = left_out(segments.len(), most, "segments");
    Table { caption: "Segments of the curve", heads: &heads, rows: rows.collect(), note }.write(html);
}

/// Who held the memory, in the colours of the graph. Nothing where it was one program alone.
pub(super) fn programs(html: &mut Markup, programs: &ProgramBands) {
    if programs.bands.len() < 2 {
        return;
    }
    let rows = programs.bands.iter().enumerate().map(|(index, band)| {
        vec![
            Cell::Band(colour(index, &band.program), program_name(&band.program)),
            Cell::Number(band.processes.to_string()),
            Cell::Number(band.peak.to_string()),
        ]
    });
    let heads = [Head::Text("program"), Head::Number("processes at once"), Head::Number("most held at once")];
    Table { caption: "Who held it", heads: &heads, rows: rows.collect(), note: String::new() }.write(html);
}

/// A process's peak can be above that of the whole tree.
const RESIDENT: &str =
    "Resident memory counts mapped files and shared pages: it is not comparable to the peak of the run.";

/// The command lines whose processes had the highest peaks.
pub(super) fn processes(html: &mut Markup, details: &Details, detail: &Detail) {
    let most = PROGRAMS.min(detail.rows);
    let rows = details.commands.iter().take(most).map(|one| {
        let peak = one.peak.map_or_else(|| MISSING.to_owned(), |peak| peak.to_string());
        let command = cut(&one.command, detail.characters.min(COMMAND));
        vec![Cell::Code(command), Cell::Number(one.count.to_string()), Cell::Number(peak)]
    });
    let heads = [Head::Text("command"), Head::Number("processes"), Head::Number("resident peak")];
    let note = format!("{RESIDENT} {}", left_out(details.commands.len(), most, "commands")).trim_end().to_owned();
    Table { caption: "Processes", heads: &heads, rows: rows.collect(), note }.write(html);
}

/// The median run and others, at most so many in all: from the lowest peak to the highest as evenly as can be. In order.
pub(super) fn shown_runs(judged: &Judged, most: usize) -> Vec<&JudgedRun> {
    let main = median_run(judged).map(|run| run.record.run);
    let mut others: Vec<&JudgedRun> = judged.runs.iter().filter(|run| Some(run.record.run) != main).collect();
    let room = most.saturating_sub(1);
    if others.len() > room {
        others.sort_by_key(|run| run.measures.peak.value().map(|peak| peak.value));
        let last = others.len() - 1;
        others = (0..room).filter_map(|index| others.get(index * last / (room - 1).max(1)).copied()).collect();
    }
    let mut shown: Vec<&JudgedRun> =
        judged.runs.iter().filter(|run| Some(run.record.run) == main).chain(others).collect();
    shown.sort_by_key(|run| run.record.run);
    shown
}

pub(super) fn runs(html: &mut Markup, judged: &Judged, shown: &[&JudgedRun]) {
    fn amount<T: Copy>(measured: &Measured<T>, show: impl Fn(T) -> String) -> Cell {
        Cell::Number(measured.value().map_or_else(|| MISSING.to_owned(), show))
    }
    let memory = |run: &JudgedRun, measure| {
        let value = run_value(&Subject { phase: None, measure }, run);
        Cell::Number(value.unwrap_or_else(|| MISSING.to_owned()))
    };
    let has_ready = shown.iter().any(|run| run.measures.ready != Measured::NotAsked);
    let rows = shown.iter().map(|run| {
        let (measures, sampling) = (&run.measures, &run.record.sampling);
        let mut cells = vec![
            Cell::Run(run.record.run),
            Cell::Text(how_it_ended(judged, run)),
            Cell::Number(format_duration(measures.duration)),
            memory(run, Measure::Peak),
        ];
        if has_ready {
            cells.extend([
                amount(&measures.ready, format_duration),
                memory(run, Measure::Startup),
                memory(run, Measure::Retained),
                amount(&measures.growth, |growth| growth.slope.to_string()),
            ]);
        }
        cells.extend([
            Cell::Number(sampling.ticks.to_string()),
            Cell::Number(format_duration(sampling.longest_gap)),
            Cell::Text(match &measures.quality {
                Quality::Good => "good".to_owned(),
                Quality::Poor(_) => "poor".to_owned(),
            }),
        ]);
        cells
    });
    let mut heads = vec![Head::Text("run"), Head::Text("ended"), Head::Number("lasted"), Head::Number("peak")];
    if has_ready {
        heads.extend(["ready after", "start-up", "retained", "growth"].map(Head::Number));
    }
    heads.extend([Head::Number("readings"), Head::Number("longest gap"), Head::Text("measuring")]);
    let mut note = String::new();
    if shown.len() < judged.runs.len() {
        note = format!(
            "{} of {} runs: the median and others from the lowest peak to the highest. results.json has all.",
            shown.len(),
            judged.runs.len()
        );
    }
    Table { caption: "Runs", heads: &heads, rows: rows.collect(), note }.write(html);
}

fn how_it_ended(judged: &Judged, run: &JudgedRun) -> String {
    let failure = judged.failures.iter().find(|failure| failure.run == run.record.run);
    failure.map_or_else(|| "as it should".to_owned(), |failure| cut(&failure.what, 120))
}

pub(super) fn left_out(all: usize, shown: usize, what: &str) -> String {
    if all > shown { format!("{shown} of {all} {what}. results.json has more.") } else { String::new() }
}
