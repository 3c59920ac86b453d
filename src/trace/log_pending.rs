//! Output that waits to become rows, so that what no room is left for never does.

use std::collections::VecDeque;
use std::time::Duration;

/// So much waits at the most. It is looked through and stored in a millisecond or a few: less than between two readings.
const MOST: usize = 1 << 20;
/// It is stored no more often than this, which is 16 MiB a second.
const STORED_EVERY: Duration = Duration::from_micros(62_500);
/// What a chunk takes beside its bytes.
const OVERHEAD: usize = 64;

/// The chunks of all streams in the order in which they came.
#[derive(Default)]
pub(super) struct Pending {
    chunks: VecDeque<Chunk>,
    held: usize,
    stored: Duration,
}

pub(super) struct Chunk {
    /// Whose it is, by its place among the streams.
    pub(super) stream: usize,
    pub(super) at: Duration,
    pub(super) bytes: Vec<u8>,
}

/// What is to be done with what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// All of it is to be stored.
    Store,
    /// The oldest chunk is to be counted and left out; then it is to be asked again.
    Skip,
}

impl Pending {
    pub(super) fn push(&mut self, stream: usize, at: Duration, bytes: &[u8]) {
        self.held += bytes.len() + OVERHEAD;
        self.chunks.push_back(Chunk { stream, at, bytes: bytes.to_owned() });
    }

    pub(super) fn due(&self, now: Duration) -> Due {
        match () {
            () if self.held <= MOST => Due::Nothing,
            () if now >= self.stored + STORED_EVERY => Due::Store,
            () => Due::Skip,
        }
    }

    /// Whether what waits has done so for long enough that a crash should not take it.
    pub(super) fn is_old(&self, now: Duration) -> bool {
        self.chunks.front().is_some_and(|chunk| now >= chunk.at + 2 * STORED_EVERY)
    }

    /// The oldest chunk.
    pub(super) fn pop(&mut self) -> Option<Chunk> {
        let chunk = self.chunks.pop_front()?;
        self.held -= chunk.bytes.len() + OVERHEAD;
        Some(chunk)
    }

    /// All of them, to be stored.
    pub(super) fn take(&mut self, now: Duration) -> VecDeque<Chunk> {
        (self.held, self.stored) = (0, now);
        std::mem::take(&mut self.chunks)
    }
}
