use std::io::{self, Read, Write};
use std::time::Instant;

use crate::os;

/// Where what a workload prints is passed on to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// memguard's standard output.
    Stdout,
    /// memguard's standard error.
    Stderr,
}

/// Large enough that a workload which prints a lot seldom waits for memguard.
const CHUNK: usize = 64 << 10;

/// Passes everything on as it comes, byte by byte the same, and shows each piece to `record` with the instant at which it
/// came. Returns at the end of the stream.
///
/// When nobody reads memguard's output any more (`memguard run … | head`), the stream is closed: the workload meets the
/// broken pipe that it would have met without memguard.
pub fn pass_on(mut from: impl Read, to: Destination, mut record: impl FnMut(Instant, &[u8])) {
    let mut to: Box<dyn Write> = match to {
        Destination::Stdout => match os::unbuffered_stdout() {
            Ok(stdout) => Box::new(stdout),
            Err(_) => Box::new(io::stdout()),
        },
        Destination::Stderr => Box::new(io::stderr()),
    };
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let now = Instant::now();
        let written = to.write_all(&buffer[..length]).and_then(|()| to.flush());
        record(now, &buffer[..length]);
        if written.is_err() {
            return;
        }
    }
}
