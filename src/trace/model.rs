use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::units::{Bytes, Metric, Parts, Uncertainty};

/// The version of the files' meaning. Raised when a reader of today would misread what is written tomorrow.
pub const SCHEMA: u32 = 1;

/// The metric and its parts at one instant: a row of `memory.csv`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Since launch, on the monotonic clock.
    pub at: Duration,
    /// The metric at this instant.
    pub memory: Bytes,
    /// The most that the metric reached since the row before; never below `memory`.
    pub peak: Bytes,
    /// How far the true `memory` and the true `peak` can lie from these two.
    pub uncertainty: Uncertainty,
    /// What `memory` is made of, and what stands beside it.
    pub parts: Parts,
    /// How many processes there were; None where they were not counted.
    pub processes: Option<u32>,
    /// Used memory of the whole machine.
    pub machine_used: Option<Bytes>,
}

/// Where a log line came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stream {
    /// The workload's standard output.
    Stdout,
    /// The workload's standard error.
    Stderr,
    /// A file that the workload writes, by its name in the config: never that of another stream.
    File(Arc<str>),
}

/// One line that the workload printed, stamped when it arrived or with its own time: a row of `log.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Since launch.
    pub at: Duration,
    /// Where it was printed.
    pub stream: Stream,
    /// The line without its end. Bytes that are not UTF-8 were replaced, a very long line was cut and says so.
    pub text: String,
}

/// Lines that were printed and are not in the trace, since it was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// The time of the first of them, since launch.
    pub from: Duration,
    /// The time of the next line that is there again.
    pub until: Duration,
    /// How many they are.
    pub lines: u64,
}

/// What stands in a log, in the order in which the lines were completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRow {
    /// A line.
    Line(LogLine),
    /// A gap: the line before it is not the last that was printed before the line after it.
    LeftOut(LeftOut),
}

impl LogRow {
    /// Since launch; of a gap, its beginning.
    #[must_use]
    pub const fn at(&self) -> Duration {
        match self {
            Self::Line(line) => line.at,
            Self::LeftOut(gap) => gap.from,
        }
    }
}

/// One process of the tree: a row of `processes.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessRow {
    /// The system's number of the process. Reused by the system: only (pid, started) is unique.
    pub pid: u32,
    /// The parent when the process was first seen.
    pub parent_pid: u32,
    /// When it was first seen, since launch.
    pub started: Duration,
    /// When it was found gone; None where it outlived the run.
    pub ended: Option<Duration>,
    /// The most resident memory that it had by the system's own account.
    pub peak: Option<Bytes>,
    /// The command line, as far as it could be read.
    pub command: String,
}

/// A program of the tree, whichever of its processes runs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Program {
    /// By its file's name, and what it runs: `cc1`, `python ingest.py`.
    Named(String),
    /// All that held too little to be named.
    Others,
}

/// What the processes of a program held together at one instant: a row of `programs.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramRow {
    /// Since launch.
    pub at: Duration,
    /// Whose memory it is.
    pub program: Program,
    /// How many processes ran it.
    pub processes: u32,
    /// Their share of the metric. It stands until the program's next row.
    pub memory: Bytes,
}

/// A process and what it holds of the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder<'a> {
    /// Its command line.
    pub command: &'a str,
    /// Forked, and still running its parent's program.
    pub is_fork: bool,
    /// Its share of the metric, as far as it is known.
    pub memory: Bytes,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited {
        /// 0 is success.
        status: i32,
    },
    /// By a signal that memguard did not send.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// By memguard, once its `drive` had ended: as it should.
    Stopped,
    /// By memguard, at `timeout`.
    Timeout,
    /// By memguard, when the metric crossed `abort_above`.
    Aborted,
    /// By the kernel, for memory: its own counter of such kills says so.
    OutOfMemory,
    /// By memguard, when `ready` had not come `within` its time.
    NeverReady,
    /// By memguard, since its `drive` failed.
    DriveFailed {
        /// The drive's exit status; None where a signal ended it or it did not start.
        status: Option<i32>,
    },
    /// By whoever told memguard to stop (Ctrl-C, SIGTERM).
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
    /// It never began: the program is missing, or its `before` failed. The record's notices say why.
    NotStarted,
    /// It was watched and not run: the recording ended, and how the programs did is not known.
    Recorded {
        /// Why it ended.
        until: Until,
    },
    /// Not known: memguard itself was killed, or the machine went down. What was written stands.
    Unfinished,
}

/// Why a recording ended: each is an end as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// memguard was told to stop (Ctrl-C, SIGTERM).
    Told,
    /// The time that it was to last had passed.
    Time,
    /// What was recorded had gone.
    Gone,
    /// Another program recorded it and does not tell.
    Unknown,
}

/// Which kind of `ready` a run was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// A time after launch.
    After,
    /// A log line.
    Log,
    /// A TCP port that accepts.
    Port,
    /// A file that exists.
    File,
    /// A command that exits 0.
    Command,
}

/// Whether and when start-up ended, as seen while the workload ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyMark {
    /// The workload was given no `ready`.
    NotAsked,
    /// Start-up ended here.
    Reached {
        /// What told so.
        by: MarkKind,
        /// Since launch.
        at: Duration,
    },
    /// The run ended without it.
    Never {
        /// What was waited for.
        by: MarkKind,
    },
}

/// Where a run was made: what may explain a difference between two machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Named figures, sorted: `kernel`, `cores`, `memory_bytes`, `page_size`, `huge_pages`, `MALLOC_…` variables.
    pub facts: BTreeMap<String, String>,
}

/// How a run's peak is known, beside its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeakCertainty {
    /// The system's marks cover the time between the readings.
    Exact,
    /// Memory that came and went between two readings can be missing.
    Sampled,
}

/// How well a run was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sampling {
    /// Readings taken.
    pub ticks: u64,
    /// Deadlines that passed without a reading of their own.
    pub missed: u64,
    /// Deadlines left out on purpose, so that reading takes no more than its share of a core.
    pub stretched: u64,
    /// The longest time between two readings.
    pub longest_gap: Duration,
    /// Processes that one reading saw, or none.
    pub seen_once: u64,
    /// CPU time that memguard itself used during the run; None where the system does not tell.
    pub own_cpu: Option<Duration>,
    /// The most memory that memguard itself held; None where the system does not tell.
    pub own_peak: Option<Bytes>,
}

/// What is known of a run besides its rows: `run.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The version of memguard that wrote the trace.
    pub memguard: String,
    /// The workload's name.
    pub workload: String,
    /// 1 for the first run.
    pub run: u32,
    /// The command, for people.
    pub command: String,
    /// Operating system, architecture and the user's label: `linux-x86_64`, `linux-x86_64-ubuntu-24.04`.
    pub platform: String,
    /// What the samples add up.
    pub metric: Metric,
    /// Which source read them: `proc`, `portable`.
    pub source: String,
    /// The wanted time between two readings.
    pub interval: Duration,
    /// Wall-clock time of the launch.
    pub started: Timestamp,
    /// Where it ran.
    pub environment: Environment,
    /// The end of start-up.
    pub ready: ReadyMark,
    /// When memguard began to stop the workload; None where it ended by itself.
    pub stop_at: Option<Duration>,
    /// When the last process of the tree was gone; None while unfinished.
    pub duration: Option<Duration>,
    /// How it ended.
    pub ended: Ended,
    /// How the peak is known.
    pub peak_certainty: PeakCertainty,
    /// Quality of the measuring.
    pub sampling: Sampling,
    /// Why the workload's output could not be passed on to its end; None if it could.
    pub output_lost: Option<String>,
    /// What the reader of the results must know, in sentences: lines dropped, processes left behind.
    pub notices: Vec<String>,
}

impl Sample {
    /// Adds what an earlier reading measured, where this one stands for both.
    pub(super) fn absorb(&mut self, earlier: &Self) {
        let low = self.uncertainty.low(self.peak).max(earlier.uncertainty.low(earlier.peak));
        let high = self.uncertainty.high(self.peak).max(earlier.uncertainty.high(earlier.peak));
        let below = self.uncertainty.below;
        self.peak = self.peak.max(earlier.peak);
        self.uncertainty = Uncertainty::between(low, self.peak, high);
        self.uncertainty.below = self.uncertainty.below.max(below);
    }
}

impl RunRecord {
    /// Of a run that begins now: nothing is known of how it goes. Who runs it tells what it is of.
    #[must_use]
    pub fn beginning(metric: Metric, source: &str, interval: Duration) -> Self {
        Self {
            memguard: env!("CARGO_PKG_VERSION").to_owned(),
            workload: String::new(),
            run: 1,
            command: String::new(),
            platform: String::new(),
            metric,
            source: source.to_owned(),
            interval,
            started: Timestamp::now(),
            environment: Environment::default(),
            ready: ReadyMark::NotAsked,
            stop_at: None,
            duration: None,
            ended: Ended::Unfinished,
            peak_certainty: PeakCertainty::Sampled,
            sampling: Sampling::default(),
            output_lost: None,
            notices: Vec::new(),
        }
    }
}

/// One instant of a curve for drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplePoint {
    /// Since launch.
    pub at: Duration,
    /// The most that the metric was in the stretch that this point stands for.
    pub memory: Bytes,
}

/// A stretch of time in which memory was not measured: the machine stalled, or memguard was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last row before it, since launch.
    pub from: Duration,
    /// The first row after it.
    pub until: Duration,
}

/// A run's memory over time, thinned to a bounded number of points of which each keeps its stretch's maximum.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// In order of time.
    pub points: Vec<SamplePoint>,
    /// In order of time. No line leads across one.
    pub gaps: Vec<Gap>,
}
