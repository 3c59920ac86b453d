use std::path::PathBuf;

use crate::analysis::{Estimate, Growth, Measured, Measures, PhaseMeasures};
use crate::baseline::{Key, StoredCurve};
use crate::trace::{Curve, RunRecord};
use crate::units::{Percent, Quantity};

/// What a workload is held to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// Absolute limits: each judges the worst run.
    pub budgets: Vec<Budget>,
    /// Limits against the baseline: each judges the median.
    pub tolerances: Vec<Tolerance>,
    /// Whether crossing one fails.
    pub level: Level,
}

/// Whether a crossed limit fails the build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// It does.
    #[default]
    Fail,
    /// It is reported and nothing more: how a team begins.
    Warn,
}

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// The largest value of the run (or of the phase).
    Peak,
    /// The largest value until ready.
    Startup,
    /// The level at the end of the steady part less the level at ready.
    Retained,
    /// How fast memory grows in the steady part (or in the phase): none where it is not beyond doubt that it does.
    Growth,
}

impl Measure {
    /// Every one, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Peak, Self::Startup, Self::Retained, Self::Growth];
    /// Those of the whole run that are measured from `ready`.
    pub const FROM_READY: [Self; 3] = [Self::Startup, Self::Retained, Self::Growth];
    /// Those of a phase.
    pub const OF_PHASE: [Self; 2] = [Self::Peak, Self::Growth];

    /// As the config, the files and people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peak => "peak",
            Self::Startup => "startup",
            Self::Retained => "retained",
            Self::Growth => "growth",
        }
    }
}

/// A measure of the whole run or of one phase.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// None for the whole run. A phase has a peak and a growth alone.
    pub phase: Option<String>,
    /// What is measured.
    pub measure: Measure,
}

impl Subject {
    /// What was measured of it in a run.
    #[must_use]
    pub fn of(&self, measures: &Measures) -> Measured<Quantity> {
        self.estimate(measures).map(|estimate| estimate.value)
    }

    /// What was measured of it in a run, with its uncertainty. A growth has an interval of its own:
    /// see [`growth`](Self::growth).
    #[must_use]
    pub fn estimate(&self, measures: &Measures) -> Measured<Estimate<Quantity>> {
        match self.measure {
            Measure::Growth => self.growth(measures).map(|growth| Estimate::exact(growth.sure().into())),
            Measure::Retained => measures.retained.map(|retained| retained.quantity()),
            Measure::Startup => measures.startup.map(|startup| startup.quantity()),
            Measure::Peak => match &self.phase {
                None => measures.peak.map(|peak| peak.estimate().quantity()),
                Some(_) => self.in_phase(measures, |phase| &phase.peak).map(|peak| peak.quantity()),
            },
        }
    }

    /// The growth that it is about, with its interval.
    pub fn growth(&self, measures: &Measures) -> Measured<Growth> {
        match &self.phase {
            None => measures.growth.clone(),
            Some(_) => self.in_phase(measures, |phase| &phase.growth),
        }
    }

    fn in_phase<T: Clone>(&self, measures: &Measures, of: impl Fn(&PhaseMeasures) -> &Measured<T>) -> Measured<T> {
        let name = self.phase.as_deref().unwrap_or_default();
        match measures.phases.iter().find(|phase| phase.name == name) {
            Some(phase) => of(phase).clone(),
            None => Measured::Unmeasured(format!("there is no phase `{name}`")),
        }
    }
}

/// Where in the config a limit was written, so that a finding can point there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigLine {
    /// The config file as it was named.
    pub file: PathBuf,
    /// 1 for the first line.
    pub line: usize,
}

/// An absolute limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// What is limited.
    pub subject: Subject,
    /// The most that passes.
    pub limit: Quantity,
    /// Where it was written; None where it came from a flag.
    pub written: Option<ConfigLine>,
}

/// A limit against the baseline: crossed only when the rise is above the percentage *and* above the amount.
#[derive(Debug, Clone, PartialEq)]
pub struct Tolerance {
    /// What is limited.
    pub subject: Subject,
    /// How far above the baseline's median the median may go, in percent of the baseline.
    pub percent: Percent,
    /// A rise of less than this is never a regression.
    pub at_least: Quantity,
    /// Where it was written; None where it came from a flag.
    pub written: Option<ConfigLine>,
}

/// Which kind of question a check put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// Is the worst run within an absolute limit?
    Budget,
    /// Is the median within a tolerance of the baseline?
    Regression,
}

/// A check's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Within the limit.
    Pass,
    /// Crossed, or unmeasured, at `level = "warn"`.
    Warn,
    /// Crossed.
    Fail,
    /// There is no baseline yet.
    NoBaseline,
    /// There is a baseline of another metric, platform or schema.
    NotComparable,
    /// What the check is about could not be measured: that fails.
    Unmeasured,
}

/// One question put to the measures, and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Which kind of question.
    pub kind: CheckKind,
    /// About what.
    pub subject: Subject,
    /// What was judged: the worst run for a budget, the median for a regression. None where unmeasured.
    pub value: Option<Quantity>,
    /// The run (1 for the first) that `value` is from, for a budget.
    pub run: Option<u32>,
    /// The most that passes. None for a regression without a comparable baseline.
    pub limit: Option<Quantity>,
    /// The baseline's median. None for a budget, or where there is none.
    pub baseline: Option<Quantity>,
    /// The answer.
    pub outcome: Outcome,
    /// Why, where the numbers alone do not say it: why unmeasured, what is not comparable.
    pub note: Option<String>,
    /// Where the limit was written.
    pub written: Option<ConfigLine>,
}

impl Check {
    /// How far the value is above the baseline, in percent of it.
    #[must_use]
    pub fn change(&self) -> Option<Percent> {
        Percent::change(self.baseline?, self.value?)
    }
}

/// Why a run counts as failed whatever its memory was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFailure {
    /// 1 for the first run.
    pub run: u32,
    /// A sentence for people: `exited with status 3`, `was killed by signal 9 (SIGKILL)`, `never got ready: …`.
    pub what: String,
    /// Whether memguard itself failed to measure (exit code 5) rather than the workload to run (4).
    pub unmeasured: bool,
}

/// A workload's verdict, from its checks and from how its runs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every check passed.
    Pass,
    /// Something was crossed that only warns.
    Warn,
    /// A budget was crossed, or a measure regressed, or was unmeasured.
    Fail,
    /// No check failed, and some had no baseline to compare with.
    NoBaseline,
    /// The workload failed, or could not be measured.
    Error,
}

/// What the process says to its caller. One number, one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Every check passed.
    Pass = 0,
    /// A budget was exceeded.
    Budget = 1,
    /// A usage or config error: nothing was run.
    Usage = 2,
    /// A measure regressed against the baseline, and no budget was exceeded.
    Regression = 3,
    /// The workload failed by itself.
    WorkloadFailed = 4,
    /// memguard could not measure or write what it must.
    Unmeasured = 5,
    /// A baseline was required and there was none, or none comparable.
    NoBaseline = 6,
}

/// One run as it was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedRun {
    /// What is known of it.
    pub record: RunRecord,
    /// What was measured.
    pub measures: Measures,
    /// Its curve, for drawing.
    pub curve: Curve,
}

/// A workload with everything that a report may say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What reports call it, and what the folder of its artifacts is called: the workload's name, with its platform where the
    /// results of several are told together.
    pub name: String,
    /// Workload, platform, metric.
    pub key: Key,
    /// Every run.
    pub runs: Vec<JudgedRun>,
    /// The curve of what it was compared with, where there is one.
    pub baseline_curve: Option<StoredCurve>,
    /// Every question and its answer, in the order of the limits.
    pub checks: Vec<Check>,
    /// The runs that failed.
    pub failures: Vec<RunFailure>,
    /// Whether a missing baseline fails.
    pub baseline_required: bool,
    /// The verdict.
    pub verdict: Verdict,
}
