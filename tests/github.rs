//! What a step in GitHub Actions says to its runner.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;

use common::{MEMGUARD, Project};

struct Step {
    code: i32,
    out: String,
    err: String,
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
        err: String::from_utf8_lossy(&ran.stderr).into_owned(),
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

/// The text without its code spans and fenced blocks: what could render, link, mention or ping.
fn rendered(markdown: &str) -> String {
    let prose: String = markdown.split("```").step_by(2).collect();
    prose.split('`').step_by(2).collect()
}

const HOSTILE: [&str; 5] =
    ["<script>alert(1)</script>", "@everyone ![](http://x)", "a|b`c", "::error::owned", "x ##[error]owned"];

#[test]
fn a_workload_of_a_hostile_name_is_refused_and_its_name_is_text_alone() {
    for name in HOSTILE {
        let project = Project::new();
        fs::write(project.path("memguard.toml"), format!("[[workload]]\nname = '{name}'\nrun = 'true'\n")).unwrap();
        let wrong = step(&project, &["run"]);
        assert_eq!(wrong.code, 2);
        assert!(wrong.out.starts_with("::error file=memguard.toml,line=2,"), "{}", wrong.out);
        assert_eq!(wrong.out.lines().count(), 1, "{}", wrong.out);
        assert!(wrong.summary.contains(&name[..4]), "{}", wrong.summary);
        let shown = rendered(&wrong.summary);
        assert!(!["<script", "@everyone", "http://x", "a|b"].iter().any(|bad| shown.contains(bad)), "{shown}");
        // The runner obeys these wherever they stand in a line.
        assert!(!wrong.out.lines().filter(|line| !line.starts_with("::")).any(|line| line.contains("##[")));
        assert!(!wrong.err.contains("##[") && !wrong.summary.contains("##["), "{}", wrong.err);
    }
}

#[test]
fn log_lines_of_markdown_and_commands_render_nothing_and_command_nothing() {
    let project = Project::new();
    let logs: Vec<String> = HOSTILE.iter().map(|line| format!("log \"{line}\"; ramp 12MiB 60ms")).collect();
    project.config("budget = { peak = \"20MiB\" }", &format!("{}; hold 50ms", logs.join("; ")));
    let red = step(&project, &["run"]);
    assert_eq!(red.code, 1, "{}", red.out);
    let report = fs::read_to_string(project.path("memguard-report/report.md")).unwrap();
    for text in [&red.summary, &report] {
        assert!(text.contains("@everyone"), "{text}");
        let shown = rendered(text);
        assert!(!["<script", "@everyone", "http://x", "::error"].iter().any(|bad| shown.contains(bad)), "{shown}");
    }
    assert!(red.err.contains("##\u{fffd}error]owned") && !red.err.contains("##[error]"), "{}", red.err);
    let after = red.out.split("::endgroup::").nth(1).unwrap();
    assert!(
        after
            .lines()
            .filter(|line| line.contains("::error"))
            .all(|line| line.starts_with("::error file=memguard.toml,"))
    );
}

#[test]
fn a_config_without_workloads_or_that_is_no_toml_is_told_in_the_summary() {
    for (text, line) in [("", 1), ("[defaults]\nruns = 2\n", 1), ("[[workload]]\nname = \n", 2)] {
        let project = Project::new();
        fs::write(project.path("memguard.toml"), text).unwrap();
        let wrong = step(&project, &["run"]);
        assert_eq!(wrong.code, 2, "{}", wrong.out);
        assert!(wrong.out.starts_with(&format!("::error file=memguard.toml,line={line},")), "{}", wrong.out);
        assert!(wrong.summary.contains("nothing was run") && wrong.output.contains("\nerror\n"), "{}", wrong.summary);
    }
}

#[test]
fn elsewhere_nothing_of_it_is_said() {
    let project = Project::new();
    let mut command = project.command(&["run", "--peak", "1MiB", "--", MEMGUARD, "synth", "ramp 9MiB; hold 50ms"]);
    let ran = command.env_remove("GITHUB_ACTIONS").output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&ran.stdout).contains("::"));
}
