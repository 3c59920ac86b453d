//! The command line: parses, calls the library, prints what went wrong, exits.
#![allow(missing_docs, clippy::unwrap_used)]
use memguard::*;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let launch = workload::Settings {
        command: workload::Command::Direct(args),
        before: None,
        env: Default::default(),
        folder: None,
        timeout: None,
        ready: None,
        drive: None,
        stop: Default::default(),
        abort_above: None,
    };
    let sampling = sampler::Settings::default();
    let caught = sampler::Caught::begin().unwrap();
    let record = trace::RunRecord {
        memguard: "0".into(),
        workload: "x".into(),
        run: 1,
        command: "x".into(),
        platform: os::platform(),
        metric: units::Metric::Pss,
        source: "proc".into(),
        interval: sampling.interval,
        started: Default::default(),
        environment: trace::Environment { facts: os::environment() },
        ready: trace::ReadyMark::NotAsked,
        stop_at: None,
        duration: None,
        ended: trace::Ended::Unfinished,
        peak_at_most: None,
        sampling: Default::default(),
        notices: vec![],
    };
    let record =
        sampler::record_run(&launch, &sampling, std::path::Path::new("/tmp/mg/x/run-1"), record, &caught, &|text| {
            eprintln!("memguard: {text}");
        })
        .unwrap();
    eprintln!("{record:#?}");
}
