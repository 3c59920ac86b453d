use std::fmt::Write as _;

use super::chart::median_run;
use super::details::Details;
use super::escape::plain;
use crate::analysis::{Finding, Proposal, finding};
use crate::units::{Percent, format_duration};
use crate::verdict::Judged;

/// The most characters of a log line that are shown.
const SHOWN_LINE: usize = 160;
/// More characters than the config line of any proposal has.
const SHOWN_CONFIG: usize = 2000;

/// The first thing to say of a run, as one sentence with its full stop. Its text is our own and needs no escaping.
#[must_use]
pub fn sentence(finding: &Finding) -> String {
    match finding {
        Finding::StartUp { until, share, after, has_ready } => {
            let what = if *has_ready { " (start-up)" } else { "" };
            let start =
                format!("{} of the peak is taken in the first {}{what}", whole(*share), format_duration(*until));
            match after {
                Some(after) => {
                    format!("{start}; the {} after it add {}.", format_duration(after.lasted), whole(after.share))
                }
                None => format!("{start}."),
            }
        }
        Finding::Ramp { from, to, share, start_up } => {
            let (from, to) = (format_duration(*from), format_duration(*to));
            format!("{} of the peak is taken between {from} and {to}{}.", whole(*share), start_up_takes(*start_up))
        }
        Finding::Spike { at, share, start_up } => format!(
            "{} of the peak is a short spike at {}{}.",
            whole(*share),
            format_duration(*at),
            start_up_takes(*start_up)
        ),
        Finding::Growth { from, to, share, rate, start_up } => {
            let (from, to) = (format_duration(*from), format_duration(*to));
            format!(
                "{} of the peak is taken by growth from {from} to {to} ({}){}.",
                whole(*share),
                rate.signed(),
                start_up_takes(*start_up)
            )
        }
    }
}

/// The `ready` to propose for a workload that has none, as one sentence. Safe to print; code spans stand between backticks.
#[must_use]
pub fn proposal_sentence(proposal: &Proposal) -> String {
    let Some(line) = &proposal.line else {
        return "With a `ready` that says what ends start-up, startup, retained and growth are measured, too."
            .to_owned();
    };
    let text = plain(line.text.trim(), SHOWN_LINE).replace('`', "'");
    let config = plain(&line.config_line(), SHOWN_CONFIG);
    format!("Start-up seems to end at {}, after `{text}`: `{config}`.", format_duration(proposal.at))
}

/// The first thing to say of each workload, of its median run.
pub(super) fn write(out: &mut String, judged: &Judged, details: Option<&Details>) {
    let found = median_run(judged).and_then(|run| finding(&run.measures)).as_ref().map(sentence);
    let proposal = details.and_then(|details| details.proposal.as_ref()).map(proposal_sentence);
    let sentences: Vec<String> = found.into_iter().chain(proposal).collect();
    if !sentences.is_empty() {
        let _ = writeln!(out, "{}: {}", plain(&judged.name, 64), sentences.join(" "));
    }
}

fn start_up_takes(share: Option<Percent>) -> String {
    share.map_or_else(String::new, |share| format!("; start-up takes {}", whole(share)))
}

fn whole(share: Percent) -> String {
    format!("{:.0} %", share.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Estimate;
    use crate::analysis::{After, Measured, ProposedLine, SegmentKind};
    use crate::baseline::example;
    use crate::units::{Bytes, Rate};
    use std::time::Duration;

    #[test]
    fn a_finding_is_one_sentence() {
        let seconds = Duration::from_secs_f64;
        let after = After { lasted: seconds(2460.0), share: Percent(11.2) };
        let start_up =
            Finding::StartUp { until: seconds(3.1), share: Percent(81.9), after: Some(after), has_ready: true };
        assert_eq!(
            sentence(&start_up),
            "82 % of the peak is taken in the first 3.10 s (start-up); the 41 min after it add 11 %."
        );
        let all = Finding::StartUp { until: seconds(0.2), share: Percent(100.0), after: None, has_ready: false };
        assert_eq!(sentence(&all), "100 % of the peak is taken in the first 200 ms.");
        let ramp = Finding::Ramp {
            from: seconds(35.0),
            to: seconds(37.0),
            share: Percent(61.0),
            start_up: Some(Percent(30.0)),
        };
        assert_eq!(sentence(&ramp), "61 % of the peak is taken between 35.0 s and 37.0 s; start-up takes 30 %.");
        let growth = Finding::Growth {
            from: seconds(3.1),
            to: seconds(2463.0),
            share: Percent(71.0),
            rate: Rate(12 << 20),
            start_up: Some(Percent(22.0)),
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
        measures.startup = Measured::Value(Estimate::exact(Bytes::from_mib(20)));
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
        spiked.startup = Measured::Value(Estimate::exact(Bytes::from_mib(700)));
        assert!(told(&spiked).starts_with("88 % of the peak is taken in the first 4.00 s"), "less than start-up");
    }

    #[test]
    fn without_a_ready_the_curve_alone_is_described() {
        let mut measures = example::measures(Bytes::from_mib(200));
        (measures.ready, measures.startup) = (Measured::NotAsked, Measured::NotAsked);
        let first = |measures: &_| finding(measures).as_ref().map(sentence).unwrap_or_default();
        assert_eq!(first(&measures), "60 % of the peak is taken in the first 4.00 s; the 8.00 s after it add 40 %.");
        measures.segments[2].rise = Bytes::from_mib(180) - Bytes::ZERO;
        assert_eq!(first(&measures), "90 % of the peak is taken by growth from 6.00 s to 12.0 s (+1.76 GiB/min).");
    }

    #[test]
    fn a_proposal_is_one_sentence_that_can_be_printed() {
        let at = Duration::from_millis(1400);
        let sentence = |text: &str, pattern: &str| {
            let line = ProposedLine { text: text.to_owned(), pattern: pattern.to_owned() };
            proposal_sentence(&Proposal { at, line: Some(line) })
        };
        assert_eq!(
            sentence("Loaded 10000 rows", r"^Loaded \d+ rows$"),
            r"Start-up seems to end at 1.40 s, after `Loaded 10000 rows`: `ready = { log = '^Loaded \d+ rows$' }`."
        );
        assert_eq!(
            sentence("it's\u{1b} `up`", r"it's. \x60up\x60"),
            "Start-up seems to end at 1.40 s, after `it's\u{fffd} 'up'`: `ready = { log = \"it's. \\\\x60up\\\\x60\" }`."
        );
        assert_eq!(
            proposal_sentence(&Proposal { at, line: None }),
            "With a `ready` that says what ends start-up, startup, retained and growth are measured, too."
        );
    }
}
