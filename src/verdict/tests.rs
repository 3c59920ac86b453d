use proptest::prelude::*;

use super::*;
use crate::analysis::{Estimate, Growth, Measured, Peak, Quality};
use crate::baseline::{Found, example};
use crate::trace::{Ended, MarkKind, PeakCertainty, ReadyMark};
use crate::units::{Bytes, Percent, Rate, SignedBytes, Uncertainty};

const fn mib(mib: u64) -> Bytes {
    Bytes::from_mib(mib)
}

fn run(number: u32, peak: Bytes) -> JudgedRun {
    let curve = example::curve(10, &[peak.0]);
    JudgedRun { record: example::record(number), measures: example::measures(peak), curve }
}

fn runs(peaks: &[u64]) -> Vec<JudgedRun> {
    (1..).zip(peaks).map(|(number, peak)| run(number, mib(*peak))).collect()
}

fn peak() -> Subject {
    Subject { phase: None, measure: Measure::Peak }
}

fn budget(limit: Bytes) -> Limits {
    Limits { budgets: vec![Budget { subject: peak(), limit: limit.into(), written: None }], ..Limits::default() }
}

fn tolerance(percent: f64, at_least: Bytes) -> Limits {
    let tolerance = Tolerance { subject: peak(), percent: Percent(percent), at_least: at_least.into(), written: None };
    Limits { tolerances: vec![tolerance], ..Limits::default() }
}

fn stored() -> Found {
    Found::Entry(Box::new(example::entry("ingest")))
}

fn missing() -> Found {
    Found::Missing { why: "there is no baseline yet".into() }
}

fn judged(runs: Vec<JudgedRun>, limits: &Limits, baseline: Found) -> Judged {
    judge(example::key("ingest"), runs, limits, baseline, false)
}

#[test]
fn a_budget_judges_the_worst_run() {
    let judged = judged(runs(&[100, 300, 200]), &budget(mib(250)), missing());
    let check = &judged.checks[0];
    assert_eq!((check.outcome, check.run, check.value), (Outcome::Fail, Some(2), Some(mib(300).into())));
    assert_eq!((judged.verdict, exit_code(&[judged])), (Verdict::Fail, ExitCode::Budget));
}

#[test]
fn a_peak_on_the_budget_passes_and_one_byte_more_fails() {
    for (limit, outcome) in [(mib(200), Outcome::Pass), (Bytes(mib(200).0 - 1), Outcome::Fail)] {
        assert_eq!(judged(runs(&[200]), &budget(limit), missing()).checks[0].outcome, outcome);
    }
}

#[test]
fn a_regression_judges_the_median_against_the_baselines() {
    let noisy = judged(runs(&[200, 900, 205]), &tolerance(5.0, Bytes(0)), stored());
    assert_eq!((noisy.checks[0].outcome, noisy.checks[0].value), (Outcome::Pass, Some(mib(205).into())));
    let grown = judged(runs(&[200, 900, 211]), &tolerance(5.0, Bytes(0)), stored());
    let check = &grown.checks[0];
    assert_eq!(
        (check.outcome, check.baseline, check.limit),
        (Outcome::Fail, Some(mib(200).into()), Some(mib(210).into()))
    );
    assert_eq!(exit_code(&[grown]), ExitCode::Regression);
}

#[test]
fn a_rise_must_be_above_the_percentage_and_above_the_bytes() {
    for (percent, at_least, outcome) in
        [(5.0, mib(4), Outcome::Fail), (5.0, mib(32), Outcome::Pass), (50.0, mib(4), Outcome::Pass)]
    {
        let judged = judged(runs(&[220]), &tolerance(percent, at_least), stored());
        assert_eq!(judged.checks[0].outcome, outcome, "{percent} % and {at_least}");
    }
}

#[test]
fn falling_below_the_baseline_is_no_regression() {
    assert_eq!(judged(runs(&[10]), &tolerance(0.0, Bytes(0)), stored()).verdict, Verdict::Pass);
}

#[test]
fn of_a_baseline_that_retains_nothing_only_the_bytes_count() {
    let subject = Subject { phase: None, measure: Measure::Retained };
    let tolerance = Tolerance { subject, percent: Percent(500.0), at_least: mib(1).into(), written: None };
    let limits = Limits { tolerances: vec![tolerance], ..Limits::default() };
    let mut entry = example::entry("ingest");
    entry.retained = vec![SignedBytes(-1024); 3];
    let judged = judged(runs(&[200]), &limits, Found::Entry(Box::new(entry)));
    assert_eq!(judged.checks[0].limit, Some(SignedBytes((1 << 20) - 1024).into()));
    assert_eq!(judged.checks[0].outcome, Outcome::Fail, "3 MiB were retained");
}

/// Runs whose growth, in MiB a minute, lies in these intervals.
fn growing(intervals: &[(i64, i64, i64)]) -> Vec<JudgedRun> {
    let mut runs = runs(&vec![100; intervals.len()]);
    for (run, (low, slope, high)) in runs.iter_mut().zip(intervals) {
        let [low, slope, high] = [low, slope, high].map(|mib| Rate(mib << 20));
        run.measures.growth = Measured::Value(Growth { slope, low, high });
    }
    runs
}

#[test]
fn growth_is_judged_where_it_is_beyond_doubt_and_is_unmeasured_where_the_limit_would_hide_in_the_noise() {
    let subject = Subject { phase: None, measure: Measure::Growth };
    for (intervals, limit, outcome, value) in [
        (&[(1, 2, 3)][..], 1, Outcome::Fail, 2),
        (&[(1, 2, 3)], 2, Outcome::Pass, 2),
        (&[(0, 2, 4)], 3, Outcome::Pass, 0),
        (&[(-1, 2, 5)], 3, Outcome::Pass, 0),
        (&[(-4, 1, 5)], 3, Outcome::Unmeasured, 0),
        (&[(-4, 1, 5)], 0, Outcome::Pass, 0),
        (&[(0, 0, 0)], 0, Outcome::Pass, 0),
        (&[(1, 1, 1)], 0, Outcome::Fail, 1),
        (&[(-9, -8, -7)], 1, Outcome::Pass, -8),
        (&[(-1, 0, 1), (1, 4, 6), (2, 3, 4)], 3, Outcome::Fail, 4),
    ] {
        let budget = Budget { subject: subject.clone(), limit: Rate(limit << 20).into(), written: None };
        let limits = Limits { budgets: vec![budget], ..Limits::default() };
        let check = judged(growing(intervals), &limits, missing()).checks.remove(0);
        let expected = (outcome, Some(Rate(value << 20).into()));
        assert_eq!((check.outcome, check.value), expected, "{intervals:?} under {limit}: {:?}", check.note);
    }
}

#[test]
fn growth_regresses_against_the_baselines_growth() {
    let subject = Subject { phase: None, measure: Measure::Growth };
    let tolerance = Tolerance { subject, percent: Percent(50.0), at_least: Rate(1 << 20).into(), written: None };
    let limits = Limits { tolerances: vec![tolerance], ..Limits::default() };
    for (slope, outcome) in [(33, Outcome::Pass), (34, Outcome::Fail), (5, Outcome::Pass)] {
        let check = judged(growing(&[(slope - 1, slope, slope + 1)]), &limits, stored()).checks.remove(0);
        assert_eq!((check.outcome, check.limit), (outcome, Some(Rate(33 << 20).into())), "the baseline has 22 MiB/min");
    }
}

#[test]
fn a_phase_has_growth_of_its_own() {
    let subject = Subject { phase: Some("load".to_owned()), measure: Measure::Growth };
    let budget = Budget { subject, limit: Rate(1 << 20).into(), written: None };
    let limits = Limits { budgets: vec![budget], ..Limits::default() };
    let mut runs = runs(&[100]);
    assert_eq!(judged(runs.clone(), &limits, missing()).checks[0].value, Some(Rate::ZERO.into()));
    runs[0].measures.phases[0].growth = Measured::Unmeasured("it is too short".into());
    let check = judged(runs, &limits, missing()).checks.remove(0);
    assert_eq!((check.outcome, check.note.as_deref()), (Outcome::Unmeasured, Some("it is too short")));
}

#[test]
fn no_baseline_and_none_comparable_are_outcomes_of_their_own() {
    let foreign = Found::NotComparable { why: "other metric".into() };
    for (baseline, outcome) in [(missing(), Outcome::NoBaseline), (foreign, Outcome::NotComparable)] {
        let mut judged = judged(runs(&[200]), &tolerance(5.0, Bytes(0)), baseline);
        assert_eq!((judged.checks[0].outcome, judged.verdict), (outcome, Verdict::NoBaseline));
        assert!(judged.checks[0].note.is_some());
        assert_eq!(exit_code(std::slice::from_ref(&judged)), ExitCode::Pass);
        judged.baseline_required = true;
        assert_eq!(exit_code(&[judged]), ExitCode::NoBaseline);
    }
}

#[test]
fn a_measure_that_the_baseline_lacks_has_no_baseline() {
    let mut entry = example::entry("ingest");
    entry.peak.clear();
    let judged = judged(runs(&[200]), &tolerance(5.0, Bytes(0)), Found::Entry(Box::new(entry)));
    assert_eq!(judged.checks[0].outcome, Outcome::NoBaseline);
}

#[test]
fn what_could_not_be_measured_fails_and_says_why() {
    let mut lacking = runs(&[100, 100]);
    lacking[1].measures.peak = Measured::Unmeasured("there are no samples".into());
    let judged = judged(lacking, &budget(mib(250)), missing());
    let check = &judged.checks[0];
    assert_eq!((check.outcome, check.value), (Outcome::Unmeasured, None));
    assert_eq!(check.note.as_deref(), Some("run 2: there are no samples"));
    assert_eq!(exit_code(&[judged]), ExitCode::Unmeasured);
}

#[test]
fn a_limit_crossed_in_one_run_is_crossed_whatever_another_lacks() {
    let mut lacking = runs(&[300, 100]);
    lacking[1].measures.peak = Measured::Unmeasured("there are no samples".into());
    assert_eq!(judged(lacking, &budget(mib(250)), missing()).checks[0].outcome, Outcome::Fail);
}

#[test]
fn another_environment_is_told_beside_a_regression() {
    let mut grown = runs(&[300]);
    grown[0].record.environment.facts.insert("kernel".into(), "7.0".into());
    let note = judged(grown, &tolerance(5.0, Bytes(0)), stored()).checks[0].note.clone().unwrap();
    assert_eq!(note, "the baseline was measured in another environment: kernel was 6.18.0, is 7.0");
}

#[test]
fn every_way_to_end_is_a_failure_but_the_two_that_are_right() {
    for (ended, what, code) in [
        (Ended::Exited { status: 0 }, None, ExitCode::Pass),
        (Ended::Stopped, None, ExitCode::Pass),
        (Ended::Exited { status: 3 }, Some("exited with status 3"), ExitCode::WorkloadFailed),
        (Ended::Signaled { signal: 9 }, Some("killed by signal 9 (SIGKILL)"), ExitCode::WorkloadFailed),
        (Ended::Timeout, Some("stopped at its timeout"), ExitCode::WorkloadFailed),
        (Ended::Aborted, Some("`abort_above`"), ExitCode::WorkloadFailed),
        (Ended::OutOfMemory, Some("run out of memory"), ExitCode::WorkloadFailed),
        (Ended::NeverReady, Some("never got ready"), ExitCode::WorkloadFailed),
        (Ended::DriveFailed { status: Some(7) }, Some("exited with status 7"), ExitCode::WorkloadFailed),
        (Ended::DriveFailed { status: None }, Some("did not start"), ExitCode::WorkloadFailed),
        (Ended::Interrupted { signal: 2 }, Some("interrupted (SIGINT)"), ExitCode::WorkloadFailed),
        (Ended::NotStarted, Some("did not start"), ExitCode::WorkloadFailed),
        (Ended::Unfinished, Some("cut short"), ExitCode::Unmeasured),
    ] {
        let mut runs = runs(&[100]);
        runs[0].record.ended = ended;
        let judged = judged(runs, &budget(mib(250)), missing());
        match what {
            Some(what) => assert!(judged.failures[0].what.contains(what), "{:?}", judged.failures),
            None => assert_eq!(judged.failures, []),
        }
        assert_eq!(judged.verdict == Verdict::Error, what.is_some());
        assert_eq!(exit_code(&[judged]), code, "{ended:?}");
    }
}

#[test]
fn a_program_that_ends_well_without_getting_ready_has_failed() {
    let mut runs = runs(&[100]);
    runs[0].record.ready = ReadyMark::Never { by: MarkKind::Log };
    let judged = judged(runs, &Limits::default(), missing());
    assert_eq!(judged.failures[0].what, "never got ready: it ended, and no log line matched");
}

#[test]
fn of_several_workloads_the_gravest_outcome_is_given() {
    let pass = judged(runs(&[100]), &budget(mib(250)), missing());
    let over = judged(runs(&[300]), &budget(mib(250)), missing());
    let grown = judged(runs(&[300]), &tolerance(5.0, Bytes(0)), stored());
    let mut failed = runs(&[100]);
    failed[0].record.ended = Ended::Exited { status: 1 };
    let failed = judged(failed, &budget(mib(250)), missing());
    let mut cut = runs(&[100]);
    cut[0].record.ended = Ended::Unfinished;
    let cut = judged(cut, &budget(mib(250)), missing());
    let order = [
        (cut, ExitCode::Unmeasured),
        (failed, ExitCode::WorkloadFailed),
        (over, ExitCode::Budget),
        (grown, ExitCode::Regression),
        (pass, ExitCode::Pass),
    ];
    for from in 0..order.len() {
        let rest: Vec<Judged> = order[from..].iter().rev().map(|(judged, _)| judged.clone()).collect();
        assert_eq!(exit_code(&rest), order[from].1);
    }
}

proptest! {
    #[test]
    fn more_memory_never_turns_red_to_green(peak in 1u64..1000, more in 0u64..1000, limit in 1u64..1000, percent in 0.0f64..100.0) {
        let limits = Limits { tolerances: tolerance(percent, mib(4)).tolerances, ..budget(mib(limit)) };
        let fails = |peak: u64| judged(runs(&[peak]), &limits, stored()).verdict == Verdict::Fail;
        prop_assert!(!fails(peak) || fails(peak + more));
    }

    #[test]
    fn the_order_of_the_runs_changes_no_outcome(mut peaks in prop::collection::vec(1u64..400, 1..6)) {
        let limits = Limits { tolerances: tolerance(5.0, mib(4)).tolerances, ..budget(mib(200)) };
        let outcomes = |peaks: &[u64]| {
            let checks = judged(runs(peaks), &limits, stored()).checks;
            checks.into_iter().map(|check| (check.outcome, check.value)).collect::<Vec<_>>()
        };
        let before = outcomes(&peaks);
        peaks.reverse();
        prop_assert_eq!(before, outcomes(&peaks));
    }

    #[test]
    fn at_level_warn_nothing_fails(peaks in prop::collection::vec(1u64..400, 0..4)) {
        let limits = Limits { level: Level::Warn, tolerances: tolerance(5.0, mib(4)).tolerances, ..budget(mib(200)) };
        let judged = judged(runs(&peaks), &limits, stored());
        prop_assert!(judged.verdict != Verdict::Fail);
        prop_assert_eq!(exit_code(&[judged]), ExitCode::Pass);
    }
}

#[test]
fn a_run_too_short_to_be_read_passes_only_where_nothing_was_asked_of_it() {
    let mut short = runs(&[100]);
    short[0].measures.peak = Measured::Unmeasured("no sample was taken".into());
    assert_eq!(exit_code(&[judged(short.clone(), &Limits::default(), missing())]), ExitCode::Pass);
    assert_eq!(exit_code(&[judged(short, &budget(mib(250)), missing())]), ExitCode::Unmeasured);
}

#[test]
fn a_budget_that_gaps_leave_in_doubt_is_unmeasured_and_one_that_is_crossed_or_proven_is_judged() {
    let poor = |certainty| {
        let mut runs = runs(&[100, 200]);
        let measures = &mut runs[1].measures;
        measures.quality = Quality::Poor("for 2 s nothing could be read".into());
        measures.peak = measures.peak.value().map(|peak| Measured::Value(Peak { certainty, ..peak })).unwrap();
        runs
    };
    let check = |certainty, limit| judged(poor(certainty), &budget(mib(limit)), missing()).checks.remove(0);
    let doubtful = check(PeakCertainty::Sampled, 250);
    assert_eq!((doubtful.outcome, doubtful.value), (Outcome::Unmeasured, Some(mib(200).into())));
    assert_eq!(
        doubtful.note.as_deref(),
        Some("run 2: for 2 s nothing could be read: run it again, where less else is running")
    );
    assert_eq!(check(PeakCertainty::Sampled, 150).outcome, Outcome::Fail);
    assert_eq!(check(PeakCertainty::Exact, 250).outcome, Outcome::Pass, "the kernel's own mark proves it");
    let regressed = judged(poor(PeakCertainty::Sampled), &tolerance(5.0, mib(400)), stored());
    assert_eq!(regressed.checks[0].outcome, Outcome::Unmeasured);
}

#[test]
fn a_budget_inside_the_uncertainty_is_unmeasured_and_one_beside_it_is_judged() {
    let mut runs = runs(&[200]);
    let uncertainty = Uncertainty { below: mib(20), above: mib(50) };
    let peak = runs[0].measures.peak.value().unwrap();
    runs[0].measures.peak = Measured::Value(Peak { uncertainty, ..peak });
    let outcome = |limit| judged(runs.clone(), &budget(mib(limit)), missing()).checks.remove(0).outcome;
    assert_eq!(outcome(179), Outcome::Fail);
    for inside in [180, 200, 249] {
        assert_eq!(outcome(inside), Outcome::Unmeasured, "{inside}");
    }
    assert_eq!(outcome(250), Outcome::Pass);
    let check = judged(runs.clone(), &budget(mib(220)), missing()).checks.remove(0);
    assert!(check.note.unwrap().contains("between 180.0 MiB and 250.0 MiB"));
}

#[test]
fn every_amount_of_memory_is_judged_with_its_interval() {
    let mut runs = runs(&[200]);
    let measures = &mut runs[0].measures;
    let uncertainty = Uncertainty { below: mib(10), above: mib(20) };
    measures.startup = Measured::Value(Estimate { value: mib(100), uncertainty });
    measures.phases[0].peak = Measured::Value(Estimate { value: mib(100), uncertainty });
    measures.retained = Measured::Value(Estimate { value: SignedBytes(100 << 20), uncertainty });
    let load = Some("load".to_owned());
    for (phase, measure) in [(None, Measure::Startup), (load, Measure::Peak), (None, Measure::Retained)] {
        let subject = Subject { phase, measure };
        for (limit, outcome) in [(89, Outcome::Fail), (90, Outcome::Unmeasured), (119, Outcome::Unmeasured)] {
            let budget = Budget { subject: subject.clone(), limit: mib(limit).into(), written: None };
            let limits = Limits { budgets: vec![budget], ..Limits::default() };
            let check = judged(runs.clone(), &limits, missing()).checks.remove(0);
            assert_eq!((check.outcome, check.value), (outcome, Some(mib(100).into())), "{subject:?} under {limit}");
        }
        let limits =
            Limits { budgets: vec![Budget { subject, limit: mib(120).into(), written: None }], ..Limits::default() };
        assert_eq!(judged(runs.clone(), &limits, missing()).checks[0].outcome, Outcome::Pass);
    }
}

#[test]
fn a_regression_compares_values_and_is_unmeasured_where_nothing_bounds_one_that_passes() {
    let peak = |value, uncertainty| {
        let mut runs = runs(&[value]);
        let peak = runs[0].measures.peak.value().unwrap();
        runs[0].measures.peak = Measured::Value(Peak { uncertainty, ..peak });
        judged(runs, &tolerance(5.0, Bytes(0)), stored()).checks.remove(0)
    };
    let wide = Uncertainty { below: mib(20), above: mib(50) };
    assert_eq!(peak(205, wide).outcome, Outcome::Pass, "the baseline has 200 MiB");
    assert_eq!(peak(215, wide).outcome, Outcome::Fail);
    let unbounded = peak(205, Uncertainty::UNBOUNDED);
    assert_eq!(unbounded.outcome, Outcome::Unmeasured);
    let why = "it is at least 205.0 MiB: the memory of some processes could not be read";
    assert!(unbounded.note.as_deref().unwrap().starts_with(why), "{:?}", unbounded.note);
    assert_eq!(peak(215, Uncertainty::UNBOUNDED).outcome, Outcome::Fail);
}
