//! Earlier versions of files, read through the `git` program: <https://git-scm.com/docs>. Nothing is changed and nothing fetched.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Why git could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A sentence without a full stop.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// A commit of the repository that a folder is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    folder: PathBuf,
    hash: String,
}

const FETCH: &str = "fetch the whole history before: `fetch-depth: 0` for actions/checkout, or `git fetch --unshallow`";

/// The best common ancestor of `reference` and HEAD in the repository that `folder` is in: what a branch began at. A branch that
/// is not here by its own name is looked for as `origin`'s.
///
/// # Errors
/// When there is no git, no repository, no such commit, or when the history of a shallow clone ends before the two meet.
pub fn merge_base(folder: &Path, reference: &str) -> Result<Commit, Fault> {
    // What begins with a dash would be an option to git, such as one that runs a program.
    if reference.is_empty() || reference.starts_with('-') || reference.chars().any(char::is_control) {
        return Err(fault(
            format!("`{}` can't be the name of a commit", reference.escape_debug()),
            "write a branch, a tag or a commit, such as origin/main",
        ));
    }
    let is_shallow = text(&git(folder, ["rev-parse", "--is-shallow-repository"])?, "there is no git repository here")?;
    let is_shallow = is_shallow == "true";
    let resolve = |name: &str| -> Result<Option<String>, Fault> {
        let name = format!("{name}^{{commit}}");
        let found = git(folder, ["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
        Ok(hash(&found))
    };
    let head = resolve("HEAD")?.ok_or_else(|| fault("there is no commit here yet".into(), "commit first"))?;
    let named = match resolve(reference)? {
        Some(named) => Some(named),
        None => resolve(&format!("refs/remotes/origin/{reference}"))?,
    };
    let Some(named) = named else {
        let what = format!(
            "there is no commit `{reference}` in this clone{}",
            if is_shallow { ", which is shallow" } else { "" }
        );
        let help =
            if is_shallow { FETCH } else { "name a branch, a tag or a commit that is here, such as origin/main" };
        return Err(fault(what, help));
    };
    let found = git(folder, ["merge-base", &named, &head])?;
    match hash(&found) {
        Some(hash) => Ok(Commit { folder: folder.to_owned(), hash }),
        None if is_shallow => {
            Err(fault(format!("this clone is shallow: its history ends before HEAD meets `{reference}`"), FETCH))
        }
        None => Err(fault(
            format!("HEAD and `{reference}` have no commit in common"),
            "name the branch that this one began at",
        )),
    }
}

/// The whole name of the commit that HEAD is in the repository that `folder` is in. None where there is none, or no git.
#[must_use]
pub fn head(folder: &Path) -> Option<String> {
    hash(&git(folder, ["rev-parse", "--verify", "--quiet", "HEAD"]).ok()?)
}

/// The whole name of the commit that a tag of another repository is at, which is asked: the network is needed.
///
/// # Errors
/// When there is no git, the repository can't be reached, or it has no such tag.
pub fn commit_of_tag(folder: &Path, address: &str, tag: &str) -> Result<String, Fault> {
    // A tag with a message is an object of its own; the commit stands under its name with `^{}`, after it.
    let (plain, peeled) = (format!("refs/tags/{tag}"), format!("refs/tags/{tag}^{{}}"));
    let asked = git(folder, ["ls-remote", "--", address, &plain, &peeled])?;
    let help = "look whether the network and the repository are there";
    let what = format!("`{address}` can't be asked for the tag `{tag}`");
    let told = text(&asked, &what).map_err(|Fault { what, .. }| fault(what, help))?;
    let commit = told.lines().next_back().and_then(|line| line.split('\t').next()).unwrap_or_default();
    if is_hash(commit) { Ok(commit.to_owned()) } else { Err(fault(format!("`{address}` has no tag `{tag}`"), help)) }
}

/// Where a folder lies in its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The repository's own folder.
    pub root: PathBuf,
    /// The way from there to the folder, with `/` between the names; empty where it is the root itself.
    pub prefix: String,
    /// The branch that `origin` has as its default, where that is known.
    pub default_branch: Option<String>,
}

/// The repository that a folder is in. None where there is none, or no git.
#[must_use]
pub fn home(folder: &Path) -> Option<Home> {
    let line = |words: &[&str]| text(&git(folder, words).ok()?, "").ok();
    let branch = line(&["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"]);
    Some(Home {
        root: PathBuf::from(line(&["rev-parse", "--show-toplevel"])?),
        prefix: line(&["rev-parse", "--show-prefix"])?.trim_end_matches('/').to_owned(),
        default_branch: branch.and_then(|branch| Some(branch.strip_prefix("origin/")?.to_owned())),
    })
}

impl Commit {
    /// The first digits of its name.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.hash[..12]
    }

    /// The text of a file as it was in this commit; `path` is as it is now, from the current folder. None where there was no such
    /// file.
    ///
    /// # Errors
    /// When the path is outside of the repository, was no file there, or was not UTF-8.
    pub fn read(&self, path: &Path) -> Result<Option<String>, Fault> {
        // The folder may be new: from the nearest that is there, the rest of the way is named.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let here = parent.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
        let rest = path.strip_prefix(here).unwrap_or(path);
        let shown = path.display();
        let listed = git(
            here,
            [OsStr::new("ls-tree"), OsStr::new("-z"), OsStr::new(&self.hash), OsStr::new("--"), rest.as_os_str()],
        )?;
        let listed = text(&listed, &format!("`{shown}` can't be looked for in the commit {}", self.short()))?;
        // `100644 blob <hash>\t<path>\0`
        let Some(entry) = listed.split('\0').next().filter(|entry| !entry.is_empty()) else { return Ok(None) };
        let words: Vec<&str> = entry.split(['\t', ' ']).take(3).collect();
        let [mode, "blob", blob] = words[..] else {
            return Err(self.no_file(path));
        };
        if !mode.starts_with("100") {
            return Err(self.no_file(path));
        }
        let output = git(&self.folder, ["cat-file", "blob", blob])?;
        if !output.status.success() {
            let what = format!("`{shown}` can't be read from the commit {}", self.short());
            return Err(text(&output, &what).err().unwrap_or_else(|| fault(what, "look at it with `git show`")));
        }
        String::from_utf8(output.stdout).map(Some).map_err(|_| {
            fault(format!("`{shown}` was not UTF-8 in the commit {}", self.short()), "name another commit")
        })
    }

    fn no_file(&self, path: &Path) -> Fault {
        let what = format!("`{}` was a link or a folder in the commit {}", path.display(), self.short());
        fault(what, "name the file itself")
    }
}

fn fault(what: String, help: &str) -> Fault {
    Fault { what, help: help.to_owned() }
}

fn git<S: AsRef<OsStr>>(folder: &Path, words: impl IntoIterator<Item = S>) -> Result<Output, Fault> {
    // It only reads: no lock is taken, nobody is asked for a password, and messages are those that are looked for.
    let mut command = Command::new("git");
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.arg("-C").arg(folder).args(words).output().map_err(|error| {
        fault(format!("git could not be started: {error}"), "install git, or leave the baseline's commit out")
    })
}

/// What git printed, without the end of its line. Where it failed, its own words say why.
fn text(output: &Output, what: &str) -> Result<String, Fault> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    let said = error.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned();
    Err(fault(format!("{what}: git says: {said}"), "run it within the repository that has the baseline"))
}

/// The commit that git named.
fn hash(output: &Output) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let hash = text.lines().next()?.trim();
    (output.status.success() && is_hash(hash)).then(|| hash.to_owned())
}

fn is_hash(text: &str) -> bool {
    text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_would_take_for_an_option_is_refused() {
        for reference in ["", "--upload-pack=touch owned", "-x", "a\nb", "\0"] {
            let refused = merge_base(Path::new("."), reference).unwrap_err();
            assert!(refused.what.contains("can't be the name of a commit"), "{refused:?}");
        }
    }

    #[test]
    fn outside_of_a_repository_git_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let fault = merge_base(folder.path(), "main").unwrap_err();
        assert!(fault.what.starts_with("there is no git repository here: git says: not a git repository"), "{fault:?}");
    }
}
