use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::script::{Script, Statement};
use crate::os::{self, Memory};
use crate::units::Bytes;

/// A ramp takes memory this often.
const RAMP_INTERVAL: Duration = Duration::from_millis(5);
/// A ramp takes a multiple of this at a time: whole pages on every system.
const RAMP_BYTES: u64 = 64 << 10;
/// The largest piece of memory that is taken and given back at once.
const MAX_PIECE_BYTES: u64 = 2 << 20;
/// The smallest page of any system.
const PAGE_BYTES: usize = 4 << 10;

impl Script {
    /// Is that program. Returns its exit status.
    ///
    /// # Errors
    /// When the system refuses what a statement asks for.
    pub fn run(&self) -> Result<i32> {
        let mut program = Program::default();
        let status = program.all(&self.statements, 0)?;
        program.join();
        // Dropping it piece by piece would draw a slope that the script does not have.
        std::mem::forget(program.pieces);
        Ok(status.unwrap_or(0))
    }
}

/// The program while it runs.
#[derive(Default)]
struct Program {
    pieces: Vec<Memory>,
    children: Vec<Child>,
}

impl Program {
    /// The exit status, where a statement says to end.
    fn all(&mut self, statements: &[Statement], round: u32) -> Result<Option<i32>> {
        for statement in statements {
            match statement {
                Statement::Exit(status) => {
                    self.join();
                    return Ok(Some(i32::from(*status)));
                }
                Statement::Repeat { count, body } => {
                    for round in 1..=*count {
                        if let Some(status) = self.all(body, round)? {
                            return Ok(Some(status));
                        }
                    }
                }
                statement => self.one(statement, round)?,
            }
        }
        Ok(None)
    }

    fn one(&mut self, statement: &Statement, round: u32) -> Result<()> {
        let numbered = |text: &str| text.replace("{round}", &round.to_string());
        match statement {
            Statement::Ramp { size, time } => self.ramp(*size, *time)?,
            Statement::Hold(time) => thread::sleep(*time),
            Statement::Spike { size, time } => {
                let before = self.pieces.len();
                self.take(*size)?;
                thread::sleep(*time);
                self.pieces.truncate(before);
            }
            Statement::Drop(None) => self.pieces.clear(),
            Statement::Drop(Some(size)) => self.give_back(*size)?,
            Statement::Fork { count, size, time } => {
                for _ in 0..*count {
                    self.children.push(holder(*size, *time)?);
                }
            }
            Statement::Join => self.join(),
            Statement::Log(text) => line(io::stdout(), &numbered(text))?,
            Statement::Err(text) => line(io::stderr(), &numbered(text))?,
            Statement::Repeat { .. } | Statement::Exit(_) => {}
        }
        Ok(())
    }

    /// Takes memory evenly: at every instant the share of the size that is the share of the time.
    fn ramp(&mut self, size: Bytes, time: Duration) -> Result<()> {
        let pieces = u128::from((size.0 / RAMP_BYTES).max(1));
        let steps = u32::try_from((time.as_nanos() / RAMP_INTERVAL.as_nanos()).clamp(1, pieces)).unwrap_or(u32::MAX);
        let begun = Instant::now();
        let mut taken = 0;
        for step in 1..=steps {
            let until = match step {
                step if step == steps => size.0,
                step => size.0 / RAMP_BYTES * u64::from(step) / u64::from(steps) * RAMP_BYTES,
            };
            self.take(Bytes(until - taken))?;
            taken = until;
            thread::sleep(time.mul_f64(f64::from(step) / f64::from(steps)).saturating_sub(begun.elapsed()));
        }
        Ok(())
    }

    /// Takes memory and makes all of it resident.
    fn take(&mut self, size: Bytes) -> Result<()> {
        let mut left = size.0;
        while left > 0 {
            let length = left.min(MAX_PIECE_BYTES);
            let mut piece = os::map_memory(length as usize).with_context(|| format!("could not take {size}"))?;
            piece.chunks_mut(PAGE_BYTES).for_each(|page| page[0] = 1);
            self.pieces.push(piece);
            left -= length;
        }
        Ok(())
    }

    /// Gives the youngest memory back first.
    fn give_back(&mut self, size: Bytes) -> Result<()> {
        let mut left = size.0;
        while left > 0
            && let Some(piece) = self.pieces.pop()
        {
            let length = piece.len() as u64;
            drop(piece);
            if length > left {
                return self.take(Bytes(length - left));
            }
            left -= length;
        }
        Ok(())
    }

    fn join(&mut self) {
        for mut child in self.children.drain(..) {
            let _ = child.wait(); // how it ended does not matter
        }
    }
}

fn line(mut to: impl io::Write, text: &str) -> Result<()> {
    writeln!(to, "{text}").and_then(|()| to.flush()).context("could not print")
}

/// Starts a process that holds memory for a time.
fn holder(size: Bytes, time: Duration) -> Result<Child> {
    let own = std::env::current_exe().context("could not find memguard's own program")?;
    let script = format!("ramp {}B; hold {}us", size.0, time.as_micros());
    Command::new(own).args(["synth", &script]).stdin(Stdio::null()).spawn().context("could not start a process")
}
