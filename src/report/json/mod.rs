mod base;
mod found;
mod raw;
mod read;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

pub use read::{Recorded, RecordedWorkload, recorded};

use self::base::BaseFile;
use self::found::{Program, SegmentOut, Template, log_growth, program, segments};
use super::chart::median_run;
use super::details::Details;
use super::finding::{proposal_sentence, sentence};
use crate::analysis::{Estimate, Measured, Proposal, ProposedLine, Quality, finding};
use crate::trace::{Ended, PeakCertainty};
use crate::units::{Bytes, Metric, Percent, Quantity, Rate, SignedBytes};
use crate::verdict::{Check, CheckKind, ExitCode, Judged, JudgedRun, Leg, Outcome, RunFailure, Verdict};

/// The version of the file's meaning.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Results<'a> {
    schema: u32,
    memguard: &'static str,
    verdict: &'static str,
    exit_code: u8,
    legs: Vec<LegOut<'a>>,
    workloads: Vec<Workload<'a>>,
}

/// Whose results these are: one machine's after a run, several machines' after a merge.
#[derive(Serialize)]
struct LegOut<'a> {
    platform: &'a str,
    workloads: &'a [String],
    config_sha256: Option<&'a str>,
    flags: &'a [String],
    commit: Option<&'a str>,
    shard: Option<ShardOut>,
    base: Option<BaseFile>,
}

#[derive(Serialize)]
struct ShardOut {
    index: u32,
    of: u32,
}

#[derive(Serialize)]
struct Workload<'a> {
    name: &'a str,
    platform: &'a str,
    metric: Metric,
    verdict: &'static str,
    failures: Vec<Failure<'a>>,
    runs: Vec<Run>,
    baseline_required: bool,
    baseline_curve: Option<CurveOut<'a>>,
    checks: Vec<CheckOut<'a>>,
    finding: Option<String>,
    ready_proposal: Option<ReadyProposal>,
    segments: Vec<SegmentOut>,
    log_growth: Option<Vec<Template>>,
    processes: Vec<Program>,
}

/// The baseline's curve, coarse: the maximum of each stretch.
#[derive(Serialize)]
struct CurveOut<'a> {
    step_s: f64,
    memory_bytes: &'a [Bytes],
}

/// Where start-up seems to end in a workload without a `ready`, and the config's line to add where a log line marks it.
#[derive(Serialize)]
struct ReadyProposal {
    at_s: f64,
    config_line: Option<String>,
    sentence: String,
}

#[derive(Serialize)]
struct Failure<'a> {
    run: u32,
    what: &'a str,
    unmeasured: bool,
}

#[derive(Serialize)]
struct Run {
    ended: &'static str,
    exit_status: Option<i32>,
    signal: Option<i32>,
    duration_s: f64,
    ready_s: Option<f64>,
    peak_bytes: Option<Bytes>,
    peak_at_s: Option<f64>,
    peak_certainty: Option<&'static str>,
    peak_low_bytes: Option<Quantity>,
    peak_high_bytes: Option<Quantity>,
    peak_mapped_bytes: Option<Bytes>,
    startup_bytes: Option<Bytes>,
    startup_low_bytes: Option<Quantity>,
    startup_high_bytes: Option<Quantity>,
    retained_bytes: Option<SignedBytes>,
    retained_low_bytes: Option<Quantity>,
    retained_high_bytes: Option<Quantity>,
    growth_bytes_per_min: Option<Rate>,
    growth_low_bytes_per_min: Option<Rate>,
    growth_high_bytes_per_min: Option<Rate>,
    phases: Vec<Phase>,
    quality: &'static str,
    samples: u64,
    missed: u64,
    stretched: u64,
    longest_gap_s: f64,
    sampler_cpu_s: Option<f64>,
    sampler_peak_bytes: Option<Bytes>,
    seen_once: u64,
    notices: Vec<String>,
}

#[derive(Serialize)]
struct Phase {
    name: String,
    from_s: Option<f64>,
    until_s: Option<f64>,
    peak_bytes: Option<Bytes>,
    peak_low_bytes: Option<Quantity>,
    peak_high_bytes: Option<Quantity>,
    growth_bytes_per_min: Option<Rate>,
    growth_low_bytes_per_min: Option<Rate>,
    growth_high_bytes_per_min: Option<Rate>,
}

#[derive(Serialize)]
struct CheckOut<'a> {
    kind: &'static str,
    measure: &'static str,
    phase: Option<&'a str>,
    run: Option<u32>,
    unit: Option<&'static str>,
    value: Option<Quantity>,
    limit: Option<Quantity>,
    baseline: Option<Quantity>,
    change_percent: Option<Percent>,
    outcome: &'static str,
    note: Option<&'a str>,
    config: Option<Written>,
}

#[derive(Serialize)]
struct Written {
    file: String,
    line: usize,
}

/// The text of `results.json`. `details` has those of each workload, in the order of `judged`; `legs` says which machines ran
/// them.
///
/// # Errors
/// Never in practice: all that is written has a form in JSON.
pub fn results(judged: &[Judged], code: ExitCode, details: &[Details], legs: &[Leg]) -> Result<String> {
    let workloads = judged
        .iter()
        .enumerate()
        .map(|(index, judged)| Workload {
            name: &judged.key.workload,
            platform: &judged.key.platform,
            metric: judged.key.metric,
            verdict: verdict(judged.verdict),
            failures: judged.failures.iter().map(failure).collect(),
            runs: judged.runs.iter().map(run).collect(),
            baseline_required: judged.baseline_required,
            baseline_curve: judged
                .baseline_curve
                .as_ref()
                .map(|curve| CurveOut { step_s: seconds(curve.step), memory_bytes: &curve.memory }),
            checks: judged.checks.iter().map(check).collect(),
            finding: median_run(judged).and_then(|run| finding(&run.measures)).as_ref().map(sentence),
            ready_proposal: details.get(index).and_then(|details| details.proposal.as_ref()).map(proposal),
            segments: median_run(judged).map(|run| segments(&run.measures)).unwrap_or_default(),
            log_growth: details.get(index).and_then(|details| details.log_growth.as_ref()).map(log_growth),
            processes: details.get(index).map_or(&[][..], |details| &details.commands).iter().map(program).collect(),
        })
        .collect();
    let results = Results {
        schema: SCHEMA,
        memguard: env!("CARGO_PKG_VERSION"),
        verdict: overall(judged),
        exit_code: code as u8,
        legs: legs.iter().map(leg).collect(),
        workloads,
    };
    let mut text = serde_json::to_string_pretty(&results).context("could not write the results as JSON")?;
    text.push('\n');
    Ok(text)
}

fn proposal(proposal: &Proposal) -> ReadyProposal {
    ReadyProposal {
        at_s: seconds(proposal.at),
        config_line: proposal.line.as_ref().map(ProposedLine::config_line),
        sentence: proposal_sentence(proposal),
    }
}

fn failure(failure: &RunFailure) -> Failure<'_> {
    Failure { run: failure.run, what: &failure.what, unmeasured: failure.unmeasured }
}

fn leg(leg: &Leg) -> LegOut<'_> {
    LegOut {
        platform: &leg.platform,
        workloads: &leg.workloads,
        config_sha256: leg.config.as_deref(),
        flags: &leg.flags,
        commit: leg.commit.as_deref(),
        shard: leg.shard.map(|shard| ShardOut { index: shard.index(), of: shard.of() }),
        base: leg.base.as_ref().map(BaseFile::from),
    }
}

/// The verdict of all workloads, in one word.
#[must_use]
pub fn overall(judged: &[Judged]) -> &'static str {
    let order = [Verdict::Error, Verdict::Fail, Verdict::NoBaseline, Verdict::Warn];
    let gravest = order.into_iter().find(|verdict| judged.iter().any(|judged| judged.verdict == *verdict));
    verdict(gravest.unwrap_or(Verdict::Pass))
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
        Verdict::NoBaseline => "no-baseline",
        Verdict::Error => "error",
    }
}

/// Seconds to the microsecond, as in the other files.
fn seconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e6
}

const fn certainty(certainty: PeakCertainty) -> &'static str {
    match certainty {
        PeakCertainty::Exact => "exact",
        PeakCertainty::Sampled => "sampled",
    }
}

fn run(run: &JudgedRun) -> Run {
    let (record, measures) = (&run.record, &run.measures);
    let (peak, growth) = (measures.peak.value(), measures.growth.value());
    let estimate = peak.map(|peak| peak.estimate());
    let (startup, retained) = (measures.startup.value(), measures.retained.value());
    let (exit_status, signal) = match record.ended {
        Ended::Exited { status } => (Some(status), None),
        Ended::Signaled { signal } | Ended::Interrupted { signal } => (None, Some(signal)),
        _ => (None, None),
    };
    Run {
        ended: ended(record.ended),
        exit_status,
        signal,
        duration_s: seconds(measures.duration),
        ready_s: measures.ready.value().map(seconds),
        peak_bytes: peak.map(|peak| peak.value),
        peak_at_s: peak.map(|peak| seconds(peak.at)),
        peak_low_bytes: estimate.map(Estimate::low),
        // An estimate that nothing bounds has no high.
        peak_high_bytes: estimate.and_then(Estimate::high),
        peak_mapped_bytes: peak.and_then(|peak| peak.mapped),
        peak_certainty: peak.map(|peak| certainty(peak.certainty)),
        startup_bytes: startup.map(|startup| startup.value),
        startup_low_bytes: startup.map(Estimate::low),
        startup_high_bytes: startup.and_then(Estimate::high),
        retained_bytes: retained.map(|retained| retained.value),
        retained_low_bytes: retained.map(Estimate::low),
        retained_high_bytes: retained.and_then(Estimate::high),
        growth_bytes_per_min: growth.map(|growth| growth.slope),
        growth_low_bytes_per_min: growth.map(|growth| growth.low),
        growth_high_bytes_per_min: growth.map(|growth| growth.high),
        phases: measures
            .phases
            .iter()
            .map(|phase| {
                let window = match phase.window {
                    Measured::Value((from, until)) => Some((seconds(from), seconds(until))),
                    Measured::Unmeasured(_) | Measured::NotAsked => None,
                };
                let (peak, growth) = (phase.peak.value(), phase.growth.value());
                Phase {
                    name: phase.name.clone(),
                    from_s: window.map(|window| window.0),
                    until_s: window.map(|window| window.1),
                    peak_bytes: peak.map(|peak| peak.value),
                    peak_low_bytes: peak.map(Estimate::low),
                    peak_high_bytes: peak.and_then(Estimate::high),
                    growth_bytes_per_min: growth.map(|growth| growth.slope),
                    growth_low_bytes_per_min: growth.map(|growth| growth.low),
                    growth_high_bytes_per_min: growth.map(|growth| growth.high),
                }
            })
            .collect(),
        quality: match measures.quality {
            Quality::Good => "good",
            Quality::Poor(_) => "poor",
        },
        samples: record.sampling.ticks,
        missed: record.sampling.missed,
        stretched: record.sampling.stretched,
        longest_gap_s: seconds(record.sampling.longest_gap),
        sampler_cpu_s: record.sampling.own_cpu.map(seconds),
        sampler_peak_bytes: record.sampling.own_peak,
        seen_once: record.sampling.seen_once,
        notices: record.notices.clone(),
    }
}

const fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Exited { .. } => "exited",
        Ended::Signaled { .. } => "signaled",
        Ended::Stopped => "stopped",
        Ended::Timeout => "timeout",
        Ended::Aborted => "aborted",
        Ended::OutOfMemory => "out-of-memory",
        Ended::NeverReady => "never-ready",
        Ended::DriveFailed { .. } => "drive-failed",
        Ended::Interrupted { .. } => "interrupted",
        Ended::NotStarted => "not-started",
        Ended::Recorded { .. } => "recorded",
        Ended::Unfinished => "unfinished",
    }
}

fn check(check: &Check) -> CheckOut<'_> {
    CheckOut {
        kind: kind(check.kind),
        measure: check.subject.measure.name(),
        phase: check.subject.phase.as_deref(),
        run: check.run,
        unit: check.limit.or(check.value).map(Quantity::unit),
        value: check.value,
        limit: check.limit,
        baseline: check.baseline,
        change_percent: check.change(),
        outcome: outcome(check.outcome),
        note: check.note.as_deref(),
        config: check
            .written
            .as_ref()
            .map(|written| Written { file: written.file.display().to_string(), line: written.line }),
    }
}

const fn kind(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::Budget => "budget",
        CheckKind::Regression => "regression",
    }
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::Fail => "fail",
        Outcome::NoBaseline => "no-baseline",
        Outcome::NotComparable => "not-comparable",
        Outcome::Unmeasured => "unmeasured",
    }
}
