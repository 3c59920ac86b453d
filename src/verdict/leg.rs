use super::{Base, Shard};

/// What one machine ran of a whole: from this, `merge` can tell that nothing is missing and nothing doubled.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// Operating system, architecture and the user's label: `linux-x86_64`.
    pub platform: String,
    /// Every workload of the plan by its name, those of the other shards included, in the order of the config.
    pub workloads: Vec<String>,
    /// The SHA-256 of the config in hexadecimal digits, whichever line ends it has; None where there was none.
    pub config: Option<String>,
    /// What the command line said of the runs and the judging: each flag with its value, but for what is a machine's own.
    pub flags: Vec<String>,
    /// The commit that was checked out, by its whole name; None where git does not tell.
    pub commit: Option<String>,
    /// Which part of the plan was run; None for the whole.
    pub shard: Option<Shard>,
    /// The commit whose baseline judged; None for the baseline that lay there.
    pub base: Option<Base>,
}

impl Leg {
    /// The workloads that were this machine's.
    pub fn own(&self) -> impl Iterator<Item = &String> {
        self.workloads.iter().filter(|name| self.shard.is_none_or(|shard| shard.has(name, &self.workloads)))
    }
}
