//! Runs a workload once and records it: ticks on deadlines, a reading of the tree each, beside its log lines.

mod life;
mod run;
mod settings;
mod ticks;

pub use run::{Caught, Tell, open_source, record_run};
pub use settings::{Settings, SourceChoice};
