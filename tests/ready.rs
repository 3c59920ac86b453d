//! Start-up, and what is measured from its end, on real processes.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use common::{MIB, OWN, Project, close_to};
use serde_json::Value;

/// 17 MiB at once, still for 200 ms, 100 MiB in 300 ms, a line, 1.5 s idle.
const STALL: &str = "ramp 17MiB; hold 200ms; ramp 100MiB 300ms; log \"READY in 12 ms\"; hold 1500ms";
const LINE: &str = r"ready = { log = '^READY in \d+ ms$' }";

/// The test that keeps every core busy runs by itself: it would bend the curves of the others.
fn alone() -> MutexGuard<'static, ()> {
    static CORES: Mutex<()> = Mutex::new(());
    CORES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn measured_from_ready(run: &Value) -> [&Value; 4] {
    ["ready_s", "startup_bytes", "retained_bytes", "growth_bytes_per_min"].map(|key| &run[key])
}

#[test]
fn the_end_of_start_up_is_proposed_and_never_guessed() {
    let (project, _alone) = (Project::new(), alone());
    project.config("budget = { peak = \"200 MiB\" }", STALL);
    let run = project.memguard(&["run"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let workload = &run.results()["workloads"][0];
    assert!(measured_from_ready(&workload["runs"][0]).iter().all(|value| value.is_null()), "{workload}");
    assert_eq!(workload["ready_proposal"]["config_line"], LINE, "{workload}");
    let proposal = format!("after `READY in 12 ms`: `{LINE}`.");
    assert!(run.err.contains(&proposal) && !run.err.contains("startup"), "{}", run.err);
    let report = |name: &str| fs::read_to_string(project.path("memguard-report").join(name)).unwrap();
    assert!(report("report.md").contains(&proposal), "{}", report("report.md"));
    assert!(!report("report.html").contains("ready after"));
    assert!(report("report.html").contains(r"<code>ready = { log = &#39;^READY in \d+ ms$&#39; }</code>"));
    assert_eq!(project.memguard(&["baseline", "accept"]).code, 0);
    let baseline = fs::read_to_string(project.path("memguard-baseline.toml")).unwrap();
    assert!(baseline.contains("peak_bytes") && !baseline.contains("startup_bytes"), "{baseline}");

    project.config(&format!("budget = {{ startup = \"140 MiB\" }}\n{LINE}"), STALL);
    let run = project.memguard(&["run"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let workload = &run.results()["workloads"][0];
    let startup = workload["runs"][0]["startup_bytes"].as_u64().unwrap();
    assert!(close_to(startup, 117 * MIB + OWN, 4 * MIB), "{workload}");
    assert!(workload["ready_proposal"].is_null(), "{workload}");
}

#[test]
fn a_limit_on_what_is_measured_from_a_ready_needs_one() {
    let project = Project::new();
    project.config("budget = { peak = \"200 MiB\", startup = \"140 MiB\" }", STALL);
    let run = project.memguard(&["run"]);
    assert!(run.code == 2 && !project.path("memguard-report").exists(), "{}", run.err);
    assert!(run.err.contains("--> memguard.toml:4:") && run.err.contains("help: add `ready = { log ="), "{}", run.err);
    let run = project.run(&["--growth", "1MiB/min"], "hold 50ms");
    assert!(run.code == 2 && run.err.contains("add `--ready-log REGEX`"), "{}", run.err);

    fs::write(project.path("m.csv"), "0,1048576\n1,1048576\n2,1048576\n").unwrap();
    fs::remove_file(project.path("memguard.toml")).unwrap();
    let check = project.memguard(&["check", "m.csv", "--retained", "1MiB"]);
    assert!(check.code == 2 && check.err.contains("add `--ready-log REGEX`"), "{}", check.err);

    let run = project.run(&[], "ramp 10MiB; hold 300ms");
    assert_eq!(run.code, 0, "{}", run.err);
    let check = |flags: &[&str]| project.memguard(&[&["check", "memguard-report"], flags].concat());
    let without = check(&["--max-startup-increase", "5%"]);
    assert!(without.code == 2 && without.err.contains("`--max-startup-increase`: startup is"), "{}", without.err);
    assert_eq!(check(&["--startup", "1GiB", "--ready-after", "100ms"]).code, 0);
    let run = project.run(&["--ready-after", "100ms"], "ramp 10MiB; hold 300ms");
    assert_eq!((run.code, check(&["--startup", "1GiB"]).code), (0, 0), "{}", run.err);
}

#[test]
fn a_leak_is_found_on_a_busy_machine() {
    let (project, stop, _alone) = (Project::new(), AtomicBool::new(false), alone());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let run = thread::scope(|scope| {
        for _ in 0..3 * cores {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        // It gives back the leak a moment before it ends, as a program that frees its objects does.
        let script = "ramp 20MiB; log \"Loaded\"; hold 400ms; spike 40MiB 1200ms; hold 50ms";
        let run = project.run(&["--ready-log", "Loaded", "--retained", "8MiB", "--runs", "3"], script);
        stop.store(true, Ordering::Relaxed);
        run
    });
    assert_eq!(run.code, 1, "{}", run.err);
    for run in run.results()["workloads"][0]["runs"].as_array().unwrap() {
        assert!(close_to(run["retained_bytes"].as_u64().unwrap(), 40 * MIB, 2 * MIB), "{run}");
    }
}

#[test]
fn a_run_that_was_killed_retains_nothing_that_could_be_measured() {
    let flags = ["--ready-log", "Loaded", "--abort-above", "50MiB", "--retained", "8MiB"];
    let run = Project::new().run(&flags, "ramp 20MiB; log \"Loaded\"; hold 400ms; ramp 60MiB 500ms; hold 2s");
    assert_eq!(run.code, 4, "{}", run.err);
    assert!(run.results()["workloads"][0]["runs"][0]["retained_bytes"].is_null());
    assert!(run.err.contains("retained could not be measured: the run was killed"), "{}", run.err);
}
