//! memguard: memory budgets for CI.
//!
//! Data walks one way: config → plan → launch, sample, logs → trace → measures → verdict → report.
//! A module knows only what stands before it here; `tests/architecture.rs` keeps that true.

pub mod analysis;
pub mod baseline;
pub mod cli;
pub mod config;
pub mod os;
pub mod sampler;
pub mod trace;
pub mod units;
pub mod verdict;
pub mod workload;
