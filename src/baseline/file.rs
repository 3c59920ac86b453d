use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::units::{Bytes, Metric, Rate, SignedBytes};

use super::{Entry, Key, StoredCurve};

/// What every version of the file has.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) schema: u32,
}

/// The file as it is written, of today's schema.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    #[serde(rename = "schema")]
    _schema: u32,
    #[serde(default)]
    pub(super) entry: Vec<Spanned<RawEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEntry {
    workload: String,
    platform: String,
    metric: Metric,
    measured: String,
    commit: Option<String>,
    memguard: String,
    #[serde(deserialize_with = "some_values")]
    peak_bytes: Vec<Bytes>,
    #[serde(default)]
    startup_bytes: Vec<Bytes>,
    #[serde(default)]
    retained_bytes: Vec<SignedBytes>,
    #[serde(default)]
    growth_bytes_per_min: Vec<Rate>,
    curve: Option<RawCurve>,
    #[serde(default)]
    phase_peak_bytes: BTreeMap<String, Vec<Bytes>>,
    #[serde(default)]
    phase_growth_bytes_per_min: BTreeMap<String, Vec<Rate>>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCurve {
    #[serde(deserialize_with = "step")]
    step_s: Duration,
    kib: Vec<u64>,
}

impl From<RawEntry> for Entry {
    fn from(raw: RawEntry) -> Self {
        Self {
            key: Key { workload: raw.workload, platform: raw.platform, metric: raw.metric },
            measured: raw.measured,
            commit: raw.commit,
            memguard: raw.memguard,
            environment: raw.environment,
            peak: raw.peak_bytes,
            startup: raw.startup_bytes,
            retained: raw.retained_bytes,
            growth: raw.growth_bytes_per_min,
            phases: raw.phase_peak_bytes,
            phase_growth: raw.phase_growth_bytes_per_min,
            curve: raw.curve.map(|curve| StoredCurve {
                step: curve.step_s,
                memory: curve.kib.into_iter().map(Bytes::from_kib).collect(),
            }),
        }
    }
}

fn some_values<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Bytes>, D::Error> {
    let values = Vec::deserialize(from)?;
    if values.is_empty() {
        return Err(D::Error::custom("expected the peak of at least one run"));
    }
    Ok(values)
}

fn step<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(from)?)
        .ok()
        .filter(|step| !step.is_zero())
        .ok_or_else(|| D::Error::custom("expected a number of seconds above zero"))
}
