//! Runs and entries that tests of the baseline and of the verdict begin from.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::analysis::{Estimate, Growth, Measured, Measures, Peak, PhaseMeasures, Quality, Segment, SegmentKind};
use crate::trace::{Curve, Ended, Environment, MarkKind, PeakCertainty, ReadyMark, RunRecord, SamplePoint, Sampling};
use crate::units::{Bytes, Metric, Percent, Rate, SignedBytes, Uncertainty};

use super::{Entry, Key, StoredCurve};

pub(crate) fn key(workload: &str) -> Key {
    Key { workload: workload.to_owned(), platform: "linux-x86_64".to_owned(), metric: Metric::Footprint }
}

fn facts() -> BTreeMap<String, String> {
    [("cores", "2"), ("kernel", "6.18.0"), ("page_size", "4096")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
}

/// 200 MiB at the peak, 120 MiB at start-up, 3 MiB retained, 90 MiB in `load`.
pub(crate) fn entry(workload: &str) -> Entry {
    Entry {
        key: key(workload),
        measured: "2026-10-08T12:00:00Z".to_owned(),
        commit: Some("2e31abb".to_owned()),
        memguard: "0.1.0".to_owned(),
        environment: facts(),
        peak: vec![Bytes::from_mib(201), Bytes::from_mib(199), Bytes::from_mib(200)],
        startup: vec![Bytes::from_mib(120); 3],
        retained: vec![SignedBytes(3 << 20); 3],
        growth: vec![Rate(22 << 20); 3],
        phases: [("load".to_owned(), vec![Bytes::from_mib(90); 3])].into(),
        phase_growth: [("load".to_owned(), vec![Rate::ZERO; 3])].into(),
        curve: Some(StoredCurve {
            step: Duration::from_millis(200),
            memory: vec![Bytes::from_mib(120), Bytes::from_mib(200)],
        }),
    }
}

/// A run that exited 0 after 12 s, ready after 4 s.
pub(crate) fn record(run: u32) -> RunRecord {
    RunRecord {
        memguard: "0.1.0".to_owned(),
        workload: "ingest".to_owned(),
        run,
        command: "./ingest".to_owned(),
        platform: "linux-x86_64".to_owned(),
        metric: Metric::Footprint,
        source: "proc".to_owned(),
        interval: Duration::from_millis(10),
        started: "2026-10-08T12:00:00.25Z".parse().unwrap(),
        environment: Environment { facts: facts() },
        ready: ReadyMark::Reached { by: MarkKind::Log, at: Duration::from_secs(4) },
        stop_at: None,
        duration: Some(Duration::from_secs(12)),
        ended: Ended::Exited { status: 0 },
        peak_certainty: PeakCertainty::Exact,
        sampling: Sampling::default(),
        output_lost: None,
        notices: Vec::new(),
    }
}

/// The measures of [`entry`]'s median run, with another peak.
pub(crate) fn measures(peak: Bytes) -> Measures {
    Measures {
        duration: Duration::from_secs(12),
        ready: Measured::Value(Duration::from_secs(4)),
        peak: Measured::Value(Peak {
            value: peak,
            at: Duration::from_secs(9),
            uncertainty: Uncertainty::NONE,
            certainty: PeakCertainty::Exact,
            mapped: None,
        }),
        startup: Measured::Value(Estimate::exact(Bytes::from_mib(120))),
        retained: Measured::Value(Estimate::exact(SignedBytes(3 << 20))),
        growth: Measured::Value(Growth { slope: Rate(22 << 20), low: Rate(18 << 20), high: Rate(25 << 20) }),
        segments: segments(),
        phases: vec![PhaseMeasures {
            name: "load".to_owned(),
            window: Measured::Value((Duration::from_secs(1), Duration::from_secs(4))),
            peak: Measured::Value(Estimate::exact(Bytes::from_mib(90))),
            growth: Measured::Value(Growth { slope: Rate(1 << 10), low: Rate(-2 << 10), high: Rate(3 << 10) }),
        }],
        samples: 1200,
        quality: Quality::Good,
    }
}

/// Start-up to 120 MiB, a plateau, then growth to 200 MiB.
fn segments() -> Vec<Segment> {
    use SegmentKind::{Growth, Plateau, Ramp};
    let segment = |(kind, from, to, from_level, to_level, share)| Segment {
        kind,
        from: Duration::from_secs(from),
        to: Duration::from_secs(to),
        from_level: Bytes::from_mib(from_level),
        to_level: Bytes::from_mib(to_level),
        rise: Bytes::from_mib(to_level) - Bytes::from_mib(from_level),
        share: Percent(share),
    };
    [(Ramp, 0, 4, 0, 120, 60.0), (Plateau, 4, 6, 120, 120, 0.0), (Growth, 6, 12, 120, 200, 40.0)].map(segment).into()
}

/// One point every so many milliseconds.
pub(crate) fn curve(every_ms: u64, memory: &[u64]) -> Curve {
    let point = |(index, bytes): (u64, &u64)| SamplePoint {
        at: Duration::from_millis(index * every_ms),
        memory: Bytes(*bytes),
    };
    Curve { points: (0..).zip(memory).map(point).collect(), gaps: Vec::new() }
}
