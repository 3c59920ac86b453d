//! What a sampler is likely to miss, on real processes.
#![cfg(target_os = "linux")] // marks of the kernel, orphans, limits

mod common;

use std::fs;
use std::process::Command;

use common::{MEMGUARD, MIB, OWN, Project, close_to};

#[test]
fn a_spike_between_two_ticks_is_in_the_peak() {
    let script = "hold 100ms; repeat 3 { spike 64MiB 1ms; hold 30ms }; hold 100ms";
    let run = Project::new().run(&["--interval", "100ms"], script);
    assert!(close_to(run.peak(), 64 * MIB + OWN, 4 * MIB), "{}", run.peak());
}

#[test]
fn what_wakes_after_a_long_sleep_is_seen_with_all_that_it_does() {
    let script = "hold 1s; spike 64MiB 1ms; hold 1s; fork 2 50MiB 300ms; join; hold 300ms; ramp 20MiB; hold 50ms";
    let project = Project::new();
    let run = project.run(&[], script);
    assert!(close_to(run.peak(), 2 * 50 * MIB + 3 * OWN, 15 * MIB), "{}", run.peak());
    let rows = fs::read_to_string(project.path("memguard-report/memguard/run-1/memory.csv"));
    let rows = rows.unwrap_or_else(|error| panic!("{error}: {}", run.err));
    let cell = |row: &str, column: usize| row.split(',').nth(column).and_then(|cell| cell.parse::<u64>().ok());
    let spike = rows.lines().skip(1).filter(|row| cell(row, 12) == Some(1)).filter_map(|row| cell(row, 3)).max();
    assert!(close_to(spike.unwrap_or(0), 64 * MIB + OWN, 4 * MIB), "while it was alone: {spike:?}");
    // Of the rows after the forks, the highest: the last one may have met the process while it gave its memory back.
    let alone_again = rows.lines().rev().take_while(|row| cell(row, 12) == Some(1));
    let last = alone_again.filter_map(|row| cell(row, 2)).max();
    assert!(close_to(last.unwrap_or(0), 20 * MIB + OWN, 4 * MIB), "at the end: {last:?}");
}

#[test]
fn what_one_that_slept_for_long_leaves_behind_is_seen_before_all_sleep_again() {
    let project = Project::new();
    let run = project.run_shapes(&[], "repeat 4 { hold 600ms; daemonise 30MiB 100ms; hold 300ms }");
    let rows = fs::read_to_string(project.path("memguard-report/shapes/run-1/memory.csv"));
    let rows = rows.unwrap_or_else(|error| panic!("{error}: {}", run.err));
    let several =
        |row: &str| row.split(',').nth(12).and_then(|cell| cell.parse::<u64>().ok()).is_some_and(|count| count > 1);
    let several: Vec<bool> = rows.lines().skip(1).map(several).collect();
    let began = several.windows(2).filter(|two| !two[0] && two[1]).count();
    assert_eq!(began, 4, "{rows}");
    assert!(close_to(run.peak(), 30 * MIB + 2 * OWN, 8 * MIB), "{}", run.peak());
}

#[test]
fn a_churn_of_short_processes_is_seen_whole() {
    let run = Project::new().run_shapes(&[], "churn 60 40ms 30MiB 4");
    // Three to four of them at a time; one in the making is not full yet.
    assert!((75 * MIB..=160 * MIB).contains(&run.peak()), "{}", run.peak());
    assert_eq!(run.code, 0, "{}", run.err);
}

#[test]
fn the_workload_keeps_its_limit_of_open_files_however_many_memguard_opens() {
    let project = Project::new();
    let limited = |limit: &str, script: &str| {
        let line = format!("ulimit -{limit}; exec {MEMGUARD} run --out report -- {script}");
        let shell = Command::new("sh").arg("-c").arg(line).current_dir(project.path("")).output().unwrap();
        (shell.status.code(), String::from_utf8_lossy(&shell.stdout).into_owned(), shell.stderr)
    };
    let (code, out, err) =
        limited("Sn 64", &format!("sh -c 'ulimit -Sn; {MEMGUARD} synth \"fork 40 1MiB 300ms; join\"'"));
    let err = String::from_utf8_lossy(&err).into_owned();
    assert_eq!((code, out.as_str()), (Some(0), "64\n"), "{err}");
    let rows = fs::read_to_string(project.path("report/sh/run-1/processes.csv")).unwrap();
    assert!(rows.lines().count() > 41, "{rows}");
    let (code, _, err) = limited("n 64", &format!("{MEMGUARD} synth 'fork 40 1MiB 300ms; join'"));
    let err = String::from_utf8_lossy(&err).into_owned();
    assert_eq!(code, Some(5), "{err}");
    assert!(err.contains("open files"), "{err}");
}
