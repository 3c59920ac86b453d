use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use super::{Voice, artifacts, import};
use crate::analysis::{self, ExcerptBuilder, Measured, ReadyRule, Rules};
use crate::baseline::{Key, Store};
use crate::config::{Import, Judging, JudgingPlan};
use crate::report::{self, Details, Edits, chart};
use crate::trace::{ReadyMark, RunFiles, RunRecord};
use crate::verdict::{self, Base, Budget, ExitCode, Judged, JudgedRun, Leg, Limits, Measure, Subject, Tolerance};

/// Command lines that are told of.
const COMMANDS: usize = 10;

/// A workload as judged from its files, with what reports want besides.
pub(super) struct Workload {
    pub(super) judged: Judged,
    pub(super) details: Details,
    /// What was wrong with the files and could be read past.
    pub(super) warnings: Vec<String>,
}

/// Measures the runs of a workload from their files and judges them: the same from the files alone as right after the run.
pub(super) fn workload(
    files: &[RunFiles],
    rules: &Rules,
    limits: &Limits,
    store: &Store,
    required: bool,
) -> Result<Workload> {
    let (mut runs, mut warnings) = (Vec::new(), Vec::new());
    for files in files {
        warnings.extend_from_slice(files.warnings());
        let (measures, curve) = analysis::measure(files.record(), rules, || files.samples(), files.log()?)?;
        runs.push(JudgedRun { record: files.record().clone(), measures, curve });
    }
    let key = common_key(&runs)?;
    let found = store.find(&key);
    let judged = verdict::judge(key, runs, limits, found, required);
    let details = details(files, &judged)?;
    Ok(Workload { judged, details, warnings })
}

/// What reports show of a workload beside the judgement, from the files of its runs, in their order.
pub(super) fn details(files: &[RunFiles], judged: &Judged) -> Result<Details> {
    let mut details = Details::default();
    for (files, run) in files.iter().zip(&judged.runs) {
        if let Measured::Value(peak) = run.measures.peak
            && let Some(line) = analysis::line_near(files.log()?, peak.at)?
        {
            details.peak_lines.push((run.record.run, line));
        }
    }
    let rows = || Ok(files.iter().map(RunFiles::processes).collect::<Result<Vec<_>>>()?.into_iter().flatten());
    details.commands = analysis::largest_commands(rows, COMMANDS)?;
    if let Some(shown) = chart::median_run(judged)
        && let Some((files, _)) = files.iter().zip(&judged.runs).find(|(_, run)| run.record.run == shown.record.run)
    {
        let mut excerpt = ExcerptBuilder::new(&shown.curve, shown.measures.duration);
        files.log()?.try_for_each(|row| row.map(|row| excerpt.push(row)))?;
        details.excerpt = excerpt.finish();
        details.log_growth = analysis::log_growth(files.log()?, files.samples()?)?;
        details.programs = analysis::program_bands(|| files.programs())?;
        if shown.measures.ready == Measured::NotAsked {
            details.proposal = analysis::propose_ready(&shown.measures.segments, || files.log())?;
        }
    }
    Ok(details)
}

/// Runs of one workload are judged together: they must be of one kind.
fn common_key(runs: &[JudgedRun]) -> Result<Key> {
    let key = |run: &JudgedRun| Key {
        workload: run.record.workload.clone(),
        platform: run.record.platform.clone(),
        metric: run.record.metric,
    };
    let first = runs.first().map(key).context("there are no runs to judge")?;
    if let Some(other) = runs.iter().map(key).find(|other| *other != first) {
        bail!(
            "run 1 is of `{}` on {} in {}, and another of `{}` on {} in {}: they can't be judged together\n\
             help: keep the results of different machines in folders of their own",
            first.workload,
            first.platform,
            first.metric,
            other.workload,
            other.platform,
            other.metric
        );
    }
    Ok(first)
}

/// Judges recorded traces again, under today's limits and baseline. The report of that goes to `out`, where it is named.
///
/// # Errors
/// When the folder holds no runs, a file of theirs can't be read, the config has no such workload, or `out` can't be written.
pub fn check(dir: &Path, plan: &JudgingPlan, import: &Import, out: Option<&Path>, voice: Voice) -> Result<ExitCode> {
    let store = plan.baseline.store()?;
    let mut workloads = Vec::new();
    for runs in import::runs_at(dir, import)? {
        let Some(first) = runs.first() else { continue };
        let judging = judging(plan, first.record())?;
        if let Some(mistake) = needs_ready(judging, runs.iter().map(RunFiles::record)) {
            let _ = writeln!(std::io::stderr(), "error: {mistake}");
            return Ok(ExitCode::Usage);
        }
        workloads.push(workload(&runs, &judging.rules, &judging.limits, &store, plan.baseline.required)?);
    }
    if let Some(out) = out {
        artifacts::make_room(out)?;
    }
    let judged: Vec<Judged> = workloads.iter().map(|workload| workload.judged.clone()).collect();
    let code = verdict::exit_code(&judged);
    let report = out.or_else(|| dir.is_dir().then_some(dir));
    let mut text = tell(&workloads, code, voice, report, plan.base.as_ref());
    let written = match out {
        Some(out) => artifacts::write(out, &workloads, code, &[leg(&judged, plan)], None),
        None if dir.is_dir() => {
            // What was asked for is the judgement: a folder that can't be written to does not keep it back.
            if let Err(error) = artifacts::draw_anew(dir, &workloads, code, &Edits::of(plan.base.as_ref())) {
                text.insert_str(0, &format!("warning: the report was not drawn anew: {error:#}\n"));
            }
            Ok(())
        }
        None => Ok(()),
    };
    std::io::stdout().write_all(text.as_bytes()).context("could not print the report")?;
    written.map(|()| code)
}

/// The mistake of a flag that limits what is measured from a `ready`, where a run was recorded without one. A config's limits were
/// looked at with the config.
fn needs_ready<'a>(judging: &Judging, mut records: impl Iterator<Item = &'a RunRecord>) -> Option<String> {
    let limited = |subject: &Subject| subject.phase.is_none() && Measure::FROM_READY.contains(&subject.measure);
    let budget = judging.limits.budgets.iter().find(|budget| limited(&budget.subject));
    let tolerance = judging.limits.tolerances.iter().find(|tolerance| limited(&tolerance.subject));
    let (flag, measure) = match (budget, tolerance) {
        (Some(Budget { subject, .. }), _) => (format!("--{}", subject.measure.name()), subject.measure),
        (None, Some(Tolerance { subject, .. })) => {
            (format!("--max-{}-increase", subject.measure.name()), subject.measure)
        }
        (None, None) => return None,
    };
    if !matches!(judging.rules.ready, ReadyRule::AsRecorded) {
        return None;
    }
    let record = records.find(|record| record.ready == ReadyMark::NotAsked)?;
    Some(format!(
        "`{flag}`: {} is measured from a `ready`, and run {} of `{}` was recorded without one\n\
         help: add `--ready-log REGEX`, such as --ready-log 'listening on', or `--ready-after TIME`",
        measure.name(),
        record.run,
        report::plain(&record.workload, 64)
    ))
}

/// What was judged, as the work of one machine.
fn leg(judged: &[Judged], plan: &JudgingPlan) -> Leg {
    Leg {
        platform: judged.first().map(|judged| judged.key.platform.clone()).unwrap_or_default(),
        workloads: judged.iter().map(|judged| judged.name.clone()).collect(),
        config: None,
        flags: Vec::new(),
        commit: None,
        shard: None,
        base: plan.base.clone(),
    }
}

fn judging<'a>(plan: &'a JudgingPlan, record: &RunRecord) -> Result<&'a Judging> {
    let name = &record.workload;
    let known = plan.workloads.iter().find(|(known, _)| known == name).map(|(_, judging)| judging);
    known.or(plan.fallback.as_ref()).ok_or_else(|| {
        let names: Vec<&str> = plan.workloads.iter().map(|(name, _)| name.as_str()).collect();
        anyhow!(
            "these are traces of `{name}`, which the config does not have (it has {})\nhelp: name its config with --config",
            names.join(", ")
        )
    })
}

/// The report for the terminal.
pub(super) fn tell<'a>(
    workloads: &[Workload],
    code: ExitCode,
    voice: Voice,
    artifacts: Option<&Path>,
    bases: impl IntoIterator<Item = &'a Base>,
) -> String {
    let judged: Vec<Judged> = workloads.iter().map(|workload| workload.judged.clone()).collect();
    let details: Vec<Details> = workloads.iter().map(|workload| workload.details.clone()).collect();
    let mut text: String = workloads
        .iter()
        .flat_map(|workload| &workload.warnings)
        .map(|warning| format!("warning: {warning}\n"))
        .collect();
    let options = report::Options {
        width: voice.width,
        colour: voice.colour,
        quiet: voice.quiet,
        artifacts: artifacts.map(Path::to_owned),
        edits: Edits::of(bases),
    };
    text += &report::render(&judged, code, &details, &options);
    text
}
