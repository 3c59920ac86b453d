//! The baseline of the merge base judges: in real repositories.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{MEMGUARD, Outcome, Project};

const CONFIG: &str = "memguard.toml";
const BASELINE: &str = "memguard-baseline.toml";

fn git(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").current_dir(folder);
    for (name, value) in [("user.name", "t"), ("user.email", "t@example.org"), ("init.defaultBranch", "main")] {
        command.args(["-c", &format!("{name}={value}")]);
    }
    let output = command.args(["-c", "protocol.file.allow=always"]).args(words).output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn config(project: &Project, budget: &str, ramp: &str) {
    let keys = format!(
        "budget = {{ peak = \"{budget}\" }}\nregression = {{ peak = {{ percent = 10, at_least = \"4 MiB\" }} }}"
    );
    project.config(&keys, &format!("ramp {ramp}; hold 60ms"));
}

fn commit(folder: &Path, message: &str) {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-qm", message]);
}

/// A repository with an accepted baseline of 30 MiB on `main`, and a branch that takes 60 MiB, raises its budget for that, and
/// accepts a baseline of its own.
fn repository() -> Project {
    let project = Project::new();
    let root = project.path("");
    git(&root, &["init", "-q"]);
    fs::write(project.path(".gitignore"), "/memguard-report\n").unwrap();
    config(&project, "50 MiB", "30MiB");
    assert_eq!(project.memguard(&["run", "--quiet"]).code, 0);
    assert_eq!(project.memguard(&["baseline", "accept"]).code, 0);
    commit(&root, "accepted");
    git(&root, &["checkout", "-qb", "change"]);
    config(&project, "200 MiB", "60MiB");
    assert_eq!(project.memguard(&["run", "--quiet"]).code, 3);
    assert_eq!(project.memguard(&["baseline", "accept"]).code, 0);
    commit(&root, "takes more");
    project
}

fn said(outcome: &Outcome) -> String {
    String::from_utf8_lossy(&outcome.out).into_owned() + &outcome.err
}

#[test]
fn a_change_can_not_raise_its_own_limit_unseen() {
    let project = repository();
    assert_eq!(project.memguard(&["run"]).code, 0, "its own baseline lets it pass");
    let judged = project.memguard(&["run", "--baseline-ref", "main"]);
    let short = git(&project.path(""), &["rev-parse", "--short=12", "main"]);
    let text = said(&judged);
    assert_eq!(judged.code, 3, "{text}");
    let (platform, metric) = (memguard::os::platform(), &judged.results()["workloads"][0]["metric"]);
    let metric = metric.as_str().unwrap();
    for part in [
        format!("judged by the baseline of {short}, where HEAD and `main` meet"),
        "this change lets more pass than before:\n  the budget of `a` peak was 50.0 MiB and is 200.0 MiB\n".into(),
        format!("  the baseline of `a` peak on `{platform}` in {metric} was 3"),
    ] {
        assert!(text.contains(&part), "{part}: {text}");
    }
    let markdown = fs::read_to_string(project.path("memguard-report/report.md")).unwrap();
    assert!(markdown.contains("> ⚠️ **this change lets more pass than before:**"), "{markdown}");
    assert!(markdown.contains("> - the budget of `a` peak was 50.0 MiB and is 200.0 MiB"), "{markdown}");
    let base = &judged.results()["legs"][0]["base"];
    assert_eq!((&base["ref"], &base["commit"]), (&"main".into(), &short.as_str().into()));
    let budget = base["edits"].as_array().unwrap().iter().find(|edit| edit["kind"] == "budget").unwrap();
    assert_eq!((&budget["loosens"], &budget["config"]["line"]), (&true.into(), &4.into()));
    fs::rename(project.path("memguard-report"), project.path("leg")).unwrap();
    let merged = project.memguard(&["merge", "leg"]);
    assert!(merged.code == 3 && said(&merged).contains("was 50.0 MiB and is 200.0 MiB"), "{}", said(&merged));
}

#[test]
fn edits_are_told_by_meaning_and_annotated_where_they_stand() {
    let project = repository();
    let toml = fs::read_to_string(project.path(CONFIG)).unwrap();
    let same = toml.replace("200 MiB", "50.0MiB") + "# a comment\nlevel = \"fail\"\n";
    fs::write(project.path(CONFIG), same).unwrap();
    git(&project.path(""), &["checkout", "-q", "main", "--", BASELINE]);
    let text = said(&project.memguard(&["check", "memguard-report", "--baseline-ref", "main"]));
    assert!(text.contains("judged by the baseline of") && !text.contains("this change"), "{text}");
    fs::write(project.path(CONFIG), toml).unwrap();
    let mut command = project.command(&["run", "--baseline-ref", "main"]);
    command.env("GITHUB_ACTIONS", "true").env_remove("GITHUB_STEP_SUMMARY").env_remove("GITHUB_OUTPUT");
    let out = String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned();
    let annotation =
        "::warning file=memguard.toml,line=4,title=memguard%3A this change lets more pass than before::the budget";
    assert!(out.contains(annotation), "{out}");
}

#[test]
fn a_shallow_clone_is_told_what_to_fetch() {
    let origin = repository();
    let project = Project::new();
    let url = format!("file://{}", origin.path("").display());
    git(&project.path(""), &["clone", "-q", "--depth=1", "--branch=change", "--no-single-branch", &url, "."]);
    fs::rename(origin.path("memguard-report"), project.path("memguard-report")).unwrap();
    let check = |reference: &str| project.memguard(&["check", "memguard-report", "--baseline-ref", reference]);
    let cut = check("origin/main");
    assert_eq!(cut.code, 2);
    assert!(cut.err.contains("this clone is shallow: its history ends before HEAD meets `origin/main`"), "{}", cut.err);
    assert!(cut.err.contains("`fetch-depth: 0` for actions/checkout, or `git fetch --unshallow`"), "{}", cut.err);
    git(&project.path(""), &["branch", "-qrd", "origin/main"]);
    let unknown = check("main");
    assert!(
        unknown.code == 2 && unknown.err.contains("no commit `main` in this clone, which is shallow"),
        "{}",
        unknown.err
    );
    git(&project.path(""), &["fetch", "-q", "--unshallow"]);
    let whole = check("main");
    assert!(whole.code == 3 && said(&whole).contains("where HEAD and `main` meet"), "{}", said(&whole));
}

#[test]
fn the_merge_commit_of_a_pull_request_is_compared_with_what_it_merges_into() {
    let origin = repository();
    let root = origin.path("");
    git(&root, &["checkout", "-q", "main"]);
    fs::write(origin.path("other"), "later on main").unwrap();
    commit(&root, "main goes on");
    git(&root, &["checkout", "-q", "--detach"]);
    git(&root, &["merge", "-q", "--no-ff", "-m", "merge", "change"]);
    git(&root, &["branch", "pull"]);
    let project = Project::new();
    let url = format!("file://{}", root.display());
    // As actions/checkout leaves it at `fetch-depth: 2`, with no branch of its own.
    git(&project.path(""), &["clone", "-q", "--depth=2", "--branch=pull", &url, "."]);
    fs::rename(origin.path("memguard-report"), project.path("memguard-report")).unwrap();
    let judged = project.memguard(&["check", "memguard-report", "--baseline-ref", "HEAD^1"]);
    assert!(judged.code == 3 && said(&judged).contains("was 50.0 MiB and is 200.0 MiB"), "{}", said(&judged));
    let short = git(&root, &["rev-parse", "--short=12", "main"]);
    assert!(said(&judged).contains(&format!("the baseline of {short}")), "{}", said(&judged));
}

#[test]
fn it_works_in_a_subfolder_and_in_a_work_tree_of_its_own() {
    let project = repository();
    let root = project.path("");
    let tree = project.path("tree");
    git(&root, &["worktree", "add", "-q", "--detach", tree.to_str().unwrap(), "change"]);
    let run = |folder: &Path, args: &[&str]| {
        let output =
            Command::new(MEMGUARD).args(args).current_dir(folder).env_remove("GITHUB_ACTIONS").output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let report = project.path("memguard-report");
    let args = ["check", report.to_str().unwrap(), "--baseline-ref", "main"];
    let (code, text) = run(&tree, &args);
    assert!(code == Some(3) && text.contains("was 50.0 MiB and is 200.0 MiB"), "{text}");
    git(&root, &["worktree", "remove", "--force", tree.to_str().unwrap()]);
    fs::create_dir(project.path("sub")).unwrap();
    let (code, text) = run(&project.path("sub"), &[&args[..], &["--config", "../memguard.toml"]].concat());
    assert!(code == Some(3) && text.contains("was 50.0 MiB and is 200.0 MiB"), "{text}");
}

#[test]
fn a_baseline_that_was_not_there_yet_is_no_baseline_and_moving_it_hides_nothing() {
    let project = repository();
    let toml = fs::read_to_string(project.path(CONFIG)).unwrap();
    fs::write(project.path(CONFIG), format!("[baseline]\nfile = \"mine.toml\"\nref = \"main\"\n{toml}")).unwrap();
    fs::rename(project.path(BASELINE), project.path("mine.toml")).unwrap();
    let moved = project.memguard(&["check", "memguard-report"]);
    let text = said(&moved);
    assert_eq!(moved.code, 3, "{text}");
    assert!(text.contains("`[baseline]` file was memguard-baseline.toml and is mine.toml"), "{text}");
    assert_eq!(
        project.memguard(&["baseline", "accept"]).code,
        0,
        "what is accepted is compared with the file that lies here"
    );
    git(&project.path(""), &["checkout", "-qf", "main"]);
    git(&project.path(""), &["rm", "-q", "--cached", BASELINE]);
    git(&project.path(""), &["commit", "-qm", "without"]);
    let unbaselined = ["check", "memguard-report", "--peak", "1GiB", "--baseline-ref", "main"];
    let none = project.memguard(&unbaselined);
    let text = said(&none);
    assert!(
        none.code == 0 && text.contains("there is no baseline file `") && text.contains(":memguard-baseline.toml` yet"),
        "{text}"
    );
    assert_eq!(project.memguard(&[&unbaselined[..], &["--require-baseline"]].concat()).code, 6);
}

#[test]
fn what_is_no_commit_is_refused_before_anything_is_run() {
    let project = repository();
    fs::remove_dir_all(project.path("memguard-report")).unwrap();
    for (reference, told) in [
        ("--upload-pack=touch owned", "can't be the name of a commit"),
        ("--output=owned", "can't be the name of a commit"),
        ("", "can't be the name of a commit"),
        ("nowhere", "there is no commit `nowhere` in this clone"),
        ("main:memguard.toml", "there is no commit `main:memguard.toml`"),
    ] {
        let refused = project.memguard(&["run", &format!("--baseline-ref={reference}")]);
        assert!(refused.code == 2 && refused.err.contains(told), "{reference}: {}", refused.err);
        assert!(!project.path("memguard-report").exists() && !project.path("owned").exists());
    }
    let outside = Project::new();
    config(&outside, "50 MiB", "30MiB");
    let outside = outside.memguard(&["run", "--baseline-ref", "main"]);
    assert!(outside.code == 2 && outside.err.contains("there is no git repository here"), "{}", outside.err);
}
