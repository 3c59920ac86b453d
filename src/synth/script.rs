use std::path::PathBuf;
use std::time::Duration;

use crate::os::Backing;
use crate::units::Bytes;

/// The statements, for people.
pub const GRAMMAR: &str = "\
Statements stand one after another, separated by `;` or line ends; `#` begins a comment.
  ramp SIZE [TIME]          take SIZE more memory, evenly over TIME (at once without it)
  grow SIZE [TIME]          the same
  hold TIME                 keep what there is for TIME
  spike SIZE TIME           take SIZE, keep it for TIME, give it back
  drop SIZE | drop all      give back that much, or everything
  map SIZE KIND             take SIZE of `memfd`, `shm`, `sysv` or mapped `file` memory, or in `huge` pages (Unix)
  pageout                   have the system swap out what there is, or write it to its file (Linux)
  fork N SIZE shared TIME   N children that share SIZE with the program, for TIME (Unix)
  fork N SIZE private TIME  N children with SIZE each, for TIME
  join                      wait for the children
  churn N TIME SIZE [K]     N processes that hold SIZE for TIME each, K at a time
  daemonise SIZE TIME       leave a process behind that grows to SIZE over TIME (Unix)
  log \"text\", err \"text\"    print a line to standard output, to standard error
  print SIZE                print SIZE of binary noise to standard output
  file \"path\" \"text\"        write a file
  listen PORT               accept connections on this port of this machine
  wait                      wait for a line, or the end, of standard input
  ignore SIGNAL             do not end by it (Unix)
  signal SIGNAL             end by it (Unix)
  close stdout              close standard output
  repeat N { ... }          N times; {n} in a text is the number of the round
  exit STATUS               end now";

/// A program's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub(super) statements: Vec<Statement>,
}

/// What is wrong with a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// What, naming the statement.
    pub what: String,
    /// What would be right.
    pub help: String,
    /// Where, as a character of the script: 1 for the first.
    pub column: usize,
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "in the script, at character {}: {}\nhelp: {}", self.column, self.what, self.help)
    }
}

impl std::error::Error for ScriptError {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    Ramp { size: Bytes, time: Duration },
    Hold(Duration),
    Spike { size: Bytes, time: Duration },
    Drop(Option<Bytes>),
    Map { size: Bytes, backing: Backing },
    PageOut,
    Fork { count: u32, size: Bytes, shared: bool, time: Duration },
    Join,
    Churn { count: u32, time: Duration, size: Bytes, at_once: u32 },
    Daemonise { size: Bytes, time: Duration },
    Log(String),
    Err(String),
    Print(Bytes),
    File { path: PathBuf, text: String },
    Listen(u16),
    Wait,
    Ignore(i32),
    Signal(i32),
    CloseStdout,
    Repeat { count: u32, body: Vec<Statement> },
    Exit(u8),
}
