//! Where in a run its log lines and times put the end of start-up and the ends of phases.

use std::time::Duration;

use anyhow::Result;
use regex::Regex;

use super::model::{Edge, Measured, PhaseRule, ReadyRule, Rules};
use crate::trace::{Ended, LogLine, LogRow, MarkKind, ReadyMark, RunRecord};
use crate::units::format_duration;

/// Every mark that the rules ask for, as far as it was found.
pub(super) struct Marks<'a> {
    ready: Ready<'a>,
    phases: Vec<Phase<'a>>,
    /// How many lines were not there to be looked at while one was sought.
    left_out: u64,
}

enum Ready<'a> {
    Sought(Sought<'a>),
    Missing(&'static str),
    NotAsked,
}

struct Phase<'a> {
    from: Sought<'a>,
    /// None for the end of the run.
    until: Option<Sought<'a>>,
}

/// A mark before and after its line was found.
#[derive(Clone, Copy)]
enum Sought<'a> {
    At(Duration),
    Line(&'a Regex),
}

impl<'a> Marks<'a> {
    /// Reads the log as far as it must, in its own order: that in which the lines were completed.
    pub(super) fn find(
        rules: &'a Rules,
        record: &RunRecord,
        log: impl IntoIterator<Item = Result<LogRow>>,
    ) -> Result<Self> {
        let ready = match &rules.ready {
            _ if record.ended == Ended::NotStarted => Ready::Missing("it did not start"),
            ReadyRule::NotGiven => Ready::NotAsked,
            ReadyRule::After(at) => Ready::Sought(Sought::At(*at)),
            ReadyRule::Log(line) => Ready::Sought(Sought::Line(line)),
            ReadyRule::Recorded => recorded(record.ready),
            ReadyRule::AsRecorded => match record.ready {
                ReadyMark::NotAsked => Ready::NotAsked,
                ReadyMark::Reached { at, .. } => Ready::Sought(Sought::At(at)),
                ReadyMark::Never { .. } => Ready::Missing("the run never got ready"),
            },
        };
        let mut marks = Self { ready, phases: rules.phases.iter().map(Phase::new).collect(), left_out: 0 };
        let mut log = log.into_iter();
        while marks.any_line_sought() {
            match log.next().transpose()? {
                Some(LogRow::Line(line)) => marks.see(&line),
                Some(LogRow::LeftOut(gap)) => marks.left_out += gap.lines,
                None => break,
            }
        }
        Ok(marks)
    }

    fn any_line_sought(&self) -> bool {
        matches!(self.ready, Ready::Sought(Sought::Line(_))) || self.phases.iter().any(Phase::seeks_a_line)
    }

    fn see(&mut self, line: &LogLine) {
        if let Ready::Sought(mark) = &mut self.ready {
            mark.see(line);
        }
        for phase in &mut self.phases {
            match (&mut phase.from, &mut phase.until) {
                // The line that begins a phase does not end it too, but it may end another.
                (from @ Sought::Line(_), _) => from.see(line),
                (Sought::At(from), Some(until)) if line.at >= *from => until.see(line),
                _ => {}
            }
        }
    }

    /// The end of start-up as far as it is known before the end of the run is.
    pub(super) fn ready_at(&self) -> Option<Duration> {
        match self.ready {
            Ready::Sought(Sought::At(at)) => Some(at),
            _ => None,
        }
    }

    /// The end of start-up in a run that lasted so long.
    pub(super) fn ready(&self, end: Duration) -> Measured<Duration> {
        match self.ready {
            Ready::NotAsked => Measured::NotAsked,
            Ready::Missing(why) => Measured::Unmeasured(why.to_owned()),
            Ready::Sought(Sought::Line(line)) => {
                Measured::Unmeasured(self.doubted(format!("no log line matched {}", quoted(line))))
            }
            Ready::Sought(Sought::At(at)) if at > end => Measured::Unmeasured(format!(
                "the run ended after {}, before it was ready at {}",
                format_duration(end),
                format_duration(at)
            )),
            Ready::Sought(Sought::At(at)) => Measured::Value(at),
        }
    }

    /// Begin and end of every phase as far as they are known before the end of the run is.
    pub(super) fn windows(&self) -> impl Iterator<Item = Option<(Duration, Duration)>> {
        self.phases.iter().map(|phase| phase.window(Duration::MAX).value())
    }

    /// Begin and end of a phase in a run that lasted so long.
    pub(super) fn window(&self, phase: usize, end: Duration) -> Measured<(Duration, Duration)> {
        match self.phases[phase].window(end) {
            Measured::Unmeasured(why) if self.phases[phase].seeks_a_line() => Measured::Unmeasured(self.doubted(why)),
            window => window,
        }
    }

    /// A line that was not found may be among those that were left out.
    fn doubted(&self, why: String) -> String {
        match self.left_out {
            0 => why,
            1 => format!("{why} (1 line was left out of the log)"),
            lines => format!("{why} ({lines} lines were left out of the log)"),
        }
    }
}

impl<'a> Phase<'a> {
    fn new(rule: &'a PhaseRule) -> Self {
        Self {
            from: rule.from.as_ref().map_or(Sought::At(Duration::ZERO), Sought::new),
            until: rule.until.as_ref().map(Sought::new),
        }
    }

    fn seeks_a_line(&self) -> bool {
        let line = |mark: &Sought<'_>| matches!(mark, Sought::Line(_));
        line(&self.from) || self.until.as_ref().is_some_and(line)
    }

    fn window(&self, end: Duration) -> Measured<(Duration, Duration)> {
        let why = match (self.from, self.until) {
            (Sought::Line(line), _) => format!("the phase never began: no log line matched {}", quoted(line)),
            (Sought::At(from), _) if from > end => {
                let (end, from) = (format_duration(end), format_duration(from));
                format!("the phase never began: the run ended after {end}, before {from}")
            }
            (Sought::At(from), Some(Sought::Line(line))) => {
                let from = format_duration(from);
                format!("the phase never ended: no log line after {from} matched {}", quoted(line))
            }
            (Sought::At(from), Some(Sought::At(until))) if until < from => {
                let (from, until) = (format_duration(from), format_duration(until));
                format!("the phase began at {from}, after its end at {until}")
            }
            (Sought::At(from), Some(Sought::At(until))) => return Measured::Value((from, until.min(end.max(from)))),
            (Sought::At(from), None) => return Measured::Value((from, end)),
        };
        Measured::Unmeasured(why)
    }
}

impl<'a> Sought<'a> {
    fn new(edge: &'a Edge) -> Self {
        match edge {
            Edge::Log(line) => Self::Line(line),
            Edge::At(at) => Self::At(*at),
        }
    }

    fn see(&mut self, line: &LogLine) {
        if let Self::Line(sought) = self
            && sought.is_match(&line.text)
        {
            *self = Self::At(line.at);
        }
    }
}

fn quoted(line: &Regex) -> String {
    format!("\"{line}\"")
}

fn recorded(ready: ReadyMark) -> Ready<'static> {
    match ready {
        ReadyMark::Reached { by: MarkKind::Port | MarkKind::File | MarkKind::Command, at } => {
            Ready::Sought(Sought::At(at))
        }
        ReadyMark::Never { by: MarkKind::Port } => Ready::Missing("the port never accepted a connection"),
        ReadyMark::Never { by: MarkKind::File } => Ready::Missing("the file never appeared"),
        ReadyMark::Never { by: MarkKind::Command } => Ready::Missing("the command never exited with 0"),
        ReadyMark::NotAsked
        | ReadyMark::Reached { by: MarkKind::After | MarkKind::Log, .. }
        | ReadyMark::Never { by: MarkKind::After | MarkKind::Log } => Ready::Missing(
            "the run was recorded with another kind of `ready`, and this one must be watched for while it lasts: run it again",
        ),
    }
}
