use std::num::NonZeroU32;
use std::str::FromStr;

/// One machine's part of a plan: the `index`-th of `of`, 1 for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    index: NonZeroU32,
    of: NonZeroU32,
}

/// What is wrong with a shard that was typed, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardError {
    /// Naming the value.
    pub what: String,
    /// What to write.
    pub help: &'static str,
}

impl Shard {
    /// The `index`-th of `of` parts. None where there is no such part.
    #[must_use]
    pub fn new(index: u32, of: u32) -> Option<Self> {
        let (index, of) = (NonZeroU32::new(index)?, NonZeroU32::new(of)?);
        (index <= of).then_some(Self { index, of })
    }

    /// Which part: 1 for the first.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index.get()
    }

    /// Of how many.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of.get()
    }

    /// Whether the workload `name` of a plan is this part's. The names in their alphabetical order are dealt out like cards,
    /// so that every machine finds the same split from the plan alone, whatever the order of the config, and no part has more
    /// than one workload more than another.
    #[must_use]
    pub fn has(self, name: &str, plan: &[String]) -> bool {
        let before = plan.iter().filter(|other| other.as_str() < name).count();
        plan.iter().any(|other| other == name) && before % self.of.get() as usize == self.index.get() as usize - 1
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        const HELP: &str = "write which machine of how many this is, such as 2/5: from 1 to the number of machines";
        let wrong = |what: String| ShardError { what, help: HELP };
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok()).flatten()
        };
        let parts = text.split_once('/').and_then(|(index, of)| Some((number(index)?, number(of)?)));
        let (index, of) = parts.ok_or_else(|| wrong(format!("`{text}` is not a shard")))?;
        Self::new(index, of).ok_or_else(|| match (index, of) {
            (_, 0) => wrong(format!("`{text}` splits the workloads among no machines")),
            (0, _) => wrong(format!("there is no shard {index} of {of}: the first is 1")),
            _ => wrong(format!("there is no shard {index} of {of}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_shard_is_read_as_it_is_written() {
        let shard: Shard = "2/5".parse().unwrap();
        assert_eq!((shard.index(), shard.of(), shard.to_string().as_str()), (2, 5, "2/5"));
    }

    #[test]
    fn what_is_no_shard_is_named() {
        for (text, what) in [
            ("", "`` is not a shard"),
            ("2", "`2` is not a shard"),
            ("+1/2", "`+1/2` is not a shard"),
            ("1/2/3", "`1/2/3` is not a shard"),
            ("1/99999999999", "`1/99999999999` is not a shard"),
            ("0/3", "there is no shard 0 of 3: the first is 1"),
            ("4/3", "there is no shard 4 of 3"),
            ("1/0", "`1/0` splits the workloads among no machines"),
        ] {
            assert_eq!(text.parse::<Shard>().unwrap_err().what, what);
        }
    }

    proptest! {
        #[test]
        fn every_workload_is_in_exactly_one_shard_and_the_shards_are_of_one_size(
            names in prop::collection::btree_set("[a-zA-Z0-9._-]{1,8}", 0..40), of in 1u32..50, shuffled in any::<u64>()
        ) {
            let plan: Vec<String> = names.into_iter().collect();
            let shards: Vec<Shard> = (1..=of).map(|index| Shard::new(index, of).unwrap()).collect();
            let mine = |shard: &Shard, plan: &[String]| -> Vec<String> {
                plan.iter().filter(|name| shard.has(name, plan)).cloned().collect()
            };
            let mut all: Vec<String> = shards.iter().flat_map(|shard| mine(shard, &plan)).collect();
            all.sort();
            prop_assert_eq!(&all, &plan);
            let sizes: Vec<usize> = shards.iter().map(|shard| mine(shard, &plan).len()).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            let mut reordered = plan.clone();
            reordered.rotate_left(if plan.is_empty() { 0 } else { shuffled as usize % plan.len() });
            for shard in &shards {
                let mut other = mine(shard, &reordered);
                other.sort();
                prop_assert_eq!(other, mine(shard, &plan), "whatever the order of the config");
            }
        }
    }
}
