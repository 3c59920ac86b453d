use std::path::PathBuf;
use std::time::Duration;

use crate::units::Metric;
use crate::{analysis, baseline, sampler, verdict, workload};

/// What is to be done, resolved: no Option here means "default".
#[derive(Debug, Clone)]
pub struct Plan {
    /// The workloads in the order of the config, those that the user named.
    pub workloads: Vec<WorkloadPlan>,
    /// Where the artifacts go.
    pub out: PathBuf,
    /// What the results are compared with.
    pub baseline: baseline::Settings,
    /// Which part of the config's workloads these are, on which platform.
    pub leg: verdict::Leg,
}

/// One workload, resolved.
#[derive(Debug, Clone)]
pub struct WorkloadPlan {
    /// Unique, and safe as the name of a folder.
    pub name: String,
    /// How often it is run.
    pub runs: u32,
    /// How it is run.
    pub launch: workload::Settings,
    /// How it is measured.
    pub sampling: sampler::Settings,
    /// How its trace is read.
    pub rules: analysis::Rules,
    /// What it is held to.
    pub limits: verdict::Limits,
}

/// How recorded traces are to be judged.
#[derive(Debug, Clone)]
pub struct JudgingPlan {
    /// By the workload's name, as the config has them.
    pub workloads: Vec<(String, Judging)>,
    /// For every workload, where there is no config.
    pub fallback: Option<Judging>,
    /// What they are compared with.
    pub baseline: baseline::Settings,
    /// The commit whose baseline that is; None for the file that lies here.
    pub base: Option<verdict::Base>,
}

/// How one workload's traces are read and what they are held to.
#[derive(Debug, Clone)]
pub struct Judging {
    /// How they are read.
    pub rules: analysis::Rules,
    /// What they are held to.
    pub limits: verdict::Limits,
}

/// What is to be recorded without being run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPlan {
    /// What.
    pub target: Target,
    /// Safe as the name of a folder.
    pub name: String,
    /// The wanted time between two readings.
    pub interval: Duration,
    /// How long at the most; None until memguard is told to stop.
    pub at_most: Option<Duration>,
    /// What a sample of a process adds up; None for the best that the source has.
    pub metric: Option<Metric>,
    /// What reads a process or the machine.
    pub source: sampler::SourceChoice,
    /// Where recordings go.
    pub out: PathBuf,
}

/// What a recording is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The machine, or the container that memguard runs in.
    Machine,
    /// A process and all its descendants.
    Process(u32),
    /// A control group, by its folder or its path in the hierarchy.
    Group(PathBuf),
    /// A container, by the name or id that its engine knows it by.
    Container(String),
}
