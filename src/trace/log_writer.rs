//! The writer of `log.csv`: from the bytes of several streams to rows, bounded whatever a workload prints.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use super::clock::{Stamp, WallClock};
use super::lines::{LineSplitter, RawLine};
use super::log_csv::name;
use super::log_pending::{Chunk, Due, Pending};
use super::log_store::{LogStore, Omitted};
use super::model::Stream;
use super::redact::Redactor;
use super::text::harmless;
use crate::units::{Bytes, format_duration};

/// The most that `log.csv` holds: 128 MiB, a million lines of usual length, half of it the beginning of the log and half its end.
pub const LARGEST_LOG: Bytes = Bytes::from_mib(128);

/// Is shown each line as `log.csv` has it, with its arrival, and answers with the time that it is to have.
pub type StampBy<'a> = dyn FnMut(Duration, &str) -> Duration + 'a;

/// Writes `log.csv`; shared by the threads that read the workload's output and the one that samples.
///
/// Rows stand in the order in which the lines were completed, nearly. A line's time is the arrival of its first byte, or its
/// own, so a line that was printed in parts may stand after a younger one.
///
/// A log keeps its beginning and its end. Once it is past the beginning, output that nobody wants to be shown waits in memory
/// until it is stored a few times a second; where more comes than can be kept anyway, it is counted and never looked at.
pub struct LogWriter {
    inner: Mutex<Inner>,
}

struct Inner {
    /// Of the streams that have brought something and have not ended.
    splitters: Vec<(Stream, LineSplitter)>,
    pending: Pending,
    log: Log,
    closed: bool,
}

/// The rows, once they are lines.
struct Log {
    store: LogStore,
    redactor: Redactor,
    stamp: Stamp,
    scratch: String,
}

impl LogWriter {
    pub(super) fn new(store: LogStore, clock: WallClock, redactor: Redactor) -> Self {
        let log = Log { store, redactor, stamp: Stamp::new(clock), scratch: String::new() };
        Self { inner: Mutex::new(Inner { splitters: Vec::new(), pending: Pending::default(), log, closed: false }) }
    }

    /// Takes bytes as they arrived at `at`. Every line that they end is shown to `stamp`, stored or not; without one, its
    /// time is its arrival. It must not call this writer.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn push(&self, stream: &Stream, at: Duration, bytes: &[u8], stamp: Option<&mut StampBy<'_>>) -> Result<()> {
        let mut inner = self.lock();
        if inner.closed {
            return Ok(());
        }
        let index = inner.place_of(stream);
        match stamp {
            None if inner.log.store.has_begun_its_end() => {
                inner.pending.push(index, at, bytes);
                inner.work_off(at)
            }
            // Those that are shown are waited for.
            mut stamp => {
                let Inner { splitters, log, .. } = &mut *inner;
                let (stream, splitter) = &mut splitters[index];
                splitter.push(at, bytes, |line| log.line(stream, &line, stamp.as_deref_mut()))
            }
        }
    }

    /// The stream has ended: what it printed last is a line though nothing ended it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn end(&self, stream: &Stream, mut stamp: Option<&mut StampBy<'_>>) -> Result<()> {
        let mut inner = self.lock();
        if inner.closed {
            return Ok(());
        }
        let stored = inner.store_pending(Duration::ZERO);
        let Inner { splitters, log, .. } = &mut *inner;
        let Some(index) = splitters.iter().position(|(known, _)| known == stream) else { return stored };
        let (_, mut splitter) = splitters.swap_remove(index);
        stored.and(splitter.finish(|line| log.line(stream, &line, stamp.as_deref_mut())))
    }

    pub(super) fn flush(&self, now: Duration) -> Result<()> {
        let mut inner = self.lock();
        let stored = if inner.pending.is_old(now) { inner.store_pending(now) } else { Ok(()) };
        stored.and(inner.log.store.flush())
    }

    /// Writes what is left. What comes later, from a process that kept the stream open, is ignored. Tells what is not
    /// in the file.
    pub(super) fn finish(&self) -> (Result<()>, Option<String>) {
        let mut inner = self.lock();
        let stored = inner.store_pending(Duration::ZERO);
        let Inner { splitters, log, closed, .. } = &mut *inner;
        *closed = true;
        let end =
            |(stream, mut splitter): (Stream, LineSplitter)| splitter.finish(|line| log.line(&stream, &line, None));
        let written = std::mem::take(splitters).into_iter().try_for_each(end);
        match log.store.finish() {
            Ok(omitted) => (stored.and(written), omitted.map(Omitted::notice)),
            Err(error) => (stored.and(written).and(Err(error)), None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn place_of(&mut self, stream: &Stream) -> usize {
        self.splitters.iter().position(|(known, _)| known == stream).unwrap_or_else(|| {
            self.splitters.push((stream.clone(), LineSplitter::default()));
            self.splitters.len() - 1
        })
    }

    fn work_off(&mut self, now: Duration) -> Result<()> {
        loop {
            match self.pending.due(now) {
                Due::Nothing => return Ok(()),
                Due::Store => return self.store_pending(now),
                Due::Skip => self.skip_oldest(),
            }
        }
    }

    fn store_pending(&mut self, now: Duration) -> Result<()> {
        for Chunk { stream, at, bytes } in self.pending.take(now) {
            let (stream, splitter) = &mut self.splitters[stream];
            splitter.push(at, &bytes, |line| self.log.line(stream, &line, None))?;
        }
        Ok(())
    }

    fn skip_oldest(&mut self) {
        let Some(Chunk { stream, at, bytes }) = self.pending.pop() else { return };
        if let Some((from, lines)) = self.splitters[stream].1.count(at, &bytes) {
            self.log.store.skip(from, lines, &mut self.log.stamp);
        }
    }
}

impl Log {
    fn line(&mut self, stream: &Stream, line: &RawLine<'_>, stamp: Option<&mut StampBy<'_>>) -> Result<()> {
        let text = if self.redactor.is_idle() {
            Cow::Borrowed(harmless(line.bytes, line.cut, &mut self.scratch))
        } else if line.cut == 0 {
            self.redactor.apply(harmless(line.bytes, 0, &mut self.scratch))
        } else {
            Cow::Owned(self.redactor.apply_to_cut(harmless(line.bytes, 0, &mut self.scratch), line.cut))
        };
        let at = stamp.map_or(line.at, |stamp| stamp(line.at, &text));
        self.store.push(at, &mut self.stamp, name(stream), &text)
    }
}

impl Omitted {
    fn notice(self) -> String {
        let Self { from, lines } = self;
        let (noun, from) = (if lines == 1 { "line" } else { "lines" }, format_duration(from));
        format!(
            "{lines} {noun} of output from {from} on are not in `log.csv`, which holds {LARGEST_LOG} at the most: the beginning \
             of the log and its end"
        )
    }
}

#[cfg(test)]
mod tests;
