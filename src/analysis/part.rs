use std::time::Duration;

use super::growth::{self, Growth};
use super::levels::Levels;
use super::model::{Estimate, Measured};
use super::retained::Steady;
use crate::trace::{RunRecord, Sample};
use crate::units::{Bytes, SignedBytes};

/// A part of a run, seen row by row: what memory it retains, and how fast that grows. Its final drop, if it has one, is no part of it.
pub(super) struct Part {
    what: PartOf,
    steady: Steady,
    levels: Levels,
    last: Option<(Duration, Bytes)>,
}

/// What it is a part of, for the reasons why nothing can be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartOf {
    /// From ready to the end.
    Run,
    /// A phase.
    Phase,
}

impl PartOf {
    /// Of samples.
    pub(super) const fn place(self) -> &'static str {
        match self {
            Self::Run => "between ready and the final drop",
            Self::Phase => "in the phase, before a final drop",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Run => "the steady part, from ready to the final drop,",
            Self::Phase => "the phase, without a final drop,",
        }
    }
}

impl Part {
    /// From one time to another, which is the end of the run at the latest.
    pub(super) fn new(what: PartOf, from: Duration, until: Duration, record: &RunRecord) -> Self {
        // A process that memguard stops is still there at the end, and so is one at the end of a phase in between.
        let has_final_drop = record.stop_at.is_none() && record.duration.is_none_or(|duration| until >= duration);
        let until = record.stop_at.unwrap_or(until).min(until);
        Self {
            what,
            steady: Steady::new(what, from, until, record.interval, has_final_drop),
            levels: Levels::new(from, until, growth::CELLS, record.interval),
            last: None,
        }
    }

    pub(super) fn push(&mut self, sample: &Sample) {
        self.steady.push(sample);
        if let Some((at, memory)) = self.last.replace((sample.at, sample.memory)) {
            self.levels.hold(at, sample.at, memory);
        }
    }

    pub(super) fn retained(&self) -> Measured<Estimate<SignedBytes>> {
        self.steady.retained()
    }

    /// Of all that was pushed: nothing comes after it.
    pub(super) fn growth(mut self) -> Measured<Growth> {
        self.levels.close();
        let found = self.steady.rise().and_then(|(rise, lasted)| {
            let growth = growth::growth(&self.levels, lasted).ok_or_else(|| {
                let lasted = crate::units::format_duration(lasted);
                format!("{} lasts {lasted}: that is too short to tell what grows", self.what.name())
            })?;
            Ok(growth.widened(rise.uncertainty, lasted))
        });
        match found {
            Ok(growth) => Measured::Value(growth),
            Err(why) => Measured::Unmeasured(why),
        }
    }
}
