//! Budgets and regressions, judged. The verdict exists before anything is rendered, and no renderer can change it.

mod model;

pub use model::{
    Budget, Check, CheckKind, ConfigLine, ExitCode, Judged, JudgedRun, Level, Limits, Measure, Outcome, RunFailure,
    Subject, Tolerance, Verdict,
};
