//! What was found in the traces: segments, memory by log line, programs.

use serde::Serialize;

use super::seconds;
use crate::analysis::{CommandUse, LogGrowth, Measures, Segment};
use crate::units::{Bytes, SignedBytes};

/// A straight stretch of the median run's curve.
#[derive(Serialize)]
pub(super) struct SegmentOut {
    kind: &'static str,
    from_s: f64,
    to_s: f64,
    from_bytes: Bytes,
    to_bytes: Bytes,
    rise_bytes: SignedBytes,
    share: f64,
}

/// What was taken after the lines of one template; without a template, before the first line, or, where there is a count, after
/// lines that are not in the log.
#[derive(Serialize)]
pub(super) struct Template {
    template: Option<String>,
    example: Option<String>,
    count: u64,
    rise_bytes: Bytes,
    share: f64,
}

#[derive(Serialize)]
pub(super) struct Program {
    command: String,
    count: u64,
    peak_bytes: Option<Bytes>,
}

pub(super) fn segments(measures: &Measures) -> Vec<SegmentOut> {
    let segment = |segment: &Segment| SegmentOut {
        kind: segment.kind.name(),
        from_s: seconds(segment.from),
        to_s: seconds(segment.to),
        from_bytes: segment.from_level,
        to_bytes: segment.to_level,
        rise_bytes: segment.rise,
        share: segment.share.0 / 100.0,
    };
    measures.segments.iter().map(segment).collect()
}

/// The largest rises first.
pub(super) fn log_growth(growth: &LogGrowth) -> Vec<Template> {
    let of_total = |rise: Bytes| if growth.total == Bytes::ZERO { 0.0 } else { rise.as_f64() / growth.total.as_f64() };
    let before = Template {
        template: None,
        example: None,
        count: 0,
        rise_bytes: growth.before_first_line,
        share: of_total(growth.before_first_line),
    };
    let unseen = Template {
        template: None,
        example: None,
        count: growth.unseen.lines,
        rise_bytes: growth.unseen.rise,
        share: of_total(growth.unseen.rise),
    };
    let told = growth.templates.iter().map(|template| Template {
        template: Some(template.template.clone()),
        example: Some(template.example.clone()),
        count: template.lines,
        rise_bytes: template.rise,
        share: of_total(template.rise),
    });
    let mut all: Vec<Template> =
        told.chain([before, unseen]).filter(|template| template.rise_bytes > Bytes::ZERO).collect();
    all.sort_by_key(|template| std::cmp::Reverse(template.rise_bytes));
    all
}

pub(super) fn program(used: &CommandUse) -> Program {
    Program { command: used.command.clone(), count: used.count, peak_bytes: used.peak }
}
