use super::*;
use crate::units::Bytes;

const MS: Duration = Duration::from_millis(1);
const OWN: u32 = 10;
const ROOT: u32 = 100;
const NONE: [u32; 0] = [];

/// A tree in which the root was seen, and a load (200) that is left out of it.
struct World {
    exits: Exits,
    now: Instant,
    seen: Vec<(u32, Side)>,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let mut exits = Exits::new(Err(Unheard::NotAllowed), now);
        (exits.own_pid, exits.root) = (OWN, Some(ROOT));
        Self { exits, now, seen: vec![(ROOT, Side::Member), (200, Side::LeftOut)] }
    }

    /// 10 ms later these have ended, as (pid, parent, milliseconds lived). Gives the pids of those of the tree that no tick saw.
    fn tick(&mut self, ended: &[(u32, u32, u32)]) -> Vec<u32> {
        self.tick_with(ended, &[])
    }

    fn tick_with(&mut self, ended: &[(u32, u32, u32)], newcomers: &[u32]) -> Vec<u32> {
        self.now += 10 * MS;
        self.seen.extend(newcomers.iter().map(|pid| (*pid, Side::Member)));
        let exit = |(pid, parent, lived): &(u32, u32, u32)| Exit {
            pid: *pid,
            parent: *parent,
            name: "sh".into(),
            lived: *lived * MS,
            peak: Some(Bytes(1)),
            faults: 1,
            forked: false,
        };
        let seen = self.seen.clone();
        let side_of = |pid| seen.iter().find(|(other, _)| *other == pid).map(|(_, side)| *side);
        let exits = ended.iter().map(exit).collect();
        let found = self.exits.sort(exits, self.now, newcomers.iter().copied(), side_of);
        let mut pids: Vec<u32> = found.iter().map(|unseen| unseen.exit.pid).collect();
        pids.sort_unstable();
        pids
    }
}

#[test]
fn the_child_of_a_process_that_was_seen_is_of_its_side() {
    let mut world = World::new();
    assert_eq!(world.tick(&[(101, ROOT, 2), (201, 200, 2), (301, 300, 2)]), [101]);
    assert_eq!(world.tick(&[(ROOT, OWN, 20)]), NONE, "it was seen");
    assert_eq!(world.exits.of(ROOT).map(|exit| exit.lived), Some(20 * MS));
    world.seen.clear();
    assert_eq!(world.tick(&[(102, ROOT, 5)]), [102], "its parent ended before it was told of");
}

#[test]
fn a_child_waits_for_its_parent_to_end_or_to_be_seen() {
    let mut world = World::new();
    assert_eq!(world.tick(&[(103, 102, 1), (102, 101, 2)]), NONE);
    assert_eq!(world.tick(&[(101, ROOT, 12)]), [101, 102, 103]);
    assert_eq!(world.tick(&[(105, 104, 1)]), NONE);
    assert_eq!(world.tick_with(&[], &[104]), [105]);
    assert_eq!(world.tick(&[(203, 202, 1), (202, 200, 1)]), NONE, "and is of its side");
}

#[test]
fn who_has_waited_for_long_is_another_ones() {
    let mut world = World::new();
    world.tick(&[(301, 300, 1)]);
    for _ in 0..200 {
        world.tick(&[]);
    }
    assert!(world.exits.waiting.is_empty() && world.exits.past.is_empty());
    assert_eq!(world.tick_with(&[], &[300]), NONE);
}

#[test]
fn an_orphan_is_of_the_tree_where_one_of_the_tree_left_it() {
    let mut world = World::new();
    world.tick(&[(101, ROOT, 5)]);
    assert_eq!(world.tick(&[(102, OWN, 12)]), NONE);
    assert_eq!(world.tick(&[]), [102], "memguard did not start it, or it would have said so by now");
    for _ in 0..200 {
        world.tick(&[]);
    }
    world.tick(&[(103, OWN, 5)]);
    assert_eq!(world.tick(&[]), NONE, "nobody can have left it");
    world.tick(&[(104, ROOT, 5), (204, 200, 5), (105, OWN, 5)]);
    assert_eq!(world.tick(&[]), NONE);
    assert!(world.exits.is_doubtful, "either may have left it");
}

#[test]
fn what_memguard_started_itself_is_not_of_the_tree() {
    let mut world = World::new();
    world.exits.leave_out(300);
    assert_eq!(world.tick(&[(301, 300, 1), (300, OWN, 2), (101, ROOT, 2)]), [101]);
    assert_eq!(world.tick(&[(302, OWN, 1), (102, ROOT, 1)]), [102]);
    world.exits.leave_out(302);
    assert_eq!(world.tick(&[]), NONE);
}

#[test]
fn the_root_may_end_before_any_tick_sees_it() {
    let mut world = World::new();
    world.seen.clear();
    assert_eq!(world.tick(&[(101, ROOT, 1), (ROOT, OWN, 2)]), [ROOT, 101]);
}

#[test]
fn what_was_lost_before_the_workload_was_started_is_none_of_its_ends() {
    let Some(mut exits) = Exits::after_an_overrun() else { return }; // not root, or a container
    exits.forget();
    assert!(exits.knows_all() && exits.overruns() == 0);
}

#[test]
fn a_number_that_is_given_again_within_a_tick_is_another_process() {
    let mut world = World::new();
    assert_eq!(world.tick_with(&[], &[101]), NONE);
    assert_eq!(world.tick(&[(101, ROOT, 15), (101, ROOT, 1)]), [101], "the first of them was seen");
    assert_eq!(world.exits.of(101).map(|exit| exit.lived), Some(15 * MS));
    assert_eq!(world.exits.of(101), None);
}
