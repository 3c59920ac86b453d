//! What is known of processes that no reading saw, and how sure a peak is, on real processes.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::os::unix::process::CommandExt as _;

use common::{MEMGUARD, MIB, OWN, Outcome, Project, close_to};
use serde_json::Value;

/// The right to be told of the ends of processes. Kernel interface: `CAP_NET_ADMIN`, capabilities(7).
const NET_ADMIN: libc::c_ulong = 12;

fn first_run(outcome: &Outcome) -> &Value {
    &outcome.results()["workloads"][0]["runs"][0]
}

/// Why the kernel did not tell of the ends of processes. None where it did.
fn unheard(outcome: &Outcome) -> Option<&str> {
    let remarks = first_run(outcome)["remarks"].as_array().unwrap();
    remarks.iter().filter_map(Value::as_str).find(|remark| remark.contains("processes.csv may lack"))
}

/// As (command, peak), in the order in which they ended.
fn rows(project: &Project) -> Vec<(String, u64)> {
    let folder = project.path("memguard-report").read_dir().unwrap();
    let runs = folder.flatten().map(|entry| entry.path().join("run-1/processes.csv"));
    let path = runs.filter(|path| path.is_file()).last().unwrap();
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| (row[5].to_owned(), row[4].parse().unwrap_or(0))).collect()
}

/// Without the right, though as root.
fn without_the_right(project: &Project, args: &[&str]) -> Outcome {
    let mut command = project.command(args);
    #[expect(unsafe_code, reason = "the standard library does not give up rights")]
    // SAFETY: between fork and exec it makes one system call, which takes numbers alone.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_CAPBSET_DROP, NET_ADMIN, 0, 0, 0); // refused to whoever has it not anyway
            Ok(())
        });
    }
    project.outcome(&command.output().unwrap())
}

#[test]
fn every_process_of_some_milliseconds_has_its_row_with_its_own_peak() {
    let project = Project::new();
    let line = "i=0; while [ $i -lt 150 ]; do \
                dd if=/dev/zero of=/dev/null bs=2M count=1 2>/dev/null; dd if=/dev/zero of=/dev/null bs=8M count=1 2>/dev/null; \
                i=$((i+1)); done";
    let run = project.memguard(&["run", "--", "sh", "-c", line]);
    assert_eq!(run.code, 0, "{}", run.err);
    let copied = |rows: &[(String, u64)], from: u64| {
        rows.iter().filter(|(command, peak)| command.contains("dd") && (from..from + 3 * MIB).contains(peak)).count()
    };
    let rows = rows(&project);
    match unheard(&run) {
        None => {
            assert_eq!((rows.len(), copied(&rows, 2 * MIB), copied(&rows, 8 * MIB)), (301, 150, 150), "{rows:?}");
            assert!(run.peak() > 8 * MIB, "{}", run.peak());
            assert!(first_run(&run)["seen_once"].as_u64().unwrap() > 0);
        }
        Some(why) => {
            assert!(why.contains("CAP_NET_ADMIN") || why.contains("container") || why.contains("kernel"), "{why}");
        }
    }
}

#[test]
fn without_the_right_to_be_told_of_ends_a_tree_has_no_bound_and_the_record_says_why() {
    let project = Project::new();
    let run = without_the_right(&project, &["run", "--", MEMGUARD, "synth", "fork 2 10MiB private 200ms; join"]);
    let why = unheard(&run).unwrap();
    assert!(why.contains("CAP_NET_ADMIN"), "{why}");
    let run = first_run(&run);
    assert_eq!((&run["peak_certainty"], &run["peak_at_most_bytes"]), (&"bounded".into(), &Value::Null));
    assert_eq!(run["notices"], Value::Array(vec![]), "it stands in the record, and not in every report");
}

#[test]
fn what_a_lone_process_took_just_before_its_end_is_in_its_peak_whatever_the_rights() {
    let script = "ramp 40MiB; hold 1300ms; spike 64MiB 1ms";
    let project = Project::new();
    let args = ["run", "--interval", "1s", "--", MEMGUARD, "synth", script];
    for run in [without_the_right(&project, &args), project.memguard(&args)] {
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(close_to(run.peak(), 104 * MIB + OWN, 5 * MIB), "{}", run.peak());
        assert_eq!(first_run(&run)["peak_certainty"], "exact", "{}", first_run(&run));
        assert_eq!(unheard(&run), None, "it had no children that could be lacking");
    }
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
    let project = Project::new();
    let args = ["run", "--peak", "1GiB", "--", "sh", "-c", shell];
    let run = without_the_right(&project, &args);
    assert_eq!(run.code, 5, "{}", run.err);
    assert!(run.err.contains("nothing could be read") && run.err.contains("≥"), "{}", run.err);
    assert_eq!(first_run(&run)["quality"], "poor");
    let run = project.memguard(&args);
    if unheard(&run).is_none() {
        assert_eq!(run.code, 0, "the marks of all its processes prove that it was below: {}", run.err);
        assert_eq!(first_run(&run)["quality"], "poor");
        assert!(first_run(&run)["peak_at_most_bytes"].as_u64().unwrap() < 100 * MIB);
    }
}
