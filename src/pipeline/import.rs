//! What other programs recorded, as runs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::Import;
use crate::trace::foreign::{self, Recording, Stamp};
use crate::trace::{self, RunFiles};
use crate::workload::{LineTime, LogFile};

/// How lines are known to begin, where nobody says it. The first that fits the first line with a time holds for the file.
const FORMATS: [&str; 8] = [
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d %H:%M:%S,%f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S%.f",
    "%s%.f",
];
/// A log's clock and the recording's may differ by so much.
const ASTRAY: Duration = Duration::from_secs(1);

/// The runs at a path, by workload: those of a folder that memguard wrote, or the one in another program's file.
pub(super) fn runs_at(path: &Path, import: &Import) -> Result<Vec<Vec<RunFiles>>> {
    if path.is_dir() {
        let found = trace::find_runs(path)?;
        return found.into_iter().map(|found| found.runs.iter().map(|run| trace::open(run)).collect()).collect();
    }
    Ok(vec![vec![one(path, import)?]])
}

/// The recording in a file, with the logs that were written beside it.
pub(super) fn one(path: &Path, import: &Import) -> Result<RunFiles> {
    let mut recording = foreign::read(path, &import.columns)?;
    recording.began = recording.began.or(import.began);
    let mut rows = Vec::new();
    for log in &import.logs {
        let (found, warnings) = read_log(log, &recording, path)?;
        rows.extend(found);
        recording.warnings.extend(warnings);
    }
    let name = path.file_stem().map_or_else(|| "memory".to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(recording.into_run(&name, rows))
}

fn read_log(log: &LogFile, recording: &Recording, path: &Path) -> Result<(Vec<trace::LogRow>, Vec<String>)> {
    let Some(began) = recording.began else {
        bail!(
            "the times in `{}` count from its beginning, so that the lines of `{}` have no place beside it\n\
             help: say when it began, such as --began 2026-01-31T12:00:00Z",
            path.display(),
            log.path.display()
        );
    };
    let duration = recording.duration();
    let mut time = log.time.clone();
    let mut near = began;
    foreign::read_log(&log.path, &log.name, |line| {
        let known = time.as_ref().and_then(|time| time.of(line, near));
        let Some(instant) = known.or_else(|| time.is_none().then(|| guess(line, near, &mut time)).flatten()) else {
            return Stamp::Unsaid;
        };
        near = instant;
        let since = instant.duration_since(began);
        match Duration::try_from(since) {
            Ok(since) if since <= duration + ASTRAY => Stamp::At(since.min(duration)),
            Err(_) if since >= -SignedDuration::try_from(ASTRAY).unwrap_or_default() => Stamp::At(Duration::ZERO),
            Ok(_) | Err(_) => Stamp::Outside,
        }
    })
}

/// Finds out how the lines of a file tell their time, from one of them.
fn guess(line: &str, near: Timestamp, time: &mut Option<LineTime>) -> Option<Timestamp> {
    let brackets = if line.starts_with('[') { "[" } else { "" };
    FORMATS.iter().find_map(|format| {
        let guessed = LineTime::new(&format!("{brackets}{format}"), TimeZone::system()).ok()?;
        let instant = guessed.of(line, near)?;
        *time = Some(guessed);
        Some(instant)
    })
}
