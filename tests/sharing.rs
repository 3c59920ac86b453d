//! Processes that share pages, end while they grow, or are forked faster than they can be read.
#![cfg(target_os = "linux")]

mod common;

use common::{MIB, OWN, Outcome, Project, close_to};

/// The least and the most that the peak can have been.
fn interval(outcome: &Outcome) -> (u64, u64) {
    let run = &outcome.results()["workloads"][0]["runs"][0];
    let bytes = |name: &str| run[name].as_u64().unwrap_or_else(|| panic!("no {name} in {run}"));
    (bytes("peak_low_bytes"), bytes("peak_high_bytes"))
}

#[test]
fn a_forked_worker_that_takes_and_gives_back_counts_once() {
    let script = "ramp 100MiB; worker 1 { repeat 30 { spike 30MiB 30ms; hold 30ms } }; join";
    let run = Project::new().run_shapes(&[], script);
    assert!(close_to(run.peak(), 130 * MIB + OWN, 3 * MIB), "{}: {}", run.peak(), run.err);
    let (low, high) = interval(&run);
    assert!(low <= run.peak() && run.peak() <= high && high <= 231 * MIB, "{low} {high}");
}

#[test]
fn a_large_parent_that_forks_short_children_is_exact() {
    let script =
        "ramp 200MiB; hold 300ms; log ready; repeat 40 { worker 1 { hold 20ms }; ramp 1MiB; join }; hold 500ms";
    let run = Project::new().run_shapes(&["--ready-log", "ready", "--retained", "10MiB"], script);
    assert!(close_to(run.peak(), 240 * MIB + OWN, 3 * MIB), "{}: {}", run.peak(), run.err);
    let (low, high) = interval(&run);
    assert!(high - low <= run.peak() / 50, "{low} {high}");
    assert_eq!(run.code, 1, "it retains 40 MiB: {}", run.err);
}

#[test]
fn a_child_that_takes_memory_and_ends_at_once_is_inside_the_uncertainty() {
    let project = Project::new();
    for _ in 0..5 {
        let run = project.run_shapes(&["--peak", "50MiB"], "hold 100ms; worker 1 { ramp 64MiB }; join; hold 50ms");
        let (low, high) = interval(&run);
        let truth = 64 * MIB;
        assert!(low <= truth + 2 * MIB && truth <= high + MIB, "{truth} is not in {low} to {high}: {}", run.err);
        assert!(run.code == 1 || run.code == 5, "{}: {}", run.code, run.err);
    }
}

#[test]
fn a_mapped_file_that_comes_and_goes_is_no_footprint() {
    let run = Project::new().run_shapes(&[], "hold 50ms; repeat 5 { map 64MiB file; hold 30ms }; hold 50ms");
    assert!(run.peak() < 8 * MIB, "{}: {}", run.peak(), run.err);
}
