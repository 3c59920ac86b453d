//! What memguard did not start, recorded: processes of known shape, control groups, containers, the machine.
#![cfg(target_os = "linux")] // what is the same everywhere is tested in `everywhere.rs`
#![expect(clippy::unwrap_used, reason = "what fails is the test")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{MEMGUARD, MIB, OWN, Project, close_to, shapes};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Long enough for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it never came about: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A program of a known shape that has taken its memory, and holds it until `end`.
struct Held(Child);

impl Held {
    fn new(script: &str) -> Self {
        Self::start(Command::new(shapes()).arg(format!("{script}; log up; wait")))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "up"));
        Self(child)
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// A recording under way.
struct Recording {
    child: Child,
    folder: PathBuf,
}

impl Recording {
    /// `name` is what it will be called.
    fn begin(project: &Project, name: &str, args: &[&str]) -> Self {
        let args: Vec<&str> = ["record", "--interval", "20ms"].iter().chain(args).copied().collect();
        let child = project.command(&args).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, folder: project.path("memguard-record").join(name).join("run-1") }
    }

    /// Waits for rows that were written after this was called.
    fn go_on(&self) {
        let path = self.folder.join("memory.csv");
        let rows = || fs::read_to_string(&path).map_or(0, |text| text.lines().count());
        let before = rows();
        until("more rows", || rows() > before.max(1) + 1);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn finish(mut self) -> Recorded {
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        assert_eq!(code, 0, "{err}");
        Recorded::read(&self.folder, err)
    }
}

/// What a recording left.
struct Recorded {
    rows: Vec<Vec<String>>,
    run: Value,
    err: String,
    folder: PathBuf,
}

impl Recorded {
    fn read(folder: &Path, err: String) -> Self {
        assert!(fs::read_to_string(folder.join("graph.svg")).unwrap().starts_with("<svg"), "{err}");
        assert!(fs::read(folder.join("graph.png")).unwrap().starts_with(b"\x89PNG"), "{err}");
        let mut reader = csv::Reader::from_path(folder.join("memory.csv")).unwrap();
        let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let run = serde_json::from_str(&fs::read_to_string(folder.join("run.json")).unwrap()).unwrap();
        Self { rows, run, err, folder: folder.to_owned() }
    }

    /// The highest of a column: 2 is the memory, 9 the processes.
    fn most(&self, column: usize) -> u64 {
        self.rows.iter().filter_map(|row| row[column].parse().ok()).max().unwrap()
    }

    fn ended(&self) -> (&str, &str) {
        (self.run["ended"]["how"].as_str().unwrap(), self.run["ended"]["until"].as_str().unwrap())
    }
}

#[test]
fn a_process_is_recorded_with_its_children_until_they_have_ended() {
    let project = Project::new();
    let held = Held::start(Command::new("sh").args([
        "-c",
        // A shell gives what it starts in the background no standard input of its own accord.
        &format!("exec 3<&0; '{0}' 'ramp 30MiB; log up; wait' <&3 & '{0}' 'ramp 30MiB; wait'; wait", shapes()),
    ]));
    let pid = held.pid();
    let recording = Recording::begin(&project, &format!("pid-{pid}"), &["--pid", &pid]);
    let path = recording.folder.join("memory.csv");
    until("both have taken their memory", || {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let memory = |row: &str| row.split(',').nth(2)?.parse::<u64>().ok();
        text.lines().filter_map(memory).any(|memory| memory > 60 * MIB)
    });
    held.end();
    let recorded = recording.finish();
    assert!(close_to(recorded.most(2), 60 * MIB + 2 * OWN, 5 * MIB), "{}", recorded.most(2));
    assert_eq!((recorded.most(12), recorded.ended()), (3, ("recorded", "gone")));
    assert_eq!((recorded.run["metric"].as_str(), recorded.run["source"].as_str()), (Some("footprint"), Some("proc")));
    let processes = fs::read_to_string(recorded.folder.join("processes.csv")).unwrap();
    assert_eq!(processes.lines().count(), 1 + 3, "{processes}");
    assert!(recorded.err.contains("what was recorded has ended") && recorded.err.contains("peak "), "{}", recorded.err);
}

#[test]
fn what_a_process_held_before_it_was_watched_is_no_peak_of_the_recording() {
    for source in [&["--source", "proc"], &["--source", "portable"]] {
        let project = Project::new();
        let held = Held::new("spike 200MiB 50ms; ramp 20MiB");
        let pid = held.pid();
        let recording = Recording::begin(&project, "a", &[&["--pid", &pid, "--name", "a"], &source[..]].concat());
        recording.go_on();
        held.end();
        let peak = recording.finish().most(3);
        assert!(close_to(peak, 20 * MIB + OWN, 9 * MIB), "{source:?}: {peak}");
    }
}

#[test]
fn what_is_not_there_is_said_and_nothing_is_written() {
    let project = Project::new();
    for (args, says) in [
        (["--pid", "5000000"], "there is no process 5000000"),
        (["--cgroup", "/no/such/group"], "there is no control group `/no/such/group`"),
    ] {
        let run = project.memguard(&[&["record"], &args[..]].concat());
        assert!(run.code == 5 && run.err.contains(says) && run.err.contains("help: "), "{}: {}", run.code, run.err);
    }
    let portable = project.memguard(&["record", "--source", "portable", "--pid", "5000000"]);
    assert!(portable.code == 5 && portable.err.contains("there is no process 5000000"), "{}", portable.err);
    for wrong in [&["--pid", "0"][..], &["--pid", "1", "--cgroup", "/"], &["--metric", "rss"], &["--for", "x"]] {
        let run = project.memguard(&[&["record"], wrong].concat());
        assert_eq!(run.code, 2, "{wrong:?}: {}", run.err);
    }
    assert!(!project.path("memguard-record").exists());
}

#[test]
fn an_interrupt_is_a_good_end_and_the_files_are_complete() {
    for signal in [Signal::INT, Signal::TERM] {
        let project = Project::new();
        let recording = Recording::begin(&project, "machine", &[]);
        recording.go_on();
        recording.signal(signal);
        let recorded = recording.finish();
        assert_eq!(recorded.ended(), ("recorded", "told"));
        assert!(recorded.err.contains("graph and data: memguard-record/machine/run-1"), "{}", recorded.err);
    }
}

#[test]
fn a_recording_that_memguard_could_not_finish_is_still_judged() {
    let project = Project::new();
    let recording = Recording::begin(&project, "machine", &[]);
    recording.go_on();
    recording.signal(Signal::KILL);
    let Recording { mut child, .. } = recording;
    child.wait().unwrap();
    let check = project.memguard(&["check", "memguard-record", "--peak", "1KiB"]);
    let out = String::from_utf8_lossy(&check.out);
    assert!(check.err.contains("`machine` was cut short") || out.contains("`machine` was cut short"), "{}", check.err);
    assert!(check.code == 5 && out.contains("above the budget of 1.0 KiB"), "{}: {out}", check.code);
}

#[test]
fn the_machine_is_recorded_for_a_time() {
    let project = Project::new();
    let run = project.memguard(&["record", "--for", "300ms", "--interval", "50ms"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let recorded = Recorded::read(&project.path("memguard-record/machine/run-1"), run.err);
    assert_eq!((recorded.run["metric"].as_str(), recorded.ended()), (Some("machine"), ("recorded", "time")));
    assert!(recorded.rows.len() >= 2 && recorded.most(2) > MIB, "{:?}", recorded.rows);
    assert!(recorded.rows.iter().all(|row| row[6].is_empty() && row[12].is_empty()), "missing is not 0");
    assert!(recorded.most(13) > MIB, "{:?}", recorded.rows);
}

#[test]
fn recordings_of_one_name_stand_beside_each_other_and_are_of_one_metric() {
    let project = Project::new();
    let record =
        |args: &[&str]| project.memguard(&[&["record", "--for", "50ms", "--quiet", "--name", "a"], args].concat());
    for _ in 0..2 {
        let run = record(&[]);
        assert_eq!((run.code, run.err.as_str()), (0, ""));
    }
    assert!(project.path("memguard-record/a/run-1/graph.svg").is_file());
    assert!(project.path("memguard-record/a/run-2/graph.svg").is_file());
    let other = record(&["--pid", "1", "--metric", "rss"]);
    assert!(other.code == 5 && other.err.contains("--name"), "{}: {}", other.code, other.err);
    let check = project.memguard(&["check", "memguard-record"]);
    assert_eq!(check.code, 0, "{}", check.err);
    assert_eq!(project.memguard(&["plot", "memguard-record", "-o", "a.svg"]).code, 0);
}

/// A folder with a client that answers so, and writes down what it was asked.
fn client(project: &Project, name: &str, answer: &str) -> PathBuf {
    let folder = project.path("bin");
    fs::create_dir_all(&folder).unwrap();
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >>'{}'\n{answer}\n", project.path("asked").display());
    fs::write(folder.join(name), script).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn record_container(project: &Project, path: &Path, name: &str) -> (Option<i32>, String) {
    let args = ["record", "--for", "100ms", "--interval", "20ms", "--name", "a", "--container", name];
    let output = project.command(&args).env("PATH", path).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_container_that_can_not_be_recorded_is_told_why() {
    let id = "ab".repeat(32);
    let own = std::process::id();
    for (answer, says) in [
        ("echo '\u{1b}[31mno such container' >&2; exit 1".to_owned(), "docker says: "),
        (format!("echo '0 {id}'"), "the container `web` does not run"),
        (format!("echo '{own} {id}'"), "docker seems to talk to another machine"),
        (format!("echo '5000000 {id}'"), "could not find the control group of the container `web`"),
        ("echo '<no value>'".to_owned(), "`docker container inspect` answered"),
        ("kill -9 $$".to_owned(), "docker says: nothing"),
    ] {
        let project = Project::new();
        let path = client(&project, "docker", &answer);
        let (code, err) = record_container(&project, &path, "web");
        assert!(code == Some(5) && err.contains(says), "{answer}: {code:?}: {err}");
        assert!(!err.contains('\u{1b}') && !project.path("memguard-record").exists(), "{err}");
    }
    let project = Project::new();
    let (code, err) = record_container(&project, &project.path("nowhere"), "web");
    assert!(code == Some(5) && err.contains("neither docker nor podman is on the PATH"), "{err}");
}

#[test]
fn a_containers_name_is_never_an_option_of_the_client() {
    let project = Project::new();
    let path = client(&project, "docker", "exit 1");
    for name in ["--help", "-f", "$(touch hacked)", "a; touch hacked", "--"] {
        let args = ["record", "--name", "a", &format!("--container={name}")];
        let output = project.command(&args).env("PATH", &path).output().unwrap();
        assert_eq!(output.status.code(), Some(5));
        let asked = fs::read_to_string(project.path("asked")).unwrap();
        assert!(asked.ends_with(&format!("\n--\n{name}\n")), "{asked}");
    }
    assert!(!project.path("hacked").exists());
}

/// `.ci/run` runs these where it is root.
mod needs_root {
    use super::*;

    #[test]
    #[ignore = "needs root"]
    fn who_gets_the_number_of_a_process_that_has_ended_is_not_recorded() {
        let project = Project::new();
        // In a pid namespace of its own the next number can be chosen.
        let shell = format!(
            "'{MEMGUARD}' synth 'ramp 20MiB; hold 60s' & first=$!
            '{MEMGUARD}' record --pid $first --interval 2s --name a & record=$!
            while [ $(cat memguard-record/a/run-1/memory.csv 2>/dev/null | wc -l) -lt 2 ]; do sleep 0.05; done
            kill $first; wait $first
            echo $((first - 1)) >/proc/sys/kernel/ns_last_pid || exit 77
            '{MEMGUARD}' synth 'ramp 200MiB; hold 60s' & second=$!
            [ $second = $first ] || exit 78
            wait $record; code=$?
            kill $second
            exit $code"
        );
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc", "sh", "-c", &shell]).current_dir(project.path("."));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{err}");
        let recorded = Recorded::read(&project.path("memguard-record/a/run-1"), err);
        assert!(recorded.most(3) < 40 * MIB, "{}", recorded.most(3));
        assert_eq!(recorded.ended(), ("recorded", "gone"));
    }

    #[test]
    #[ignore = "needs root"]
    fn another_users_process_can_be_recorded() {
        const NOBODY: u32 = 65534;
        let project = Project::new();
        let memguard = project.path("memguard");
        fs::copy(MEMGUARD, &memguard).unwrap();
        fs::set_permissions(project.path("."), fs::Permissions::from_mode(0o777)).unwrap();
        let held = Held::new("ramp 20MiB");
        let record = |args: &[&str]| {
            let mut command = Command::new(&memguard);
            command.args(["record", "--for", "100ms", "--interval", "20ms", "--pid", &held.pid()]).args(args);
            let output = command.current_dir(project.path(".")).uid(NOBODY).gid(NOBODY).output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        for metric in ["footprint", "rss"] {
            let (code, err) = record(&["--metric", metric, "--name", metric]);
            assert_eq!(code, Some(0), "{err}");
        }
        held.end();
    }
}

/// `.ci/run` runs these where it is root and has such a hierarchy.
mod needs_cgroup_v1 {
    use super::*;

    /// A control group of version 1 below the test's own. Removed when dropped.
    struct Group(PathBuf);

    impl Group {
        fn new(name: &str) -> Self {
            let membership = fs::read_to_string("/proc/self/cgroup").unwrap();
            let own = membership.lines().find_map(|line| line.split_once(":memory:")).map(|(_, path)| path);
            let own = own.expect("this machine has no memory hierarchy of control groups version 1");
            let group = PathBuf::from(format!("/sys/fs/cgroup/memory{own}")).join(name);
            fs::create_dir(&group).unwrap();
            Self(group)
        }

        fn held(&self, script: &str) -> Held {
            let shell = format!("echo $$ >'{}/cgroup.procs' && exec '{}' '{script}'", self.0.display(), shapes());
            Held::start(Command::new("sh").args(["-c", &shell]))
        }

        fn path_in_hierarchy(&self) -> &str {
            self.0.to_str().unwrap().strip_prefix("/sys/fs/cgroup/memory").unwrap()
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            let begun = Instant::now();
            while fs::remove_dir(&self.0).is_err() && self.0.exists() && begun.elapsed() < Duration::from_secs(5) {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    #[ignore = "needs root and a control group v1 memory hierarchy"]
    fn a_control_group_is_recorded_by_its_folder_or_its_path_until_it_is_removed() {
        let name = format!("memguard-test-record-{}", std::process::id());
        let group = Group::new(&name);
        let held = group.held("ramp 40MiB; hold 100ms; log up; wait");
        let project = Project::new();
        let by_path =
            project.memguard(&["record", "--for", "100ms", "--name", "a", "--cgroup", group.path_in_hierarchy()]);
        assert_eq!(by_path.code, 0, "{}", by_path.err);
        let recording = Recording::begin(&project, &name, &["--cgroup", group.0.to_str().unwrap()]);
        recording.go_on();
        held.end();
        drop(group);
        let recorded = recording.finish();
        for recorded in [&recorded, &Recorded::read(&project.path("memguard-record/a/run-1"), by_path.err)] {
            assert!(close_to(recorded.most(2), 40 * MIB + OWN, 6 * MIB), "{}", recorded.most(2));
            assert_eq!((&recorded.run["metric"], &recorded.run["source"]), (&"footprint".into(), &"cgroup".into()));
        }
        assert_eq!(recorded.ended(), ("recorded", "gone"));
    }

    #[test]
    #[ignore = "needs root and a control group v1 memory hierarchy"]
    fn a_container_is_recorded_by_the_name_that_its_engine_knows() {
        let id = format!("{:064x}", std::process::id());
        let group = Group::new(&format!("docker-{id}.scope"));
        let held = group.held("ramp 40MiB; hold 100ms; log up; wait");
        let project = Project::new();
        client(&project, "docker", "echo 'Error: No such container: web' >&2; exit 1");
        let path = client(&project, "podman", &format!("echo '{} {id}'", held.pid()));
        let (code, err) = record_container(&project, &path, "web");
        assert_eq!(code, Some(0), "{err}");
        assert!(err.contains("recording the podman container `web`"), "{err}");
        let recorded = Recorded::read(&project.path("memguard-record/a/run-1"), err);
        assert!(close_to(recorded.most(2), 40 * MIB + OWN, 6 * MIB), "{}", recorded.most(2));
        held.end();
    }
}
