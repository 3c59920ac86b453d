use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::screen::{Destination, Screen};
use crate::os;

/// Large enough that a workload which prints a lot seldom waits for memguard.
const CHUNK: usize = 64 << 10;
/// The time between two looks at whether output has been passed on.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// A stream of the workload's output, from memguard's side.
#[derive(Debug)]
pub struct OutputPipe {
    pipe: File,
    /// Held from before a piece is read until it has been passed on.
    passing: Mutex<()>,
}

impl OutputPipe {
    pub(super) fn new(pipe: File) -> Self {
        Self { pipe, passing: Mutex::new(()) }
    }

    /// Waits for the next piece. It is empty at the end of the stream.
    fn read(&self, buffer: &mut [u8]) -> io::Result<(usize, MutexGuard<'_, ()>)> {
        os::wait_for_input(&self.pipe);
        let passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        (&self.pipe).read(buffer).map(|length| (length, passing))
    }

    /// Waits until everything that was printed has been passed on, but not past the deadline: what reads memguard's output may
    /// have stopped reading.
    pub fn wait_until_passed_on(&self, deadline: Instant) {
        let is_passing = || matches!(self.passing.try_lock(), Err(TryLockError::WouldBlock));
        while (os::has_input(&self.pipe) || is_passing()) && Instant::now() < deadline {
            thread::sleep(LOOK_INTERVAL);
        }
    }
}

/// Passes everything on as it comes, byte by byte the same, and shows each piece to `record` with the instant at which it
/// came. Returns at the end of the stream.
///
/// When nobody reads memguard's output any more (`memguard run … | head`), it returns early. The caller then closes the stream,
/// and the workload meets the broken pipe that it would have met without memguard.
///
/// # Errors
/// When a piece can't be written for another reason, such as a full disk. Every piece has been recorded all the same.
pub fn pass_on(
    from: &OutputPipe,
    screen: &Screen,
    to: Destination,
    mut record: impl FnMut(Instant, &[u8]),
) -> io::Result<()> {
    let mut out: Box<dyn Write> = match to {
        Destination::Stdout => match os::unbuffered_stdout() {
            Ok(stdout) => Box::new(stdout),
            Err(_) => Box::new(io::stdout()),
        },
        Destination::Stderr => Box::new(io::stderr()),
    };
    let mut buffer = vec![0; CHUNK];
    let mut passed_on = Ok(());
    loop {
        let (length, _passing) = match from.read(&mut buffer) {
            Ok((0, _)) => return passed_on,
            Ok(piece) => piece,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return passed_on,
        };
        let now = Instant::now();
        let written = if passed_on.is_ok() { screen.pass(to, &mut out, &buffer[..length]) } else { Ok(()) };
        record(now, &buffer[..length]);
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => passed_on = Err(error),
            Ok(()) => {}
        }
    }
}
