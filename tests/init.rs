//! `memguard init` in folders as people have them.

mod common;

use std::fs;
use std::process::Command;

use common::Project;

const ACTION: &str = "o/memguard@0123456789012345678901234567890123456789";
const WORKFLOW: &str = ".github/workflows/memguard.yml";

#[test]
fn a_workflow_is_written_beside_the_config_and_never_over_one() {
    let project = Project::new();
    fs::write(project.path("go.mod"), "").unwrap();
    let wrote = project.memguard(&["init", "--github", "--action", ACTION]);
    assert_eq!(wrote.code, 0, "{}", wrote.err);
    let text = fs::read_to_string(project.path(WORKFLOW)).unwrap();
    assert!(text.contains("run: go build ./...") && text.contains(&format!("uses: {ACTION}\n")), "{text}");
    assert!(fs::read_to_string(project.path("memguard.toml")).unwrap().contains("go test"));
    fs::write(project.path(WORKFLOW), "mine").unwrap();
    fs::remove_file(project.path("memguard.toml")).unwrap();
    for force in [&[][..], &["--force"]] {
        let again = project.memguard(&[&["init", "--github", "--action", ACTION], force].concat());
        assert!(again.code == 5 && again.err.contains("which is never replaced"), "{}", again.err);
        assert_eq!(fs::read_to_string(project.path(WORKFLOW)).unwrap(), "mine");
        assert!(!project.path("memguard.toml").exists(), "all or nothing");
    }
}

#[test]
fn a_config_that_is_there_is_kept_and_its_systems_are_a_matrix() {
    let project = Project::new();
    let config = "[[workload]]\nname = \"a\"\nrun = \"true\"\n[workload.platform.windows]\nrun = \"cmd /c exit\"\n";
    fs::write(project.path("memguard.toml"), config).unwrap();
    assert_eq!(project.memguard(&["init", "--github", "--action", ACTION]).code, 0);
    assert_eq!(fs::read_to_string(project.path("memguard.toml")).unwrap(), config);
    let text = fs::read_to_string(project.path(WORKFLOW)).unwrap();
    assert!(text.contains("os: [ubuntu-24.04, windows-2025]") && text.contains("args: --machines 2"), "{text}");
}

#[test]
fn in_a_folder_of_a_repository_the_workflow_stands_at_its_root() {
    let project = Project::new();
    let git = Command::new("git").args(["init", "-q"]).current_dir(project.path("")).status().unwrap();
    assert!(git.success());
    fs::create_dir_all(project.path("tools/import")).unwrap();
    let mut command = project.command(&["init", "--github", "--action", ACTION]);
    assert!(command.current_dir(project.path("tools/import")).status().unwrap().success());
    let text = fs::read_to_string(project.path(".github/workflows/memguard-tools-import.yml")).unwrap();
    assert!(text.contains("working-directory: \"tools/import\""), "{text}");
    assert!(project.path("tools/import/memguard.toml").is_file());
}

#[test]
fn an_action_is_named_by_its_commit_or_not_at_all() {
    let project = Project::new();
    for action in ["o/memguard@v1", "memguard@0123456789012345678901234567890123456789", "o/m@$(x)", "o/m"] {
        let refused = project.memguard(&["init", "--github", "--action", action]);
        assert!(refused.code == 2 && refused.err.contains("all 40 digits of a commit"), "{}", refused.err);
    }
    if memguard::cli::RELEASED_ACTION.is_none() {
        let unknown = project.memguard(&["init", "--github"]);
        assert!(unknown.code == 2 && unknown.err.contains("with --action OWNER/memguard@COMMIT"), "{}", unknown.err);
    }
    assert!(!project.path(".github").exists() && !project.path("memguard.toml").exists());
}
