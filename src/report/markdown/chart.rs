//! The curve as a Mermaid `xychart-beta`, which GitHub draws in summaries and comments.
//!
//! Mermaid's linear axis steps by floating point and can lose its last point, and never ends on a range of zero. With 65 points
//! over whole numbers from 0 it loses none; numbers have no exponents and no gaps. No text of a user goes in.

use std::fmt::Write as _;
use std::time::Duration;

use crate::trace::{self, Curve, Gap, SamplePoint};
use crate::units::{Bytes, format_duration};

/// How many points Mermaid draws without losing one.
const POINTS: usize = 65;

/// What the lines of a chart are, in the order in which they are drawn.
const CURVE: Colour = Colour { name: "Blue", code: "#2a7ab8" };
const BASELINE: Colour = Colour { name: "Grey", code: "#8a8a8a" };
const LEVEL: Colour = Colour { name: "Orange", code: "#d9480f" };

/// One that is seen on white and on black. Mermaid's own first is nearly white.
#[derive(Clone, Copy)]
struct Colour {
    name: &'static str,
    code: &'static str,
}

/// A level across the chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Level {
    /// Our own words: `peak budget 512.0 MiB`.
    pub(super) name: String,
    pub(super) value: Bytes,
}

/// The chart as a fenced block, and a line that says what its lines are. None without a curve.
pub(super) fn mermaid(curve: &Curve, baseline: &[SamplePoint], levels: &[Level]) -> Option<String> {
    let last = curve.points.last()?.at.max(baseline.last().map(|point| point.at).unwrap_or_default());
    let (unit, span, end) = time_axis(last);
    let lines = [columns(&curve.points, span), columns(baseline, span)];
    let highest = lines.iter().flatten().copied().chain(levels.iter().map(|level| level.value)).max()?;
    let (memory, scale) = memory_unit(highest);
    let top = ((highest.as_f64() / scale * 1.05).ceil() as u64).max(1);
    let mut drawn = vec![(CURVE, "the median run".to_owned())];
    if !lines[1].is_empty() {
        drawn.push((BASELINE, "the baseline".to_owned()));
    }
    drawn.extend(levels.iter().map(|level| (LEVEL, level.name.clone())));
    let palette: Vec<&str> = drawn.iter().map(|(colour, _)| colour.code).collect();
    let palette = palette.join(", ");
    let mut out = String::new();
    let _ = writeln!(out, "```mermaid");
    let _ = writeln!(out, r#"%%{{init: {{"themeVariables": {{"xyChart": {{"plotColorPalette": "{palette}"}}}}}}}}%%"#);
    let _ = writeln!(out, "xychart-beta");
    let _ = writeln!(out, "    x-axis \"{unit}\" 0 --> {end}");
    let _ = writeln!(out, "    y-axis \"{memory}\" 0 --> {top}");
    let mut line = |values: &[f64]| {
        let values: Vec<String> = values.iter().map(|value| format!("{value:.2}")).collect();
        let _ = writeln!(out, "    line [{}]", values.join(", "));
    };
    for values in lines.iter().filter(|values| !values.is_empty()) {
        line(&values.iter().map(|value| value.as_f64() / scale).collect::<Vec<_>>());
    }
    for level in levels {
        line(&[level.value.as_f64() / scale; POINTS]);
    }
    let _ = writeln!(out, "```");
    let legend: Vec<String> = drawn.iter().map(|(colour, what)| format!("{}: {what}.", colour.name)).collect();
    let _ = writeln!(out, "{}{}", legend.join(" "), not_measured(&curve.gaps));
    Some(out)
}

/// A sentence about the gaps, which Mermaid can't draw: the level before each goes on through it.
fn not_measured(gaps: &[Gap]) -> String {
    let Some(longest) = gaps.iter().max_by_key(|gap| gap.until - gap.from) else { return String::new() };
    let (from, until) = (format_duration(longest.from), format_duration(longest.until));
    match gaps.len() {
        1 => format!(" Not measured: {from} to {until}."),
        count => format!(" Not measured: {count} stretches of time, the longest from {from} to {until}."),
    }
}

/// The highest memory of every column.
fn columns(curve: &[SamplePoint], span: Duration) -> Vec<Bytes> {
    let Some(first) = curve.first() else { return Vec::new() };
    let column_of = |at: Duration| (at.as_secs_f64() / span.as_secs_f64() * (POINTS - 1) as f64).round() as usize;
    let columns = trace::columns(curve, POINTS, column_of);
    let begin = columns.iter().position(Option::is_some).unwrap_or(0);
    // After its end there is nothing, and a gap can't be drawn.
    let missing = |index: usize| if index < begin { first.memory } else { Bytes::ZERO };
    columns.into_iter().enumerate().map(|(index, highest)| highest.unwrap_or_else(|| missing(index))).collect()
}

/// The unit of time, the span of the axis, and its end in the unit: whole, and close to the span.
fn time_axis(last: Duration) -> (&'static str, Duration, u64) {
    const UNITS: [(&str, u64); 5] = [
        ("days", 86_400_000_000),
        ("hours", 3_600_000_000),
        ("minutes", 60_000_000),
        ("seconds", 1_000_000),
        ("ms", 1_000),
    ];
    let micros = u64::try_from(last.as_micros()).unwrap_or(u64::MAX).clamp(1_000, u64::MAX / 2);
    let fits = |unit: u64| (micros.div_ceil(unit) * unit - micros) * 50 <= micros;
    let (name, unit) = UNITS.into_iter().find(|(_, unit)| micros >= *unit && fits(*unit)).unwrap_or(("ms", 1_000));
    let end = micros.div_ceil(unit);
    (name, Duration::from_micros(end * unit), end)
}

fn memory_unit(highest: Bytes) -> (&'static str, f64) {
    let (name, power) = match highest.0 {
        bytes if bytes < 4 << 20 => ("KiB", 10),
        bytes if bytes < 8 << 30 => ("MiB", 20),
        _ => ("GiB", 30),
    };
    (name, (1u64 << power) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(points: &[(u64, u64)]) -> Vec<SamplePoint> {
        points.iter().map(|(ms, bytes)| SamplePoint { at: Duration::from_millis(*ms), memory: Bytes(*bytes) }).collect()
    }

    fn whole(points: &[(u64, u64)]) -> Curve {
        Curve { points: curve(points), gaps: Vec::new() }
    }

    #[test]
    fn the_axes_end_at_whole_numbers_close_to_the_last_point() {
        let end = |millis| {
            let (unit, _, end) = time_axis(Duration::from_millis(millis));
            format!("{end} {unit}")
        };
        for (millis, wanted) in [
            (0, "1 ms"),
            (30, "30 ms"),
            (3_270, "3270 ms"),
            (59_500, "60 seconds"),
            (600_000, "10 minutes"),
            (3 * 86_400_000, "3 days"),
        ] {
            assert_eq!(end(millis), wanted);
        }
    }

    /// What `.ci/github` draws in a browser.
    #[test]
    fn the_odd_ones_are_drawn_in_full() {
        const DAY: u64 = 86_400_000;
        let level = |value: u64| Level { name: format!("the budget of {}", Bytes(value)), value: Bytes(value) };
        let steps: Vec<(u64, u64)> = (0..3000).map(|step| (step * DAY / 1000, (step % 700) * 300_000)).collect();
        for (name, points, baseline, levels) in [
            ("one-sample", vec![(0, 5 << 20)], vec![], vec![]),
            ("flat-zero", vec![(0, 0), (1000, 0)], vec![], vec![]),
            ("three-days", steps, vec![(0, 50 << 20), (3 * DAY, 90 << 20)], vec![level(256 << 20)]),
            ("thirty-ms", (0..4).map(|tick| (tick * 10, tick << 18)).collect(), vec![], vec![]),
            ("64-gib", vec![(0, 0), (60_000, 64 << 30), (90_000, 1 << 30)], vec![], vec![level(48 << 30)]),
        ] {
            let chart = mermaid(&whole(&points), &curve(&baseline), &levels).unwrap();
            insta::assert_snapshot!(name, chart);
        }
    }

    #[test]
    fn a_chart_says_what_its_lines_are() {
        let level = Level { name: "peak budget 8.0 MiB".into(), value: Bytes(8 << 20) };
        let chart = mermaid(&whole(&[(0, 1 << 20), (1000, 6 << 20)]), &[], &[level]).unwrap();
        assert!(
            chart.contains("x-axis \"seconds\" 0 --> 1\n") && chart.contains("y-axis \"MiB\" 0 --> 9\n"),
            "{chart}"
        );
        assert!(chart.ends_with("Blue: the median run. Orange: peak budget 8.0 MiB.\n"), "{chart}");
        assert_eq!(mermaid(&Curve::default(), &[], &[]), None);
    }

    #[test]
    fn gaps_are_named_below_the_chart() {
        let mut curve = whole(&[(0, 1 << 20), (1000, 6 << 20), (9000, 6 << 20)]);
        let gap = |from, until| Gap { from: Duration::from_secs(from), until: Duration::from_secs(until) };
        curve.gaps = vec![gap(1, 9)];
        let last = |curve: &Curve| mermaid(curve, &[], &[]).unwrap().lines().last().map(str::to_owned).unwrap();
        assert_eq!(last(&curve), "Blue: the median run. Not measured: 1.00 s to 9.00 s.");
        curve.gaps.insert(0, gap(0, 1));
        let told = last(&curve);
        assert!(told.ends_with("Not measured: 2 stretches of time, the longest from 1.00 s to 9.00 s."), "{told}");
    }

    proptest! {
        #[test]
        fn every_line_has_all_points_as_plain_numbers_and_keeps_the_peak(
            steps in prop::collection::vec((0u64..100_000_000, 0u64..1 << 40), 1..300), other in any::<bool>()
        ) {
            let mut at = 0;
            let points: Vec<(u64, u64)> = steps.iter().map(|(step, bytes)| { at += step; (at, *bytes) }).collect();
            let curve = whole(&points);
            let points = &curve.points;
            let chart = mermaid(&curve, if other { &points[..1] } else { &[] }, &[]).unwrap();
            let mut highest = 0.0f64;
            for line in chart.lines().filter_map(|line| line.trim().strip_prefix("line [")) {
                let values: Vec<&str> = line.trim_end_matches(']').split(", ").collect();
                prop_assert_eq!(values.len(), POINTS);
                for value in values {
                    prop_assert!(value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "{value}");
                    highest = highest.max(value.parse().unwrap());
                }
            }
            let peak = points.iter().map(|point| point.memory).max().unwrap();
            prop_assert!((highest - peak.as_f64() / memory_unit(peak).1).abs() < 0.01);
        }
    }
}
