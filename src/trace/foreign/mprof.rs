//! mprof's files: `MEM <MiB> <seconds since 1970>` for the process (with its children, where it was told so), `CHLD <number>
//! <MiB> <seconds>` for each child beside it, `FUNC <name> <MiB> <begin> <MiB> <end>` for a watched function, `CMDLINE …` first.

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::faults::Fault;
use super::number::Decimal;
use super::{Format, Recording, Sink};
use crate::trace::model::{LogLine, Stream};
use crate::units::Bytes;

const MIB: u64 = 1 << 20;
const SECOND: i64 = 1_000_000_000;
/// Functions are told where each was entered; a program may enter one a million times.
const FUNCTIONS: usize = 10_000;

#[derive(Default)]
pub(super) struct Mprof {
    sink: Sink,
    command: Option<String>,
    /// The last `MEM`, to which the children that follow are added: line, time, sum.
    held: Option<(u64, i64, u64)>,
    functions: Vec<(i64, String)>,
    functions_left_out: u64,
    /// mprof appends to a file that is there: each run begins with its command.
    runs: u32,
}

impl Mprof {
    /// Whether a file that begins with this line is mprof's.
    pub(super) fn begins(first: &[u8]) -> bool {
        first.starts_with(b"CMDLINE ") || first.starts_with(b"MEM ")
    }

    pub(super) fn add_fault(&mut self, line: u64, fault: Fault, text: &[u8]) {
        self.sink.faults.add(line, fault, text);
    }

    pub(super) fn take(&mut self, number: u64, text: &[u8]) {
        if let Some(command) = text.strip_prefix(b"CMDLINE ") {
            // Only the last run is wanted: what was held of an earlier one goes.
            let runs = self.runs + 1;
            *self = Self { runs, ..Self::default() };
            self.command = Some(String::from_utf8_lossy(command).trim().to_owned());
            return;
        }
        let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let read = match words.next() {
            None => return,
            Some(b"MEM") => match (words.next(), words.next()) {
                (Some(memory), Some(time)) => self.memory(number, memory, time),
                _ => Err(Fault::Cells),
            },
            Some(b"CHLD") => match (words.nth(1), words.next()) {
                (Some(memory), Some(_)) => self.child(memory),
                _ => Err(Fault::Cells),
            },
            Some(b"FUNC") => match (words.next(), words.nth(1)) {
                (Some(name), Some(begin)) => self.function(name, begin),
                _ => Err(Fault::Cells),
            },
            Some(_) => Err(Fault::Cells),
        };
        if let Err(fault) = read {
            self.sink.faults.add(number, fault, text);
        }
    }

    fn memory(&mut self, line: u64, memory: &[u8], time: &[u8]) -> Result<(), Fault> {
        let memory = mebibytes(memory)?;
        let time = Decimal::parse(time, false).and_then(|time| time.scaled(SECOND)).ok_or(Fault::Time)?;
        self.release();
        self.held = Some((line, time, memory));
        Ok(())
    }

    fn child(&mut self, memory: &[u8]) -> Result<(), Fault> {
        let memory = mebibytes(memory)?;
        if let Some((_, _, sum)) = &mut self.held {
            *sum = sum.saturating_add(memory);
        }
        Ok(())
    }

    fn function(&mut self, name: &[u8], begin: &[u8]) -> Result<(), Fault> {
        let begin = Decimal::parse(begin, false).and_then(|time| time.scaled(SECOND)).ok_or(Fault::Time)?;
        if self.functions.len() < FUNCTIONS {
            self.functions.push((begin, format!("function {}", String::from_utf8_lossy(name))));
        } else {
            self.functions_left_out += 1;
        }
        Ok(())
    }

    fn release(&mut self) {
        if let Some((line, time, memory)) = self.held.take()
            && !self.sink.push(time, Bytes(memory))
        {
            self.sink.faults.add(line, Fault::Backwards, b"MEM");
        }
    }

    pub(super) fn finish(mut self, name: &str) -> Result<Recording> {
        self.release();
        let first = self.sink.first;
        let (points, rows, mut warnings) = self.sink.finish(name)?;
        let Some(first) = first else { bail!("{name} holds no `MEM` row: mprof recorded nothing") };
        if self.runs > 1 {
            warnings.push(format!("{name} holds {} runs, one after the other: the last is read", self.runs));
        }
        if self.functions_left_out > 0 {
            warnings.push(format!("{name}: {} calls of functions are left out", self.functions_left_out));
        }
        self.functions.sort();
        let line = |(begin, text): (i64, String)| LogLine {
            at: Duration::from_nanos(u64::try_from(begin.saturating_sub(first)).unwrap_or_default()),
            stream: Stream::File("mprof".into()),
            text,
        };
        Ok(Recording {
            format: Format::Mprof,
            command: self.command,
            began: Timestamp::from_nanosecond(first.into()).ok(),
            points,
            rows,
            lines: self.functions.into_iter().map(line).collect(),
            warnings,
        })
    }
}

fn mebibytes(text: &[u8]) -> Result<u64, Fault> {
    Decimal::parse(text, false).and_then(|amount| amount.times(MIB)).ok_or(Fault::Memory)
}
