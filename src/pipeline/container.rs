//! A container by the name that its engine knows it by: the engine's own client is asked.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::os;
use crate::report::plain;

/// In the order in which they are asked.
const CLIENTS: [&str; 2] = ["docker", "podman"];
/// What is asked of them: the pid of the first process (0 for one that does not run), and the whole id.
const FORMAT: &str = "{{.State.Pid}} {{.Id}}";
/// Both name containers by 64 hexadecimal digits.
const ID_LENGTH: usize = 64;

/// A container that runs.
#[derive(Debug)]
pub(super) struct Container {
    /// The folder of its control group.
    pub(super) group: PathBuf,
    /// Who knew it.
    pub(super) client: &'static str,
}

/// Finds a container that runs on this machine.
///
/// # Errors
/// When no client knows it, it does not run, or runs elsewhere; the message says what to do.
pub(super) fn find(name: &str) -> Result<Container> {
    let mut said = Vec::new();
    for client in CLIENTS {
        match ask(client, name)? {
            Answer::NotInstalled => {}
            Answer::Unknown(why) => said.push(format!("{client} says: {why}")),
            Answer::Found { pid, id } => {
                ensure!(pid != 0, "the container `{name}` does not run ({client} knows it)");
                let group = os::container_group(pid, &id)
                    .with_context(|| format!("could not find the control group of the container `{name}`"))?;
                let Some(group) = group else {
                    bail!(
                        "process {pid} on this machine is not of the container `{name}`: {client} seems to talk to \
                         another machine, or a virtual one\nhelp: run memguard there"
                    );
                };
                return Ok(Container { group, client });
            }
        }
    }
    if said.is_empty() {
        bail!(
            "neither docker nor podman is on the PATH to find the container `{name}`\n\
             help: name its control group with --cgroup, or its first process with --pid"
        );
    }
    bail!("there is no container `{name}` that could be found\n{}", said.join("\n"))
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    NotInstalled,
    /// With the client's own words.
    Unknown(String),
    Found {
        pid: u32,
        id: String,
    },
}

fn ask(client: &str, name: &str) -> Result<Answer> {
    let mut command = Command::new(client);
    command.args(["container", "inspect", "--format", FORMAT, "--", name]).stdin(Stdio::null());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Answer::NotInstalled),
        Err(error) => return Err(error).with_context(|| format!("could not run `{client}`")),
    };
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        return Ok(Answer::Unknown(plain(line.trim(), 200)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    understand(&text).with_context(|| format!("`{client} container inspect` answered {:?}", plain(text.trim(), 200)))
}

/// None for an answer that is not one.
fn understand(text: &str) -> Option<Answer> {
    let (pid, id) = text.trim().split_once(' ')?;
    let is_id = id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(Answer::Found { pid: pid.parse().ok()?, id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_pid_and_an_id_and_nothing_else() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(understand(&format!("42 {id}\n")), Some(Answer::Found { pid: 42, id: id.clone() }));
        let wrong = [String::new(), id.clone(), format!("-1 {id}"), "42 web".into(), format!("42 {id}0")];
        for text in wrong {
            assert_eq!(understand(&text), None, "{text}");
        }
    }
}
