//! What a change edits of that which judges it, in sentences: the same in every format.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::escape::plain;
use crate::verdict::{Base, Edit, EditKind};

/// What is told of the commits whose baselines judged. Its sentences have no full stop and are safe to print.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Whose baseline judged.
    pub judged_by: Vec<String>,
    /// Edits that let more pass than before.
    pub looser: Vec<String>,
    /// Other edits of limits and baselines.
    pub others: Vec<String>,
    /// What could not be compared.
    pub notes: Vec<String>,
}

impl Edits {
    /// Of these commits, each sentence once.
    #[must_use]
    pub fn of<'a>(bases: impl IntoIterator<Item = &'a Base>) -> Self {
        let mut seen = BTreeSet::new();
        let mut out = Self::default();
        for base in bases {
            let whose = format!(
                "the baseline of {}, where HEAD and `{}` meet: one accepted since then counts once it is merged",
                plain(&base.commit, 40),
                plain(&base.reference, 80)
            );
            let notes = base.notes.iter().map(|note| format!("in {}: {}", plain(&base.commit, 40), plain(note, 300)));
            let mut add = |list: &mut Vec<String>, text: String| {
                if seen.insert(text.clone()) {
                    list.push(text);
                }
            };
            add(&mut out.judged_by, whose);
            notes.for_each(|note| add(&mut out.notes, note));
            for edit in &base.edits {
                add(if edit.loosens { &mut out.looser } else { &mut out.others }, sentence(edit));
            }
        }
        out
    }

    /// For the terminal.
    pub(super) fn write(&self, out: &mut String, warn: impl Fn(&str) -> String) {
        for whose in &self.judged_by {
            let _ = writeln!(out, "judged by {whose}");
        }
        for (head, list) in self.lists() {
            let _ = writeln!(out, "{}", warn(&format!("{head}:")));
            list.iter().for_each(|text| _ = writeln!(out, "  {text}"));
        }
        self.notes.iter().for_each(|note| _ = writeln!(out, "note: {note}"));
    }

    /// What was edited, under what it is called; what lets more pass comes first.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let lists = [
            ("this change lets more pass than before", self.looser.as_slice()),
            ("this change edits what judges it", self.others.as_slice()),
        ];
        lists.into_iter().filter(|(_, list)| !list.is_empty())
    }
}

/// An edit in a sentence: `the budget of a peak was 512.0 MiB and is 1.0 GiB`.
#[must_use]
pub fn sentence(edit: &Edit) -> String {
    let workload = edit.workload.as_deref().map_or_else(String::new, |name| format!("`{}`", plain(name, 64)));
    let measure = edit.measure.as_deref().map_or_else(String::new, |measure| format!(" {}", plain(measure, 120)));
    let subject = match edit.kind {
        EditKind::Workload if edit.new.is_some() => return format!("{workload} is judged now, and was not"),
        EditKind::Workload => return format!("{workload} is no longer judged"),
        EditKind::Budget => format!("the budget of {workload}{measure}"),
        EditKind::Tolerance => format!("the tolerance of {workload}{measure}"),
        EditKind::Level => format!("the level of {workload}"),
        EditKind::Baseline => format!("the baseline of {workload}{measure}"),
        EditKind::Setting => format!("`[baseline]`{measure}"),
    };
    let shown = |text: &str| plain(text, 200);
    match (&edit.old, &edit.new) {
        (Some(old), Some(new)) => format!("{subject} was {} and is {}", shown(old), shown(new)),
        (Some(old), None) => format!("{subject} is gone: it was {}", shown(old)),
        (None, Some(new)) => format!("{subject} is new: {}", shown(new)),
        (None, None) => format!("{subject} was taken from other runs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(kind: EditKind, old: Option<&str>, new: Option<&str>) -> Edit {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let (workload, measure) = (text(Some("a")), text((kind != EditKind::Level).then_some("peak")));
        Edit { kind, workload, measure, old: text(old), new: text(new), loosens: old.is_some(), written: None }
    }

    #[test]
    fn every_edit_is_one_sentence() {
        for (kind, old, new, said) in [
            (EditKind::Budget, Some("1 MiB"), Some("2 MiB"), "the budget of `a` peak was 1 MiB and is 2 MiB"),
            (EditKind::Tolerance, Some("5%"), None, "the tolerance of `a` peak is gone: it was 5%"),
            (EditKind::Level, Some("fail"), Some("warn"), "the level of `a` was fail and is warn"),
            (EditKind::Baseline, None, Some("2 MiB"), "the baseline of `a` peak is new: 2 MiB"),
            (EditKind::Baseline, None, None, "the baseline of `a` peak was taken from other runs"),
            (EditKind::Workload, Some("judged"), None, "`a` is no longer judged"),
        ] {
            assert_eq!(sentence(&edit(kind, old, new)), said);
        }
    }

    #[test]
    fn machines_that_tell_the_same_are_told_once() {
        let edits = vec![edit(EditKind::Budget, Some("1"), Some("2")), edit(EditKind::Budget, None, Some("2"))];
        let base = Base { reference: "main".into(), commit: "abc".into(), edits, notes: vec!["x".into()] };
        let told = Edits::of([&base, &base]);
        assert_eq!((told.judged_by.len(), told.looser.len(), told.others.len(), told.notes.len()), (1, 1, 1, 1));
        let mut out = String::new();
        told.write(&mut out, str::to_owned);
        assert!(
            out.contains("this change lets more pass than before:\n  the budget of `a` peak was 1 and is 2\n"),
            "{out}"
        );
    }
}
