//! One set of results in every format: what they say of an uncertain value is the same.

use super::*;
use crate::analysis::{Estimate, Measured, Peak};
use crate::baseline::{Found, example};
use crate::units::{Bytes, Percent, SignedBytes, Uncertainty};
use crate::verdict::{Budget, Judged, JudgedRun, Limits, Measure, Subject, Tolerance, exit_code, judge};

const fn mib(mib: u64) -> Bytes {
    Bytes::from_mib(mib)
}

/// The uncertainties of the peak, start-up, the peak of the phase `load` and retained memory, in MiB, below and above.
type Uncertainties = [(u64, u64); 4];

const UNBOUNDED: u64 = u64::MAX;
const WIDE: Uncertainties = [(20, 15), (0, 40), (0, UNBOUNDED), (5, 5)];

/// A peak of 200 MiB, start-up of 120, a phase's peak of 90, and 3 retained, each with a budget. The peak has a tolerance, too.
fn judged(uncertainties: Uncertainties) -> Judged {
    let [peak, startup, load, retained] = uncertainties.map(|(below, above)| Uncertainty {
        below: mib(below),
        above: if above == UNBOUNDED { Bytes(UNBOUNDED) } else { mib(above) },
    });
    let mut run = JudgedRun {
        record: example::record(1),
        measures: example::measures(mib(200)),
        curve: example::curve(10, &[100 << 20, 200 << 20]),
    };
    let measures = &mut run.measures;
    let highest = measures.peak.value().unwrap();
    measures.peak = Measured::Value(Peak { uncertainty: peak, mapped: Some(mib(35)), ..highest });
    measures.startup = Measured::Value(Estimate { value: mib(120), uncertainty: startup });
    measures.phases[0].peak = Measured::Value(Estimate { value: mib(90), uncertainty: load });
    measures.retained = Measured::Value(Estimate { value: SignedBytes(3 << 20), uncertainty: retained });
    let subject = |phase: Option<&str>, measure| Subject { phase: phase.map(str::to_owned), measure };
    let budget = |subject, limit| Budget { subject, limit: mib(limit).into(), written: None };
    let limits = Limits {
        budgets: vec![
            budget(subject(None, Measure::Peak), 150),
            budget(subject(None, Measure::Startup), 100),
            budget(subject(Some("load"), Measure::Peak), 50),
            budget(subject(None, Measure::Retained), 1),
        ],
        tolerances: vec![Tolerance {
            subject: subject(None, Measure::Peak),
            percent: Percent(5.0),
            at_least: mib(1).into(),
            written: None,
        }],
        ..Limits::default()
    };
    let stored = Found::Entry(Box::new(example::entry("ingest")));
    judge(example::key("ingest"), vec![run], &limits, stored, false)
}

/// The text of every format for people, by its name.
fn formats(judged: &Judged) -> [(&'static str, String); 4] {
    let all = std::slice::from_ref(judged);
    let code = exit_code(all);
    let options = Options { width: 200, colour: false, quiet: false, artifacts: None, edits: Edits::default() };
    let side = || Side { judged, log_growth: None };
    [
        ("terminal", render(all, code, &[], &options)),
        ("Markdown", markdown(all, code, &[], &Links::default(), Place::Summary)),
        ("page", page(all, code, &[], &Edits::default()).unwrap()),
        ("compare", compare(&[Pair { base: side(), head: side() }], 200)),
    ]
}

#[test]
fn every_format_shows_the_same_value_with_its_mark() {
    let judged = judged(WIDE);
    let peak = "200.0 MiB ± 20.0 MiB";
    let startup = "≥ 120.0 MiB (≤ 160.0 MiB)";
    let retained = "3.0 MiB ± 5.0 MiB";
    let load = "≥ 90.0 MiB";
    let crossed = [
        format!("peak is {peak}, 50.0 MiB above the budget of 150.0 MiB"),
        format!("startup is {startup}, 20.0 MiB above the budget of 100.0 MiB"),
        format!("load peak is {load}, 40.0 MiB above the budget of 50.0 MiB"),
    ];
    let unmeasured = "it lies between -2.0 MiB and 8.0 MiB";
    for (format, text) in formats(&judged) {
        for value in [peak, startup, retained] {
            assert!(text.contains(value), "{value} in {format}: {text}");
        }
        if format != "compare" {
            for sentence in crossed.iter().map(String::as_str).chain([load, unmeasured]) {
                assert!(text.contains(sentence), "{sentence} in {format}: {text}");
            }
        }
    }
    let junit = junit(std::slice::from_ref(&judged));
    for (value, limit) in [(peak, "150.0"), (startup, "100.0"), (load, "50.0")] {
        assert!(junit.contains(&format!("{value} is above the budget of {limit} MiB")), "{junit}");
    }
    assert!(junit.contains(unmeasured), "{junit}");
    let json = results(std::slice::from_ref(&judged), exit_code(std::slice::from_ref(&judged)), &[], &[]).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let run = &json["workloads"][0]["runs"][0];
    let interval = |of: &serde_json::Value, name: &str| {
        let bytes = |end: &str| of[format!("{name}{end}_bytes")].as_i64().map(|bytes| bytes >> 20);
        [bytes("_low"), bytes(""), bytes("_high")]
    };
    assert_eq!(interval(run, "peak"), [Some(180), Some(200), Some(215)]);
    assert_eq!(interval(run, "startup"), [Some(120), Some(120), Some(160)]);
    assert_eq!(interval(run, "retained"), [Some(-2), Some(3), Some(8)]);
    assert_eq!(interval(&run["phases"][0], "peak"), [Some(90), Some(90), None]);
    assert!(run["phases"][0]["peak_high_bytes"].is_null());
}

#[test]
fn an_uncertainty_of_one_percent_is_not_shown() {
    // Of the peak, for the difference of two levels.
    let judged = judged([(2, 2), (1, 1), (0, 0), (2, 2)]);
    for (format, text) in formats(&judged) {
        assert!(!text.contains(['±', '≥']), "{format}: {text}");
    }
    assert!(!junit(std::slice::from_ref(&judged)).contains(['±', '≥']));
}

#[test]
fn mapped_files_are_named_beside_a_footprint_alone() {
    let mut judged = judged(WIDE);
    let page = |judged: &Judged| {
        let all = std::slice::from_ref(judged);
        page(all, exit_code(all), &[], &Edits::default()).unwrap()
    };
    let fact = "mapped files at the peak: 35.0 MiB (not in the footprint)";
    assert!(page(&judged).contains(fact));
    assert!(chart::of(&judged, &Details::default()).subtitle.ends_with("mapped files 35.0 MiB, not counted"));
    judged.runs[0].record.metric = crate::units::Metric::Rss;
    assert!(!page(&judged).contains("mapped files"));
}
