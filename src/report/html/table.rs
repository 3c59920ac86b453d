use std::fmt::Write as _;

use super::markup::Markup;
use crate::trace::Curve;
use crate::units::Percent;
use crate::verdict::{Outcome, Verdict};

/// A table with a caption, for eyes and for screen readers.
pub(super) struct Table<'a> {
    pub(super) caption: &'a str,
    pub(super) heads: &'a [Head],
    /// As many cells as heads in each.
    pub(super) rows: Vec<Vec<Cell>>,
    /// What was left out; empty for nothing.
    pub(super) note: String,
}

/// A column's name, and with it where its cells stand.
pub(super) enum Head {
    Text(&'static str),
    Number(&'static str),
    /// Of [`Cell::Share`].
    Share,
}

/// What a cell shows.
pub(super) enum Cell {
    /// Names the row.
    Name(String),
    Text(String),
    Number(String),
    /// What a program wrote: its command.
    Code(String),
    /// What a program wrote, and how often: its line.
    Line(String, String),
    /// A program, in the colour of its band in the graph.
    Band(usize, String),
    /// With a bar as long.
    Share(Percent),
    Outcome(Option<Outcome>),
    Verdict(Verdict),
    /// Names the row, and leads to a place of the page.
    Link(String, String),
    /// Names the row of a run, whose curve the script can then switch.
    Run(u32),
    /// A small curve.
    Curve(Curve),
}

impl Table<'_> {
    /// Nothing where there are no rows.
    pub(super) fn write(&self, html: &mut Markup) {
        if self.rows.is_empty() {
            return;
        }
        html.open("div", &[("class", "table")]);
        html.open("table", &[]);
        html.element("caption", &[], self.caption);
        html.open("thead", &[]);
        html.open("tr", &[]);
        for head in self.heads {
            match head {
                Head::Text(name) => html.element("th", &[("scope", "col")], name),
                Head::Share => html.element("th", &[("scope", "col"), ("class", "share")], "share"),
                Head::Number(name) => html.element("th", &[("scope", "col"), ("class", "number")], name),
            }
        }
        html.close("tr");
        html.close("thead");
        html.open("tbody", &[]);
        for row in &self.rows {
            html.open("tr", &[]);
            row.iter().for_each(|cell| cell.write(html));
            html.close("tr");
        }
        html.close("tbody");
        html.close("table");
        if !self.note.is_empty() {
            html.element("p", &[("class", "note")], &self.note);
        }
        html.close("div");
    }
}

impl Cell {
    fn write(&self, html: &mut Markup) {
        match self {
            Self::Name(text) => html.element("th", &[("scope", "row")], text),
            Self::Text(text) => html.element("td", &[], text),
            Self::Number(text) => html.element("td", &[("class", "number")], text),
            Self::Code(text) => {
                html.open("th", &[("scope", "row")]);
                html.element("code", &[], text);
                html.close("th");
            }
            Self::Line(text, count) => {
                html.open("th", &[("scope", "row")]);
                html.element("code", &[], text);
                html.element("span", &[("class", "aside")], count);
                html.close("th");
            }
            Self::Band(index, name) => {
                html.open("th", &[("scope", "row")]);
                let colour = format!("band-{index}");
                html.open("svg", &[("class", "swatch"), ("viewBox", "0 0 12 12"), ("aria-hidden", "true")]);
                html.open("rect", &[("class", &colour), ("width", "12"), ("height", "12"), ("rx", "2")]);
                html.close("rect");
                html.close("svg");
                html.element("span", &[], name);
                html.close("th");
            }
            Self::Share(share) => {
                html.open("td", &[("class", "share")]);
                bar(html, *share);
                html.element("span", &[], &format!("{:.0} %", share.0));
                html.close("td");
            }
            Self::Outcome(outcome) => {
                html.open("td", &[]);
                if let Some(outcome) = outcome {
                    let (class, text) = outcome_badge(*outcome);
                    html.element("span", &[("class", class)], text);
                }
                html.close("td");
            }
            Self::Verdict(verdict) => {
                html.open("td", &[]);
                let (class, text) = verdict_badge(*verdict);
                html.element("span", &[("class", class)], text);
                html.close("td");
            }
            Self::Link(to, text) => {
                html.open("th", &[("scope", "row")]);
                html.element("a", &[("href", to)], text);
                html.close("th");
            }
            Self::Run(number) => {
                let number = number.to_string();
                html.open("th", &[("scope", "row"), ("data-run", &number)]);
                html.text(&number);
                html.close("th");
            }
            Self::Curve(curve) => {
                html.open("td", &[]);
                small_curve(html, curve);
                html.close("td");
            }
        }
    }
}

/// Not by colour alone: each has a sign and a word.
pub(super) const fn verdict_badge(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("badge pass", "✓ pass"),
        Verdict::Warn => ("badge warn", "! warning"),
        Verdict::Fail => ("badge fail", "✗ fail"),
        Verdict::NoBaseline => ("badge none", "○ no baseline"),
        Verdict::Error => ("badge fail", "✗ error"),
    }
}

const fn outcome_badge(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Pass => ("outcome pass", "✓ pass"),
        Outcome::Warn => ("outcome warn", "! warning"),
        Outcome::Fail => ("outcome fail", "✗ fail"),
        Outcome::NoBaseline => ("outcome none", "○ no baseline"),
        Outcome::NotComparable => ("outcome none", "○ not comparable"),
        Outcome::Unmeasured => ("outcome fail", "✗ unmeasured"),
    }
}

fn bar(html: &mut Markup, share: Percent) {
    let width = format!("{:.1}", share.0.clamp(0.0, 100.0));
    html.open("svg", &[("class", "bar"), ("viewBox", "0 0 100 6"), ("aria-hidden", "true")]);
    html.open("rect", &[("width", &width), ("height", "6")]);
    html.close("rect");
    html.close("svg");
}

/// So many columns has a small curve.
const COLUMNS: usize = 60;

fn small_curve(html: &mut Markup, curve: &Curve) {
    let thin = super::plot::thinned(curve, COLUMNS);
    let (Some(last), Some(highest)) = (thin.points.last(), thin.highest()) else { return };
    let (end, top) = (last.at.as_secs_f64().max(1e-6), highest.memory.as_f64().max(1.0));
    html.open("svg", &[("class", "spark"), ("viewBox", "0 0 120 24"), ("aria-hidden", "true")]);
    for piece in thin.pieces() {
        let mut path = String::new();
        for point in piece {
            let (x, y) = (point.at.as_secs_f64() / end * 120.0, 22.0 - point.memory.as_f64() / top * 20.0);
            let _ = write!(path, "{x:.0},{y:.0} ");
        }
        html.open("polyline", &[("points", path.trim_end())]);
        html.close("polyline");
    }
    html.close("svg");
}
