use std::time::Duration;

use super::ticks::Ticks;

/// Whether it is worth while to wait for a change rather than for the next deadline: who is woken by one has to wait for the
/// deadline after it all the same, and to be woken is most of what a reading costs.
#[derive(Debug, Default)]
pub(super) struct Naps {
    /// So many readings come before the next nap.
    patience: u32,
    waited: u32,
}

/// What others do to memory that nobody uses (the system swaps it out, a sharer lets go of it) is not heard of: it is looked for
/// this often.
const LONGEST: Duration = Duration::from_millis(500);
/// One that leaves out fewer deadlines costs more than it saves.
const WORTH: u32 = 2;
const MOST_PATIENCE: u32 = 63;

impl Naps {
    /// The deadline at which a nap has to end. None where there is to be none.
    pub(super) fn begin(&mut self, ticks: &Ticks) -> Option<Duration> {
        let until = ticks.last_by(ticks.next() + LONGEST);
        if until <= ticks.next() || self.waited < self.patience {
            self.waited = self.waited.saturating_add(1);
            return None;
        }
        Some(until)
    }

    /// It has left out so many deadlines.
    pub(super) fn ended(&mut self, left_out: u32) {
        self.waited = 0;
        self.patience = if left_out >= WORTH { 0 } else { (self.patience * 2 + 1).min(MOST_PATIENCE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naps_that_do_not_pay_become_rare_and_one_that_does_makes_them_common_again() {
        let (mut naps, ticks) = (Naps::default(), Ticks::new(Duration::from_millis(10)));
        let mut readings_before = |left_out| {
            let mut readings = 0;
            while naps.begin(&ticks).is_none() {
                readings += 1;
            }
            naps.ended(left_out);
            readings
        };
        let all: Vec<u32> = [1, 0, 1, 2, 20, 0].map(&mut readings_before).to_vec();
        assert_eq!(all, [0, 1, 3, 7, 0, 0]);
        for _ in 0..20 {
            readings_before(0);
        }
        assert_eq!(readings_before(0), MOST_PATIENCE);
    }

    #[test]
    fn a_nap_ends_at_a_deadline_and_there_is_none_where_deadlines_are_rare() {
        let until = |millis| Naps::default().begin(&Ticks::new(Duration::from_millis(millis)));
        assert_eq!(until(1), Some(Duration::from_millis(500)));
        assert_eq!(until(40), Some(Duration::from_millis(480)));
        assert_eq!(until(1000), None);
    }
}
