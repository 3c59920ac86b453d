//! What a workload prints, and a line of memguard's own under it.

use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Where what a workload prints is passed on to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// memguard's standard output.
    Stdout,
    /// memguard's standard error.
    Stderr,
}

/// After output the line comes back at once, but not sooner than this after it last did: where a workload prints faster it is
/// drawn as often as it is told anew.
const APART: Duration = Duration::from_millis(50);

/// The time between two attempts to write to an output that is full and does not block.
const FULL: Duration = Duration::from_millis(1);

/// memguard's own standard output and error, shared by what the workload prints and what memguard says meanwhile.
///
/// The workload's bytes go through as they come. memguard's own never stand within a line of the workload's, and the line that is
/// drawn under its output is gone before the next of its bytes is written.
#[derive(Debug, Default)]
pub struct Screen {
    /// Whether the last that was passed on left its line open, for each destination.
    is_open: [AtomicBool; 2],
    /// The line under the output, where there is a terminal for it. Without one nobody waits for anybody: whoever reads the one
    /// stream may be waiting for the other.
    drawn: Option<Drawn>,
}

#[derive(Debug)]
struct Drawn {
    /// Which destinations are a terminal: what goes elsewhere neither hides the line nor waits for it.
    on_terminal: [bool; 2],
    line: Mutex<Line>,
}

impl Screen {
    /// With a line that can be drawn under the output: standard error is a terminal.
    #[must_use]
    pub fn with_line() -> Self {
        let on_terminal = [Destination::Stdout, Destination::Stderr].map(Destination::is_terminal);
        Self { drawn: Some(Drawn { on_terminal, line: Mutex::default() }), ..Self::default() }
    }

    /// Passes a piece of the workload's output on, by `out`, which writes to that destination.
    pub(super) fn pass(&self, to: Destination, out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        let line = self.drawn.as_ref().filter(|drawn| drawn.on_terminal[to as usize]).map(Drawn::lock);
        let Some(mut line) = line else { return self.write(to, out, bytes) };
        line.hide(&mut io::stderr());
        let written = self.write(to, out, bytes);
        if written.is_ok() && self.is_between_lines() {
            line.come_back(&mut io::stderr(), Instant::now());
        }
        written
    }

    fn write(&self, to: Destination, out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        let is_open = &self.is_open[to as usize];
        // Whoever looks meanwhile must not take a part of it for the whole.
        is_open.store(true, Ordering::Relaxed);
        let written = write_all(out, bytes).and_then(|()| out.flush());
        is_open.store(bytes.last() != Some(&b'\n'), Ordering::Relaxed);
        written
    }

    /// Whether what memguard says now begins a line: a file may hold both streams, a terminal those that go to it.
    fn is_between_lines(&self) -> bool {
        let counts = self.drawn.as_ref().map_or([true; 2], |drawn| drawn.on_terminal);
        self.is_open.iter().zip(counts).all(|(is_open, counts)| !(counts && is_open.load(Ordering::Relaxed)))
    }

    /// Draws a line under the output, in place of the one before it; within a line of the workload's it waits for the end of that.
    /// None where the terminal is somebody else's for now: it stays as it is.
    pub fn draw(&self, text: Option<&str>) {
        let Some(drawn) = &self.drawn else { return };
        let mut line = drawn.lock();
        line.set(text);
        if self.is_between_lines() {
            line.redraw(&mut io::stderr());
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        let Some(drawn) = &self.drawn else { return };
        let mut line = drawn.lock();
        line.hide(&mut io::stderr());
        line.set(None);
    }

    /// Does something while no line is drawn, such as to leave the terminal to another program for a while.
    pub fn without_line<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut line = self.drawn.as_ref().map(Drawn::lock);
        if let Some(line) = &mut line {
            line.hide(&mut io::stderr());
            line.set(None);
        }
        act()
    }

    /// Says a sentence to whoever watches.
    pub fn say(&self, sentence: &str) {
        let mut line = self.drawn.as_ref().map(Drawn::lock);
        if let Some(line) = &mut line {
            line.hide(&mut io::stderr());
        }
        // Whoever closed standard error does not want to read it.
        let _ = writeln!(io::stderr(), "memguard: {sentence}");
    }

    /// Says it only where it would not stand within a line of the workload's.
    pub fn say_between_lines(&self, sentence: &str) {
        if self.is_between_lines() {
            self.say(sentence);
        }
    }
}

/// Writes all of it, also where another program has made memguard's own output one that does not block: all who inherited a
/// terminal or a pipe share that setting.
fn write_all(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(FULL),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Drawn {
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Destination {
    fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        }
    }
}

/// A line at the cursor that can be taken away again. What can't be written is not missed: the workload's own output tells.
#[derive(Debug, Default)]
struct Line {
    text: Option<String>,
    is_shown: bool,
    came_back: Option<Instant>,
}

impl Line {
    fn set(&mut self, text: Option<&str>) {
        // Where somebody else has the terminal, what stands beside the line is theirs.
        self.is_shown &= text.is_some();
        self.text = text.map(str::to_owned);
    }

    /// Back to the first column, and the rest of the row erased (`EL`, ECMA-48 8.3.41).
    fn hide(&mut self, to: &mut impl Write) {
        if self.is_shown {
            let _ = to.write_all(b"\r\x1b[K");
            self.is_shown = false;
        }
    }

    fn come_back(&mut self, to: &mut impl Write, now: Instant) {
        if self.came_back.is_none_or(|before| now.duration_since(before) >= APART) {
            self.redraw(to);
            self.came_back = Some(now);
        }
    }

    /// Over what is shown, so that it does not flicker.
    fn redraw(&mut self, to: &mut impl Write) {
        let Some(text) = &self.text else { return };
        let _ = to.write_all(format!("\r{text}\x1b[K").as_bytes());
        self.is_shown = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_drawn_over_the_one_before_it_and_taken_away_once() {
        let (mut line, mut out) = (Line::default(), Vec::new());
        line.redraw(&mut out);
        line.hide(&mut out);
        assert!(out.is_empty(), "there is nothing to draw yet");
        for text in ["one", "two"] {
            line.set(Some(text));
            line.redraw(&mut out);
        }
        line.hide(&mut out);
        line.hide(&mut out);
        assert_eq!(out, b"\rone\x1b[K\rtwo\x1b[K\r\x1b[K");
    }

    #[test]
    fn an_output_that_is_full_for_now_gets_all_of_it() {
        struct Slow(Vec<u8>, bool);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 = !self.1;
                if self.1 {
                    return Err(ErrorKind::WouldBlock.into());
                }
                self.0.push(bytes[0]);
                Ok(1)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut slow = Slow(Vec::new(), false);
        Screen::default().pass(Destination::Stdout, &mut slow, b"abc").unwrap();
        assert_eq!(slow.0, b"abc");
    }

    #[test]
    fn after_output_it_comes_back_but_not_more_often_than_can_be_read() {
        let (mut line, mut out, begun) = (Line::default(), Vec::new(), Instant::now());
        line.set(Some("x"));
        line.redraw(&mut out);
        out.clear();
        for (after, is_shown) in [(Duration::ZERO, true), (APART / 2, false), (APART, true)] {
            line.hide(&mut out);
            out.clear();
            line.come_back(&mut out, begun + after);
            assert_eq!(out == b"\rx\x1b[K", is_shown, "after {after:?}");
        }
    }

    #[test]
    fn beside_somebody_elses_text_nothing_is_taken_away() {
        let (mut line, mut out) = (Line::default(), Vec::new());
        line.set(Some("x"));
        line.redraw(&mut out);
        line.set(None);
        out.clear();
        line.hide(&mut out);
        line.redraw(&mut out);
        assert!(out.is_empty());
    }
}
