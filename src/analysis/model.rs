use std::ops::Sub;
use std::time::Duration;

use regex::Regex;

use super::growth::Growth;
use super::segments::Segment;
use crate::trace::PeakCertainty;
use crate::units::{Bytes, Quantity, SignedBytes, Uncertainty};

/// How a trace is to be read: which part of it is start-up, which windows are phases.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The end of start-up.
    pub ready: ReadyRule,
    /// The named windows, in the order in which they were written.
    pub phases: Vec<PhaseRule>,
}

/// Where start-up ends in a trace.
#[derive(Debug, Clone, Default)]
pub enum ReadyRule {
    /// Nowhere: the workload was given no `ready`.
    #[default]
    NotGiven,
    /// At this time.
    After(Duration),
    /// At the first line that matches.
    Log(Regex),
    /// Where the mark stands that was made while the workload ran (a port, a file, a command).
    Recorded,
    /// Where the run itself saw it end, by whichever `ready` it was given.
    AsRecorded,
}

/// A named window of a run.
#[derive(Debug, Clone)]
pub struct PhaseRule {
    /// Its name in tables and results.
    pub name: String,
    /// Where it begins; None for launch.
    pub from: Option<Edge>,
    /// Where it ends; None for the end of the run.
    pub until: Option<Edge>,
}

/// One end of a window.
#[derive(Debug, Clone)]
pub enum Edge {
    /// The first line that matches (for `until`: the first at or after the window's beginning).
    Log(Regex),
    /// This long after launch.
    At(Duration),
}

/// A measure, or why there is none. A measure that is missing is never zero.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured<T> {
    /// What was measured.
    Value(T),
    /// Why it could not be, as a sentence for people without a full stop: `no log line matched "Loaded"`.
    Unmeasured(String),
    /// It is measured from a `ready`, and the workload was given none.
    NotAsked,
}

impl<T> Measured<T> {
    /// What is made of the value; the reason stays.
    #[must_use]
    pub fn map<U>(&self, of: impl FnOnce(&T) -> U) -> Measured<U> {
        match self {
            Self::Value(value) => Measured::Value(of(value)),
            Self::Unmeasured(why) => Measured::Unmeasured(why.clone()),
            Self::NotAsked => Measured::NotAsked,
        }
    }
}

impl<T: Copy> Measured<T> {
    /// The value, where there is one.
    #[must_use]
    pub fn value(&self) -> Option<T> {
        match self {
            Self::Value(value) => Some(*value),
            Self::Unmeasured(_) | Self::NotAsked => None,
        }
    }
}

/// A measured value and how far the true one can lie from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate<T> {
    /// The value.
    pub value: T,
    /// How far the true value can lie from it.
    pub uncertainty: Uncertainty,
}

impl<T: Copy + Into<Quantity>> Estimate<T> {
    /// A value without uncertainty.
    #[must_use]
    pub const fn exact(value: T) -> Self {
        Self { value, uncertainty: Uncertainty::NONE }
    }

    /// A value whose true value lies between `low` and `high`. Without a `high`, nothing bounds it from above.
    #[must_use]
    pub fn between(low: Quantity, value: T, high: Option<Quantity>) -> Self {
        let distance = |from: Quantity, to: Quantity| to.minus(from).memory().unwrap_or_default();
        let below = distance(low, value.into());
        let above = high.map_or(Uncertainty::UNBOUNDED.above, |high| distance(value.into(), high));
        Self { value, uncertainty: Uncertainty { below, above } }
    }

    /// The least that the true value can be.
    #[must_use]
    pub fn low(self) -> Quantity {
        self.value.into().minus(self.uncertainty.below.into())
    }

    /// The most that the true value can be. None if nothing bounds it.
    #[must_use]
    pub fn high(self) -> Option<Quantity> {
        self.uncertainty.is_bounded().then(|| self.value.into().plus(self.uncertainty.above.into()))
    }

    /// The same as a [`Quantity`].
    #[must_use]
    pub fn quantity(self) -> Estimate<Quantity> {
        Estimate { value: self.value.into(), uncertainty: self.uncertainty }
    }
}

impl Estimate<Bytes> {
    /// A value read with this uncertainty. No memory is below zero.
    #[must_use]
    pub fn read(value: Bytes, uncertainty: Uncertainty) -> Self {
        Self { value, uncertainty: Uncertainty { below: uncertainty.below.min(value), ..uncertainty } }
    }

    /// The larger of two values, which lies between the larger of both lows and the larger of both highs.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        let value = self.value.max(other.value);
        let low = self.uncertainty.low(self.value).max(other.uncertainty.low(other.value));
        let high = self.uncertainty.high(self.value).max(other.uncertainty.high(other.value));
        Self { value, uncertainty: Uncertainty::between(low, value, high) }
    }
}

impl Sub for Estimate<Bytes> {
    type Output = Estimate<SignedBytes>;

    fn sub(self, other: Self) -> Estimate<SignedBytes> {
        let sum = |one: Bytes, other: Bytes| Bytes(one.0.saturating_add(other.0));
        let below = sum(self.uncertainty.below, other.uncertainty.above);
        let above = sum(self.uncertainty.above, other.uncertainty.below);
        Estimate { value: self.value - other.value, uncertainty: Uncertainty { below, above } }
    }
}

/// The largest value that the metric took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// The value.
    pub value: Bytes,
    /// When it was reached, since launch.
    pub at: Duration,
    /// How far the true peak can lie from the value.
    pub uncertainty: Uncertainty,
    /// How it is known, beside its uncertainty.
    pub certainty: PeakCertainty,
    /// Mapped files at that time, which are not in a footprint. None if the system does not report them.
    pub mapped: Option<Bytes>,
}

impl Peak {
    /// Its value and uncertainty.
    #[must_use]
    pub fn estimate(&self) -> Estimate<Bytes> {
        Estimate::read(self.value, self.uncertainty)
    }

    /// The higher of two, the first of equal ones, with the interval of both.
    pub(super) fn max(self, later: Self) -> Self {
        let Estimate { value, uncertainty } = self.estimate().max(later.estimate());
        Self { value, uncertainty, ..if later.value > self.value { later } else { self } }
    }
}

/// What was measured of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measures {
    /// From launch until the last process was gone, or until the last row where the run is unfinished.
    pub duration: Duration,
    /// The end of start-up.
    pub ready: Measured<Duration>,
    /// The peak.
    pub peak: Measured<Peak>,
    /// The largest value from launch to ready.
    pub startup: Measured<Estimate<Bytes>>,
    /// The level at the end of the steady part less the level at ready.
    pub retained: Measured<Estimate<SignedBytes>>,
    /// The slope of the steady part.
    pub growth: Measured<Growth>,
    /// The curve as straight stretches, in order. Empty where there are too few samples to tell.
    pub segments: Vec<Segment>,
    /// Every phase, in the order of the rules.
    pub phases: Vec<PhaseMeasures>,
    /// Rows read.
    pub samples: u64,
    /// How well the run was measured.
    pub quality: Quality,
}

/// How well a run was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quality {
    /// Nothing of weight can have been missed between two readings.
    Good,
    /// Why what was measured may be too low, as a sentence for people without a full stop.
    Poor(String),
}

/// What was measured in one window.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseMeasures {
    /// The phase's name.
    pub name: String,
    /// Begin and end, since launch.
    pub window: Measured<(Duration, Duration)>,
    /// The largest value of the metric in the window.
    pub peak: Measured<Estimate<Bytes>>,
    /// The slope in the window, but for a final drop.
    pub growth: Measured<Growth>,
}
