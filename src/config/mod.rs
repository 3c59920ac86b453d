//! From `memguard.toml` and the flags to a [`Plan`] that can't be wrong.

mod plan;

pub use plan::{Plan, WorkloadPlan};
