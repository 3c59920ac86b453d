//! Everything recorded of one run: samples, log lines, processes, marks, how it ended.
//!
//! The files are the source of truth. All that stands to the right of this module is computed from them alone.

mod model;

pub use model::{
    Curve, Ended, Environment, LogLine, MarkKind, ProcessRow, ReadyMark, RunRecord, SCHEMA, Sample, SamplePoint,
    Sampling, Stream,
};
