use std::collections::BTreeMap;

use crate::units::{Percent, Quantity};

use super::{Entry, Key, Store, StoredMeasure};

/// What is different about one key between two baselines.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What the entry stands for.
    pub key: Key,
    /// Whether the entry itself came or went.
    pub entry: EntryChange,
    /// Every measure that either of the two holds.
    pub measures: Vec<MeasureChange>,
}

/// Whether an entry is in both baselines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryChange {
    /// Only in the new one.
    Added,
    /// Only in the old one.
    Removed,
    /// In both, and not the same.
    Changed,
}

/// What became of one measure.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureChange {
    /// Which measure.
    pub measure: StoredMeasure,
    /// Its medians.
    pub change: Change,
}

/// The medians of a measure before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Not stored before.
    Added(Quantity),
    /// Not stored any more.
    Removed(Quantity),
    /// Stored before and after, and perhaps the same.
    Moved {
        /// The median before.
        old: Quantity,
        /// The median after.
        new: Quantity,
    },
}

impl Change {
    /// How far the new median is above the old, in percent of the old. None where one is missing, or the old is not above zero.
    #[must_use]
    pub fn percent(self) -> Option<Percent> {
        match self {
            Self::Moved { old, new } => Percent::change(old, new),
            Self::Added(_) | Self::Removed(_) => None,
        }
    }
}

/// What is different between two baselines, by key. Entries that are the same in both are left out.
#[must_use]
pub fn difference(old: &Store, new: &Store) -> Vec<Difference> {
    let mut pairs: BTreeMap<&Key, (Option<&Entry>, Option<&Entry>)> = BTreeMap::new();
    for entry in old.entries() {
        pairs.entry(&entry.key).or_default().0 = Some(entry);
    }
    for entry in new.entries() {
        pairs.entry(&entry.key).or_default().1 = Some(entry);
    }
    pairs.into_iter().filter_map(|(key, (old, new))| between(key, old, new)).collect()
}

fn between(key: &Key, old: Option<&Entry>, new: Option<&Entry>) -> Option<Difference> {
    let entry = match (old, new) {
        (Some(old), Some(new)) if old == new => return None,
        (Some(_), Some(_)) => EntryChange::Changed,
        (None, _) => EntryChange::Added,
        (Some(_), None) => EntryChange::Removed,
    };
    let medians = |entry: Option<&Entry>| -> BTreeMap<StoredMeasure, Quantity> {
        entry.map(Entry::medians).unwrap_or_default().into_iter().collect()
    };
    let mut after = medians(new);
    let mut measures: Vec<MeasureChange> = medians(old)
        .into_iter()
        .map(|(measure, old)| {
            let change = match after.remove(&measure) {
                Some(new) => Change::Moved { old, new },
                None => Change::Removed(old),
            };
            MeasureChange { measure, change }
        })
        .collect();
    measures.extend(after.into_iter().map(|(measure, new)| MeasureChange { measure, change: Change::Added(new) }));
    measures.sort_by(|one, other| one.measure.cmp(&other.measure));
    Some(Difference { key: key.clone(), entry, measures })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::baseline::example;
    use crate::units::Bytes;

    fn store(entries: Vec<Entry>) -> Store {
        let mut store = Store::read(Path::new("no-such-file.toml")).unwrap();
        for entry in entries {
            store.merge(entry).unwrap();
        }
        store
    }

    #[test]
    fn the_same_entries_are_no_difference() {
        let entries = || store(vec![example::entry("ingest"), example::entry("api")]);
        assert_eq!(difference(&entries(), &entries()), []);
    }

    #[test]
    fn entries_and_measures_that_came_went_or_moved_are_told_apart() {
        let old = example::entry("ingest");
        let mut new = old.clone();
        new.peak = vec![Bytes(220), Bytes(220)];
        new.startup = Vec::new();
        new.phases.insert("sort".to_owned(), vec![Bytes(7)]);
        let found = difference(
            &store(vec![old.clone(), example::entry("gone")]),
            &store(vec![new.clone(), example::entry("added")]),
        );
        let kinds: Vec<_> = found.iter().map(|one| (one.key.workload.as_str(), one.entry)).collect();
        assert_eq!(
            kinds,
            [("added", EntryChange::Added), ("gone", EntryChange::Removed), ("ingest", EntryChange::Changed)]
        );
        let moved = |measure: &StoredMeasure| {
            found[2].measures.iter().find(|change| change.measure == *measure).map(|change| change.change)
        };
        let old_median = |measure| old.median(measure).unwrap();
        assert_eq!(
            moved(&StoredMeasure::Peak),
            Some(Change::Moved { old: old_median(&StoredMeasure::Peak), new: Bytes(220).into() })
        );
        assert_eq!(moved(&StoredMeasure::Startup), Some(Change::Removed(old_median(&StoredMeasure::Startup))));
        assert_eq!(moved(&StoredMeasure::PhasePeak("sort".to_owned())), Some(Change::Added(Bytes(7).into())));
        let load = StoredMeasure::PhasePeak("load".to_owned());
        assert_eq!(moved(&load), Some(Change::Moved { old: old_median(&load), new: old_median(&load) }));
    }

    #[test]
    fn a_change_is_told_in_percent_of_the_old_median() {
        let moved = Change::Moved { old: Bytes(200).into(), new: Bytes(210).into() };
        assert_eq!(moved.percent(), Some(Percent(5.0)));
        assert_eq!(Change::Added(Bytes(1).into()).percent(), None);
        assert_eq!(Change::Moved { old: Bytes(0).into(), new: Bytes(1).into() }.percent(), None);
    }
}
