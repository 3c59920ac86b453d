//! What came of a check and what to do about it, in sentences: the same in every format.

use std::path::Path;

use super::escape::plain;
use super::table::{judged_value, name};
use crate::units::Quantity;
use crate::verdict::{Check, CheckKind, Judged, Outcome};

/// The longest reason that is told in full.
const NOTE: usize = 600;

/// How a check that did not pass came out, with the amounts that say it.
enum Came {
    /// There was nothing to compare with.
    Alone,
    /// It could not be measured well enough to answer.
    Unmeasured,
    Crossed {
        value: Quantity,
        limit: Quantity,
    },
}

fn came(check: &Check) -> Option<Came> {
    match (check.outcome, check.value, check.limit) {
        (Outcome::Pass, ..) => None,
        (Outcome::NoBaseline | Outcome::NotComparable, ..) => Some(Came::Alone),
        // At `level = "warn"`, what was not measured warns, too.
        (Outcome::Warn | Outcome::Fail, Some(value), Some(limit)) if value > limit => {
            Some(Came::Crossed { value, limit })
        }
        (Outcome::Warn | Outcome::Fail | Outcome::Unmeasured, ..) => Some(Came::Unmeasured),
    }
}

/// What came of a check that did not pass, without a full stop: `peak is 316.4 MiB, 16.4 MiB above the budget of 300.0 MiB`.
/// Safe to print. None of one that passed.
#[must_use]
pub fn what(judged: &Judged, check: &Check) -> Option<String> {
    let subject = name(&check.subject);
    let note = || note(check).unwrap_or_default();
    Some(match came(check)? {
        Came::Alone => format!("{subject} was compared with nothing: {}", note()),
        Came::Unmeasured => format!("{subject} could not be measured: {}", note()),
        Came::Crossed { value, limit } => {
            let (over, limit) = (value.minus(limit).plain(), limit.plain());
            let value = judged_value(judged, check).unwrap_or_else(|| value.plain());
            match check.kind {
                CheckKind::Budget => format!("{subject} is {value}, {over} above the budget of {limit}"),
                CheckKind::Regression => {
                    let base = check.baseline.map_or_else(String::new, Quantity::plain);
                    let change = check.change().map_or_else(String::new, |change| format!(" ({})", change.signed()));
                    format!("{subject} rose from {base} to {value}{change}, {over} more than is tolerated")
                }
            }
        }
    })
}

/// Whether a limit was crossed.
pub(super) fn is_crossed(check: &Check) -> bool {
    matches!(came(check), Some(Came::Crossed { .. }))
}

/// Why the answer is what it is, where the numbers alone do not say it. Safe to print.
pub(super) fn note(check: &Check) -> Option<String> {
    check.note.as_deref().map(|note| plain(note, NOTE))
}

/// What to do about a check that did not pass; None where nothing can be said. `artifacts` is the folder of the results.
#[must_use]
pub fn to_do(check: &Check, artifacts: Option<&Path>) -> Option<String> {
    let place = || match &check.written {
        Some(written) => format!("{}:{}", written.file.display(), written.line),
        None => match check.kind {
            CheckKind::Budget => format!("`--{}`", check.subject.measure.name()),
            CheckKind::Regression => format!("`--max-{}-increase`", check.subject.measure.name()),
        },
    };
    let accept = || match artifacts {
        Some(folder) if folder != Path::new("memguard-report") => {
            format!("`memguard baseline accept --from {}`", folder.display())
        }
        _ => "`memguard baseline accept`".to_owned(),
    };
    Some(match (came(check)?, check.kind) {
        (Came::Alone, _) => format!("accept these runs with {} and commit the file", accept()),
        // The reason ends with what helps.
        (Came::Unmeasured, _) => return None,
        (Came::Crossed { .. }, CheckKind::Budget) => {
            let what = if check.written.is_some() { "the budget in " } else { "" };
            format!("shrink what grew there, or raise {what}{}", place())
        }
        (Came::Crossed { .. }, CheckKind::Regression) => {
            format!("shrink what grew there, or accept it with {} (tolerance: {})", accept(), place())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Found, example};
    use crate::units::Bytes;
    use crate::verdict::{ConfigLine, Limits, Measure, Subject, judge};

    fn check(kind: CheckKind, outcome: Outcome, value: Option<u64>, limit: Option<u64>) -> Check {
        let mib = |mib: u64| Quantity::from(Bytes::from_mib(mib));
        Check {
            kind,
            subject: Subject { phase: None, measure: Measure::Peak },
            value: value.map(mib),
            run: None,
            limit: limit.map(mib),
            baseline: Some(mib(200)),
            outcome,
            note: Some("why".to_owned()),
            written: None,
        }
    }

    #[test]
    fn every_answer_is_said_in_a_sentence_with_what_to_do() {
        use CheckKind::{Budget, Regression};
        use Outcome::{Fail, NoBaseline, NotComparable, Pass, Unmeasured, Warn};
        let missing = Found::Missing { why: String::new() };
        let judged = judge(example::key("a"), Vec::new(), &Limits::default(), missing, false);
        let over = "peak is 250.0 MiB, 50.0 MiB above the budget of 200.0 MiB";
        let unmeasured = "peak could not be measured: why";
        let alone = "peak was compared with nothing: why";
        let accept = "accept these runs with `memguard baseline accept` and commit the file";
        for (kind, outcome, value, limit, said, to) in [
            (Budget, Pass, Some(1), Some(2), None, None),
            (Budget, Fail, Some(250), Some(200), Some(over), Some("shrink what grew there, or raise `--peak`")),
            (Budget, Unmeasured, None, Some(200), Some(unmeasured), None),
            (Budget, Unmeasured, Some(150), Some(200), Some(unmeasured), None),
            (Budget, Warn, Some(150), Some(200), Some(unmeasured), None),
            (Regression, NoBaseline, Some(250), None, Some(alone), Some(accept)),
            (Regression, NotComparable, Some(250), None, Some(alone), Some(accept)),
            (
                Regression,
                Warn,
                Some(250),
                Some(210),
                Some("peak rose from 200.0 MiB to 250.0 MiB (+25.0%), 40.0 MiB more than is tolerated"),
                Some(
                    "shrink what grew there, or accept it with `memguard baseline accept` (tolerance: `--max-peak-increase`)",
                ),
            ),
        ] {
            let check = check(kind, outcome, value, limit);
            assert_eq!((what(&judged, &check).as_deref(), to_do(&check, None).as_deref()), (said, to));
        }
    }

    #[test]
    fn what_to_do_names_the_place_and_the_folder() {
        let mut check = check(CheckKind::Regression, Outcome::Fail, Some(250), Some(210));
        check.written = Some(ConfigLine { file: "memguard.toml".into(), line: 12 });
        let said = to_do(&check, Some(Path::new("out"))).unwrap_or_default();
        assert!(said.contains("accept --from out` (tolerance: memguard.toml:12)"), "{said}");
    }
}
