use std::time::Duration;

use crate::trace::Sampling;

/// Deadlines at whole multiples of the interval since launch: a late tick does not move those after it.
#[derive(Debug)]
pub(super) struct Ticks {
    interval: Duration,
    next: Duration,
    last: Option<Duration>,
    budget: Budget,
    pub(super) quality: Sampling,
}

impl Ticks {
    pub(super) fn new(interval: Duration) -> Self {
        let (next, budget, quality) = (Duration::ZERO, Budget::default(), Sampling::default());
        Self { interval, next, last: None, budget, quality }
    }

    /// When the next reading is due.
    pub(super) fn next(&self) -> Duration {
        self.next
    }

    /// A reading was begun at `begun` and ended at `ended`. `cpu` tells the CPU time of this thread, where the system does.
    pub(super) fn taken(&mut self, begun: Duration, ended: Duration, cpu: impl FnOnce() -> Option<Duration>) {
        self.quality.ticks += 1;
        let gap = begun.saturating_sub(self.last.unwrap_or_default());
        self.quality.longest_gap = self.quality.longest_gap.max(gap);
        self.last = Some(begun);
        let rest = self.budget.spend(begun, ended, cpu);
        if begun >= self.next {
            let wanted = self.number(self.next) + 1;
            let due = self.number(ended) + 1;
            self.quality.missed += due.saturating_sub(wanted);
            let affordable = self.number(ended + rest) + 1;
            self.quality.stretched += affordable - due;
            self.next = Duration::from_nanos(affordable.saturating_mul(self.nanos()));
        }
    }

    /// What the reader of the results must know.
    pub(super) fn notice(&self) -> Option<String> {
        let Sampling { ticks, stretched, .. } = self.quality;
        (stretched > ticks / 20).then(|| {
            format!(
                "memguard took {ticks} readings and left out {stretched}, so as not to take more than {SHARE} % of a core"
            )
        })
    }

    /// How many deadlines there were until then, but for the first.
    fn number(&self, at: Duration) -> u64 {
        u64::try_from(at.as_nanos()).unwrap_or(u64::MAX) / self.nanos()
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX).max(1)
    }
}

/// The share of one core that reading may take, in percent. Ticks stretch rather than cost more…
const SHARE: u32 = 5;
/// …but not further than this: what is not looked at for longer is poorly measured.
const LONGEST: Duration = Duration::from_millis(250);
/// What may be saved up for a burst, such as the start of many processes.
const SAVED: f64 = 0.3;

/// The time that reading may take, in seconds.
#[derive(Debug)]
struct Budget {
    left: f64,
    earned_until: Duration,
    /// Since `cpu` was last asked: what was taken by the clock on the wall, which is what there is to pay unless the thread
    /// had to wait for a core.
    charged: f64,
    cpu: Option<Duration>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: SAVED, earned_until: Duration::ZERO, charged: 0.0, cpu: None }
    }
}

impl Budget {
    /// Pays for a reading. Returns how long there should be none after it.
    fn spend(&mut self, begun: Duration, ended: Duration, cpu: impl FnOnce() -> Option<Duration>) -> Duration {
        let share = f64::from(SHARE) / 100.0;
        let time = ended.saturating_sub(begun).as_secs_f64();
        self.left = (self.left + ended.saturating_sub(self.earned_until).as_secs_f64() * share).min(SAVED) - time;
        self.earned_until = ended;
        self.charged += time;
        if (self.left < 0.0 || self.cpu.is_none())
            && let Some(now) = cpu()
        {
            if let Some(before) = self.cpu {
                self.left += self.charged - now.saturating_sub(before).as_secs_f64();
            }
            (self.cpu, self.charged) = (Some(now), 0.0);
        }
        let longest = LONGEST.as_secs_f64();
        self.left = self.left.clamp(-longest * share, SAVED);
        Duration::from_secs_f64((-self.left / share).clamp(0.0, longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const fn untold() -> Option<Duration> {
        None
    }

    #[test]
    fn a_late_tick_does_not_move_those_after_it() {
        let mut ticks = Ticks::new(ms(10));
        ticks.taken(ms(0), ms(1), untold);
        assert_eq!(ticks.next(), ms(10));
        ticks.taken(ms(14), ms(15), untold);
        assert_eq!(ticks.next(), ms(20));
        assert_eq!(ticks.quality.missed, 0);
    }

    #[test]
    fn deadlines_that_passed_unread_are_counted_and_not_made_up_for() {
        let mut ticks = Ticks::new(ms(10));
        ticks.taken(ms(0), ms(1), untold);
        ticks.taken(ms(10), ms(47), untold);
        assert_eq!(ticks.next(), ms(50));
        assert_eq!(ticks.quality.missed, 3);
        ticks.taken(ms(50), ms(51), untold);
        assert_eq!(ticks.quality.longest_gap, ms(40));
    }

    #[test]
    fn a_reading_out_of_turn_leaves_the_deadline_where_it_is() {
        let mut ticks = Ticks::new(ms(10));
        ticks.taken(ms(0), ms(1), untold);
        ticks.taken(ms(4), ms(5), untold);
        assert_eq!(ticks.next(), ms(10));
        assert_eq!(ticks.quality.ticks, 2);
    }

    /// Reads at every deadline for so many seconds; each reading takes `wall`, of which `cpu` is its own.
    fn read_for(seconds: u64, interval: Duration, wall: Duration, cpu: Duration) -> Sampling {
        let mut ticks = Ticks::new(interval);
        let mut spent = Duration::ZERO;
        while ticks.next() < Duration::from_secs(seconds) {
            let begun = ticks.next();
            spent += cpu;
            ticks.taken(begun, begun + wall, || Some(spent));
        }
        ticks.quality
    }

    #[test]
    fn readings_that_fit_into_their_share_are_taken_at_every_deadline() {
        let quality = read_for(60, ms(10), Duration::from_micros(490), Duration::from_micros(490));
        assert_eq!((quality.ticks, quality.missed, quality.stretched), (6000, 0, 0));
    }

    #[test]
    fn readings_that_cost_more_become_fewer_and_their_number_is_told() {
        let quality = read_for(60, ms(10), ms(2), ms(2));
        let share = quality.ticks as f64 * 0.002 / 60.0;
        assert!((0.045..0.06).contains(&share), "{share}");
        assert_eq!(quality.missed, 0);
        // The last reading leaves out some after the end.
        assert!((6000..6025).contains(&(quality.ticks + quality.stretched)), "{quality:?}");
    }

    #[test]
    fn a_thread_that_had_to_wait_for_a_core_has_not_used_it() {
        let quality = read_for(60, ms(10), ms(2), Duration::from_micros(400));
        assert_eq!(quality.stretched, 0, "of {} ticks", quality.ticks);
    }

    #[test]
    fn however_much_a_reading_costs_the_next_is_not_far() {
        let quality = read_for(60, ms(10), ms(700), ms(700));
        assert!(quality.longest_gap <= ms(700) + LONGEST + ms(10), "{:?}", quality.longest_gap);
    }
}
