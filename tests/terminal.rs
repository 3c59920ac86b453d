//! The terminal that a workload is lent, and the line that is drawn on it meanwhile.
#![cfg(target_os = "linux")] // `script` has other flags elsewhere, and /proc tells who has the terminal

mod common;

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use common::pty::{Free, Output, PROMPT, Shown};
use common::{MEMGUARD, Project};

/// What a shell line prints on a terminal of its own, which `script` (util-linux) makes.
fn on_a_terminal(project: &Project, line: &str) -> String {
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", line, "/dev/null"]).current_dir(project.path("."));
    let output = command.stdin(Stdio::null()).output().expect("`script` of util-linux makes the terminal");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_terminal_is_the_workloads_while_it_runs_and_given_back_after_it() {
    let project = Project::new();
    // The fields are the process group, and that which has the terminal (proc_pid_stat(5)).
    let told = "cut -d\" \" -f5,8 /proc/$$/stat";
    // It is lent once the workload has started.
    let inside = format!("until set -- $({told}) && [ $1 = $2 ]; do :; done; echo in $1 $2");
    let line = format!("'{MEMGUARD}' run --quiet --timeout 20s -- sh -c '{inside}'; echo after $({told})");
    let said = on_a_terminal(&project, &line);
    for when in ["in ", "after "] {
        let groups = said.lines().find_map(|line| line.trim_end().strip_prefix(when)).unwrap();
        let (own, terminals) = groups.split_once(' ').unwrap();
        assert_eq!(own, terminals, "{said}");
    }
}

/// Prints, waits to be told, and prints on.
const WAITS: &str = "echo one; until [ -e go ]; do sleep 0.02; done; echo two; printf three; until [ -e on ]; do sleep 0.02; done; echo";

fn line_is_drawn(shown: &Shown) -> bool {
    shown.last().contains("now ") && shown.last().contains("peak ")
}

#[test]
fn a_line_under_the_output_tells_how_far_the_run_is_and_leaves_nothing_behind() {
    let project = Project::new();
    let mut terminal = Free::new(100).run(&project, &["run", "--", "sh", "-c", WAITS], Output::Terminal, &[]);
    terminal.until(line_is_drawn);
    assert_eq!(terminal.shown.rows[0], "one");
    assert!(terminal.shown.last().starts_with("sh  "), "{:?}", terminal.shown);
    assert!(terminal.raw.contains("\x1b[36m"), "the curve is in colour");
    terminal.resize(30);
    terminal.until(|shown| shown.last().starts_with("now ") && !shown.last().contains("peak"));
    terminal.resize(80);
    terminal.until(line_is_drawn);
    fs::write(project.path("go"), "").unwrap();
    // A line that is not complete is the workload's own.
    terminal.until(|shown| shown.last() == "three");
    fs::write(project.path("on"), "").unwrap();
    assert_eq!(terminal.end(), 0);
    let rows = &terminal.shown.rows;
    assert_eq!(rows[..3], ["one", "two", "three"]);
    assert!(rows.iter().all(|row| !row.contains("now ")), "{rows:#?}");
    assert!(rows[3..].iter().any(|row| row == "verdict: pass (exit code 0: nothing failed)"), "{rows:#?}");
}

#[test]
fn without_colour_the_line_is_drawn_all_the_same() {
    let project = Project::new();
    let (args, env) = (["run", "--", "sh", "-c", WAITS], [("NO_COLOR", "1"), ("LC_ALL", "C")]);
    let mut terminal = Free::new(100).run(&project, &args, Output::Terminal, &env);
    terminal.until(line_is_drawn);
    ["go", "on"].iter().for_each(|name| fs::write(project.path(name), "").unwrap());
    assert_eq!(terminal.end(), 0);
    let other = terminal.raw.replace("\x1b[K", "");
    assert!(!other.contains('\x1b'), "{other:?}");
}

#[test]
fn nothing_is_drawn_in_ci_on_a_dumb_terminal_with_quiet_beside_a_pipe_or_while_a_password_is_asked_for() {
    let project = Project::new();
    let script = "echo one; sleep 0.6; echo two";
    let args = ["run", "--", "sh", "-c", script];
    let nothing_is_drawn = |terminal: Free, args: &[&str], output: Output, env: &[(&str, &str)]| {
        let mut terminal = terminal.run(&project, args, output, env);
        assert_eq!(terminal.end(), 0);
        let raw = &terminal.raw;
        assert!(!raw.contains("now ") && !raw.contains("\x1b[K"), "{env:?}: {raw:?}");
        assert!(env != [("TERM", "dumb")] || !raw.contains('\x1b'), "no colour either: {raw:?}");
    };
    nothing_is_drawn(Free::new(80), &args, Output::Terminal, &[("CI", "true")]);
    nothing_is_drawn(Free::new(80), &args, Output::Terminal, &[("TERM", "dumb")]);
    nothing_is_drawn(Free::new(80), &["run", "--quiet", "--", "sh", "-c", script], Output::Terminal, &[]);
    nothing_is_drawn(Free::new(80), &args, Output::Elsewhere(Stdio::piped()), &[]);
    nothing_is_drawn(Free::new(80).without_echo(), &args, Output::Terminal, &[]);
}

#[test]
fn output_that_goes_into_a_file_has_nothing_of_the_line() {
    let project = Project::new();
    let into_file = Output::Elsewhere(File::create(project.path("out")).unwrap().into());
    let args = ["run", "--", "sh", "-c", WAITS];
    let mut terminal = Free::new(80).run(&project, &args, into_file, &[]);
    terminal.until(line_is_drawn);
    ["go", "on"].iter().for_each(|name| fs::write(project.path(name), "").unwrap());
    assert_eq!(terminal.end(), 0);
    assert_eq!(fs::read_to_string(project.path("out")).unwrap(), "one\ntwo\nthree\n");
}

/// The shell waits for a line again, and this was printed before.
fn prompt_after(text: &str) -> impl Fn(&Shown) -> bool {
    move |shown| shown.last() == PROMPT && shown.rows.iter().any(|row| row.contains(text))
}

/// Waits for a word from the pipe `go`, then for one from the terminal. It starts no process: one that is stopped between its
/// vfork and its exec would hold up the shell that started it, with or without memguard.
const READS: &str = "echo began; read word <go; read line; echo got $line";

const CTRL_Z: &str = "\x1a";
const STOPPED: &str = "[1]+  Stopped";

#[test]
fn ctrl_z_stops_memguard_with_the_workload_and_fg_continues_both() {
    let project = Project::new();
    project.make_pipe("go");
    let mut terminal = Free::new(100).shell(&project);
    terminal.until(prompt_after(""));
    terminal.press(&format!("'{MEMGUARD}' run --timeout 60s -- sh -c '{READS}'\n"));
    terminal.until(line_is_drawn);
    terminal.press(CTRL_Z);
    terminal.until(prompt_after(STOPPED));
    let rows = &terminal.shown.rows;
    assert!(rows.iter().all(|row| !row.contains("now ")), "the line is gone: {rows:#?}");
    thread::sleep(Duration::from_millis(100)); // shorter stops are not worth a notice
    terminal.press("fg\n");
    terminal.until(line_is_drawn);
    fs::write(project.path("go"), "on\n").unwrap();
    terminal.press("typed\n");
    terminal.until(prompt_after("verdict: pass"));
    terminal.press("exit\n");
    assert_eq!(terminal.end(), 0);
    let rows = &terminal.shown.rows;
    assert!(rows.iter().any(|row| row == "got typed"), "{rows:#?}");
    let run = &project.results()["workloads"][0]["runs"][0];
    let notice = run["notices"][0].as_str().unwrap();
    assert!(notice.starts_with("it was stopped for ") && notice.contains("(Ctrl-Z)"), "{run}");
    assert!(run["longest_gap_s"].as_f64().unwrap() >= 0.1, "{run}");
}

#[test]
fn bg_continues_the_workload_without_the_terminal_until_it_reads_from_it() {
    let project = Project::new();
    project.make_pipe("go");
    let mut terminal = Free::new(100).shell(&project);
    terminal.until(prompt_after(""));
    terminal.press("set -b\n"); // jobs that stop are reported at once
    terminal.until(prompt_after("set -b"));
    terminal.press(&format!("'{MEMGUARD}' run --timeout 60s -- sh -c '{READS}'\n"));
    terminal.until(line_is_drawn);
    terminal.press(CTRL_Z);
    terminal.until(prompt_after(STOPPED));
    terminal.press("bg\n");
    terminal.until(|shown| shown.last() == PROMPT && shown.rows.iter().any(|row| row.ends_with(" &")));
    fs::write(project.path("go"), "on\n").unwrap();
    terminal.until(|shown| shown.rows.iter().filter(|row| row.contains(STOPPED)).count() == 2);
    terminal.press("fg\ntyped\n");
    terminal.until(prompt_after("verdict: pass"));
    terminal.press("exit\n");
    assert_eq!(terminal.end(), 0);
    let rows = &terminal.shown.rows;
    assert!(rows.iter().any(|row| row == "got typed"), "{rows:#?}");
}

#[test]
fn ctrl_z_where_no_shell_could_continue_it_does_nothing() {
    let project = Project::new();
    project.make_pipe("go");
    let args = ["run", "--timeout", "60s", "--", "sh", "-c", READS];
    let mut terminal = Free::new(100).run(&project, &args, Output::Terminal, &[]);
    terminal.until(line_is_drawn);
    terminal.press(CTRL_Z);
    fs::write(project.path("go"), "on\n").unwrap();
    terminal.press("typed\n");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.shown.rows.iter().any(|row| row == "got typed"), "{:?}", terminal.shown);
}

#[test]
#[ignore = "takes half a minute"]
fn in_a_pipe_a_line_is_said_every_half_minute_but_never_within_a_line_of_the_workloads() {
    let project = Project::new();
    let said = |script: &str| {
        let outcome = project.memguard(&["run", "--", "sh", "-c", script]);
        assert_eq!(outcome.code, 0);
        outcome.err.lines().filter(|line| line.starts_with("memguard: sh: 30.0 s, ") && line.contains("peak")).count()
    };
    assert_eq!(said("sleep 31"), 1);
    assert_eq!(said("printf open; sleep 31"), 0);
}
