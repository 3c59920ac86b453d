use std::collections::BTreeMap;

/// The things with the largest keys of any number of them, in the memory of a few. No two keys are the same.
#[derive(Debug, Clone)]
pub(super) struct Top<K, T> {
    most: usize,
    held: BTreeMap<K, T>,
}

impl<K: Ord, T> Top<K, T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, held: BTreeMap::new() }
    }

    /// Holds the thing, and makes it only for that, where it is among the largest so far.
    pub(super) fn offer(&mut self, key: K, make: impl FnOnce() -> T) {
        let is_full = self.held.len() >= self.most;
        if is_full && self.held.first_key_value().is_none_or(|(least, _)| key < *least) {
            return;
        }
        self.held.insert(key, make());
        if self.held.len() > self.most {
            self.held.pop_first();
        }
    }

    /// The largest first.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (K, T)> {
        self.held.into_iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_largest_are_held(keys in prop::collection::hash_set(0u32..1000, 0..60), most in 0usize..20) {
            let mut top = Top::new(most);
            keys.iter().for_each(|key| top.offer(*key, || key.to_string()));
            let mut sorted: Vec<u32> = keys.into_iter().collect();
            sorted.sort_unstable_by(|one, other| other.cmp(one));
            sorted.truncate(most);
            prop_assert_eq!(top.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), sorted);
        }
    }
}
