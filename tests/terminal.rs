//! The terminal that a workload is lent.
#![cfg(target_os = "linux")] // `script` has other flags elsewhere, and /proc tells who has the terminal

mod common;

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use common::{MEMGUARD, Project};

/// What a shell line prints on a terminal of its own. None where there is no `script` to make one.
fn on_a_terminal(project: &Project, line: &str) -> Option<String> {
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", line, "/dev/null"]).current_dir(project.path("."));
    let Ok(output) = command.stdin(Stdio::null()).output() else {
        let _ = writeln!(io::stderr(), "skipped: there is no `script` here to make a terminal with");
        return None;
    };
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_terminal_is_the_workloads_while_it_runs_and_given_back_after_it() {
    let project = Project::new();
    // The fields are the process group, and that which has the terminal (proc_pid_stat(5)).
    let told = "cut -d\" \" -f5,8 /proc/$$/stat";
    // It is lent once the workload has started.
    let inside = format!("until set -- $({told}) && [ $1 = $2 ]; do :; done; echo in $1 $2");
    let line = format!("'{MEMGUARD}' run --quiet --timeout 20s -- sh -c '{inside}'; echo after $({told})");
    let Some(said) = on_a_terminal(&project, &line) else { return };
    for when in ["in ", "after "] {
        let groups = said.lines().find_map(|line| line.trim_end().strip_prefix(when)).unwrap();
        let (own, terminals) = groups.split_once(' ').unwrap();
        assert_eq!(own, terminals, "{said}");
    }
}
