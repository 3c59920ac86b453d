//! How sure a peak is, on real processes.
#![cfg(target_os = "linux")]

mod common;

use common::{MEMGUARD, MIB, OWN, Outcome, Project, close_to};
use serde_json::Value;

fn first_run(outcome: &Outcome) -> &Value {
    &outcome.results()["workloads"][0]["runs"][0]
}

#[test]
fn what_a_lone_process_took_just_before_its_end_is_in_its_peak() {
    let script = "ramp 40MiB; hold 1300ms; spike 64MiB 1ms";
    let run = Project::new().memguard(&["run", "--interval", "1s", "--", MEMGUARD, "synth", script]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(close_to(run.peak(), 104 * MIB + OWN, 5 * MIB), "{}", run.peak());
    assert_eq!(first_run(&run)["peak_certainty"], "exact", "{}", first_run(&run));
}

#[test]
fn a_tree_is_sampled() {
    let run = Project::new().memguard(&["run", "--", "sh", "-c", "sleep 0.1; true"]);
    assert_eq!(first_run(&run)["peak_certainty"], "sampled");
}

#[test]
fn what_a_preparation_left_running_is_not_of_the_workload() {
    let project = Project::new();
    let before =
        format!("before = \"\"\"('{MEMGUARD}' synth 'ramp 60MiB; hold 3s' >/dev/null 2>&1 &); sleep 0.3\"\"\"");
    project.config(&before, "ramp 10MiB; hold 500ms");
    let run = project.memguard(&["run"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.peak() < 40 * MIB, "{}", run.peak());
    assert!(first_run(&run)["duration_s"].as_f64().unwrap() < 2.5);
}

#[test]
fn a_budget_is_not_passed_on_the_strength_of_what_was_not_read() {
    // The workload holds its watcher still for a while.
    let shell = "sleep 0.2; kill -STOP $PPID; sleep 0.8; kill -CONT $PPID; sleep 0.2";
    let run = Project::new().memguard(&["run", "--peak", "1GiB", "--", "sh", "-c", shell]);
    assert_eq!(run.code, 5, "{}", run.err);
    assert!(run.err.contains("nothing could be read") && run.err.contains("≥"), "{}", run.err);
    assert_eq!(first_run(&run)["quality"], "poor");
}
