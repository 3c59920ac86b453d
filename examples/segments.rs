//! Prints the segments of curves as JSON, to hold them against other ways to find breaks: one line a file, of `seconds,bytes` rows
//! and the run's length in the last.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use memguard::analysis::{Outline, segments};
use memguard::units::Bytes;

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).with_context(|| format!("could not read `{path}`"))?;
        let rows: Vec<(f64, u64)> = text
            .lines()
            .map(|line| {
                let (at, bytes) = line.split_once(',').context("a row has no comma")?;
                Ok((at.parse()?, bytes.parse::<f64>()? as u64))
            })
            .collect::<Result<_>>()
            .with_context(|| format!("in `{path}`"))?;
        let rows: Vec<(Duration, Bytes)> =
            rows.into_iter().map(|(at, bytes)| (Duration::from_secs_f64(at), Bytes(bytes))).collect();
        let run = rows.last().map_or(Duration::ZERO, |row| row.0);
        let interval = run / u32::try_from(rows.len().max(2) - 1)?;
        let begun = Instant::now();
        let mut outline = Outline::new(run, interval);
        rows.iter().for_each(|(at, bytes)| outline.push(*at, *bytes));
        let found = segments(outline);
        let took = begun.elapsed().as_secs_f64();
        let found: Vec<_> = found
            .iter()
            .map(|segment| {
                serde_json::json!({
                    "kind": segment.kind.name(),
                    "from_s": segment.from.as_secs_f64(),
                    "to_s": segment.to.as_secs_f64(),
                    "from_bytes": segment.from_level.0,
                    "to_bytes": segment.to_level.0,
                    "share": segment.share.0,
                })
            })
            .collect();
        writeln!(out, "{}", serde_json::json!({ "file": path, "took_s": took, "segments": found }))?;
    }
    Ok(())
}
