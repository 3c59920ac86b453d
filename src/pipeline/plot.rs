use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{Voice, import, judge};
use crate::analysis::Rules;
use crate::baseline::Store;
use crate::config::Import;
use crate::report::chart::{self, ChartModel};
use crate::report::{self, Pair, term_charts};
use crate::trace::{self, Curve, RunFiles, files, foreign};
use crate::verdict::Limits;

/// Draws recorded memory, several files overlaid. Returns what was wrong with the files and could be read past.
///
/// # Errors
/// When a file can't be read or the picture can't be written.
pub fn plot(inputs: &[PathBuf], import: &Import, output: &Path, title: Option<&str>) -> Result<Vec<String>> {
    let kind = Kind::of(output)?;
    if let ([input], Kind::Html) = (inputs, kind)
        && let [runs] = &import::runs_at(input, import)?[..]
    {
        return page_of(runs, output, title);
    }
    let Plotted { curves, warnings } = read(inputs, import)?;
    let own = curves.first().map_or("memory", |(label, _)| label.as_str());
    let title = title.unwrap_or(if curves.len() == 1 { own } else { "memory" });
    draw(&chart::overlay(title, &curves), &[], kind, output)?;
    Ok(warnings)
}

/// The same as text, with what was wrong with the files.
///
/// # Errors
/// When a file can't be read.
pub fn plot_in_terminal(inputs: &[PathBuf], import: &Import, voice: Voice) -> Result<(String, Vec<String>)> {
    let Plotted { curves, warnings } = read(inputs, import)?;
    Ok((term_charts(&curves, voice.look()), warnings))
}

/// What the files hold.
#[derive(Debug, Default)]
struct Plotted {
    /// By their names.
    curves: Vec<(String, Curve)>,
    /// What was wrong with the files and could be read past.
    warnings: Vec<String>,
}

fn read(inputs: &[PathBuf], import: &Import) -> Result<Plotted> {
    let mut plotted = Plotted::default();
    for input in inputs {
        for csv in csv_files(input)? {
            let recording = foreign::read(&csv, &import.columns)?;
            plotted.warnings.extend_from_slice(&recording.warnings);
            plotted.curves.push((label(&csv), recording.into_curve()));
        }
    }
    Ok(plotted)
}

/// The runs of one workload, or one recording, as a page: with what can be found in it, and the log beside it.
fn page_of(runs: &[RunFiles], output: &Path, title: Option<&str>) -> Result<Vec<String>> {
    // Nothing is judged: there is neither a limit nor a baseline.
    let workload = judge::workload(runs, &Rules::default(), &Limits::default(), &Store::none(), false)?;
    let title = title.unwrap_or(&workload.judged.key.workload);
    let page = report::page_of_recording(title, &workload.judged, &workload.details)?;
    files::replace(output, page.as_bytes()).context("could not write the page")?;
    Ok(workload.warnings)
}

/// Which picture to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Svg,
    Png,
    Html,
}

impl Kind {
    /// As the ending of its file says.
    pub(super) fn of(output: &Path) -> Result<Self> {
        match output.extension().and_then(OsStr::to_str).map(str::to_lowercase).as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            Some("html") => Ok(Self::Html),
            _ => {
                bail!(
                    "`{}` does not end in .svg, .png or .html\nhelp: the ending says which picture to draw",
                    output.display()
                )
            }
        }
    }
}

/// `pairs` are what a page compares; none where it only shows.
pub(super) fn draw(model: &ChartModel, pairs: &[Pair<'_>], kind: Kind, output: &Path) -> Result<()> {
    let bytes = match kind {
        Kind::Png => chart::png(model)?,
        Kind::Svg => chart::svg(model)?.into_bytes(),
        Kind::Html => report::page_of_curves(model, pairs)?.into_bytes(),
    };
    files::replace(output, &bytes).context("could not write the picture")
}

/// A file, or the traces in a folder.
fn csv_files(input: &Path) -> Result<Vec<PathBuf>> {
    if !input.is_dir() {
        return Ok(vec![input.to_owned()]);
    }
    let runs = trace::find_runs(input)?;
    Ok(runs.into_iter().flat_map(|workload| workload.runs).map(|run| run.join("memory.csv")).collect())
}

/// What tells one trace from another: `ingest/run-1` for one of ours, else the file's own name.
fn label(csv: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let whole = csv.canonicalize().unwrap_or_else(|_| csv.to_owned());
    let folders: Option<(String, String)> = whole.parent().and_then(|run| Some((name(run.parent()?)?, name(run)?)));
    match folders {
        Some((workload, run)) if run.starts_with("run-") => format!("{workload}/{run}"),
        _ => name(csv).unwrap_or_default(),
    }
}
