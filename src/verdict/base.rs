//! What a change edits of that which judges it: its own limits, and the baseline.

use std::collections::BTreeSet;

use super::{Budget, ConfigLine, Level, Limits, Subject, Tolerance};
use crate::baseline::{Change, Difference, EntryChange};
use crate::units::Quantity;

/// The commit whose baseline judges, in the place of the one that lies here.
#[derive(Debug, Clone, PartialEq)]
pub struct Base {
    /// As it was named: `origin/main`.
    pub reference: String,
    /// The first digits of the merge base of it and HEAD.
    pub commit: String,
    /// What is different here from there.
    pub edits: Vec<Edit>,
    /// What could not be compared, as sentences without a full stop.
    pub notes: Vec<String>,
}

/// One difference of what judges.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Of which kind.
    pub kind: EditKind,
    /// The workload's name; None for what is of all.
    pub workload: Option<String>,
    /// Which measure, for people: `peak`, `load peak`. None where it is about the whole workload.
    pub measure: Option<String>,
    /// What it was there, for people. None where there was nothing.
    pub old: Option<String>,
    /// What it is here.
    pub new: Option<String>,
    /// Whether more passes now than did then.
    pub loosens: bool,
    /// Where it is written now.
    pub written: Option<ConfigLine>,
}

/// What was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EditKind {
    /// A workload that is judged.
    Workload,
    /// An absolute limit.
    Budget,
    /// A limit against the baseline.
    Tolerance,
    /// Whether a crossed limit fails.
    Level,
    /// A stored measure.
    Baseline,
    /// A key of `[baseline]`.
    Setting,
}

/// What is different between the limits of two configs, by workload.
#[must_use]
pub fn limit_edits(old: &[(String, Limits)], new: &[(String, Limits)]) -> Vec<Edit> {
    let find = |all: &[(String, Limits)], name: &str| {
        all.iter().find(|(other, _)| other == name).map(|(_, limits)| limits.clone())
    };
    let mut edits = Vec::new();
    for (name, old) in old {
        match find(new, name) {
            Some(new) => edits.extend(of_workload(name, old, &new)),
            None => edits.push(Edit { old: Some("judged".into()), loosens: true, ..edit(EditKind::Workload, name) }),
        }
    }
    for (name, _) in new.iter().filter(|(name, _)| find(old, name).is_none()) {
        edits.push(Edit { new: Some("judged".into()), ..edit(EditKind::Workload, name) });
    }
    edits
}

fn edit(kind: EditKind, workload: &str) -> Edit {
    let workload = Some(workload.to_owned());
    Edit { kind, workload, measure: None, old: None, new: None, loosens: false, written: None }
}

fn of_workload(name: &str, old: &Limits, new: &Limits) -> Vec<Edit> {
    let mut edits = Vec::new();
    let word = |level| match level {
        Level::Fail => "fail",
        Level::Warn => "warn",
    };
    if old.level != new.level {
        let (before, now) = (Some(word(old.level).into()), Some(word(new.level).into()));
        let loosens = new.level == Level::Warn;
        edits.push(Edit { old: before, new: now, loosens, ..edit(EditKind::Level, name) });
    }
    let budgets = pair(&old.budgets, &new.budgets, |budget| &budget.subject);
    edits.extend(budgets.into_iter().filter_map(|(subject, before, now)| {
        let limits = (before.map(|budget| budget.limit), now.map(|budget| budget.limit));
        let shown = |budget: &Budget| budget.limit.plain();
        (limits.0 != limits.1).then(|| Edit {
            old: before.map(shown),
            new: now.map(shown),
            // One that went lets pass whatever comes.
            loosens: limits.0.is_some() && limits.1.is_none_or(|now| Some(now) > limits.0),
            written: now.and_then(|budget| budget.written.clone()),
            ..edit_of(EditKind::Budget, name, subject)
        })
    }));
    let tolerances = pair(&old.tolerances, &new.tolerances, |tolerance| &tolerance.subject);
    edits.extend(tolerances.into_iter().filter_map(|(subject, before, now)| {
        let limit = |tolerance: &Tolerance| (tolerance.percent, tolerance.at_least);
        let limits = (before.map(limit), now.map(limit));
        let shown = |tolerance: &Tolerance| format!("{} and {}", tolerance.percent, tolerance.at_least.plain());
        (limits.0 != limits.1).then(|| Edit {
            old: before.map(shown),
            new: now.map(shown),
            loosens: match limits {
                (Some(before), Some(now)) => now.0 > before.0 || now.1 > before.1,
                (before, _) => before.is_some(),
            },
            written: now.and_then(|tolerance| tolerance.written.clone()),
            ..edit_of(EditKind::Tolerance, name, subject)
        })
    }));
    edits
}

fn edit_of(kind: EditKind, workload: &str, subject: &Subject) -> Edit {
    let phase = subject.phase.as_ref().map_or_else(String::new, |phase| format!("{phase} "));
    Edit { measure: Some(phase + subject.measure.name()), ..edit(kind, workload) }
}

/// A limit before and now; None where there was or is none.
type Pair<'a, L> = (&'a Subject, Option<&'a L>, Option<&'a L>);

/// The limits of both sides by what they are about.
fn pair<'a, L>(old: &'a [L], new: &'a [L], subject: impl Fn(&'a L) -> &'a Subject) -> Vec<Pair<'a, L>> {
    let find = |all: &'a [L], of: &Subject| all.iter().find(|limit| subject(limit) == of);
    let subjects: BTreeSet<&Subject> = old.iter().chain(new).map(&subject).collect();
    subjects.into_iter().map(|of| (of, find(old, of), find(new, of))).collect()
}

/// What is different between two baselines: a stored measure that rises lets more pass.
#[must_use]
pub fn baseline_edits(differences: &[Difference]) -> Vec<Edit> {
    let mut edits = Vec::new();
    for difference in differences {
        let key = &difference.key;
        let on = |measure: &str| format!("{measure} on `{}` in {}", key.platform, key.metric);
        let before = edits.len();
        for measure in &difference.measures {
            let shown = |amount: Quantity| Some(amount.plain());
            let (old, new, loosens) = match measure.change {
                Change::Added(new) => (None, shown(new), false),
                Change::Removed(old) => (shown(old), None, true),
                Change::Moved { old, new } if old == new => continue,
                Change::Moved { old, new } => (shown(old), shown(new), new > old),
            };
            let measure = Some(on(&measure.measure.to_string()));
            edits.push(Edit { measure, old, new, loosens, ..edit(EditKind::Baseline, &key.workload) });
        }
        if edits.len() == before && difference.entry == EntryChange::Changed {
            // Other runs with the same medians: their scatter, or where they were measured.
            edits.push(edit(EditKind::Baseline, &key.workload));
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Bytes, Percent};
    use crate::verdict::Measure;

    fn limits(peak: Option<u64>, percent: f64, level: Level) -> Limits {
        let subject = |measure| Subject { phase: None, measure };
        let budget =
            |mib| Budget { subject: subject(Measure::Peak), limit: Bytes::from_mib(mib).into(), written: None };
        let tolerance = Tolerance {
            subject: subject(Measure::Startup),
            percent: Percent(percent),
            at_least: Bytes(1).into(),
            written: None,
        };
        Limits { budgets: peak.map(budget).into_iter().collect(), tolerances: vec![tolerance], level }
    }

    fn told(old: &Limits, new: &Limits) -> Vec<(EditKind, bool)> {
        let named = |limits: &Limits| vec![("a".to_owned(), limits.clone())];
        limit_edits(&named(old), &named(new)).iter().map(|edit| (edit.kind, edit.loosens)).collect()
    }

    #[test]
    fn what_lets_more_pass_is_told_from_what_lets_less() {
        use EditKind::{Budget, Level as Which, Tolerance};
        let limit = |peak, percent| limits(peak, percent, Level::Fail);
        let old = limit(Some(100), 5.0);
        assert_eq!(told(&old, &old), []);
        assert_eq!(told(&old, &limit(Some(101), 5.0)), [(Budget, true)]);
        assert_eq!(told(&old, &limit(Some(99), 5.0)), [(Budget, false)]);
        assert_eq!(told(&old, &limit(None, 5.0)), [(Budget, true)]);
        assert_eq!(told(&limit(None, 5.0), &old), [(Budget, false)]);
        assert_eq!(told(&old, &limit(Some(100), 6.0)), [(Tolerance, true)]);
        assert_eq!(told(&old, &limits(Some(100), 5.0, Level::Warn)), [(Which, true)]);
    }

    #[test]
    fn a_workload_that_is_no_longer_judged_lets_anything_pass() {
        let one = |name: &str| vec![(name.to_owned(), limits(Some(1), 5.0, Level::Fail))];
        let edits = limit_edits(&one("a"), &one("b"));
        let told: Vec<_> = edits.iter().map(|edit| (edit.workload.as_deref(), edit.loosens)).collect();
        assert_eq!(told, [(Some("a"), true), (Some("b"), false)]);
    }
}
