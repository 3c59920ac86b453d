//! Pictures of the cases that are hard to draw, for eyes: `cargo test --test pictures -- --ignored`, then look into
//! `target/pictures`.

use std::fs;
use std::time::Duration;

use memguard::analysis::{Band, ProgramBands, Segment, SegmentKind};
use memguard::report::chart::{ChartModel, CurveKind, Line, LogMark, PlottedCurve, Shade, png, svg};
use memguard::trace::{Curve, Gap, Program, SamplePoint};
use memguard::units::{Bytes, Percent};

fn curve(kind: CurveKind, label: &str, end: Duration, count: u32, level: impl Fn(f64) -> f64) -> PlottedCurve {
    let point = |index: u32| {
        let share = f64::from(index) / f64::from(count.max(2) - 1);
        SamplePoint { at: end.mul_f64(share), memory: Bytes(level(share) as u64) }
    };
    PlottedCurve {
        label: label.into(),
        kind,
        curve: Curve { points: (0..count).map(point).collect(), gaps: Vec::new() },
    }
}

fn model(end: Duration, count: u32, top: f64) -> ChartModel {
    let level = move |share: f64| top * (share * 3.0).min(0.9 + share / 10.0);
    let main = curve(CurveKind::Main, "", end, count, level);
    let peak = main.curve.points.iter().copied().max_by_key(|point| point.memory);
    ChartModel {
        title: "ingest".into(),
        subtitle: "pass · footprint · linux-x86_64 · 1 run".into(),
        curves: vec![main],
        peak: peak.map(|peak| (peak, peak.memory.to_string())),
        ..ChartModel::default()
    }
}

/// A ramp, a plateau and slow growth, with a log and the programs of a build.
fn told(mut model: ChartModel, programs: bool) -> ChartModel {
    let points = model.curves.last().map(|curve| curve.curve.points.clone()).unwrap_or_default();
    let (Some(last), Some((peak, _))) = (points.last().copied(), &model.peak) else { return model };
    let level = |at: Duration| points.iter().rfind(|point| point.at <= at).map_or(Bytes::ZERO, |point| point.memory);
    let segment = |kind, from: f64, to: f64, share| {
        let (from, to) = (last.at.mul_f64(from), last.at.mul_f64(to));
        let (from_level, to_level) = (level(from), level(to));
        Segment { kind, from, to, from_level, to_level, rise: to_level - from_level, share: Percent(share) }
    };
    model.segments = vec![
        segment(SegmentKind::Ramp, 0.0, 0.3, 90.0),
        segment(SegmentKind::Plateau, 0.3, 0.5, 0.0),
        segment(SegmentKind::Growth, 0.5, 0.995, 10.0),
        segment(SegmentKind::Drop, 0.995, 1.0, 0.0),
    ];
    let texts = ["opening the catalogue", "loading the index", "building lookup tables of a long name"];
    let mark = |index: u32| {
        let strong = (2..5).contains(&index);
        let text = texts[index as usize % texts.len()].to_owned();
        let rise = Bytes(if strong { peak.memory.0 / u64::from(index + 2) } else { 0 });
        LogMark { at: last.at.mul_f64(f64::from(index) / 40.0), text, rise, is_strong: strong }
    };
    model.log = (0..40).map(mark).collect();
    if programs {
        let instants: Vec<Duration> = (0..200).map(|index| last.at.mul_f64(f64::from(index) / 200.0)).collect();
        let names = ["cc1plus", "cc1", "as", "python gen.py --all", "ar", "ld", "make"];
        let band = |(index, program): (usize, Program)| Band {
            program,
            processes: 2,
            peak: peak.memory,
            memory: (0..200_u64)
                .map(|at| Bytes(1000 + 4_000_000 / (1 + at.abs_diff(index as u64 * 28).pow(2) / 900)))
                .collect(),
        };
        let programs = names.map(|name| Program::Named(name.to_owned())).into_iter().chain([Program::Others]);
        model.programs = Some(ProgramBands { instants, bands: programs.enumerate().map(band).collect() });
    }
    model
}

fn cases() -> Vec<(&'static str, ChartModel)> {
    let mib = f64::from(1 << 20);
    let mut crowded = model(Duration::from_secs(42), 4000, 300.0 * mib);
    crowded.title = "a-name-of-sixty-characters-is-as-long-as-a-title-can-get-x60".into();
    for (label, value, crossed) in [
        ("peak budget 290.0 MiB", 290, true),
        ("startup budget 280.0 MiB", 280, true),
        ("load peak budget 275.0 MiB", 275, false),
    ] {
        crowded.lines.push(Line { label: label.into(), value: Bytes::from_mib(value), crossed, window: None });
    }
    crowded.shades.push(Shade { label: "load".into(), from: Duration::from_secs(3), until: Duration::from_secs(15) });
    crowded.ready = Some(Duration::from_secs(14));
    crowded.stop = Some(Duration::from_secs(40));
    for run in 0..9 {
        let other = curve(
            CurveKind::Other,
            if run == 0 { "other runs" } else { "" },
            Duration::from_secs(40 + run),
            500,
            |share| (280.0 + 4.0 * run as f64) * mib * (share * (2.5 + run as f64 / 10.0)).min(1.0),
        );
        crowded.curves.insert(0, other);
    }
    crowded.curves.insert(
        0,
        curve(CurveKind::Baseline, "baseline", Duration::from_secs(41), 60, |share| {
            260.0 * mib * (share * 3.0).min(1.0)
        }),
    );
    if let Some(main) = crowded.curves.last_mut() {
        main.label = "run 3".into();
    }
    let (mut gaps, mut gaps_of_programs) = (
        told(model(Duration::from_secs(12), 1200, 300.0 * mib), false),
        told(model(Duration::from_secs(12), 1200, 300.0 * mib), true),
    );
    for model in [&mut gaps, &mut gaps_of_programs] {
        if let Some(PlottedCurve { curve, .. }) = model.curves.last_mut() {
            for (from, until) in [(1000, 1600), (5000, 9500), (9550, 10_200)]
                .map(|(from, until)| (Duration::from_millis(from), Duration::from_millis(until)))
            {
                curve.points.retain(|point| point.at <= from || point.at >= until);
                curve.gaps.push(Gap { from, until });
            }
        }
    }
    vec![
        ("gaps", gaps),
        ("gaps-programs", gaps_of_programs),
        ("nothing", model(Duration::ZERO, 0, 0.0)),
        ("one-sample", model(Duration::ZERO, 1, 5.0 * mib)),
        ("flat-zero", model(Duration::from_secs(5), 100, 0.0)),
        ("30-ms", model(Duration::from_millis(30), 4, 3.0 * mib)),
        ("3-days", model(Duration::from_secs(3 * 86_400), 4096, 100_000.0 * mib)),
        ("200-kib", model(Duration::from_secs(2), 50, 200.0 * 1024.0)),
        ("told", told(model(Duration::from_secs(12), 1200, 300.0 * mib), false)),
        ("programs", told(model(Duration::from_secs(90), 3000, 900.0 * mib), true)),
        ("crowded", told(crowded, false)),
    ]
}

#[test]
fn every_hard_case_is_a_picture_in_both_formats() {
    for (name, model) in cases() {
        assert!(svg(&model).is_ok_and(|text| text.contains("</svg>")), "{name}");
        assert!(png(&model).is_ok_and(|bytes| bytes.len() > 1000), "{name}");
    }
}

#[test]
#[ignore = "writes files, for eyes"]
fn write_them_all() {
    fs::create_dir_all("target/pictures").expect("the folder can be made");
    for (name, model) in cases() {
        let bytes = png(&model).expect("it can be drawn");
        fs::write(format!("target/pictures/{name}.png"), bytes).expect("it can be written");
        let text = svg(&model).expect("it can be drawn");
        fs::write(format!("target/pictures/{name}.svg"), text).expect("it can be written");
    }
}
