//! `run.json`: what is known of a run besides its rows. The file's own words, apart from the program's.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::clock::timestamp;
use super::files;
use super::model::{Ended, Environment, MarkKind, PeakCertainty, ReadyMark, RunRecord, SCHEMA, Sampling, Until};
use crate::units::{Bytes, Metric};

/// Puts `run.json` in place whole. Times are kept to the microsecond.
pub(super) fn write(path: &Path, record: &RunRecord) -> Result<()> {
    files::replace(path, text(record)?.as_bytes())
}

fn text(record: &RunRecord) -> Result<String> {
    let file = File { schema: SCHEMA, record: record.clone() };
    let text = serde_json::to_string_pretty(&file).context("could not write the run as JSON")?;
    Ok(text + "\n")
}

/// Of the notices there are a few; it need not be read to see that a larger file is something else.
const LARGEST: u64 = 16 << 20;

/// Reads `run.json`, refusing one that a later version wrote with another meaning.
pub(super) fn read(path: &Path) -> Result<RunRecord> {
    let text = files::read_text_within(path, LARGEST)?;
    let in_file = || format!("`{}` is not a run that memguard recorded", path.display());
    let Schema { schema } = serde_json::from_str(&text).with_context(in_file)?;
    if schema > SCHEMA {
        bail!(
            "`{}` was written by a later version of memguard: its schema is {schema}, this version reads up to {SCHEMA}\n\
             help: install the version of memguard that ran the workload, or a later one",
            path.display()
        );
    }
    let file: File = serde_json::from_str(&text).with_context(in_file)?;
    Ok(file.record)
}

#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema: u32,
    #[serde(flatten, with = "Run")]
    record: RunRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RunRecord")]
struct Run {
    memguard: String,
    workload: String,
    run: u32,
    command: String,
    platform: String,
    metric: Metric,
    source: String,
    #[serde(rename = "interval_s", with = "seconds")]
    interval: Duration,
    #[serde(serialize_with = "with_local_offset")]
    started: Timestamp,
    #[serde(with = "Facts")]
    environment: Environment,
    #[serde(with = "Ready")]
    ready: ReadyMark,
    #[serde(rename = "stop_at_s", with = "optional_seconds")]
    stop_at: Option<Duration>,
    #[serde(rename = "duration_s", with = "optional_seconds")]
    duration: Option<Duration>,
    #[serde(with = "End")]
    ended: Ended,
    #[serde(with = "Certainty")]
    peak_certainty: PeakCertainty,
    #[serde(with = "Quality")]
    sampling: Sampling,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_lost: Option<String>,
    notices: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Environment", transparent)]
struct Facts {
    facts: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ReadyMark", tag = "state", rename_all = "kebab-case")]
enum Ready {
    NotAsked,
    Reached {
        #[serde(with = "Mark")]
        by: MarkKind,
        #[serde(rename = "at_s", with = "seconds")]
        at: Duration,
    },
    Never {
        #[serde(with = "Mark")]
        by: MarkKind,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PeakCertainty", rename_all = "kebab-case")]
enum Certainty {
    Exact,
    Sampled,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "MarkKind", rename_all = "kebab-case")]
enum Mark {
    After,
    Log,
    Port,
    File,
    Command,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ended", tag = "how", rename_all = "kebab-case")]
enum End {
    Exited {
        status: i32,
    },
    Signaled {
        signal: i32,
    },
    Stopped,
    Timeout,
    Aborted,
    OutOfMemory,
    NeverReady,
    DriveFailed {
        status: Option<i32>,
    },
    Interrupted {
        signal: i32,
    },
    NotStarted,
    Recorded {
        #[serde(with = "RecordedUntil")]
        until: Until,
    },
    Unfinished,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Until", rename_all = "kebab-case")]
enum RecordedUntil {
    Told,
    Time,
    Gone,
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Sampling")]
struct Quality {
    ticks: u64,
    missed: u64,
    #[serde(default)]
    stretched: u64,
    #[serde(rename = "longest_gap_s", with = "seconds")]
    longest_gap: Duration,
    #[serde(default)]
    seen_once: u64,
    #[serde(rename = "own_cpu_s", with = "optional_seconds")]
    own_cpu: Option<Duration>,
    #[serde(rename = "own_peak_bytes")]
    own_peak: Option<Bytes>,
}

/// A duration as a number of seconds, to the microsecond.
mod seconds {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(time.as_micros() as f64 / 1e6)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let micros = (seconds * 1e6).round();
        if !(0.0..=1e18).contains(&micros) {
            return Err(Error::custom(format!("{seconds} is not a number of seconds since launch")));
        }
        Ok(Duration::from_micros(micros as u64))
    }
}

/// The same, null where there is none.
mod optional_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Seconds(#[serde(with = "super::seconds")] Duration);

    pub(super) fn serialize<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(Seconds).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Seconds>::deserialize(deserializer)?.map(|seconds| seconds.0))
    }
}

fn with_local_offset<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&timestamp(*at, TimeZone::system()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run that ended well, as tests need one.
    pub(crate) fn record() -> RunRecord {
        RunRecord {
            memguard: "0.1.0".to_owned(),
            workload: "ingest".to_owned(),
            run: 2,
            command: "python ingest.py".to_owned(),
            platform: "linux-x86_64".to_owned(),
            metric: Metric::Footprint,
            source: "proc".to_owned(),
            interval: Duration::from_millis(10),
            started: "2026-01-31T11:00:00.123456Z".parse().unwrap(),
            environment: Environment { facts: BTreeMap::from([("cores".to_owned(), "2".to_owned())]) },
            ready: ReadyMark::Reached { by: MarkKind::Log, at: Duration::from_micros(1_234_567) },
            stop_at: None,
            duration: Some(Duration::from_micros(86_400_000_001)),
            ended: Ended::Exited { status: 0 },
            peak_certainty: PeakCertainty::Sampled,
            sampling: Sampling { ticks: 123, longest_gap: Duration::from_millis(11), ..Default::default() },
            output_lost: None,
            notices: vec!["two processes were left behind".to_owned()],
        }
    }

    fn round_trip(record: &RunRecord) -> RunRecord {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        write(&path, record).unwrap();
        read(&path).unwrap()
    }

    fn read_text(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        files::replace(&path, text.as_bytes()).unwrap();
        format!("{:#}", read(&path).unwrap_err())
    }

    #[test]
    fn the_file_is_what_the_documentation_says() {
        let text = text(&record()).unwrap();
        insta::with_settings!({filters => vec![(r#""started": ".*""#, r#""started": "…""#)]}, {
            insta::assert_snapshot!(text, @r#"
        {
          "schema": 1,
          "memguard": "0.1.0",
          "workload": "ingest",
          "run": 2,
          "command": "python ingest.py",
          "platform": "linux-x86_64",
          "metric": "footprint",
          "source": "proc",
          "interval_s": 0.01,
          "started": "…",
          "environment": {
            "cores": "2"
          },
          "ready": {
            "state": "reached",
            "by": "log",
            "at_s": 1.234567
          },
          "stop_at_s": null,
          "duration_s": 86400.000001,
          "ended": {
            "how": "exited",
            "status": 0
          },
          "peak_certainty": "sampled",
          "sampling": {
            "ticks": 123,
            "missed": 0,
            "stretched": 0,
            "longest_gap_s": 0.011,
            "seen_once": 0,
            "own_cpu_s": null,
            "own_peak_bytes": null
          },
          "notices": [
            "two processes were left behind"
          ]
        }
        "#);
        });
    }

    #[test]
    fn every_end_and_every_mark_reads_back() {
        let by = [MarkKind::After, MarkKind::Log, MarkKind::Port, MarkKind::File, MarkKind::Command];
        let marks = by.into_iter().map(|by| ReadyMark::Never { by }).chain([ReadyMark::NotAsked]);
        for ready in marks {
            let record = RunRecord { ready, ..record() };
            assert_eq!(round_trip(&record), record);
        }
        for ended in [
            Ended::Exited { status: -1 },
            Ended::Signaled { signal: 9 },
            Ended::Stopped,
            Ended::Timeout,
            Ended::Aborted,
            Ended::OutOfMemory,
            Ended::NeverReady,
            Ended::DriveFailed { status: None },
            Ended::Interrupted { signal: 2 },
            Ended::NotStarted,
            Ended::Recorded { until: Until::Told },
            Ended::Recorded { until: Until::Time },
            Ended::Recorded { until: Until::Gone },
            Ended::Unfinished,
        ] {
            let record = RunRecord { ended, duration: None, stop_at: Some(Duration::from_secs(7)), ..record() };
            assert_eq!(round_trip(&record), record);
        }
    }

    #[test]
    fn a_later_schema_is_refused_before_anything_else_is_read() {
        let error = read_text(r#"{"schema": 2, "unheard": "of"}"#);
        assert!(error.contains("its schema is 2, this version reads up to 1\nhelp:"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_told_by_its_path_and_place() {
        for (text, told) in [("", "line 1 column 0"), ("{\"schema\": 1}", "missing field"), ("[]", "run.json")] {
            let error = read_text(text);
            assert!(error.contains(told) && error.contains("is not a run that memguard recorded"), "{error}");
        }
        let negative = text(&record()).unwrap().replace("0.011", "-1");
        assert!(read_text(&negative).contains("-1 is not a number of seconds"));
    }
}
