//! The real binary on real processes of known shape.
#![cfg(target_os = "linux")] // shared pages, signals, orphans; what is the same everywhere is tested in `everywhere.rs`

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use common::{MEMGUARD, MIB, OWN, Project, close_to};
use serde_json::Value;

#[test]
fn a_peak_above_its_budget_fails_and_below_it_passes() {
    let project = Project::new();
    let script = "log \"hi\"; ramp 60MiB 100ms; hold 100ms";
    let red = project.run(&["--peak", "50MiB"], script);
    assert_eq!(red.code, 1, "{}", red.err);
    assert!(red.err.contains("above the budget of 50.0 MiB") && red.err.contains("\"hi\""), "{}", red.err);
    assert!(close_to(red.peak(), 60 * MIB + OWN, 3 * MIB), "{}", red.peak());
    let green = project.run(&["--peak", "70MiB"], script);
    assert_eq!((green.code, green.results()["verdict"].as_str()), (0, Some("pass")), "{}", green.err);
}

#[test]
fn at_level_warn_a_crossed_budget_is_reported_and_passes() {
    let run = Project::new().run(&["--peak", "5MiB", "--level", "warn"], "ramp 20MiB; hold 50ms");
    assert_eq!((run.code, run.results()["verdict"].as_str()), (0, Some("warn")));
}

#[test]
fn start_up_is_judged_apart_from_what_comes_after_it() {
    let script = "ramp 20MiB; hold 100ms; log \"ready now\"; hold 100ms; ramp 60MiB; hold 800ms";
    let run = Project::new().run(&["--ready-log", "ready now", "--startup", "30MiB", "--retained", "30MiB"], script);
    assert_eq!(run.code, 1, "{}", run.err);
    let results = &run.results()["workloads"][0]["runs"][0];
    assert!(close_to(results["startup_bytes"].as_u64().unwrap(), 20 * MIB + OWN, 3 * MIB), "{results}");
    assert!(close_to(results["retained_bytes"].as_u64().unwrap(), 60 * MIB, 3 * MIB), "{results}");
}

#[test]
fn growth_after_start_up_is_judged_and_start_up_and_a_plateau_are_none() {
    let project = Project::new();
    let growth = |run: &Value| run["workloads"][0]["checks"][0].clone();
    let flags = ["--ready-log", "ready now", "--growth", "200MiB/min"];
    let leak = project.run(&flags, "ramp 20MiB 50ms; log \"ready now\"; grow 20MiB 2s");
    assert_eq!(leak.code, 1, "{}", leak.err);
    let check = growth(leak.results());
    assert_eq!((check["measure"].as_str(), check["unit"].as_str()), (Some("growth"), Some("bytes_per_min")));
    assert!(close_to(check["value"].as_u64().unwrap(), 600 * MIB, 200 * MIB), "{check}");
    assert!(leak.err.contains("above the budget of 200.0 MiB/min"), "{}", leak.err);
    let still = project.run(&flags, "ramp 20MiB 50ms; log \"ready now\"; hold 1500ms");
    assert_eq!((still.code, growth(still.results())["value"].as_u64()), (0, Some(0)), "{}", still.err);
    let short = project.run(&flags, "ramp 20MiB 50ms; log \"ready now\"; hold 300ms");
    assert_eq!((short.code, growth(short.results())["outcome"].as_str()), (5, Some("unmeasured")), "{}", short.err);
    assert!(short.err.contains("that is too short to tell what grows"), "{}", short.err);
}

#[test]
fn a_phase_has_a_budget_of_its_own() {
    let script = "ramp 10MiB; log \"begin\"; spike 50MiB 100ms; log \"end\"; hold 50ms; spike 90MiB 100ms";
    let phase =
        "name = \"load\", from = { log = \"begin\" }, until = { log = \"end\" }, budget = { peak = \"40 MiB\" }";
    let run = Project::new().run(&["--phase", phase], script);
    assert_eq!(run.code, 1, "{}", run.err);
    let peak = run.results()["workloads"][0]["checks"][0]["value"].as_u64().unwrap();
    assert!(close_to(peak, 60 * MIB + OWN, 3 * MIB), "{peak}");
}

#[test]
fn workers_that_share_memory_share_the_bill() {
    let project = Project::new();
    let script = "fork 6 60MiB shared 400ms; join";
    assert!(close_to(project.run_shapes(&[], script).peak(), 60 * MIB, 9 * MIB), "shared pages count once");
    let rss = project.run_shapes(&["--metric", "rss"], script).peak();
    assert!(rss > 7 * 55 * MIB, "and for each in rss: {rss}");
}

#[test]
fn who_held_the_memory_is_recorded_by_program() {
    let project = Project::new();
    std::os::unix::fs::symlink(common::MEMGUARD, project.path("worker")).unwrap();
    let shell = format!(
        "'{}' synth 'ramp 60MiB; hold 400ms' & ./worker synth 'ramp 30MiB; hold 400ms'; wait",
        common::MEMGUARD
    );
    assert_eq!(project.memguard(&["run", "--", "sh", "-c", &shell]).code, 0);
    let rows = fs::read_to_string(project.path("memguard-report/sh/run-1/programs.csv")).unwrap();
    for (program, most) in [("memguard", 60 * MIB + OWN), ("worker", 30 * MIB + OWN)] {
        let memory = |row: &str| row.split(',').nth(3)?.parse::<u64>().ok();
        let peak = rows.lines().filter(|row| row.split(',').nth(1) == Some(program)).filter_map(memory).max();
        assert!(peak.is_some_and(|peak| close_to(peak, most, 4 * MIB)), "{program}: {rows}");
    }
    fs::remove_file(project.path("memguard-report/sh/run-1/programs.csv")).unwrap();
    assert_eq!(project.memguard(&["check", "memguard-report"]).code, 0, "an older trace has no such file");
}

#[test]
fn the_portable_source_sees_the_tree_too() {
    let run = Project::new().run(&["--source", "portable"], "fork 3 30MiB 500ms; join");
    // Programs and libraries count for each process here, as rss has it.
    assert!(close_to(run.peak(), 115 * MIB, 25 * MIB), "{}", run.peak());
    let results = &run.results()["workloads"][0];
    assert_eq!(results["metric"], "rss");
    let run = &results["runs"][0];
    assert_eq!(run["peak_certainty"], "sampled", "it has no marks");
}

#[test]
fn the_portable_source_sees_an_orphan_of_the_group() {
    let line = format!("('{MEMGUARD}' synth 'ramp 40MiB; hold 500ms' &)");
    let run = Project::new().memguard(&["run", "--source", "portable", "--timeout", "20s", "--", "sh", "-c", &line]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.peak() > 35 * MIB, "{}", run.peak());
}

#[test]
fn the_workload_may_open_as_many_files_as_without_memguard() {
    let project = Project::new();
    for source in ["proc", "portable"] {
        let line = format!("ulimit -Sn 200; exec '{MEMGUARD}' run --quiet --source {source} -- sh -c 'ulimit -Sn'");
        let output = Command::new("sh").args(["-c", &line]).current_dir(project.path("")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "200", "{source}");
    }
}

#[test]
fn an_orphan_belongs_to_the_tree_until_it_ends() {
    let run = Project::new().run_shapes(&["--timeout", "20s"], "daemonise 40MiB 300ms");
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(close_to(run.peak(), 40 * MIB + OWN, 4 * MIB), "{}", run.peak());
}

#[test]
fn a_workload_that_fails_is_never_green() {
    let project = Project::new();
    for (flags, script, what) in [
        (&[][..], "exit 3", "exited with status 3"),
        (&[], "kill -KILL $$", "killed by signal 9 (SIGKILL)"),
        (&["--timeout", "200ms"], "exec sleep 30", "stopped at its timeout"),
        (&["--timeout", "200ms", "--stop-grace", "100ms"], "trap '' TERM; sleep 30", "stopped at its timeout"),
        (&["--abort-above", "20MiB"], "\"$MEMGUARD\" synth 'ramp 200MiB 5s'", "crossed `abort_above`"),
        (&["--ready-log", "x", "--ready-within", "200ms"], "exec sleep 30", "never got ready"),
        (&["--ready-log", "x"], "sleep 0.05", "never got ready"),
        (&["--ready-file", "no-such-file"], "sleep 0.05", "never got ready"),
        (&["--before", "exit 7"], "sleep 0.05", "exited with status 7"),
    ] {
        let args = [&["run"][..], flags, &["--", "sh", "-c", script]].concat();
        let run = project.outcome(&project.command(&args).env("MEMGUARD", MEMGUARD).output().unwrap());
        assert_eq!(run.code, 4, "{script}: {}", run.err);
        assert!(run.err.contains(what), "{script}: {}", run.err);
        assert_eq!(run.results()["verdict"], "error");
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let project = Project::new();
    let run = project.memguard(&["run", "--", "no-such-program"]);
    assert_eq!(run.code, 4);
    assert!(run.err.contains("there is no program `no-such-program`"), "{}", run.err);
}

#[test]
fn a_program_that_does_not_start_is_explained() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new();
    let file = |name: &str, text: &[u8], mode: u32| {
        fs::create_dir_all(project.path("bin")).unwrap();
        fs::write(project.path(name), text).unwrap();
        fs::set_permissions(project.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    file("crlf", b"#!/bin/sh\r\necho hi\r\n", 0o755);
    file("bin/venv", b"#! /no/such/python -u\nprint(1)\n", 0o755);
    file("plain", b"echo hi\n", 0o755);
    file("other", b"\x7fELF\0\0", 0o755);
    file("data", b"", 0o644);
    file("locked", b"#!./data\n", 0o755);
    let path = format!("PATH={}", project.path("bin").display());
    for (words, why) in [
        (&["./crlf"][..], "its interpreter \"/bin/sh\\r\" is not there: the `#!` line of `./crlf` ends in CR LF"),
        (&["./bin/venv"], "its interpreter \"/no/such/python\" is not there"),
        (&["../bin/venv", "--cwd", "bin"], "its interpreter \"/no/such/python\" is not there"),
        (&["venv", "--env", &path], "its interpreter \"/no/such/python\" is not there"),
        (&["./plain"], "`./plain` has no `#!` line"),
        (&["./other"], "`./other` is no program for this system"),
        (&["./data"], "`./data` may not be executed"),
        (&["./locked"], "its interpreter \"./data\" may not be executed"),
        (&["./bin"], "`./bin` is a folder, not a program"),
        (&["./absent"], "there is no file `./absent`"),
        (&["sleep 1"], "the whole command is one word"),
        (&["true", "--cwd", "absent"], "the folder `./absent` does not exist"),
    ] {
        let run = project.memguard(&[&["run"], &words[1..], &["--", words[0]]].concat());
        assert!(run.code == 4 && run.err.contains(why), "{words:?}: {}", run.err);
    }
}

#[test]
fn every_sign_of_being_ready_is_seen() {
    let project = Project::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("ramp 10MiB; listen {port}; hold 400ms; ramp 50MiB; hold 100ms");
    let file = "ramp 10MiB; touch up; hold 400ms; ramp 50MiB; hold 100ms";
    for (flags, script) in [
        (vec!["--ready-port".to_owned(), port.to_string()], listen.as_str()),
        (vec!["--ready-file".into(), "up".into()], file),
        (vec!["--ready-command".into(), "test -e up".into()], file),
        (vec!["--ready-after".into(), "200ms".into()], "ramp 10MiB; hold 600ms; ramp 50MiB; hold 100ms"),
    ] {
        let _ = fs::remove_file(project.path("up"));
        let flags: Vec<&str> = flags.iter().map(String::as_str).chain(["--startup", "40MiB"]).collect();
        let run = project.run_shapes(&flags, script);
        assert_eq!(run.code, 0, "{flags:?}: {}", run.err);
    }
}

#[test]
fn a_server_is_driven_and_stopped() {
    let project = Project::new();
    let drive = format!("'{}' synth 'ramp 90MiB; hold 200ms'", common::MEMGUARD);
    let run =
        project.run(&["--ready-log", "up", "--drive", &drive, "--peak", "40MiB"], "ramp 20MiB; log \"up\"; hold 60s");
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(run.results()["workloads"][0]["runs"][0]["ended"], "stopped");
    assert!(close_to(run.peak(), 20 * MIB + OWN, 4 * MIB), "the load is not measured: {}", run.peak());
    let run = project.run(&["--ready-log", "up", "--drive", "exit 9"], "log \"up\"; hold 60s");
    assert!(run.code == 4 && run.err.contains("`drive` exited with status 9"), "{}", run.err);
}

#[test]
fn output_is_passed_on_byte_for_byte() {
    let project = Project::new();
    let shell = "printf 'a\\r\\n\\000\\377b'; printf oops >&2";
    let run = project.memguard(&["run", "--quiet", "--", "sh", "-c", shell]);
    assert_eq!((run.out.as_slice(), run.err.as_str()), (&b"a\r\n\0\xffb"[..], "oops"));
    let log = fs::read_to_string(project.path("memguard-report/sh/run-1/log.csv")).unwrap();
    assert!(log.contains(",stdout,a\n") && log.contains(",stderr,oops\n"), "{log}");
}

#[test]
fn output_that_can_not_be_written_is_no_success_and_the_run_goes_on() {
    let project = Project::new();
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let script = "log \"first\"; ramp 20MiB; log \"last\"; hold 50ms";
    let output = project.command(&["run", "--", MEMGUARD, "synth", script]).stdout(full()).output().unwrap();
    let run = project.outcome(&output);
    let lost = "could not pass on the workload's output: No space left on device";
    assert_eq!((run.code, &run.results()["exit_code"]), (5, &5.into()), "{}", run.err);
    assert!(run.err.contains(lost), "{}", run.err);
    assert!(close_to(run.peak(), 20 * MIB + OWN, 4 * MIB), "{}", run.peak());
    assert_eq!(run.results()["workloads"][0]["runs"][0]["ended"], "exited", "it met no error of its own");
    let read = |name: &str| fs::read_to_string(project.path("memguard-report").join(name)).unwrap();
    assert!(read("memguard/run-1/log.csv").contains(",stdout,last\n"));
    for name in ["report.md", "report.html", "junit.xml"] {
        assert!(read(name).replace("&#39;", "'").replace("&apos;", "'").contains(lost), "{name}: {}", read(name));
    }
    assert_eq!(project.memguard(&["check", "memguard-report"]).code, 5);
    // Then there is nowhere to say so but in the files.
    let output = project.command(&["run", "--", "sh", "-c", "echo >&2; exit 3"]).stderr(full()).output().unwrap();
    let run = project.outcome(&output);
    assert_eq!((run.code, &run.results()["exit_code"]), (5, &5.into()));
    let what = run.results()["workloads"][0]["failures"][0]["what"].as_str().unwrap();
    assert!(what.starts_with("exited with status 3, but memguard could not pass on"), "{what}");
}

#[test]
fn output_that_nobody_reads_any_more_ends_the_workload_by_a_broken_pipe() {
    let project = Project::new();
    let mut child = project.command(&["run", "--", "yes"]).stdout(Stdio::piped()).spawn().unwrap();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!(project.results()["workloads"][0]["runs"][0]["signal"], 13);
}

#[test]
fn without_a_terminal_a_workload_that_is_stopped_waits_for_whoever_stopped_it() {
    let project = Project::new();
    let script = "echo $$; kill -TSTP $$; kill -STOP $$; echo on";
    let mut child =
        project.command(&["run", "--timeout", "60s", "--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let pid = rustix::process::Pid::from_raw(line.trim().parse().unwrap()).unwrap();
    for signal in ["TSTP", "STOP"] {
        let stat = format!("/proc/{}/stat", line.trim());
        while !fs::read_to_string(&stat).unwrap_or_else(|_| panic!("it went on after {signal}")).contains(") T ") {}
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    }
    line.clear();
    output.read_line(&mut line).unwrap();
    assert_eq!((line.as_str(), child.wait().unwrap().code()), ("on\n", Some(0)));
}

#[test]
fn a_flood_of_binary_and_a_closed_output_do_no_harm() {
    let project = Project::new();
    let run = project.memguard(&["run", "--", "head", "-c", "20000000", "/dev/urandom"]);
    assert_eq!((run.code, run.out.len()), (0, 20_000_000), "{}", run.err);
    assert_eq!(project.memguard(&["run", "--", "sh", "-c", "exec >&-; sleep 0.1"]).code, 0);
}

#[test]
fn the_workload_has_our_input_folder_and_environment() {
    let project = Project::new();
    fs::create_dir(project.path("sub")).unwrap();
    let shell = "read line; echo \"$line $FROM_OUTSIDE $EXTRA $(basename \"$PWD\")\"";
    let mut child = project
        .command(&["run", "--quiet", "--cwd", "sub", "--env", "EXTRA=2", "--", "sh", "-c", shell])
        .env("FROM_OUTSIDE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"typed\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "typed 1 2 sub\n");
}

#[test]
fn an_interrupt_is_passed_on_and_the_artifacts_are_finished() {
    let project = Project::new();
    let mut child = project
        .command(&["run", "--", common::MEMGUARD, "synth", "ramp 20MiB; hold 300ms; log \"up\"; hold 60s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let results = project.results();
    assert_eq!(results["workloads"][0]["runs"][0]["ended"], "interrupted");
    assert!(results["workloads"][0]["runs"][0]["peak_bytes"].as_u64().unwrap() > 15 * MIB);
    assert!(project.path("memguard-report/memguard/graph.png").is_file());
}

#[test]
fn what_was_recorded_before_memguard_was_killed_can_be_judged() {
    let project = Project::new();
    let mut child = project
        .command(&["run", "--", common::MEMGUARD, "synth", "ramp 30MiB; hold 700ms; log \"up\"; hold 2s"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let check = project.memguard(&["check", "memguard-report", "--peak", "10MiB"]);
    let text = String::from_utf8_lossy(&check.out).into_owned();
    assert_eq!(check.code, 5, "{text}{}", check.err);
    assert!(text.contains("cut short") && text.contains("above the budget of 10.0 MiB"), "{text}");
}

#[test]
fn the_artifacts_folder_must_be_one_and_is_replaced_whole() {
    let project = Project::new();
    fs::write(project.path("file"), "").unwrap();
    let run = project.memguard(&["run", "--out", "file", "--", "true"]);
    assert!(run.code == 5 && run.err.contains("`file` is a file"), "{}", run.err);
    project.memguard(&["run", "--runs", "2", "--name", "old", "--", "true"]);
    fs::write(project.path("memguard-report/notes.txt"), "mine").unwrap();
    project.memguard(&["run", "--name", "new", "--", "true"]);
    assert!(!project.path("memguard-report/old").exists());
    assert!(project.path("memguard-report/new/run-1/memory.csv").is_file());
    assert!(project.path("memguard-report/notes.txt").is_file(), "what is not ours stays");
}

#[test]
fn check_gives_the_same_verdict_on_a_folder_moved_elsewhere() {
    let project = Project::new();
    let run = project.run(&["--peak", "20MiB"], "ramp 40MiB; hold 100ms");
    fs::rename(project.path("memguard-report"), project.path("moved")).unwrap();
    let check = project.memguard(&["check", "moved", "--peak", "20MiB"]);
    assert_eq!((run.code, check.code), (1, 1));
    let verdict = |text: &str| text.lines().filter(|line| line.contains("FAIL")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(verdict(&run.err), verdict(&String::from_utf8_lossy(&check.out)));
    assert_eq!(project.memguard(&["check", "moved", "--peak", "60MiB"]).code, 0);
}

#[test]
fn a_regression_against_the_accepted_baseline_fails() {
    let project = Project::new();
    project.config("regression = { peak = { percent = 10, at_least = \"4 MiB\" } }", "ramp 30MiB; hold 60ms");
    let first = project.memguard(&["run"]);
    assert_eq!((first.code, first.err.contains("no baseline")), (0, true), "{}", first.err);
    assert_eq!(project.memguard(&["run", "--require-baseline"]).code, 6);
    let diff = project.memguard(&["baseline", "diff"]);
    assert!(String::from_utf8_lossy(&diff.out).contains("new: a on"), "{}", diff.err);
    assert!(!project.path("memguard-baseline.toml").exists());
    assert_eq!(project.memguard(&["baseline", "accept"]).code, 0);
    let stored = fs::read(project.path("memguard-baseline.toml")).unwrap();
    assert_eq!(project.memguard(&["baseline", "accept"]).code, 0);
    assert_eq!(fs::read(project.path("memguard-baseline.toml")).unwrap(), stored, "the same results change nothing");
    assert_eq!(project.memguard(&["run"]).code, 0);
    project.config("regression = { peak = { percent = 10, at_least = \"4 MiB\" } }", "ramp 50MiB; hold 60ms");
    let grown = project.memguard(&["run"]);
    assert!(grown.code == 3 && grown.err.contains("memguard baseline accept"), "{}", grown.err);
    let other = project.memguard(&["run", "--metric", "rss"]);
    assert!(other.code == 0 && other.err.contains("not comparable"), "{}", other.err);
    project.config("", "ramp 50MiB; hold 60ms; exit 1");
    project.memguard(&["run"]);
    let refused = project.memguard(&["baseline", "accept"]);
    assert!(refused.code == 5 && refused.err.contains("exited with status 1"), "{}", refused.err);
    assert_eq!(fs::read(project.path("memguard-baseline.toml")).unwrap(), stored);
}
