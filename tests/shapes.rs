//! What stands behind memory decides how the system counts it: every kind of it on a program of that shape.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what fails is the test")]

mod common;

use std::fs;

use common::{MIB, OWN, Outcome, Project, close_to};

/// The largest value of a column of `memory.csv`.
fn most(project: &Project, column: &str) -> u64 {
    let rows = fs::read_to_string(project.path("memguard-report/shapes/run-1/memory.csv")).unwrap();
    let place = rows.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
    rows.lines().skip(1).filter_map(|row| row.split(',').nth(place)?.parse().ok()).max().unwrap()
}

/// Runs a program that has the kernel swap out what it took.
fn paged_out(project: &Project) -> Outcome {
    let run = project.run_shapes(&[], "ramp 64MiB; hold 100ms; pageout; hold 1500ms");
    assert_eq!(run.code, 0, "{}", run.err);
    run
}

/// 64 MiB of this kind are 64 MiB, and stand in this column.
fn holds_64_mib(kind: &str, column: &str) {
    let project = Project::new();
    let run = project.run_shapes(&[], &format!("map 64MiB {kind}; hold 400ms"));
    assert!(close_to(run.peak(), 64 * MIB + OWN, 4 * MIB), "{kind}: {}: {}", run.peak(), run.err);
    let part = most(&project, column);
    assert!(close_to(part, 64 * MIB, 4 * MIB), "{kind}: {part} of {column}");
}

#[test]
fn a_memfd_is_shared_memory() {
    holds_64_mib("memfd", "shmem_bytes");
}

#[test]
fn posix_shared_memory_and_with_it_any_mapped_file_of_a_tmpfs_is_shared_memory() {
    holds_64_mib("shm", "shmem_bytes");
}

#[test]
fn system_v_shared_memory_is_shared_memory() {
    holds_64_mib("sysv", "shmem_bytes");
}

#[test]
fn a_mapped_file_stands_beside_the_footprint() {
    let project = Project::new();
    let run = project.run_shapes(&[], "map 64MiB file; hold 400ms");
    assert!(run.peak() < 4 * MIB, "{}: {}", run.peak(), run.err);
    let mapped = most(&project, "mapped_bytes");
    assert!(close_to(mapped, 64 * MIB, 6 * MIB), "{mapped}");
}

#[test]
fn huge_pages_are_counted_whole() {
    holds_64_mib("huge", "anon_bytes");
}

#[test]
fn shared_memory_of_forks_is_counted_once_whatever_stands_behind_it() {
    for kind in ["memfd", "sysv"] {
        let script = format!("map 64MiB {kind}; fork 4 1MiB shared 500ms; join");
        let run = Project::new().run_shapes(&[], &script);
        assert!(close_to(run.peak(), 65 * MIB + OWN, 6 * MIB), "{kind}: {}: {}", run.peak(), run.err);
    }
}

#[test]
fn memory_that_the_kernel_was_asked_to_swap_out_is_still_counted() {
    let project = Project::new();
    let run = paged_out(&project);
    let rows = fs::read_to_string(project.path("memguard-report/shapes/run-1/memory.csv")).unwrap();
    let after: Vec<&str> = rows
        .lines()
        .map(|row| row.split(',').collect::<Vec<_>>())
        .find(|row| row[0].parse::<f64>().is_ok_and(|at| at > 0.6))
        .unwrap();
    let memory: u64 = after[2].parse().unwrap();
    assert!(close_to(memory, 64 * MIB + OWN, 4 * MIB), "{after:?}: {}", run.err);
}

/// `.ci/run` runs this where there is swap space.
mod needs_swap {
    use super::*;

    #[test]
    #[ignore = "needs swap space"]
    fn memory_in_swap_space_stands_in_its_column() {
        let project = Project::new();
        let run = paged_out(&project);
        let swapped = most(&project, "swap_bytes");
        assert!(close_to(swapped, 64 * MIB, 6 * MIB), "{swapped}: {}", run.err);
    }
}
