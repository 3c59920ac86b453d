use super::*;
use crate::baseline::{Found, example};
use crate::units::Bytes;
use crate::verdict::{Budget, JudgedRun, Limits, Subject, exit_code, judge};

fn part(rank: u8, what: &'static str, size: usize) -> Part {
    Part { rank, what, text: "x".repeat(size) }
}

#[test]
fn the_least_important_goes_first_and_is_told() {
    let parts =
        vec![part(0, "verdict", 100), part(3, "chart", 500), part(1, "explanation", 300), part(3, "chart", 500)];
    let text = fit(parts, 1_400);
    assert!(text.len() <= 1_400 && text.contains("1 × chart"), "{text}");
    let parts =
        vec![part(0, "verdict", 100), part(3, "chart", 500), part(1, "explanation", 300), part(3, "chart", 500)];
    let text = fit(parts, 900);
    assert!(text.contains("2 × chart") && !text.contains("explanation"), "{text}");
    assert_eq!(fit(vec![part(0, "verdict", 10), part(5, "chart", 10)], 1000), format!("{0}\n{0}", "x".repeat(10)));
}

/// A workload with a run of 200 MiB, held to 100 MiB.
fn red(number: usize) -> Judged {
    let run = JudgedRun {
        record: example::record(1),
        measures: example::measures(Bytes::from_mib(200)),
        curve: example::curve(10, &[100 << 20, 200 << 20]),
    };
    let subject = Subject { phase: None, measure: Measure::Peak };
    let limits = Limits {
        budgets: vec![Budget { subject, limit: Bytes::from_mib(100).into(), written: None }],
        ..Limits::default()
    };
    let missing = Found::Missing { why: "none".to_owned() };
    judge(example::key(&format!("w{number}")), vec![run], &limits, missing, false)
}

#[test]
fn any_number_of_red_workloads_has_room_and_what_is_left_out_is_told() {
    let links = Links { artifacts: "[artifacts](https://github.example/run)".to_owned(), ..Links::default() };
    for count in [1, 20, 500, 1000] {
        let judged: Vec<Judged> = (0..count).map(red).collect();
        for place in [Place::Comment, Place::Summary] {
            let text = markdown(&judged, exit_code(&judged), &[], &links, place);
            assert!(text.len() <= place.room(), "{count} in {place:?}: {}", text.len());
            assert!(text.starts_with("## Memory: ") && text.contains("🔴 over budget"), "{count} in {place:?}");
            assert!(text.contains("github.example/run"), "{count} in {place:?}");
            let is_cut = text.contains("Left out, since there is no room for more: ");
            assert!(is_cut || text.matches("xychart-beta").count() == count, "{count} in {place:?}");
            assert!(is_cut || count < 1000);
            assert_eq!(text.matches("```").count() % 2, 0);
        }
    }
}
