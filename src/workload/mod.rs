//! Launches a workload as if memguard were not there, waits until it is ready, drives it, passes its output on.

mod follow;
mod launch;
mod line_time;
mod output;
mod ready;
mod screen;
mod settings;
mod start_error;

pub use follow::{Followed, Piece};
pub use launch::{Launched, launch, run_to_end, start_beside};
pub use line_time::{LineClock, LineTime};
pub use output::{OutputPipe, pass_on};
pub use ready::watch_for_ready;
pub use screen::{Destination, Screen};
pub use settings::{Command, LogFile, Ready, ReadyKind, Settings, Signal, Stop};
