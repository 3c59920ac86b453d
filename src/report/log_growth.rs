use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::escape::plain;
use crate::analysis::{LogGrowth, TemplateGrowth};
use crate::units::{Bytes, Percent};

/// Rises below this share of the total are summed up.
const LEAST: Percent = Percent(2.0);
/// So many templates fit beside a table; all that are told stand in `results.json`.
const MOST: usize = 5;

/// Less in all is a program's own start, and tells nothing. The files have it all the same.
pub(super) const WORTH_TELLING: Bytes = Bytes::from_mib(1);

/// A line of memory by log line.
pub(super) struct Shown {
    pub(super) rise: Bytes,
    pub(super) share: Percent,
    /// What it was taken after; a workload's own text, not escaped.
    pub(super) what: String,
}

/// Memory by log line, the largest rises first.
pub(super) fn shown(growth: &LogGrowth) -> Vec<Shown> {
    let templates: Vec<&TemplateGrowth> =
        growth.templates.iter().filter(|template| template.share >= LEAST).take(MOST).collect();
    let mut rows: Vec<(Bytes, String)> = templates.iter().map(|template| (template.rise, describe(template))).collect();
    if share(growth.before_first_line, growth.total) >= LEAST {
        rows.push((growth.before_first_line, "before the first line".to_owned()));
    }
    if share(growth.unseen.rise, growth.total) >= LEAST {
        let what = format!("where {} lines are not in the log", growth.unseen.lines);
        rows.push((growth.unseen.rise, what));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.0));
    let rest = growth.total.saturating_sub(rows.iter().map(|row| row.0).sum());
    if share(rest, growth.total) >= LEAST {
        rows.push((rest, "after other lines".to_owned()));
    }
    rows.into_iter().map(|(rise, what)| Shown { rise, share: share(rise, growth.total), what }).collect()
}

/// Memory by log line, a line each. Nothing where hardly any memory was taken.
pub(super) fn write(out: &mut String, workload: &str, growth: &LogGrowth, width: usize) {
    if growth.total < WORTH_TELLING {
        return;
    }
    let _ = writeln!(out, "\nmemory by log line of `{}`:", plain(workload, 64));
    let rows = shown(growth);
    let amounts: Vec<String> = rows.iter().map(|row| row.rise.to_string()).collect();
    let widest = amounts.iter().map(|amount| amount.width()).max().unwrap_or(0);
    for (row, amount) in rows.iter().zip(&amounts) {
        let share = format!("{:.0} %", row.share.0);
        let what = plain(&row.what, width.saturating_sub(widest + 10).max(20));
        let _ = writeln!(out, "  {amount:>widest$}  {share:>5}  {what}");
    }
}

fn describe(template: &TemplateGrowth) -> String {
    // A line that came once is told as it was.
    if template.lines == 1 {
        return format!("\"{}\"", template.example.trim());
    }
    format!("{} × {} each: \"{}\"", template.lines, template.each(), template.template.trim())
}

fn share(part: Bytes, total: Bytes) -> Percent {
    Percent(if total == Bytes::ZERO { 0.0 } else { part.as_f64() / total.as_f64() * 100.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{OtherTemplates, Unseen};

    fn template(text: &str, lines: u64, mib: u64, total: u64) -> TemplateGrowth {
        let (rise, total) = (Bytes::from_mib(mib), Bytes::from_mib(total));
        TemplateGrowth { template: text.into(), example: text.into(), lines, rise, share: share(rise, total) }
    }

    #[test]
    fn the_largest_rises_come_first_and_small_ones_are_summed_up() {
        let growth = LogGrowth {
            total: Bytes::from_mib(1260),
            before_first_line: Bytes::from_mib(50),
            unseen: Unseen { lines: 1_000_000, rise: Bytes::from_mib(40) },
            templates: vec![
                template("processing batch <n>", 480, 1024, 1260),
                template("loaded \u{1b}[31mconfig", 1, 150, 1260),
                template("tick <n>", 9, 1, 1260),
            ],
            others: OtherTemplates { templates: Some(40), lines: 300, rise: Bytes::from_mib(35) },
        };
        let mut out = String::new();
        write(&mut out, "ingest", &growth, 80);
        insta::assert_snapshot!(out);
    }
}
