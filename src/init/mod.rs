//! `memguard init`: a commented config fitted to the project in a folder, and a workflow.

mod detect;
mod github;
mod template;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

pub use detect::{Facts, Kind, look};
pub use github::{Setting, workflow};
pub use template::propose;

use crate::cli::{self, Init};
use crate::config;
use crate::git::{self, Home};

const FILE: &str = "memguard.toml";

/// Writes the config into the folder, and where it is asked for a workflow into its repository; returns what to tell the user.
///
/// # Errors
/// When there is one already that is not to be replaced, or it can't be written.
pub fn init(folder: &Path, typed: &Init) -> Result<String> {
    let path = folder.join(FILE);
    let facts = look(folder);
    if path.exists() && !typed.force {
        if !typed.github {
            bail!("there is a `{FILE}` already\nhelp: edit it, or replace it with `memguard init --force`");
        }
        return write_workflow(folder, facts, typed);
    }
    let text = propose(&facts);
    let found: Vec<&str> = facts.kinds.iter().map(Kind::name).collect();
    let found = if found.is_empty() { "no project that memguard knows".into() } else { found.join(", ") };
    let told = format!("found {found}\nwrote `{FILE}`: look at its commands, then `memguard run`\n");
    let write = || fs::write(&path, text).with_context(|| format!("could not write `{}`", path.display()));
    if !typed.github {
        write()?;
        return Ok(told);
    }
    // The workflow is what can fail for a reason: without it, nothing is written.
    let workflow = write_workflow(folder, facts, typed)?;
    write()?;
    Ok(told + &workflow)
}

/// Never over one that is there.
fn write_workflow(folder: &Path, facts: Facts, typed: &Init) -> Result<String> {
    let here = Home { root: folder.to_owned(), prefix: String::new(), default_branch: None };
    let home = git::home(folder).unwrap_or(here);
    let is_plain =
        |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ' '));
    if !is_plain(&home.prefix) {
        bail!(
            "the folder `{}` has characters that a workflow can't be trusted with\nhelp: write the workflow by hand",
            home.prefix
        );
    }
    let config = folder.join(FILE);
    let platforms = if config.exists() && !typed.force { config::platforms(&config)? } else { Vec::new() };
    let setting = Setting {
        facts,
        action: match (&typed.action, cli::RELEASED_ACTION) {
            (Some(action), _) => action.clone(),
            (None, Some(repository)) => released(folder, repository, env!("CARGO_PKG_VERSION"))?,
            (None, None) => bail!("the action is not known\nhelp: name it with --action OWNER/memguard@COMMIT"),
        },
        branch: home.default_branch.filter(|branch| is_plain(branch)).unwrap_or_else(|| "main".to_owned()),
        runners: runners(&platforms),
        folder: home.prefix.clone(),
    };
    // Every folder of a repository may have one.
    let suffix =
        if home.prefix.is_empty() { String::new() } else { format!("-{}", home.prefix.replace(['/', ' '], "-")) };
    let path: PathBuf = home.root.join(".github/workflows").join(format!("memguard{suffix}.yml"));
    let shown = path.strip_prefix(folder).unwrap_or(&path).display();
    fs::create_dir_all(home.root.join(".github/workflows"))
        .with_context(|| format!("could not create the folder of `{shown}`"))?;
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("there is a `{shown}` already, which is never replaced\nhelp: remove it to have it written anew");
        }
        Err(error) => return Err(error).with_context(|| format!("could not create `{shown}`")),
    };
    file.write_all(workflow(&setting).as_bytes()).with_context(|| format!("could not write `{shown}`"))?;
    Ok(format!("wrote `{shown}`: look at its steps, then commit it with `{FILE}`\n"))
}

/// The action as of a release: the commit that its tag is at pins what was released. `repository` is the address of a page.
fn released(folder: &Path, repository: &str, version: &str) -> Result<String> {
    let tag = format!("v{version}");
    let commit = git::commit_of_tag(folder, repository, &tag).map_err(|fault| {
        anyhow::anyhow!("{}\nhelp: {}, or name the action with --action OWNER/memguard@COMMIT", fault.what, fault.help)
    })?;
    let mut names = repository.rsplit('/');
    let (name, owner) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    Ok(format!("{owner}/{name}@{commit} # {tag}"))
}

/// The runners of GitHub's for the systems that a config has overrides for, and for Linux.
fn runners(platforms: &[String]) -> Vec<&'static str> {
    let runner = |platform: &str| match platform.split_once('-').unwrap_or((platform, "")) {
        ("macos", "x86_64") => "macos-15-intel",
        ("macos", _) => "macos-15",
        ("windows", "aarch64") => "windows-11-arm",
        ("windows", _) => "windows-2025",
        (_, "aarch64") => "ubuntu-24.04-arm",
        _ => "ubuntu-24.04",
    };
    let mut runners = vec!["ubuntu-24.04"];
    for platform in platforms {
        if !runners.contains(&runner(platform)) {
            runners.push(runner(platform));
        }
    }
    runners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_of_a_release_is_the_commit_that_its_tag_is_at() {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("o/memguard");
        fs::create_dir_all(&repository).unwrap();
        let git = |words: &[&str]| {
            let mut command = std::process::Command::new("git");
            command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "tag.gpgSign=false"]);
            assert!(command.current_dir(&repository).args(words).status().unwrap().success(), "{words:?}");
        };
        git(&["init", "-q"]);
        git(&["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "a"]);
        git(&["tag", "v1.2.3"]);
        git(&["tag", "-m", "with a message", "v1.2.4"]);
        let head = crate::git::head(&repository).unwrap();
        git(&["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "b"]);
        let address = repository.to_str().unwrap().replace('\\', "/");
        for version in ["1.2.3", "1.2.4"] {
            let action = released(folder.path(), &address, version).unwrap();
            assert_eq!(action, format!("o/memguard@{head} # v{version}"));
        }
        let lacking = format!("{:#}", released(folder.path(), &address, "1.2.5").unwrap_err());
        assert!(lacking.contains("has no tag `v1.2.5`") && lacking.contains("--action"), "{lacking}");
        let nowhere = format!("{:#}", released(folder.path(), &format!("{address}/x"), "1.2.3").unwrap_err());
        assert!(nowhere.contains("can't be asked for the tag `v1.2.3`: git says: "), "{nowhere}");
    }

    #[test]
    fn a_runner_stands_for_each_system_that_the_config_speaks_of() {
        let of = |platforms: &[&str]| runners(&platforms.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]), ["ubuntu-24.04"]);
        assert_eq!(of(&["linux", "linux-x86_64"]), ["ubuntu-24.04"]);
        assert_eq!(
            of(&["macos", "windows-x86_64", "windows", "linux-aarch64"]),
            ["ubuntu-24.04", "macos-15", "windows-2025", "ubuntu-24.04-arm"]
        );
    }
}
