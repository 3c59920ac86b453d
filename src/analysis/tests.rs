//! Traces small enough to be measured by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use proptest::prelude::*;
use regex::Regex;

use super::*;
use crate::trace::{
    Ended, Environment, LogLine, LogRow, MarkKind, PeakCertainty, ReadyMark, RunRecord, Sample, Sampling, Stream,
};
use crate::units::{Bytes, Metric, Parts, Quantity, Rate, Uncertainty};

/// Rows of (milliseconds, memory, peak).
pub(super) fn rows(rows: &[(u64, u64, u64)]) -> Vec<Sample> {
    let row = |(millis, memory, peak): &(u64, u64, u64)| Sample {
        at: Duration::from_millis(*millis),
        memory: Bytes(*memory),
        peak: Bytes(*peak),
        uncertainty: Uncertainty::NONE,
        parts: Parts::default(),
        processes: Some(1),
        machine_used: None,
    };
    rows.iter().map(row).collect()
}

/// Rows of (milliseconds, memory), without peaks between them.
pub(super) fn flat(values: &[(u64, u64)]) -> Vec<Sample> {
    rows(&values.iter().map(|(millis, memory)| (*millis, *memory, *memory)).collect::<Vec<_>>())
}

fn log(lines: &[(u64, &str)]) -> Vec<LogLine> {
    let line = |(millis, text): &(u64, &str)| LogLine {
        at: Duration::from_millis(*millis),
        stream: Stream::Stdout,
        text: (*text).to_owned(),
    };
    lines.iter().map(line).collect()
}

/// A run of one second.
pub(super) fn record() -> RunRecord {
    RunRecord {
        memguard: "0.1.0".to_owned(),
        workload: "ingest".to_owned(),
        run: 1,
        command: "ingest".to_owned(),
        platform: "linux-x86_64".to_owned(),
        metric: Metric::Footprint,
        source: "proc".to_owned(),
        interval: Duration::from_millis(10),
        started: jiff::Timestamp::UNIX_EPOCH,
        environment: Environment { facts: BTreeMap::new() },
        ready: ReadyMark::NotAsked,
        stop_at: None,
        duration: Some(Duration::from_secs(1)),
        ended: Ended::Exited { status: 0 },
        peak_certainty: PeakCertainty::Exact,
        sampling: Sampling::default(),
        output_lost: None,
        notices: Vec::new(),
    }
}

pub(super) fn measured(record: &RunRecord, rules: &Rules, samples: &[Sample], lines: &[LogLine]) -> Measures {
    let open = || Ok(samples.iter().map(|sample| Ok(*sample)));
    measure(record, rules, open, lines.iter().cloned().map(LogRow::Line).map(Ok)).unwrap().0
}

fn line(regex: &str) -> Option<Edge> {
    Some(Edge::Log(Regex::new(regex).unwrap()))
}

fn at(millis: u64) -> Option<Edge> {
    Some(Edge::At(Duration::from_millis(millis)))
}

pub(super) fn ready_after(millis: u64) -> Rules {
    Rules { ready: ReadyRule::After(Duration::from_millis(millis)), phases: Vec::new() }
}

fn ready_at_line(regex: &str) -> Rules {
    Rules { ready: ReadyRule::Log(Regex::new(regex).unwrap()), phases: Vec::new() }
}

fn phases(edges: &[(Option<Edge>, Option<Edge>)]) -> Rules {
    let phase = |(from, until): &(Option<Edge>, Option<Edge>)| PhaseRule {
        name: "load".to_owned(),
        from: from.clone(),
        until: until.clone(),
    };
    Rules { ready: ReadyRule::NotGiven, phases: edges.iter().map(phase).collect() }
}

pub(super) fn why<T: std::fmt::Debug>(measured: &Measured<T>) -> &str {
    match measured {
        Measured::Unmeasured(why) => why,
        other => panic!("measured: {other:?}"),
    }
}

/// The window in milliseconds and the peak of the only phase, or why there is none.
fn phase(record: &RunRecord, edges: (Option<Edge>, Option<Edge>), samples: &[Sample], lines: &[LogLine]) -> String {
    let measures = measured(record, &phases(&[edges]), samples, lines);
    match (&measures.phases[0].window, &measures.phases[0].peak) {
        (Measured::Value((from, until)), Measured::Value(peak)) => {
            format!("{}..{}: {}", from.as_millis(), until.as_millis(), peak.value.0)
        }
        (_, Measured::Unmeasured(why)) => why.clone(),
        (window, peak) => panic!("{window:?}: {peak:?}"),
    }
}

#[test]
fn the_peak_is_the_highest_of_all_rows_where_it_was_first_reached() {
    let mut samples = rows(&[(0, 1, 1), (10, 2, 9), (20, 9, 9), (30, 0, 0)]);
    samples.iter_mut().zip(70..).for_each(|(sample, mapped)| sample.parts.mapped = Some(Bytes(mapped)));
    let mut record = record();
    let peak = |record: &RunRecord| measured(record, &Rules::default(), &samples, &[]).peak.value().unwrap();
    let expected = Peak {
        value: Bytes(9),
        at: Duration::from_millis(10),
        uncertainty: Uncertainty::NONE,
        certainty: PeakCertainty::Exact,
        mapped: Some(Bytes(71)),
    };
    assert_eq!(peak(&record), expected);
    record.peak_certainty = PeakCertainty::Sampled;
    assert_eq!(peak(&record), Peak { certainty: PeakCertainty::Sampled, ..expected });
    record.peak_certainty = PeakCertainty::Exact;
    assert_eq!(peak(&record), expected);
}

#[test]
fn a_run_without_samples_is_unmeasured_and_not_zero() {
    let measures = measured(&record(), &ready_after(500), &[], &[]);
    assert_eq!(why(&measures.peak), "no sample was taken");
    assert_eq!(why(&measures.startup), "no sample was taken before ready");
    assert_eq!(why(&measures.retained), "only 0 samples between ready and the final drop, 10 are needed");
    assert_eq!((measures.samples, measures.duration), (0, Duration::from_secs(1)));
}

#[test]
fn an_unfinished_run_lasts_until_its_last_row() {
    let record = RunRecord { duration: None, ..record() };
    let measures = measured(&record, &ready_after(500), &flat(&[(0, 1), (400, 2)]), &[]);
    assert_eq!(measures.duration, Duration::from_millis(400));
    assert_eq!(why(&measures.ready), "the run ended after 400 ms, before it was ready at 500 ms");
    assert_eq!(why(&measures.startup), why(&measures.ready));
    assert_eq!(why(&measures.retained), why(&measures.ready));
}

#[test]
fn startup_is_the_highest_until_ready() {
    let samples = rows(&[(0, 1, 1), (10, 5, 7), (20, 6, 6), (30, 7, 90), (40, 80, 80)]);
    for (ready, startup) in [(9, 5), (10, 7), (25, 7), (30, 90), (35, 90)] {
        let measures = measured(&record(), &ready_after(ready), &samples, &[]);
        assert_eq!(measures.startup, Measured::Value(Estimate::exact(Bytes(startup))), "ready at {ready} ms");
    }
}

#[test]
fn the_first_matching_line_of_either_stream_ends_start_up() {
    let mut lines = log(&[(100, "Loading"), (300, "Loaded 12 rows"), (500, "Loaded 13 rows")]);
    lines[1].stream = Stream::Stderr;
    let measures = measured(&record(), &ready_at_line(r"Loaded \d+"), &flat(&[(0, 1)]), &lines);
    assert_eq!(measures.ready, Measured::Value(Duration::from_millis(300)));
    let measures = measured(&record(), &ready_at_line(r"Loaded \d+ files"), &flat(&[(0, 1)]), &lines);
    assert_eq!(why(&measures.ready), r#"no log line matched "Loaded \d+ files""#);
}

#[test]
fn a_recorded_mark_is_used_only_where_it_is_of_that_kind() {
    let at = Duration::from_millis(300);
    for (mark, told) in [
        (ReadyMark::Reached { by: MarkKind::Port, at }, None),
        (ReadyMark::Never { by: MarkKind::Port }, Some("the port never accepted a connection")),
        (ReadyMark::Never { by: MarkKind::File }, Some("the file never appeared")),
        (ReadyMark::NotAsked, Some("run it again")),
        (ReadyMark::Reached { by: MarkKind::Log, at }, Some("run it again")),
    ] {
        let record = RunRecord { ready: mark, ..record() };
        let rules = Rules { ready: ReadyRule::Recorded, phases: Vec::new() };
        let measures = measured(&record, &rules, &flat(&[(0, 1)]), &[]);
        match told {
            None => assert_eq!(measures.ready, Measured::Value(at)),
            Some(told) => assert!(why(&measures.ready).contains(told), "{mark:?}: {}", why(&measures.ready)),
        }
    }
}

/// Every 10 ms a row.
fn every_10_ms(until: u64, level: impl Fn(u64) -> u64) -> Vec<Sample> {
    flat(&(0..=until / 10).map(|tick| (tick * 10, level(tick * 10))).collect::<Vec<_>>())
}

#[test]
fn without_a_ready_nothing_is_measured_from_one() {
    let record = RunRecord { duration: Some(Duration::from_secs(20)), ..record() };
    let samples = every_10_ms(20_000, |at| 1_000_000 + 1000 * at.min(3000));
    let recorded = Rules { ready: ReadyRule::AsRecorded, phases: Vec::new() };
    for rules in [Rules::default(), recorded] {
        let measures = measured(&record, &rules, &samples, &[]);
        assert_eq!(measures.ready, Measured::NotAsked);
        assert_eq!(measures.startup, Measured::NotAsked);
        assert_eq!(measures.retained, Measured::NotAsked);
        assert_eq!(measures.growth, Measured::NotAsked);
        assert!(measures.peak.value().is_some() && measures.segments.len() == 2, "{measures:?}");
    }
}

#[test]
fn the_ready_of_the_run_itself_counts_where_no_other_is_given() {
    let rules = Rules { ready: ReadyRule::AsRecorded, phases: Vec::new() };
    let at = Duration::from_millis(500);
    let reached = RunRecord { ready: ReadyMark::Reached { by: MarkKind::Log, at }, ..record() };
    assert_eq!(measured(&reached, &rules, &flat(&[(0, 1)]), &[]).ready, Measured::Value(at));
    let never = RunRecord { ready: ReadyMark::Never { by: MarkKind::Port }, ..record() };
    assert_eq!(why(&measured(&never, &rules, &flat(&[(0, 1)]), &[]).ready), "the run never got ready");
}

#[test]
fn a_phase_reaches_from_line_to_line() {
    let samples = flat(&[(0, 1), (100, 2), (200, 30), (300, 4), (400, 5), (1000, 0)]);
    let lines = log(&[(50, "a begin"), (150, "step"), (250, "step"), (350, "end")]);
    for (from, until, told) in [
        (None, None, "0..1000: 30"),
        (line("begin"), line("step"), "50..150: 30"),
        (line("step"), line("step"), "150..250: 30"),
        (line("end"), None, "350..1000: 5"),
        (at(250), line("end"), "250..350: 5"),
        (at(160), line("step"), "160..250: 30"),
        (line("begin"), at(120), "50..120: 30"),
        (at(300), at(5000), "300..1000: 5"),
        (None, line("begin"), "0..50: 2"),
        (line("absent"), line("end"), "the phase never began: no log line matched \"absent\""),
        (line("end"), line("step"), "the phase never ended: no log line after 350 ms matched \"step\""),
        (at(5000), None, "the phase never began: the run ended after 1.00 s, before 5.00 s"),
        (at(300), at(200), "the phase began at 300 ms, after its end at 200 ms"),
        (at(110), at(120), "no sample was taken during the phase"),
    ] {
        let edges = format!("{from:?} {until:?}");
        assert_eq!(phase(&record(), (from, until), &samples, &lines), told, "{edges}");
    }
}

#[test]
fn one_line_ends_a_phase_and_begins_the_next() {
    let lines = log(&[(100, "load"), (200, "index"), (300, "done")]);
    let rules = phases(&[(line("load"), line("index")), (line("index"), line("done"))]);
    let measures = measured(&record(), &rules, &flat(&[(0, 1), (150, 5), (250, 6), (900, 0)]), &lines);
    let windows: Vec<_> = measures.phases.iter().map(|phase| phase.window.value().unwrap()).collect();
    assert_eq!(windows[0].1, windows[1].0);
    assert_eq!(measures.phases[1].peak, Measured::Value(Estimate::exact(Bytes(6))));
}

/// In bytes a minute, with its interval; a row every 10 ms for six seconds.
fn growth_in(edges: (Option<Edge>, Option<Edge>), level: impl Fn(u64) -> u64) -> Measured<Growth> {
    let record = RunRecord { duration: Some(Duration::from_secs(6)), ..record() };
    let samples = flat(&(0..=600).map(|tick| (tick * 10, level(tick * 10))).collect::<Vec<_>>());
    measured(&record, &phases(&[edges]), &samples, &[]).phases[0].growth.clone()
}

#[test]
fn a_phase_has_the_growth_of_its_own_window_without_its_final_drop() {
    let level = |at| match at {
        0..2000 => 7_000 + at,
        2000..5000 => 9_000,
        5000..5800 => 9_000 + 50 * (at - 5000),
        _ => 1_000 - (at - 5800),
    };
    let rate = |from, until| growth_in((at(from), at(until)), level).value().unwrap();
    let line = rate(0, 2000);
    assert!((line.slope.0 - 60_000).abs() < 300 && line.is_real(), "{line:?}");
    assert_eq!(rate(2000, 4990), Growth { slope: Rate::ZERO, low: Rate::ZERO, high: Rate::ZERO });
    assert_eq!(rate(4000, 6000).sure(), Rate::ZERO, "two thirds of it are still, and the drop is none of it");
}

#[test]
fn too_short_a_phase_has_no_growth_and_says_so() {
    assert_eq!(
        why(&growth_in((at(1000), at(1900)), |_| 5)),
        "the phase, without a final drop, lasts 900 ms: that is too short to tell what grows"
    );
    assert_eq!(
        why(&growth_in((at(1000), at(1050)), |_| 5)),
        "only 5 samples in the phase, before a final drop, 10 are needed"
    );
    assert_eq!(
        why(&growth_in((at(9000), None), |_| 5)),
        "the phase never began: the run ended after 6.00 s, before 9.00 s"
    );
}

#[test]
fn a_window_that_ends_within_an_unchanged_stretch_is_seen_to_its_end() {
    let record = RunRecord { duration: Some(Duration::from_secs(6)), ..record() };
    // Of what is unchanged the recorder writes a row a second.
    let samples = flat(&[(0, 1), (600, 5), (1600, 5), (2600, 5), (3600, 5), (4600, 5), (5600, 5), (6000, 5)]);
    let growth = measured(&record, &phases(&[(at(700), at(1800))]), &samples, &[]).phases[0].growth.clone();
    assert_eq!(growth.value().map(|growth| growth.high), Some(Rate::ZERO), "{growth:?}");
}

#[test]
fn the_line_near_an_instant_is_the_last_that_had_begun() {
    let lines = log(&[(10, "a"), (30, "c"), (20, "b"), (30, "d"), (50, "e")]);
    let near =
        |millis| line_near(lines.iter().cloned().map(LogRow::Line).map(Ok), Duration::from_millis(millis)).unwrap();
    assert_eq!(near(9), None);
    assert_eq!(near(29).map(|line| line.text).as_deref(), Some("b"));
    assert_eq!(near(49).map(|line| line.text).as_deref(), Some("d"));
}

#[test]
fn an_error_in_the_rows_is_handed_on() {
    let broken = || -> Result<Sample> { Err(anyhow::anyhow!("line 3")) };
    assert!(measure(&record(), &Rules::default(), || Ok([broken()].into_iter()), []).is_err());
    let rules = ready_at_line("x");
    assert!(measure(&record(), &rules, || Ok([].into_iter()), [Err(anyhow::anyhow!("line 3"))]).is_err());
}

fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    let row = (1u64..500, 0u64..1 << 40, 0u64..1 << 30);
    proptest::collection::vec(row, 0..80).prop_map(|steps| {
        let mut at = 0;
        let row = |(step, memory, above)| {
            at += step;
            (at, memory, memory + above)
        };
        rows(&steps.into_iter().map(row).collect::<Vec<_>>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_sample_is_above_the_peak_nor_startup_nor_a_phase(samples in any_samples(), ready in 0u64..5000, begin in 0u64..5000) {
        let rules = Rules { phases: phases(&[(at(begin), None)]).phases, ..ready_after(ready) };
        let record = RunRecord { duration: None, ..record() };
        let measures = measured(&record, &rules, &samples, &[]);
        let peak = measures.peak.value().map(|peak| peak.value);
        prop_assert_eq!(peak, samples.iter().map(|sample| sample.peak).max());
        prop_assert!(bytes(&measures.startup) <= peak);
        prop_assert!(bytes(&measures.phases[0].peak) <= peak);
        prop_assert_eq!(measures.samples, samples.len() as u64);
    }

    #[test]
    fn no_segment_reaches_above_the_highest_reading_or_below_the_lowest(samples in any_samples()) {
        let measures = measured(&RunRecord { duration: None, ..record() }, &ready_after(0), &samples, &[]);
        let memory = || samples.iter().map(|sample| sample.memory);
        for level in measures.segments.iter().flat_map(|segment| [segment.from_level, segment.to_level]) {
            prop_assert!(memory().min() <= Some(level) && Some(level) <= memory().max(), "{level}");
        }
    }

    #[test]
    fn twice_the_memory_has_twice_the_measures(samples in any_samples(), ready in 0u64..5000) {
        let twice = samples.iter().map(|sample| Sample {
            memory: Bytes(sample.memory.0 * 2),
            peak: Bytes(sample.peak.0 * 2),
            ..*sample
        });
        let record = RunRecord { duration: None, ..record() };
        let once = measured(&record, &ready_after(ready), &samples, &[]);
        let twice = measured(&record, &ready_after(ready), &twice.collect::<Vec<_>>(), &[]);
        prop_assert_eq!(bytes(&twice.startup), bytes(&once.startup).map(|bytes| Bytes(bytes.0 * 2)));
        let retained = |measures: &Measures| measures.retained.value().map(|retained| retained.value.0);
        prop_assert_eq!(retained(&twice), retained(&once).map(|bytes| bytes * 2));
    }

    /// The truth is drawn anywhere within each row's interval.
    #[test]
    fn the_true_measures_lie_in_their_intervals(
        samples in any_samples(), ready in 0u64..5000,
        errors in proptest::collection::vec((0u64..1 << 40, 0u64..1 << 40, 0.0..1.0f64), 80),
    ) {
        // A run that memguard stopped has no final drop, which could begin elsewhere in the truth.
        let record = RunRecord { duration: None, stop_at: Some(Duration::from_secs(1000)), ..record() };
        let rules = Rules { phases: phases(&[(at(ready), None)]).phases, ..ready_after(ready) };
        let (mut seen, mut truth) = (samples.clone(), samples);
        for ((seen, truth), (below, above, place)) in seen.iter_mut().zip(&mut truth).zip(errors.into_iter().cycle()) {
            let below = Bytes(below.min(seen.memory.0));
            seen.uncertainty = Uncertainty { below, above: Bytes(above) };
            let shifted = |value: Bytes| Bytes(value.0 - below.0 + ((below.0 + above) as f64 * place) as u64);
            (truth.memory, truth.peak) = (shifted(seen.memory), shifted(seen.peak));
        }
        let (seen, truth) = (measured(&record, &rules, &seen, &[]), measured(&record, &rules, &truth, &[]));
        let holds = |seen: Option<Estimate<Quantity>>, truth: Option<Quantity>| {
            seen.zip(truth).is_none_or(|(seen, truth)| seen.low() <= truth && Some(truth) <= seen.high())
        };
        let memory = |measured: &Measured<Estimate<Bytes>>| measured.value().map(Estimate::quantity);
        let value = |estimate: Option<Estimate<Quantity>>| estimate.map(|estimate| estimate.value);
        let retained = |measures: &Measures| measures.retained.value().map(Estimate::quantity);
        let peak = |measures: &Measures| measures.peak.value().map(|peak| peak.estimate().quantity());
        prop_assert!(holds(peak(&seen), value(peak(&truth))));
        prop_assert!(holds(memory(&seen.startup), value(memory(&truth.startup))));
        prop_assert!(holds(memory(&seen.phases[0].peak), value(memory(&truth.phases[0].peak))));
        prop_assert!(holds(retained(&seen), value(retained(&truth))), "{:?} {:?}", seen.retained, truth.retained);
    }
}

fn bytes(measured: &Measured<Estimate<Bytes>>) -> Option<Bytes> {
    measured.value().map(|estimate| estimate.value)
}
