use std::fmt::Write as _;

use super::chart::median_run;
use super::escape::plain;
use crate::analysis::{Finding, Measures, Sureness, finding};
use crate::units::{Percent, format_duration};
use crate::verdict::Judged;

/// The first thing to say of a run, as one sentence with its full stop. Its text is our own and needs no escaping.
#[must_use]
pub fn sentence(finding: &Finding) -> String {
    match finding {
        Finding::StartUp { until, share, after } => {
            let start =
                format!("{} of the peak is taken in the first {} (start-up)", whole(*share), format_duration(*until));
            match after {
                Some(after) => {
                    format!("{start}; the {} after it add {}.", format_duration(after.lasted), whole(after.share))
                }
                None => format!("{start}."),
            }
        }
        Finding::Ramp { from, to, share, start_up } => {
            let (from, to) = (format_duration(*from), format_duration(*to));
            format!(
                "{} of the peak is taken between {from} and {to}; start-up takes {}.",
                whole(*share),
                whole(*start_up)
            )
        }
        Finding::Spike { at, share, start_up } => format!(
            "{} of the peak is a short spike at {}; start-up takes {}.",
            whole(*share),
            format_duration(*at),
            whole(*start_up)
        ),
        Finding::Growth { from, to, share, rate, start_up } => {
            let (from, to) = (format_duration(*from), format_duration(*to));
            format!(
                "{} of the peak is taken by growth from {from} to {to} ({}); start-up takes {}.",
                whole(*share),
                rate.signed(),
                whole(*start_up)
            )
        }
    }
}

/// Where start-up was found to end, as one sentence. None where it was told, or was not found.
#[must_use]
pub fn ready_sentence(measures: &Measures) -> Option<String> {
    let at = format_duration(measures.ready.value()?);
    Some(match measures.ready_found? {
        Sureness::Sure => format!("start-up was found to end at {at}."),
        Sureness::Likely => format!("start-up was found to end at {at}, which is likely but not sure."),
        Sureness::Unsure => {
            format!("start-up was found to end at {at}, which is a guess: say what ends it with `ready`.")
        }
    })
}

/// The first thing to say of each workload, of its median run.
pub(super) fn write(out: &mut String, judged: &Judged) {
    let Some(run) = median_run(judged) else { return };
    let found = finding(&run.measures).as_ref().map(sentence);
    let sentences: Vec<String> = found.into_iter().chain(ready_sentence(&run.measures)).collect();
    if !sentences.is_empty() {
        let _ = writeln!(out, "{}: {}", plain(&judged.name, 64), sentences.join(" "));
    }
}

fn whole(share: Percent) -> String {
    format!("{:.0} %", share.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{After, Measured, SegmentKind};
    use crate::baseline::example;
    use crate::units::{Bytes, Rate};
    use std::time::Duration;

    #[test]
    fn a_finding_is_one_sentence() {
        let seconds = Duration::from_secs_f64;
        let after = After { lasted: seconds(2460.0), share: Percent(11.2) };
        let start_up = Finding::StartUp { until: seconds(3.1), share: Percent(81.9), after: Some(after) };
        assert_eq!(
            sentence(&start_up),
            "82 % of the peak is taken in the first 3.10 s (start-up); the 41 min after it add 11 %."
        );
        let all = Finding::StartUp { until: seconds(0.2), share: Percent(100.0), after: None };
        assert_eq!(sentence(&all), "100 % of the peak is taken in the first 200 ms (start-up).");
        let ramp =
            Finding::Ramp { from: seconds(35.0), to: seconds(37.0), share: Percent(61.0), start_up: Percent(30.0) };
        assert_eq!(sentence(&ramp), "61 % of the peak is taken between 35.0 s and 37.0 s; start-up takes 30 %.");
        let growth = Finding::Growth {
            from: seconds(3.1),
            to: seconds(2463.0),
            share: Percent(71.0),
            rate: Rate(12 << 20),
            start_up: Percent(22.0),
        };
        assert_eq!(
            sentence(&growth),
            "71 % of the peak is taken by growth from 3.10 s to 41 min 3 s (+12.0 MiB/min); start-up takes 22 %."
        );
    }

    #[test]
    fn what_took_the_largest_part_of_the_peak_is_said() {
        let mut measures = example::measures(Bytes::from_mib(200));
        let told = |measures: &_| finding(measures).as_ref().map(sentence).unwrap_or_default();
        assert_eq!(
            told(&measures),
            "60 % of the peak is taken in the first 4.00 s (start-up); the 8.00 s after it add 40 %."
        );
        measures.startup = Measured::Value(Bytes::from_mib(20));
        assert_eq!(
            told(&measures),
            "40 % of the peak is taken by growth from 6.00 s to 12.0 s (+800.0 MiB/min); start-up takes 10 %."
        );
        measures.segments[2].kind = SegmentKind::Ramp;
        assert_eq!(told(&measures), "40 % of the peak is taken between 6.00 s and 12.0 s; start-up takes 10 %.");
        measures.ready = Measured::Unmeasured("no log line matched".to_owned());
        assert_eq!(finding(&measures), None);
        let mut spiked = example::measures(Bytes::from_mib(800));
        assert_eq!(told(&spiked), "80 % of the peak is a short spike at 9.00 s; start-up takes 15 %.");
        spiked.startup = Measured::Value(Bytes::from_mib(700));
        assert!(told(&spiked).starts_with("88 % of the peak is taken in the first 4.00 s"), "less than start-up");
    }

    #[test]
    fn an_end_of_start_up_that_was_found_is_told_with_its_sureness() {
        let mut measures = example::measures(Bytes::from_mib(200));
        assert_eq!(ready_sentence(&measures), None);
        measures.ready_found = Some(Sureness::Sure);
        assert_eq!(ready_sentence(&measures).as_deref(), Some("start-up was found to end at 4.00 s."));
        measures.ready_found = Some(Sureness::Unsure);
        assert!(ready_sentence(&measures).is_some_and(|told| told.contains("which is a guess: say what ends it")));
    }
}
