//! The config: what is right, and how what is wrong is shown.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

use std::fs;
use std::path::Path;

use clap::Parser;
use memguard::cli::{Cli, Command, Run};
use memguard::config::{Mistakes, Plan, keys, plan_run};
use memguard::units::{Bytes, Metric, Quantity, Rate};
use memguard::verdict::{Level, Measure};
use memguard::workload::{LogFile, ReadyKind};
use proptest::prelude::*;

const EXAMPLE: &str = "memguard.toml.example";
const LINUX: &str = "linux-x86_64";

fn typed(args: &[&str]) -> Box<Run> {
    match Cli::try_parse_from(["memguard", "run"].iter().chain(args)).unwrap().command {
        Command::Run(run) => run,
        other => panic!("`run` was typed, not {other:?}"),
    }
}

fn plan(args: &[&str], system: &str) -> Result<Plan, Mistakes> {
    plan_run(&typed(args), system)
}

fn example(system: &str) -> Plan {
    plan(&["--config", EXAMPLE], system).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn the_example_is_valid_on_every_system() {
    for system in [LINUX, "linux-aarch64", "macos-aarch64", "windows-x86_64"] {
        assert_eq!(example(system).workloads.len(), 6);
    }
}

#[test]
fn the_example_names_every_key() {
    let text = fs::read_to_string(EXAMPLE).unwrap();
    let all = [
        keys::TOP,
        keys::BASELINE,
        keys::WORKLOAD,
        keys::READY,
        keys::STOP,
        keys::LOG,
        keys::MEASURES,
        keys::TOLERANCE,
        keys::PHASE,
        keys::EDGE,
    ];
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for key in all.concat() {
        assert!(words.contains(&key), "the example does not show `{key}`");
    }
}

#[test]
fn what_the_example_says_is_what_is_planned() {
    let plan = example(LINUX);
    let (ingest, api) = (&plan.workloads[0], &plan.workloads[1]);
    assert_eq!((ingest.runs, ingest.limits.level, api.limits.level), (3, Level::Fail, Level::Warn));
    assert_eq!(
        ingest.limits.budgets.iter().map(|budget| budget.limit).collect::<Vec<_>>(),
        [
            Quantity::from(Bytes(3 << 29)),
            Bytes::from_mib(600).into(),
            Rate(2 << 20).into(),
            Bytes::from_mib(1024).into(),
            Rate(10 << 20).into(),
        ]
    );
    let line = ingest.limits.budgets[0].written.as_ref().unwrap();
    assert!(fs::read_to_string(EXAMPLE).unwrap().lines().nth(line.line - 1).unwrap().contains("1.5 GiB"));
    assert!(matches!(api.launch.ready.as_ref().unwrap().kind, ReadyKind::Port(8080)));
    assert_eq!(ingest.launch.env["OMP_NUM_THREADS"], "2");
}

#[test]
fn a_platforms_override_holds_there_alone() {
    let peak = |plan: &Plan| plan.workloads[0].limits.budgets[0].limit;
    let timeout = |plan: &Plan| plan.workloads[0].launch.timeout.unwrap().as_secs();
    assert_eq!((peak(&example(LINUX)), timeout(&example(LINUX))), (Bytes(3 << 29).into(), 600));
    assert_eq!(peak(&example("windows-x86_64")), "1.8 GiB".parse::<Bytes>().unwrap().into());
    assert_eq!(timeout(&example("linux-aarch64")), 1200);
}

#[test]
fn flags_win_over_the_config() {
    let plan = plan(
        &[
            "--config",
            EXAMPLE,
            "--peak",
            "1 GiB",
            "--runs",
            "7",
            "--ready-after",
            "2s",
            "--max-peak-increase",
            "9%,1MiB",
            "--env",
            "OMP_NUM_THREADS=5",
            "ingest",
        ],
        LINUX,
    )
    .unwrap();
    let [ingest] = &plan.workloads[..] else { panic!("one workload was named") };
    assert_eq!((ingest.runs, ingest.limits.budgets[0].limit), (7, Bytes::from_mib(1024).into()));
    assert!(matches!(ingest.launch.ready.as_ref().unwrap().kind, ReadyKind::After(_)));
    let tolerance = &ingest.limits.tolerances[0];
    assert_eq!(
        (tolerance.subject.measure, tolerance.percent.0, tolerance.at_least),
        (Measure::Peak, 9.0, Bytes::from_mib(1).into())
    );
    assert_eq!(ingest.launch.env["OMP_NUM_THREADS"], "5");
}

#[test]
fn a_command_needs_no_config() {
    let plan = plan(
        &[
            "--metric",
            "rss",
            "--phase",
            "name = \"p\", until = { at = \"1s\" }, budget = { peak = \"1 MiB\" }",
            "--",
            "/usr/bin/env",
            "true",
        ],
        LINUX,
    )
    .unwrap();
    assert_eq!((plan.workloads[0].name.as_str(), plan.workloads[0].sampling.metric), ("env", Some(Metric::Rss)));
    assert_eq!(plan.workloads[0].limits.budgets[0].subject.phase.as_deref(), Some("p"));
}

#[test]
fn logs_are_named_by_the_config_or_by_flags_and_secrets_by_both() {
    let example = &example(LINUX).workloads[1].launch;
    let names = |logs: &[LogFile]| logs.iter().map(|log| (log.name.clone(), log.time.is_some())).collect::<Vec<_>>();
    assert_eq!(names(&example.logs), [("access.log".to_owned(), false), ("logs/app.log".to_owned(), true)]);
    assert_eq!(example.redact.len(), 1);
    let flags =
        ["--config", EXAMPLE, "--log-file", "stdout", "--log-file", "{ path = 'b', time = '%s' }", "--redact", "x"];
    let plan = plan(&flags, LINUX).unwrap();
    let launch = &plan.workloads[1].launch;
    assert_eq!(names(&launch.logs), [("./stdout".to_owned(), false), ("b".to_owned(), true)]);
    assert_eq!(launch.redact.len(), 2, "a flag does not bring back what the config keeps out");
}

/// What a person sees of each mistake. The files' folder is left out: it is spelled differently on Windows.
#[test]
fn every_mistake_is_shown_with_its_line_and_what_would_be_right() {
    let mut files: Vec<_> = fs::read_dir("tests/config/invalid").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 14);
    for path in files {
        let mistakes = plan(&["--config", path.to_str().unwrap()], LINUX).expect_err("it has mistakes");
        let shown = mistakes.to_string().replace('\\', "/").replace("tests/config/invalid/", "");
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots/config" }, {
            insta::assert_snapshot!(name, shown);
        });
    }
}

#[test]
fn a_missing_config_and_a_folder_in_its_place_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let code = |path: &Path| plan(&["--config", path.to_str().unwrap()], LINUX).unwrap_err().found[0].code;
    assert_eq!(code(&folder.path().join("none.toml")), "no-config");
    assert_eq!(code(folder.path()), "config-is-folder");
    let large = folder.path().join("large.toml");
    fs::write(&large, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(code(&large), "config-too-large");
}

#[test]
fn flags_are_complained_of_like_the_config() {
    let codes = |args: &[&str]| -> Vec<&'static str> {
        plan(args, LINUX).unwrap_err().found.iter().map(|mistake| mistake.code).collect()
    };
    assert_eq!(codes(&["--peak", "512 mb", "--", "true"]), ["wrong-size"]);
    assert_eq!(codes(&["--max-peak-increase", "5", "--", "true"]), ["wrong-percent"]);
    assert_eq!(codes(&["--drive", "load", "--", "true"]), ["needs-ready"]);
    for limit in
        [["--startup", "1GiB"], ["--retained", "1MiB"], ["--growth", "1MiB/min"], ["--max-growth-increase", "5%"]]
    {
        assert_eq!(codes(&[limit[0], limit[1], "--", "true"]), ["needs-ready"], "{limit:?}");
        plan(&[limit[0], limit[1], "--ready-log", "up", "--", "true"], LINUX).unwrap();
    }
    assert_eq!(codes(&["--name", "../x", "--", "true"]), ["bad-name"]);
    assert_eq!(codes(&["--env", "novalue", "--", "true"]), ["bad-env"]);
    assert_eq!(codes(&["--phase", "name = ", "--", "true"]), ["bad-toml"]);
    assert_eq!(codes(&["--runs", "0", "--", "true"]), ["out-of-range"]);
    assert_eq!(codes(&["--log-file", "{ path = \"a\", zone = \"UTC\" }", "--", "true"]), ["zone-without-time"]);
    assert_eq!(codes(&["--redact", "a(", "--redact", "b*", "--", "true"]), ["bad-regex", "empty-regex"]);
    assert_eq!(codes(&["--config", EXAMPLE, "ingset"]), ["unknown-workload"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_panic(at in 0usize..4000, with in prop::collection::vec(any::<u8>(), 0..12), cut in 0usize..40) {
        let mut bytes = fs::read(EXAMPLE).unwrap();
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, with);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memguard.toml");
        fs::write(&path, bytes).unwrap();
        if let Err(mistakes) = plan(&["--config", path.to_str().unwrap()], LINUX) {
            prop_assert!(!mistakes.render(true).is_empty());
        }
    }
}
