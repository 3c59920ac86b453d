use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use super::screen::{Destination, Screen};
use crate::os;

/// Large enough that a workload which prints a lot seldom waits for memguard.
const CHUNK: usize = 64 << 10;

/// A stream of the workload's output, from memguard's side.
#[derive(Debug)]
pub struct OutputPipe {
    pipe: File,
}

impl OutputPipe {
    pub(super) fn new(pipe: File) -> Self {
        Self { pipe }
    }

    /// Waits for the next piece. It is empty at the end of the stream.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.pipe).read(buffer)
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
        let length = match from.read(&mut buffer) {
            Ok(0) => return passed_on,
            Ok(length) => length,
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
