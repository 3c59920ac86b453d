//! The file as it is read. Its words are those of the writer; what it may hold of a later version is passed over.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::base::BaseFile;
use super::read::RecordedWorkload;
use super::words::{
    certainty_word, kind_word, measure_word, optional_seconds, outcome_word, path, quality_word, seconds, segment_word,
    verdict_word,
};
use crate::analysis::{Estimate, Growth, Measured, Measures, Peak, PhaseMeasures, Quality, Segment, SegmentKind};
use crate::baseline::{Key, StoredCurve};
use crate::trace::PeakCertainty;
use crate::units::{Bytes, Metric, Percent, Quantity, Rate, SignedBytes};
use crate::verdict::{Base, Check, CheckKind, ConfigLine, Leg, Measure, Outcome, RunFailure, Shard, Subject, Verdict};

#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) schema: u32,
    pub(super) memguard: String,
}

#[derive(Deserialize)]
pub(super) struct File {
    pub(super) exit_code: u8,
    pub(super) legs: Vec<LegIn>,
    pub(super) workloads: Vec<WorkloadIn>,
}

#[derive(Deserialize)]
pub(super) struct LegIn {
    platform: String,
    workloads: Vec<String>,
    config_sha256: Option<String>,
    flags: Vec<String>,
    commit: Option<String>,
    shard: Option<ShardIn>,
    base: Option<BaseFile>,
}

#[derive(Deserialize)]
struct ShardIn {
    index: u32,
    of: u32,
}

impl LegIn {
    pub(super) fn into_leg(self) -> Result<Leg> {
        let shard =
            |ShardIn { index, of }| Shard::new(index, of).with_context(|| format!("there is no shard {index}/{of}"));
        let shard = self.shard.map(shard).transpose()?;
        Ok(Leg {
            platform: self.platform,
            workloads: self.workloads,
            config: self.config_sha256,
            flags: self.flags,
            commit: self.commit,
            shard,
            base: self.base.map(Base::from),
        })
    }
}

#[derive(Deserialize)]
pub(super) struct WorkloadIn {
    name: String,
    platform: String,
    metric: Metric,
    #[serde(deserialize_with = "verdict_word")]
    verdict: Verdict,
    failures: Vec<FailureIn>,
    runs: Vec<RunIn>,
    baseline_required: bool,
    baseline_curve: Option<CurveIn>,
    checks: Vec<CheckIn>,
    segments: Vec<SegmentIn>,
}

impl WorkloadIn {
    pub(super) fn into_recorded(self) -> RecordedWorkload {
        RecordedWorkload {
            key: Key { workload: self.name, platform: self.platform, metric: self.metric },
            runs: self.runs.into_iter().map(RunIn::into_measures).collect(),
            segments: self.segments.into_iter().map(SegmentIn::into_segment).collect(),
            baseline_curve: self
                .baseline_curve
                .map(|curve| StoredCurve { step: curve.step_s, memory: curve.memory_bytes }),
            checks: self.checks.into_iter().map(CheckIn::into_check).collect(),
            failures: self.failures.into_iter().map(FailureIn::into_failure).collect(),
            baseline_required: self.baseline_required,
            verdict: self.verdict,
        }
    }
}

#[derive(Deserialize)]
struct FailureIn {
    run: u32,
    what: String,
    unmeasured: bool,
}

impl FailureIn {
    fn into_failure(self) -> RunFailure {
        RunFailure { run: self.run, what: self.what, unmeasured: self.unmeasured }
    }
}

#[derive(Deserialize)]
struct CurveIn {
    #[serde(deserialize_with = "seconds")]
    step_s: Duration,
    memory_bytes: Vec<Bytes>,
}

#[derive(Deserialize)]
struct CheckIn {
    #[serde(deserialize_with = "kind_word")]
    kind: CheckKind,
    #[serde(deserialize_with = "measure_word")]
    measure: Measure,
    phase: Option<String>,
    run: Option<u32>,
    value: Option<i64>,
    limit: Option<i64>,
    baseline: Option<i64>,
    #[serde(deserialize_with = "outcome_word")]
    outcome: Outcome,
    note: Option<String>,
    config: Option<WrittenIn>,
}

#[derive(Deserialize)]
struct WrittenIn {
    #[serde(deserialize_with = "path")]
    file: PathBuf,
    line: usize,
}

impl CheckIn {
    fn into_check(self) -> Check {
        let amount = |number: i64| match self.measure {
            Measure::Growth => Quantity::Rate(Rate(number)),
            Measure::Peak | Measure::Startup | Measure::Retained => Quantity::Memory(SignedBytes(number)),
        };
        Check {
            kind: self.kind,
            subject: Subject { phase: self.phase, measure: self.measure },
            value: self.value.map(amount),
            run: self.run,
            limit: self.limit.map(amount),
            baseline: self.baseline.map(amount),
            outcome: self.outcome,
            note: self.note,
            written: self.config.map(|written| ConfigLine { file: written.file, line: written.line }),
        }
    }
}

#[derive(Deserialize)]
struct SegmentIn {
    #[serde(deserialize_with = "segment_word")]
    kind: SegmentKind,
    #[serde(deserialize_with = "seconds")]
    from_s: Duration,
    #[serde(deserialize_with = "seconds")]
    to_s: Duration,
    from_bytes: Bytes,
    to_bytes: Bytes,
    rise_bytes: SignedBytes,
    share: f64,
}

impl SegmentIn {
    fn into_segment(self) -> Segment {
        Segment {
            kind: self.kind,
            from: self.from_s,
            to: self.to_s,
            from_level: self.from_bytes,
            to_level: self.to_bytes,
            rise: self.rise_bytes,
            share: Percent(self.share * 100.0),
        }
    }
}

#[derive(Deserialize)]
struct RunIn {
    #[serde(deserialize_with = "seconds")]
    duration_s: Duration,
    #[serde(deserialize_with = "optional_seconds")]
    ready_s: Option<Duration>,
    peak_bytes: Option<Bytes>,
    #[serde(deserialize_with = "optional_seconds")]
    peak_at_s: Option<Duration>,
    #[serde(deserialize_with = "certainty_word")]
    peak_certainty: Option<PeakCertainty>,
    peak_low_bytes: Option<SignedBytes>,
    peak_high_bytes: Option<SignedBytes>,
    peak_mapped_bytes: Option<Bytes>,
    startup_bytes: Option<Bytes>,
    startup_low_bytes: Option<SignedBytes>,
    startup_high_bytes: Option<SignedBytes>,
    retained_bytes: Option<SignedBytes>,
    retained_low_bytes: Option<SignedBytes>,
    retained_high_bytes: Option<SignedBytes>,
    growth_bytes_per_min: Option<Rate>,
    growth_low_bytes_per_min: Option<Rate>,
    growth_high_bytes_per_min: Option<Rate>,
    phases: Vec<PhaseIn>,
    #[serde(deserialize_with = "quality_word")]
    quality: Quality,
    samples: u64,
}

#[derive(Deserialize)]
struct PhaseIn {
    name: String,
    #[serde(deserialize_with = "optional_seconds")]
    from_s: Option<Duration>,
    #[serde(deserialize_with = "optional_seconds")]
    until_s: Option<Duration>,
    peak_bytes: Option<Bytes>,
    peak_low_bytes: Option<SignedBytes>,
    peak_high_bytes: Option<SignedBytes>,
    growth_bytes_per_min: Option<Rate>,
    growth_low_bytes_per_min: Option<Rate>,
    growth_high_bytes_per_min: Option<Rate>,
}

impl RunIn {
    fn into_measures(self) -> Measures {
        let certainty = self.peak_certainty.unwrap_or(PeakCertainty::Sampled);
        let peak = estimate(self.peak_bytes, self.peak_low_bytes, self.peak_high_bytes);
        let peak = peak.zip(self.peak_at_s).map(|(Estimate { value, uncertainty }, at)| Peak {
            value,
            at,
            uncertainty,
            certainty,
            mapped: self.peak_mapped_bytes,
        });
        Measures {
            duration: self.duration_s,
            ready: known(self.ready_s),
            peak: known(peak),
            startup: known(estimate(self.startup_bytes, self.startup_low_bytes, self.startup_high_bytes)),
            retained: known(estimate(self.retained_bytes, self.retained_low_bytes, self.retained_high_bytes)),
            growth: growth(self.growth_bytes_per_min, self.growth_low_bytes_per_min, self.growth_high_bytes_per_min),
            segments: Vec::new(),
            phases: self.phases.into_iter().map(PhaseIn::into_measures).collect(),
            samples: self.samples,
            quality: self.quality,
        }
    }
}

impl PhaseIn {
    fn into_measures(self) -> PhaseMeasures {
        PhaseMeasures {
            name: self.name,
            window: known(self.from_s.zip(self.until_s)),
            peak: known(estimate(self.peak_bytes, self.peak_low_bytes, self.peak_high_bytes)),
            growth: growth(self.growth_bytes_per_min, self.growth_low_bytes_per_min, self.growth_high_bytes_per_min),
        }
    }
}

fn estimate<T>(value: Option<T>, low: Option<SignedBytes>, high: Option<SignedBytes>) -> Option<Estimate<T>>
where
    T: Copy + Into<Quantity>,
{
    let (value, low) = value.zip(low)?;
    Some(Estimate::between(low.into(), value, high.map(Into::into)))
}

fn growth(slope: Option<Rate>, low: Option<Rate>, high: Option<Rate>) -> Measured<Growth> {
    known(slope.zip(low.zip(high)).map(|(slope, (low, high))| Growth { slope, low, high }))
}

/// Why a measure is missing stands in the notes of the checks that it is missing for.
fn known<T>(value: Option<T>) -> Measured<T> {
    value.map_or_else(|| Measured::Unmeasured("it was not measured".to_owned()), Measured::Value)
}
