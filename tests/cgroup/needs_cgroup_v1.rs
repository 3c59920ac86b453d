//! What takes root and a memory hierarchy of version 1 to test. `.ci/run` runs it where both are there.
#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::common::{self, MIB, Project, close_to, shapes};

/// What `memguard synth` takes beside its script, without the programs and libraries that others have in memory, too.
const OWN: u64 = MIB;

/// The test's own group.
fn own_group() -> PathBuf {
    let membership = fs::read_to_string("/proc/self/cgroup").unwrap();
    let path = membership.lines().find_map(|line| line.split_once(":memory:")).map(|(_, path)| path);
    let path = path.expect("this machine has no memory hierarchy of control groups version 1");
    PathBuf::from(format!("/sys/fs/cgroup/memory{path}"))
}

/// The groups that runs made below this one, by the pid of their memguard.
fn groups_of(memguard: u32, own: &Path) -> Vec<PathBuf> {
    let begins = format!("memguard-{memguard}-");
    let entries = fs::read_dir(own).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&begins)).collect()
}

/// Waits until the workload has printed this line.
fn until_it_says(child: &mut Child, wanted: &str) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == wanted), "it never said `{wanted}`");
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn a_run_is_measured_by_its_own_group() {
    let run = Project::new().run(&["--source", "cgroup"], "ramp 60MiB; hold 200ms");
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(run.results()["workloads"][0]["metric"], "footprint");
    assert!(close_to(run.peak(), 60 * MIB + OWN, 3 * MIB), "{}", run.peak());
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn a_spike_between_two_readings_is_seen_and_bounded() {
    let run = Project::new().run(&["--source", "cgroup"], "ramp 20MiB; hold 100ms; spike 64MiB 1ms; hold 100ms");
    // The kernel brings `memory.stat` up to date by batches of pages: what it says may lag by some MiB.
    assert!(close_to(run.peak(), 84 * MIB + OWN, 5 * MIB), "{}", run.peak());
    let result = &run.results()["workloads"][0]["runs"][0];
    assert_eq!(result["peak_certainty"], "exact", "{result}");
    let high = result["peak_high_bytes"].as_u64().unwrap();
    assert!(high >= 84 * MIB && high < run.peak() + 8 * MIB, "{result}");
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn workers_that_share_memory_count_once() {
    let run = Project::new().run_shapes(&["--source", "cgroup"], "fork 6 60MiB shared 300ms; join");
    assert!(close_to(run.peak(), 60 * MIB + 2 * OWN, 3 * MIB), "{}", run.peak());
    assert_eq!(run.results()["workloads"][0]["processes"][0]["count"], 7, "{}", run.results());
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn the_page_cache_is_not_the_workloads_memory() {
    // Not in a folder for temporary files: that may be memory itself.
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-cache");
    let shell = format!("head -c 100M /dev/zero >'{0}' && cat '{0}' >/dev/null && rm '{0}'", file.display());
    let run = Project::new().memguard(&["run", "--source", "cgroup", "--", "sh", "-c", &shell]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.peak() < 8 * MIB, "{}", run.peak());
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn load_is_not_measured() {
    let drive = format!("'{}' synth 'ramp 90MiB; hold 200ms'", common::MEMGUARD);
    let script = "ramp 20MiB; log \"up\"; hold 60s";
    let run = Project::new().run(&["--source", "cgroup", "--ready-log", "up", "--drive", &drive], script);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(close_to(run.peak(), 20 * MIB + OWN, 2 * MIB), "{}", run.peak());
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn a_daemon_can_not_escape_being_stopped_and_the_group_is_removed() {
    let own = own_group();
    let project = Project::new();
    // Its own session, no parent, deaf to being asked.
    let shell = "setsid sh -c 'trap \"\" TERM; (trap \"\" TERM; echo $$ >pid; exec sleep 60) & exit 0'; sleep 60";
    let args = ["run", "--source", "cgroup", "--timeout", "500ms", "--stop-grace", "100ms", "--", "sh", "-c", shell];
    let memguard = project.command(&args).stderr(Stdio::piped()).spawn().unwrap();
    let id = memguard.id();
    let output = memguard.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let daemon = fs::read_to_string(project.path("pid")).unwrap();
    assert!(!Path::new("/proc").join(daemon.trim()).exists(), "process {daemon} is still there");
    assert_eq!(groups_of(id, &own), Vec::<PathBuf>::new());
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn the_group_is_removed_after_an_interrupt_with_those_that_the_workload_made() {
    let own = own_group();
    let project = Project::new();
    let shell = "set -e; group=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup); \
        mkdir -p $group/inner/most; echo $$ >$group/inner/most/cgroup.procs; echo up; exec sleep 60";
    let mut memguard = project
        .command(&["run", "--source", "cgroup", "--", "sh", "-c", shell])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until_it_says(&mut memguard, "up");
    let made = groups_of(memguard.id(), &own);
    assert!(made.iter().any(|group| group.join("inner/most").is_dir()), "{made:?}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&memguard), rustix::process::Signal::INT).unwrap();
    let id = memguard.id();
    assert_eq!(memguard.wait_with_output().unwrap().status.code(), Some(4));
    assert_eq!(groups_of(id, &own), Vec::<PathBuf>::new());
    assert_eq!(project.results()["workloads"][0]["runs"][0]["ended"], "interrupted");
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn what_a_killed_memguard_left_behind_is_no_hindrance() {
    let own = own_group();
    let project = Project::new();
    let mut killed = project.command(&["run", "--source", "cgroup", "--", &shapes(), "log up; wait"]);
    killed.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut killed = killed.spawn().unwrap();
    until_it_says(&mut killed, "up");
    let id = killed.id();
    killed.kill().unwrap();
    drop(killed.stdin.take()); // what the workload waits for
    killed.wait().unwrap();
    let left = groups_of(id, &own);
    assert_eq!(left.len(), 1);
    assert_eq!(project.run(&["--source", "cgroup"], "hold 50ms").code, 0);
    let begun = std::time::Instant::now();
    while fs::remove_dir(&left[0]).is_err() {
        assert!(begun.elapsed().as_secs() < 20, "its workload has not ended");
        std::thread::yield_now();
    }
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn a_process_that_goes_over_to_another_group_is_told_of() {
    let own = own_group();
    let shell = format!("echo $$ >'{}/cgroup.procs'; sleep 2.5", own.display());
    let run = Project::new().memguard(&["run", "--source", "cgroup", "--", "sh", "-c", &shell]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("went over to"), "{}", run.err);
}

/// A group below the test's own with a limit, for memguard and its workload together. Removed when dropped.
struct Limited(PathBuf);

impl Limited {
    fn new(own: &Path, limit: u64) -> Self {
        let group = own.join(format!("memguard-test-limit-{}-{:?}", std::process::id(), std::thread::current().id()));
        fs::create_dir(&group).unwrap();
        fs::write(group.join("memory.limit_in_bytes"), limit.to_string()).unwrap();
        Self(group)
    }

    fn run(&self, command: &mut Command) -> (i32, String) {
        let members = self.0.join("cgroup.procs");
        let mut members = fs::OpenOptions::new().write(true).open(members).unwrap();
        #[expect(unsafe_code, reason = "what runs between fork and exec has to be declared so")]
        // SAFETY: one system call on a file that was opened before the fork.
        unsafe {
            command.pre_exec(move || members.write_all(b"0"));
        }
        let output = command.output().unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let begun = std::time::Instant::now();
        while fs::remove_dir(&self.0).is_err() && begun.elapsed().as_secs() < 5 {
            std::thread::yield_now();
        }
    }
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn a_kill_for_memory_is_named_whatever_the_source() {
    let own = own_group();
    let limited = Limited::new(&own, 80 * MIB);
    for source in ["cgroup", "proc"] {
        let project = Project::new();
        let args = ["run", "--source", source, "--", common::MEMGUARD, "synth", "ramp 200MiB 500ms"];
        let (code, err) = limited.run(&mut project.command(&args));
        assert_eq!(code, 4, "{source}: {err}");
        assert_eq!(project.results()["workloads"][0]["runs"][0]["ended"], "out-of-memory", "{source}: {err}");
    }
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn a_killed_worker_is_told_of_when_the_workload_ends_otherwise() {
    let own = own_group();
    let limited = Limited::new(&own, 80 * MIB);
    let project = Project::new();
    let shell = format!("'{}' synth 'ramp 200MiB 300ms' || exit 9", common::MEMGUARD);
    let (code, err) = limited.run(&mut project.command(&["run", "--source", "cgroup", "--", "sh", "-c", &shell]));
    assert_eq!(code, 4, "{err}");
    assert_eq!(project.results()["workloads"][0]["runs"][0]["ended"], "exited");
    assert!(err.contains("killed 1 of its processes for memory"), "{err}");
}

#[test]
#[ignore = "needs root and a control group v1 memory hierarchy"]
fn a_user_who_may_not_make_groups_is_told_so_before_anything_is_run() {
    const NOBODY: u32 = 65534;
    let project = Project::new();
    let memguard = project.path("memguard");
    fs::copy(common::MEMGUARD, &memguard).unwrap();
    fs::set_permissions(project.path("."), fs::Permissions::from_mode(0o777)).unwrap();
    let run = |args: &[&str]| {
        let output = Command::new(&memguard).args(args).current_dir(project.path(".")).uid(NOBODY).gid(NOBODY).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, err) = run(&["run", "--source", "cgroup", "--", "touch", "ran"]);
    assert_eq!(code, Some(5), "{err}");
    assert!(err.contains("could not make a control group") && err.contains("run memguard as root"), "{err}");
    assert!(!project.path("ran").exists());
    assert_eq!(run(&["run", "--", "touch", "ran"]).0, Some(0));
    assert!(project.path("ran").exists());
}
