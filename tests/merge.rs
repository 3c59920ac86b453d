//! The results of several machines, joined.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;
use std::process::Command;

use common::{MEMGUARD, Outcome, Project};
use memguard::os::platform;

/// Three workloads, of which the last is over its budget.
fn config(project: &Project) {
    let workload = |name: &str, keys: &str| {
        let script = "log \"loading\"; ramp 20MiB 50ms; hold 50ms";
        format!("[[workload]]\nname = \"{name}\"\nrun = ['{MEMGUARD}', 'synth', '{script}']\n{keys}\n")
    };
    let (ample, scant) = ("budget = { peak = \"200 MiB\" }", "budget = { peak = \"9 MiB\" }");
    let text = workload("api", ample) + &workload("ingest", ample) + &workload("worker", scant);
    fs::write(project.path("memguard.toml"), text).unwrap();
}

/// Runs each part of the plan as a machine of its own would.
fn split(project: &Project, of: u32) {
    for index in 1..=of {
        let shard = format!("{index}/{of}");
        let ran = project.memguard(&["run", "--quiet", "--shard", &shard, "--out", &format!("legs/{index}")]);
        assert!(matches!(ran.code, 0 | 1), "{}", ran.err);
    }
}

fn text(outcome: &Outcome) -> String {
    String::from_utf8_lossy(&outcome.out).into_owned()
}

/// Numbers of a run differ from the next: what is the same is the checks and their answers.
fn answers(results: &serde_json::Value) -> Vec<(String, String, String)> {
    let workloads = results["workloads"].as_array().unwrap().iter();
    let of = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    workloads.map(|one| (of(&one["name"]), of(&one["verdict"]), of(&one["checks"][0]["outcome"]))).collect()
}

#[test]
fn the_parts_of_a_plan_are_one_report_and_one_verdict() {
    let project = Project::new();
    config(&project);
    let whole = project.memguard(&["run"]);
    fs::remove_dir_all(project.path("memguard-report")).unwrap();
    split(&project, 4);
    let merged = project.memguard(&["merge", "legs"]);
    assert_eq!((merged.code, whole.code), (1, 1), "{}{}", text(&merged), merged.err);
    assert_eq!(answers(merged.results()), answers(whole.results()));
    assert_eq!(merged.results()["verdict"], "fail");
    assert_eq!(merged.results()["legs"].as_array().unwrap().len(), 4);
    let text = text(&merged);
    for part in ["api       peak", "worker    peak", "FAIL", "exit code 1: a budget was exceeded", "\"loading\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for file in ["report.md", "junit.xml", "api/graph.svg", "api/graph.png", "worker/run-1/memory.csv"] {
        assert!(project.path("memguard-report").join(file).is_file(), "{file}");
    }
    let markdown = fs::read_to_string(project.path("memguard-report/report.md")).unwrap();
    assert!(markdown.starts_with("## Memory: 1 of 3 workloads: 🔴 over budget") && markdown.contains("xychart"));
    assert_eq!(project.memguard(&["check", "memguard-report"]).code, 1, "the joined traces can be judged again");
    let legs = ["merge", "legs/3", "legs/1", "legs/4", "legs/2", "--machines", "4"];
    let by_name = project.memguard(&legs);
    assert_eq!((by_name.code, by_name.results()), (1, merged.results()), "the order of the folders says nothing");
}

#[test]
fn a_machine_that_is_missing_doubled_or_of_another_config_is_never_green() {
    let project = Project::new();
    config(&project);
    split(&project, 2);
    let fails = |args: &[&str], told: &str| {
        let _ = fs::remove_dir_all(project.path("memguard-report"));
        let merged = project.memguard(&[&["merge"], args].concat());
        // What was found in a folder is named as the system writes paths.
        let err = merged.err.replace('\\', "/");
        assert!(merged.code == 5 && err.contains(told), "{told}: {}{err}", text(&merged));
        assert!(!project.path("memguard-report/results.json").exists());
    };
    let here = platform();
    fails(&["legs/1"], &format!("of the shards of {here}, 2/2 are missing"));
    fails(&["legs/1", "legs/2", "legs/1"], &format!("`api` on {here} stands in `legs/1` and in `legs/1`"));
    fails(&["legs", "--machines", "3"], "there are results of 2 machines, and there must be 3");
    fails(&["legs/1", "nowhere"], "could not read the folder `nowhere`");
    fs::remove_file(project.path("legs/2/results.json")).unwrap();
    fails(&["legs"], "`legs/2`: the file `legs/2/results.json` is missing");
    project.memguard(&["run", "--quiet", "--shard", "2/2", "--out", "legs/2"]);
    fs::remove_file(project.path("legs/1/worker/run-1/log.csv")).unwrap();
    fails(&["legs"], "`legs/1`: the file `legs/1/worker/run-1/log.csv` is missing");
    project.memguard(&["run", "--quiet", "--shard", "1/2", "--out", "legs/1"]);
    let toml = fs::read_to_string(project.path("memguard.toml")).unwrap();
    let again = |words: &[&str]| {
        project.memguard(&[&["run", "--quiet", "--shard", "2/2", "--out", "legs/2"], words].concat());
    };
    fs::write(project.path("memguard.toml"), toml.replace("200 MiB", "300 MiB")).unwrap();
    again(&[]);
    fails(&["legs"], "`legs/2` is of another config than `legs/1`");
    fs::write(project.path("memguard.toml"), &toml).unwrap();
    again(&["--peak", "1GiB"]);
    fails(&["legs"], "`legs/2` was run with `--peak 1GiB`, and `legs/1` without");
    again(&["--env", "TOKEN=secret"]);
    fails(&["legs"], "`legs/2` was run with `--env TOKEN=<2bb80d537b1d>`, and `legs/1` without");
    project.memguard(&["run", "--quiet", "--shard", "1/3", "--out", "legs/2"]);
    fails(&["legs"], "`legs/2` is shard 1/3 of another split of the workloads than `legs/1`, 1/2");
    project.memguard(&["run", "--quiet", "--shard", "1/2", "--out", "legs/2"]);
    fails(&["legs"], "shard 1/2 of");
    project.memguard(&["run", "--quiet", "worker", "--out", "legs/2"]);
    fails(&["legs"], "`worker` on");
    fs::remove_dir_all(project.path("legs/2")).unwrap();
    fs::create_dir(project.path("legs/2")).unwrap();
    fails(&["legs"], "`legs/2`: the file `legs/2/results.json` is missing");
    fails(&["legs/1", "legs/2"], "there are no results in `legs/2`");
}

#[test]
fn machines_that_checked_out_different_commits_are_no_whole() {
    let project = Project::new();
    config(&project);
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(words);
        assert!(command.current_dir(project.path("")).status().unwrap().success());
    };
    git(&["init", "-q"]);
    for shard in ["1/2", "2/2"] {
        git(&["commit", "-q", "--allow-empty", "-m", shard]);
        project.memguard(&["run", "--quiet", "--shard", shard, "--out", &format!("legs/{}", &shard[..1])]);
    }
    let merged = project.memguard(&["merge", "legs"]);
    assert!(merged.code == 5 && merged.err.contains("is of the commit "), "{}", merged.err);
    project.memguard(&["run", "--quiet", "--shard", "1/2", "--out", "legs/1"]);
    assert_eq!(project.memguard(&["merge", "legs"]).code, 1);
    assert_eq!(project.results()["legs"][0]["commit"].as_str().unwrap().len(), 40);
}

#[test]
fn the_same_workload_of_two_platforms_is_told_apart_everywhere() {
    let project = Project::new();
    config(&project);
    for label in ["old", "new"] {
        project.memguard(&["run", "--quiet", "api", "--label", label, "--out", &format!("legs/{label}")]);
    }
    let unknown = project.memguard(&["merge", "legs"]);
    let told =
        "of the 2 machines found, it can't be known whether they are all: say how many there must be with --machines";
    assert!(unknown.code == 5 && unknown.err.contains(told), "{}", unknown.err);
    let merged = project.memguard(&["merge", "legs", "--machines", "2"]);
    assert_eq!(merged.code, 0, "{}{}", text(&merged), merged.err);
    let platforms = ["new", "old"].map(|label| format!("{}-{label}", platform()));
    let names = platforms.clone().map(|platform| format!("api@{platform}"));
    let markdown = fs::read_to_string(project.path("memguard-report/report.md")).unwrap();
    let junit = fs::read_to_string(project.path("memguard-report/junit.xml")).unwrap();
    for name in &names {
        assert!(text(&merged).contains(name) && markdown.contains(name) && junit.contains(name), "{name}");
        assert!(project.path("memguard-report").join(name).join("run-1/memory.csv").is_file(), "{name}");
    }
    let of = |key: &str| -> Vec<String> {
        let workloads = merged.results()["workloads"].as_array().unwrap().iter();
        workloads.map(|workload| workload[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("name"), ["api", "api"]);
    assert_eq!(of("platform"), platforms);
    let again = project.memguard(&["merge", "memguard-report", "--out", "elsewhere"]);
    assert!(again.code == 5 && again.err.contains("it is of 2 machines"), "{}", again.err);
    let moved = project.memguard(&["compare", "memguard-report", "memguard-report"]);
    assert_eq!(moved.code, 0, "{}", moved.err);
}

#[test]
fn the_report_is_not_written_over_what_is_joined() {
    let project = Project::new();
    config(&project);
    project.memguard(&["run", "--quiet", "api"]);
    for out in ["memguard-report", "memguard-report/all", "."] {
        let merged = project.memguard(&["merge", "memguard-report", "--out", out]);
        assert!(merged.code == 5 && merged.err.contains("name another folder with --out"), "{}", merged.err);
        assert!(project.path("memguard-report/api/run-1/memory.csv").is_file());
    }
}

#[cfg(unix)]
#[test]
fn nothing_in_a_folder_leads_elsewhere() {
    let project = Project::new();
    config(&project);
    let fresh = || project.memguard(&["run", "--quiet", "api", "--out", "leg"]);
    let fails = |told: &str| {
        let merged = project.memguard(&["merge", "leg"]);
        assert!(merged.code == 5 && merged.err.contains(told), "{told}: {}", merged.err);
    };
    let edit = |from: &str, to: &str| {
        let path = project.path("leg/results.json");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&path, text.replace(from, to)).unwrap();
    };
    fresh();
    edit("\"api\"", "\"../../api\"");
    fails("is a path");
    fresh();
    edit(&format!("\"{}\"", platform()), "\"x/../../y\"");
    fails("is not a platform");
    fresh();
    edit("\"exit_code\": 0", "\"exit_code\": 1");
    fails("it says exit code 1, and its checks give 0");
    fs::write(project.path("secret"), "secret").unwrap();
    for name in ["results.json", "api/run-1/log.csv", "api/run-1", "api"] {
        fresh();
        let path = project.path("leg").join(name);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        std::os::unix::fs::symlink(project.path("secret"), &path).unwrap();
        fails("a link");
        fs::remove_file(&path).unwrap();
    }
    fresh();
    fs::OpenOptions::new().write(true).open(project.path("leg/results.json")).unwrap().set_len(65 << 20).unwrap();
    fails("is larger than");
    fresh();
    let run = project.path("leg/api/run-1/run.json");
    fs::write(&run, fs::read_to_string(&run).unwrap().replace("\"run\": 1", "\"run\": 2")).unwrap();
    fails("the trace of run 1 of `api` is of another run, machine or metric");
}

#[test]
fn a_step_is_told_of_the_whole_and_of_what_is_missing() {
    let project = Project::new();
    config(&project);
    split(&project, 2);
    let step = |args: &[&str]| {
        let mut command = project.command(args);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", project.path("summary"));
        let ran = command.env("GITHUB_OUTPUT", project.path("output")).output().unwrap();
        let read = |name: &str| {
            let text = fs::read_to_string(project.path(name)).unwrap();
            fs::remove_file(project.path(name)).unwrap();
            text
        };
        (String::from_utf8_lossy(&ran.stdout).into_owned(), read("summary"), read("output"))
    };
    let (out, summary, output) = step(&["merge", "legs"]);
    assert!(out.contains("::error file=memguard.toml,line=12,title=memguard%3A worker peak::worker: peak is"), "{out}");
    assert!(summary.starts_with("## Memory: 1 of 3 workloads: 🔴 over budget"), "{summary}");
    assert!(output.contains("\nfail\n") && output.contains("peak-bytes<<"), "{output}");
    let (out, summary, output) = step(&["merge", "legs/1"]);
    assert!(out.starts_with("::error title=memguard%3A the results were not joined::"), "{out}");
    assert!(summary.contains(&format!("of the shards of {}, 2/2 are missing", platform())), "{summary}");
    assert!(output.contains("\nerror\n") && output.contains("\n5\n"), "{output}");
}
