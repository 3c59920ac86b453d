//! What a release is made of, and where others look for it.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::collections::BTreeSet;
use std::fs;

use toml::Table;

/// The systems that the release workflow builds for.
fn targets() -> Vec<String> {
    let workflow = fs::read_to_string(".github/workflows/release.yml").unwrap();
    let lines = workflow.lines().filter_map(|line| line.trim().strip_prefix("- { target: "));
    lines.map(|rest| rest.split(',').next().unwrap().to_owned()).collect()
}

fn package() -> Table {
    let manifest: Table = fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    manifest["package"].as_table().unwrap().clone()
}

/// A template of cargo-binstall's, filled in: <https://github.com/cargo-bins/cargo-binstall/blob/main/SUPPORT.md>.
fn filled(template: &str, package: &Table, target: &str) -> String {
    let text = |key: &str| package[key].as_str().unwrap();
    let ending = if target.contains("windows") { ".exe" } else { "" };
    let fields = [
        ("name", text("name")),
        ("repo", text("repository")),
        ("version", text("version")),
        ("target", target),
        ("binary-ext", ending),
    ];
    fields.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{ {name} }}"), value))
}

#[test]
fn cargo_binstall_looks_for_what_the_release_workflow_packs() {
    let package = package();
    let binstall = package["metadata"]["binstall"].as_table().unwrap();
    let repository = package["repository"].as_str().unwrap();
    let version = package["version"].as_str().unwrap();
    assert_eq!(targets().len(), 5);
    for target in targets() {
        let url = filled(binstall["pkg-url"].as_str().unwrap(), &package, &target);
        // As `pack.sh` names it and `gh release create v…` publishes it.
        assert_eq!(url, format!("{repository}/releases/download/v{version}/memguard-{target}.tar.gz"));
        let program = filled(binstall["bin-dir"].as_str().unwrap(), &package, &target);
        assert_eq!(program, if target.contains("windows") { "memguard.exe" } else { "memguard" });
    }
    assert_eq!(binstall["pkg-fmt"].as_str(), Some("tgz"));
}

#[test]
fn the_documents_say_the_same_owner_as_the_manifest() {
    let owner = package()["repository"].as_str().unwrap().strip_prefix("https://github.com/").unwrap().to_owned();
    for file in ["README.md", "docs/github.md"] {
        let text = fs::read_to_string(file).unwrap();
        let named: BTreeSet<&str> =
            text.match_indices("/memguard@").map(|(at, _)| text[..at].rsplit([' ', '`']).next().unwrap()).collect();
        assert_eq!(
            named.into_iter().map(|name| format!("{name}/memguard")).collect::<Vec<_>>(),
            [owner.as_str()],
            "{file}"
        );
    }
}

/// The scripts run on the runners of GitHub, with a shell that Windows need not have elsewhere.
#[cfg(unix)]
#[test]
fn an_archive_has_the_program_at_its_top_its_completions_and_its_manual() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use common::{MEMGUARD, Project};

    let project = Project::new();
    let script = format!("{}/.github/release/pack.sh", env!("CARGO_MANIFEST_DIR"));
    let (dist, program) = (project.path("dist"), project.path("build/memguard"));
    // What is built for tests is hundreds of times larger than a release.
    fs::create_dir(project.path("build")).unwrap();
    fs::write(&program, format!("#!/bin/sh\nexec '{MEMGUARD}' \"$@\"\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut pack = Command::new("bash");
    let ran = pack.arg(script).arg("x86_64-unknown-linux-musl").args([&program, &dist]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let left: Vec<_> = fs::read_dir(&dist).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["memguard-x86_64-unknown-linux-musl.tar.gz"]);
    let unpacked = Command::new("tar").arg("-xzf").arg(dist.join(&left[0])).current_dir(project.path("")).status();
    assert!(unpacked.unwrap().success());
    let version = Command::new(project.path("memguard")).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("memguard "));
    for (file, part) in [
        ("completions/memguard.bash", "complete -F"),
        ("completions/_memguard", "#compdef memguard"),
        ("completions/memguard.fish", "complete -c memguard"),
        ("completions/memguard.elv", "edit:completion"),
        ("completions/_memguard.ps1", "Register-ArgumentCompleter"),
        ("man/memguard.1", ".TH"),
        ("man/memguard-run.1", ".TH"),
        ("LICENSE-MIT", "MIT"),
        ("LICENSE-APACHE", "Apache"),
    ] {
        let text = fs::read_to_string(project.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(part), "{file}: {text:.200}");
    }
}

#[cfg(unix)]
#[test]
fn the_action_at_the_tag_of_a_release_installs_that_release() {
    use std::process::Command;

    use common::Project;

    let project = Project::new();
    let top = project.path("");
    let git = |words: &[&str]| {
        let ran = Command::new("git").current_dir(project.path("clone")).args(words).output().unwrap();
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(Command::new("git").args(["init", "-q", "--bare"]).arg(top.join("origin")).status().unwrap().success());
    assert!(Command::new("cp").args(["-R", ".github"]).arg(top.join("github")).status().unwrap().success());
    fs::create_dir(top.join("clone")).unwrap();
    fs::rename(top.join("github"), top.join("clone/.github")).unwrap();
    git(&["init", "-q"]);
    for (key, value) in
        [("user.name", "a"), ("user.email", "a@b"), ("commit.gpgSign", "false"), ("tag.gpgSign", "false")]
    {
        git(&["config", key, value]);
    }
    git(&["remote", "add", "origin", top.join("origin").to_str().unwrap()]);
    git(&["add", "--all"]);
    git(&["commit", "-q", "-m", "1.2.3"]);
    let released = git(&["rev-parse", "HEAD"]);

    let sums: String =
        targets().iter().map(|target| format!("{}  memguard-{target}.tar.gz\n", "0a".repeat(32))).collect();
    fs::write(top.join("sums"), sums).unwrap();
    let mut tag = Command::new("bash");
    tag.current_dir(top.join("clone")).args([".github/release/tag.sh", "1.2.3", "https://example.com/o/memguard"]);
    let ran = tag.stdin(fs::File::open(top.join("sums")).unwrap()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));

    let pinned = git(&["show", "v1.2.3:.github/action/releases.txt"]);
    for target in targets() {
        let url = format!("https://example.com/o/memguard/releases/download/v1.2.3/memguard-{target}.tar.gz");
        assert!(pinned.contains(&format!("1.2.3 {target} {} {url}\n", "0a".repeat(32))), "{pinned}");
    }
    assert_eq!(git(&["rev-parse", "v1.2.3^"]), released);
    let there = git(&["ls-remote", "origin"]);
    let commit = git(&["rev-parse", "v1.2.3"]);
    for name in ["heads/release-v1.2.3", "tags/v1.2.3", "tags/v1"] {
        assert!(there.contains(&format!("{}\trefs/{name}\n", commit.trim())), "{there}");
    }
}
