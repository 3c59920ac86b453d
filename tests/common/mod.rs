//! A folder to run memguard in, and what it said.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, reason = "each test file uses its own part")]

pub mod github_api;
#[cfg(target_os = "linux")]
pub mod pty;

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub const MEMGUARD: &str = env!("CARGO_BIN_EXE_memguard");
pub const MIB: u64 = 1 << 20;

/// What `memguard synth` and the test program hold beside what their scripts take, at most.
pub const OWN: u64 = MIB / 2;

pub fn close_to(value: u64, wanted: u64, by: u64) -> bool {
    value.abs_diff(wanted) <= by
}

/// The test program of `tests/programs/shapes`. Cargo builds it for `cargo test`, but not for `cargo test --test NAME`.
#[track_caller]
pub fn shapes() -> String {
    let program = Path::new(MEMGUARD).with_file_name("examples").join(format!("shapes{EXE_SUFFIX}"));
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/shapes");
    let sources = fs::read_dir(sources).unwrap().map(|entry| modified(&entry.unwrap().path()));
    let is_new = modified(&program) > sources.max().unwrap();
    assert!(is_new, "`{}` is missing or older than its sources\nhelp: cargo build --example shapes", program.display());
    program.to_str().unwrap().to_owned()
}

pub struct Project(TempDir);

pub struct Outcome {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
    results: Option<Value>,
}

impl Outcome {
    pub fn results(&self) -> &Value {
        self.results.as_ref().unwrap_or_else(|| panic!("there are no results: {}", self.err))
    }

    /// Of the first workload's first run.
    pub fn peak(&self) -> u64 {
        let run = &self.results()["workloads"][0]["runs"][0];
        run["peak_bytes"].as_u64().unwrap_or_else(|| panic!("no peak: {run}"))
    }
}

impl Project {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes a named pipe: who reads from it waits for one who writes.
    pub fn make_pipe(&self, name: &str) {
        assert!(Command::new("mkfifo").arg(self.path(name)).status().unwrap().success());
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(MEMGUARD);
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null()).env_remove("GITHUB_ACTIONS");
        command
    }

    pub fn memguard(&self, args: &[&str]) -> Outcome {
        self.outcome(&self.command(args).output().unwrap())
    }

    /// What a run of memguard that has ended said and left here.
    pub fn outcome(&self, output: &Output) -> Outcome {
        let results = self.path("memguard-report/results.json").is_file().then(|| self.results());
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        Outcome { code: output.status.code().unwrap_or(-1), out: output.stdout.clone(), err, results }
    }

    /// Runs a program of a known shape under the flags.
    pub fn run(&self, flags: &[&str], script: &str) -> Outcome {
        let args: Vec<&str> = ["run"].iter().chain(flags).chain(&["--", MEMGUARD, "synth", script]).copied().collect();
        self.memguard(&args)
    }

    /// Runs the test program `shapes` under the flags.
    #[track_caller]
    pub fn run_shapes(&self, flags: &[&str], script: &str) -> Outcome {
        let shapes = shapes();
        let args: Vec<&str> = ["run"].iter().chain(flags).chain(&["--", &shapes, script]).copied().collect();
        self.memguard(&args)
    }

    /// A config with one workload of a known shape.
    pub fn config(&self, keys: &str, script: &str) {
        let text = format!("[[workload]]\nname = \"a\"\nrun = ['{MEMGUARD}', 'synth', '{script}']\n{keys}\n");
        fs::write(self.path("memguard.toml"), text).unwrap();
    }

    pub fn results(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path("memguard-report/results.json")).unwrap()).unwrap()
    }
}
