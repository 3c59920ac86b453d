//! The scripts of the action, run as its steps run them.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;
use std::process::{Command, Output};

use common::{MEMGUARD, Project};

/// Runs one of the scripts in the project, with these variables.
fn script(project: &Project, name: &str, variables: &[(&str, &str)]) -> (Output, String) {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = project.path("output");
    let _ = fs::remove_file(&output);
    let mut command = Command::new("bash");
    command.arg(format!("{root}/.github/action/{name}")).current_dir(project.path(""));
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_OUTPUT", &output).env_remove("GITHUB_STEP_SUMMARY");
    command.env("GITHUB_ACTION_PATH", root).env("MEMGUARD", MEMGUARD).envs(variables.iter().copied());
    let ran = command.output().unwrap();
    (ran, fs::read_to_string(output).unwrap_or_default())
}

#[test]
fn the_exit_code_is_handed_on_and_the_step_does_not_fail_before_the_report_is_kept() {
    let project = Project::new();
    project.config("budget = { peak = \"20MiB\" }", "ramp 40MiB 100ms; hold 100ms");
    let (ran, output) = script(&project, "run.sh", &[]);
    assert!(ran.status.success());
    assert!(output.ends_with("status=1\n") && output.contains("\nfail\n"), "{output}");
    let (_, output) = script(&project, "run.sh", &[("LEVEL", "warn")]);
    assert!(output.ends_with("status=0\n") && output.contains("\nwarn\n"), "{output}");
    let (_, output) = script(&project, "run.sh", &[("BASELINE_REF", "--output=owned")]);
    assert!(output.ends_with("status=2\n") && !project.path("owned").exists(), "{output}");
    let (_, output) = script(&project, "run.sh", &[("CONFIG", "no-such.toml")]);
    assert!(output.ends_with("status=2\n"), "{output}");
}

#[test]
fn arguments_are_words_or_lines_and_never_a_program() {
    let project = Project::new();
    let lines = format!("--name\na b; touch owned\n--\n{MEMGUARD}\nsynth\nramp 9MiB; hold 20ms\n");
    let (ran, output) = script(&project, "run.sh", &[("ARGS", &lines)]);
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(output.ends_with("status=2\n"), "the name is refused as it is: {output}{err}");
    let words = format!("--peak 1GiB -- {MEMGUARD} synth exit");
    let (_, output) = script(&project, "run.sh", &[("ARGS", &words)]);
    assert!(output.contains("status="), "{output}");
    let (_, _) = script(&project, "run.sh", &[("ARGS", "-- echo $(touch owned)")]);
    assert!(!project.path("owned").exists());
}

#[test]
fn the_results_of_several_machines_are_joined_instead_of_running_anything() {
    let project = Project::new();
    project.config("budget = { peak = \"20MiB\" }", "ramp 40MiB 100ms; hold 100ms");
    for shard in ["1/2", "2/2"] {
        let name = shard.replace('/', "-");
        project.memguard(&["run", "--quiet", "--shard", shard, "--out", &format!("legs/{name}")]);
    }
    let variables = [("MERGE", "legs"), ("CONFIG", "no-such.toml"), ("ARGS", "--machines 2")];
    let (_, output) = script(&project, "run.sh", &variables);
    assert!(output.ends_with("status=1\n") && output.contains("\nfail\n"), "{output}");
    fs::remove_dir_all(project.path("legs/2-2")).unwrap();
    let (_, output) = script(&project, "run.sh", &variables[..1]);
    assert!(output.ends_with("status=5\n") && output.contains("\nerror\n"), "{output}");
}

#[test]
fn a_binary_that_is_not_there_is_an_error() {
    let project = Project::new();
    let (ran, _) = script(&project, "get.sh", &[("BIN", "./no-such")]);
    assert_eq!(ran.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("::error title=memguard::there is no program"));
    let (ran, output) = script(&project, "get.sh", &[("BIN", MEMGUARD)]);
    assert!(ran.status.success());
    assert_eq!(output, format!("bin={MEMGUARD}\n"));
}
