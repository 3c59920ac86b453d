//! Records a run while it lasts, so that what was written stands whatever happens to memguard.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::clock::WallClock;
use super::log_store::LogStore;
use super::log_writer::{LARGEST_LOG, LogWriter};
use super::memory_csv::MemoryWriter;
use super::model::{Holder, ProcessRow, RunRecord, Sample};
use super::processes_csv::ProcessWriter;
use super::programs_csv::ProgramWriter;
use super::redact::Redactor;
use super::row_file::RowFile;
use super::{files, run_json};
use crate::units::Bytes;

/// Rows are on disk this long after they were written, at the latest.
const FLUSH_EVERY: Duration = Duration::from_millis(250);

/// A run's folder, its files opened before anything is launched.
pub struct RunFolder {
    run_json: PathBuf,
    redactor: Redactor,
    memory: RowFile,
    log: LogStore,
    processes: ProcessWriter,
    programs: ProgramWriter,
}

impl RunFolder {
    /// Creates the folder and its five files, `run.json` as `record` says (which is unfinished as yet). Files of an
    /// earlier run in it are replaced. What `redactor` finds is in none of them.
    ///
    /// # Errors
    /// When one of them can't be written.
    pub fn create(folder: &Path, record: &RunRecord, redactor: Redactor) -> Result<Self> {
        files::create_folder(folder)?;
        let run_json = folder.join(super::RUN_JSON);
        // Before the rows: what stands in the folder must never be another run's.
        run_json::write(&run_json, &redactor.record(record))?;
        let memory = MemoryWriter::create(&folder.join(super::MEMORY_CSV))?;
        let log = LogStore::create(&folder.join(super::LOG_CSV), LARGEST_LOG)?;
        let processes = ProcessWriter::create(&folder.join(super::PROCESSES_CSV), redactor.clone())?;
        let programs = ProgramWriter::create(&folder.join(super::PROGRAMS_CSV), redactor.clone())?;
        Ok(Self { run_json, redactor, memory, log, processes, programs })
    }

    /// Begins to record a run that was launched at `started`. Touches no file.
    #[must_use]
    pub fn launched(self, started: Timestamp) -> Recorder {
        let zone = TimeZone::system();
        let clock = || WallClock::new(started, zone.clone());
        Recorder {
            run_json: self.run_json,
            memory: MemoryWriter::new(self.memory, clock()),
            log: Arc::new(LogWriter::new(self.log, clock(), self.redactor.clone())),
            processes: self.processes,
            programs: self.programs,
            redactor: self.redactor,
            flushed: Duration::ZERO,
        }
    }
}

/// Writes the files of one run.
pub struct Recorder {
    run_json: PathBuf,
    redactor: Redactor,
    memory: MemoryWriter,
    log: Arc<LogWriter>,
    processes: ProcessWriter,
    programs: ProgramWriter,
    flushed: Duration,
}

impl Recorder {
    /// Takes a reading; thinned, it becomes a row of `memory.csv`.
    ///
    /// # Errors
    /// When the file can't be written. Nothing more is then written to it.
    pub fn sample(&mut self, sample: &Sample) -> Result<()> {
        self.memory.push(sample)
    }

    /// Takes a process that has ended, or is still there at the end of the run.
    ///
    /// # Errors
    /// When the file can't be written. Nothing more is then written to it.
    pub fn process(&mut self, process: &ProcessRow) -> Result<()> {
        self.processes.push(process)
    }

    /// Takes what the whole tree held at a reading; `holders` tells who holds it, and is asked only now and then. Thinned, it
    /// becomes rows of `programs.csv`: none where there are no holders.
    ///
    /// # Errors
    /// When the file can't be written. Nothing more is then written to it.
    pub fn programs<'a>(
        &mut self,
        at: Duration,
        total: Bytes,
        holders: impl FnOnce() -> Vec<Holder<'a>>,
    ) -> Result<()> {
        self.programs.push(at, total, holders)
    }

    /// The writer of `log.csv`, for the threads that read the workload's output.
    #[must_use]
    pub fn log(&self) -> Arc<LogWriter> {
        Arc::clone(&self.log)
    }

    /// Puts on disk what was recorded, if the last time was a quarter of a second ago. To be called on every tick.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn flush_if_due(&mut self, now: Duration) -> Result<()> {
        if now.saturating_sub(self.flushed) < FLUSH_EVERY {
            return Ok(());
        }
        self.flushed = now;
        let results = [self.memory.flush(), self.log.flush(now), self.processes.flush(), self.programs.flush()];
        results.into_iter().collect()
    }

    /// Writes what is left and replaces `run.json` by the finished record, to which it adds a notice where the log
    /// was too long.
    ///
    /// # Errors
    /// When a file can't be written; the others are written all the same.
    pub fn finish(mut self, record: &mut RunRecord) -> Result<()> {
        let memory = self.memory.finish();
        let (log, notice) = self.log.finish();
        let (processes, programs) = (self.processes.flush(), self.programs.finish());
        record.notices.extend(notice);
        let run = run_json::write(&self.run_json, &self.redactor.record(record));
        [memory, log, processes, programs, run].into_iter().collect()
    }
}
