//! A simulated tree whose true sum is known.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Large enough that the shares of pages are whole numbers, nearly.
const PAGE: u64 = 4096;
/// What rounding takes off.
const ROUNDED: u64 = 64;

/// Processes and the pages that each holds. A page that several hold exists once.
#[derive(Debug, Default)]
struct Simulated {
    processes: BTreeMap<u32, Process>,
    next_page: u64,
    next_pid: u32,
}

#[derive(Debug, Clone, Default)]
struct Process {
    parent: u32,
    pages: BTreeSet<u64>,
    faults: u64,
    /// Pages and faults at the tick before.
    before: (u64, u64),
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Fork,
    Exit,
    Take(u64),
    GiveBack(u64),
    Write(u64),
    /// A fault that brings no page of this kind: a mapped file, a page that is its own again.
    Fault,
}

impl Simulated {
    fn new(pages: u64) -> Self {
        let mut tree = Self { next_pid: 2, ..Self::default() };
        tree.processes.insert(1, Process::default());
        tree.take(1, pages);
        tree
    }

    fn take(&mut self, pid: u32, count: u64) {
        let first = self.next_page;
        self.next_page += count;
        let process = self.processes.get_mut(&pid).unwrap();
        process.pages.extend(first..first + count);
        process.faults += count;
    }

    fn step(&mut self, which: usize, step: Step) {
        let pid = *self.processes.keys().nth(which % self.processes.len()).unwrap();
        let process = self.processes.get_mut(&pid).unwrap();
        match step {
            Step::Take(count) => self.take(pid, count),
            Step::GiveBack(count) => {
                let given: Vec<u64> = process.pages.iter().copied().step_by(2).take(count as usize).collect();
                process.pages.retain(|page| !given.contains(page));
            }
            Step::Write(count) => {
                let pages = process.pages.clone();
                let others: Vec<&Process> =
                    self.processes.iter().filter(|(other, _)| **other != pid).map(|(_, process)| process).collect();
                let shared = |page: &&u64| others.iter().any(|other| other.pages.contains(page));
                let copied: Vec<u64> = pages.iter().filter(shared).take(count as usize).copied().collect();
                let process = self.processes.get_mut(&pid).unwrap();
                process.pages.retain(|page| !copied.contains(page));
                self.take(pid, copied.len() as u64);
            }
            Step::Fault => process.faults += 1,
            Step::Fork => {
                let child = Process { parent: pid, pages: process.pages.clone(), ..Process::default() };
                self.processes.insert(self.next_pid, child);
                self.next_pid += 1;
            }
            Step::Exit if self.processes.len() > 1 => drop(self.processes.remove(&pid)),
            Step::Exit => {}
        }
    }

    fn members(&mut self) -> Vec<Member> {
        let member = |(pid, process): (&u32, &mut Process)| {
            let (held, faults) = (PAGE * process.pages.len() as u64, PAGE * process.faults);
            let (held_before, faults_before) = std::mem::replace(&mut process.before, (held, faults));
            let grown = held.saturating_sub(held_before);
            let new_faults = (faults - faults_before).saturating_sub(grown) + held_before.saturating_sub(held);
            Member { pid: *pid, parent: process.parent, held, faults, new_faults }
        };
        self.processes.iter_mut().map(member).collect()
    }

    fn truth(&self) -> u64 {
        self.processes.values().flat_map(|process| &process.pages).collect::<BTreeSet<_>>().len() as u64 * PAGE
    }

    /// As the kernel has it, which rounds each process's share down.
    fn shares(&self) -> Vec<Share> {
        let holders = |page: &u64| self.processes.values().filter(|other| other.pages.contains(page)).count() as f64;
        let share = |(pid, process): (&u32, &Process)| Share {
            pid: *pid,
            share: process.pages.iter().map(|page| PAGE as f64 / holders(page)).sum::<f64>() as u64,
            held: PAGE * process.pages.len() as u64,
            faults: PAGE * process.faults,
        };
        self.processes.iter().map(share).collect()
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Fork),
        1 => Just(Step::Exit),
        3 => (1u64..30).prop_map(Step::Take),
        3 => (1u64..30).prop_map(Step::GiveBack),
        3 => (1u64..30).prop_map(Step::Write),
        1 => Just(Step::Fault),
    ]
}

proptest! {
    /// Steps between two ticks are few enough that a process is not forked and its child's child seen first.
    #[test]
    fn the_truth_is_never_outside_the_interval_and_a_reading_closes_it(
        pages in 1u64..200,
        ticks in prop::collection::vec((prop::collection::vec((0usize..8, any_step()), 0..3), prop::bool::weighted(0.1)), 1..60),
    ) {
        let mut tree = Simulated::new(pages);
        let mut family = Family::default();
        family.advance(&tree.members());
        for (steps, is_read) in ticks {
            for (which, step) in steps {
                tree.step(which, step);
            }
            family.advance(&tree.members());
            if is_read && tree.processes.len() > 1 {
                family.read(&tree.shares());
                let Estimate { value, low, high } = family.estimate();
                prop_assert!((low, high) == (value, value) && value.abs_diff(tree.truth()) <= ROUNDED);
            }
            let (Estimate { value, low, high }, truth) = (family.estimate(), tree.truth());
            let is_inside = low <= truth + ROUNDED && truth <= high + ROUNDED;
            prop_assert!(is_inside, "{truth} is not in {low}..{high} {tree:?} {family:?}");
            prop_assert!(low <= value && value <= high);
        }
    }

    #[test]
    fn shared_memory_is_within_its_interval_whatever_maps_it(
        ticks in prop::collection::vec((prop::collection::vec((0u32..5, 0u64..100), 0..5), any::<i32>()), 1..30)
    ) {
        // All map the first so many bytes of one file.
        let mut shared = SharedMemory::default();
        for (maps, machine) in ticks {
            let now: Vec<(u32, u64)> = maps.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
            let truth = now.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
            shared.advance(now.into_iter().collect(), i64::from(machine));
            let Estimate { low, high, .. } = shared.estimate();
            prop_assert!(low <= truth && truth <= high, "{truth} is not in {low}..{high}");
        }
    }
}

fn member(pid: u32, held: u64, faults: u64) -> Member {
    Member { pid, parent: 1, held, faults, new_faults: 0 }
}

#[test]
fn a_parent_that_forks_children_which_touch_nothing_is_exact_without_a_reading() {
    let mut family = Family::default();
    family.advance(&[member(1, 300, 300)]);
    for child in 2..50 {
        family.advance(&[member(1, 300, 300), member(child, 300, 0)]);
        assert_eq!(family.estimate(), Estimate { value: 300, low: 300, high: 300 });
    }
    family.advance(&[member(1, 310, 310), member(60, 300, 0)]);
    assert_eq!(family.estimate(), Estimate { value: 310, low: 310, high: 310 });
}

#[test]
fn a_worker_that_takes_and_gives_back_is_uncertain_until_it_is_read() {
    let mut family = Family::default();
    family.advance(&[member(1, 100, 100)]);
    family.advance(&[member(1, 100, 100), member(2, 130, 30)]);
    assert_eq!(family.estimate(), Estimate { value: 130, low: 130, high: 130 });
    family.advance(&[member(1, 100, 100), member(2, 100, 30)]);
    assert_eq!(family.estimate(), Estimate { value: 100, low: 100, high: 130 }, "it may have been its parent's pages");
    family.advance(&[member(1, 100, 100), member(2, 130, 60)]);
    assert_eq!(family.estimate(), Estimate { value: 130, low: 130, high: 160 });
    let share = |pid, share, held, faults| Share { pid, share, held, faults };
    family.read(&[share(1, 50, 100, 100), share(2, 80, 130, 60)]);
    assert_eq!(family.estimate(), Estimate { value: 130, low: 130, high: 130 });
}
