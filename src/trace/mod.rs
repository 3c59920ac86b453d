//! Everything recorded of one run: samples, log lines, processes, marks, how it ended.
//!
//! The files are the source of truth. All that stands to the right of this module is computed from them alone.
//! Each format is written and read in one file: `memory_csv`, `log_csv`, `processes_csv`, `programs_csv`,
//! `run_json`.

mod carried;
mod clock;
mod curve;
pub mod files;
pub mod foreign;
mod layout;
mod lines;
mod log_csv;
mod log_pending;
mod log_store;
mod log_writer;
mod memory_csv;
mod model;
mod processes_csv;
mod program;
mod programs_csv;
mod reader;
mod recorder;
mod redact;
mod row_file;
mod rows;
mod run_json;
mod snapshots;
mod stored;
mod text;
mod thinning;

pub use carried::Carried;
pub use curve::{CurveBuilder, columns};
pub use layout::{WorkloadRuns, find_runs, run_folder, runs_in};
pub use log_csv::LogLines;
pub use log_writer::{LARGEST_LOG, LogWriter, StampBy};
pub use memory_csv::Samples;
pub use model::{
    Curve, Ended, Environment, Gap, Holder, LeftOut, LogLine, LogRow, MarkKind, PeakCertainty, ProcessRow, Program,
    ProgramRow, ReadyMark, RunRecord, SCHEMA, Sample, SamplePoint, Sampling, Stream, Until,
};
pub use processes_csv::Processes;
pub use programs_csv::Programs;
pub use reader::{RunFiles, open};
pub use recorder::{Recorder, RunFolder};
pub use redact::Redactor;
pub use stored::{Held, Stored};

const MEMORY_CSV: &str = "memory.csv";
const PROCESSES_CSV: &str = "processes.csv";
const PROGRAMS_CSV: &str = "programs.csv";
const LOG_CSV: &str = "log.csv";
const RUN_JSON: &str = "run.json";
/// What a run's folder holds.
const FILES: [&str; 5] = [MEMORY_CSV, PROCESSES_CSV, PROGRAMS_CSV, LOG_CSV, RUN_JSON];
