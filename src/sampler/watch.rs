use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::events::{Caught, Inbox, post};
use super::meter::Meter;
use crate::os::{self, Source};
use crate::trace::{Ended, Redactor, RunFolder, RunRecord, Until};

/// Records what memguard did not start, in `folder`: until it has gone, memguard is told to stop, or `at_most` has passed.
/// `record` says what is known beforehand; it comes back complete.
///
/// # Errors
/// When what must be read or written can't be. What was recorded stands.
pub fn watch(
    source: Box<dyn Source>,
    at_most: Option<Duration>,
    folder: &Path,
    mut record: RunRecord,
    caught: &Caught,
) -> Result<RunRecord> {
    let files = RunFolder::create(folder, &record, Redactor::default())?;
    let own_before = os::own_usage();
    let clock = Instant::now();
    record.started = Timestamp::now();
    let mut recorder = files.launched(record.started);
    let (outbox, inbox) = post();
    caught.listen(Some(outbox));
    let meter = Meter::new(source, record.interval, &mut recorder, clock, own_before);
    let mut watch = Watch { meter, inbox, clock, at_most };
    // What came before there was anybody to tell it is looked for once.
    let ended = if caught.signal().is_some() { watch.meter.read().map(|()| Until::Told) } else { watch.go_on() };
    caught.listen(None);
    record.duration = Some(clock.elapsed());
    watch.meter.conclude(&mut record);
    let rows = watch.meter.close_rows();
    if let Ok(until) = &ended {
        record.ended = Ended::Recorded { until: *until };
    }
    let finished = recorder.finish(&mut record);
    ended.context("could not read the memory")?;
    rows.and(finished)?;
    Ok(record)
}

/// A recording under way.
struct Watch<'a> {
    meter: Meter<'a, dyn Source>,
    inbox: Inbox,
    clock: Instant,
    at_most: Option<Duration>,
}

impl Watch<'_> {
    /// Reads at every tick, and once more at the end.
    fn go_on(&mut self) -> Result<Until> {
        loop {
            self.meter.read()?;
            if self.meter.source.is_gone() {
                return Ok(Until::Gone);
            }
            // None but interrupts come here.
            if self.meter.wait(&self.inbox, self.at_most).is_some() {
                self.meter.read()?;
                return Ok(Until::Told);
            }
            if self.at_most.is_some_and(|end| self.clock.elapsed() >= end) {
                self.meter.read()?;
                return Ok(Until::Time);
            }
        }
    }
}
