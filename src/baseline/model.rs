use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::Store;
use crate::units::{Bytes, Metric, Rate, SignedBytes};

/// The version of the baseline file's meaning.
pub const SCHEMA: u32 = 1;

/// Where the baseline is kept and whether it must be there.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The file, TOML, committed beside the code.
    pub file: PathBuf,
    /// Whether a missing baseline fails (exit code 6).
    pub required: bool,
    /// What judges in place of the file, as it was in another commit. None for the file.
    pub other: Option<Store>,
}

impl Settings {
    /// What judges.
    ///
    /// # Errors
    /// When the file can't be read or is no baseline.
    pub fn store(&self) -> Result<Store> {
        self.other.clone().map_or_else(|| Store::read(&self.file), Ok)
    }
}

/// What an entry stands for. Entries with different keys are never compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The workload's name.
    pub workload: String,
    /// Operating system, architecture and label.
    pub platform: String,
    /// What the numbers add up.
    pub metric: Metric,
}

/// The accepted measures of one workload on one platform in one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it stands for.
    pub key: Key,
    /// When the accepted runs were made (RFC 3339): that of the last run, not of the acceptance, so that accepting the same
    /// results again changes nothing.
    pub measured: String,
    /// The commit that was measured, where the folder was a git checkout.
    pub commit: Option<String>,
    /// The version of memguard that measured.
    pub memguard: String,
    /// Where it was measured: what may explain a difference.
    pub environment: BTreeMap<String, String>,
    /// Every accepted run's peak.
    pub peak: Vec<Bytes>,
    /// Every accepted run's start-up, where it was measured.
    pub startup: Vec<Bytes>,
    /// Every accepted run's retained memory, where it was measured.
    pub retained: Vec<SignedBytes>,
    /// Every accepted run's growth, where it was measured: zero where it is not beyond doubt.
    pub growth: Vec<Rate>,
    /// Every accepted run's peak in each phase.
    pub phases: BTreeMap<String, Vec<Bytes>>,
    /// Every accepted run's growth in each phase, as that of the run.
    pub phase_growth: BTreeMap<String, Vec<Rate>>,
    /// The median run's curve, coarse, for the dashed line in the graph.
    pub curve: Option<StoredCurve>,
}

/// A curve small enough for a file that people review: the maximum of each of a few dozen equal stretches.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCurve {
    /// How long one stretch is.
    pub step: Duration,
    /// The maximum in each stretch.
    pub memory: Vec<Bytes>,
}

/// What the baseline says of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// This is what to compare with.
    Entry(Box<Entry>),
    /// There is no file, or nothing in it about this workload.
    Missing {
        /// A sentence for people: which file was looked at, and what it lacks.
        why: String,
    },
    /// There is something, but of another metric, platform or schema.
    NotComparable {
        /// A sentence for people: what differs.
        why: String,
    },
}
