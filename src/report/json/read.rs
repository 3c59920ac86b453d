//! `results.json` as another machine wrote it, read back. It is the other direction of what stands in `mod.rs`, and a test holds
//! the two together. Nothing in it is trusted: what it says of its checks must give the verdict that it tells.

use anyhow::{Context, Result, anyhow, bail};

use super::SCHEMA;
use super::raw::{File, Head};
use crate::analysis::{Measured, Measures, Segment};
use crate::baseline::{Key, StoredCurve};
use crate::report::chart::median_run;
use crate::report::plain;
use crate::trace::{Curve, ReadyMark, RunRecord};
use crate::verdict::{self, Check, Judged, JudgedRun, Leg, RunFailure, Verdict};

/// The results of one machine.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What it was to run.
    pub leg: Leg,
    /// The number of the exit code that it ended with.
    pub exit_code: u8,
    /// What it ran.
    pub workloads: Vec<RecordedWorkload>,
}

/// What was found of a workload, without the traces that it was found in.
#[derive(Debug, Clone)]
pub struct RecordedWorkload {
    /// Workload, platform, metric.
    pub key: Key,
    pub(super) runs: Vec<Measures>,
    pub(super) segments: Vec<Segment>,
    pub(super) baseline_curve: Option<StoredCurve>,
    pub(super) checks: Vec<Check>,
    pub(super) failures: Vec<RunFailure>,
    pub(super) baseline_required: bool,
    pub(super) verdict: Verdict,
}

/// Reads the text of a `results.json` that this version of memguard wrote on one machine.
///
/// # Errors
/// When it is no such text: damaged, of another version or schema, or already of several machines; and when it contradicts
/// itself.
pub fn recorded(text: &str) -> Result<Recorded> {
    let head: Head = serde_json::from_str(text).context("it is damaged, or no results of memguard's")?;
    if head.schema != SCHEMA {
        bail!("its schema is {}, and this version of memguard reads schema {SCHEMA}", head.schema);
    }
    let own = env!("CARGO_PKG_VERSION");
    if head.memguard != own {
        let other = plain(&head.memguard, 40);
        bail!("memguard {other} wrote it, and this is memguard {own}\nhelp: use one version on every machine");
    }
    let file: File = serde_json::from_str(text).context("it is damaged")?;
    let [leg] = <[_; 1]>::try_from(file.legs)
        .map_err(|legs| anyhow!("it is of {} machines: name the folders of each machine's own results", legs.len()))?;
    let leg = leg.into_leg()?;
    let workloads: Vec<RecordedWorkload> =
        file.workloads.into_iter().map(super::raw::WorkloadIn::into_recorded).collect();
    if let Some(other) = workloads.iter().find(|workload| workload.key.platform != leg.platform) {
        let (platform, other) = (&leg.platform, plain(&other.key.platform, 80));
        bail!("it is of {platform} and has a workload of {other}");
    }
    for workload in &workloads {
        if verdict::verdict(&workload.failures, &workload.checks) != workload.verdict {
            bail!("the verdict of `{}` is not what its checks give", plain(&workload.key.workload, 64));
        }
    }
    Ok(Recorded { leg, exit_code: file.exit_code, workloads })
}

/// A run as it was judged. The file has no value for what was not measured and for what was not asked; the record tells which.
fn judged_run(mut measures: Measures, record: RunRecord, curve: Curve) -> JudgedRun {
    if record.ready == ReadyMark::NotAsked && measures.ready.value().is_none() {
        measures.ready = Measured::NotAsked;
        measures.startup = Measured::NotAsked;
        measures.retained = Measured::NotAsked;
        measures.growth = Measured::NotAsked;
    }
    JudgedRun { record, measures, curve }
}

impl RecordedWorkload {
    /// How many runs there were.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The judgement, with what its traces say: of each run, in their order.
    #[must_use]
    pub fn with(self, traces: Vec<(RunRecord, Curve)>) -> Judged {
        let runs = self.runs.into_iter().zip(traces);
        let mut judged = Judged {
            name: self.key.workload.clone(),
            key: self.key,
            runs: runs.map(|(measures, (record, curve))| judged_run(measures, record, curve)).collect(),
            baseline_curve: self.baseline_curve,
            checks: self.checks,
            failures: self.failures,
            baseline_required: self.baseline_required,
            verdict: self.verdict,
        };
        // The file has those of the run that the graph shows in full.
        let shown = median_run(&judged).map(|run| run.record.run);
        if let Some(run) = judged.runs.iter_mut().find(|run| Some(run.record.run) == shown) {
            run.measures.segments = self.segments;
        }
        judged
    }
}
