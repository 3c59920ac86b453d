//! Every key there is, once: what a message about an unknown key names, and what the example must show.

/// Keys at the top of the file.
pub const TOP: &[&str] = &["defaults", "baseline", "workload"];

/// Keys of `[baseline]`.
pub const BASELINE: &[&str] = &["file", "ref", "required", "label"];

/// Keys of a `[[workload]]`.
pub const WORKLOAD: &[&str] = &[
    "name",
    "run",
    "before",
    "env",
    "cwd",
    "timeout",
    "runs",
    "interval",
    "metric",
    "source",
    "ready",
    "drive",
    "stop",
    "abort_above",
    "logs",
    "redact",
    "budget",
    "regression",
    "level",
    "phase",
    "platform",
];

/// Keys that only one workload can have: not in `[defaults]`, nor in a platform's override.
pub const OWN: &[&str] = &["name", "platform"];

/// Keys of `ready`.
pub const READY: &[&str] = &["after", "log", "port", "file", "command", "within"];

/// The keys of `ready` of which there is one.
pub const READY_KINDS: &[&str] = &["after", "log", "port", "file", "command"];

/// Keys of `stop`.
pub const STOP: &[&str] = &["signal", "grace"];

/// Keys of one of the `logs`.
pub const LOG: &[&str] = &["path", "time", "zone"];

/// Keys of `budget` and `regression`.
pub const MEASURES: &[&str] = &["peak", "startup", "retained", "growth"];

/// Keys of a tolerance.
pub const TOLERANCE: &[&str] = &["percent", "at_least"];

/// Keys of a `[[workload.phase]]`.
pub const PHASE: &[&str] = &["name", "from", "until", "budget", "regression"];

/// Keys of a phase's `from` and `until`.
pub const EDGE: &[&str] = &["log", "at"];

/// What a phase can be held to.
pub const PHASE_MEASURES: &[&str] = &["peak", "growth"];
