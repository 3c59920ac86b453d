use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;

/// None where the kernel lets nobody watch, as in most containers.
fn granted() -> Option<Stirs> {
    let mut stirs = Stirs::new();
    stirs.tick();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !stirs.has_room() {
        if matches!(stirs.leave, Leave::Refused) {
            return None;
        }
        assert!(Instant::now() < deadline, "no answer");
        std::thread::yield_now();
    }
    Some(stirs)
}

fn start(script: &str) -> Child {
    Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap()
}

fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came to that");
        std::thread::yield_now();
    }
}

#[test]
fn one_that_sleeps_is_heard_when_it_is_given_a_cpu_and_its_time_is_told() {
    let Some(mut stirs) = granted() else { return };
    let mut child = start("read one; read two");
    let bell = super::super::Bell::default();
    let mut sleeper = stirs.watch(child.id()).unwrap();
    // Until it waits for its first line, whatever it did before that.
    until(|| {
        while !sleeper.slept() {}
        stirs.forget().unwrap();
        !bell.wait_until_stirred(Instant::now() + Duration::from_millis(200), &stirs) && sleeper.sleeps()
    });
    let before = Instant::now();
    child.stdin.as_mut().unwrap().write_all(b"one\n").unwrap();
    assert!(!bell.wait_until_stirred(before + Duration::from_secs(60), &stirs), "it did not ring");
    let heard = Instant::now();
    let stirred = stirs.instant(sleeper.stirred().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(before <= stirred && stirred <= heard, "{:?}", heard - before);
    assert!(!sleeper.sleeps() && !sleeper.slept(), "it has been awake since");
}

#[test]
fn one_that_is_on_a_cpu_or_has_ended_is_never_taken_to_sleep() {
    let Some(mut stirs) = granted() else { return };
    let mut child = start("while :; do :; done");
    let mut sleeper = stirs.watch(child.id()).unwrap();
    until(|| sleeper.stirred().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    while sleeper.ring.has_news() {
        sleeper.slept();
    }
    assert!(!sleeper.slept() && !sleeper.sleeps(), "{sleeper:?}");
    assert!(stirs.watch(child.id()).is_err());
}

#[test]
fn what_was_recorded_beyond_the_room_for_it_leaves_nothing_known() {
    let Some(mut stirs) = granted() else { return };
    let mut child = start("while read line; do :; done");
    let mut sleeper = stirs.watch(child.id()).unwrap();
    let mut input = child.stdin.take().unwrap();
    let page = rustix::param::page_size() as u64;
    // A sleep and a waking each.
    for _ in 0..page {
        input.write_all(b"\n").unwrap();
        std::thread::yield_now();
    }
    until(|| {
        let _ = input.write_all(b"\n");
        sleeper.ring.is_full()
    });
    assert!(!sleeper.slept() && !sleeper.slept(), "{sleeper:?}");
    let bell = super::super::Bell::default();
    bell.ring();
    assert!(bell.wait_until_stirred(Instant::now() + Duration::from_secs(60), &stirs), "rung before");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn no_more_are_watched_than_there_is_room_for() {
    let Some(mut stirs) = granted() else { return };
    let mut child = start("read line");
    let sleepers: Vec<_> = (0..A_TICK).map(|_| stirs.watch(child.id())).collect();
    assert!(!stirs.has_room());
    stirs.tick();
    assert!(stirs.has_room() && sleepers.iter().all(Result::is_ok));
    let mut many = vec![Arc::clone(&stirs.slots); MOST];
    assert!(!stirs.has_room());
    many.truncate(MOST - 1 - A_TICK);
    assert!(stirs.has_room());
    child.kill().unwrap();
    child.wait().unwrap();
}
