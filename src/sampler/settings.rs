use std::time::Duration;

use crate::units::Metric;

/// How a run is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The wanted time between two readings: 1 ms at the least.
    pub interval: Duration,
    /// What a sample adds up; None for the best that the source has.
    pub metric: Option<Metric>,
    /// What reads it.
    pub source: SourceChoice,
}

impl Default for Settings {
    fn default() -> Self {
        Self { interval: Duration::from_millis(10), metric: None, source: SourceChoice::Native }
    }
}

/// Which source reads the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceChoice {
    /// The best for this system: `proc` on Linux, `portable` elsewhere.
    Native,
    /// Linux's /proc.
    Proc,
    /// A Linux control group, made for the run.
    Cgroup,
    /// The `sysinfo` crate, on every system.
    Portable,
}
