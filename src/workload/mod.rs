//! Launches a workload as if memguard were not there, waits until it is ready, drives it, stops it.

mod settings;

pub use settings::{Command, Ready, ReadyKind, Settings, Signal, Stop};
