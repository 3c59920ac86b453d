use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Error, anyhow};

use super::settings::{Command, Settings};
use crate::os;

/// The start of a program file, of which the kernel reads no more to find its `#!` line.
const MAX_HEAD_BYTES: u64 = 256;

/// Returns why a command could not be started, and what to do.
pub(super) fn explain(
    error: io::Error,
    prepared: &std::process::Command,
    command: &Command,
    settings: &Settings,
) -> Error {
    let folder = settings.folder.as_deref().unwrap_or(Path::new(""));
    let is_shell = matches!(command, Command::Shell(_));
    let why = reason(&error, prepared, folder, is_shell);
    match why {
        Some(why) => anyhow!("could not start `{command}`: {why}"),
        None => anyhow!(error).context(format!("could not start `{command}`")),
    }
}

/// None for an error that says by itself what is wrong.
fn reason(error: &io::Error, prepared: &std::process::Command, folder: &Path, is_shell: bool) -> Option<String> {
    // The system reports a missing folder as a missing program, too.
    if !folder.as_os_str().is_empty() && !folder.is_dir() {
        return Some(format!("the folder `{}` does not exist", folder.display()));
    }
    let program = prepared.get_program().to_string_lossy();
    let file = program_file(prepared, folder);
    match error.kind() {
        ErrorKind::NotFound => Some(match file {
            Some(file) => no_interpreter(&program, &file),
            None if !is_shell && prepared.get_args().next().is_none() && program.trim().contains(' ') => format!(
                "there is no program `{program}`: the whole command is one word\n\
                 help: leave out the quotes, or let a shell read them: `sh -c '…'`"
            ),
            None if program.contains('/') => format!("there is no file `{program}`"),
            None => format!(
                "there is no program `{program}`\n\
                 help: is it installed, and on the PATH? A script needs its path, such as `./{program}`"
            ),
        }),
        ErrorKind::PermissionDenied => Some(match file {
            Some(file) if file.is_dir() => format!("`{program}` is a folder, not a program"),
            Some(file) if os::is_executable(&file) => match interpreter(&file) {
                Some(interpreter) => format!("its interpreter {interpreter:?} may not be executed"),
                None => format!("`{program}` may not be executed by this user or from this file system"),
            },
            _ => format!(
                "`{program}` may not be executed\n\
                 help: is it a program? A script needs `chmod +x`"
            ),
        }),
        _ if os::is_no_program(error) => Some(match file.as_deref().map(head) {
            Some(head) if head.contains(&0) => {
                format!("`{program}` is no program for this system and processor ({})", os::platform())
            }
            _ => format!(
                "`{program}` has no `#!` line that names its interpreter\n\
                 help: run it with `sh {program}`, or let it begin with a line such as `#!/bin/sh`"
            ),
        }),
        _ => None,
    }
}

/// The file that the command names, by its path or along the PATH. None if there is none.
fn program_file(prepared: &std::process::Command, folder: &Path) -> Option<PathBuf> {
    let program = Path::new(prepared.get_program());
    if program.components().count() > 1 {
        return Some(folder.join(program)).filter(|file| file.exists());
    }
    let own = || std::env::var_os("PATH");
    let set = prepared.get_envs().find(|(name, _)| *name == "PATH");
    let path = set.map_or_else(own, |(_, value)| value.map(Into::into))?;
    std::env::split_paths(&path).map(|part| folder.join(part).join(program)).find(|file| file.is_file())
}

/// The file is there, and still the system found something missing.
fn no_interpreter(program: &str, file: &Path) -> String {
    match interpreter(file) {
        Some(interpreter) if interpreter.ends_with('\r') => format!(
            "its interpreter {interpreter:?} is not there: the `#!` line of `{program}` ends in CR LF\n\
             help: save it with the line ends of Unix: `sed -i 's/\\r$//' {program}`"
        ),
        Some(interpreter) => format!(
            "its interpreter {interpreter:?} is not there\n\
             help: install it, or correct the `#!` line of `{program}`"
        ),
        None => format!(
            "`{program}` is there, and the loader that it was linked for is not\n\
             help: is it a program for another system, such as one with another C library?"
        ),
    }
}

/// The interpreter that the `#!` line names, as the kernel reads it. Kernel interface: execve(2).
fn interpreter(file: &Path) -> Option<String> {
    let head = head(file);
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let word = line.split(is_blank).find(|word| !word.is_empty())?;
    Some(String::from_utf8_lossy(word).into_owned())
}

/// Empty if it can't be read.
fn head(file: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    if let Ok(file) = File::open(file) {
        let _ = file.take(MAX_HEAD_BYTES).read_to_end(&mut head);
    }
    head
}
