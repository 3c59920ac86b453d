use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Voice, artifacts, container, judge};
use crate::analysis::{Measured, ReadyRule, Rules};
use crate::baseline::Store;
use crate::config::{RecordPlan, Target};
use crate::os::{self, Watched};
use crate::report::{chart, plain};
use crate::sampler::{self, Caught, SourceChoice};
use crate::trace::{self, Ended, Environment, RunFiles, RunRecord, Until};
use crate::units::{Bytes, Metric, format_duration};
use crate::verdict::{ExitCode, Limits};

/// How much of a program's command line is shown.
const SHOWN: usize = 200;

/// Records memory that is already in use, and draws its graph at the end.
///
/// # Errors
/// When what is to be recorded is not there or can't be read, or the files can't be written.
pub fn record(plan: &RecordPlan, voice: Voice) -> Result<ExitCode> {
    let Watched { source, what } = open(plan)?;
    let shown = plain(&what, SHOWN);
    let say = |text: &str| {
        if !voice.quiet {
            let _ = writeln!(io::stderr(), "memguard: {text}");
        }
    };
    let (metric, caught) = (source.metric(), Caught::begin()?);
    let run = next_run(plan, metric)?;
    let folder = trace::run_folder(&plan.out, &plan.name, run);
    let lasts = plan.at_most.map_or(String::new(), |time| format!("for {}, or ", format_duration(time)));
    say(&format!("recording {shown}, every {}, as {metric}", format_duration(plan.interval)));
    say(&format!("into {}, {lasts}until Ctrl-C", folder.join("memory.csv").display()));
    let record = RunRecord {
        workload: plan.name.clone(),
        run,
        command: what,
        platform: os::platform(),
        environment: Environment { facts: os::environment() },
        ..RunRecord::beginning(metric, source.kind().name(), plan.interval)
    };
    let record = sampler::watch(source, plan.at_most, &folder, record, &caught)
        .with_context(|| format!("the recording of {shown} ended early"))?;
    drop(caught); // drawing may be interrupted: what was recorded stands
    if record.ended == (Ended::Recorded { until: Until::Gone }) {
        say("what was recorded has ended");
    }
    let summary = finish(&folder, &shown)?;
    for notice in &record.notices {
        say(&plain(notice, SHOWN));
    }
    say(&summary);
    say(&format!("graph and data: {}", folder.display()));
    Ok(ExitCode::Pass)
}

fn open(plan: &RecordPlan) -> Result<Watched> {
    let portable = plan.source == SourceChoice::Portable;
    match &plan.target {
        Target::Machine if portable => os::portable_machine(),
        Target::Machine => os::watch_machine(),
        Target::Process(pid) if portable => os::portable_tree(*pid, plan.metric),
        Target::Process(pid) => os::watch_tree(*pid, plan.metric),
        Target::Group(path) => os::watch_group(path),
        Target::Container(name) => {
            let found = container::find(name)?;
            let Watched { source, what } = os::watch_group(&found.group)?;
            Ok(Watched { source, what: format!("the {} container `{name}` ({what})", found.client) })
        }
    }
}

/// The number of a recording that replaces none. Those under one name are judged and drawn together: they are of one metric.
fn next_run(plan: &RecordPlan, metric: Metric) -> Result<u32> {
    let earlier = plan.out.join(&plan.name);
    let runs = if earlier.is_dir() { trace::runs_in(&earlier)? } else { Vec::new() };
    let Some((number, last)) = runs.last() else { return Ok(1) };
    if let Ok(files) = trace::open(last)
        && files.record().metric != metric
    {
        bail!(
            "`{}` holds a recording of {}, and this would be one of {metric}\nhelp: call it something else with --name",
            earlier.display(),
            files.record().metric
        );
    }
    Ok(number + 1)
}

/// Draws the graph; returns what there is to say of the recording.
fn finish(folder: &Path, what: &str) -> Result<String> {
    let files = trace::open(folder)?;
    // What was recorded had started long before.
    let rules = Rules { ready: ReadyRule::After(Duration::ZERO), phases: Vec::new() };
    let Levels { mean, last } = Levels::of(&files)?;
    let workload = judge::workload(&[files], &rules, &Limits::default(), &Store::none(), false)?;
    let [run] = workload.judged.runs.as_slice() else { bail!("`{}` holds no recording", folder.display()) };
    let Measured::Value(peak) = run.measures.peak else {
        bail!("{what} had gone before its memory could be read even once")
    };
    let (lasted, at) = (format_duration(run.measures.duration), format_duration(peak.at));
    let mut model = chart::of(&workload.judged, &workload.details);
    model.ready = None;
    let value = model.peak.as_ref().map_or_else(|| peak.value.to_string(), |(_, text)| text.clone());
    model.subtitle = format!("{what} · {} · {lasted}", run.record.metric);
    artifacts::draw(folder, &model)?;
    Ok(format!("{lasted} recorded: peak {value} after {at}, {mean} on average, {last} at the end"))
}

/// How much memory there was over time.
struct Levels {
    mean: Bytes,
    last: Bytes,
}

impl Levels {
    /// Of all rows, each lasting until the next.
    fn of(files: &RunFiles) -> Result<Self> {
        let (mut byte_nanos, mut time) = (0u128, Duration::ZERO);
        let mut before: Option<(Duration, Bytes)> = None;
        for sample in files.samples()? {
            let sample = sample?;
            if let Some((at, memory)) = before {
                let lasted = sample.at.saturating_sub(at);
                time += lasted;
                byte_nanos += u128::from(memory.0) * lasted.as_nanos();
            }
            before = Some((sample.at, sample.memory));
        }
        let last = before.map_or(Bytes::ZERO, |(_, memory)| memory);
        let mean = if time.is_zero() { last } else { Bytes((byte_nanos / time.as_nanos()) as u64) };
        Ok(Self { mean, last })
    }
}
