//! Runs a script.

use std::collections::VecDeque;
use std::io::{BufRead as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use memguard::units::{Bytes, parse_duration};
use rustix::process::{Pid, WaitOptions, setsid, waitpid};

use crate::memory::Memory;

const RAMP_INTERVAL: Duration = Duration::from_millis(5);

pub(crate) fn run(script: &str) -> Result<()> {
    // Braces are words of their own; a quoted word is one, too, so that scripts of `synth` run here.
    let script = script.replace('{', " { ").replace('}', " } ;").replace('"', "");
    let words: Vec<&str> = script.split(';').flat_map(|part| part.split_whitespace().chain([";"])).collect();
    let mut program = Program::default();
    program.run(&words)?;
    program.join();
    // Dropping it piece by piece would draw a slope that the script does not have.
    std::mem::forget(program.memory);
    Ok(())
}

#[derive(Default)]
struct Program {
    memory: Vec<Memory>,
    forks: Vec<Pid>,
}

impl Program {
    fn run(&mut self, mut words: &[&str]) -> Result<()> {
        while let Some((&word, rest)) = words.split_first() {
            if word == ";" {
                words = rest;
            } else if word == "repeat" {
                let end = closing(rest)?;
                for _ in 0..number(rest.first())? {
                    self.run(&rest[2..end])?;
                }
                words = &rest[end + 1..];
            } else if word == "worker" {
                let end = closing(rest)?;
                for _ in 0..number(rest.first())? {
                    let worker =
                        fork(|| Self::default().run(&rest[2..end]).and_then(|()| Ok(std::io::stdout().flush()?)))?;
                    self.forks.push(worker);
                }
                words = &rest[end + 1..];
            } else {
                let end = words.iter().position(|word| *word == ";").unwrap_or(words.len());
                self.statement(&words[..end]).with_context(|| words[..end].join(" "))?;
                words = &words[end..];
            }
        }
        Ok(())
    }

    fn statement(&mut self, words: &[&str]) -> Result<()> {
        match *words {
            ["ramp", size] => self.ramp(bytes(size)?, Duration::ZERO)?,
            ["ramp", size, over] => self.ramp(bytes(size)?, time(over)?)?,
            ["spike", size, held] => {
                let mut memory = Memory::private(bytes(size)?)?;
                memory.touch(bytes(size)?);
                thread::sleep(time(held)?);
            }
            ["map", size, kind] => self.memory.push(Memory::of_kind(kind, bytes(size)?)?),
            ["pageout"] => self.memory.iter_mut().try_for_each(Memory::page_out)?,
            ["hold", held] => thread::sleep(time(held)?),
            ["fork", count, size, "shared", held] => {
                let held = time(held)?;
                self.ramp(bytes(size)?, Duration::ZERO)?;
                for _ in 0..number(Some(&count))? {
                    self.forks.push(fork(|| thread::sleep(held))?);
                }
            }
            ["join"] => self.join(),
            ["churn", count, held, size, at_once] => churn(number(Some(&count))?, held, size, number(Some(&at_once))?)?,
            ["daemonise", size, over] => {
                let (size, over) = (bytes(size)?, time(over)?);
                daemonise(|| Self::default().ramp(size, over))?;
            }
            ["log", word] => {
                let mut out = std::io::stdout();
                writeln!(out, "{word}").and_then(|()| out.flush())?;
            }
            ["touch", path] => std::fs::write(path, "")?,
            ["listen", port] => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?))?;
                thread::spawn(move || listener.incoming().for_each(drop));
            }
            ["wait"] => drop(std::io::stdin().lock().read_line(&mut String::new())?),
            _ => bail!("this is no statement"),
        }
        Ok(())
    }

    /// Takes memory evenly over a time.
    fn ramp(&mut self, size: Bytes, over: Duration) -> Result<()> {
        let mut memory = Memory::private(size)?;
        let begun = Instant::now();
        while begun.elapsed() < over {
            memory.touch(Bytes((size.0 as f64 * begun.elapsed().div_duration_f64(over)) as u64));
            thread::sleep(RAMP_INTERVAL);
        }
        memory.touch(size);
        self.memory.push(memory);
        Ok(())
    }

    fn join(&mut self) {
        for child in self.forks.drain(..) {
            let _ = waitpid(Some(child), WaitOptions::empty());
        }
    }
}

/// The place of the brace that closes the block after `N {`.
fn closing(words: &[&str]) -> Result<usize> {
    ensure!(words.get(1) == Some(&"{"), "`repeat` wants a number and a block");
    let mut depth = 0;
    for (place, word) in words.iter().enumerate() {
        match *word {
            "{" => depth += 1,
            "}" if depth == 1 => return Ok(place),
            "}" => depth -= 1,
            _ => {}
        }
    }
    bail!("a block does not end")
}

fn number(word: Option<&&str>) -> Result<usize> {
    word.and_then(|word| word.parse().ok()).context("a number is wanted")
}

fn bytes(word: &str) -> Result<Bytes> {
    Ok(word.parse()?)
}

fn time(word: &str) -> Result<Duration> {
    Ok(parse_duration(word)?)
}

/// Forks a child that does `work` and ends.
#[expect(unsafe_code, reason = "the standard library starts programs and does not fork")]
fn fork<T>(work: impl FnOnce() -> T) -> Result<Pid> {
    // SAFETY: this program has no other thread that may hold a lock, except for one that waits in accept(2).
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        work();
        // SAFETY: ends the process without the clean-up that is the parent's.
        unsafe { libc::_exit(0) }
    }
    Pid::from_raw(pid).filter(|_| pid > 0).with_context(|| format!("fork: {}", std::io::Error::last_os_error()))
}

/// Leaves a process behind that does `work`: in a session of its own, its streams closed, its parent gone.
fn daemonise<T>(work: impl FnOnce() -> T) -> Result<()> {
    let middle = fork(|| {
        let _ = setsid();
        let parent = std::process::id();
        fork(|| {
            close_streams();
            while std::os::unix::process::parent_id() == parent {
                thread::sleep(Duration::from_millis(1));
            }
            work()
        })
    })?;
    waitpid(Some(middle), WaitOptions::empty())?;
    Ok(())
}

#[expect(unsafe_code, reason = "closing a standard stream has no safe form")]
fn close_streams() {
    for stream in 0..3 {
        // SAFETY: this process does not use its standard streams any more.
        unsafe { libc::close(stream) };
    }
}

fn churn(count: usize, held: &str, size: &str, at_once: usize) -> Result<()> {
    let own = std::env::current_exe()?;
    let mut living: VecDeque<Child> = VecDeque::new();
    for _ in 0..count {
        if living.len() >= at_once
            && let Some(mut oldest) = living.pop_front()
        {
            oldest.wait()?;
        }
        let mut process = Command::new(&own);
        living.push_back(process.arg(format!("ramp {size}; hold {held}")).stdin(Stdio::null()).spawn()?);
    }
    living.into_iter().try_for_each(|mut child| child.wait().map(drop).context("wait"))
}
