use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How high the metric can have been between the readings, in bytes.
///
/// Each gap between two readings has a bound of its own. Of the last ones it can still rise: of some processes that no reading
/// saw it is learned later that they were of the tree.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    recent: VecDeque<Gap>,
    /// The highest of all that are no longer kept, and when the last of them ended.
    earlier: Option<Gap>,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    /// When the reading was taken that ends it.
    until: Instant,
    at_most: u64,
}

/// For so long, and for so many readings, a gap is kept: for longer than it takes to learn of its processes.
const KEPT: Duration = Duration::from_secs(2);
const KEPT_GAPS: usize = 8;

impl Gaps {
    /// A reading has ended a gap.
    pub(super) fn close(&mut self, until: Instant, at_most: u64) {
        self.recent.push_back(Gap { until, at_most });
        while self.recent.len() > KEPT_GAPS
            && let Some(oldest) = self.recent.front()
            && until.duration_since(oldest.until) > KEPT
        {
            let at_most = self.earlier.map_or(0, |earlier| earlier.at_most).max(oldest.at_most);
            self.earlier = Some(Gap { at_most, ..*oldest });
            self.recent.pop_front();
        }
    }

    /// A process that no reading saw had so much, for some of this time.
    pub(super) fn add(&mut self, after: Instant, before: Instant, bytes: u64) {
        let mut since = None;
        for gap in self.earlier.iter_mut().chain(&mut self.recent) {
            if gap.until > after && since.is_none_or(|since| since < before) {
                gap.at_most = gap.at_most.saturating_add(bytes);
            }
            since = Some(gap.until);
        }
    }

    /// The highest of all gaps.
    pub(super) fn at_most(&self) -> u64 {
        self.recent.iter().chain(&self.earlier).map(|gap| gap.at_most).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_is_learned_late_counts_in_the_gaps_of_its_time() {
        let start = Instant::now();
        let mut gaps = Gaps::default();
        for (tick, at_most) in [(1, 100), (2, 500), (3, 90)] {
            gaps.close(start + 10 * tick * MS, at_most);
        }
        gaps.add(start + 11 * MS, start + 20 * MS, 7);
        assert_eq!(gaps.at_most(), 507);
        gaps.add(start + 21 * MS, start + 30 * MS, 430);
        assert_eq!(gaps.at_most(), 520);
        gaps.add(start, start + 5 * MS, 100);
        assert_eq!(gaps.at_most(), 520, "the first gap has 200");
    }

    proptest! {
        #[test]
        fn no_instant_can_have_had_more(
            ticks in prop::collection::vec((1u32..700, 0u64..1000), 1..60),
            unseen in prop::collection::vec((0u32..4000, 0u32..100, 0u64..1000), 0..30),
        ) {
            let start = Instant::now();
            let (mut now, mut gaps, mut all) = (start, Gaps::default(), Vec::new());
            for (step, at_most) in ticks {
                let since = now;
                now += step * MS;
                gaps.close(now, at_most);
                all.push((since, now, at_most));
            }
            let mut lives = Vec::new();
            for (ago, lived, bytes) in unseen {
                let before = now.checked_sub(ago * MS).unwrap_or(start).max(start);
                let after = before.checked_sub(lived * MS).unwrap_or(start).max(start);
                gaps.add(after, before, bytes);
                lives.push((after, before, bytes));
            }
            for (since, until, at_most) in all {
                let there = |(after, before, _): &&(Instant, Instant, u64)| *after < until && *before > since;
                let most = at_most + lives.iter().filter(there).map(|(.., bytes)| bytes).sum::<u64>();
                prop_assert!(gaps.at_most() >= most);
            }
            prop_assert!(gaps.recent.len() <= KEPT_GAPS + 2000);
        }
    }
}
