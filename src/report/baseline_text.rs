//! The stored baseline and what would become of it, for people.

use std::fmt::Write as _;

use crate::baseline::{Change, Difference, EntryChange, Key, Store};
use crate::units::Quantity;

use super::escape::plain;

/// What is stored: a block for each workload.
#[must_use]
pub fn show(store: &Store) -> String {
    let mut out = String::new();
    for entry in store.entries() {
        let _ = writeln!(out, "{}", heading(&entry.key));
        let commit = entry.commit.as_ref().map_or_else(String::new, |commit| format!(", commit {}", plain(commit, 12)));
        let runs = entry.peak.len();
        let _ = writeln!(
            out,
            "  measured {}{commit}, {runs} run{}",
            plain(&entry.measured, 40),
            if runs == 1 { "" } else { "s" }
        );
        for (measure, median) in entry.medians() {
            let _ = writeln!(out, "  {:<16} {:>12}", plain(&measure.to_string(), 40), median.plain());
        }
    }
    if out.is_empty() {
        let _ = writeln!(
            out,
            "there is no baseline in `{}` yet\nhelp: `memguard run`, look at the graph, then `memguard baseline accept`",
            store.file().display()
        );
    }
    out
}

/// What accepting would change, or has changed.
#[must_use]
pub fn differences(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "nothing changes\n".to_owned();
    }
    let mut out = String::new();
    for difference in differences {
        let what = match difference.entry {
            EntryChange::Added => "new: ",
            EntryChange::Removed => "removed: ",
            EntryChange::Changed => "",
        };
        let _ = writeln!(out, "{what}{}", heading(&difference.key));
        for measure in &difference.measures {
            let change = match measure.change {
                Change::Added(new) => new.plain(),
                Change::Removed(old) => format!("{} → not measured", old.plain()),
                Change::Moved { old, new } => moved(old, new, measure.change),
            };
            let _ = writeln!(out, "  {:<16} {change}", plain(&measure.measure.to_string(), 40));
        }
    }
    out
}

fn moved(old: Quantity, new: Quantity, change: Change) -> String {
    let percent = change.percent().map_or_else(String::new, |percent| format!(" ({})", percent.signed()));
    format!("{} → {}{percent}", old.plain(), new.plain())
}

fn heading(key: &Key) -> String {
    format!("{} on {} in {}", plain(&key.workload, 64), plain(&key.platform, 80), key.metric)
}
