//! The scripts of the action, run as its steps run them.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Output};

use common::{MEMGUARD, Project};

/// Runs one of the scripts in the project, with these variables.
fn script(project: &Project, name: &str, variables: &[(&str, &str)]) -> (Output, String) {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = project.path("output");
    let _ = fs::remove_file(&output);
    let mut command = Command::new("bash");
    command.arg(format!("{root}/.github/action/{name}")).current_dir(project.path(""));
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_OUTPUT", &output).env_remove("GITHUB_STEP_SUMMARY");
    command.env("GITHUB_ACTION_PATH", root).env("MEMGUARD_PROGRAM", MEMGUARD).envs(variables.iter().copied());
    let ran = command.output().unwrap();
    (ran, fs::read_to_string(output).unwrap_or_default())
}

#[test]
fn the_exit_code_is_handed_on_and_the_step_does_not_fail_before_the_report_is_kept() {
    let project = Project::new();
    project.config("budget = { peak = \"20MiB\" }", "ramp 40MiB 100ms; hold 100ms");
    let (ran, output) = script(&project, "run.sh", &[]);
    assert!(ran.status.success());
    assert!(output.ends_with("status=1\n") && output.contains("\nfail\n"), "{output}");
    let (_, output) = script(&project, "run.sh", &[("MEMGUARD_LEVEL", "warn")]);
    assert!(output.ends_with("status=0\n") && output.contains("\nwarn\n"), "{output}");
    let (_, output) = script(&project, "run.sh", &[("MEMGUARD_BASELINE_REF", "--output=owned")]);
    assert!(output.ends_with("status=2\n") && !project.path("owned").exists(), "{output}");
    let (_, output) = script(&project, "run.sh", &[("MEMGUARD_CONFIG", "no-such.toml")]);
    assert!(output.ends_with("status=2\n"), "{output}");
}

#[test]
fn arguments_are_words_or_lines_and_never_a_program() {
    let project = Project::new();
    let lines = format!("--name\na b; touch owned\n--\n{MEMGUARD}\nsynth\nramp 9MiB; hold 20ms\n");
    let (ran, output) = script(&project, "run.sh", &[("MEMGUARD_ARGS", &lines)]);
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(output.ends_with("status=2\n"), "the name is refused as it is: {output}{err}");
    let words = format!("--peak 1GiB -- {MEMGUARD} synth exit");
    let (_, output) = script(&project, "run.sh", &[("MEMGUARD_ARGS", &words)]);
    assert!(output.contains("status="), "{output}");
    let (_, _) = script(&project, "run.sh", &[("MEMGUARD_ARGS", "-- echo $(touch owned)")]);
    assert!(!project.path("owned").exists());
}

#[test]
fn the_workload_has_the_environment_of_the_job_and_its_output_keeps_its_order() {
    let project = Project::new();
    let show = "env; echo first; echo second >&2; echo third";
    fs::write(project.path("memguard.toml"), format!("[[workload]]\nname = \"a\"\nrun = '{show}'\n")).unwrap();
    let variables =
        [("CONFIG", "mine"), ("LEVEL", "mine"), ("MEMGUARD_CONFIG", "memguard.toml"), ("MEMGUARD_ARGS", "--runs 1")];
    let (ran, output) = script(&project, "run.sh", &variables);
    let out = String::from_utf8_lossy(&ran.stdout);
    assert!(output.ends_with("status=0\n"), "{out}");
    assert!(out.contains("CONFIG=mine\n") && out.contains("LEVEL=mine\n") && !out.contains("MEMGUARD_"), "{out}");
    // One pipe: what is within the fence can't be read after its end.
    let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("{text}: {out}"));
    assert!(at("first\n") < at("::endgroup::") && at("second\n") < at("::endgroup::"));
    assert!(at("::endgroup::") < at("verdict: "), "{out}");
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
}

#[test]
fn a_control_group_is_made_only_if_the_arguments_or_the_config_ask_for_one() {
    let project = Project::new();
    fs::create_dir_all(project.path("action/.github/action")).unwrap();
    fs::write(project.path("action/.github/action/group.sh"), "echo in a group\n").unwrap();
    let action = project.path("action");
    let is_asked_for = |config: &str, args: &str| {
        fs::write(project.path("memguard.toml"), format!("{config}\n[[workload]]\nname = \"a\"\nrun = \"true\"\n"))
            .unwrap();
        let variables = [("GITHUB_ACTION_PATH", action.to_str().unwrap()), ("MEMGUARD_ARGS", args)];
        let (ran, output) = script(&project, "run.sh", &variables);
        assert!(output.contains("status="), "{output}");
        String::from_utf8_lossy(&ran.stdout).starts_with("in a group\n")
    };
    for args in ["--source cgroup -- true", "--runs 1 --source=cgroup", "--runs\n1\n--source\ncgroup"] {
        assert!(is_asked_for("", args), "{args}");
    }
    for config in ["source = \"cgroup\"", "source='cgroup' # exact", "metric = \"rss\"\n  \"source\"\t= \"cgroup\""] {
        assert!(is_asked_for(config, ""), "{config}");
    }
    fs::write(project.path("other.toml"), "source = \"cgroup\"\n").unwrap();
    for args in ["--config other.toml", "--runs 1 --config=other.toml"] {
        assert!(is_asked_for("", args), "{args}");
    }
    let no_group = [
        ("", ""),
        ("# source = \"cgroup\"", ""),
        ("source = \"proc\" # not \"cgroup\"", ""),
        ("", "--source proc -- echo --source cgroup"),
        ("", "--name cgroup"),
    ];
    for (config, args) in no_group {
        assert!(!is_asked_for(config, args), "{config} {args}");
    }
}

#[test]
fn the_results_of_several_machines_are_joined_instead_of_running_anything() {
    let project = Project::new();
    project.config("budget = { peak = \"20MiB\" }", "ramp 40MiB 100ms; hold 100ms");
    for shard in ["1/2", "2/2"] {
        let name = shard.replace('/', "-");
        project.memguard(&["run", "--quiet", "--shard", shard, "--out", &format!("legs/{name}")]);
    }
    let variables =
        [("MEMGUARD_MERGE", "legs"), ("MEMGUARD_CONFIG", "no-such.toml"), ("MEMGUARD_ARGS", "--machines 2")];
    let (_, output) = script(&project, "run.sh", &variables);
    assert!(output.ends_with("status=1\n") && output.contains("\nfail\n"), "{output}");
    fs::remove_dir_all(project.path("legs/2-2")).unwrap();
    let (_, output) = script(&project, "run.sh", &variables[..1]);
    assert!(output.ends_with("status=5\n") && output.contains("\nerror\n"), "{output}");
}

#[test]
fn a_binary_that_is_not_there_is_an_error() {
    let project = Project::new();
    let (ran, _) = script(&project, "get.sh", &[("MEMGUARD_BIN", "./no-such")]);
    assert_eq!(ran.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("::error title=memguard::there is no program"));
    let (ran, output) = script(&project, "get.sh", &[("MEMGUARD_BIN", MEMGUARD)]);
    assert!(ran.status.success());
    assert_eq!(output, format!("bin={MEMGUARD}\n"));
}

/// An action of its own with these releases, and what it installs from them.
struct Install {
    project: Project,
    checksum: String,
    url: String,
}

/// The system of this machine, as the script names it.
fn system() -> String {
    let os = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-musl" };
    format!("{}-{os}", std::env::consts::ARCH)
}

impl Install {
    fn new() -> Self {
        let project = Project::new();
        for folder in ["action/.github/action", "bin", "release"] {
            fs::create_dir_all(project.path(folder)).unwrap();
        }
        let program = project.path("release/memguard");
        fs::write(&program, "#!/bin/sh\necho released\n").unwrap();
        let archive = project.path("release.tar.gz");
        let run = |command: &mut Command| {
            let ran = command.output().unwrap();
            assert!(ran.status.success());
            String::from_utf8_lossy(&ran.stdout).into_owned()
        };
        run(Command::new("chmod").arg("+x").arg(&program));
        run(Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(project.path("release")).arg("memguard"));
        let hash = if cfg!(target_os = "macos") { "shasum -a 256 <" } else { "sha256sum <" };
        let checksum = run(Command::new("bash").arg("-c").arg(format!("{hash} '{}'", archive.display())));
        let checksum = checksum.split_whitespace().next().unwrap().to_owned();
        let url = serve(fs::read(&archive).unwrap());
        // In place of building: what would be built is seen by its arguments.
        let cargo = "#!/bin/sh\necho \"$@\" >built\n";
        fs::write(project.path("bin/cargo"), cargo).unwrap();
        run(Command::new("chmod").arg("+x").arg(project.path("bin/cargo")));
        Self { project, checksum, url }
    }

    /// As [`Self::run_in`], in a folder as Linux and macOS name theirs.
    fn run(&self, releases: &str, variables: &[(&str, &str)]) -> (Output, String) {
        self.run_in("temp", releases, variables)
    }

    /// With a file of pinned releases: lines of `version system checksum url`, in which `SYSTEM`, `SHA` and `URL` are this one's.
    fn run_in(&self, temporary: &str, releases: &str, variables: &[(&str, &str)]) -> (Output, String) {
        let releases = releases.replace("SYSTEM", &system()).replace("SHA", &self.checksum).replace("URL", &self.url);
        let action = self.project.path("action");
        fs::write(action.join(".github/action/releases.txt"), releases).unwrap();
        let path = format!("{}:{}", self.project.path("bin").display(), std::env::var("PATH").unwrap());
        let temporary = self.project.path(temporary);
        let own = [
            ("GITHUB_ACTION_PATH", action.to_str().unwrap()),
            ("RUNNER_TEMP", temporary.to_str().unwrap()),
            ("PATH", &path),
            ("NO_PROXY", "127.0.0.1"),
        ];
        let all: Vec<(&str, &str)> = own.iter().chain(variables).copied().collect();
        script(&self.project, "get.sh", &all)
    }

    fn was_built(&self) -> bool {
        self.project.path("built").exists()
    }
}

/// A host of releases: answers each request with the same archive, but for `/gone`.
fn serve(archive: Vec<u8>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/memguard.tar.gz", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            let (status, body) = if line.contains("gone") { (404, &[][..]) } else { (200, &archive[..]) };
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    url
}

#[test]
fn a_release_is_installed_by_its_pinned_checksum() {
    let install = Install::new();
    let releases = "# version system SHA-256 URL\n0.1.0 SYSTEM 00 http://127.0.0.1:1/old\n0.2.0 SYSTEM SHA URL\n";
    for version in ["", "0.2.0", "v0.2.0"] {
        let (ran, output) = install.run(releases, &[("MEMGUARD_VERSION", version)]);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        let bin = output.trim().strip_prefix("bin=").unwrap().to_owned();
        let said = Command::new(bin).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "released\n");
    }
    assert!(!install.was_built());
}

/// As Windows has it: a backslash is an escape to sha256sum, and a colon another machine to tar.
#[test]
fn a_release_is_installed_in_a_folder_of_any_name() {
    let install = Install::new();
    let (ran, output) = install.run_in("D:\\a\\_temp x", "0.2.0 SYSTEM SHA URL\n", &[]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    let said = Command::new(output.trim().strip_prefix("bin=").unwrap()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "released\n");
}

#[test]
fn what_is_not_what_was_pinned_fails_and_nothing_else_is_tried() {
    let install = Install::new();
    let wrong = "0".repeat(64);
    for (releases, version, said) in [
        (format!("0.1.0 SYSTEM {wrong} URL\n"), "", "is not what this action pins: its SHA-256 is"),
        ("0.1.0 SYSTEM SHA URL/gone\n".to_owned(), "", "could not download"),
        ("0.1.0 SYSTEM SHA URL\n".to_owned(), "0.3.0", "this action pins no release 0.3.0"),
        ("0.1.0 other SHA URL\n".to_owned(), "0.1.0", "this action pins no release 0.1.0"),
    ] {
        let (ran, output) = install.run(&releases, &[("MEMGUARD_VERSION", version)]);
        let out = String::from_utf8_lossy(&ran.stdout);
        assert_eq!(ran.status.code(), Some(5), "{out}");
        assert!(out.starts_with("::error title=memguard::") && out.contains(said), "{out}");
        assert_eq!(output, "");
        assert!(!install.was_built() && !install.project.path("temp/memguard/memguard").exists());
    }
}

#[test]
fn where_no_release_is_for_the_system_the_actions_own_source_is_built_and_it_says_so() {
    let install = Install::new();
    for releases in ["", "0.1.0 sparc64-solaris SHA URL\n"] {
        let (ran, output) = install.run(releases, &[]);
        let out = String::from_utf8_lossy(&ran.stdout);
        assert!(
            ran.status.success() && out.starts_with("::notice title=memguard::there is no released binary"),
            "{out}"
        );
        assert!(output.ends_with("/memguard/bin/memguard\n"), "{output}");
        let built = fs::read_to_string(install.project.path("built")).unwrap();
        let source = install.project.path("action");
        assert!(built.contains("--locked") && built.contains(source.to_str().unwrap()), "{built}");
        fs::remove_file(install.project.path("built")).unwrap();
    }
}

/// What a line of releases must be.
fn check_release(line: &str) {
    let fields: Vec<&str> = line.split(' ').collect();
    let [version, system, checksum, url] = fields[..] else { panic!("{line}") };
    assert!(checksum.len() == 64 && checksum.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
    let ending = format!("/releases/download/v{version}/memguard-{system}.tar.gz");
    assert!(url.starts_with("https://") && url.ends_with(&ending), "{line}");
}

#[test]
fn every_pinned_release_is_whole() {
    let releases = fs::read_to_string(".github/action/releases.txt").unwrap();
    releases.lines().filter(|line| !line.starts_with('#')).for_each(check_release);
}

#[test]
fn the_checksums_of_a_release_become_its_pins() {
    let project = Project::new();
    let sums: String = ["x86_64-unknown-linux-musl", "x86_64-pc-windows-msvc"]
        .map(|system| format!("{}  memguard-{system}.tar.gz\n", "a".repeat(64)))
        .concat();
    fs::write(project.path("sums"), sums).unwrap();
    let pin =
        format!("bash {}/.github/action/pin.sh 1.2.3 https://github.example/o/r <sums", env!("CARGO_MANIFEST_DIR"));
    let ran = Command::new("bash").arg("-c").arg(pin).current_dir(project.path("")).output().unwrap();
    let pins = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(pins.lines().count(), 2);
    pins.lines().for_each(check_release);
}
