//! The commands, each from its beginning to its exit code.

mod actions;
mod artifacts;
mod baseline;
mod comment;
mod compare;
mod container;
mod import;
mod judge;
mod merge;
mod plot;
mod record;
mod run;

pub use actions::annotate_mistakes;
pub use baseline::{accept, diff, show};
pub use comment::comment;
pub use compare::compare;
pub use judge::check;
pub use merge::merge;
pub use plot::plot;
pub use record::record;
pub use run::{demo, run};

use std::io::IsTerminal;

use crate::cli::Colour;
use crate::os;

/// How memguard speaks to whoever started it.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    /// Whether to colour.
    pub colour: bool,
    /// Only what is wrong.
    pub quiet: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// Without a terminal to ask.
const WIDTH: usize = 110;

impl Voice {
    /// Of the stream that the report goes to: standard error while a workload has standard output, else standard output.
    #[must_use]
    pub fn new(colour: Colour, quiet: bool, to: &impl IsTerminal) -> Self {
        let is_terminal = to.is_terminal();
        let colour = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let width = if is_terminal { os::terminal_width().unwrap_or(WIDTH) } else { WIDTH };
        Self { colour, quiet, width }
    }
}
