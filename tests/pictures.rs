//! Pictures of the cases that are hard to draw, for eyes: `cargo test --test pictures -- --ignored`, then look into
//! `target/pictures`.

use std::fs;
use std::time::Duration;

use memguard::report::chart::{ChartModel, CurveKind, Line, PlottedCurve, Shade, png, svg};
use memguard::trace::SamplePoint;
use memguard::units::Bytes;

fn curve(kind: CurveKind, label: &str, end: Duration, count: u32, level: impl Fn(f64) -> f64) -> PlottedCurve {
    let point = |index: u32| {
        let share = f64::from(index) / f64::from(count.max(2) - 1);
        SamplePoint { at: end.mul_f64(share), memory: Bytes(level(share) as u64) }
    };
    PlottedCurve { label: label.into(), kind, points: (0..count).map(point).collect() }
}

fn model(end: Duration, count: u32, top: f64) -> ChartModel {
    let level = move |share: f64| top * (share * 3.0).min(0.9 + share / 10.0);
    let main = curve(CurveKind::Main, "", end, count, level);
    let peak = main.points.iter().copied().max_by_key(|point| point.memory);
    ChartModel {
        title: "ingest".into(),
        subtitle: "pass · pss · linux-x86_64 · 1 run".into(),
        curves: vec![main],
        peak,
        ..ChartModel::default()
    }
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
    vec![
        ("nothing", model(Duration::ZERO, 0, 0.0)),
        ("one-sample", model(Duration::ZERO, 1, 5.0 * mib)),
        ("flat-zero", model(Duration::from_secs(5), 100, 0.0)),
        ("30-ms", model(Duration::from_millis(30), 4, 3.0 * mib)),
        ("3-days", model(Duration::from_secs(3 * 86_400), 4096, 100_000.0 * mib)),
        ("200-kib", model(Duration::from_secs(2), 50, 200.0 * 1024.0)),
        ("crowded", crowded),
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
    }
}
