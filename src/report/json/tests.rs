use proptest::prelude::*;

use super::*;
use crate::analysis::{Measured, Peak};
use crate::baseline::{Found, example};
use crate::trace::{PeakCertainty, ReadyMark};
use crate::units::{Percent, Uncertainty};
use crate::verdict::{
    Base, Budget, ConfigLine, Edit, EditKind, JudgedRun, Level, Limits, Measure, RunFailure, Shard, Subject, Tolerance,
    exit_code, judge,
};

fn subject(phase: Option<&str>, measure: Measure) -> Subject {
    Subject { phase: phase.map(str::to_owned), measure }
}

fn runs(peaks: &[u64]) -> Vec<JudgedRun> {
    let run = |(number, peak): (u32, &u64)| JudgedRun {
        record: example::record(number),
        measures: example::measures(Bytes::from_mib(*peak)),
        curve: example::curve(10, &[peak << 20]),
    };
    (1..).zip(peaks).map(run).collect()
}

fn limits(peak: u64, percent: f64, level: Level) -> Limits {
    let written = Some(ConfigLine { file: "memguard.toml".into(), line: 7 });
    let budget = |subject, mib| Budget { subject, limit: Bytes::from_mib(mib).into(), written: written.clone() };
    Limits {
        budgets: vec![
            budget(subject(None, Measure::Peak), peak),
            budget(subject(None, Measure::Startup), 500),
            budget(subject(Some("load"), Measure::Peak), 91),
            Budget { subject: subject(None, Measure::Growth), limit: Rate(30 << 20).into(), written: None },
            Budget { subject: subject(Some("load"), Measure::Growth), limit: Rate::ZERO.into(), written: None },
        ],
        tolerances: vec![Tolerance {
            subject: subject(None, Measure::Retained),
            percent: Percent(percent),
            at_least: Bytes(1).into(),
            written: None,
        }],
        level,
    }
}

fn judged(name: &str, peaks: &[u64], limits: &Limits, found: Found, required: bool) -> Judged {
    let mut judged = judge(example::key(name), runs(peaks), limits, found, required);
    // The file has the stretches of one run alone: that which the graph shows in full.
    let shown = median_run(&judged).map(|run| run.record.run);
    for run in judged.runs.iter_mut().filter(|run| Some(run.record.run) != shown) {
        run.measures.segments.clear();
    }
    judged
}

fn base() -> Base {
    let written = Some(ConfigLine { file: "memguard.toml".into(), line: 3 });
    let edit = |kind| Edit {
        kind,
        workload: Some("a".into()),
        measure: None,
        old: Some("1".into()),
        new: None,
        loosens: true,
        written: written.clone(),
    };
    use EditKind::{Baseline, Budget, Level, Setting, Tolerance, Workload};
    let edits = [Workload, Budget, Tolerance, Level, Baseline, Setting].map(edit).into();
    Base { reference: "origin/main".into(), commit: "0123456789ab".into(), edits, notes: vec!["n".into()] }
}

fn leg(workloads: &[Judged], shard: Option<Shard>) -> Leg {
    let workloads = workloads.iter().map(|judged| judged.key.workload.clone()).collect();
    Leg {
        platform: "linux-x86_64".into(),
        workloads,
        config: Some("0a".repeat(32)),
        flags: vec!["--peak 1GiB".into()],
        commit: Some("0b".repeat(20)),
        shard,
        base: Some(base()),
    }
}

fn text(judged: &[Judged], leg: &Leg) -> String {
    results(judged, exit_code(judged), &[], std::slice::from_ref(leg)).unwrap()
}

/// Written, read back, and put together with the traces again.
fn read_back(judged: &[Judged], leg: &Leg) -> Vec<Judged> {
    let read = recorded(&text(judged, leg)).unwrap();
    assert_eq!((&read.leg, read.exit_code), (leg, exit_code(judged) as u8));
    let traces = |judged: &Judged| judged.runs.iter().map(|run| (run.record.clone(), run.curve.clone())).collect();
    read.workloads.into_iter().zip(judged).map(|(workload, judged)| workload.with(traces(judged))).collect()
}

fn stored() -> Found {
    Found::Entry(Box::new(example::entry("ingest")))
}

#[test]
fn results_read_back_as_they_were_written() {
    let missing = || Found::Missing { why: "there is none".into() };
    let other = || Found::NotComparable { why: "it is of another metric".into() };
    let mut strange = judged("strange", &[100, 90, 300], &limits(250, 5.0, Level::Warn), stored(), true);
    let measures = &mut strange.runs[0].measures;
    measures.quality = Quality::Poor("why".into());
    let peak = measures.peak.value().unwrap();
    let uncertainty = Uncertainty { below: Bytes::from_mib(3), above: Bytes::from_mib(900) };
    measures.peak = Measured::Value(Peak { uncertainty, mapped: Some(Bytes::from_mib(35)), ..peak });
    let unbounded = Uncertainty { below: Bytes(7), ..Uncertainty::UNBOUNDED };
    measures.startup = Measured::Value(Estimate { value: Bytes::from_mib(90), uncertainty });
    measures.retained = Measured::Value(Estimate { value: SignedBytes(-5), uncertainty });
    measures.phases[0].peak = Measured::Value(Estimate { value: Bytes::from_mib(80), uncertainty: unbounded });
    strange.runs[1].measures.peak = Measured::Value(Peak { certainty: PeakCertainty::Sampled, ..peak });
    let mut failed = judged("failed", &[100], &limits(250, 5.0, Level::Fail), stored(), false);
    failed.failures.push(RunFailure { run: 1, what: "exited with status 3".into(), unmeasured: false });
    failed.verdict = Verdict::Error;
    let mut bare = runs(&[100]);
    bare[0].measures.ready = Measured::Unmeasured("a".into());
    bare[0].measures.startup = Measured::Unmeasured("b".into());
    bare[0].measures.peak = Measured::Unmeasured("c".into());
    bare[0].measures.segments.clear();
    let mut not_asked = runs(&[100]);
    not_asked[0].record.ready = ReadyMark::NotAsked;
    let measures = &mut not_asked[0].measures;
    (measures.ready, measures.startup) = (Measured::NotAsked, Measured::NotAsked);
    (measures.retained, measures.growth) = (Measured::NotAsked, Measured::NotAsked);
    let all = [
        judge(example::key("not-asked"), not_asked, &Limits::default(), missing(), false),
        judged("pass", &[100, 200], &limits(250, 500.0, Level::Fail), stored(), false),
        judged("over", &[100, 300, 200], &limits(250, 0.0, Level::Fail), stored(), false),
        judged("none", &[100], &limits(250, 5.0, Level::Fail), missing(), true),
        judged("other", &[100], &limits(250, 5.0, Level::Fail), other(), false),
        judge(example::key("bare"), bare, &limits(250, 5.0, Level::Fail), missing(), false),
        strange,
        failed,
    ];
    let leg = leg(&all, Shard::new(1, 1));
    let again = read_back(&all, &leg);
    assert_eq!(text(&again, &leg), text(&all, &leg));
    for (again, all) in again.iter().zip(&all) {
        assert_eq!(
            (&again.checks, &again.failures, again.verdict, &again.baseline_curve),
            (&all.checks, &all.failures, all.verdict, &all.baseline_curve)
        );
    }
}

#[test]
fn a_proposed_ready_is_there_with_its_config_line_and_its_sentence() {
    let one = [judged("a", &[100], &Limits::default(), stored(), false)];
    let line = ProposedLine { text: "Loaded 12 rows".into(), pattern: r"^Loaded \d+ rows$".into() };
    let proposal = Some(Proposal { at: Duration::from_millis(1400), line: Some(line) });
    let details = [Details { proposal, ..Details::default() }];
    let text = results(&one, exit_code(&one), &details, &[leg(&one, None)]).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let found = &value["workloads"][0]["ready_proposal"];
    assert_eq!(found["at_s"], 1.4);
    assert_eq!(found["config_line"], r"ready = { log = '^Loaded \d+ rows$' }");
    assert!(found["sentence"].as_str().unwrap().starts_with("Start-up seems to end at 1.40 s, after `Loaded 12 rows`"));
}

#[test]
fn what_can_not_be_trusted_is_refused() {
    let one = [judged("a", &[300], &limits(250, 5.0, Level::Fail), stored(), false)];
    let leg = leg(&one, None);
    let whole = text(&one, &leg);
    let why = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        format!("{:#}", recorded(&whole.replacen(from, to, 1)).unwrap_err())
    };
    let version = format!("\"memguard\": \"{}\"", env!("CARGO_PKG_VERSION"));
    for (from, to, told) in [
        ("\"schema\": 1", "\"schema\": 2", "its schema is 2, and this version of memguard reads schema 1"),
        (&version, "\"memguard\": \"9\\u001b[1m\"", "memguard 9\u{fffd}[1m wrote it, and this is"),
        (
            "\"verdict\": \"fail\",\n      \"failures",
            "\"verdict\": \"pass\",\n      \"failures",
            "the verdict of `a` is not",
        ),
        ("\"outcome\": \"fail\"", "\"outcome\": \"pass\"", "the verdict of `a` is not what its checks give"),
        ("\"outcome\": \"fail\"", "\"outcome\": \"fine\"", "\"fine\" is none of pass, warn, fail"),
        ("\"duration_s\": 12.0", "\"duration_s\": -1", "-1 is not a number of seconds"),
        ("\"file\": \"memguard.toml\"", "\"file\": \"a\\u001b[1m\"", "characters that no path should have"),
        ("\"shard\": null", "\"shard\": {\"index\": 3, \"of\": 2}", "there is no shard 3/2"),
        ("\"platform\": \"linux-x86_64\"", "\"platform\": \"x\"", "it is of x and has a workload of linux-x86_64"),
        ("{", "", "it is damaged, or no results of memguard's"),
        ("\"runs\"", "\"ran\"", "it is damaged: missing field `runs`"),
    ] {
        assert!(why(from, to).contains(told), "{to}: {}", why(from, to));
    }
    let two = results(&one, exit_code(&one), &[], &[leg.clone(), leg.clone()]).unwrap();
    assert!(recorded(&two).unwrap_err().to_string().contains("it is of 2 machines"));
}

fn any_workload() -> impl Strategy<Value = (u64, u64, f64, Level, u8, Option<bool>, bool)> {
    let level = prop_oneof![Just(Level::Fail), Just(Level::Warn)];
    (50u64..400, 50u64..400, 0.0f64..50.0, level, 0u8..3, prop::option::weighted(0.2, any::<bool>()), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_shards_of_a_plan_give_the_verdict_and_the_exit_code_of_the_whole(
        workloads in prop::collection::vec(any_workload(), 1..10), of in 1u32..6
    ) {
        let whole: Vec<Judged> = workloads.into_iter().enumerate().map(|(index, (peak, budget, percent, level, found, failed, required))| {
            let found = match found {
                0 => stored(),
                1 => Found::Missing { why: "there is none".into() },
                _ => Found::NotComparable { why: "it is of another metric".into() },
            };
            let mut judged = judged(&format!("w{index}"), &[peak], &limits(budget, percent, level), found, required);
            if let Some(unmeasured) = failed {
                judged.failures.push(RunFailure { run: 1, what: "failed".into(), unmeasured });
                judged.verdict = Verdict::Error;
            }
            judged
        }).collect();
        let mut joined = Vec::new();
        for index in 1..=of {
            let leg = leg(&whole, Shard::new(index, of));
            let own: Vec<Judged> =
                whole.iter().filter(|judged| leg.own().any(|name| *name == judged.key.workload)).cloned().collect();
            joined.extend(read_back(&own, &leg));
        }
        prop_assert_eq!(joined.len(), whole.len());
        prop_assert_eq!(exit_code(&joined), exit_code(&whole));
        prop_assert_eq!(overall(&joined), overall(&whole));
    }

    #[test]
    fn no_text_makes_reading_panic(at in 0usize..20_000, with in "[\"{}\\[\\],:0-9a-z\u{0}-]{0,8}") {
        let one = [judged("a", &[300], &limits(250, 5.0, Level::Fail), stored(), false)];
        let mut whole = text(&one, &leg(&one, None));
        let at = at % whole.len();
        whole.replace_range(at..=at, &with);
        let _ = recorded(&whole);
    }
}
