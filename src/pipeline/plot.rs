use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::report::chart;
use crate::trace::{self, Curve, files};

/// Draws recorded memory, several files overlaid. Returns where.
///
/// # Errors
/// When a file can't be read or the picture can't be written.
pub fn plot(inputs: &[PathBuf], output: &Path, title: Option<&str>) -> Result<()> {
    let format = output.extension().and_then(OsStr::to_str).map(str::to_lowercase);
    if !matches!(format.as_deref(), Some("svg" | "png")) {
        bail!("`{}` does not end in .svg or .png\nhelp: the ending says which picture to draw", output.display());
    }
    let mut curves: Vec<(String, Curve)> = Vec::new();
    for input in inputs {
        for csv in csv_files(input)? {
            let curve = trace::read_curve(&csv)?;
            curves.push((label(&csv), curve));
        }
    }
    let own = curves.first().map_or("memory", |(label, _)| label.as_str());
    let title = title.unwrap_or(if curves.len() == 1 { own } else { "memory" });
    let model = chart::overlay(title, &curves);
    let bytes = if format.as_deref() == Some("png") { chart::png(&model)? } else { chart::svg(&model)?.into_bytes() };
    files::replace(output, &bytes).with_context(|| "could not write the picture")
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
