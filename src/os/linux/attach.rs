use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result, bail, ensure};

use super::command_line::read_command;
use super::proc::parse_status;

/// Makes sure that a process which memguard did not start can be followed and read. Returns its command line.
///
/// # Errors
/// When it can't; the message says why and what to do.
pub(super) fn check(pid: u32) -> Result<String> {
    ensure!(pid != std::process::id(), "process {pid} is memguard itself");
    let path = format!("/proc/{pid}/status");
    let status = match fs::read(&path) {
        Ok(status) => status,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(
                "there is no process {pid}, or it is hidden from this user\nhelp: `ps -e` lists those that can be seen"
            )
        }
        Err(error) => return Err(error).with_context(|| format!("could not read `{path}`")),
    };
    let field = |name: &[u8]| {
        let line = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(name));
        line.map(|rest| String::from_utf8_lossy(rest).trim().to_owned()).unwrap_or_default()
    };
    let group = field(b"Tgid:");
    ensure!(group == pid.to_string(), "{pid} is a thread of process {group}\nhelp: use `--pid {group}`");
    let command = read_command(pid);
    let state = field(b"State:");
    ensure!(!state.starts_with(['Z', 'X']), "process {pid} ({command}) has ended, and its parent has not asked how");
    // A process whose first thread has ended shows no memory either: the threads that go on do.
    ensure!(
        parse_status(&status).is_some() || field(b"Threads:") != "1",
        "process {pid} ({command}) has no memory of its own: it is part of the kernel"
    );
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn refused(pid: u32) -> String {
        format!("{:#}", check(pid).unwrap_err())
    }

    #[test]
    fn a_thread_of_the_kernel_has_nothing_to_measure() {
        // Not every machine shows them: a container has none.
        if read_command(2) == "[kthreadd]" {
            assert!(refused(2).contains("process 2 ([kthreadd]) has no memory of its own"), "{}", refused(2));
        }
    }

    #[test]
    fn what_can_not_be_followed_is_refused_with_its_reason() {
        // Above the highest pid that a kernel can be configured for.
        assert!(refused(5_000_000).contains("there is no process 5000000"), "{}", refused(5_000_000));
        assert!(refused(std::process::id()).contains("is memguard itself"));
        let own = std::process::id();
        let ((end, wait), (tell, told)) = (std::sync::mpsc::channel::<()>(), std::sync::mpsc::channel());
        let thread = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero()).unwrap();
            wait.recv()
        });
        let other = told.recv().unwrap().get().unsigned_abs();
        assert!(refused(other).contains(&format!("{other} is a thread of process {own}\nhelp: use `--pid {own}`")));
        drop(end);
        thread.join().unwrap().unwrap_err();
        let mut sleep = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        while check(sleep.id()).unwrap() != "sleep 60" {
            std::thread::yield_now(); // until it has executed its program
        }
        sleep.kill().unwrap();
        let path = format!("/proc/{}/stat", sleep.id());
        while !fs::read_to_string(&path).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        assert!(refused(sleep.id()).contains("has ended, and its parent has not asked how"));
        sleep.wait().unwrap();
    }
}
