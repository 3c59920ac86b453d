//! Memory by log line: what the program was saying while its memory rose.

mod chatter;
mod habits;
mod held;
mod marks;
mod model;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use anyhow::Result;

use self::held::Held;
use self::marks::{LEFT_OUT, Mark};
pub use self::model::{LogGrowth, OtherTemplates, TEMPLATES_SHOWN, TemplateGrowth, Unseen};
use super::templates::{TemplateId, Templates};
use crate::trace::{LogRow, Sample};
use crate::units::{Bytes, Percent};

/// Finds after which lines the memory was taken. None where there is no line or no sample.
///
/// 1. Lines that differ in numbers, ids, paths, quoted words and the like share a template.
/// 2. Templates whose lines come whatever the memory does (a heartbeat, another thread's work) are chatter, and are
///    passed over from here on.
/// 3. The rise between one line and the next belongs to the first. What is given back counts against what was taken
///    last, so that a template's rise is the most memory that stood at one time of what was taken after its lines: a
///    garbage collector's saw-tooth counts with one tooth, however long it went on, and a leak under it adds up.
///
/// Where lines were left out of the log, what was taken from the first of them until the next line that tells is no line's.
///
/// Reads each once. Holds up to 2,048 templates and a million marks, 32 bytes each: where there are more lines, those of
/// a template that stand close together count as one from then on.
///
/// # Errors
/// The first error of the log or the samples.
pub fn log_growth(
    log: impl IntoIterator<Item = Result<LogRow>>,
    samples: impl IntoIterator<Item = Result<Sample>>,
) -> Result<Option<LogGrowth>> {
    let mut templates = Templates::default();
    let (mut marks, gaps) = marks::read_log(log, &mut templates)?;
    let mut watch = habits::Watch::new(habits::habits(&marks), &gaps);
    let levels = marks::read_levels(&mut marks, samples, |marks, row| watch.row(marks, row))?;
    let (Some((ground, last)), false) = (levels, marks.is_empty()) else { return Ok(None) };
    let habits = watch.finish(&marks);
    let chatter = chatter::chatter(&marks, &habits);
    let rises = rises(&marks, |template| chatter.contains(&template), ground, last);
    let lines = gaps.iter().map(|gap| gap.lines).sum();
    Ok(Some(ranked(&rises, &templates, lines)))
}

/// The most that stood at one time of what was taken after the lines of each template.
fn rises(
    marks: &[Mark],
    is_chatter: impl Fn(TemplateId) -> bool,
    ground: f64,
    last: f64,
) -> BTreeMap<Option<TemplateId>, f64> {
    let mut held = Held::new(ground);
    let mut speaker = None;
    for mark in marks {
        held.turn_to(mark.level, speaker);
        if !is_chatter(mark.template) {
            speaker = Some(mark.template);
        }
        held.turn_to(mark.peak, speaker);
    }
    held.turn_to(last, speaker);
    held.most()
}

fn ranked(rises: &BTreeMap<Option<TemplateId>, f64>, templates: &Templates, left_out: u64) -> LogGrowth {
    let bytes = |rise: f64| Bytes(rise.round() as u64);
    let total: Bytes = rises.values().map(|rise| bytes(*rise)).sum();
    let rise = |id: Option<TemplateId>| rises.get(&id).map_or(Bytes::ZERO, |rise| bytes(*rise));
    let share = |rise: Bytes| Percent(if total == Bytes::ZERO { 0.0 } else { rise.as_f64() / total.as_f64() * 100.0 });
    let mut shown: Vec<TemplateGrowth> = templates
        .held()
        .map(|(id, template)| (rise(Some(id)), template))
        .filter(|(rise, _)| *rise > Bytes::ZERO)
        .map(|(rise, template)| TemplateGrowth {
            template: template.text.clone(),
            example: template.example.clone(),
            lines: template.lines,
            rise,
            share: share(rise),
        })
        .collect();
    shown.sort_by(|left, right| right.rise.cmp(&left.rise).then_with(|| left.template.cmp(&right.template)));
    shown.truncate(TEMPLATES_SHOWN);
    let told: Bytes = shown.iter().map(|template| template.rise).sum();
    let before_first_line = rise(None);
    let unseen = Unseen { lines: left_out, rise: rise(Some(LEFT_OUT)) };
    let others = OtherTemplates {
        templates: templates.count().map(|count| count - shown.len() as u64),
        lines: templates.lines() - shown.iter().map(|template| template.lines).sum::<u64>(),
        rise: total.saturating_sub(told).saturating_sub(before_first_line).saturating_sub(unseen.rise),
    };
    LogGrowth { total, before_first_line, unseen, templates: shown, others }
}
