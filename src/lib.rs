//! memguard: memory budgets for CI.
//!
//! Data walks one way: config → plan → launch, sample, logs → trace → measures → verdict → report.
//! A module knows only what stands before it here; `tests/architecture.rs` keeps that true.

pub mod git;
pub mod units;

pub mod os;
pub mod workload;

pub mod trace;

pub mod sampler;

pub mod analysis;

pub mod baseline;

pub mod verdict;

pub mod report;

pub mod github;

pub mod cli;
pub mod config;

pub mod init;
pub mod synth;

pub mod pipeline;
