use std::time::Duration;

use crate::units::Bytes;

/// The statements, for people.
pub const GRAMMAR: &str = "\
Statements stand one after another, separated by `;` or line ends; `#` begins a comment.
  ramp SIZE [TIME]          take SIZE more memory, evenly over TIME (at once without it)
  grow SIZE [TIME]          the same
  hold TIME                 keep what there is for TIME
  spike SIZE TIME           take SIZE, keep it for TIME, give it back
  drop SIZE | drop all      give back that much, or everything
  fork N SIZE TIME          start N processes that hold SIZE each for TIME
  join                      wait for these processes
  log \"text\", err \"text\"    print a line to standard output, to standard error
  repeat N { ... }          N times; {round} in a text becomes 1, 2 and so on
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
    Fork { count: u32, size: Bytes, time: Duration },
    Join,
    Log(String),
    Err(String),
    Repeat { count: u32, body: Vec<Statement> },
    Exit(u8),
}
