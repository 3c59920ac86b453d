//! `memguard check`: what was measured is judged again, and its report is drawn under what it is held to now.

mod common;

use std::fs;

use common::Project;

fn measured() -> Project {
    let project = Project::new();
    let run = project.run(&["--peak", "1GiB"], "ramp 20MiB; hold 100ms");
    assert_eq!(run.code, 0, "{}", run.err);
    project
}

fn text(project: &Project, file: &str) -> String {
    fs::read_to_string(project.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_page_and_the_graphs_of_a_run_are_drawn_anew_and_its_results_stay() {
    let project = measured();
    let name = fs::read_dir(project.path("memguard-report")).unwrap().flatten().find(|entry| entry.path().is_dir());
    let graph = format!("memguard-report/{}/graph.svg", name.unwrap().file_name().to_str().unwrap());
    let results = text(&project, "memguard-report/results.json");
    assert!(!text(&project, &graph).contains("budget 10.0 MiB"));
    let red = project.memguard(&["check", "memguard-report", "--peak", "10MiB"]);
    assert_eq!(red.code, 1, "{}", red.err);
    for file in [graph.as_str(), "memguard-report/report.html"] {
        assert!(text(&project, file).contains("budget 10.0 MiB"), "{file}");
    }
    assert_eq!(text(&project, "memguard-report/results.json"), results);
}

#[test]
fn a_whole_report_goes_where_it_is_told_to_and_leaves_what_was_measured_alone() {
    let project = measured();
    let page = text(&project, "memguard-report/report.html");
    let red = project.memguard(&["check", "memguard-report", "--peak", "10MiB", "--out", "again"]);
    assert!(red.code == 1 && String::from_utf8_lossy(&red.out).contains("again"), "{}", red.err);
    for (file, part) in [
        ("again/results.json", "\"verdict\": \"fail\""),
        ("again/report.md", "10.0 MiB"),
        ("again/junit.xml", "<failure"),
        ("again/report.html", "10.0 MiB"),
    ] {
        assert!(text(&project, file).contains(part), "{file}");
    }
    assert_eq!(text(&project, "memguard-report/report.html"), page);
    for stale in ["again/gone/graph.svg", "again/own/notes.txt"] {
        fs::create_dir(project.path(stale).parent().unwrap()).unwrap();
        fs::write(project.path(stale), "").unwrap();
    }
    let green = project.memguard(&["check", "memguard-report", "--peak", "1GiB", "--out", "again"]);
    assert!(!project.path("again/gone").exists() && project.path("again/own/notes.txt").exists());
    assert_eq!(green.code, 0, "a report is written over an earlier one: {}", green.err);
    assert!(text(&project, "again/results.json").contains("\"verdict\": \"pass\""));
}

#[test]
fn a_report_is_never_written_among_other_measurements() {
    let project = measured();
    let other = project.path("other");
    fs::rename(project.path("memguard-report"), &other).unwrap();
    let results = text(&project, "other/results.json");
    assert_eq!(project.run(&[], "hold 10ms").code, 0);
    for out in ["other", "memguard-report"] {
        let refused = project.memguard(&["check", "memguard-report", "--out", out]);
        assert_eq!(refused.code, 5, "{out}: {}", refused.err);
        assert!(refused.err.contains(&format!("there are measurements in `{out}`")), "{}", refused.err);
    }
    assert_eq!(text(&project, "other/results.json"), results);
}

#[test]
fn what_another_program_recorded_has_a_whole_report_whatever_its_file_is_called() {
    let project = Project::new();
    let rows: String = (0..50).map(|row| format!("{},{}\n", 1_769_860_800 + row, (10 + row) << 20)).collect();
    fs::write(project.path("my log & more.csv"), rows).unwrap();
    let red = project.memguard(&["check", "my log & more.csv", "--peak", "20MiB", "--out", "report"]);
    assert_eq!(red.code, 1, "{}", red.err);
    for file in ["results.json", "report.html", "junit.xml", "memory-my-log---more/graph.svg"] {
        assert!(!text(&project, &format!("report/{file}")).is_empty());
    }
}
