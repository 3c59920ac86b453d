use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};

use super::output::OutputPipe;
use super::settings::{Command, Settings};
use super::start_error::explain;
use crate::os::{self, Group, TreeSource};

/// A workload that has just been started.
#[derive(Debug)]
pub struct Launched {
    /// The root of its tree.
    pub child: Child,
    /// The root and what it starts, as one to signal and to end.
    pub group: Group,
    /// What it prints.
    pub stdout: Arc<OutputPipe>,
    /// What it complains of.
    pub stderr: Arc<OutputPipe>,
}

/// Starts the workload for a source to read: memguard's own standard input and environment, a process group of its own, its
/// output piped.
///
/// # Errors
/// When the program does not exist, may not be executed, or the folder is none; the message says which.
pub fn launch(settings: &Settings, source: &mut dyn TreeSource) -> Result<Launched> {
    let mut command = prepare(&settings.command, settings);
    source.prepare(&mut command)?;
    command.stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Group::start(&mut command);
    let (mut child, group) = started.map_err(|error| explain(error, &command, &settings.command, settings))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(anyhow!("`{}` was started without its output", settings.command));
    };
    let (stdout, stderr) = (os::pipe_file(stdout), os::pipe_file(stderr));
    os::widen_pipe(&stdout);
    os::widen_pipe(&stderr);
    let [stdout, stderr] = [stdout, stderr].map(|pipe| Arc::new(OutputPipe::new(pipe)));
    Ok(Launched { child, group, stdout, stderr })
}

/// Runs a command that is not measured to its end, its output on memguard's own. What it leaves behind stays, such as a server
/// that the workload needs.
///
/// # Errors
/// When it can't be started or fails.
pub fn run_to_end(command: &Command, settings: &Settings) -> Result<()> {
    let mut prepared = prepare_beside(command, settings);
    os::in_own_group(&mut prepared);
    let started = prepared.spawn().map_err(|error| explain(error, &prepared, command, settings));
    let status = started?.wait().with_context(|| format!("could not wait for `{command}`"))?;
    anyhow::ensure!(status.success(), "`{command}` {}", how_it_ended(status));
    Ok(())
}

/// Starts a command beside the workload, not measured: its output on memguard's own, no standard input.
///
/// # Errors
/// When it can't be started.
pub fn start_beside(command: &Command, settings: &Settings) -> Result<(Child, Group)> {
    let mut prepared = prepare_beside(command, settings);
    Group::start(&mut prepared).map_err(|error| explain(error, &prepared, command, settings))
}

fn prepare_beside(command: &Command, settings: &Settings) -> std::process::Command {
    let mut prepared = prepare(command, settings);
    prepared.stdin(Stdio::null());
    prepared
}

/// A command with the workload's environment and folder.
pub(super) fn prepare(command: &Command, settings: &Settings) -> std::process::Command {
    let mut prepared = match command {
        Command::Shell(line) => os::shell(line),
        Command::Direct(words) => {
            let mut prepared = std::process::Command::new(words.first().map_or("", String::as_str));
            prepared.args(words.iter().skip(1));
            prepared
        }
    };
    prepared.envs(&settings.env);
    if let Some(folder) = &settings.folder {
        prepared.current_dir(folder);
    }
    os::with_limits_found(&mut prepared);
    prepared
}

/// For a sentence that begins with the command: `exited with status 3`.
fn how_it_ended(status: ExitStatus) -> String {
    match os::ending(status) {
        os::Ending::Exited(code) => format!("exited with status {code}"),
        os::Ending::Signaled(signal) => {
            format!("was ended by signal {signal} ({})", os::signal_name(signal).unwrap_or("unknown"))
        }
    }
}
