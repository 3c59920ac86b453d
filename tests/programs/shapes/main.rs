//! A test program of a known memory shape: what `memguard synth` does not need to know.
//!
//! `shapes SCRIPT` runs statements that are separated by `;`:
//!
//! ```text
//! ramp SIZE [TIME]          take private memory, evenly over TIME
//! spike SIZE TIME           take it, and give it back after TIME
//! map SIZE KIND             take memory of a kind: memfd, shm, sysv, file, huge
//! pageout                   have the kernel swap out what was taken
//! hold TIME                 sleep
//! fork N SIZE shared TIME   fork N children that share SIZE for TIME
//! worker N { ... }          fork N children that run the statements
//! join                      wait for these children
//! churn N TIME SIZE K       start N processes that hold SIZE for TIME, K at a time
//! daemonise SIZE TIME       leave a process behind that grows to SIZE over TIME
//! log WORD                  print it
//! touch PATH                create a file
//! listen PORT               listen on a port of this machine
//! wait                      wait for a line or the end of standard input
//! repeat N { ... }          run the statements N times
//! ```

#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod program;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use anyhow::Context as _;

    let script = std::env::args().nth(1).context("usage: shapes SCRIPT")?;
    program::run(&script)
}

#[cfg(not(target_os = "linux"))]
fn main() {
    panic!("this program needs Linux");
}
