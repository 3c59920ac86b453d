//! Log files that a real process writes, and secrets that it prints.
#![cfg(target_os = "linux")] // the workloads are lines for `sh`; the parts are tested everywhere, beside their code

mod common;

use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{fs, thread};

use common::Project;

/// The rows of the log without their times: stream and line.
fn rows(project: &Project) -> Vec<String> {
    let log = fs::read_to_string(project.path("memguard-report/sh/run-1/log.csv")).unwrap_or_default();
    log.lines().skip(1).filter_map(|row| row.splitn(3, ',').nth(2)).map(str::to_owned).collect()
}

#[test]
fn a_log_file_stands_beside_the_output_through_rotation_and_truncation() {
    let project = Project::new();
    fs::write(project.path("app.log"), "from an earlier run\n").unwrap();
    let shell = "echo begun; echo one >>app.log; sleep 0.2; mv app.log app.log.1; echo two >>app.log.1; sleep 0.1; \
                 echo three >app.log; sleep 0.2; : >app.log; sleep 0.2; printf four >>app.log; echo done >&2";
    let run = project.memguard(&["run", "--log-file", "app.log", "--ready-log", "three", "--", "sh", "-c", shell]);
    assert_eq!(run.code, 0, "{}", run.err);
    let of_file: Vec<String> = rows(&project).into_iter().filter(|row| row.starts_with("app.log,")).collect();
    assert_eq!(of_file, ["app.log,one", "app.log,two", "app.log,three", "app.log,four"]);
    assert!(rows(&project).contains(&"stdout,begun".to_owned()) && rows(&project).contains(&"stderr,done".to_owned()));
    assert!(run.results()["workloads"][0]["runs"][0]["ready_s"].is_number(), "a line of a file can end start-up");
}

#[test]
fn lines_of_a_file_are_as_old_as_they_say() {
    let project = Project::new();
    // Written at its end all at once, as from a buffer.
    let shell = "a=$(date +%s.%N); sleep 0.5; b=$(date +%s.%N); sleep 0.5; printf '%s begun\\n  more\\n%s half\\n' $a $b >app.log";
    let file = "{ path = \"app.log\", time = \"%s.%f\" }";
    let run = project.memguard(&["run", "--log-file", file, "--", "sh", "-c", shell]);
    assert_eq!(run.code, 0, "{}", run.err);
    let log = fs::read_to_string(project.path("memguard-report/sh/run-1/log.csv")).unwrap();
    let at: Vec<f64> = log.lines().skip(1).map(|row| row.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(at.len(), 3, "{log}");
    assert!(at[0] == at[1] && at[2] - at[0] >= 0.5, "{log}");
}

#[test]
fn a_log_that_never_appears_is_told() {
    let project = Project::new();
    project.memguard(&["run", "--log-file", "no.log", "--", "sh", "-c", ":"]);
    let record = fs::read_to_string(project.path("memguard-report/sh/run-1/run.json")).unwrap();
    assert!(record.contains("the log `no.log` never appeared"), "{record}");
}

#[test]
fn secrets_reach_the_terminal_and_no_artifact() {
    let project = Project::new();
    let shell = "echo token=hunter2 ok; echo token=hunter2 >app.log; sh -c 'sleep 0.2' token=hunter2";
    let flags = ["run", "--redact", "hunter\\d", "--log-file", "app.log", "--peak", "1KiB", "--", "sh", "-c", shell];
    let run = project.memguard(&flags);
    assert_eq!(run.out, b"token=hunter2 ok\n");
    assert!(rows(&project).contains(&"stdout,token=[redacted] ok".to_owned()), "{:?}", rows(&project));
    assert!(rows(&project).contains(&"app.log,token=[redacted]".to_owned()));
    let mut folders = vec![project.path("memguard-report")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"hunter"), "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 5, "the artifacts are there");
    let processes = fs::read_to_string(project.path("memguard-report/sh/run-1/processes.csv")).unwrap();
    assert!(processes.contains("[redacted]"), "{processes}");
}

#[test]
fn the_line_before_the_rise_is_named_first() {
    let script =
        "log \"started\"; ramp 5MiB; log \"loading 3 tables\"; ramp 40MiB 100ms; log \"heartbeat\"; hold 100ms";
    let run = Project::new().run(&[], script);
    let growth = &run.results()["workloads"][0]["log_growth"][0];
    assert_eq!(
        (growth["template"].as_str(), growth["count"].as_u64()),
        (Some("loading <n> tables"), Some(1)),
        "{growth}"
    );
    assert!(run.err.contains("memory by log line of `memguard`:"), "{}", run.err);
    assert!(run.err.contains("\"loading 3 tables\""), "{}", run.err);
}

/// Prints 176 MB of lines and then waits for the file `go`.
const TOO_MUCH: &str = "yes \"$(printf '%8000s' x)\" | head -n 22000; echo 'the last words'; \
                        until [ -e go ]; do sleep 0.05; done";

/// How many lines the log leaves out, and its last row.
fn gap_and_last(log: &str) -> (u64, &str) {
    let gap = log.lines().find_map(|row| row.split_once(",memguard,")?.1.split(' ').next()?.parse().ok());
    (gap.unwrap_or_default(), log.lines().last().unwrap_or_default())
}

#[test]
fn a_log_too_large_to_be_kept_has_its_beginning_and_its_end_and_says_what_is_between() {
    let project = Project::new();
    fs::write(project.path("go"), "").unwrap();
    let run = project.memguard(&["run", "--", "sh", "-c", TOO_MUCH]);
    assert_eq!((run.code, run.out.len()), (0, 22_000 * 8001 + "the last words\n".len()), "{}", run.err);
    let log = fs::read_to_string(project.path("memguard-report/sh/run-1/log.csv")).unwrap();
    assert!(log.len() < 129 << 20, "{}", log.len());
    let (gap, last) = gap_and_last(&log);
    assert!(last.ends_with(",stdout,the last words"), "{last}");
    // Its header and the gap are no lines of the workload's.
    assert_eq!(log.lines().count() as u64 - 2 + gap, 22_001);
    let told = format!("{gap} lines of output from ");
    assert!(run.err.contains(&told), "{}", run.err);
    let page = fs::read_to_string(project.path("memguard-report/report.html")).unwrap();
    assert!(page.contains(" are not in it.") && page.contains("the last words"), "the page tells of the gap");
}

#[test]
fn the_end_of_a_large_log_survives_a_kill_of_memguard() {
    let project = Project::new();
    let folder = project.path("memguard-report/sh/run-1");
    let run = project.command(&["run", "--", "sh", "-c", TOO_MUCH]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut run = run.unwrap();
    let end = folder.join("log-end-2.csv");
    wait_until(|| fs::read_to_string(&end).is_ok_and(|text| text.ends_with("the last words\n")));
    run.kill().unwrap();
    run.wait().unwrap();
    fs::write(project.path("go"), "").unwrap();
    let check = project.memguard(&["check", "memguard-report"]);
    assert_eq!(check.code, 5, "it was not measured to its end: {}", check.err);
    let page = fs::read_to_string(project.path("memguard-report/report.html")).unwrap();
    assert!(page.contains(" are not in it.") && page.contains("the last words"), "the page tells of the gap");
}

fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came");
        thread::sleep(Duration::from_millis(20));
    }
}
