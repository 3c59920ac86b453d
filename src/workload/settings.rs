use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;

use super::line_time::LineTime;
use crate::units::Bytes;

/// How a workload is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is measured.
    pub command: Command,
    /// Run to its end before each run, not measured.
    pub before: Option<Command>,
    /// Added to memguard's own environment.
    pub env: BTreeMap<String, String>,
    /// The working folder; None for memguard's own.
    pub folder: Option<PathBuf>,
    /// A run that takes longer is stopped, and has failed.
    pub timeout: Option<Duration>,
    /// What ends start-up; None where nobody said.
    pub ready: Option<Ready>,
    /// Load for a server: started once it is ready, not measured; when it ends the server is stopped.
    pub drive: Option<Command>,
    /// How the workload is stopped when memguard has to.
    pub stop: Stop,
    /// A run whose metric crosses this is ended at once, and has failed.
    pub abort_above: Option<Bytes>,
    /// Files that the workload writes, whose lines stand beside those of its output.
    pub logs: Vec<LogFile>,
    /// What matches one of these is taken out of everything that is stored.
    pub redact: Vec<Regex>,
}

/// A file that the workload writes its log into.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// Where it lies.
    pub path: PathBuf,
    /// How it is called in the results: never `stdout`, `stderr` or `memguard`.
    pub name: String,
    /// How its lines tell their own time; None where they are stamped on arrival.
    pub time: Option<LineTime>,
}

/// A command as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// For the system's shell.
    Shell(String),
    /// A program and its arguments, run without a shell. Never empty.
    Direct(Vec<String>),
}

impl std::fmt::Display for Command {
    /// As a person would type it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shell(line) => f.write_str(line),
            Self::Direct(words) => {
                for (index, word) in words.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" ")?;
                    }
                    let plain = |c: char| {
                        c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '+' | '@')
                    };
                    if !word.is_empty() && word.chars().all(plain) {
                        f.write_str(word)?;
                    } else {
                        write!(f, "'{}'", word.replace('\'', r"'\''"))?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// What ends start-up.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The sign that is waited for.
    pub kind: ReadyKind,
    /// A run that has not shown it by then is stopped, and has failed.
    pub within: Option<Duration>,
}

/// The sign that ends start-up.
#[derive(Debug, Clone)]
pub enum ReadyKind {
    /// This long after launch.
    After(Duration),
    /// A line of its output that matches.
    Log(Regex),
    /// A TCP port of this machine that accepts a connection.
    Port(u16),
    /// A file that exists. One that was there before the launch counts only once it has changed.
    File(PathBuf),
    /// A command that exits 0, tried again and again.
    Command(Command),
}

/// How a workload is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// What is sent to its process group.
    pub signal: Signal,
    /// What is left of the tree after so long is killed.
    pub grace: Duration,
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: Signal::Term, grace: Duration::from_secs(10) }
    }
}

/// The signals that a `stop` may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Hang-up.
    Hup,
    /// What Ctrl-C sends.
    Int,
    /// Quit.
    Quit,
    /// Please end.
    Term,
    /// End, now.
    Kill,
    /// For the program to define.
    Usr1,
    /// For the program to define.
    Usr2,
}

impl Signal {
    /// Its name in the config, without SIG.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, signal)| *signal == self).map_or("TERM", |(name, _)| name)
    }

    /// Every signal with its name in the config.
    pub const ALL: [(&'static str, Self); 7] = [
        ("HUP", Self::Hup),
        ("INT", Self::Int),
        ("QUIT", Self::Quit),
        ("TERM", Self::Term),
        ("KILL", Self::Kill),
        ("USR1", Self::Usr1),
        ("USR2", Self::Usr2),
    ];
}
