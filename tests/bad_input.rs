//! What `check`, `plot`, `compare` and `--log` make of files that are not what they should be: rows that can be saved, and a count
//! of the others, or what is wrong and where.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;

use common::{Outcome, Project};

const GOOD: &str = "timestamp,memory_bytes\n2026-01-31T12:00:00Z,100000000\n2026-01-31T12:00:01Z,200000000\n\
                    2026-01-31T12:00:02Z,300000000\n";
const LOG: &str = "2026-01-31T12:00:00Z begun\n2026-01-31T12:00:01Z going on\n";

fn project() -> Project {
    let project = Project::new();
    fs::write(project.path("good.csv"), GOOD).unwrap();
    fs::write(project.path("app.log"), LOG).unwrap();
    project
}

fn said(outcome: &Outcome) -> String {
    String::from_utf8_lossy(&outcome.out).into_owned() + &outcome.err
}

/// By each command that reads a recording: `bad.csv`.
fn by_each(project: &Project, told: &str, code: i32) {
    for args in [
        &["check", "bad.csv"][..],
        &["plot", "bad.csv", "-o", "a.svg"],
        &["compare", "bad.csv", "good.csv"],
        &["compare", "good.csv", "bad.csv"],
    ] {
        let outcome = project.memguard(args);
        let text = said(&outcome);
        assert!(outcome.code == code && text.contains(told), "{args:?} {}: {text}", outcome.code);
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn rows_that_can_be_read_are_saved_and_the_others_counted() {
    let project = project();
    let row = "2026-01-31T12:00:03Z,50\n";
    for (file, told) in [
        (format!("{GOOD}2026-01-31T12:00:03Z,4000"), "line 5: \"2026-01-31T12:00:03Z,4000\" has no line end"),
        (
            format!("{GOOD}2026-01-31T12:00:03Z,1,2\nx\n{row}"),
            "another number of cells than the header or the rows before; 2 such",
        ),
        (
            format!("{GOOD}2026-01-31T12:00:01.5Z,1\n{row}"),
            "line 5: \"2026-01-31T12:00:01.5Z,1\" lies before the row before it",
        ),
        (
            format!("{GOOD}2026-01-31T12:00:03Z,NaN\n{row}"),
            "line 5: \"2026-01-31T12:00:03Z,NaN\" has no amount of memory",
        ),
        (
            format!("{GOOD}2026-01-31T12:00:03Z,-5\n{row}"),
            "line 5: \"2026-01-31T12:00:03Z,-5\" has no amount of memory",
        ),
        (format!("{GOOD}NaN,5\n{row}"), "line 5: \"NaN,5\" has no time that can be read"),
    ] {
        fs::write(project.path("bad.csv"), file).unwrap();
        by_each(&project, told, 0);
    }
}

#[test]
fn a_mark_at_the_beginning_the_line_ends_of_windows_decimal_commas_and_times_told_twice_are_no_faults() {
    let project = project();
    for file in [
        format!("\u{feff}{GOOD}"),
        GOOD.replace('\n', "\r\n"),
        "time_s;memory_mib\n0,5;100,5\n1,0;200,25\n".to_owned(),
        format!("{GOOD}2026-01-31T12:00:02Z,300000000\n"),
    ] {
        fs::write(project.path("bad.csv"), &file).unwrap();
        let check = project.memguard(&["check", "bad.csv"]);
        assert!(check.code == 0 && !said(&check).contains("warning"), "{file:?}: {}", said(&check));
        by_each(&project, "", 0);
    }
}

#[test]
fn what_holds_no_memory_over_time_is_told_with_what_is_wrong() {
    let project = project();
    for (file, told) in [
        ("", "is empty"),
        ("timestamp,memory_bytes\n", "has no row after its header"),
        ("time_s,memory_mib\n0,0,100,5\n0,5,200,25\n", "line 2: \"0,0,100,5\" has another number of cells"),
        ("time_s,memory_bytes\n0,NaN\n1,NaN\n", "line 2: \"0,NaN\" has no amount of memory"),
        ("\0\u{1}\0\0", "line 1: this is no text of numbers"),
    ] {
        fs::write(project.path("bad.csv"), file).unwrap();
        by_each(&project, told, 5);
    }
    fs::remove_file(project.path("bad.csv")).unwrap();
    fs::create_dir(project.path("bad.csv")).unwrap();
    by_each(&project, "there is no run in `bad.csv`", 5);
}

#[test]
fn a_log_that_is_none_is_told() {
    let project = project();
    fs::create_dir(project.path("folder")).unwrap();
    fs::write(project.path("empty.log"), "").unwrap();
    fs::write(project.path("long.log"), format!("{LOG}{}\n", "x".repeat(3 << 20))).unwrap();
    fs::write(project.path("untimed.log"), "no time\nhere\n").unwrap();
    for (log, told, code) in [
        ("folder", "`folder` is a folder, and a log file is wanted", 5),
        ("empty.log", "verdict: pass", 0),
        ("long.log", "verdict: pass", 0),
        ("untimed.log", "no line of the log `untimed.log` begins with a time", 5),
        ("none.log", "could not open `none.log`", 5),
    ] {
        let check = project.memguard(&["check", "good.csv", "--log", log]);
        assert!(check.code == code && said(&check).contains(told), "{log}: {} {}", check.code, said(&check));
    }
}

#[cfg(target_os = "linux")] // by `mkfifo`, the shell and the kernel's account
mod pipes {
    use super::*;
    use std::process::Command;

    fn shell(project: &Project, line: &str) -> (i32, String) {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(project.path("")).env("MEMGUARD", common::MEMGUARD);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), text)
    }

    #[test]
    fn a_pipe_is_read_like_a_file() {
        let project = project();
        for line in [
            "mkfifo p; cat good.csv >p & \"$MEMGUARD\" check p",
            "cat good.csv >p & \"$MEMGUARD\" plot p -o a.svg",
            "cat good.csv >p & \"$MEMGUARD\" compare p good.csv",
            "cat app.log >p & \"$MEMGUARD\" check good.csv --log p",
        ] {
            let (code, text) = shell(&project, line);
            assert_eq!(code, 0, "{line}: {text}");
        }
    }

    #[test]
    fn a_pipe_in_the_place_of_a_recorded_file_is_told_and_never_waited_for() {
        let project = Project::new();
        project.run(&[], "log \"hello\"; ramp 5MiB; hold 50ms");
        for name in ["memory.csv", "log.csv", "processes.csv", "run.json"] {
            let line = format!(
                "rm -rf t; cp -r memguard-report t; rm t/memguard/run-1/{name}; mkfifo t/memguard/run-1/{name}; \"$MEMGUARD\" check t"
            );
            let (code, text) = shell(&project, &line);
            assert!(code == 5 && text.contains(&format!("{name}` is no plain file")), "{name}: {code} {text}");
        }
    }

    #[test]
    fn a_line_of_a_gigabyte_takes_no_memory() {
        let project = project();
        // In 400 MB of address space, less than half of the line.
        let long = "head -c 1073741824 /dev/zero | tr '\\0' x";
        for (line, code, told) in [
            (format!("({long}) | \"$MEMGUARD\" check -"), 5, "line 1: this is no text of numbers"),
            (
                format!("(cat good.csv; {long}; echo; cat good.csv) | \"$MEMGUARD\" check -"),
                0,
                "is longer than a row can be",
            ),
            (format!("mkfifo p; (cat app.log; {long}) >p & \"$MEMGUARD\" check good.csv --log p"), 0, "verdict: pass"),
        ] {
            let (found, text) = shell(&project, &format!("ulimit -v 400000; {line}"));
            assert!(found == code && text.contains(told), "{line}: {found} {text}");
        }
    }
}
