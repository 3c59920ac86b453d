//! Where runs lie: `<results>/<workload>/run-<n>/`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{RUN_JSON, files};

/// The runs of one workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadRuns {
    /// The workload's name, as its folder is called.
    pub workload: String,
    /// The run folders in the order of their numbers: `run-10` after `run-9`. Never empty.
    pub runs: Vec<PathBuf>,
}

/// The folder of a workload's run: 1 for the first.
#[must_use]
pub fn run_folder(results: &Path, workload: &str, run: u32) -> PathBuf {
    results.join(workload).join(format!("run-{run}"))
}

/// Finds the runs in a results folder, a workload's folder, or a single run's; workloads sorted by name.
///
/// # Errors
/// When the folder can't be read or there is no run in it.
pub fn find_runs(folder: &Path) -> Result<Vec<WorkloadRuns>> {
    if folder.join(RUN_JSON).is_file() {
        // A name such as `.` has none of its own.
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        return Ok(vec![WorkloadRuns { workload: name(whole.parent()), runs: vec![folder.to_owned()] }]);
    }
    let inside = files::list(folder)?;
    let runs = runs_of(&inside);
    if !runs.is_empty() {
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        return Ok(vec![WorkloadRuns { workload: name(Some(&whole)), runs }]);
    }
    let mut found = Vec::new();
    for path in inside.iter().filter(|path| path.is_dir()) {
        let runs = runs_of(&files::list(path)?);
        if !runs.is_empty() {
            found.push(WorkloadRuns { workload: name(Some(path)), runs });
        }
    }
    if found.is_empty() {
        bail!(
            "there is no run in `{}`\nhelp: name a folder that `memguard run` wrote: it holds `<workload>/run-1/{RUN_JSON}`",
            folder.display()
        );
    }
    Ok(found)
}

fn name(path: Option<&Path>) -> String {
    path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
}

/// The runs in a workload's folder with their numbers, in their order.
///
/// # Errors
/// When the folder can't be read.
pub fn runs_in(folder: &Path) -> Result<Vec<(u32, PathBuf)>> {
    files::list(folder).map(|inside| numbered(&inside))
}

/// The run folders among these, in the order of their numbers.
fn runs_of(paths: &[PathBuf]) -> Vec<PathBuf> {
    numbered(paths).into_iter().map(|(_, path)| path).collect()
}

fn numbered(paths: &[PathBuf]) -> Vec<(u32, PathBuf)> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("run-")?.parse::<u32>().ok();
    let mut runs: Vec<_> =
        paths.iter().filter(|path| path.is_dir()).filter_map(|path| Some((number(path)?, path.clone()))).collect();
    runs.sort();
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for run in ["ingest/run-10", "ingest/run-9", "ingest/run-x", "api/run-1", "empty", "api/notes"] {
            files::create_folder(&folder.path().join(run)).unwrap();
        }
        files::create(&folder.path().join("results.json")).unwrap();
        files::create(&folder.path().join("api").join("run-1").join(RUN_JSON)).unwrap();
        files::create(&folder.path().join("ingest").join("run-3")).unwrap();
        folder
    }

    #[test]
    fn runs_are_found_by_workload_and_in_the_order_of_their_numbers() {
        let folder = results();
        let at = |workload, run| run_folder(folder.path(), workload, run);
        let api = WorkloadRuns { workload: "api".to_owned(), runs: vec![at("api", 1)] };
        let ingest = WorkloadRuns { workload: "ingest".to_owned(), runs: vec![at("ingest", 9), at("ingest", 10)] };
        assert_eq!(find_runs(folder.path()).unwrap(), [api.clone(), ingest.clone()]);
        assert_eq!(find_runs(&folder.path().join("ingest")).unwrap(), [ingest]);
        assert_eq!(find_runs(&at("api", 1)).unwrap(), [api]);
    }

    #[test]
    fn a_folder_without_runs_says_what_is_wanted() {
        let folder = results();
        let error = find_runs(&folder.path().join("empty")).unwrap_err().to_string();
        assert!(error.contains("there is no run in") && error.contains("help: name a folder"), "{error}");
        let error = find_runs(&folder.path().join("missing")).unwrap_err().to_string();
        assert!(error.contains("missing`"), "{error}");
    }
}
