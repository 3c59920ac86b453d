//! What the page says of curves over one another.

use super::Detail;
use super::lines::cut;
use super::markup::Markup;
use super::table::{Cell, Head, Table};
use super::tables::left_out;
use crate::report::chart::ChartModel;
use crate::report::compare::{self, Pair, Place};
use crate::units::format_duration;

/// So many log lines of a workload are told.
const LINES: usize = 20;

/// For those who do not see the curves.
pub(super) fn summary(model: &ChartModel) -> String {
    let highest = model.curves.iter().flat_map(|curve| &curve.curve.points).map(|point| point.memory).max();
    let highest = highest.map_or_else(String::new, |highest| format!(": the highest reaches {highest}"));
    format!("{} curves of memory over time{highest}.", model.curves.len())
}

/// A row for each curve.
pub(super) fn table(html: &mut Markup, model: &ChartModel, most: usize) {
    let rows = model.curves.iter().take(most).map(|curve| {
        let peak = curve.curve.highest();
        let last = curve.curve.points.last().map_or_else(String::new, |point| format_duration(point.at));
        vec![
            Cell::Name(curve.label.clone()),
            Cell::Number(peak.map_or_else(String::new, |peak| peak.memory.to_string())),
            Cell::Number(peak.map_or_else(String::new, |peak| format_duration(peak.at))),
            Cell::Number(last),
        ]
    });
    let heads = [Head::Text("curve"), Head::Number("peak"), Head::Number("reached after"), Head::Number("lasted")];
    let note = left_out(model.curves.len(), most, "curves");
    Table { caption: "Curves", heads: &heads, rows: rows.collect(), note }.write(html);
}

/// What moved from one result to another: the measures, and after which log lines.
pub(super) fn moved(html: &mut Markup, pairs: &[Pair<'_>], detail: &Detail) {
    let heads = [
        Head::Text("workload"),
        Head::Text("measure"),
        Head::Number("base"),
        Head::Number("head"),
        Head::Number("change"),
        Head::Number("percent"),
    ];
    let all: Vec<[String; 6]> = pairs.iter().flat_map(compare::measures).collect();
    let note = left_out(all.len(), detail.rows, "measures");
    let rows = all.into_iter().take(detail.rows).map(|[workload, measure, base, head, change, percent]| {
        vec![
            Cell::Name(workload),
            Cell::Text(measure),
            Cell::Number(base),
            Cell::Number(head),
            Cell::Number(change),
            Cell::Number(percent),
        ]
    });
    Table { caption: "What moved", heads: &heads, rows: rows.collect(), note }.write(html);
    for pair in pairs.iter().take(detail.workloads) {
        let moved = compare::moved(pair);
        let rows = moved.iter().take(LINES.min(detail.rows)).map(|(change, place)| {
            let after = match *place {
                Place::AfterLine(template) => Cell::Code(cut(template.trim(), detail.characters)),
                place => Cell::Name(place.words().to_owned()),
            };
            vec![after, Cell::Number(change.to_string())]
        });
        let caption = format!("What moved by log line of {}", pair.head.judged.name);
        let heads = [Head::Text("after the line"), Head::Number("change")];
        Table { caption: &caption, heads: &heads, rows: rows.collect(), note: String::new() }.write(html);
    }
}
