use super::detect::{Facts, Kind};

/// The text of a config for what stands in the folder.
#[must_use]
pub fn propose(facts: &Facts) -> String {
    let mut text = HEAD.to_owned();
    let mut names: Vec<&str> = Vec::new();
    for kind in &facts.kinds {
        let (name, command, note) = suggestion(kind);
        // Two kinds may want the same name: the first has it.
        let name = if names.contains(&name) { kind_name(kind) } else { name };
        names.push(name);
        text += &workload(name, &command, note);
    }
    if facts.kinds.is_empty() {
        text += &workload("main", "./your-program", "Put your own command here.");
    }
    text + TAIL
}

const HEAD: &str = "\
# Memory budgets, checked by `memguard run`.
# Sizes need a unit: MiB is 2^20 bytes, MB is 10^6.

[defaults]                # any key of a workload may stand here
runs  = 1                 # 3 or more make comparisons with a baseline steadier
level = \"warn\"            # report and never fail: how to begin; \"fail\" once the numbers are known

[baseline]
file = \"memguard-baseline.toml\"   # written by `memguard baseline accept`; commit it
";

const TAIL: &str = "
# Next:
#   1. memguard run                  look at memguard-report/*/graph.png and at the peaks in the table
#   2. uncomment a budget, a little above what you saw, and set level = \"fail\"
#   3. memguard baseline accept      from then on `regression` compares with these runs
";

fn workload(name: &str, command: &str, note: &str) -> String {
    format!(
        "
[[workload]]
name = \"{name}\"
run  = \"{command}\"      # {note}
# budget     = {{ peak = \"512 MiB\" }}    # the most that it may take
regression = {{ peak = {{ percent = 10, at_least = \"4 MiB\" }} }}   # above the baseline, once there is one
"
    )
}

fn suggestion(kind: &Kind) -> (&'static str, String, &'static str) {
    match kind {
        Kind::Cargo => {
            ("tests", "cargo test".into(), "Builds, too: put `before = \"cargo test --no-run\"` to leave that out.")
        }
        Kind::Node { manager, script } => match script {
            Some(script) => ("build", format!("{manager} run {script}"), "A script of package.json."),
            None => ("build", "node index.js".into(), "package.json has no build, test or start script."),
        },
        Kind::Python { script: Some(script) } => ("main", format!("python {script}"), "The script that stands here."),
        Kind::Python { script: None } => ("tests", "python -m pytest".into(), "The tests."),
        Kind::Go => ("tests", "go test ./...".into(), "The tests, with the build that they need."),
        Kind::Make { target } => (
            "make",
            target.as_ref().map_or_else(|| "make".into(), |target| format!("make {target}")),
            "The first target.",
        ),
    }
}

const fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Cargo => "cargo",
        Kind::Node { .. } => "node",
        Kind::Python { .. } => "python",
        Kind::Go => "go",
        Kind::Make { .. } => "makefile",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    #[test]
    fn every_proposal_is_a_config_without_a_mistake() {
        let all = [
            Kind::Cargo,
            Kind::Node { manager: "npm", script: Some("build".into()) },
            Kind::Python { script: None },
            Kind::Go,
            Kind::Make { target: None },
        ];
        let folder = tempfile::tempdir().unwrap();
        for kinds in [vec![], all.to_vec(), vec![Kind::Python { script: Some("main.py".into()) }]] {
            let path = folder.path().join("memguard.toml");
            std::fs::write(&path, propose(&Facts { kinds: kinds.clone(), files: Vec::new() })).unwrap();
            let Command::Run(typed) = Cli::parse_from(["memguard", "run", "--config", path.to_str().unwrap()]).command
            else {
                unreachable!("`run` was typed")
            };
            let plan = crate::config::plan_run(&typed, "linux-x86_64").unwrap();
            assert_eq!(plan.workloads.len(), kinds.len().max(1));
        }
    }

    #[test]
    fn a_mixed_folder_gets_a_workload_for_each() {
        let kinds = vec![Kind::Cargo, Kind::Node { manager: "npm", script: Some("build".into()) }, Kind::Go];
        insta::assert_snapshot!(propose(&Facts { kinds, files: Vec::new() }));
    }
}
