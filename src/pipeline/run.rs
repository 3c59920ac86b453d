use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::slice;
use std::time::Duration;

use anyhow::{Context, Result};
use regex::Regex;

use super::live::Live;
use super::{Voice, actions, artifacts, judge};
use crate::baseline;
use crate::config::{Plan, WorkloadPlan};
use crate::sampler::{self, Caught, open_source};
use crate::trace::{self, Ended, Environment, RunRecord, run_folder};
use crate::units::Bytes;
use crate::verdict::{self, Budget, ExitCode, Judged, Leg, Limits, Measure, Subject};
use crate::workload::{Command, Ready, ReadyKind, Settings, Stop};
use crate::{analysis, os, synth};

/// Runs the workloads of a plan, writes the artifacts, judges.
///
/// # Errors
/// When what must be measured or written can't be. A workload that fails is no error: the exit code says so.
pub fn run(plan: &Plan, voice: Voice) -> Result<ExitCode> {
    let actions = actions::here();
    if let Some(code) = actions.as_ref().and_then(actions::refuse) {
        return Ok(code);
    }
    // What would fail after the run is tried before it.
    let store = plan.baseline.store()?;
    for workload in &plan.workloads {
        open_source(&workload.sampling)
            .with_context(|| format!("the workload `{}` can't be measured", workload.name))?;
    }
    artifacts::clear(&plan.out)?;
    let caught = Caught::begin()?;
    let environment = Environment { facts: os::environment() };
    if let (Some(shard), false) = (plan.leg.shard, voice.quiet) {
        let names: Vec<&str> = plan.leg.own().map(String::as_str).collect();
        let what = if names.is_empty() { "no workload is its own".to_owned() } else { names.join(", ") };
        let _ = writeln!(io::stderr(), "memguard: shard {shard}: {what}");
    }
    let mut workloads = Vec::new();
    for workload in &plan.workloads {
        let folded = actions.as_ref().map(|_| actions::Folded::begin());
        let folders = record_all(workload, plan, &environment, &caught, voice)?;
        drop(folded);
        if !folders.is_empty() {
            let (rules, limits) = (&workload.rules, &workload.limits);
            let files = folders.iter().map(|folder| trace::open(folder)).collect::<Result<Vec<_>>>()?;
            workloads.push(judge::workload(&files, rules, limits, &store, plan.baseline.required)?);
        }
    }
    let judged: Vec<Judged> = workloads.iter().map(|workload| workload.judged.clone()).collect();
    let code = verdict::exit_code(&judged);
    let written = artifacts::write(&plan.out, &workloads, code, slice::from_ref(&plan.leg), actions.as_ref());
    let text = judge::tell(&workloads, code, voice, Some(&plan.out), plan.leg.base.as_ref());
    // Whoever closed standard error does not want to read it; the files and the exit code stand.
    let _ = io::stderr().write_all(text.as_bytes());
    if let Some(actions) = &actions {
        actions::report(actions, &workloads, code, slice::from_ref(&plan.leg), &plan.out);
    }
    written.map(|()| code)
}

/// Every run of a workload; after an interrupt no more are begun.
fn record_all(
    workload: &WorkloadPlan,
    plan: &Plan,
    environment: &Environment,
    caught: &Caught,
    voice: Voice,
) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for run in 1..=workload.runs {
        if caught.signal().is_some() {
            break;
        }
        let live = Live::begin(&workload.name, voice);
        let onlooker = live.onlooker();
        if !voice.quiet && (workload.runs > 1 || plan.workloads.len() > 1) {
            onlooker.screen.say(&format!("{}: run {run} of {}", workload.name, workload.runs));
        }
        let folder = run_folder(&plan.out, &workload.name, run);
        let source = open_source(&workload.sampling)?;
        let record = RunRecord {
            workload: workload.name.clone(),
            run,
            command: workload.launch.command.to_string(),
            platform: plan.leg.platform.clone(),
            environment: environment.clone(),
            ..RunRecord::beginning(source.metric(), source.kind().name(), workload.sampling.interval)
        };
        let record =
            sampler::record_run(&workload.launch, &workload.sampling, source, &folder, record, caught, onlooker)
                .with_context(|| format!("run {run} of `{}` could not be recorded", workload.name))?;
        folders.push(folder);
        // A program that is not there will not be there the next time either.
        if record.ended == Ended::NotStarted || matches!(record.ended, Ended::Interrupted { .. }) {
            break;
        }
    }
    Ok(folders)
}

/// The whole thing on a built-in workload, with nothing configured.
///
/// # Errors
/// As [`run`].
pub fn demo(out: &Path, voice: Voice) -> Result<ExitCode> {
    let own = std::env::current_exe().context("could not find memguard's own program, which the demo runs")?;
    let ready = Regex::new(synth::DEMO_READY).context("the demo's own pattern is wrong")?;
    let subject = |measure| Subject { phase: None, measure };
    let budget = |measure, mib| Budget { subject: subject(measure), limit: Bytes::from_mib(mib).into(), written: None };
    let workload = WorkloadPlan {
        name: "demo".into(),
        runs: 1,
        launch: Settings {
            command: Command::Direct(vec![own.to_string_lossy().into_owned(), "synth".into(), synth::DEMO.into()]),
            before: None,
            env: [].into(),
            folder: None,
            timeout: Some(Duration::from_secs(60)),
            ready: Some(Ready { kind: ReadyKind::Log(ready.clone()), within: None }),
            drive: None,
            stop: Stop::default(),
            abort_above: None,
            logs: Vec::new(),
            redact: Vec::new(),
        },
        sampling: sampler::Settings::default(),
        rules: analysis::Rules { ready: analysis::ReadyRule::Log(ready), phases: Vec::new() },
        limits: Limits {
            budgets: vec![budget(Measure::Peak, 384), budget(Measure::Startup, 320), budget(Measure::Retained, 64)],
            ..Limits::default()
        },
    };
    let plan = Plan {
        workloads: vec![workload],
        out: out.to_owned(),
        baseline: baseline::Settings { file: out.join("no-baseline.toml"), required: false, other: None },
        leg: Leg {
            platform: os::platform(),
            workloads: vec!["demo".into()],
            config: None,
            flags: Vec::new(),
            commit: None,
            shard: None,
            base: None,
        },
    };
    let code = run(&plan, voice)?;
    let graph = out.join("demo").join("graph.png");
    let _ = writeln!(io::stderr(), "{}", DEMO_END.replace("{graph}", &graph.display().to_string()));
    Ok(code)
}

const DEMO_END: &str = "
That was a program that takes nearly all its memory while it starts. Look at its graph: {graph}

Next:
  memguard run -- CMD…                    measure a program of yours
  memguard run --peak 512MiB -- CMD…      fail when it takes more
  memguard init                           write a memguard.toml for the project in this folder";
