//! Records a run of ten million ticks of 10 ms, 28 hours, as fast as it goes, and prints what memguard's own memory came to.
//! The readings are made up; all that is done with them is what a run does.
//!
//!     cargo run --release --example ten_million_ticks FOLDER [TICKS]

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use memguard::trace::{Ended, Holder, ProcessRow, Redactor, RunFolder, RunRecord, Sample, Sampling};
use memguard::units::{Bytes, Metric, Parts, Uncertainty};

const INTERVAL: Duration = Duration::from_millis(10);

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().context("which folder to record into?\nhelp: ten_million_ticks FOLDER")?);
    let ticks: u32 = args.next().map_or(Ok(10_000_000), |text| text.parse()).context("the ticks are no number")?;
    let own = memguard::os::own_usage();
    let mut record = unfinished();
    let mut recorder =
        RunFolder::create(&folder.join("made-up/run-1"), &record, Redactor::default())?.launched(record.started);
    let (mut state, mut peak) = (1_u64, Bytes::ZERO);
    for tick in 0..ticks {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // A slow rise under noise: no two readings are the same, which is the most there is to record.
        let memory = Bytes((100 << 20) + u64::from(tick) * 16 + (state >> 44));
        let at = INTERVAL * tick;
        peak = peak.max(memory);
        recorder.sample(&Sample {
            at,
            memory,
            peak: memory,
            uncertainty: Uncertainty::NONE,
            parts: Parts { rss: Some(memory), anon: Some(memory), ..Parts::default() },
            processes: Some(2),
            machine_used: Some(memory),
        })?;
        let (command, half) = ("worker --once", Bytes(memory.0 / 2));
        recorder.programs(at, memory, || vec![Holder { command, is_fork: false, memory: half }; 2])?;
        // A process that came and went, twice a second.
        if tick.is_multiple_of(50) {
            let command = format!("job {tick}");
            let (started, ended) = (at.saturating_sub(INTERVAL), Some(at));
            recorder.process(&ProcessRow { pid: tick, parent_pid: 1, started, ended, peak: Some(half), command })?;
        }
        recorder.flush_if_due(at)?;
    }
    record.duration = Some(INTERVAL * ticks);
    record.ended = Ended::Exited { status: 0 };
    record.sampling = Sampling { ticks: ticks.into(), longest_gap: INTERVAL, ..Sampling::default() };
    recorder.finish(&mut record)?;
    let now = memguard::os::own_usage();
    let cpu = now.cpu.zip(own.cpu).map(|(now, before)| now.saturating_sub(before)).unwrap_or_default();
    writeln!(
        std::io::stdout(),
        "{ticks} ticks: {} of memory at the most, {:.2} us of CPU a tick to record",
        now.peak.unwrap_or_default(),
        cpu.as_secs_f64() * 1e6 / f64::from(ticks)
    )?;
    Ok(())
}

fn unfinished() -> RunRecord {
    RunRecord {
        workload: "made-up".into(),
        command: "none".into(),
        platform: memguard::os::platform(),
        ..RunRecord::beginning(Metric::Footprint, "proc", INTERVAL)
    }
}
