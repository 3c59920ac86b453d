//! What is made from the command line itself: completions for shells, manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::Cli;

/// `memguard completions`
#[derive(Debug, Clone, Args)]
#[command(after_help = COMPLETIONS)]
pub struct Completions {
    /// The shell.
    pub shell: clap_complete::Shell,
}

const COMPLETIONS: &str = "\
Where shells look for it:
  bash   memguard completions bash > ~/.local/share/bash-completion/completions/memguard
  zsh    memguard completions zsh > DIR/_memguard, where DIR is in $fpath
  fish   memguard completions fish > ~/.config/fish/completions/memguard.fish";

/// `memguard man`
#[derive(Debug, Clone, Args)]
pub struct Man {
    /// Write a page for memguard and for each of its commands into this folder, such as ~/.local/share/man/man1.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

impl Cli {
    /// The manual pages, each with the name of its file: that of memguard itself comes first.
    ///
    /// # Errors
    /// Never in practice: they are written to memory.
    pub fn manual() -> std::io::Result<Vec<(String, Vec<u8>)>> {
        fn add(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
            let page = clap_mangen::Man::new(command.clone());
            let mut text = Vec::new();
            page.render(&mut text)?;
            pages.push((page.get_filename(), text));
            command
                .get_subcommands()
                .filter(|command| !command.is_hide_set())
                .try_for_each(|command| add(command, pages))
        }
        let mut pages = Vec::new();
        let mut command = Self::command().disable_help_subcommand(true);
        command.build();
        add(&command, &mut pages)?;
        Ok(pages)
    }

    /// What completes the command line in a shell.
    #[must_use]
    pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Self::command(), "memguard", &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_shell_its_completions() {
        let pages = Cli::manual().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[0], "memguard.1");
        for name in ["memguard-run.1", "memguard-merge.1", "memguard-baseline-accept.1"] {
            assert!(names.contains(&name), "{names:?}");
        }
        let run =
            String::from_utf8_lossy(&pages.iter().find(|(name, _)| name == "memguard-run.1").unwrap().1).into_owned();
        assert!(run.contains("\\-\\-baseline\\-ref") && run.contains("a budget was exceeded"), "{run}");
        for shell in <clap_complete::Shell as clap::ValueEnum>::value_variants() {
            let text = String::from_utf8(Cli::completions(*shell)).unwrap();
            assert!(text.contains("baseline-ref") && text.contains("memguard"), "{shell}");
        }
    }
}
