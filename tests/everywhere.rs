//! What every system does the same.

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use common::{MIB, Project, close_to};

#[test]
fn a_budget_turns_a_run_red_or_green() {
    let project = Project::new();
    let script = "log \"hi\"; ramp 60MiB 200ms; hold 500ms";
    let red = project.run(&["--peak", "50MiB"], script);
    assert_eq!(red.code, 1, "{}", red.err);
    assert!(close_to(red.peak(), 62 * MIB, 8 * MIB), "{}", red.peak());
    assert_eq!(project.run(&["--peak", "90MiB"], script).code, 0);
    assert_eq!(project.run(&[], "exit 3").code, 4);
    assert_eq!(project.memguard(&["run", "--peak", "50", "--", "x"]).code, 2);
    assert_eq!(project.memguard(&["run"]).code, 2);
    assert_eq!(project.memguard(&["no-such-command"]).code, 2);
}

#[test]
fn recorded_files_are_drawn_one_or_several() {
    let project = Project::new();
    project.run(&["--runs", "2"], "ramp 20MiB; hold 100ms");
    for (output, begins) in [("a.svg", &b"<svg"[..]), ("a.png", b"\x89PNG")] {
        let plot = project.memguard(&["plot", "memguard-report", "-o", output]);
        assert_eq!(plot.code, 0, "{}", plot.err);
        assert!(std::fs::read(project.path(output)).unwrap().starts_with(begins));
    }
    let wrong = project.memguard(&["plot", "memguard-report", "-o", "a.pdf"]);
    assert!(wrong.code == 5 && wrong.err.contains(".svg, .png or .html"), "{}", wrong.err);
    let missing = project.memguard(&["plot", "none.csv"]);
    assert!(missing.code == 5 && missing.err.contains("none.csv"), "{}", missing.err);
}

#[test]
fn the_machine_and_a_process_can_be_recorded() {
    let project = Project::new();
    let machine = project.memguard(&["record", "--for", "200ms", "--interval", "50ms"]);
    assert_eq!(machine.code, 0, "{}", machine.err);
    let mut workload = project.command(&["synth", "ramp 40MiB; log \"up\"; hold 60s"]);
    let mut workload = workload.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(workload.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap().trim_end(), "up");
    let pid = workload.id().to_string();
    let process =
        project.memguard(&["record", "--pid", &pid, "--for", "300ms", "--interval", "50ms", "--name", "process"]);
    assert_eq!(process.code, 0, "{}", process.err);
    workload.kill().unwrap();
    workload.wait().unwrap();
    let ended = project.memguard(&["record", "--pid", &pid]);
    assert!(ended.code == 5 && ended.err.contains("there is no process"), "{}: {}", ended.code, ended.err);
    for (name, least) in [("machine", MIB), ("process", 40 * MIB)] {
        let folder = project.path("memguard-record").join(name).join("run-1");
        assert!(std::fs::read(folder.join("graph.png")).unwrap().starts_with(b"\x89PNG"));
        let memory = std::fs::read_to_string(folder.join("memory.csv")).unwrap();
        let last: u64 = memory.lines().last().unwrap().split(',').nth(2).unwrap().parse().unwrap();
        assert!(last > least, "{memory}");
    }
}

#[test]
fn init_writes_a_config_once() {
    let project = Project::new();
    assert_eq!(project.memguard(&["init"]).code, 0);
    let again = project.memguard(&["init"]);
    assert!(again.code == 5 && again.err.contains("--force"), "{}", again.err);
    assert_eq!(project.memguard(&["init", "--force"]).code, 0);
}

#[test]
fn a_script_with_a_mistake_is_a_usage_error() {
    let wrong = Project::new().memguard(&["synth", "rampp 5MiB"]);
    assert!(wrong.code == 2 && wrong.err.contains("no statement `rampp`"), "{}", wrong.err);
}

#[test]
fn the_help_of_synth_has_every_line_of_the_grammar() {
    let help = Project::new().memguard(&["synth", "--help"]).out;
    assert!(String::from_utf8_lossy(&help).contains(memguard::synth::GRAMMAR));
}
