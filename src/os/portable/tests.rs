use std::collections::HashMap;

use proptest::prelude::*;
use sysinfo::System;

use super::source::{Id, Memory, Newcomer, PortableSource, Processes, State};
use crate::os::Group;
use crate::os::source::{Gone, Reading, Source, TreeSource};
use crate::units::{Bytes, Metric};

/// A system that tells what the test says.
#[derive(Default)]
struct Told {
    newcomers: Vec<Newcomer>,
    states: HashMap<u32, State>,
    high_water: Option<Bytes>,
}

impl Processes for Told {
    fn metric(&self) -> Metric {
        Metric::Private
    }

    fn keep_to(&mut self, _group: &Group) {}

    fn newcomers(&mut self) -> anyhow::Result<Vec<Newcomer>> {
        Ok(std::mem::take(&mut self.newcomers))
    }

    fn state(&mut self, id: Id) -> State {
        self.states.get(&id.pid).copied().unwrap_or(State::Ended(None))
    }

    fn command(&mut self, pid: u32) -> String {
        format!("command {pid}")
    }

    fn high_water(&self) -> Option<Bytes> {
        self.high_water
    }
}

/// A tree whose root, process 10, started at 100 and was watched from then on.
struct Tree(PortableSource<Told>);

impl Tree {
    fn new() -> Self {
        let mut source = PortableSource::new(Told::default(), System::new().unwrap());
        source.begin(10, true);
        let mut tree = Self(source);
        tree.comes(10, 1, 100);
        tree
    }

    fn told(&mut self) -> &mut Told {
        self.0.processes()
    }

    fn comes(&mut self, pid: u32, parent: u32, started: u64) {
        let newcomer = Newcomer { id: Id { pid, started }, parent: Some(parent), in_group: false };
        self.told().newcomers.push(newcomer);
        self.holds(pid, 1, Some(1));
    }

    fn holds(&mut self, pid: u32, now: u64, high_water: Option<u64>) {
        let memory = Memory { now: Bytes(now), high_water: high_water.map(Bytes), resident: None };
        self.told().states.insert(pid, State::Lives(memory));
    }

    fn ends(&mut self, pid: u32, high_water: Option<u64>) {
        self.told().states.insert(pid, State::Ended(high_water.map(Bytes)));
    }

    fn read(&mut self) -> Reading {
        self.0.read().unwrap()
    }

    fn members(&self) -> Vec<u32> {
        let mut members = self.0.members();
        members.sort_unstable();
        members
    }
}

/// The metric, its peak, and the most that the peak can have been.
fn bounds(reading: &Reading) -> (u64, u64, u64) {
    (reading.memory.0, reading.peak.0, reading.uncertainty.high(reading.peak).0)
}

#[test]
fn descendants_join_in_whatever_order_they_are_listed() {
    let mut tree = Tree::new();
    tree.comes(13, 12, 103);
    tree.comes(12, 11, 102);
    tree.comes(11, 10, 101);
    tree.comes(20, 1, 101);
    assert_eq!(tree.read().processes, Some(4));
    assert_eq!(tree.members(), [10, 11, 12, 13]);
}

#[test]
fn a_child_that_is_listed_before_its_parent_waits_for_it() {
    let mut tree = Tree::new();
    tree.comes(12, 11, 102);
    assert_eq!(tree.read().processes, Some(1));
    tree.comes(11, 10, 101);
    let reading = tree.read();
    assert_eq!((reading.processes, reading.seen.len()), (Some(3), 2));
    assert_eq!((tree.read().seen.len(), tree.members()), (0, vec![10, 11, 12]));
}

#[test]
fn a_parent_that_started_after_its_child_only_has_the_number_of_the_real_one() {
    let mut tree = Tree::new();
    tree.comes(11, 10, 99);
    tree.comes(12, 10, 100);
    tree.read();
    assert_eq!(tree.members(), [10, 12]);
}

#[test]
fn who_is_in_the_group_belongs_whoever_the_parent_is() {
    let mut tree = Tree::new();
    let newcomer = Newcomer { id: Id { pid: 30, started: 105 }, parent: None, in_group: true };
    tree.told().newcomers.push(newcomer);
    tree.holds(30, 5, Some(5));
    assert_eq!(tree.read().memory, Bytes(6));
}

#[test]
fn a_drive_is_left_out_with_what_it_starts() {
    let mut tree = Tree::new();
    tree.0.leave_out(40);
    tree.comes(40, 10, 104);
    tree.comes(41, 40, 105);
    tree.read();
    assert_eq!(tree.members(), [10]);
}

#[test]
fn a_number_that_is_given_again_is_another_process() {
    let mut tree = Tree::new();
    tree.comes(11, 10, 101);
    tree.holds(11, 50, Some(60));
    tree.read();
    tree.comes(11, 10, 109);
    let reading = tree.read();
    let [Gone { pid: 11, peak: Some(Bytes(60)), command, .. }] = &reading.gone[..] else { panic!("{reading:?}") };
    assert_eq!(command, "command 11");
    assert_eq!((reading.memory, tree.members()), (Bytes(2), vec![10, 11]));
    assert_eq!(reading.seen.len(), 1);
}

#[test]
fn a_spike_between_two_readings_is_in_the_peak_by_the_mark_of_its_process() {
    let mut tree = Tree::new();
    tree.comes(11, 10, 101);
    tree.holds(10, 100, Some(100));
    tree.holds(11, 30, Some(30));
    assert_eq!(bounds(&tree.read()), (130, 130, 130));
    tree.holds(10, 100, Some(190));
    assert_eq!(bounds(&tree.read()), (130, 220, 220));
    assert_eq!(bounds(&tree.read()), (130, 130, 130), "what it reached before is no news");
}

#[test]
fn a_spike_is_added_to_what_the_others_had_all_the_while_and_not_to_what_they_took_since() {
    let mut tree = Tree::new();
    tree.comes(11, 10, 101);
    tree.holds(10, 100, Some(100));
    tree.holds(11, 30, Some(30));
    tree.read();
    tree.holds(10, 20, Some(190));
    tree.holds(11, 90, Some(90));
    tree.comes(12, 10, 102);
    tree.holds(12, 40, Some(40));
    assert_eq!(bounds(&tree.read()), (150, 190 + 30, 190 + 90 + 40));
    tree.ends(11, Some(500));
    assert_eq!(bounds(&tree.read()), (60, 500 + 60, 500 + 60));
}

#[test]
fn marks_from_before_the_watch_are_no_news() {
    let mut tree = Tree::new();
    tree.0.begin(10, false);
    tree.holds(10, 100, Some(900));
    assert_eq!(bounds(&tree.read()), (100, 100, 100));
    tree.holds(10, 100, Some(950));
    tree.comes(11, 10, 105);
    tree.holds(11, 5, Some(50));
    assert_eq!(bounds(&tree.read()), (105, 950, 1000));
}

#[test]
fn what_a_process_held_just_before_its_end_is_known_where_the_system_tells_of_the_dead() {
    let mut tree = Tree::new();
    tree.holds(10, 100, Some(100));
    tree.read();
    tree.ends(10, Some(400));
    let reading = tree.read();
    assert_eq!((reading.processes, bounds(&reading)), (Some(0), (0, 400, 400)));
    assert_eq!(reading.gone[0].peak, Some(Bytes(400)));
}

#[test]
fn the_systems_mark_of_the_whole_tree_is_exact() {
    let mut tree = Tree::new();
    tree.comes(11, 10, 101);
    tree.holds(10, 100, Some(300));
    tree.holds(11, 50, Some(300));
    tree.told().high_water = Some(Bytes(310));
    assert_eq!(bounds(&tree.read()), (150, 310, 310));
    assert_eq!(bounds(&tree.read()), (150, 150, 150));
}

#[test]
fn without_marks_the_readings_stand_alone() {
    let mut tree = Tree::new();
    tree.holds(10, 100, None);
    assert_eq!(bounds(&tree.read()), (100, 100, 100));
    tree.holds(10, 40, None);
    assert_eq!(bounds(&tree.read()), (40, 40, 40));
    tree.ends(10, None);
    assert_eq!(tree.read().gone[0].peak, Some(Bytes(100)));
}

#[test]
fn a_process_that_may_not_be_read_is_counted_and_said_once() {
    let mut tree = Tree::new();
    tree.comes(11, 10, 101);
    tree.told().states.insert(11, State::Denied);
    let reading = tree.read();
    assert_eq!((reading.processes, bounds(&reading)), (Some(2), (1, 1, u64::MAX)), "it may hold anything");
    tree.read();
    assert_eq!(tree.0.notices().len(), 1);
    assert!(tree.0.notices()[0].starts_with("1 process may not be read"));
}

/// What a process holds at instant `at` of ten between two readings: it goes from `before` to `now`, and spikes once.
fn held((before, now, spike, when): (u64, u64, u64, u64), at: u64) -> u64 {
    let level = (before * (9 - at) + now * at) / 9;
    if at == when { level + spike } else { level }
}

proptest! {
    #[test]
    fn the_bounds_hold_whatever_was_between_two_readings(
        lives in prop::collection::vec((0_u64..1000, 0_u64..1000, prop_oneof![Just(0), 1_u64..1000], 1_u64..9), 1..6),
        ended in prop::option::of(1_usize..6),
    ) {
        let mut tree = Tree::new();
        for (pid, life) in (10..).zip(&lives) {
            if pid > 10 {
                tree.comes(pid, 10, 200);
            }
            tree.holds(pid, life.0, Some(life.0));
        }
        prop_assert_eq!(tree.read().memory.0, lives.iter().map(|life| life.0).sum::<u64>());
        for (index, (pid, life)) in (10..).zip(&lives).enumerate() {
            let high_water = Some((0..10).map(|at| held(*life, at)).max().unwrap().max(life.0));
            if Some(index) == ended {
                tree.ends(pid, high_water);
            } else {
                tree.holds(pid, held(*life, 9), high_water);
            }
        }
        let reading = tree.read();
        let reached = (0..10).map(|at| lives.iter().map(|life| held(*life, at)).sum::<u64>()).max().unwrap();
        prop_assert!(reading.peak.0 <= reached, "{} > {reached}", reading.peak);
        prop_assert!(reading.memory <= reading.peak);
    }
}
