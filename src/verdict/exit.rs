use super::{CheckKind, ExitCode, Judged, Outcome};

/// What memguard says to its caller: the gravest of what holds, in the order 5, 4, 1, 3, 6. (2 is for what never ran.)
#[must_use]
pub fn exit_code(judged: &[Judged]) -> ExitCode {
    let any = |holds: &dyn Fn(&Judged) -> bool| judged.iter().any(holds);
    let check = |kind: CheckKind, outcome: Outcome| {
        move |judged: &Judged| judged.checks.iter().any(|check| check.kind == kind && check.outcome == outcome)
    };
    let unmeasured = |judged: &Judged| {
        judged.failures.iter().any(|failure| failure.unmeasured)
            // A run that failed explains by itself what could not be measured.
            || (judged.failures.is_empty() && judged.checks.iter().any(|check| check.outcome == Outcome::Unmeasured))
    };
    let missing = |judged: &Judged| {
        judged.baseline_required
            && judged.checks.iter().any(|check| matches!(check.outcome, Outcome::NoBaseline | Outcome::NotComparable))
    };
    if any(&unmeasured) {
        ExitCode::Unmeasured
    } else if any(&|judged| !judged.failures.is_empty()) {
        ExitCode::WorkloadFailed
    } else if any(&check(CheckKind::Budget, Outcome::Fail)) {
        ExitCode::Budget
    } else if any(&check(CheckKind::Regression, Outcome::Fail)) {
        ExitCode::Regression
    } else if any(&missing) {
        ExitCode::NoBaseline
    } else {
        ExitCode::Pass
    }
}

impl ExitCode {
    /// What the number means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "nothing failed",
            Self::Budget => "a budget was exceeded",
            Self::Usage => "usage or config error",
            Self::Regression => "a measure regressed against the baseline",
            Self::WorkloadFailed => "the workload failed",
            Self::Unmeasured => "something could not be measured or written",
            Self::NoBaseline => "a baseline is required, and there is none to compare with",
        }
    }
}
