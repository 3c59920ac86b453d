//! Reads what a run left on disk, however it ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::log_csv::LogLines;
use super::memory_csv::Samples;
use super::model::{LogRow, ProcessRow, RunRecord, Sample};
use super::processes_csv::Processes;
use super::programs_csv::Programs;
use super::stored::Stored;
use super::{LOG_CSV, MEMORY_CSV, PROCESSES_CSV, PROGRAMS_CSV, RUN_JSON, run_json};

/// What is known of one run, to be read as often as needed.
#[derive(Debug, Clone)]
pub struct RunFiles {
    rows: RowsOf,
    record: RunRecord,
    warnings: Vec<String>,
}

#[derive(Debug, Clone)]
enum RowsOf {
    Folder(PathBuf),
    /// Another program's file, read once.
    Held {
        samples: Arc<[Sample]>,
        log: Arc<[LogRow]>,
    },
}

/// Opens the folder of one run.
///
/// # Errors
/// When a file is missing, is not memguard's, or was written by a later version.
pub fn open(folder: &Path) -> Result<RunFiles> {
    let record = run_json::read(&folder.join(RUN_JSON))?;
    let programs = programs_of(folder)?;
    let cut = [
        (MEMORY_CSV, Samples::open(&folder.join(MEMORY_CSV))?.last_is_cut()),
        (LOG_CSV, LogLines::open(&folder.join(LOG_CSV))?.last_is_cut()?),
        (PROCESSES_CSV, Processes::open(&folder.join(PROCESSES_CSV))?.last_is_cut()),
        (PROGRAMS_CSV, programs.is_some_and(|programs| programs.last_is_cut())),
    ];
    let warning = |name| format!("the last row of `{}` was cut off and is left out", folder.join(name).display());
    let warnings = cut.into_iter().filter(|(_, cut)| *cut).map(|(name, _)| warning(name)).collect();
    Ok(RunFiles { rows: RowsOf::Folder(folder.to_owned()), record, warnings })
}

/// None of a trace from before there was such a file.
fn programs_of(folder: &Path) -> Result<Option<Programs>> {
    let path = folder.join(PROGRAMS_CSV);
    path.exists().then(|| Programs::open(&path)).transpose()
}

impl RunFiles {
    /// A run that another program recorded.
    pub(super) fn held(
        record: RunRecord,
        samples: impl IntoIterator<Item = Sample>,
        log: Vec<LogRow>,
        warnings: Vec<String>,
    ) -> Self {
        let rows = RowsOf::Held { samples: samples.into_iter().collect(), log: log.into() };
        Self { rows, record, warnings }
    }

    /// What is known of the run besides its rows.
    #[must_use]
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// The rows of `memory.csv`, in the order of time. Holds one at a time.
    ///
    /// # Errors
    /// When the file can't be read. The iterator's own errors name the line and the value.
    pub fn samples(&self) -> Result<Stored<Samples, Sample>> {
        match &self.rows {
            RowsOf::Folder(folder) => Samples::open(&folder.join(MEMORY_CSV)).map(Stored::File),
            RowsOf::Held { samples, .. } => Ok(Stored::held(samples)),
        }
    }

    /// The rows of `log.csv`, in the order in which the lines were completed, nearly. Holds one at a time.
    ///
    /// # Errors
    /// As for [`Self::samples`].
    pub fn log(&self) -> Result<Stored<LogLines, LogRow>> {
        match &self.rows {
            RowsOf::Folder(folder) => LogLines::open(&folder.join(LOG_CSV)).map(Stored::File),
            RowsOf::Held { log, .. } => Ok(Stored::held(log)),
        }
    }

    /// The rows of `processes.csv`, in the order in which the processes ended. Holds one at a time.
    ///
    /// # Errors
    /// As for [`Self::samples`].
    pub fn processes(&self) -> Result<Stored<Processes, ProcessRow>> {
        match &self.rows {
            RowsOf::Folder(folder) => Processes::open(&folder.join(PROCESSES_CSV)).map(Stored::File),
            RowsOf::Held { .. } => Ok(Stored::held(&Arc::from([]))),
        }
    }

    /// The rows of `programs.csv`, in the order of time. Holds one at a time. None where it was not recorded who held what.
    ///
    /// # Errors
    /// As for [`Self::samples`].
    pub fn programs(&self) -> Result<Option<Programs>> {
        match &self.rows {
            RowsOf::Folder(folder) => programs_of(folder),
            RowsOf::Held { .. } => Ok(None),
        }
    }

    /// What was found wrong and could be read past, as sentences: a last row that was cut off.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::run_json::tests::record;
    use crate::trace::{Ended, ProcessRow, Redactor, RunFolder, Sample, Stream, files};
    use crate::units::{Bytes, Parts, Uncertainty};
    use std::time::Duration;

    fn sample(millis: u64, memory: u64) -> Sample {
        let (at, memory) = (Duration::from_millis(millis), Bytes(memory));
        Sample {
            at,
            memory,
            peak: memory,
            uncertainty: Uncertainty::NONE,
            parts: Parts::default(),
            processes: Some(1),
            machine_used: None,
        }
    }

    fn texts(files: &RunFiles) -> Vec<String> {
        let text = |row: Result<LogRow>| match row.unwrap() {
            LogRow::Line(line) => line.text,
            LogRow::LeftOut(gap) => panic!("{gap:?}"),
        };
        files.log().unwrap().map(text).collect()
    }

    #[test]
    fn a_run_reads_back_as_it_was_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("ingest").join("run-1");
        let mut run = record();
        let mut recorder = RunFolder::create(&folder, &run, Redactor::default()).unwrap().launched(run.started);
        let samples = [sample(0, 5), sample(10, 9), sample(20, 0)];
        for sample in &samples {
            recorder.sample(sample).unwrap();
        }
        let log = recorder.log();
        let mut lines = Vec::new();
        let mut see = |at: Duration, text: &str| {
            lines.push(text.to_owned());
            at
        };
        log.push(&Stream::Stdout, Duration::from_millis(3), b"ready\nla", Some(&mut see)).unwrap();
        let process =
            ProcessRow { pid: 7, parent_pid: 1, started: Duration::ZERO, ended: None, peak: None, command: "a".into() };
        recorder.process(&process).unwrap();
        recorder.finish(&mut run).unwrap();
        log.push(&Stream::Stdout, Duration::from_millis(4), b"te\n", Some(&mut see)).unwrap();

        let files = open(&folder).unwrap();
        assert_eq!(files.record(), &run);
        assert_eq!(files.samples().unwrap().map(Result::unwrap).collect::<Vec<_>>(), samples);
        assert_eq!(files.processes().unwrap().map(Result::unwrap).collect::<Vec<_>>(), [process]);
        assert_eq!(texts(&files), ["ready", "la"]);
        assert_eq!(lines, ["ready"]);
        assert!(files.warnings().is_empty());
    }

    #[test]
    fn a_run_that_was_killed_with_memguard_still_reads() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let run = RunRecord { ended: Ended::Unfinished, duration: None, ..record() };
        let mut recorder = RunFolder::create(folder, &run, Redactor::default()).unwrap().launched(run.started);
        for (tick, memory) in [(0, 5), (10, 9), (20, 8)] {
            recorder.sample(&sample(tick, memory)).unwrap();
        }
        recorder.log().push(&Stream::Stdout, Duration::ZERO, b"whole\n", None).unwrap();
        recorder.flush_if_due(Duration::from_secs(1)).unwrap();
        drop(recorder);
        let path = folder.join(MEMORY_CSV);
        let text = files::read_text(&path).unwrap();
        files::replace(&path, text.trim_end().as_bytes()).unwrap();

        let files = open(folder).unwrap();
        assert_eq!(files.record().ended, Ended::Unfinished);
        assert_eq!(files.samples().unwrap().map(|sample| sample.unwrap().memory.0).collect::<Vec<_>>(), [5, 9]);
        assert_eq!(files.log().unwrap().count(), 1);
        assert_eq!(files.warnings().len(), 1);
        assert!(files.warnings()[0].contains("memory.csv` was cut off and is left out"), "{}", files.warnings()[0]);
    }

    #[test]
    fn rows_are_on_disk_within_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder =
            RunFolder::create(folder.path(), &record(), Redactor::default()).unwrap().launched(record().started);
        let mut on_disk = Vec::new();
        for tick in 0..100 {
            let now = Duration::from_millis(10 * tick);
            recorder.sample(&sample(10 * tick, tick)).unwrap();
            recorder.flush_if_due(now).unwrap();
            let rows = Samples::open(&folder.path().join(MEMORY_CSV)).unwrap();
            on_disk.push(rows.map(|row| row.unwrap().at).last());
            let newest = on_disk.last().copied().flatten().unwrap_or_default();
            assert!(now - newest < Duration::from_millis(500), "{now:?}: {newest:?}");
        }
    }

    #[test]
    fn a_missing_file_is_told_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let error = open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("run.json`"), "{error}");
        run_json::write(&folder.path().join(RUN_JSON), &record()).unwrap();
        let error = open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("memory.csv`"), "{error}");
    }
}
