//! What a step in GitHub Actions says to its runner.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;

use common::{MEMGUARD, Project};

struct Step {
    code: i32,
    out: String,
    summary: String,
    output: String,
}

/// Runs memguard as a step would.
fn step(project: &Project, args: &[&str]) -> Step {
    let mut command = project.command(args);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", project.path("summary"));
    command.env("GITHUB_OUTPUT", project.path("output")).env("GITHUB_SERVER_URL", "https://github.example");
    command.env("GITHUB_REPOSITORY", "o/r").env("GITHUB_RUN_ID", "7");
    let ran = command.output().unwrap();
    let read = |name| fs::read_to_string(project.path(name)).unwrap_or_default();
    let code = ran.status.code().unwrap_or(-1);
    Step {
        code,
        out: String::from_utf8_lossy(&ran.stdout).into_owned(),
        summary: read("summary"),
        output: read("output"),
    }
}

#[test]
fn a_red_budget_is_annotated_on_its_line_summed_up_and_handed_on() {
    let project = Project::new();
    project.config("budget = { peak = \"20MiB\" }", "log \"loading\"; ramp 40MiB 200ms; hold 300ms");
    let red = step(&project, &["run"]);
    assert_eq!(red.code, 1);
    let annotation = red.out.lines().find(|line| line.starts_with("::error ")).unwrap();
    assert!(
        annotation.starts_with("::error file=memguard.toml,line=4,title=memguard%3A a peak::a: peak is "),
        "{annotation}"
    );
    assert!(red.summary.starts_with("## Memory: `a`: 🔴 over budget"), "{}", red.summary);
    for part in ["| `a` | peak |", "🔴 **fail**", "xychart-beta", "after the log line `loading`", "memguard.toml:4"] {
        assert!(red.summary.contains(part), "{part}: {}", red.summary);
    }
    assert!(red.summary.contains("https://github.example/o/r/actions/runs/7#artifacts"));
    for part in ["verdict<<", "\nfail\n", "exit-code<<", "peak-bytes<<", "report-dir<<", "results-json<<"] {
        assert!(red.output.contains(part), "{part}: {}", red.output);
    }
    for file in ["report.md", "junit.xml", "results.json"] {
        assert!(project.path("memguard-report").join(file).is_file(), "{file}");
    }
}

#[test]
fn what_a_workload_prints_is_no_command() {
    let project = Project::new();
    let ran =
        step(&project, &["run", "--", MEMGUARD, "synth", "log \"::error::owned\"; log \"::add-mask::x\"; ramp 9MiB"]);
    assert_eq!(ran.code, 0);
    let at = |text: &str| ran.out.find(text).unwrap_or_else(|| panic!("{text}: {}", ran.out));
    let opening = at("::stop-commands::");
    let token = ran.out[opening + "::stop-commands::".len()..].lines().next().unwrap();
    let closing = at(&format!("\n::{token}::\n"));
    assert!(at("::group::") < opening && opening < at("::error::owned") && at("::add-mask::x") < closing);
    assert!(closing < at("::endgroup::"));
}

#[test]
fn a_wrong_config_is_annotated_and_nothing_is_run() {
    let project = Project::new();
    fs::write(project.path("memguard.toml"), "[[workload]]\nname = \"a\"\nrun = \"true\"\nbugdet = 1\n").unwrap();
    let wrong = step(&project, &["run"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.out.starts_with("::error file=memguard.toml,line=4,title=memguard%3A the config is wrong::"),
        "{}",
        wrong.out
    );
    assert!(wrong.summary.contains("nothing was run") && wrong.summary.contains("bugdet"), "{}", wrong.summary);
    assert!(wrong.output.contains("\nerror\n"), "{}", wrong.output);
}

#[test]
fn a_summary_that_can_not_be_written_changes_no_verdict() {
    let project = Project::new();
    fs::create_dir(project.path("summary")).unwrap();
    let ran = step(&project, &["run", "--", MEMGUARD, "synth", "ramp 9MiB; hold 50ms"]);
    assert_eq!(ran.code, 0);
    assert!(ran.output.contains("\npass\n"), "{}", ran.output);
}

#[test]
fn a_forks_code_is_not_run_with_the_rights_of_the_repository() {
    let project = Project::new();
    let event = r#"{"pull_request":{"head":{"repo":{"full_name":"fork/r"}}}}"#;
    fs::write(project.path("event.json"), event).unwrap();
    let mut command = project.command(&["run", "--", MEMGUARD, "synth", "log \"ran\"; ramp 1MiB"]);
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_REPOSITORY", "o/r")
        .env("GITHUB_EVENT_NAME", "pull_request_target");
    command.env_remove("GITHUB_STEP_SUMMARY").env_remove("GITHUB_OUTPUT");
    let ran = command.env("GITHUB_EVENT_PATH", project.path("event.json")).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!(ran.status.code(), Some(2), "{err}");
    assert!(!out.contains("ran\n") && out.starts_with("::error title=memguard%3A nothing was run::"), "{out}");
    assert!(err.contains("the code of a fork") && err.contains("help: run memguard under `pull_request`"), "{err}");
}

#[test]
fn elsewhere_nothing_of_it_is_said() {
    let project = Project::new();
    let mut command = project.command(&["run", "--peak", "1MiB", "--", MEMGUARD, "synth", "ramp 9MiB; hold 50ms"]);
    let ran = command.env_remove("GITHUB_ACTIONS").output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&ran.stdout).contains("::"));
}
