use std::time::Duration;

use super::*;
use crate::analysis::{
    Band, CommandUse, Estimate, Excerpt, ExcerptBuilder, LogGrowth, Measured, OtherTemplates, Peak, ProgramBands,
    Segment, SegmentKind, TemplateGrowth, Unseen,
};
use crate::baseline::{Found, StoredCurve, example};
use crate::trace::{Curve, Ended, LogLine, LogRow, Program, SamplePoint, Stream};
use crate::units::{Bytes, Percent};
use crate::verdict::{Budget, ConfigLine, JudgedRun, Level, Limits, Tolerance, exit_code, judge};

const HOSTILE: &str = "</script></li><img src=x onerror=alert(1)> \u{1b}[31mred\u{202e}gpj.exe & \"quoted\" '";

/// A run whose memory is `level` (in MiB) of each share of its time.
fn run(number: u32, lasted: Duration, points: u32, level: impl Fn(f64) -> f64) -> JudgedRun {
    let mib = f64::from(1 << 20);
    let point = |index: u32| {
        let share = f64::from(index) / f64::from(points.max(2) - 1);
        SamplePoint { at: lasted.mul_f64(share), memory: Bytes((level(share) * mib).max(0.0) as u64) }
    };
    let curve = Curve { points: (0..points).map(point).collect(), gaps: Vec::new() };
    let mut measures = example::measures(Bytes::ZERO);
    measures.duration = lasted;
    let (ready, half) = (lasted.mul_f64(0.3), lasted.mul_f64(0.5));
    measures.ready = Measured::Value(ready);
    let within =
        |until: Duration| curve.points.iter().filter(|point| point.at <= until).map(|point| point.memory).max();
    measures.startup = Measured::Value(Estimate::exact(within(ready).unwrap_or_default()));
    measures.peak = match (curve.highest(), measures.peak.value()) {
        (Some(high), Some(peak)) => Measured::Value(Peak { value: high.memory, at: high.at, ..peak }),
        _ => Measured::Unmeasured("no sample was taken".to_owned()),
    };
    measures.phases[0].window = Measured::Value((lasted.mul_f64(0.1), ready));
    measures.phases[0].peak = measures.startup.clone();
    let at = |share: f64| Bytes((level(share) * mib) as u64);
    let total = (at(1.0).as_f64()).max(1.0);
    let segment = |kind, from: f64, to: f64| Segment {
        kind,
        from: lasted.mul_f64(from),
        to: lasted.mul_f64(to),
        from_level: at(from),
        to_level: at(to),
        rise: at(to) - at(from),
        share: Percent(((at(to) - at(from)).as_f64() / total * 100.0).max(0.0)),
    };
    measures.segments = vec![
        segment(SegmentKind::Ramp, 0.0, 0.3),
        segment(SegmentKind::Plateau, 0.3, 0.5),
        segment(SegmentKind::Growth, 0.5, 1.0),
    ];
    let mut record = example::record(number);
    record.duration = Some(lasted);
    record.stop_at = Some(half).filter(|_| number == 7);
    JudgedRun { record, measures, curve }
}

/// A steep start, a plateau, a slow growth: up to `top` MiB.
fn shape(top: f64) -> impl Fn(f64) -> f64 {
    move |share| {
        let noise = (share * 997.0).sin() * 0.004 + (share * 71.0).sin() * 0.003;
        top * ((share / 0.3).min(1.0) * 0.8 + (share - 0.5).max(0.0) * 0.38 + noise).max(0.0)
    }
}

fn limits(peak: u64) -> Limits {
    let subject = |phase: Option<&str>, measure| Subject { phase: phase.map(str::to_owned), measure };
    let written = Some(ConfigLine { file: "memguard.toml".into(), line: 12 });
    let budget = |subject, mib| Budget { subject, limit: Bytes::from_mib(mib).into(), written: written.clone() };
    Limits {
        budgets: vec![
            budget(subject(None, Measure::Peak), peak),
            budget(subject(None, Measure::Startup), peak * 9 / 10),
            budget(subject(Some("load"), Measure::Peak), peak * 9 / 10),
        ],
        tolerances: vec![Tolerance {
            subject: subject(None, Measure::Peak),
            percent: Percent(5.0),
            at_least: Bytes::from_mib(4).into(),
            written: written.clone(),
        }],
        level: Level::Fail,
    }
}

fn found(name: &str) -> Found {
    let mut entry = example::entry(name);
    let shape = shape(190.0);
    let memory = (0..60).map(|index| Bytes((shape(f64::from(index) / 59.0) * f64::from(1 << 20)) as u64)).collect();
    entry.curve = Some(StoredCurve { step: Duration::from_millis(200), memory });
    Found::Entry(Box::new(entry))
}

fn none() -> Found {
    Found::Missing { why: "there is no `memguard-baseline.toml` yet".to_owned() }
}

/// So many lines, evenly over the run.
fn log(run: &JudgedRun, count: u32, text: impl Fn(u32) -> String) -> Excerpt {
    let mut excerpt = ExcerptBuilder::new(&run.curve, run.measures.duration);
    for index in 0..count {
        let at = run.measures.duration.mul_f64((f64::from(index) + 0.2) / f64::from(count));
        let stream = if index % 9 == 7 { Stream::Stderr } else { Stream::Stdout };
        excerpt.push(LogRow::Line(LogLine { at, stream, text: text(index) }));
    }
    excerpt.finish()
}

fn growth(template: &str) -> LogGrowth {
    let one = |text: &str, lines, mib, share| TemplateGrowth {
        template: text.to_owned(),
        example: text.to_owned(),
        lines,
        rise: Bytes::from_mib(mib),
        share: Percent(share),
    };
    LogGrowth {
        total: Bytes::from_mib(200),
        before_first_line: Bytes::from_mib(4),
        unseen: Unseen::default(),
        templates: vec![one("loading the index", 1, 114, 57.0), one(template, 480, 60, 30.0)],
        others: OtherTemplates { templates: Some(3), lines: 12, rise: Bytes::from_mib(22) },
    }
}

fn process(command: &str, mib: u64) -> CommandUse {
    CommandUse { command: command.to_owned(), count: 2, peak: Some(Bytes::from_mib(mib)) }
}

fn details(run: &JudgedRun, count: u32) -> Details {
    let lines = ["opening the catalogue", "loading the index", "building lookup tables", "processing batch", "writing"];
    let text = |index: u32| format!("{} {index}", lines[index as usize * lines.len() / count as usize]);
    let peak_line =
        LogLine { at: Duration::from_secs(8), stream: Stream::Stdout, text: "processing batch 17".to_owned() };
    Details {
        commands: vec![process("python ingest.py data/", 180), process("python worker.py", 24)],
        peak_lines: (1..=10).map(|run| (run, peak_line.clone())).collect(),
        log_growth: Some(growth("processing batch <n>")),
        excerpt: log(run, count, text),
        ..Details::default()
    }
}

/// A build: compilers come and go, a linker ends it.
fn programs(run: &JudgedRun, names: &[&str]) -> ProgramBands {
    let points: Vec<SamplePoint> = run.curve.points.iter().step_by(4).copied().collect();
    let count = names.len() as f64;
    let weight = |index: usize, at: usize| {
        let (place, share) = (index as f64 / count, at as f64 / points.len() as f64);
        (1.0 - (share - place - 0.5 / count).abs() * 1.6).max(0.0) + 0.02
    };
    let band = |(index, name): (usize, &&str)| {
        let all = |at| (0..names.len()).map(|index| weight(index, at)).sum::<f64>();
        let memory: Vec<Bytes> = points
            .iter()
            .enumerate()
            .map(|(at, point)| Bytes((point.memory.as_f64() * weight(index, at) / all(at)) as u64))
            .collect();
        let program = if *name == "others" { Program::Others } else { Program::Named((*name).to_owned()) };
        let peak = memory.iter().copied().max().unwrap_or_default();
        Band { program, processes: 1 + index as u32 % 3, peak, memory }
    };
    ProgramBands {
        instants: points.iter().map(|point| point.at).collect(),
        bands: names.iter().enumerate().map(band).collect(),
    }
}

const EIGHT: [&str; 8] = ["make", "cc1plus", "cc1", "as", "python gen.py", "ar", "ld", "others"];

/// More than anybody has: 50 workloads of ten runs of three days, each with a log of a million lines.
fn largest() -> (Vec<Judged>, Vec<Details>) {
    let days = Duration::from_secs(259_200);
    let text = |index: u32| format!("{index:09} {}", "<long & \"hard\"> ".repeat(30));
    let runs = |top: u32| (1..=10).map(move |number| run(number, days, 4096, shape(f64::from(90_000 + top + number))));
    let judged = |index| judged(&format!("workload-{index}"), runs(index).collect(), &limits(1000), found("x"));
    let all: Vec<Judged> = (0..50).map(judged).collect();
    // One log will do for all.
    let main = median_run(&all[0]).unwrap();
    let details = Details {
        excerpt: log(main, 1_000_000, text),
        programs: Some(programs(main, &EIGHT)),
        commands: (0..1000).map(|index| process(&text(index), 20)).collect(),
        ..details(main, 1)
    };
    (all, vec![details; 50])
}

fn judged(name: &str, runs: Vec<JudgedRun>, limits: &Limits, found: Found) -> Judged {
    judge(example::key(name), runs, limits, found, false)
}

/// Cases that are hard to show.
fn cases() -> Vec<(&'static str, Vec<Judged>, Vec<Details>)> {
    let seconds = Duration::from_secs;
    let one = |judged: Judged, lines: u32| {
        let details = match median_run(&judged) {
            Some(run) if lines > 0 => details(run, lines),
            _ => Details::default(),
        };
        (vec![judged], vec![details])
    };
    let ten = || {
        (1..=10).map(|number| run(number, seconds(u64::from(number) / 3 + 11), 1100, shape(194.0 + f64::from(number))))
    };
    let mut failing = run(1, seconds(12), 1200, shape(210.0));
    failing.record.ended = Ended::Exited { status: 3 };
    failing.record.notices.push("3 lines were dropped, since the log was full".to_owned());
    let alone = |top: f64, lasted, points| vec![run(1, lasted, points, shape(top))];
    let long = "a-name-of-sixty-four-characters-is-as-long-as-a-name-can-be-here";
    let mut named = one(judged(long, alone(200.0, seconds(12), 1200), &limits(150), none()), 60);
    named.1[0].commands.push(process(&format!("/opt/{}/bin --flag={}", "deep/".repeat(40), "x".repeat(400)), 30));
    named.1[0].excerpt.lines[30].line.text = "y".repeat(400);
    let mut hostile = one(judged(HOSTILE, alone(200.0, seconds(12), 1200), &limits(150), none()), 60);
    for line in &mut hostile.1[0].excerpt.lines {
        line.line.text = format!("{HOSTILE}{}", "z".repeat(300));
    }
    hostile.1[0].log_growth = Some(growth(HOSTILE));
    hostile.1[0].commands.push(process(HOSTILE, 7));
    let many: Vec<Judged> = (0..24)
        .map(|index| {
            let runs = (1..=3)
                .map(|number| run(number, seconds(12), 1200, shape(200.0 + f64::from(number + index))))
                .collect();
            judged(&format!("workload-{index}"), runs, &limits(if index % 5 == 3 { 150 } else { 400 }), found("x"))
        })
        .collect();
    let many_details = many.iter().map(|judged| details(median_run(judged).unwrap(), 200)).collect();
    let build = judged("build", alone(900.0, seconds(90), 2400), &limits(1000), none());
    let mut built = Details { ..details(median_run(&build).unwrap(), 120) };
    built.programs = Some(programs(median_run(&build).unwrap(), &EIGHT));
    let two = judged("pair", alone(200.0, seconds(12), 600), &limits(400), none());
    let mut both = details(median_run(&two).unwrap(), 12);
    both.programs = Some(programs(median_run(&two).unwrap(), &["python ingest.py", "python ingest.py (forks)"]));
    let cases = [
        ("programs", (vec![build], vec![built])),
        ("two-programs", (vec![two], vec![both])),
        ("pass", one(judged("ingest", alone(200.0, seconds(12), 1200), &limits(400), found("ingest")), 40)),
        ("fail", one(judged("ingest", vec![failing], &limits(180), found("ingest")), 40)),
        ("ten-runs", one(judged("ingest", ten().collect(), &limits(202), found("ingest")), 300)),
        ("one-sample", one(judged("true", alone(5.0, Duration::ZERO, 1), &limits(10), none()), 1)),
        ("nothing", one(judged("gone", alone(5.0, Duration::ZERO, 0), &limits(10), none()), 0)),
        ("30-ms", one(judged("quick", alone(3.0, Duration::from_millis(30), 4), &limits(10), none()), 3)),
        ("3-days", one(judged("server", alone(90_000.0, seconds(259_200), 4096), &limits(100_000), none()), 100_000)),
        ("200-kib", one(judged("tiny", alone(0.2, seconds(2), 200), &limits(512), none()), 5)),
        ("long-names", named),
        ("hostile", hostile),
        ("many", (many, many_details)),
    ];
    cases.into_iter().map(|(name, (judged, details))| (name, judged, details)).collect()
}

fn page_of(judged: &[Judged], details: &[Details]) -> String {
    page(judged, exit_code(judged), details, &Edits::default()).unwrap()
}

#[test]
fn every_page_is_below_a_mebibyte_and_the_same_each_time() {
    for (name, judged, details) in cases() {
        let text = page_of(&judged, &details);
        assert!(text.len() < 1 << 20, "{name}: {}", text.len());
        assert!(text == page_of(&judged, &details), "{name}");
    }
}

#[test]
fn the_largest_page_is_below_a_mebibyte_and_shows_every_workload() {
    let (judged, details) = largest();
    let text = page_of(&judged, &details);
    assert!(text.len() < 1 << 20, "{}", text.len());
    assert_eq!(text.matches("<figure").count(), 50);
}

#[test]
fn what_a_workload_wrote_adds_no_element() {
    let (_, judged, details) = cases().into_iter().find(|(name, ..)| *name == "hostile").unwrap();
    let text = page_of(&judged, &details);
    assert!(text.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(!text.contains("<img") && !text.contains('\u{202e}') && !text.contains('\u{1b}'));
    // The data and the script.
    assert_eq!((text.matches("<script").count(), text.matches("</script>").count()), (2, 2));
}

#[test]
#[ignore = "writes files, for eyes"]
fn write_them_all() {
    let folder = std::path::Path::new("target/pages");
    crate::trace::files::create_folder(folder).unwrap();
    for (name, judged, details) in cases() {
        let text = page_of(&judged, &details);
        crate::trace::files::replace(&folder.join(format!("{name}.html")), text.as_bytes()).unwrap();
    }
    let (judged, details) = largest();
    crate::trace::files::replace(&folder.join("largest.html"), page_of(&judged, &details).as_bytes()).unwrap();
    let curve = |name: &str, top| (name.to_owned(), run(1, Duration::from_secs(20), 900, shape(top)).curve);
    let model = super::super::chart::overlay("base and head", &[curve("base", 180.0), curve("head", 230.0)]);
    let text = page_of_curves(&model, &[]).unwrap();
    crate::trace::files::replace(&folder.join("overlaid.html"), text.as_bytes()).unwrap();
    let (_, judged, details) = cases().into_iter().find(|(name, ..)| *name == "pass").unwrap();
    let text = page_of_recording("memory", &judged[0], &details[0]).unwrap();
    crate::trace::files::replace(&folder.join("recording.html"), text.as_bytes()).unwrap();
}
