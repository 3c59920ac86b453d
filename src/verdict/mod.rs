//! Budgets and regressions, judged. The verdict exists before anything is rendered, and no renderer can change it.

mod base;
mod doubt;
mod exit;
mod failures;
mod judge;
mod leg;
mod model;
mod shard;
#[cfg(test)]
mod tests;
mod whole;

pub use base::{Base, Edit, EditKind, baseline_edits, limit_edits};
pub use exit::exit_code;
pub use failures::failure;
pub use judge::{judge, verdict};
pub use leg::Leg;
pub use model::{
    Budget, Check, CheckKind, ConfigLine, ExitCode, Judged, JudgedRun, Level, Limits, Measure, Outcome, RunFailure,
    Subject, Tolerance, Verdict,
};
pub use shard::{Shard, ShardError};
pub use whole::{Part, faults, is_one_split};
