//! Files that other programs really wrote: psrecord 1.4, mprof 0.61, a twenty-line script over psutil.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;

use common::Project;

/// The real files, in a folder to run in.
fn project() -> Project {
    let project = Project::new();
    for file in fs::read_dir("tests/foreign").unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), project.path(&file.file_name().to_string_lossy())).unwrap();
    }
    project
}

/// What this system measured in `base`.
fn metric(project: &Project) -> String {
    let results = fs::read(project.path("base/results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_slice(&results).unwrap();
    results["workloads"][0]["metric"].as_str().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn each_is_judged_by_its_peak() {
    let project = project();
    for (file, below, above) in [
        ("psrecord.txt", "46MiB", "47MiB"),
        ("psrecord.csv", "1MiB", "2MiB"),
        ("psrecord-io.txt", "1MiB", "2MiB"),
        // The process has 45.3 MiB, its child 61.8 more.
        ("mprof-children.dat", "107MiB", "108MiB"),
        ("mprof-functions.dat", "51MiB", "53MiB"),
        ("machine.csv", "502MiB", "504MiB"),
    ] {
        let red = project.memguard(&["check", file, "--peak", below]);
        assert_eq!(red.code, 1, "{file}: {}{}", text(&red.out), red.err);
        let green = project.memguard(&["check", file, "--peak", above]);
        assert_eq!(green.code, 0, "{file}: {}{}", text(&green.out), green.err);
        let drawn = project.memguard(&["plot", file, "-o", "a.svg"]);
        assert_eq!(drawn.code, 0, "{file}: {}", drawn.err);
        assert!(fs::read_to_string(project.path("a.svg")).unwrap().contains("</svg>"));
    }
}

#[test]
fn a_log_beside_the_file_says_where_the_memory_came_from() {
    let project = project();
    let rows: String = (0..200).map(|row| format!("{}.5,{}\n", 1_769_860_800 + row, (10 + row) << 20)).collect();
    fs::write(project.path("m.csv"), rows).unwrap();
    let lines: String = (0..180)
        .map(|line| {
            format!("2026-01-31T12:{:02}:{:02}.600Z step {line}\n  in detail\n", (line + 9) / 60, (line + 9) % 60)
        })
        .collect();
    fs::write(project.path("app.log"), format!("{lines}2026-01-31T18:00:00Z much later\n")).unwrap();
    let check =
        project.memguard(&["check", "m.csv", "--log", "app.log", "--ready-log", "step 3$", "--startup", "23MiB"]);
    let out = text(&check.out);
    assert_eq!(check.code, 0, "{out}{}", check.err);
    assert!(out.contains("step <n>"), "{out}");
    assert!(out.contains("1 lines of `app.log` lie outside of the recording"), "{out}");
    let relative = project.memguard(&["check", "psrecord.txt", "--log", "app.log"]);
    assert_eq!(relative.code, 5);
    assert!(relative.err.contains("--began"), "{}", relative.err);
    let far = project.memguard(&["check", "psrecord.txt", "--log", "app.log", "--began", "2020-01-01T00:00:00Z"]);
    assert!(far.err.contains("lie outside of the recording") && far.err.contains("time zone"), "{}", far.err);
    let format =
        ["check", "m.csv", "--log", "{ path = \"app.log\", time = \"%Y-%m-%dT%H:%M:%S%.fZ\", zone = \"UTC\" }"];
    assert_eq!(project.memguard(&format).code, 0);
}

#[test]
fn a_curve_is_drawn_as_text_without_colour_in_a_pipe_and_in_ascii_where_the_locale_is_not_utf_8() {
    let project = Project::new();
    // No file can have such a name on Windows.
    let name = if cfg!(windows) { "a.csv" } else { "a\u{1b}[31m.csv" };
    fs::write(project.path(name), "time,memory_bytes\n0,1048576\n1,209715200\n2,104857600\n").unwrap();
    let drawn = |locale: &str| {
        let mut command = project.command(&["plot", "--term", name]);
        let output = command.env("LC_ALL", locale).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        text(&output.stdout)
    };
    let (block, ascii) = (drawn("C.UTF-8"), drawn("C"));
    for told in [&block, &ascii] {
        assert!(told.contains("peak 200.0 MiB at 1.00 s") && !told.contains('\u{1b}'), "{told}");
    }
    assert!(block.contains('█') && block.contains('└'), "{block}");
    assert!(ascii.contains('#') && ascii.is_ascii(), "{ascii}");
    assert!(!project.path("memory.svg").exists(), "nothing is written");
}

#[test]
fn a_table_whose_columns_are_not_known_is_refused_with_the_flags_to_name_them() {
    let project = Project::new();
    fs::write(project.path("t.csv"), "when,heap,other\n0,100.5,1\n1,200.5,1\n").unwrap();
    let refused = project.memguard(&["check", "t.csv", "--peak", "1GiB"]);
    assert_eq!(refused.code, 5);
    assert!(refused.err.contains("--time-column") && refused.err.contains("`when`"), "{}", refused.err);
    let named = ["check", "t.csv", "--time-column", "when", "--memory-column", "heap", "--unit", "MiB", "--peak"];
    assert_eq!(project.memguard(&[&named[..], &["201MiB"]].concat()).code, 0);
    assert_eq!(project.memguard(&[&named[..], &["200MiB"]].concat()).code, 1);
    let wrong = project.memguard(&["plot", "t.csv", "--unit", "mib"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("`mib` is not a unit of memory"), "{}", wrong.err);
}

#[test]
fn bad_files_are_told_by_what_is_wrong_with_them() {
    let project = Project::new();
    fs::create_dir(project.path("folder")).unwrap();
    fs::write(project.path("empty.csv"), "").unwrap();
    fs::write(project.path("binary"), [0u8, 159, 146, 150]).unwrap();
    fs::write(project.path("bad.csv"), "time,bytes\n0,1\nx,1\ny,2\n").unwrap();
    for (file, told) in [
        ("missing.csv", "could not open `missing.csv`"),
        ("empty.csv", "`empty.csv` is empty"),
        ("binary", "is no text of numbers"),
        ("bad.csv", "`bad.csv` line 3"),
    ] {
        let refused = project.memguard(&["plot", file]);
        assert_eq!(refused.code, 5, "{file}");
        assert!(refused.err.contains(told), "{file}: {}", refused.err);
    }
    let folder = project.memguard(&["plot", "folder"]);
    assert!(folder.code == 5 && folder.err.contains("no run in"), "{}", folder.err);
}

#[test]
fn what_moved_between_two_results_is_a_table() {
    let project = Project::new();
    for (out, script) in [
        ("base", "log \"load\"; ramp 20MiB 200ms; log \"index\"; ramp 10MiB 200ms; hold 200ms"),
        ("head", "log \"load\"; ramp 20MiB 200ms; log \"index\"; ramp 40MiB 200ms; hold 200ms"),
    ] {
        assert_eq!(project.run(&["--out", out, "--name", "ingest"], script).code, 0);
    }
    let compared = project.memguard(&["compare", "base", "head", "-o", "both.png"]);
    let out = text(&compared.out);
    assert_eq!(compared.code, 0, "{}", compared.err);
    let peak = out.lines().find(|line| line.contains("peak")).unwrap();
    // A little less or more than 30 MiB: the program's own pages are shared with whatever else runs it.
    let moved = ["+29.", "+30.", "+31."].iter().any(|moved| peak.contains(moved));
    assert!(peak.starts_with("ingest") && moved && peak.contains('%'), "{out}");
    assert!(out.contains("what moved, by log line of `ingest`") && out.contains("\"index\""), "{out}");
    assert!(fs::read(project.path("both.png")).unwrap().len() > 1000);
    fs::write(project.path("other.csv"), "time,bytes\n0,1000000\n1,2000000\n").unwrap();
    let other = project.memguard(&["compare", "base", "other.csv"]);
    let told = format!("measured as {} there and as recorded here", metric(&project));
    assert!(other.code == 5 && other.err.contains(&told), "{told}: {}", other.err);
}
