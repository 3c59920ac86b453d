//! The workloads of one config, split among machines.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;

use common::{MEMGUARD, Project};
use serde_json::{Value, json};

fn config(project: &Project, names: &[&str]) {
    let workload =
        |name: &&str| format!("[[workload]]\nname = \"{name}\"\nrun = ['{MEMGUARD}', 'synth', 'ramp 5MiB']\n");
    fs::write(project.path("memguard.toml"), names.iter().map(workload).collect::<String>()).unwrap();
}

fn names(results: &Value) -> Vec<&str> {
    results["workloads"].as_array().unwrap().iter().map(|workload| workload["name"].as_str().unwrap()).collect()
}

#[test]
fn each_machine_runs_its_part_and_says_which() {
    let project = Project::new();
    config(&project, &["c", "a", "b"]);
    let first = project.memguard(&["run", "--shard", "1/2"]);
    assert_eq!((first.code, names(first.results())), (0, vec!["c", "a"]), "{}", first.err);
    assert!(first.err.contains("memguard: shard 1/2: c, a\n"), "{}", first.err);
    let second = project.memguard(&["run", "--shard", "2/2"]);
    assert_eq!((second.code, names(second.results())), (0, vec!["b"]));
    let leg = &second.results()["legs"][0];
    assert_eq!(leg["shard"], json!({"index": 2, "of": 2}));
    assert_eq!(leg["workloads"], json!(["c", "a", "b"]));
    assert_eq!(leg["config_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(leg["config_sha256"], first.results()["legs"][0]["config_sha256"]);
}

#[test]
fn a_shard_without_a_workload_passes_and_says_so() {
    let project = Project::new();
    config(&project, &["a"]);
    let empty = project.memguard(&["run", "--shard", "3/3"]);
    assert_eq!((empty.code, names(empty.results()).len()), (0, 0), "{}", empty.err);
    assert!(empty.err.contains("shard 3/3: no workload is its own"), "{}", empty.err);
    assert_eq!(empty.results()["legs"][0]["shard"], json!({"index": 3, "of": 3}));
    let markdown = fs::read_to_string(project.path("memguard-report/report.md")).unwrap();
    assert!(markdown.starts_with("## Memory: no workload was this machine's"), "{markdown}");
}

#[test]
fn a_wrong_shard_is_named_and_nothing_is_run() {
    let project = Project::new();
    config(&project, &["a"]);
    for (shard, what) in [("0/2", "there is no shard 0 of 2: the first is 1"), ("x", "`x` is not a shard")] {
        let wrong = project.memguard(&["run", "--shard", shard]);
        assert!(wrong.code == 2 && wrong.err.contains(what) && wrong.err.contains("such as 2/5"), "{}", wrong.err);
        assert!(!project.path("memguard-report").exists());
    }
    let command = project.memguard(&["run", "--shard", "1/2", "--", MEMGUARD, "synth", "exit"]);
    assert!(command.code == 2 && command.err.contains("cannot be used with"), "{}", command.err);
}
