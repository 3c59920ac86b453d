//! Runs of which it is known where the memory came from.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::analysis::tests::rows;
use crate::trace::{LeftOut, LogLine, Stream};

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * 1024.0;

/// A program in the making: memory and lines by the millisecond.
struct Program {
    takes: Vec<f64>,
    lines: Vec<(u64, String)>,
    chance: u64,
}

impl Program {
    fn lasting(millis: usize) -> Self {
        Self { takes: vec![0.0; millis], lines: Vec::new(), chance: 7 }
    }

    fn say(&mut self, at: u64, line: impl Into<String>) {
        self.lines.push((at, line.into()));
    }

    /// Takes memory evenly from one millisecond to another; negative to give it back.
    fn take(&mut self, from: u64, until: u64, bytes: f64) {
        let (from, until) = (from as usize, (until as usize).min(self.takes.len()));
        for taken in &mut self.takes[from.min(until)..until] {
            *taken += bytes / (until - from) as f64;
        }
    }

    /// A number below `below`, always the same ones.
    fn random(&mut self, below: u64) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % below
    }

    fn heartbeat(&mut self, every: u64) {
        for at in (3..self.takes.len() as u64).step_by(every as usize) {
            self.say(at, format!("heartbeat {at}: all is well"));
        }
    }

    /// What is found where the memory is read every 10 ms.
    fn growth(mut self) -> LogGrowth {
        let mut level = 20.0 * MIB;
        let mut samples = Vec::new();
        for (milli, taken) in self.takes.iter().enumerate() {
            if milli % 10 == 0 {
                samples.push((milli as u64, level as u64, level as u64));
            }
            level = (level + taken).max(0.0);
        }
        self.lines.sort_by_key(|(at, _)| *at);
        find(&self.lines, &samples).unwrap()
    }
}

fn find(lines: &[(u64, String)], samples: &[(u64, u64, u64)]) -> Option<LogGrowth> {
    let line = |(at, text): &(u64, String)| {
        let at = Duration::from_millis(*at) + Duration::from_micros(500);
        Ok(LogRow::Line(LogLine { at, stream: Stream::Stdout, text: text.clone() }))
    };
    log_growth(lines.iter().map(line), rows(samples).into_iter().map(Ok)).unwrap()
}

#[test]
fn what_was_taken_where_lines_were_left_out_is_no_lines() {
    let line = |millis, text: &str| {
        let at = Duration::from_millis(millis);
        LogRow::Line(LogLine { at, stream: Stream::Stdout, text: text.to_owned() })
    };
    let gap = LeftOut { from: Duration::from_millis(200), until: Duration::from_millis(700), lines: 40 };
    let log = [line(0, "begun"), line(100, "loading"), LogRow::LeftOut(gap), line(700, "sorting")];
    // 5 after `loading`, 60 in the gap, 7 after `sorting`.
    let level = |milli: u64| match milli {
        0..=100 => 10,
        101..=200 => 15,
        201..=700 => 75,
        _ => 82,
    };
    let samples: Vec<_> = (0..=1000).step_by(10).map(|milli| (milli, level(milli), level(milli))).collect();
    let growth = log_growth(log.map(Ok), rows(&samples).into_iter().map(Ok)).unwrap().unwrap();
    let told: Vec<_> = growth.templates.iter().map(|found| (found.template.as_str(), found.rise.0)).collect();
    assert_eq!(told, [("sorting", 7), ("loading", 5)]);
    assert_eq!(growth.unseen, Unseen { lines: 40, rise: Bytes(60) });
    assert_eq!((growth.total, growth.others.rise), (Bytes(72), Bytes::ZERO));
}

/// The template that comes first, and its share.
fn first(growth: &LogGrowth) -> (&str, f64) {
    growth.templates.first().map_or(("none", 0.0), |first| (first.template.as_str(), first.share.0))
}

#[track_caller]
fn blames(growth: &LogGrowth, template: &str, least_share: f64) {
    let (found, share) = first(growth);
    assert!(found == template && share >= least_share, "{growth:#?}");
}

#[test]
fn the_sentence_of_the_design_comes_true() {
    let mut run = Program::lasting(60_000);
    run.say(0, "started");
    for batch in 0..480 {
        run.say(1000 + batch * 100, format!("processing batch {batch}"));
        run.take(1000 + batch * 100, 1060 + batch * 100, 2.1 * MIB);
    }
    let growth = run.growth();
    let found = &growth.templates[0];
    assert_eq!((found.template.as_str(), found.lines), ("processing batch <n>", 480));
    assert_eq!((found.rise.to_string(), found.each().to_string()), ("1008.0 MiB".into(), "2.1 MiB".into()));
    assert_eq!(found.example, "processing batch 0");
}

#[test]
fn a_heartbeat_is_not_blamed_for_what_grows_between_two_of_its_lines() {
    for every in [35, 100, 730] {
        let mut run = Program::lasting(60_000);
        run.say(0, "started");
        run.heartbeat(every);
        for batch in 0..100 {
            let at = 5000 + batch * 460;
            run.say(at, format!("processing batch {batch}"));
            run.take(at, at + 200, MIB);
        }
        blames(&run.growth(), "processing batch <n>", 95.0);
    }
}

#[test]
fn a_leak_as_even_as_time_is_not_the_heartbeats_either() {
    let mut run = Program::lasting(60_000);
    run.say(0, "started");
    run.heartbeat(100);
    for batch in 0..120 {
        run.say(2000 + batch * 460, format!("processing batch {batch}"));
    }
    run.take(2000, 57_200, 200.0 * MIB);
    run.say(57_200, "done");
    blames(&run.growth(), "processing batch <n>", 95.0);
}

#[test]
fn start_up_belongs_to_its_own_lines_and_not_to_a_heartbeat() {
    let mut run = Program::lasting(60_000);
    run.heartbeat(100);
    run.say(0, "starting");
    run.say(1000, "loading the index");
    run.take(1000, 5000, 300.0 * MIB);
    run.say(5000, "building tables");
    run.take(5000, 6000, 50.0 * MIB);
    run.say(6000, "ready");
    let growth = run.growth();
    blames(&growth, "loading the index", 84.0);
    assert_eq!(growth.templates[1].template, "building tables");
}

#[test]
fn of_interleaved_threads_the_one_that_leaks_is_named() {
    for hold in [5, 150] {
        let mut run = Program::lasting(120_000);
        run.say(0, "started");
        for (thread, name) in ["parse", "upload", "index", "compress"].into_iter().enumerate() {
            let mut at = 100 + thread as u64 * 17;
            while at < 119_000 {
                run.say(at, format!("[worker-{thread}] {name} item {at}"));
                if name == "index" {
                    run.take(at, at + hold, 400.0 * KIB);
                }
                at += 200 + run.random(300);
            }
        }
        blames(&run.growth(), "[worker-<n>] index item <n>", if hold == 5 { 95.0 } else { 60.0 });
    }
}

#[test]
fn lines_that_report_work_done_are_named_rather_than_chatter() {
    let mut run = Program::lasting(60_000);
    run.say(0, "started");
    run.heartbeat(1000);
    for batch in 0..100 {
        let at = 1000 + batch * 500;
        run.take(at, at + 200, MIB);
        run.say(at + 203, format!("processed batch {batch}"));
    }
    blames(&run.growth(), "processed batch <n>", 95.0);
}

#[test]
fn a_saw_tooth_is_not_blamed_for_all_of_its_teeth() {
    let mut run = Program::lasting(120_000);
    for tooth in 0..1000u64 {
        run.say(tooth * 120, format!("request {tooth}"));
        run.take(tooth * 120, tooth * 120 + 100, 50.0 * MIB);
        run.take(tooth * 120 + 100, tooth * 120 + 120, -50.0 * MIB);
    }
    let growth = run.growth();
    assert!(growth.total.as_f64() < 60.0 * MIB, "{growth:#?}");
}

#[test]
fn a_leak_under_a_saw_tooth_is_named() {
    let mut run = Program::lasting(120_000);
    run.say(0, "started");
    for tooth in 0..240u64 {
        run.take(tooth * 500, tooth * 500 + 460, 20.0 * MIB);
        run.take(tooth * 500 + 460, tooth * 500 + 500, -20.0 * MIB);
        run.say(tooth * 500 + 460, format!("gc {tooth}: done"));
    }
    for request in 0..2000u64 {
        let at = request * 59 + run.random(20);
        run.say(at, format!("GET /item/{request} 200"));
    }
    for job in 0..38u64 {
        let at = 2000 + job * 3010 + run.random(200);
        run.say(at, format!("refreshing cache {job}"));
        run.take(at, at + 300, 5.0 * MIB);
    }
    blames(&run.growth(), "refreshing cache <n>", 60.0);
}

#[test]
fn a_leak_after_a_higher_spike_is_named_too() {
    let mut run = Program::lasting(60_000);
    run.say(100, "sorting");
    run.take(110, 400, 900.0 * MIB);
    run.take(500, 900, -900.0 * MIB);
    run.say(1000, "ready");
    for batch in 0..100 {
        run.say(2000 + batch * 500, format!("batch {batch}"));
        run.take(2000 + batch * 500, 2100 + batch * 500, 8.0 * MIB);
    }
    let growth = run.growth();
    let of = |name: &str| growth.templates.iter().find(|found| found.template == name).unwrap().rise.as_f64() / MIB;
    assert!((of("sorting") - 900.0).abs() < 30.0 && (of("batch <n>") - 800.0).abs() < 20.0, "{growth:#?}");
}

#[test]
fn a_flood_of_lines_makes_one_short_answer() {
    let mut run = Program::lasting(60_000);
    for line in 0..56_000u64 {
        let letters: String = line.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
        run.say(line, format!("{letters} {letters}x {letters}y"));
    }
    run.take(100, 50_000, 100.0 * MIB);
    let growth = run.growth();
    assert!(growth.templates.len() <= TEMPLATES_SHOWN);
    assert_eq!(growth.templates.iter().map(|shown| shown.lines).sum::<u64>() + growth.others.lines, 56_000);
    assert_eq!(growth.others.templates, None);
}

/// A program that starts, serves requests, beats, and leaks in a loop for a part of its time, all at random rates, under
/// memory that comes and goes.
fn random_program(seed: u64) -> LogGrowth {
    let mut run = Program { chance: seed * 77 + 1, ..Program::lasting(60_000) };
    let (beat, period, share) = (20 + run.random(1500), 50 + run.random(2000), 5 + run.random(96));
    let begin = 1000 + run.random(30_000);
    let end = begin + 10_000 + run.random(20_000);
    let (jitter, start_up) = (1 + run.random(2) * period / 2, 300.0 * run.random(2) as f64);
    for (at, line) in [(0, "starting"), (300, "loading"), (950, "ready")] {
        run.say(at, line);
    }
    run.take(300, 900, start_up * MIB);
    run.heartbeat(beat);
    let (mut at, pause) = (10, 100 + run.random(1600));
    while at < 60_000 {
        run.say(at, format!("GET /item/{at}"));
        at += 1 + run.random(pause);
    }
    let mut at = begin;
    while at < end {
        let next = at + period + run.random(jitter);
        run.say(at, format!("processing batch {at}"));
        run.take(at, at + ((next - at) * share / 100).max(1), 2.0 * KIB * period as f64);
        at = next;
    }
    for at in 0..60_000u64 {
        if run.random(40) == 0 {
            let bytes = (run.random(400) as f64 - 200.0) * KIB;
            run.take(at, at + 1, bytes);
            run.take(at + 20, at + 21, -bytes);
        }
    }
    run.growth()
}

#[test]
fn the_leak_is_named_in_nearly_all_random_programs() {
    const PROGRAMS: u64 = 100;
    let is_named = |growth: LogGrowth| {
        let leak = growth.templates.into_iter().find(|found| found.template != "loading");
        leak.is_some_and(|leak| leak.template == "processing batch <n>")
    };
    let named = (0..PROGRAMS).filter(|seed| is_named(random_program(*seed))).count();
    // Where a heartbeat happens to keep step with the leak, nothing in the trace tells them apart.
    assert!(named >= 97, "in {named} of {PROGRAMS}");
}

#[test]
fn without_lines_or_samples_there_is_nothing_to_say() {
    assert_eq!(find(&[], &[(0, 1, 1)]), None);
    assert_eq!(find(&[(0, "a".into())], &[]), None);
    let growth = find(&[(50, "a".into())], &[(0, 1, 1), (10, 9, 9), (20, 9, 9)]).unwrap();
    assert_eq!((growth.before_first_line, growth.total), (Bytes(8), Bytes(8)));
    assert_eq!((growth.templates.len(), growth.others.lines), (0, 1));
}

#[test]
fn an_error_in_either_file_is_handed_on() {
    assert!(log_growth([Err(anyhow::anyhow!("line 3"))], []).is_err());
    assert!(log_growth([], [Err(anyhow::anyhow!("line 3"))]).is_err());
}

proptest! {
    #[test]
    fn rises_add_up_to_the_total_and_none_is_above_the_peak(
        lines in proptest::collection::vec((0u64..500, "[a-c]{1,2} [0-9]|\\PC{0,9}"), 0..60),
        levels in proptest::collection::vec((0u64..1_000_000, 0u64..50_000), 1..50),
    ) {
        let samples: Vec<(u64, u64, u64)> =
            levels.iter().enumerate().map(|(index, (level, more))| (index as u64 * 10, *level, level + more)).collect();
        let Some(growth) = find(&lines, &samples) else {
            prop_assert!(lines.is_empty());
            return Ok(());
        };
        let shown: Bytes = growth.templates.iter().map(|found| found.rise).sum();
        prop_assert_eq!(shown + growth.others.rise + growth.before_first_line, growth.total);
        let peak = samples.iter().map(|(_, _, peak)| *peak).max().unwrap_or_default();
        prop_assert!(growth.templates.iter().all(|found| found.rise.0 <= peak));
        prop_assert!(growth.templates.is_sorted_by(|left, right| left.rise >= right.rise));
        let counted: u64 = growth.templates.iter().map(|found| found.lines).sum();
        prop_assert_eq!(counted + growth.others.lines, lines.len() as u64);
    }

    #[test]
    fn a_curve_that_only_rises_is_shared_out_without_a_rest(
        lines in proptest::collection::vec((0u64..500, "[a-c]{1,2}"), 1..60),
        rises in proptest::collection::vec(0u64..1_000_000, 1..50),
    ) {
        let mut level = 0;
        let mut samples = Vec::new();
        for (index, rise) in rises.iter().enumerate() {
            level += rise;
            samples.push((index as u64 * 10, level, level));
        }
        let growth = find(&lines, &samples).unwrap();
        let wanted = level - rises[0];
        // Each template's rise is rounded to a byte.
        prop_assert!(growth.total.0.abs_diff(wanted) <= 12, "{} {}", growth.total.0, wanted);
    }
}
