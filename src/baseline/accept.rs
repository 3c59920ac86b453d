use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::analysis::{Measured, Measures, PhaseMeasures};
use crate::trace::{self, Curve, RunRecord};
use crate::units::Bytes;

use super::{Entry, Key, StoredCurve};

/// A curve in the file has no more stretches than a line of numbers that people scroll past.
const STRETCHES: u128 = 60;

/// One run that is to become part of a baseline.
#[derive(Debug, Clone, Copy)]
pub struct AcceptedRun<'a> {
    /// What is known of it.
    pub record: &'a RunRecord,
    /// What was measured.
    pub measures: &'a Measures,
    /// Its curve.
    pub curve: &'a Curve,
}

/// The entry that these runs make. The same runs give the same entry, whatever their order.
///
/// `failures` says of the runs that failed how they did, as sentences: with one of them nothing is accepted.
///
/// # Errors
/// When a run failed, was made on another platform or in another metric than `key`, or has no peak; or there is no run.
pub fn entry_from(key: Key, runs: &[AcceptedRun<'_>], failures: &[String], commit: Option<String>) -> Result<Entry> {
    let name = &key.workload;
    if !failures.is_empty() {
        bail!(
            "`{name}` is not accepted as a baseline: {}\nhelp: a failed run says nothing about memory; run it again",
            failures.join("; ")
        );
    }
    let mut runs = runs.to_vec();
    runs.sort_by_key(|run| run.record.run);
    let Some(last) = runs.last() else {
        bail!("`{name}` is not accepted as a baseline: there is no run of it");
    };
    let mut peaks = Vec::new();
    for run in &runs {
        let RunRecord { run: number, platform, metric, .. } = run.record;
        if (platform, *metric) != (&key.platform, key.metric) {
            bail!(
                "`{name}` is not accepted as a baseline: run {number} was made on {platform} in {metric}, \
                 and not on {} in {}",
                key.platform,
                key.metric
            );
        }
        match &run.measures.peak {
            Measured::Value(peak) => peaks.push(peak.value),
            Measured::Unmeasured(why) => {
                bail!("`{name}` is not accepted as a baseline: run {number} has no peak: {why}")
            }
            Measured::NotAsked => bail!("`{name}` is not accepted as a baseline: run {number} has no peak"),
        }
    }
    Ok(Entry {
        measured: format!("{:.0}", last.record.started),
        commit,
        memguard: last.record.memguard.clone(),
        environment: last.record.environment.facts.clone(),
        startup: runs.iter().filter_map(|run| run.measures.startup.value()).map(|startup| startup.value).collect(),
        retained: runs.iter().filter_map(|run| run.measures.retained.value()).map(|retained| retained.value).collect(),
        growth: runs.iter().filter_map(|run| run.measures.growth.value()).map(|growth| growth.sure()).collect(),
        phases: of_phases(&runs, |phase| phase.peak.value().map(|peak| peak.value)),
        phase_growth: of_phases(&runs, |phase| phase.growth.value().map(|growth| growth.sure())),
        curve: stored(median_run(&runs, &peaks)),
        peak: peaks,
        key,
    })
}

fn of_phases<T>(runs: &[AcceptedRun<'_>], of: impl Fn(&PhaseMeasures) -> Option<T>) -> BTreeMap<String, Vec<T>> {
    let mut found: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for phase in runs.iter().flat_map(|run| &run.measures.phases) {
        if let Some(value) = of(phase) {
            found.entry(phase.name.clone()).or_default().push(value);
        }
    }
    found
}

/// The run in the middle by its peak; of an even number the lower of the two, of equal peaks the first.
fn median_run<'a>(runs: &[AcceptedRun<'a>], peaks: &[Bytes]) -> AcceptedRun<'a> {
    let mut by_peak: Vec<usize> = (0..runs.len()).collect();
    by_peak.sort_by_key(|index| peaks[*index]);
    runs[by_peak[(runs.len() - 1) / 2]]
}

/// The maximum of each of at most [`STRETCHES`] equal stretches, in whole KiB. A stretch without a point is at the level before it.
fn stored(run: AcceptedRun<'_>) -> Option<StoredCurve> {
    let points = &run.curve.points;
    let (first, last) = (points.first()?.memory, points.last()?.memory);
    let length = points.iter().map(|point| point.at).fold(run.measures.duration, Duration::max).as_micros();
    let step = length.div_ceil(1000).div_ceil(STRETCHES).max(1) * 1000;
    let count = usize::try_from(length.div_ceil(step).clamp(1, STRETCHES)).ok()?;
    let maxima = trace::columns(points, count, |at| usize::try_from(at.as_micros() / step).unwrap_or(usize::MAX));
    let begin = maxima.iter().position(Option::is_some).unwrap_or(0);
    let memory = maxima
        .into_iter()
        .enumerate()
        .map(|(index, maximum)| {
            let level = maximum.unwrap_or(if index < begin { first } else { last });
            Bytes::from_kib(level.0.div_ceil(1024))
        })
        .collect();
    Some(StoredCurve { step: Duration::from_micros(u64::try_from(step).ok()?), memory })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::example;
    use crate::units::{Metric, Rate, SignedBytes};

    type Run = (RunRecord, Measures, Curve);

    fn run(number: u32, peak_mib: u64) -> Run {
        let peak = Bytes::from_mib(peak_mib);
        (example::record(number), example::measures(peak), example::curve(3000, &[1024, peak.0, 2048, 1024]))
    }

    fn accept(runs: &[Run]) -> Result<Entry> {
        let runs: Vec<AcceptedRun<'_>> =
            runs.iter().map(|(record, measures, curve)| AcceptedRun { record, measures, curve }).collect();
        entry_from(example::key("ingest"), &runs, &[], Some("2e31abb".to_owned()))
    }

    #[test]
    fn an_entry_keeps_every_run_and_the_environment_of_the_last() {
        let mut last = run(3, 199);
        last.0.environment.facts.insert("cores".to_owned(), "8".to_owned());
        let entry = accept(&[run(1, 201), run(2, 205), last]).unwrap();
        assert_eq!(entry.peak, [201, 205, 199].map(Bytes::from_mib));
        assert_eq!(entry.startup, [Bytes::from_mib(120); 3]);
        assert_eq!(entry.retained, [SignedBytes(3 << 20); 3]);
        assert_eq!(entry.phases["load"], [Bytes::from_mib(90); 3]);
        assert_eq!((&entry.growth, &entry.phase_growth["load"]), (&vec![Rate(22 << 20); 3], &vec![Rate::ZERO; 3]));
        assert_eq!(entry.environment["cores"], "8");
        assert_eq!(entry.measured, "2026-10-08T12:00:00Z");
        let curve = entry.curve.unwrap();
        assert_eq!(curve.memory.iter().max(), Some(&Bytes::from_mib(201)), "the curve is the median run's");
    }

    #[test]
    fn the_order_of_the_runs_does_not_matter() {
        let entry = accept(&[run(1, 201), run(2, 205), run(3, 199)]).unwrap();
        assert_eq!(accept(&[run(3, 199), run(1, 201), run(2, 205)]).unwrap(), entry);
    }

    #[test]
    fn what_some_runs_lack_is_left_out_and_never_zero() {
        let mut lacking = run(2, 200);
        lacking.1.startup = Measured::Unmeasured("no log line matched".to_owned());
        lacking.1.phases.clear();
        let entry = accept(&[run(1, 200), lacking.clone()]).unwrap();
        assert_eq!((entry.startup.len(), entry.phases["load"].len()), (1, 1));
        let entry = accept(&[lacking]).unwrap();
        assert_eq!((entry.startup.len(), entry.phases.len()), (0, 0));
    }

    #[test]
    fn failed_foreign_and_unmeasured_runs_are_refused_with_the_reason() {
        let mut unmeasured = run(2, 200);
        unmeasured.1.peak = Measured::Unmeasured("there are no samples".to_owned());
        let mut foreign = run(2, 200);
        foreign.0.metric = Metric::Rss;
        for (runs, reason) in [
            (vec![], "there is no run of it"),
            (vec![run(1, 200), unmeasured], "run 2 has no peak: there are no samples"),
            (vec![run(1, 200), foreign], "run 2 was made on linux-x86_64 in rss"),
        ] {
            let error = accept(&runs).unwrap_err().to_string();
            assert!(error.contains("`ingest` is not accepted") && error.contains(reason), "{error}");
        }
        let failures = ["run 1 exited with status 3".to_owned()];
        let error = entry_from(example::key("ingest"), &[], &failures, None).unwrap_err().to_string();
        assert!(error.contains("run 1 exited with status 3"), "{error}");
    }

    #[test]
    fn a_stored_curve_has_at_most_sixty_stretches_and_keeps_the_peak() {
        let memory: Vec<u64> = (0..12_000).map(|index| if index == 7_654 { 1 << 30 } else { index * 1024 }).collect();
        let mut long = run(1, 1024);
        long.2 = example::curve(1, &memory);
        let curve = accept(&[long]).unwrap().curve.unwrap();
        assert_eq!((curve.step, curve.memory.len()), (Duration::from_millis(200), 60));
        assert_eq!(curve.memory[38], Bytes(1 << 30));
        assert_eq!(curve.memory[59], Bytes::from_kib(11_999));
    }

    #[test]
    fn a_stretch_without_a_point_is_at_the_level_before_it() {
        let mut sparse = run(1, 8);
        sparse.1.duration = Duration::from_millis(4);
        sparse.2 = example::curve(2, &[2048, 5000]);
        let curve = accept(&[sparse]).unwrap().curve.unwrap();
        assert_eq!(curve.step, Duration::from_millis(1));
        assert_eq!(curve.memory, [2, 2, 5, 5].map(Bytes::from_kib));
    }

    #[test]
    fn a_run_without_a_curve_or_without_length_is_accepted() {
        let mut bare = run(1, 8);
        bare.2 = Curve::default();
        assert_eq!(accept(&[bare.clone()]).unwrap().curve, None);
        bare.1.duration = Duration::ZERO;
        bare.2 = example::curve(1, &[1024]);
        assert_eq!(accept(&[bare]).unwrap().curve.unwrap().memory, [Bytes(1024)]);
    }
}
