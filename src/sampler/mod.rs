//! Runs a workload once and records it: ticks on deadlines, a reading of the tree each, beside its log lines. Records, too,
//! what memguard did not start.

mod events;
mod life;
mod meter;
mod onlooker;
mod run;
mod settings;
mod threads;
mod ticks;
mod watch;

pub use events::Caught;
pub use onlooker::{Beat, Onlooker, Pulse};
pub use run::{open_source, record_run};
pub use settings::{Settings, SourceChoice};
pub use watch::watch;
