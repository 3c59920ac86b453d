//! The commands, each from its beginning to its exit code.

mod actions;
mod artifacts;
mod baseline;
mod comment;
mod compare;
mod container;
mod import;
mod judge;
mod live;
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
pub use plot::{plot, plot_in_terminal};
pub use record::record;
pub use run::{demo, run};

use std::io::IsTerminal;

use crate::cli::Colour;
use crate::os;
use crate::report::Look;

/// How memguard speaks to whoever started it.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    /// Whether to colour.
    pub colour: bool,
    /// Only what is wrong.
    pub quiet: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether what is beyond ASCII arrives as it is meant.
    pub unicode: bool,
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
            Colour::Auto => {
                let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                is_terminal && !is_dumb() && !is_unwanted && os::speaks_sequences()
            }
        };
        let width = if is_terminal { os::terminal_width().unwrap_or(WIDTH) } else { WIDTH };
        Self { colour, quiet, width, unicode: speaks_utf8(|name| std::env::var(name).ok()) }
    }

    fn look(self) -> Look {
        Look { width: self.width, colour: self.colour, unicode: self.unicode }
    }
}

/// Whether the terminal says that it can do nothing but print.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name == "dumb")
}

/// As the locale says: the first of its three variables that is set counts. A system without locales speaks it.
fn speaks_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    set.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8")) || !os::has_locales()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_tells_what_the_terminal_reads() {
        let told = |all: &'static str, ctype: &'static str, lang: &'static str| {
            speaks_utf8(move |name| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LC_CTYPE" => Some(ctype.to_owned()),
                _ => Some(lang.to_owned()).filter(|lang| lang != "unset"),
            })
        };
        assert!(told("", "", "de_DE.UTF-8") && told("C.utf8", "C", "C") && told("", "en_US.UTF-8", "C"));
        assert_eq!(told("C", "en_US.UTF-8", "en_US.UTF-8"), !os::has_locales());
        assert_eq!(told("", "", "unset"), !os::has_locales());
    }
}
