//! Who took the memory that is there: rises are put on a pile, and what is given back is taken from its top.

use std::collections::BTreeMap;

use super::super::templates::TemplateId;

/// Memory by the template after whose lines it was taken. None stands for what came before the first line.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// From the lowest to the highest: who took it, and the level that it reaches up to, in bytes.
    pile: Vec<(Option<TemplateId>, f64)>,
    ground: f64,
    now: BTreeMap<Option<TemplateId>, f64>,
    most: BTreeMap<Option<TemplateId>, f64>,
}

impl Held {
    /// Begins with memory that nobody is asked about.
    pub(super) fn new(ground: f64) -> Self {
        Self { ground, ..Self::default() }
    }

    /// Memory is at this level now; what was taken was taken after a line of `by`.
    pub(super) fn turn_to(&mut self, level: f64, by: Option<TemplateId>) {
        while let Some((owner, top)) = self.pile.last_mut().filter(|(_, top)| *top > level) {
            let (owner, top) = (*owner, std::mem::replace(top, level));
            let below = self.pile.len().checked_sub(2).map_or(self.ground, |below| self.pile[below].1);
            if below >= level {
                self.pile.pop();
            }
            *self.now.entry(owner).or_default() -= top - level.max(below);
        }
        // Below what was there at first: taken again, it is nobody's rise.
        let top = self.pile.last().map_or(self.ground, |(_, top)| *top);
        if level > top {
            match self.pile.last_mut() {
                Some((owner, top)) if *owner == by => *top = level,
                _ => self.pile.push((by, level)),
            }
            let now = self.now.entry(by).or_default();
            *now += level - top;
            let most = self.most.entry(by).or_default();
            *most = most.max(*now);
        }
    }

    /// The most that each held at a time, in bytes.
    pub(super) fn most(self) -> BTreeMap<Option<TemplateId>, f64> {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn most(ground: u32, levels: &[(u32, u32)]) -> BTreeMap<Option<TemplateId>, f64> {
        let mut held = Held::new(f64::from(ground));
        levels.iter().for_each(|(level, by)| held.turn_to(f64::from(*level), Some(*by)));
        held.most()
    }

    #[test]
    fn what_is_given_back_was_taken_last() {
        // 1 takes 5, 2 takes 3, 3 gives 4 back: all of 2's and one of 1's; then 2 takes 2 again.
        assert_eq!(most(10, &[(15, 1), (18, 2), (14, 3), (16, 2)]), BTreeMap::from([(Some(1), 5.0), (Some(2), 3.0)]));
    }

    #[test]
    fn a_saw_tooth_has_the_rise_of_one_tooth() {
        let teeth: Vec<(u32, u32)> = (0..1000).flat_map(|_| [(60, 1), (10, 2)]).collect();
        assert_eq!(most(10, &teeth), BTreeMap::from([(Some(1), 50.0)]));
    }

    #[test]
    fn a_leak_under_a_saw_tooth_adds_up() {
        let teeth: Vec<(u32, u32)> =
            (0..100).flat_map(|round| [(60 + round, 1), (10 + round, 2), (11 + round, 3)]).collect();
        assert_eq!(most(10, &teeth)[&Some(3)], 100.0);
    }

    proptest! {
        #[test]
        fn the_pile_is_as_high_as_the_memory(ground in 0u32..50, levels in proptest::collection::vec((0u32..100, 0u32..4), 1..60)) {
            let mut held = Held::new(f64::from(ground));
            for (level, by) in &levels {
                held.turn_to(f64::from(*level), Some(*by));
                let sum: f64 = held.now.values().sum();
                prop_assert_eq!(sum, f64::from(level.saturating_sub(ground)));
                prop_assert!(held.pile.is_sorted_by(|low, high| low.1 < high.1));
                prop_assert!(held.now.values().all(|now| *now >= 0.0));
            }
            let highest = levels.iter().map(|(level, _)| *level).max().unwrap();
            let sum: f64 = held.most().values().sum();
            prop_assert!(sum >= f64::from(highest.saturating_sub(ground)));
        }
    }
}
