//! A terminal to run memguard on, and what a person would see there.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use super::{MEMGUARD, Project};

/// Nothing here takes long: whoever waits for longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the shell on a terminal begins its lines with.
pub const PROMPT: &str = "PROMPT> ";

pub struct Terminal {
    child: Child,
    master: File,
    came: Receiver<Vec<u8>>,
    pub raw: String,
    pub shown: Shown,
}

/// Where what memguard runs prints to, besides the terminal.
pub enum Output {
    Terminal,
    Elsewhere(Stdio),
}

/// A terminal that nothing runs on yet.
pub struct Free {
    master: OwnedFd,
    slave: OwnedFd,
}

impl Free {
    pub fn new(columns: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        resize(&master, columns);
        Self { master, slave }
    }

    /// Keys are not shown as they are typed, as where a password is asked for.
    pub fn without_echo(self) -> Self {
        let mut attributes = tcgetattr(&self.slave).unwrap();
        attributes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&self.slave, OptionalActions::Now, &attributes).unwrap();
        self
    }

    /// Runs memguard on it.
    pub fn run(self, project: &Project, args: &[&str], output: Output, env: &[(&str, &str)]) -> Terminal {
        self.start(project, &[&[MEMGUARD], args].concat(), output, env)
    }

    /// Runs an interactive shell on it.
    pub fn shell(self, project: &Project) -> Terminal {
        let words = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
        self.start(project, &words, Output::Terminal, &[("PS1", PROMPT), ("HISTFILE", "")])
    }

    /// `setsid` (util-linux) makes it the program's own.
    fn start(self, project: &Project, words: &[&str], output: Output, env: &[(&str, &str)]) -> Terminal {
        let Self { master, slave } = self;
        let side = || Stdio::from(slave.try_clone().unwrap());
        let mut command = Command::new("setsid");
        command.arg("--ctty").args(words).current_dir(project.path("."));
        for name in ["GITHUB_ACTIONS", "CI", "NO_COLOR", "LC_ALL"] {
            command.env_remove(name);
        }
        command.envs([("TERM", "xterm"), ("LC_ALL", "C.UTF-8")]).envs(env.iter().copied());
        let output = match output {
            Output::Terminal => side(),
            Output::Elsewhere(output) => output,
        };
        command.stdin(side()).stdout(output).stderr(side());
        let master = File::from(master);
        let child = command.spawn().expect("`setsid` of util-linux makes the terminal the program's own");
        drop(command);
        drop(slave);
        let (mut reader, (sender, came)) = (master.try_clone().unwrap(), channel());
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // At the end the kernel says EIO.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal { child, master, came, raw: String::new(), shown: Shown::default() }
    }
}

impl Terminal {
    pub fn resize(&self, columns: u16) {
        resize(&self.master, columns);
    }

    /// Types keys.
    pub fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until something is seen.
    pub fn until(&mut self, seen: impl Fn(&Shown) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !seen(&self.shown) {
            match self.came.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("not seen in a minute: {:#?}", self.shown),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before that was seen: {:#?}", self.shown),
            }
        }
    }

    /// Reads to the end. Returns the exit code.
    pub fn end(&mut self) -> i32 {
        while let Ok(bytes) = self.came.recv_timeout(PATIENCE) {
            self.take(&bytes);
        }
        self.child.wait().unwrap().code().unwrap()
    }

    fn take(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.raw += &text;
        text.chars().for_each(|c| self.shown.put(c));
    }
}

fn resize(master: impl AsFd, columns: u16) {
    tcsetwinsize(master, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}

/// What stands on the screen. It knows what memguard is to write, and nothing else.
#[derive(Debug, Default)]
pub struct Shown {
    pub rows: Vec<String>,
    column: usize,
    sequence: Option<String>,
}

impl Shown {
    /// The row of the cursor.
    pub fn last(&self) -> &str {
        self.rows.last().map_or("", String::as_str)
    }

    fn put(&mut self, c: char) {
        if let Some(sequence) = &mut self.sequence {
            sequence.push(c);
            if c.is_ascii_alphabetic() {
                let sequence = self.sequence.take().unwrap();
                match sequence.as_str() {
                    "[K" => {
                        let column = self.column;
                        *self.row() = self.row().chars().take(column).collect();
                    }
                    colour if colour.ends_with('m') => {}
                    other => panic!("an unknown sequence: {other:?}"),
                }
            }
            return;
        }
        match c {
            '\x1b' => self.sequence = Some(String::new()),
            '\r' => self.column = 0,
            '\n' => {
                self.row();
                self.rows.push(String::new());
            }
            c => {
                let column = self.column;
                let row = self.row();
                let mut cells: Vec<char> = row.chars().collect();
                cells.resize(cells.len().max(column + 1), ' ');
                cells[column] = c;
                *row = cells.into_iter().collect();
                self.column += 1;
            }
        }
    }

    fn row(&mut self) -> &mut String {
        if self.rows.is_empty() {
            self.rows.push(String::new());
        }
        self.rows.last_mut().unwrap()
    }
}
