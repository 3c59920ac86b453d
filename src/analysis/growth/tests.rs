//! How often growth is seen where there is none, and is missed where there is: each on many runs of ten minutes, made from fixed seeds.

use std::time::Duration;

use super::*;
use crate::analysis::levels::Levels;
use crate::units::Bytes;

const RUN: Duration = Duration::from_secs(600);
/// A row a second: the noise is that of the rows.
const ROWS: usize = 600;
/// What is held on the whole.
const LEVEL: f64 = 100.0 * 1048576.0;
const SEEDS: u64 = 200;

/// Numbers that look drawn by lot, the same every time (SplitMix64, Steele and others, 2014).
struct Lot(u64);

impl Lot {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, of deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }
}

/// Memory as a share of the level, a value a row.
type Noise = fn(&mut Lot) -> Vec<f64>;

fn white(lot: &mut Lot) -> Vec<f64> {
    (0..ROWS).map(|_| 0.02 * lot.normal()).collect()
}

/// Noise that remembers some ten seconds.
fn drift(lot: &mut Lot) -> Vec<f64> {
    let mut value = 0.0;
    (0..ROWS)
        .map(|_| {
            value = 0.9 * value + 0.01 * lot.normal();
            value
        })
        .collect()
}

fn spikes(lot: &mut Lot) -> Vec<f64> {
    (0..ROWS).map(|_| if lot.share() < 0.05 { lot.share() } else { 0.002 * lot.normal() }).collect()
}

/// What a garbage collector leaves and lets grow: some 20 to 120 teeth, each of its own length, a fifth of the level high.
fn teeth(lot: &mut Lot) -> Vec<f64> {
    let typical = 5.0 + 25.0 * lot.share();
    let (mut length, mut age, mut left) = (typical, typical * lot.share(), 0.0);
    (0..ROWS)
        .map(|_| {
            age += 1.0;
            if age > length {
                (age, length, left) = (age - length, typical * (0.7 + 0.6 * lot.share()), 0.003 * lot.normal());
            }
            left + 0.2 * age / length
        })
        .collect()
}

/// The growth of a run with this noise and a leak of so many per cent of the level a minute.
fn found(noise: Noise, leak: f64, seed: u64) -> Growth {
    let rows = noise(&mut Lot(seed));
    let mut levels = Levels::new(Duration::ZERO, RUN, CELLS, Duration::from_millis(10));
    for (row, share) in rows.iter().enumerate() {
        let at = Duration::from_secs(row as u64);
        let memory = LEVEL * (1.0 + share + leak / 100.0 * row as f64 / 60.0);
        levels.hold(at, at + Duration::from_secs(1), Bytes(memory as u64));
    }
    levels.close();
    growth(&levels, RUN).unwrap()
}

/// In how many runs of a hundred it is seen.
fn seen(noise: Noise, leak: f64) -> f64 {
    (0..SEEDS).filter(|seed| found(noise, leak, *seed).is_real()).count() as f64 / SEEDS as f64 * 100.0
}

#[test]
fn a_noisy_plateau_and_a_collectors_teeth_do_not_grow() {
    for (name, noise) in [("white", white as Noise), ("drift", drift), ("spikes", spikes), ("teeth", teeth)] {
        let seen = seen(noise, 0.0);
        assert!(seen <= 3.0, "{name}: growth is seen in {seen} % of the runs that have none");
    }
}

#[test]
fn a_leak_of_one_per_cent_a_minute_is_found_under_all_of_them() {
    let truth = (LEVEL / 100.0) as i64;
    for (name, noise) in [("white", white as Noise), ("drift", drift), ("spikes", spikes), ("teeth", teeth)] {
        let runs: Vec<Growth> = (0..SEEDS).map(|seed| found(noise, 1.0, seed)).collect();
        let per_cent = |holds: &dyn Fn(&Growth) -> bool| {
            runs.iter().filter(|growth| holds(growth)).count() as f64 / SEEDS as f64 * 100.0
        };
        let seen = per_cent(&Growth::is_real);
        assert!(seen >= 98.0, "{name}: the leak is found in {seen} % of the runs");
        let covered = per_cent(&|growth| growth.low.0 <= truth && truth <= growth.high.0);
        assert!(covered >= 94.0, "{name}: the interval covers the truth in {covered} % of the runs");
        let near = per_cent(&|growth| (growth.slope.0 - truth).abs() < truth / 2);
        assert!(near >= 98.0, "{name}: the slope is near the truth in {near} % of the runs");
    }
}

#[test]
fn a_step_is_no_growth_and_stairs_are() {
    let stairs = |count: usize| {
        let mut levels = Levels::new(Duration::ZERO, RUN, CELLS, Duration::from_millis(10));
        for step in 0..count {
            let (from, to) = (RUN * step as u32 / count as u32, RUN * (step as u32 + 1) / count as u32);
            levels.hold(from, to, Bytes::from_mib(100 + 10 * step as u64));
        }
        levels.close();
        growth(&levels, RUN).unwrap()
    };
    assert!(!stairs(2).is_real(), "{:?}", stairs(2));
    assert!(stairs(20).is_real(), "{:?}", stairs(20));
    let rate = stairs(20).slope.0 as f64 / f64::from(1 << 20);
    assert!((rate - 20.0).abs() < 2.0, "{rate} MiB/min");
}

#[test]
fn what_is_still_has_no_growth_and_no_doubt() {
    let still = Growth { slope: Rate::ZERO, low: Rate::ZERO, high: Rate::ZERO };
    assert_eq!(found(|_| vec![0.0; ROWS], 0.0, 1), still);
}

#[test]
fn a_steady_part_of_less_than_a_second_tells_nothing_about_a_minute() {
    let mut levels = Levels::new(Duration::ZERO, RUN, CELLS, Duration::from_millis(10));
    levels.hold(Duration::ZERO, RUN, Bytes::from_mib(1));
    assert_eq!(growth(&levels, Duration::from_millis(900)), None);
}
