//! `report.html`: one file that needs no other and asks no network, and says something without its script, too.
//!
//! Tables, log lines and a still graph are HTML; the script takes the lines from there and the curves from a block of data,
//! and draws a graph to work with. It sets text by `textContent` alone. The page's policy lets that script and that style run,
//! by their hashes, and nothing else be loaded.

mod curves;
mod lines;
mod markup;
mod plot;
mod policy;
mod section;
mod table;
mod tables;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, Result};

use self::markup::Markup;
use self::plot::Plot;
use self::section::Place;
use self::table::{Cell, Head, Table, verdict_badge};
use super::chart::{ChartModel, median_run};
use super::compare::Pair;
use super::details::Details;
use super::edits::Edits;
use super::finding::sentence;
use super::table::run_value;
use super::terminal::overall;
use crate::analysis::finding;
use crate::verdict::{ExitCode, Judged, Measure, Subject, Verdict};

const STYLE: &str = concat!(
    include_str!("page.css"),
    include_str!("tools.css"),
    include_str!("graph.css"),
    include_str!("tables.css"),
    include_str!("media.css"),
);
const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("units.js"),
    include_str!("curve.js"),
    include_str!("chart.js"),
    include_str!("input.js"),
    include_str!("page.js"),
    "})();\n"
);

/// Larger pages are made again with less detail.
const MOST_BYTES: usize = (1 << 20) - 1;

/// How much of a run the page shows.
#[derive(Debug, Clone, Copy)]
struct Detail {
    /// Points of the curve of the run that is shown in full.
    points: usize,
    /// Points of each other curve.
    other_points: usize,
    /// Instants at which it is told who held the memory.
    columns: usize,
    /// Runs of a workload.
    runs: usize,
    /// Log lines of a workload.
    lines: usize,
    /// Characters of a log line.
    characters: usize,
    /// Rows of a table, and items of a list.
    rows: usize,
    /// Whether there are still graphs for readers without scripts.
    pictures: bool,
    /// Workloads.
    workloads: usize,
}

impl Detail {
    const MOST: Self = Self {
        points: 4096,
        other_points: 1024,
        columns: 1024,
        runs: 40,
        lines: 400,
        characters: 400,
        rows: 200,
        pictures: true,
        workloads: usize::MAX,
    };

    /// From all that is there down to what always fits.
    const LEVELS: [Self; 8] = [
        Self::MOST,
        Self { points: 2048, other_points: 512, columns: 256, lines: 300, characters: 200, ..Self::MOST },
        Self { points: 2048, other_points: 256, columns: 128, runs: 20, lines: 200, characters: 200, ..Self::STILL },
        Self { points: 1024, other_points: 128, columns: 96, runs: 12, lines: 100, characters: 160, ..Self::STILL },
        Self { points: 512, other_points: 64, columns: 64, runs: 10, lines: 50, characters: 120, ..Self::STILL },
        Self { points: 200, other_points: 30, columns: 24, runs: 4, lines: 20, rows: 20, ..Self::SHORT },
        Self::SHORT,
        Self { workloads: 30, ..Self::SHORT },
    ];

    /// Without still graphs.
    const STILL: Self = Self { pictures: false, ..Self::MOST };
    /// The least of everything.
    const SHORT: Self =
        Self { points: 100, other_points: 20, columns: 8, runs: 2, lines: 5, characters: 80, rows: 8, ..Self::STILL };
}

/// A page in the making: its text so far, and the data of its charts.
#[derive(Debug)]
struct Page {
    html: Markup,
    plots: Vec<Plot>,
}

/// The page of all workloads. `details` has those of each, in the order of `judged`. Under 1 MiB, whatever was run.
///
/// # Errors
/// Never in practice: all that is written has a form in JSON.
pub fn page(judged: &[Judged], code: ExitCode, details: &[Details], edits: &Edits) -> Result<String> {
    fitting(|detail| judged_page(judged, code, details, edits, detail))
}

/// The page of a recording that nobody judged, with its log.
///
/// # Errors
/// As [`page`].
pub fn page_of_recording(title: &str, judged: &Judged, details: &Details) -> Result<String> {
    fitting(|detail| {
        let mut page = Page::begin(title);
        page.html.open("header", &[("class", "top")]);
        brand(&mut page.html);
        page.html.open("h1", &[]);
        page.html.element("span", &[("class", "text")], title);
        page.html.close("h1");
        section::told(&mut page.html, judged, details, detail);
        page.html.close("header");
        page.html.open("main", &[]);
        section::workload(&mut page, judged, details, Place::Alone, detail);
        page.html.close("main");
        page.end()
    })
}

/// The page of several curves over one another, with a table of what they are or of what moved between them.
///
/// # Errors
/// As [`page`].
pub fn page_of_curves(model: &ChartModel, pairs: &[Pair<'_>]) -> Result<String> {
    fitting(|detail| {
        let mut page = Page::begin(&model.title);
        page.html.open("header", &[("class", "top")]);
        brand(&mut page.html);
        page.html.element("h1", &[], &model.title);
        page.html.close("header");
        page.html.open("main", &[]);
        page.html.open("section", &[("class", "workload")]);
        section::figure(&mut page, model, &curves::summary(model), detail);
        if pairs.is_empty() {
            curves::table(&mut page.html, model, detail.rows);
        } else {
            curves::moved(&mut page.html, pairs, detail);
        }
        page.html.close("section");
        page.html.close("main");
        page.end()
    })
}

/// The first page that is small enough.
fn fitting(render: impl Fn(&Detail) -> Result<String>) -> Result<String> {
    let mut page = String::new();
    for detail in &Detail::LEVELS {
        page = render(detail)?;
        if page.len() <= MOST_BYTES {
            break;
        }
    }
    Ok(page)
}

fn judged_page(
    judged: &[Judged],
    code: ExitCode,
    details: &[Details],
    edits: &Edits,
    detail: &Detail,
) -> Result<String> {
    let verdict = overall(judged, code);
    let (_, word) = verdict_badge(verdict);
    let nothing = Details::default();
    let of = |index: usize| details.get(index).unwrap_or(&nothing);
    let name = match judged {
        [judged] => judged.name.clone(),
        _ => format!("{} workloads", judged.len()),
    };
    let mut page = Page::begin(&format!("{word}: {name}"));
    let html = &mut page.html;
    html.open("header", &[("class", "top")]);
    brand(html);
    html.open("h1", &[]);
    let (class, word) = verdict_badge(verdict);
    html.element("span", &[("class", class)], word);
    html.verbatim(" ");
    html.element("span", &[("class", "text")], &name);
    html.verbatim(" ");
    html.element("span", &[("class", "meaning")], meaning(code, verdict));
    html.close("h1");
    if let [judged] = judged {
        section::told(html, judged, of(0), detail);
    }
    edited(html, edits, detail.rows);
    html.close("header");
    html.open("main", &[]);
    let shown = shown(judged, detail.workloads);
    if judged.len() != 1 {
        overview(html, judged, &shown, detail);
    }
    for index in &shown {
        if page.html.len() > MOST_BYTES {
            // It is made again with less, and need not be finished.
            break;
        }
        let place = if judged.len() == 1 { Place::Alone } else { Place::Among };
        section::workload(&mut page, &judged[*index], of(*index), place, detail);
    }
    page.html.close("main");
    page.end()
}

fn brand(html: &mut Markup) {
    html.element("p", &[("class", "brand")], "memguard");
}

/// Which workloads have a section: where there is no room for all, the gravest, in their order.
fn shown(judged: &[Judged], most: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..judged.len()).collect();
    all.sort_by_key(|index| match judged[*index].verdict {
        Verdict::Error => 0,
        Verdict::Fail => 1,
        Verdict::Warn => 2,
        Verdict::NoBaseline => 3,
        Verdict::Pass => 4,
    });
    all.truncate(most);
    all.sort_unstable();
    all
}

/// What the change edits of that which judges it.
fn edited(html: &mut Markup, edits: &Edits, most: usize) {
    for (head, list) in edits.lists() {
        html.open("ul", &[("class", "reasons")]);
        html.open("li", &[("class", "warn")]);
        html.element("strong", &[], &format!("{head}:"));
        for edit in list.iter().take(most) {
            html.element("span", &[("class", "to-do")], edit);
        }
        if list.len() > most {
            html.element("span", &[("class", "aside")], &format!("and {} more", list.len() - most));
        }
        html.close("li");
        html.close("ul");
    }
    for whose in &edits.judged_by {
        html.element("p", &[("class", "facts")], &format!("judged by {whose}"));
    }
    for note in edits.notes.iter().take(most) {
        html.element("p", &[("class", "facts")], note);
    }
}

fn meaning(code: ExitCode, verdict: Verdict) -> &'static str {
    match (code, verdict) {
        (ExitCode::Pass, Verdict::NoBaseline) => "there is no baseline to compare with yet",
        (ExitCode::Pass, Verdict::Warn) => "a limit was crossed that only warns",
        _ => code.meaning(),
    }
}

/// A table of all workloads, with links to those that have a section.
fn overview(html: &mut Markup, judged: &[Judged], shown: &[usize], detail: &Detail) {
    let most = detail.rows.max(shown.len());
    let rows = judged.iter().enumerate().take(most).map(|(index, judged)| {
        let run = median_run(judged);
        let name = judged.name.clone();
        let place = shown.iter().position(|shown| *shown == index);
        let highest = judged.runs.iter().max_by_key(|run| run.measures.peak.value().map(|peak| peak.value));
        let peak = highest.and_then(|run| run_value(&Subject { phase: None, measure: Measure::Peak }, run));
        let found = run.and_then(|run| finding(&run.measures)).as_ref().map(sentence);
        vec![
            place.map_or_else(|| Cell::Name(name.clone()), |place| Cell::Link(section::address(place), name.clone())),
            Cell::Verdict(judged.verdict),
            Cell::Number(peak.unwrap_or_default()),
            Cell::Curve(run.map(|run| run.curve.clone()).unwrap_or_default()),
            Cell::Text(found.unwrap_or_default()),
        ]
    });
    let heads = [
        Head::Text("workload"),
        Head::Text("verdict"),
        Head::Number("highest peak"),
        Head::Text("curve"),
        Head::Text("in a sentence"),
    ];
    let mut note = String::new();
    if shown.len() < judged.len() {
        note = format!(
            "{} of {} workloads are shown below, the gravest of them. results.json has all.",
            shown.len(),
            judged.len()
        );
    }
    Table { caption: "Workloads", heads: &heads, rows: rows.collect(), note }.write(html);
}

impl Page {
    fn begin(title: &str) -> Self {
        let mut html = Markup::default();
        html.verbatim("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        let policy = policy::policy(STYLE, SCRIPT);
        html.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
        html.open("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
        html.open("meta", &[("name", "color-scheme"), ("content", "light dark")]);
        html.open("meta", &[("name", "generator"), ("content", concat!("memguard ", env!("CARGO_PKG_VERSION")))]);
        html.element("title", &[], &format!("{title} · memguard"));
        html.verbatim("\n<style>");
        html.verbatim(STYLE);
        html.verbatim("</style>\n</head>\n<body>\n");
        Self { html, plots: Vec::new() }
    }

    fn end(mut self) -> Result<String> {
        self.html.json("plots", &self.plots).context("could not write the curves as JSON")?;
        self.html.verbatim("<script>");
        self.html.verbatim(SCRIPT);
        self.html.verbatim("</script>\n</body>\n</html>\n");
        Ok(self.html.finish())
    }
}
