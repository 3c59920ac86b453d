use crate::analysis::Measures;
use crate::trace::{Ended, MarkKind, ReadyMark, RunRecord};

use super::RunFailure;

/// Why the run counts as failed, whatever its memory was. None for a run that did what it should.
#[must_use]
pub fn failure(record: &RunRecord, measures: &Measures) -> Option<RunFailure> {
    let failed = workload_failure(record, measures);
    let Some(error) = &record.output_lost else { return failed };
    let ran = failed.map_or_else(|| "ran to its end".to_owned(), |failure| failure.what);
    let what = format!(
        "{ran}, but memguard could not pass on the workload's output: {error}\n\
         help: make room where the output goes, or send it elsewhere; the lines are in `log.csv`"
    );
    Some(RunFailure { run: record.run, what, unmeasured: true })
}

fn workload_failure(record: &RunRecord, measures: &Measures) -> Option<RunFailure> {
    let workload = |what: String| RunFailure { run: record.run, what, unmeasured: false };
    let unmeasured = |what: String| RunFailure { run: record.run, what, unmeasured: true };
    let after = measures.duration;
    Some(match record.ended {
        Ended::Exited { status: 0 } | Ended::Stopped | Ended::Recorded { .. } => {
            return never_ready(record).map(workload);
        }
        Ended::Exited { status } => workload(format!("exited with status {status}")),
        Ended::Signaled { signal } => workload(format!("was killed by signal {signal}{}", signal_name(signal))),
        Ended::Timeout => {
            workload(format!("was stopped at its timeout, after {}", crate::units::format_duration(after)))
        }
        Ended::Aborted => workload("was ended at once, since its memory crossed `abort_above`".into()),
        Ended::OutOfMemory => workload("was killed by the kernel, which had run out of memory".into()),
        Ended::NeverReady => workload(format!("never got ready: {} in the time it had", waited_for(record.ready))),
        Ended::DriveFailed { status: Some(status) } => {
            workload(format!("was stopped, since its `drive` exited with status {status}"))
        }
        Ended::DriveFailed { status: None } => {
            workload("was stopped, since its `drive` did not start or was killed".into())
        }
        Ended::Interrupted { signal } => workload(format!("was interrupted{}", signal_name(signal))),
        Ended::NotStarted => {
            let why = record.notices.first().map_or("the reason was not recorded", String::as_str);
            workload(format!("did not start: {why}"))
        }
        Ended::Unfinished => {
            unmeasured("was cut short: memguard was killed, or the machine went down, while it ran".into())
        }
    })
}

/// A program that ends well before the sign of being ready has come did not do what was said of it.
fn never_ready(record: &RunRecord) -> Option<String> {
    match record.ready {
        ReadyMark::Never { .. } => Some(format!("never got ready: it ended, and {}", waited_for(record.ready))),
        ReadyMark::NotAsked | ReadyMark::Reached { .. } => None,
    }
}

fn waited_for(ready: ReadyMark) -> &'static str {
    match ready {
        ReadyMark::Never { by: MarkKind::After } => "the time had not come",
        ReadyMark::Never { by: MarkKind::Log } => "no log line matched",
        ReadyMark::Never { by: MarkKind::Port } => "the port did not accept a connection",
        ReadyMark::Never { by: MarkKind::File } => "the file did not appear",
        ReadyMark::Never { by: MarkKind::Command } => "the command did not exit 0",
        ReadyMark::NotAsked | ReadyMark::Reached { .. } => "the sign did not come",
    }
}

/// In brackets, for those that have the same number on every Unix system.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        14 => " (SIGALRM)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
