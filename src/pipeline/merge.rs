//! The results of several machines as one: one report, one verdict, one exit code.
//!
//! Each machine has judged what it ran under its own platform, and that stands: nothing is judged again here (`check` does that).
//! What is asked here is whether the whole is there. The folders come from elsewhere, and nothing in them is trusted.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::judge::{self, Workload};
use super::{Voice, actions, artifacts};
use crate::config::name_fault;
use crate::report::{self, Recorded, RecordedWorkload};
use crate::trace::{Carried, CurveBuilder, RunFiles, files, run_folder};
use crate::units::Bytes;
use crate::verdict::{self, ExitCode, Judged, Leg, Part};

/// Larger than the results of any machine.
const LARGEST: u64 = 64 << 20;
const RUNS: usize = 1000;
/// The traces that are read of a report that nobody vouches for.
const UNVOUCHED: Bytes = Bytes::from_mib(1024);
/// Copies from here on are told of: they take a while, and room.
const NOTABLE: Bytes = Bytes::from_mib(256);

/// One machine's results, with everything that they name.
struct Found {
    carried: Carried,
    leg: Leg,
    /// Of all traces.
    size: Bytes,
    workloads: Vec<(RecordedWorkload, Vec<RunFiles>)>,
}

/// Joins the results in these folders, writes the report of the whole, and tells its verdict. `machines` says how many there must
/// be, where that is known.
///
/// # Errors
/// When a part is missing, doubled, damaged or of another whole; when what must be written can't be.
pub fn merge(folders: &[PathBuf], out: &Path, machines: Option<u32>, voice: Voice) -> Result<ExitCode> {
    let actions = actions::here();
    let merged = find(folders, Some(out), machines).and_then(|found| {
        let legs: Vec<Leg> = found.iter().map(|found| found.leg.clone()).collect();
        let size: Bytes = found.iter().map(|found| found.size).sum();
        if size >= NOTABLE && !voice.quiet {
            let _ = writeln!(io::stderr(), "memguard: copies {size} of traces into `{}`", out.display());
        }
        artifacts::clear(out)?;
        let workloads = join(found, Some(out))?;
        let judged: Vec<Judged> = workloads.iter().map(|workload| workload.judged.clone()).collect();
        let code = verdict::exit_code(&judged);
        artifacts::write(out, &workloads, code, &legs, actions.as_ref())?;
        Ok((workloads, code, legs))
    });
    let (workloads, code, legs) = merged.inspect_err(|error| {
        if let Some(actions) = &actions {
            actions::failed(actions, "the results were not joined", error);
        }
    })?;
    let text = judge::tell(&workloads, code, voice, Some(out), legs.iter().filter_map(|leg| leg.base.as_ref()));
    io::stdout().write_all(text.as_bytes()).context("could not print the report")?;
    if let Some(actions) = &actions {
        actions::report(actions, &workloads, code, &legs, out);
    }
    Ok(code)
}

/// The results in a folder that nobody vouches for, read to be rendered anew. Nothing is written.
pub(super) fn retold(folder: &Path) -> Result<(Vec<Workload>, Vec<Leg>)> {
    let found = find(&[folder.to_owned()], None, None)?;
    let size: Bytes = found.iter().map(|found| found.size).sum();
    if size > UNVOUCHED {
        bail!("there are {size} of traces in `{}`, and at most {UNVOUCHED} of another's are read", folder.display());
    }
    let legs = found.iter().map(|found| found.leg.clone()).collect();
    Ok((join(found, None)?, legs))
}

/// Reads what every machine left, and makes sure that it is one whole. `out` is where the report of the whole will be written.
fn find(folders: &[PathBuf], out: Option<&Path>, machines: Option<u32>) -> Result<Vec<Found>> {
    if let Some(out) = out {
        files::create_folder(out)?;
    }
    let mut legs = Vec::new();
    // Who names each folder knows how many there are.
    let mut are_named = true;
    for folder in folders {
        let inside = legs_in(folder, out)?;
        are_named &= inside == [folder.clone()];
        legs.extend(inside);
    }
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for folder in &legs {
        // Every fault is told, not the first alone: from a red build to the next is a long way.
        match read(folder) {
            Ok(one) => found.push(one),
            Err(error) => faults.push(format!("`{}`: {error:#}", folder.display())),
        }
    }
    if faults.is_empty() {
        let parts: Vec<Part> = found.iter().map(Found::part).collect();
        faults = verdict::faults(&parts);
        // A machine of which nothing is there leaves no trace, but in a split.
        if !are_named && out.is_some() && machines.is_none() && !verdict::is_one_split(&parts) {
            faults.push(format!(
                "of the {} machines found, it can't be known whether they are all: say how many there must be with --machines",
                legs.len()
            ));
        }
    }
    if let Some(machines) = machines.filter(|machines| *machines as usize != legs.len()) {
        faults.push(format!("there are results of {} machines, and there must be {machines}", legs.len()));
    }
    if !faults.is_empty() {
        bail!(
            "these are not the results of one whole\n  {}\n\
             help: name the folder that each machine's `memguard run` left, each once; a machine that failed to measure must run again",
            faults.join("\n  ")
        );
    }
    // In whichever order they were named, the report is the same.
    found.sort_by_cached_key(|found| (found.leg.platform.clone(), found.leg.shard, found.leg.workloads.clone()));
    Ok(found)
}

/// A machine's own folder, or those in a folder of them, as they are downloaded.
fn legs_in(folder: &Path, out: Option<&Path>) -> Result<Vec<PathBuf>> {
    let whole =
        |path: &Path| path.canonicalize().with_context(|| format!("could not read the folder `{}`", path.display()));
    let (own, out) = (whole(folder)?, out.map(whole).transpose()?);
    let has_results = |folder: &Path| folder.join(artifacts::RESULTS).symlink_metadata().is_ok();
    if has_results(folder) {
        // The report of the whole would be written over that of a part.
        if out.is_some_and(|out| own.starts_with(&out) || out.starts_with(&own)) {
            bail!(
                "the report would be written into the results that are joined, `{}`\nhelp: name another folder with --out",
                folder.display()
            );
        }
        return Ok(vec![folder.to_owned()]);
    }
    let mut inside = Vec::new();
    for path in files::list(folder)? {
        let is_folder = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        if is_folder && Some(whole(&path)?) != out {
            inside.push(path);
        }
    }
    if !inside.iter().any(|folder| has_results(folder)) {
        bail!(
            "there are no results in `{}`\nhelp: name a folder that `memguard run` wrote, or one with such folders: it holds `{}`",
            folder.display(),
            artifacts::RESULTS
        );
    }
    Ok(inside)
}

fn read(folder: &Path) -> Result<Found> {
    let carried = Carried::new(folder);
    let text = carried.read(artifacts::RESULTS, LARGEST)?;
    let Recorded { mut leg, exit_code, workloads } =
        report::recorded(&text).with_context(|| format!("its `{}` can't be joined", artifacts::RESULTS))?;
    let names = leg.workloads.iter().chain(workloads.iter().map(|workload| &workload.key.workload));
    for name in names {
        if let Some(fault) = name_fault(name) {
            bail!("the name of its workload `{}` {fault}", report::plain(name, 80));
        }
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if leg.platform.is_empty() || leg.platform.len() > 128 || !leg.platform.chars().all(is_plain) {
        bail!("`{}` is not a platform", report::plain(&leg.platform, 80));
    }
    if let Some(commit) = leg.commit.as_ref().filter(|commit| !commit.chars().all(|c| c.is_ascii_hexdigit())) {
        bail!("`{}` is not a commit", report::plain(commit, 80));
    }
    leg.flags.iter_mut().for_each(|flag| *flag = report::plain(flag, 500));
    let (mut found, mut size) = (Vec::new(), Bytes::ZERO);
    for workload in workloads {
        if workload.runs() > RUNS {
            bail!("`{}` has {} runs, more than any workload", workload.key.workload, workload.runs());
        }
        let mut runs = Vec::new();
        for run in (1..).take(workload.runs()) {
            runs.push(run_of(&carried, &workload, run)?);
            size += carried.size(&workload.key.workload, run)?;
        }
        found.push((workload, runs));
    }
    let judged: Vec<Judged> = found.iter().map(|(workload, _)| workload.clone().with(Vec::new())).collect();
    let code = verdict::exit_code(&judged) as u8;
    if code != exit_code {
        bail!("it says exit code {exit_code}, and its checks give {code}");
    }
    Ok(Found { carried, leg, size, workloads: found })
}

/// The trace of a run, which must be of what the results say.
fn run_of(carried: &Carried, workload: &RecordedWorkload, run: u32) -> Result<RunFiles> {
    let files = carried.run(&workload.key.workload, run)?;
    let (record, key) = (files.record(), &workload.key);
    if (&record.workload, &record.platform, record.metric, record.run)
        != (&key.workload, &key.platform, key.metric, run)
    {
        bail!("the trace of run {run} of `{}` is of another run, machine or metric", key.workload);
    }
    Ok(files)
}

impl Found {
    fn part(&self) -> Part {
        let has = self.workloads.iter().map(|(workload, _)| workload.key.workload.clone()).collect();
        Part { folder: self.carried.folder().display().to_string(), leg: self.leg.clone(), has }
    }
}

/// All workloads in the order of the config, then of their platforms, their traces copied into the report where there is one.
fn join(found: Vec<Found>, out: Option<&Path>) -> Result<Vec<Workload>> {
    let platforms: BTreeSet<String> = found.iter().map(|found| found.leg.platform.clone()).collect();
    let order: Vec<String> = found.iter().flat_map(|found| found.leg.workloads.clone()).collect();
    let mut workloads = Vec::new();
    for found in found {
        for (recorded, runs) in found.workloads {
            let name = if platforms.len() > 1 {
                // No workload can be called so: its name has no such sign.
                format!("{}@{}", recorded.key.workload, recorded.key.platform)
            } else {
                recorded.key.workload.clone()
            };
            if let Some(out) = out {
                for number in runs.iter().map(|run| run.record().run) {
                    found.carried.copy_run(&recorded.key.workload, number, &run_folder(out, &name, number))?;
                }
            }
            workloads.push(workload(recorded, name, &runs)?);
        }
    }
    workloads.sort_by_cached_key(|workload| {
        let key = &workload.judged.key;
        (order.iter().position(|name| *name == key.workload), key.platform.clone())
    });
    Ok(workloads)
}

fn workload(recorded: RecordedWorkload, name: String, runs: &[RunFiles]) -> Result<Workload> {
    let mut traces = Vec::new();
    for run in runs {
        let mut curve = CurveBuilder::new(run.record().interval);
        for sample in run.samples()? {
            curve.push(&sample?);
        }
        traces.push((run.record().clone(), curve.finish()));
    }
    let judged = Judged { name, ..recorded.with(traces) };
    let details = judge::details(runs, &judged)?;
    let warnings = runs.iter().flat_map(|run| run.warnings().to_vec()).collect();
    Ok(Workload { judged, details, warnings })
}
