//! What the page says of one workload.

use super::markup::Markup;
use super::plot::Plot;
use super::table::verdict_badge;
use super::{Detail, Page, lines, tables};
use crate::analysis::{LogGrowth, Measured, Quality, finding};
use crate::report::chart::{self, ChartModel, CurveKind, mapped_files, median_run};
use crate::report::details::Details;
use crate::report::table::run_value;
use crate::report::{explain, proposal_sentence, sentence};
use crate::units::{Percent, format_duration};
use crate::verdict::{Check, Judged, JudgedRun, Measure, Subject};

/// So many reasons and notes are told one by one.
const NOTES: usize = 20;

/// A line is told in the head where it stands for so much of all that was taken.
const TELLING: Percent = Percent(10.0);
/// The longest line there.
const LINE: usize = 160;

/// Where the section with this place among all (0 for the first) is found.
pub(super) fn address(place: usize) -> String {
    format!("#{}", id(place))
}

fn id(place: usize) -> String {
    format!("workload-{}", place + 1)
}

/// Whether a workload's verdict and what was found of it are told in the head of the page, or with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Alone,
    Among,
}

/// The section of a workload: the graph and, beneath it, what answers on the left and the log beside it.
pub(super) fn workload(page: &mut Page, judged: &Judged, details: &Details, place: Place, detail: &Detail) {
    let id = id(page.plots.len());
    page.html.open("section", &[("class", "workload"), ("id", &id)]);
    if place == Place::Among {
        let html = &mut page.html;
        html.open("header", &[]);
        html.open("h2", &[]);
        let (class, text) = verdict_badge(judged.verdict);
        html.element("span", &[("class", class)], text);
        html.verbatim(" ");
        html.element("span", &[("class", "text")], &judged.name);
        html.close("h2");
        told(html, judged, details, detail);
        html.close("header");
    }
    let main = median_run(judged);
    let shown = tables::shown_runs(judged, detail.runs);
    figure(page, &curves(judged, details, &shown), &summary(judged, main), detail);
    let html = &mut page.html;
    html.open("div", &[("class", "columns")]);
    html.open("div", &[]);
    tables::checks(html, judged, detail.rows);
    if let Some(growth) = &details.log_growth {
        tables::log_growth(html, growth, detail);
    }
    if let Some(programs) = &details.programs {
        tables::programs(html, programs);
    }
    tables::processes(html, details, detail);
    html.close("div");
    html.open("div", &[]);
    if let Some(run) = main {
        let peak = run.measures.peak.value().map(|peak| peak.value).unwrap_or_default();
        lines::list(html, &details.excerpt, peak, &format!("run {}", run.record.run), detail);
        tables::segments(html, &run.measures.segments, detail.rows);
    }
    html.close("div");
    html.close("div");
    tables::runs(html, judged, &shown);
    measuring(html, judged, main);
    html.close("section");
}

/// What to know of a workload before all else: what grew, when, beside which line, and what to do.
pub(super) fn told(html: &mut Markup, judged: &Judged, details: &Details, detail: &Detail) {
    let main = median_run(judged);
    if let Some(found) = main.and_then(|run| finding(&run.measures)) {
        html.element("p", &[("class", "finding")], &sentence(&found));
    }
    if let Some(proposal) = &details.proposal {
        html.open("p", &[("class", "finding proposal")]);
        html.prose(&proposal_sentence(proposal));
        html.close("p");
    }
    if let Some(growth) = &details.log_growth {
        beside(html, growth, detail);
    }
    html.element("p", &[("class", "facts")], &facts(judged, main));
    reasons(html, judged, details, detail);
}

/// The line after which most was taken, where that is a good part of all.
fn beside(html: &mut Markup, growth: &LogGrowth, detail: &Detail) {
    let Some(template) = growth.templates.first().filter(|template| template.share.0 >= TELLING.0) else { return };
    let of_all = format!("{}, {:.0} % of all that was taken, came after", template.rise, template.share.0);
    let (which, text) = match template.lines {
        1 => (format!("{of_all} the log line "), &template.example),
        count => (format!("{of_all} {count} log lines, {} each: ", template.each()), &template.template),
    };
    html.open("p", &[("class", "finding beside")]);
    html.text(&which);
    html.element("code", &[], &lines::cut(text.trim(), detail.characters.min(LINE)));
    html.close("p");
}

/// A graph that stands for itself without the script, which puts one to work with in its place.
pub(super) fn figure(page: &mut Page, model: &ChartModel, summary: &str, detail: &Detail) {
    let number = page.plots.len().to_string();
    page.plots.push(Plot::new(model, detail));
    let html = &mut page.html;
    html.open("figure", &[("class", "chart"), ("data-plot", &number), ("data-name", &model.title)]);
    html.open("div", &[("class", "static"), ("role", "img"), ("aria-label", summary)]);
    match detail.pictures.then(|| chart::still(model)) {
        Some(Ok(svg)) => html.svg(&svg),
        Some(Err(_)) | None => {
            html.element("p", &[("class", "note")], "The curve is drawn by a script. graph.svg has it, too.");
        }
    }
    html.close("div");
    html.element("figcaption", &[], summary);
    html.close("figure");
}

/// The graph's model with a name for each run that is shown.
fn curves(judged: &Judged, details: &Details, shown: &[&JudgedRun]) -> ChartModel {
    let mut model = chart::of(judged, details);
    let main = median_run(judged).map(|run| run.record.run);
    let mut others = judged.runs.iter().map(|run| run.record.run).filter(|number| Some(*number) != main);
    model.curves.retain_mut(|curve| match curve.kind {
        CurveKind::Other => {
            // The others stand in the order of the runs.
            let number = others.next().unwrap_or_default();
            curve.label = format!("run {number}");
            shown.iter().any(|run| run.record.run == number)
        }
        CurveKind::Main => {
            curve.label = format!("run {}", main.unwrap_or_default());
            true
        }
        CurveKind::Baseline | CurveKind::Overlaid(_) => true,
    });
    model
}

/// What was run and how it was measured, in a line.
fn facts(judged: &Judged, main: Option<&JudgedRun>) -> String {
    let runs = match (judged.runs.len(), main) {
        (1, _) | (_, None) => "1 run".to_owned(),
        (count, Some(run)) => format!("{count} runs, the median is run {}", run.record.run),
    };
    let runs = if judged.runs.is_empty() { "no runs".to_owned() } else { runs };
    let mapped = main.and_then(mapped_files).map_or_else(String::new, |mapped| {
        format!(" · mapped files at the peak: {mapped} (not in the {})", judged.key.metric)
    });
    format!("{runs} · {} · {}{mapped}", judged.key.metric, judged.key.platform)
}

/// The curve in a sentence, for those who do not see it.
fn summary(judged: &Judged, main: Option<&JudgedRun>) -> String {
    let Some(run) = main else { return "Nothing was measured.".to_owned() };
    let measures = &run.measures;
    let which = if judged.runs.len() > 1 {
        format!("Memory of run {} of {} over time", run.record.run, judged.runs.len())
    } else {
        "Memory over time".to_owned()
    };
    let mut text = which;
    let value = |measure| run_value(&Subject { phase: None, measure }, run);
    if let (Measured::Value(peak), Some(value)) = (&measures.peak, value(Measure::Peak)) {
        text += &format!(": the peak is {value} after {}", format_duration(peak.at));
    }
    if let (Measured::Value(ready), Some(startup)) = (&measures.ready, value(Measure::Startup)) {
        text += &format!("; start-up ends after {} and takes up to {startup}", format_duration(*ready));
    }
    text + &format!("; the run ends after {}.", format_duration(measures.duration))
}

/// What failed, and what to do about it.
fn reasons(html: &mut Markup, judged: &Judged, details: &Details, detail: &Detail) {
    let most = detail.rows.min(NOTES);
    let failed: Vec<&Check> = judged.checks.iter().filter(|check| explain::what(judged, check).is_some()).collect();
    if failed.is_empty() && judged.failures.is_empty() {
        return;
    }
    html.open("ul", &[("class", "reasons")]);
    for failure in judged.failures.iter().take(most) {
        let which = if judged.runs.len() > 1 { format!("run {}", failure.run) } else { "it".to_owned() };
        html.open("li", &[("class", "fail")]);
        html.prose(&format!("{which} {}", lines::cut(&failure.what, 600)));
        html.close("li");
    }
    for check in failed.iter().take(most) {
        html.open("li", &[("class", tables::class(check.outcome))]);
        html.prose(&explain::what(judged, check).unwrap_or_default());
        when(html, judged, check, details);
        if let Some(note) = explain::note(check).filter(|_| explain::is_crossed(check)) {
            html.open("span", &[("class", "aside")]);
            html.prose(&note);
            html.close("span");
        }
        if let Some(to_do) = explain::to_do(check, None) {
            html.open("span", &[("class", "to-do")]);
            html.element("strong", &[], "What to do: ");
            html.prose(&to_do);
            html.close("span");
        }
        html.close("li");
    }
    let more = judged.failures.len().saturating_sub(most) + failed.len().saturating_sub(most);
    if more > 0 {
        html.element("li", &[], &format!("and {more} more"));
    }
    html.close("ul");
}

/// When a peak was reached that crossed its limit, and beside which line.
fn when(html: &mut Markup, judged: &Judged, check: &Check, details: &Details) {
    if !explain::is_crossed(check) || check.subject.measure != Measure::Peak || check.subject.phase.is_some() {
        return;
    }
    let run = match check.run {
        Some(number) => judged.runs.iter().find(|run| run.record.run == number),
        None => median_run(judged),
    };
    let Some((run, peak)) = run.and_then(|run| Some((run, run.measures.peak.value()?))) else { return };
    let which = if judged.runs.len() > 1 { format!(" of run {}", run.record.run) } else { String::new() };
    html.open("span", &[("class", "aside")]);
    html.text(&format!("{} after the launch{which}", format_duration(peak.at)));
    if let Some(line) = details.peak_line(run.record.run) {
        html.text(", after the line ");
        html.element("q", &[("class", "text")], &lines::cut(line.text.trim(), 160));
    }
    html.close("span");
}

/// What is good to know when the numbers are doubted.
fn measuring(html: &mut Markup, judged: &Judged, main: Option<&JudgedRun>) {
    let Some(run) = main.or_else(|| judged.runs.first()) else { return };
    let record = &run.record;
    html.open("details", &[("class", "measuring")]);
    html.element("summary", &[], "How it was measured");
    html.open("dl", &[]);
    let mut item = |name: &str, value: &str| {
        html.element("dt", &[], name);
        html.element("dd", &[], value);
    };
    item("command", &lines::cut(&record.command, 1000));
    item("started", &record.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    item("source", &format!("{} every {}", record.source, format_duration(record.interval)));
    item("memguard", &record.memguard);
    for (name, value) in record.environment.facts.iter().take(40) {
        item(&lines::cut(name, 60), &lines::cut(value, 200));
    }
    for run in judged.runs.iter().take(NOTES) {
        if let Quality::Poor(why) = &run.measures.quality {
            item(&format!("run {} was measured poorly", run.record.run), why);
        }
    }
    let notices = judged.runs.iter().flat_map(|run| run.record.notices.iter().map(move |notice| (run, notice)));
    for (run, notice) in notices.take(NOTES) {
        item(&format!("note on run {}", run.record.run), &lines::cut(notice, 400));
    }
    html.close("dl");
    html.close("details");
}
