use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::*;

#[test]
fn who_sleeps_is_left_alone_until_it_wakes_and_then_its_fork_is_seen_at_once() {
    let mut shell = Command::new("sh")
        .args(["-c", "read word; sleep 60 & echo forked; read word"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut tree, mut buffer) = (Tree::new().unwrap(), Vec::new());
    tree.follow(shell.id());
    let mut update = |tree: &mut Tree| {
        let mut reading = Reading::default();
        let moved = tree.update(Instant::now(), &mut buffer, &mut reading).unwrap();
        (moved, reading)
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    let sleeps = |tree: &mut Tree| {
        let Tree { processes, stirs, .. } = tree;
        processes.iter_mut().all(|it| it.rests(Instant::now(), stirs, &mut Vec::new()))
    };
    while update(&mut tree).0 || !sleeps(&mut tree) {
        assert!(Instant::now() < deadline, "it sleeps");
    }
    let stdin = shell.stdin.as_mut().unwrap();
    stdin.write_all(b"fork\n").unwrap();
    let mut said = String::new();
    BufReader::new(shell.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    let (moved, reading) = update(&mut tree);
    shell.kill().unwrap();
    shell.wait().unwrap();
    let child = reading.seen.first().map(|seen| i32::try_from(seen.pid).unwrap()).and_then(Pid::from_raw);
    let _ = child.map(|pid| kill_process(pid, Signal::KILL));
    assert!(moved && reading.seen.len() == 1 && reading.seen[0].parent == shell.id(), "{said}: {reading:?}");
}
