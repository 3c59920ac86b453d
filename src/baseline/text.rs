use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use crate::units::Quantity;

use super::{Entry, Key, SCHEMA, StoredCurve};
use crate::analysis::stats::median;

const HEADER: &str = "\
# Accepted memory measures: what regressions are judged against.
# Changed by `memguard baseline accept` alone, and reviewed like code.
";

/// The whole file: one entry after the other by key, every table sorted, `\n` at every end of line.
pub(super) fn render(entries: &BTreeMap<Key, Entry>) -> String {
    let mut out = String::from(HEADER);
    line(&mut out, "schema", SCHEMA);
    for entry in entries.values() {
        render_entry(&mut out, entry);
    }
    out
}

fn render_entry(out: &mut String, entry: &Entry) {
    out.push_str("\n[[entry]]\n");
    line(out, "workload", quoted(&entry.key.workload));
    line(out, "platform", quoted(&entry.key.platform));
    line(out, "metric", quoted(entry.key.metric.name()));
    line(out, "measured", quoted(&entry.measured));
    if let Some(commit) = &entry.commit {
        line(out, "commit", quoted(commit));
    }
    line(out, "memguard", quoted(&entry.memguard));
    amounts(out, "peak_bytes", &entry.peak);
    amounts(out, "startup_bytes", &entry.startup);
    amounts(out, "retained_bytes", &entry.retained);
    amounts(out, "growth_bytes_per_min", &entry.growth);
    if let Some(curve) = &entry.curve {
        line(out, "curve", curve_text(curve));
    }
    of_phases(out, "phase_peak_bytes", &entry.phases);
    of_phases(out, "phase_growth_bytes_per_min", &entry.phase_growth);
    if !entry.environment.is_empty() {
        out.push_str("\n[entry.environment]\n");
        for (fact, value) in &entry.environment {
            line(out, &key(fact), quoted(value));
        }
    }
}

fn line(out: &mut String, key: &str, value: impl Display) {
    let _ = writeln!(out, "{key} = {value}"); // a String takes whatever is written to it
}

/// A table of the phases that have values.
fn of_phases<T: Copy + Into<Quantity>>(out: &mut String, table: &str, phases: &BTreeMap<String, Vec<T>>) {
    if phases.values().any(|values| !values.is_empty()) {
        let _ = writeln!(out, "\n[entry.{table}]");
        for (phase, values) in phases {
            amounts(out, &key(phase), values);
        }
    }
}

/// Every run's value in bytes, or in bytes per minute, with the median for people. Nothing where nothing was measured.
fn amounts<T: Copy + Into<Quantity>>(out: &mut String, key: &str, values: &[T]) {
    let values: Vec<Quantity> = values.iter().map(|value| (*value).into()).collect();
    if let Some(median) = median(&values) {
        let list = joined(values.iter().map(|value| value.number()));
        line(out, key, format_args!("[{list}]  # median {}", median.plain()));
    }
}

/// Steps in whole milliseconds and values in whole KiB, both rounded up: short, and no maximum shrinks.
fn curve_text(curve: &StoredCurve) -> String {
    let step_ms = curve.step.as_micros().div_ceil(1000).max(1);
    let kib = joined(curve.memory.iter().map(|memory| memory.0.div_ceil(1024)));
    format!("{{ step_s = {}, kib = [{kib}] }}", step_ms as f64 / 1e3)
}

fn joined(values: impl Iterator<Item: Display>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { name.to_owned() } else { quoted(name) }
}

/// A TOML basic string. What a reviewer would not see, or would see in another order, is written as its number.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ if c.is_control() || is_invisible(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c)); // all of these are below U+10000
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Spaces without width, line separators, and marks that turn the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
