//! `memguard init`: a commented config fitted to the project in a folder.

mod detect;
mod template;

use std::path::Path;

use anyhow::{Context, Result, bail};

pub use detect::{Facts, Kind, look};
pub use template::propose;

const FILE: &str = "memguard.toml";

/// Writes the config into the folder; returns what to tell the user.
///
/// # Errors
/// When there is one already and `force` is not given, or it can't be written.
pub fn write(folder: &Path, force: bool) -> Result<String> {
    let path = folder.join(FILE);
    if path.exists() && !force {
        bail!("there is a `{FILE}` already\nhelp: edit it, or replace it with `memguard init --force`");
    }
    let facts = look(folder);
    std::fs::write(&path, propose(&facts)).with_context(|| format!("could not write `{}`", path.display()))?;
    let found: Vec<&str> = facts.kinds.iter().map(Kind::name).collect();
    let found = if found.is_empty() { "no project that memguard knows".into() } else { found.join(", ") };
    Ok(format!("found {found}\nwrote `{FILE}`: look at its commands, then `memguard run`\n"))
}
