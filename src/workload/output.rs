use std::io::{self, Read, Write};
use std::time::Instant;

use super::screen::{Destination, Screen};
use crate::os;

/// Large enough that a workload which prints a lot seldom waits for memguard.
const CHUNK: usize = 64 << 10;

/// Passes everything on as it comes, byte by byte the same, and shows each piece to `record` with the instant at which it
/// came. Returns at the end of the stream.
///
/// When nobody reads memguard's output any more (`memguard run … | head`), the stream is closed: the workload meets the
/// broken pipe that it would have met without memguard.
pub fn pass_on(mut from: impl Read, screen: &Screen, to: Destination, mut record: impl FnMut(Instant, &[u8])) {
    let mut out: Box<dyn Write> = match to {
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
        let written = screen.pass(to, &mut out, &buffer[..length]);
        record(now, &buffer[..length]);
        if written.is_err() {
            return;
        }
    }
}
