use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::script::{Script, Statement};
use crate::os::{self, Block};
use crate::units::Bytes;

/// Memory is taken in steps of this length, or of a page if that is longer.
const STEP: Duration = Duration::from_millis(5);

impl Script {
    /// Is that program. Returns its exit status.
    ///
    /// # Errors
    /// When the system refuses what a statement asks for.
    pub fn run(&self) -> Result<i32> {
        let mut program = Program::default();
        let status = program.all(&self.statements, 0)?;
        program.join();
        // Piece by piece that would be a part of the shape which nobody asked for: the end gives all of it back at once.
        std::mem::forget(program.blocks);
        Ok(status.unwrap_or(0))
    }
}

/// The program while it runs.
#[derive(Default)]
struct Program {
    blocks: Vec<Block>,
    forks: Vec<os::Fork>,
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
        let numbered = |text: &str| text.replace("{n}", &round.to_string());
        match statement {
            Statement::Ramp { size, time } => self.ramp(*size, *time)?,
            Statement::Hold(time) => thread::sleep(*time),
            Statement::Spike { size, time } => {
                let block = Block::touched(*size)?;
                thread::sleep(*time);
                drop(block);
            }
            Statement::Drop(None) => self.blocks.clear(),
            Statement::Drop(Some(size)) => self.give_back(*size)?,
            Statement::Map { size, backing } => self.blocks.push(Block::backed(*backing, *size)?),
            Statement::PageOut => self.blocks.iter_mut().try_for_each(Block::page_out)?,
            Statement::Fork { count, size, shared: true, time } => {
                let block = Block::touched(*size)?;
                for _ in 0..*count {
                    self.forks.push(os::fork(|| thread::sleep(*time))?);
                }
                self.blocks.push(block);
            }
            Statement::Fork { count, size, shared: false, time } => {
                for _ in 0..*count {
                    self.children.push(holder(*size, *time)?);
                }
            }
            Statement::Join => self.join(),
            Statement::Churn { count, time, size, at_once } => churn(*count, *time, *size, *at_once)?,
            Statement::Daemonise { size, time } => os::daemonise(|| {
                // What it can't take it does without: there is nobody to tell.
                let _ = Self::default().ramp(*size, *time);
            })?,
            Statement::Log(text) => line(io::stdout(), &numbered(text))?,
            Statement::Err(text) => line(io::stderr(), &numbered(text))?,
            Statement::Print(size) => noise(*size)?,
            Statement::File { path, text } => {
                std::fs::write(path, numbered(text))
                    .with_context(|| format!("could not write `{}`", path.display()))?;
            }
            Statement::Listen(port) => listen(*port)?,
            Statement::Wait => {
                let mut byte = [0];
                while io::stdin().read(&mut byte).context("could not read standard input")? == 1 && byte != *b"\n" {}
            }
            Statement::Ignore(signal) => os::ignore_signal(*signal)?,
            Statement::Signal(signal) => {
                os::signal_process(std::process::id(), *signal);
                // A signal for oneself is delivered before long, if not at once.
                thread::sleep(Duration::from_secs(1));
            }
            Statement::CloseStdout => os::close_stdout(),
            Statement::Repeat { .. } | Statement::Exit(_) => {}
        }
        Ok(())
    }

    /// Takes memory evenly: at every instant the share of the size that is the share of the time.
    fn ramp(&mut self, size: Bytes, time: Duration) -> Result<()> {
        let pages = u128::from((size.0 / 4096).max(1));
        let steps = u32::try_from((time.as_nanos() / STEP.as_nanos()).clamp(1, pages)).unwrap_or(u32::MAX);
        let begun = Instant::now();
        let mut block = Block::untouched(size)?;
        for step in 1..=steps {
            block.touch(Bytes(size.0 / u64::from(steps) * u64::from(step)));
            thread::sleep(time.mul_f64(f64::from(step) / f64::from(steps)).saturating_sub(begun.elapsed()));
        }
        block.touch(size);
        self.blocks.push(block);
        Ok(())
    }

    /// The youngest memory goes first.
    fn give_back(&mut self, size: Bytes) -> Result<()> {
        let mut left = size;
        while let Some(block) = self.blocks.pop() {
            if block.size() > left {
                let kept = block.size().saturating_sub(left);
                drop(block);
                self.blocks.push(Block::touched(kept)?);
                return Ok(());
            }
            left = left.saturating_sub(block.size());
        }
        Ok(())
    }

    fn join(&mut self) {
        self.forks.drain(..).for_each(os::Fork::wait);
        for mut child in self.children.drain(..) {
            let _ = child.wait(); // how it ended is its own affair
        }
    }
}

fn line(mut to: impl io::Write, text: &str) -> Result<()> {
    writeln!(to, "{text}").and_then(|()| to.flush()).context("could not print")
}

/// A process of its own that holds so much for so long.
fn holder(size: Bytes, time: Duration) -> Result<Child> {
    let own = std::env::current_exe().context("could not find memguard's own program")?;
    let script = format!("ramp {}B; hold {}us", size.0, time.as_micros());
    let mut command = std::process::Command::new(own);
    command.args(["synth", &script]).stdin(Stdio::null()).spawn().context("could not start a process")
}

fn churn(count: u32, time: Duration, size: Bytes, at_once: u32) -> Result<()> {
    let mut living: VecDeque<Child> = VecDeque::new();
    let wait = |mut child: Child| child.wait().map(drop).context("could not wait for a process");
    for _ in 0..count {
        if living.len() >= at_once as usize
            && let Some(oldest) = living.pop_front()
        {
            wait(oldest)?;
        }
        living.push_back(holder(size, time)?);
    }
    living.into_iter().try_for_each(wait)
}

/// Bytes of every value, line ends among them.
fn noise(size: Bytes) -> Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chunk = [0; 8192];
    let (mut left, mut out) = (usize::try_from(size.0).unwrap_or(usize::MAX), io::stdout().lock());
    while left > 0 {
        for bytes in chunk.chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.copy_from_slice(&state.to_le_bytes());
        }
        let length = left.min(chunk.len());
        out.write_all(&chunk[..length]).context("could not print")?;
        left -= length;
    }
    out.flush().context("could not print")
}

/// Connections are accepted by the system; a thread takes them off its hands.
fn listen(port: u16) -> Result<()> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("could not listen on port {port}"))?;
    thread::spawn(move || listener.incoming().for_each(drop));
    Ok(())
}
