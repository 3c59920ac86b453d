use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::config::Import;
use crate::report::chart::{self, ChartModel};
use crate::trace::{self, Curve, files, foreign};

/// Draws recorded memory, several files overlaid. Returns what was wrong with the files and could be read past.
///
/// # Errors
/// When a file can't be read or the picture can't be written.
pub fn plot(inputs: &[PathBuf], import: &Import, output: &Path, title: Option<&str>) -> Result<Vec<String>> {
    let kind = Kind::of(output)?;
    let mut curves: Vec<(String, Curve)> = Vec::new();
    let mut warnings = Vec::new();
    for input in inputs {
        for csv in csv_files(input)? {
            let recording = foreign::read(&csv, &import.columns)?;
            warnings.extend(recording.warnings);
            curves.push((label(&csv), Curve { points: recording.points }));
        }
    }
    let own = curves.first().map_or("memory", |(label, _)| label.as_str());
    let title = title.unwrap_or(if curves.len() == 1 { own } else { "memory" });
    draw(&chart::overlay(title, &curves), kind, output)?;
    Ok(warnings)
}

/// Which picture to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Svg,
    Png,
}

impl Kind {
    /// As the ending of its file says.
    pub(super) fn of(output: &Path) -> Result<Self> {
        match output.extension().and_then(OsStr::to_str).map(str::to_lowercase).as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => {
                bail!(
                    "`{}` does not end in .svg or .png\nhelp: the ending says which picture to draw",
                    output.display()
                )
            }
        }
    }
}

pub(super) fn draw(model: &ChartModel, kind: Kind, output: &Path) -> Result<()> {
    let bytes = match kind {
        Kind::Png => chart::png(model)?,
        Kind::Svg => chart::svg(model)?.into_bytes(),
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
