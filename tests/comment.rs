//! The comment on a pull request, sent to a stand-in of GitHub's API.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::Project;
use common::github_api::{Api, TOKEN, Trouble};
use serde_json::json;

const BOT: &str = "github-actions[bot]";

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// A project with a report, and the event of a pull request, of a fork where `from` is another repository.
fn reported(from: &str, budget: &str) -> Project {
    let project = Project::new();
    let event =
        json!({ "pull_request": { "number": 7, "head": { "sha": "0123456789ab", "repo": { "full_name": from } } } });
    fs::write(project.path("event.json"), event.to_string()).unwrap();
    project.run(&["--peak", budget], "ramp 9MiB; hold 50ms");
    project
}

/// The command as a step of the run of this number has it.
fn step(project: &Project, api: &Api, run: &str, args: &[&str]) -> Command {
    let args: Vec<&str> = ["ci", "comment"].iter().chain(args).copied().collect();
    let mut command = project.command(&args);
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_SERVER_URL", "https://github.example"),
        ("GITHUB_RUN_ID", run),
        ("GITHUB_TOKEN", TOKEN),
        ("GITHUB_API_URL", &api.root),
        // A proxy of the machine's has no part in this.
        ("NO_PROXY", "127.0.0.1"),
    ];
    command.envs(variables).env("RUNNER_TEMP", project.path("")).env("GITHUB_EVENT_PATH", project.path("event.json"));
    command
}

fn said(mut command: Command) -> Said {
    let ran = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: ran.status.code().unwrap_or(-1), out: text(&ran.stdout), err: text(&ran.stderr) }
}

#[test]
fn one_comment_is_written_kept_up_to_date_and_tells_of_red_and_green() {
    let api = Api::start();
    let project = reported("o/r", "1MiB");
    (0..120).for_each(|_| api.write("someone", "a remark"));
    let first = said(step(&project, &api, "1", &[]));
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.err.contains("commented on #7: https://github.example/c/121"), "{}", first.err);
    let body = api.bodies().pop().unwrap();
    for part in ["🔴 over budget", "xychart-beta", "raise `--peak`", "https://github.example/o/r/actions/runs/1"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    project.run(&["--peak", "1GiB"], "ramp 9MiB; hold 50ms");
    let second = said(step(&project, &api, "2", &["--when", "on-failure"]));
    assert!(second.err.contains("updated the comment on #7"), "{}", second.err);
    assert_eq!(api.bodies().len(), 121);
    let body = api.bodies().pop().unwrap();
    assert!(
        body.contains("🟢 within its limits") && body.contains("It was red at `0123456`, and is green now."),
        "{body}"
    );
    let other = said(step(&project, &api, "3", &["--key", "other", "--when", "always"]));
    assert!(other.err.contains("commented on #7"), "{}", other.err);
}

#[test]
fn nothing_is_asked_where_nothing_is_to_be_said() {
    let api = Api::start();
    let project = reported("o/r", "1GiB");
    for when in ["on-failure", "on-change"] {
        let ran = said(step(&project, &api, "1", &["--when", when]));
        assert_eq!((ran.code, ran.err.trim()), (0, "memguard: nothing to comment on #7"));
    }
    let asked = api.requests().len();
    assert_eq!(said(step(&project, &api, "1", &["--when", "never"])).code, 0);
    fs::write(project.path("event.json"), "{}").unwrap();
    let ran = said(step(&project, &api, "1", &["--when", "always"]));
    assert!(ran.code == 0 && ran.err.contains("of no pull request"), "{}", ran.err);
    assert_eq!(api.requests().len(), asked);
    assert!(api.bodies().is_empty());
}

/// A report that is green since the change raised its own budget, read through git.
fn loosened() -> Project {
    let project = reported("fork/r", "1GiB");
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(words);
        let ran = command.current_dir(project.path("")).output().unwrap();
        assert!(ran.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let script = "ramp 9MiB; hold 50ms";
    project.config("budget = { peak = \"2 MiB\" }", script);
    git(&["init", "-q"]);
    git(&["add", "memguard.toml"]);
    git(&["commit", "-qm", "two MiB"]);
    project.config("budget = { peak = \"1 GiB\" }", script);
    let green = project.memguard(&["run", "--baseline-ref", "HEAD"]);
    assert_eq!(green.code, 0, "{}", green.err);
    project
}

#[test]
fn a_change_that_is_green_since_it_loosens_its_own_limit_is_commented_on_and_says_so_in_its_heading() {
    let project = loosened();
    let begins = "## Memory: `a`: 🟢 within its limits, ⚠️ and this change lets more pass than before\n";
    let says = "> - the budget of `a` peak was 2.0 MiB and is 1.00 GiB\n";
    let api = Api::start();
    let ran = said(step(&project, &api, "1", &["--when", "on-failure"]));
    assert!(ran.err.contains("nothing to comment on #7"), "{}", ran.err);
    let ran = said(step(&project, &api, "1", &["--when", "on-change"]));
    assert!(ran.err.contains("commented on #7"), "{}{}", ran.out, ran.err);
    let second = with_pull("0123456789ab", 5);
    let ran = second_workflow(&project, &second, "0123456789ab", &["--when", "on-change"]);
    assert!(ran.err.contains("commented on #7"), "{}{}", ran.out, ran.err);
    for body in [&api.bodies()[0], &second.bodies()[0]] {
        assert!(body.contains(begins) && body.contains(says), "{body}");
    }
}

#[test]
fn a_token_that_can_only_read_gets_a_notice() {
    let api = Api::start();
    for (from, help) in [("o/r", "pull-requests: write"), ("fork/r", "docs/github.md has a second workflow")] {
        let project = reported(from, "1MiB");
        let mut command = step(&project, &api, "1", &[]);
        command.env("GITHUB_TOKEN", "ghs_read_only");
        let ran = said(command);
        assert_eq!(ran.code, 0);
        let notice = ran.out.lines().find(|line| line.starts_with("::notice title=memguard%3A there is no comment::"));
        let notice = notice.unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
        assert!(notice.contains("403: Resource not accessible by integration") && notice.contains(help), "{notice}");
        let mut none = step(&project, &api, "1", &[]);
        none.env_remove("GITHUB_TOKEN");
        let ran = said(none);
        assert!(ran.code == 0 && ran.out.contains("there is no token"), "{}", ran.out);
    }
    assert!(api.bodies().is_empty());
}

#[test]
fn what_goes_wrong_is_told_and_changes_no_verdict() {
    for (trouble, said_of_it) in [
        (
            Trouble::Answer(404, "", "Not Found"),
            "::notice title=memguard%3A there is no comment::GitHub answered 404: Not Found",
        ),
        (
            Trouble::Answer(422, "", "Validation Failed"),
            "::warning title=memguard%3A there is no comment::GitHub answered 422: Validation Failed",
        ),
        (
            Trouble::Answer(429, "Retry-After: 900", "slow down"),
            "::warning title=memguard%3A there is no comment::GitHub answered 429: slow down",
        ),
    ] {
        let api = Api::start();
        let project = reported("o/r", "1MiB");
        api.trouble("POST", trouble);
        let ran = said(step(&project, &api, "1", &[]));
        assert!(ran.code == 0 && ran.out.starts_with(said_of_it), "{}{}", ran.out, ran.err);
    }
}

#[test]
fn what_passes_is_waited_for() {
    let api = Api::start();
    let project = reported("o/r", "1MiB");
    api.trouble("GET /repos", Trouble::Answer(429, "retry-after: 0", "slow down"));
    api.trouble("GET /repos", Trouble::Answer(502, "Retry-After: 0", "oops"));
    api.trouble("POST", Trouble::Silence);
    let ran = said(step(&project, &api, "1", &[]));
    assert!(ran.err.contains("commented on #7"), "{}{}", ran.out, ran.err);
    assert_eq!(api.bodies().len(), 1);
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let project = reported("o/r", "1MiB");
    let mut api = Api::start();
    api.root = "http://127.0.0.1:1".to_owned();
    let ran = said(step(&project, &api, "1", &[]));
    assert!(
        ran.code == 0 && ran.out.contains("::warning title=memguard%3A there is no comment::GitHub did not answer:"),
        "{}",
        ran.out
    );
}

#[cfg(unix)] // Windows looks for programs in its own folder as well, and has this one there
#[test]
fn a_machine_without_the_program_that_sends_is_told() {
    let (project, api) = (reported("o/r", "1MiB"), Api::start());
    let mut without = step(&project, &api, "1", &[]);
    without.env("PATH", "");
    let ran = said(without);
    assert!(ran.code == 0 && ran.out.contains("there is no `curl` on this machine"), "{}{}", ran.out, ran.err);
}

#[test]
fn of_two_legs_at_the_same_time_one_comment_stays() {
    let api = Api::start();
    let project = reported("o/r", "1MiB");
    api.race(2);
    let legs: Vec<_> = (0..2)
        .map(|_| step(&project, &api, "1", &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
        .collect();
    for mut leg in legs {
        assert!(leg.wait().unwrap().success());
    }
    let posts = api.requests().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!((posts, api.bodies().len()), (2, 1), "{:?}", api.requests());
}

#[test]
fn an_earlier_comment_of_somebody_else_is_left_alone() {
    let api = Api::start();
    let project = reported("o/r", "1MiB");
    let mark = "<!-- memguard comment memguard red run 1 commit 0123456789ab -->\nmine";
    api.write("mallory", mark);
    api.write(BOT, "of another tool");
    assert_eq!(said(step(&project, &api, "2", &[])).code, 0);
    assert_eq!(api.bodies()[..2], [mark, "of another tool"]);
    assert_eq!(api.bodies().len(), 3);
}

#[cfg(unix)]
#[test]
fn the_token_is_in_no_argument_no_file_and_no_log() {
    use std::os::unix::fs::PermissionsExt as _;
    let api = Api::start();
    let project = reported("o/r", "1MiB");
    let path = std::env::var("PATH").unwrap();
    let spy = project.path("bin/curl");
    fs::create_dir(project.path("bin")).unwrap();
    // Notes what any other process could see of it, and passes it on.
    let script = format!("#!/bin/sh\n{{ printf '%s\\n' \"$@\"; env; }} >>seen\nPATH='{path}' exec curl \"$@\"\n");
    fs::write(&spy, script).unwrap();
    fs::set_permissions(&spy, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = step(&project, &api, "1", &[]);
    command.env("PATH", format!("{}:{path}", project.path("bin").display()));
    let ran = said(command);
    assert!(ran.err.contains("commented on #7"), "{}", ran.err);
    let seen = fs::read_to_string(project.path("seen")).unwrap();
    assert!(seen.contains("--config") && !seen.contains(TOKEN), "{seen}");
    assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN));
    let left = fs::read_dir(project.path("")).unwrap().flatten().map(|entry| entry.file_name());
    let left: Vec<String> = left.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.starts_with("memguard-") && name.ends_with(".json")), "{left:?}");
}

#[test]
fn without_a_report_or_a_step_there_is_an_error() {
    let project = Project::new();
    let ran = project.memguard(&["ci", "comment"]);
    assert!(ran.code == 5 && ran.err.contains("from a step of GitHub Actions"), "{}", ran.err);
    let api = Api::start();
    let project = reported("o/r", "1MiB");
    let ran = said(step(&project, &api, "1", &["--from", "nowhere"]));
    assert!(ran.code == 5 && ran.err.contains("name the folder of a report with --from"), "{}", ran.err);
}

/// The step of a second workflow, started by a fork's run with this commit.
fn second_workflow(project: &Project, api: &Api, commit: &str, args: &[&str]) -> Said {
    let event = json!({ "workflow_run": {
        "id": 41, "event": "pull_request", "head_sha": commit, "head_branch": "a&b#c",
        "head_repository": { "id": 5, "full_name": "fork/r", "owner": { "login": "fork" } },
    } });
    fs::write(project.path("event.json"), event.to_string()).unwrap();
    let mut command = step(project, api, "99", args);
    command.env("GITHUB_EVENT_NAME", "workflow_run");
    said(command)
}

/// The API knows one pull request of that branch.
fn with_pull(commit: &str, repository: u64) -> Api {
    let api = Api::start();
    let head = json!({ "sha": commit, "repo": { "id": repository } });
    let path = "/repos/o/r/pulls?state=open&per_page=100&head=fork:a%26b%23c";
    api.page(path, json!([{ "number": 7, "head": head }]));
    api
}

#[test]
fn a_forks_report_is_commented_on_by_a_second_workflow_that_trusts_nothing_in_it() {
    let api = with_pull("0123456789ab", 5);
    let project = reported("fork/r", "1MiB");
    let report = project.path("memguard-report/report.md");
    fs::write(&report, "## pwned @everyone <script>alert(1)</script>\n").unwrap();
    let ran = second_workflow(&project, &api, "0123456789ab", &[]);
    assert!(ran.code == 0 && ran.err.contains("commented on #7"), "{}{}", ran.out, ran.err);
    let body = api.bodies().pop().unwrap();
    assert!(!body.contains("pwned"), "{body}");
    for part in ["🔴 over budget", "xychart-beta", "(https://github.example/o/r/actions/runs/41#artifacts)", " run 41 "]
    {
        assert!(body.contains(part), "{part}: {body}");
    }
    let left = fs::read_dir(project.path("")).unwrap().flatten().map(|entry| entry.file_name());
    let left: Vec<String> = left.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.starts_with("memguard-") && name != "memguard-report"), "{left:?}");
}

#[test]
fn the_legs_of_a_forks_matrix_are_one_comment() {
    let project = reported("fork/r", "1MiB");
    fs::create_dir(project.path("legs")).unwrap();
    fs::rename(project.path("memguard-report"), project.path("legs/one")).unwrap();
    project.run(&["--name", "other", "--peak", "1GiB"], "ramp 9MiB; hold 50ms");
    fs::rename(project.path("memguard-report"), project.path("legs/two")).unwrap();
    let api = with_pull("0123456789ab", 5);
    let ran = second_workflow(&project, &api, "0123456789ab", &["--from", "legs"]);
    assert!(ran.code == 0 && ran.err.contains("commented on #7"), "{}{}", ran.out, ran.err);
    assert_eq!(api.bodies().len(), 1);
    assert!(api.bodies()[0].contains("## Memory: 1 of 2 workloads: 🔴 over budget"), "{}", api.bodies()[0]);
}

#[test]
fn the_pull_request_is_the_one_that_ends_in_the_commit_of_the_run() {
    let project = reported("fork/r", "1MiB");
    for (commit, repository) in [("ffffffffffff", 5), ("0123456789ab", 6)] {
        let api = with_pull(commit, repository);
        let ran = second_workflow(&project, &api, "0123456789ab", &["--when", "always"]);
        assert!(ran.code == 0 && ran.err.contains("no open pull request ends in the commit"), "{}", ran.err);
        assert!(api.bodies().is_empty());
    }
}

#[test]
fn a_hostile_report_is_refused_or_is_text_and_nothing_else() {
    let project = reported("fork/r", "1MiB");
    let results = project.path("memguard-report/results.json");
    let text = fs::read_to_string(&results).unwrap();
    let said_of = |text: &str| {
        let api = with_pull("0123456789ab", 5);
        fs::write(&results, text).unwrap();
        let ran = second_workflow(&project, &api, "0123456789ab", &["--when", "always"]);
        (ran.code, api.bodies())
    };
    for broken in [
        "{".to_owned(),
        text.replace("\"exit_code\": 1", "\"exit_code\": 0"),
        text.replace("\"name\": \"memguard\"", "\"name\": \"../../etc\""),
    ] {
        assert_ne!(broken, text);
        assert_eq!(said_of(&broken), (5, Vec::new()));
    }
    let hostile = "@everyone ![](http://x) <script>alert(1)</script> | `x` \\n::error::owned";
    let log = project.path("memguard-report/memguard/run-1/log.csv");
    fs::write(&log, format!("elapsed_s,timestamp,stream,line\n0.000001,2026-01-01T00:00:00Z,stdout,{hostile}\n"))
        .unwrap();
    let (code, bodies) = said_of(&text);
    assert_eq!(code, 0);
    let mut outside = String::new();
    for (index, piece) in bodies[0].split('`').enumerate() {
        // Every second piece is in a code span, in which nothing is rendered.
        outside += if index % 2 == 0 { piece } else { "" };
    }
    assert!(bodies[0].contains("@everyone"), "{}", bodies[0]);
    assert!(
        !outside.contains("everyone") && !outside.contains("<script") && !outside.contains("http://x"),
        "{outside}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_in_a_forks_report_leads_nowhere() {
    let api = with_pull("0123456789ab", 5);
    let project = reported("fork/r", "1MiB");
    let log = project.path("memguard-report/memguard/run-1/log.csv");
    fs::remove_file(&log).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &log).unwrap();
    let ran = second_workflow(&project, &api, "0123456789ab", &["--when", "always"]);
    assert!(ran.code == 5 && ran.err.contains("not a file but a link"), "{}", ran.err);
    assert!(api.bodies().is_empty());
}
