//! The workflow for GitHub Actions that a project begins with.

use std::fmt::Write as _;

use super::detect::{Facts, Kind};

/// An action of GitHub's own, pinned: what a tag points at can be changed by whoever holds it.
const CHECKOUT: &str = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";
const DOWNLOAD: &str = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1";
const PYTHON: &str = "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0";

/// What the workflow is fitted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What stands in the folder.
    pub facts: Facts,
    /// memguard's own action: `owner/name@commit`, with its version in a comment where that is known.
    pub action: String,
    /// The folder within the repository; empty for its root.
    pub folder: String,
    /// The branch whose pushes are measured.
    pub branch: String,
    /// The systems that the config speaks of, by the names of their runners. Never empty.
    pub runners: Vec<&'static str>,
}

/// The text of the workflow: one job, or one for each system and one that joins them.
#[must_use]
pub fn workflow(setting: &Setting) -> String {
    let mut out = HEAD.replace("{branch}", &setting.branch);
    match setting.runners[..] {
        [runner] => single(&mut out, setting, runner),
        _ => matrix(&mut out, setting),
    }
    out
}

const HEAD: &str = "\
# Memory budgets of memguard.toml. Written by `memguard init --github`, and from then on yours.
name: Memory

on:
  push:
    branches: [\"{branch}\"]
  pull_request: # a fork's code runs with a token that can only read, and without secrets

permissions: {}

concurrency:
  group: memory-${{ github.ref }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}

jobs:
";

const COMMENT: &str =
    "      pull-requests: write # for the comment; in a fork's pull request there is none, and all else is there\n";

fn single(out: &mut String, setting: &Setting, runner: &str) {
    let _ = write!(
        out,
        "  memory:\n    name: memory\n    runs-on: {runner}\n    timeout-minutes: 30\n    permissions:\n      contents: read\n{COMMENT}    steps:\n"
    );
    steps(out, setting);
    inputs(out, setting, &[]);
}

fn matrix(out: &mut String, setting: &Setting) {
    let runners = setting.runners.join(", ");
    let _ = write!(
        out,
        "  memory:
    name: memory (${{{{ matrix.os }}}})
    runs-on: ${{{{ matrix.os }}}}
    timeout-minutes: 30
    permissions:
      contents: read
    strategy:
      fail-fast: false # the joined report wants the results of every system
      matrix:
        os: [{runners}]
    steps:
"
    );
    steps(out, setting);
    inputs(
        out,
        setting,
        &["artifact: memguard-${{ matrix.os }}", "comment: never # the joined report is commented on once"],
    );
    let action = &setting.action;
    let _ = write!(
        out,
        "
  verdict:
    name: verdict
    needs: memory
    if: ${{{{ !cancelled() }}}} # a red machine is the one whose report is wanted
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
{COMMENT}    steps:
      - uses: {DOWNLOAD}
        with:
          pattern: memguard-*
          path: machines

      - uses: {action}
        with:
          merge: machines
          args: --machines {}
          artifact: memguard
",
        setting.runners.len()
    );
}

/// Checks out and prepares what the workloads need.
fn steps(out: &mut String, setting: &Setting) {
    let _ = write!(
        out,
        "      - uses: {CHECKOUT}
        with:
          fetch-depth: 0 # the history up to where a pull request began: the baseline of that commit judges
          persist-credentials: false
"
    );
    for kind in &setting.facts.kinds {
        if let Kind::Python { .. } = kind {
            let _ = write!(out, "\n      - uses: {PYTHON}\n        with:\n          python-version: \"3.x\"\n");
        }
        if let Some(command) = prepare(kind, &setting.facts) {
            let _ = write!(out, "\n      - name: Prepare\n        run: {command}\n");
            if !setting.folder.is_empty() {
                let _ = writeln!(out, "        working-directory: \"{}\"", setting.folder);
            }
        }
    }
}

fn inputs(out: &mut String, setting: &Setting, more: &[&str]) {
    let _ = write!(
        out,
        "\n      - uses: {}\n        with:\n          baseline-ref: ${{{{ github.base_ref }}}} # empty on a push\n",
        setting.action
    );
    if !setting.folder.is_empty() {
        let _ = writeln!(out, "          working-directory: \"{}\"", setting.folder);
    }
    for line in more {
        let _ = writeln!(out, "          {line}");
    }
}

/// What must be there before the workloads run. Make's own is its target's.
fn prepare(kind: &Kind, facts: &Facts) -> Option<&'static str> {
    let has = |name| facts.files.contains(&name);
    Some(match kind {
        Kind::Cargo => "cargo test --no-run",
        Kind::Node { manager: "pnpm", .. } => "npx --yes pnpm install --frozen-lockfile",
        Kind::Node { manager: "yarn", .. } => "npx --yes yarn install",
        Kind::Node { manager: "bun", .. } => "npx --yes bun install --frozen-lockfile",
        Kind::Node { .. } if has("package-lock.json") => "npm ci",
        Kind::Node { .. } => "npm install",
        Kind::Python { .. } if has("requirements.txt") => "python -m pip install -r requirements.txt",
        Kind::Python { .. } if has("pyproject.toml") || has("setup.py") => "python -m pip install .",
        Kind::Python { .. } | Kind::Make { .. } => return None,
        Kind::Go => "go build ./...",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(kinds: Vec<Kind>, files: Vec<&'static str>, runners: &[&'static str], folder: &str) -> Setting {
        Setting {
            facts: Facts { kinds, files },
            action: format!("o/memguard@{}", "0123456789".repeat(4)),
            folder: folder.to_owned(),
            branch: "main".to_owned(),
            runners: runners.to_vec(),
        }
    }

    #[test]
    fn one_system_is_one_job() {
        let kinds = vec![Kind::Node { manager: "npm", script: None }];
        let text = workflow(&setting(kinds, vec!["package-lock.json"], &["ubuntu-24.04"], ""));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn several_systems_are_a_matrix_and_a_job_that_joins_them() {
        let kinds = vec![Kind::Cargo, Kind::Python { script: None }];
        let setting = setting(kinds, vec!["pyproject.toml"], &["ubuntu-24.04", "windows-2025"], "tools/import");
        insta::assert_snapshot!(workflow(&setting));
    }

    #[test]
    fn every_action_is_pinned_to_a_commit_and_nothing_else_of_the_runner_goes_in() {
        let all = [Kind::Cargo, Kind::Python { script: None }, Kind::Go, Kind::Make { target: None }];
        for runners in [&["ubuntu-24.04"][..], &["ubuntu-24.04", "macos-15", "windows-2025"]] {
            let text = workflow(&setting(all.to_vec(), Vec::new(), runners, "a"));
            for line in text.lines().filter_map(|line| line.split_once("uses: ")) {
                let commit = line.1.split_once('@').unwrap().1.split(' ').next().unwrap();
                assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line:?}");
            }
            assert!(text.lines().filter(|line| line.contains("run: ")).all(|line| !line.contains("${{")), "{text}");
        }
    }
}
