//! JUnit XML, as Jenkins, GitLab and others read it: a suite for each workload, a case for each check, and one for each run.
//! It follows the schema `junit-10.xsd` of Jenkins' xUnit plugin.

use std::fmt::Write as _;

use super::table::{judged_value, name};
use crate::trace::RunRecord;
use crate::units::Quantity;
use crate::verdict::{Check, CheckKind, Judged, JudgedRun, Outcome};

/// The report of all workloads.
#[must_use]
pub fn junit(judged: &[Judged]) -> String {
    let suites: Vec<Suite> = judged.iter().map(Suite::of).collect();
    let sum = |of: fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"memguard\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        sum(|suite| suite.tests),
        sum(|suite| suite.failures),
        sum(|suite| suite.errors)
    );
    suites.iter().for_each(|suite| out.push_str(&suite.text));
    out.push_str("</testsuites>\n");
    out
}

struct Suite {
    tests: usize,
    failures: usize,
    errors: usize,
    text: String,
}

impl Suite {
    fn of(judged: &Judged) -> Self {
        let workload = escape(&judged.name);
        let mut cases = String::new();
        for run in &judged.runs {
            let failure = judged.failures.iter().find(|failure| failure.run == run.record.run);
            let seconds = run.measures.duration.as_secs_f64();
            let title = format!("run {}", run.record.run);
            match failure {
                Some(failure) => {
                    let body = format!("<error message=\"{}\" type=\"workload\"/>", escape(&failure.what));
                    case(&mut cases, &workload, &title, seconds, &body);
                }
                None => case(&mut cases, &workload, &title, seconds, ""),
            }
        }
        for check in &judged.checks {
            case(&mut cases, &workload, &title(check), 0.0, &body(judged, check));
        }
        let count =
            |outcomes: &[Outcome]| judged.checks.iter().filter(|check| outcomes.contains(&check.outcome)).count();
        let failures = count(&[Outcome::Fail, Outcome::Unmeasured]);
        let skipped = count(&[Outcome::NoBaseline, Outcome::NotComparable]);
        let (tests, errors) = (judged.runs.len() + judged.checks.len(), judged.failures.len());
        let time: f64 = judged.runs.iter().map(|run| run.measures.duration.as_secs_f64()).sum();
        let started = judged.runs.first().map_or_else(String::new, |run: &JudgedRun| timestamp(&run.record));
        let text = format!(
            "  <testsuite name=\"{workload}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" \
             skipped=\"{skipped}\" time=\"{time:.3}\"{started}>\n{cases}  </testsuite>\n"
        );
        Self { tests, failures, errors, text }
    }
}

fn timestamp(record: &RunRecord) -> String {
    // The schema wants a date and time without fractions or an offset: it is UTC.
    let started = record.started.to_string();
    format!(" timestamp=\"{}\"", &started[..started.len().min("2026-01-31T12:00:00".len())])
}

fn case(out: &mut String, workload: &str, title: &str, seconds: f64, body: &str) {
    let title = escape(title);
    let head = format!("    <testcase name=\"{title}\" classname=\"{workload}\" time=\"{seconds:.3}\"");
    let _ = match body {
        "" => writeln!(out, "{head}/>"),
        body => writeln!(out, "{head}>{body}</testcase>"),
    };
}

fn title(check: &Check) -> String {
    let kind = match check.kind {
        CheckKind::Budget => "budget",
        CheckKind::Regression => "regression",
    };
    format!("{} {kind}", name(&check.subject))
}

fn body(judged: &Judged, check: &Check) -> String {
    let amount = |amount: Option<Quantity>| amount.map_or_else(|| "unmeasured".to_owned(), Quantity::plain);
    let value = judged_value(judged, check).unwrap_or_else(|| "unmeasured".to_owned());
    let note = check.note.clone().unwrap_or_default();
    let numbers = match check.kind {
        CheckKind::Budget => format!("{value} is above the budget of {}", amount(check.limit)),
        CheckKind::Regression => {
            format!("{value} is above the limit of {} (baseline {})", amount(check.limit), amount(check.baseline))
        }
    };
    match check.outcome {
        Outcome::Pass => String::new(),
        Outcome::Warn => format!("<system-out>{}</system-out>", escape(&format!("warning: {numbers} {note}"))),
        Outcome::Fail => {
            let place = check.written.as_ref().map_or_else(String::new, |written| {
                format!("the limit is written in {}:{}", written.file.display(), written.line)
            });
            let kind = title(check);
            let kind = kind.rsplit(' ').next().unwrap_or_default();
            format!("<failure message=\"{}\" type=\"{kind}\">{}</failure>", escape(&numbers), escape(&place))
        }
        Outcome::Unmeasured => {
            format!("<failure message=\"could not be measured: {}\" type=\"unmeasured\"/>", escape(&note))
        }
        Outcome::NoBaseline | Outcome::NotComparable => {
            format!("<skipped message=\"compared with nothing: {}\"/>", escape(&note))
        }
    }
}

/// Text for an attribute or an element. What XML 1.0 has no place for is replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_leaves_its_attribute(text in ".*|[<>&\"'\0\u{1b}\u{ffff}]*") {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let is_forbidden = |c: char| c.is_control() || c == '\u{ffff}';
            prop_assert!(!escaped.chars().any(is_forbidden));
        }
    }
}
