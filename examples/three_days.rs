//! Records three days of a made-up service, a reading every 10 ms: 26 million readings and a million log lines, through
//! the recorder that a run has. `memguard check FOLDER` then does all that is done after a run.
//!
//! The service handles requests in bursts, each with a log line; its memory moves while it does and rests between. It leaks a
//! little in one kind of them. `busy` makes it move at every reading, which is the most there is to record.
//!
//!     cargo run --release --example three_days FOLDER [busy]

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use memguard::trace::{Ended, Redactor, RunFolder, RunRecord, Sample, Sampling, Stream};
use memguard::units::{Bytes, Metric, Parts, Uncertainty};

const INTERVAL: Duration = Duration::from_millis(10);
const TICKS: u32 = 3 * 86_400 * 100;
const LINES: u32 = 1_000_000;
/// A burst has so many lines, one at every other reading.
const BURST: u32 = 20;
const KINDS: [&str; 5] = ["GET /users", "POST /orders", "GET /search?q=memory", "DELETE /carts", "PUT /prices"];

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().context("which folder to record into?\nhelp: three_days FOLDER [busy]")?);
    let is_busy = args.next().is_some_and(|word| word == "busy");
    let mut record = RunRecord {
        workload: "service".into(),
        command: "none".into(),
        platform: memguard::os::platform(),
        ..RunRecord::beginning(Metric::Footprint, "proc", INTERVAL)
    };
    let mut recorder =
        RunFolder::create(&folder.join("service/run-1"), &record, Redactor::default())?.launched(record.started);
    let log = recorder.log();
    let every = TICKS / (LINES / BURST);
    let (mut state, mut kept, mut lines, mut peak) = (1_u64, 200_u64 << 20, 0_u32, Bytes::ZERO);
    let mut now = kept;
    for tick in 0..TICKS {
        let at = INTERVAL * tick;
        let place = tick % every;
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let in_burst = place < 2 * BURST;
        if in_burst && place.is_multiple_of(2) && lines < LINES {
            let kind = KINDS[(state >> 40) as usize % KINDS.len()];
            let level = if (state >> 20).is_multiple_of(200) { "WARN" } else { "INFO" };
            let text = format!("{level} request {lines}: {kind} took {} ms, user {:x}\n", state >> 56, state >> 32);
            log.push(&Stream::Stdout, at, text.as_bytes(), None)?;
            lines += 1;
            kept += if kind == "POST /orders" { 700 } else { 0 };
        }
        if in_burst || is_busy {
            now = kept + (state >> 42);
        } else if place == 2 * BURST {
            now = kept;
        }
        let memory = Bytes(now);
        peak = peak.max(memory);
        recorder.sample(&Sample {
            at,
            memory,
            peak: memory,
            uncertainty: Uncertainty::NONE,
            parts: Parts { rss: Some(memory), anon: Some(memory), ..Parts::default() },
            processes: Some(1),
            machine_used: None,
        })?;
        recorder.flush_if_due(at)?;
    }
    record.duration = Some(INTERVAL * TICKS);
    record.ended = Ended::Exited { status: 0 };
    record.sampling = Sampling { ticks: TICKS.into(), longest_gap: INTERVAL, ..Sampling::default() };
    recorder.finish(&mut record)?;
    writeln!(std::io::stdout(), "{TICKS} readings, {lines} lines, a peak of {peak}")?;
    Ok(())
}
