use std::time::Duration;

use crate::trace::Sampling;

/// Deadlines at whole multiples of the interval since launch: a late tick does not move those after it.
#[derive(Debug)]
pub(super) struct Ticks {
    interval: Duration,
    next: Duration,
    last: Option<Duration>,
    pub(super) quality: Sampling,
}

impl Ticks {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, next: Duration::ZERO, last: None, quality: Sampling::default() }
    }

    /// When the next reading is due.
    pub(super) fn next(&self) -> Duration {
        self.next
    }

    /// A reading was begun at `begun` and ended at `ended`.
    pub(super) fn taken(&mut self, begun: Duration, ended: Duration) {
        self.quality.ticks += 1;
        let gap = begun.saturating_sub(self.last.unwrap_or_default());
        self.quality.longest_gap = self.quality.longest_gap.max(gap);
        self.last = Some(begun);
        if begun >= self.next {
            let nanos = self.interval.as_nanos().max(1);
            let due = ended.as_nanos() / nanos + 1;
            let wanted = self.next.as_nanos() / nanos + 1;
            self.quality.missed += u64::try_from(due.saturating_sub(wanted)).unwrap_or(u64::MAX);
            self.next = Duration::from_nanos(u64::try_from(due * nanos).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_late_tick_does_not_move_those_after_it() {
        let mut ticks = Ticks::new(ms(10));
        ticks.taken(ms(0), ms(1));
        assert_eq!(ticks.next(), ms(10));
        ticks.taken(ms(14), ms(15));
        assert_eq!(ticks.next(), ms(20));
        assert_eq!(ticks.quality.missed, 0);
    }

    #[test]
    fn deadlines_that_passed_unread_are_counted_and_not_made_up_for() {
        let mut ticks = Ticks::new(ms(10));
        ticks.taken(ms(0), ms(1));
        ticks.taken(ms(10), ms(47));
        assert_eq!(ticks.next(), ms(50));
        assert_eq!(ticks.quality.missed, 3);
        ticks.taken(ms(50), ms(51));
        assert_eq!(ticks.quality.longest_gap, ms(40));
    }

    #[test]
    fn a_reading_out_of_turn_leaves_the_deadline_where_it_is() {
        let mut ticks = Ticks::new(ms(10));
        ticks.taken(ms(0), ms(1));
        ticks.taken(ms(4), ms(5));
        assert_eq!(ticks.next(), ms(10));
        assert_eq!(ticks.quality.ticks, 2);
    }
}
