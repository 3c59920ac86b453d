use std::time::{Duration, Instant};

use super::gaps::Gaps;
use super::sum::{Level, Sum};
use super::taskstats::{Exit, Exits};
use super::tree::Tree;
use crate::os::source::{ChildEnd, Gone, Reading, Seen};
use crate::units::Bytes;

/// What becomes known of processes when they have ended: those that no tick saw, the last peaks of the others, and how high
/// the metric can have been in between.
#[derive(Debug)]
pub(super) struct Ends {
    exits: Exits,
    gaps: Gaps,
    root: Root,
    /// The workload was started by memguard, so that its orphans come here and none of its ends was missed.
    is_launched: bool,
    /// Those that have let go of their memory since the tick before, and have yet to end.
    letting_go: Vec<Last>,
    /// There were processes beside the root.
    are_several: bool,
    /// When the last reading was taken. None before the first that found a process.
    last: Option<Instant>,
    /// What those that live surely held all the while since then.
    lasting: u64,
    /// The most that a process shared with others so far.
    discount: u64,
    /// The most in swap so far.
    swap: u64,
}

/// A process that ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) command: String,
    pub(super) last: Last,
}

/// A process that has no memory any more, as it was last read.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) pid: u32,
    /// The most resident memory that it had; None where it could never be read.
    pub(super) peak: Option<Bytes>,
    /// It ran its parent's program.
    pub(super) forked: bool,
    pub(super) counted: Counted,
    /// What was resident when it was counted.
    pub(super) resident: u64,
    pub(super) high_water: u64,
}

/// What was last counted of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// At the tick before. Nothing of one that was not there.
    Held(Level),
    /// It had let go of its memory by the tick before. All that it reached was told then: a process lets go once the kernel has
    /// told of its end, and shows as ended after that.
    LetGo,
}

#[derive(Debug, Default)]
struct Root {
    pid: Option<u32>,
    /// The most resident memory that it is known to have had, what it had when it was last read, and its share of that. None
    /// while it lives.
    last: Option<(u64, u64, u64)>,
    end: Option<ChildEnd>,
}

impl Last {
    /// Whether what was read of it was its parent's: it was never read, or executed a program since.
    const fn is_of_another_program(&self, exit: &Exit) -> bool {
        self.high_water == 0 || (self.forked && !exit.forked)
    }
}

impl Ends {
    pub(super) fn begin() -> Self {
        Self {
            exits: Exits::begin(),
            gaps: Gaps::default(),
            root: Root::default(),
            is_launched: false,
            letting_go: Vec::new(),
            are_several: false,
            last: None,
            lasting: 0,
            discount: 0,
            swap: 0,
        }
    }

    /// The workload is about to be started.
    pub(super) fn prepare(&mut self) {
        self.is_launched = true;
        self.exits.forget();
    }

    pub(super) fn follow(&mut self, root: u32) {
        self.root.pid = Some(root);
        self.exits.follow(root);
    }

    pub(super) fn leave_out(&mut self, pid: u32) {
        self.exits.leave_out(pid);
    }

    pub(super) fn root_ended(&mut self, end: &ChildEnd) {
        self.root.end = Some(*end);
    }

    /// It has let go of its memory since the tick before.
    pub(super) fn let_go(&mut self, last: Last) {
        self.letting_go.push(last);
    }

    /// How many have let go, and are to be told of.
    #[cfg(test)]
    pub(super) fn let_go_now(&mut self) -> usize {
        std::mem::take(&mut self.letting_go).len()
    }

    /// Takes note of those that live.
    pub(super) fn note(&mut self, sum: &Sum) {
        self.lasting = sum.lasting;
        self.discount = self.discount.max(sum.discount);
    }

    /// Completes a reading of those that live by those that ended.
    pub(super) fn complete(&mut self, reading: &mut Reading, tree: &mut Tree) {
        let rests = reading.seen.is_empty() && tree.is_at_rest();
        let unseen = if self.exits.may_wait(rests, Instant::now()) {
            Vec::new()
        } else {
            self.exits.ask(reading.seen.iter().map(|seen| seen.pid), |pid| tree.side_of(pid))
        };
        let now = Instant::now();
        self.swap = self.swap.max(reading.parts.swap.unwrap_or_default().0);
        self.are_several |= reading.seen.iter().any(|seen| Some(seen.pid) != self.root.pid);

        let processes = reading.processes.unwrap_or(0);
        let is_alone = processes as usize + self.letting_go.len() + tree.ended.len() <= 1;
        let (mut peak, mut at_most) = (reading.peak.0, reading.at_most.unwrap_or_default().0);
        for last in std::mem::take(&mut self.letting_go) {
            let level = self.note_end(&last, self.exits.told_of(last.pid).cloned().as_ref());
            (peak, at_most) = (peak.max(self.lasting + level.least), at_most + level.most);
        }
        for Ended { mut command, last } in tree.ended.drain(..) {
            let exit = self.exits.of(last.pid);
            let level = self.note_end(&last, exit.as_ref());
            (peak, at_most) = (peak.max(self.lasting + level.least), at_most + level.most);
            let told = exit.as_ref().and_then(|exit| exit.peak);
            let mut highest = last.peak.max(told);
            if let Some(exit) = exit.as_ref().filter(|exit| last.is_of_another_program(exit)) {
                (highest, command) = (told.or(highest), format!("[{}]", exit.name));
            }
            let lived = exit.map(|exit| exit.lived);
            reading.gone.push(Gone { pid: last.pid, peak: highest, command, lived, ago: Duration::ZERO });
        }
        peak = peak.max(self.peak_of_root().unwrap_or(0));
        for process in &unseen {
            // Of one that ended earlier, and is known to be of the tree only now, it is not known what was beside it.
            if self.last.is_some_and(|last| process.before > last) {
                peak = peak.max(self.lasting + self.level_of(&process.exit).least);
            }
        }
        // A single process can't have been higher than its mark, which it carries.
        let at_most = if is_alone { peak } else { at_most.max(peak) };
        self.gaps.close(now, at_most);
        for process in unseen {
            self.gaps.add(process.after, process.before, process.exit.own_at_most());
            let Exit { pid, parent, name, lived, peak, .. } = process.exit;
            self.are_several |= Some(pid) != self.root.pid;
            reading.seen.push(Seen { pid, parent });
            let (command, ago) = (format!("[{name}]"), now.duration_since(process.before));
            reading.gone.push(Gone { pid, peak, command, lived: Some(lived), ago });
        }
        (reading.peak, reading.at_most) = (Bytes(peak), Some(Bytes(at_most)));
        if processes > 0 || self.last.is_some() {
            self.last = Some(now);
        }
    }

    /// What a process had at the most since the tick before, in which it let go of its memory or ended, and what it surely had
    /// where that is news. Of one that let go before there is none.
    fn note_end(&mut self, last: &Last, exit: Option<&Exit>) -> Level {
        let Counted::Held(counted) = last.counted else { return Level::default() };
        let told = exit.and_then(|exit| exit.peak);
        if self.root.pid == Some(last.pid) {
            self.root.last = Some((last.peak.max(told).unwrap_or_default().0, last.resident, counted.least));
        }
        let level = match exit {
            Some(exit) if last.is_of_another_program(exit) => self.level_of(exit),
            Some(exit) => {
                let rise = told.map_or(0, |told| told.0.saturating_sub(last.resident));
                // What it reached before it was last read is no news; what a fork took since may be its relatives'.
                let is_news = !exit.forked && told.is_some_and(|told| told.0 > last.high_water);
                let least = if is_news { counted.least + rise } else { 0 };
                Level { least, most: counted.most + rise.min(exit.own_at_most()), discount: 0 }
            }
            None => Level { least: 0, most: counted.most + last.high_water.saturating_sub(last.resident), discount: 0 },
        };
        Level { most: level.most.max(counted.most), ..level }
    }

    /// What a process had of its own at its mark, if that was not read. What a fork has may be its parent's; of a program, all but
    /// what it shares with others is its own.
    fn level_of(&self, exit: &Exit) -> Level {
        let most = exit.own_at_most();
        Level { least: if exit.forked { 0 } else { most.saturating_sub(self.discount) }, most, discount: 0 }
    }

    /// How high the metric surely was by what the root is known to have reached at its end, if that is news.
    fn peak_of_root(&mut self) -> Option<u64> {
        let end = self.root.end.filter(|end| end.is_reached && !self.are_several)?;
        let (mark, resident, level) = self.root.last.as_mut()?;
        let reached = end.at_most?.0;
        if reached <= *mark {
            return None;
        }
        *mark = reached;
        Some(*level + reached.saturating_sub(*resident))
    }

    /// The most that the metric can have reached in the whole run. None where something can have come and gone unseen.
    pub(super) fn at_most(&self) -> Option<Bytes> {
        let most_of_root = self.root.end.and_then(|end| end.at_most).filter(|_| !self.are_several);
        if !self.is_launched || !(self.exits.knows_all() || most_of_root.is_some()) {
            return None;
        }
        let mark = self.root.last.map_or(0, |(mark, ..)| mark);
        // It had more at its very end, or as another program: or memguard had, from which it was forked.
        let more = most_of_root.filter(|most| most.0 > mark).map_or(0, |most| most.0 + self.swap);
        Some(Bytes(self.gaps.at_most().max(more)))
    }

    pub(super) fn notices(&self) -> Vec<String> {
        let lost = (self.exits.overruns() > 0).then(|| {
            "more processes ended at once than the kernel holds back for memguard: processes.csv may lack some that lived \
             for less than a tick"
                .to_owned()
        });
        lost.into_iter().collect()
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        // A root that is known to have had no children hides none.
        let is_blind = self.is_launched && (self.are_several || self.root.end.is_none_or(|end| end.at_most.is_none()));
        let unheard = self.exits.unheard().filter(|_| is_blind);
        let lacking = |why| format!("processes.csv may lack processes that lived for less than a tick: {why}");
        unheard.map(lacking).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::Ending;

    #[test]
    fn ends_that_the_kernel_could_not_hold_back_are_told_of_and_leave_the_peak_open() {
        let Some(exits) = Exits::after_an_overrun() else { return }; // not root, or a container
        let (mut ends, mut tree) = (Ends { exits, ..Ends::begin() }, Tree::new().unwrap());
        ends.is_launched = true;
        assert_eq!((ends.notices().len(), ends.at_most()), (0, Some(Bytes::ZERO)));
        ends.complete(&mut Reading::default(), &mut tree);
        assert!(ends.notices()[0].contains("processes.csv may lack"), "{:?}", ends.notices());
        assert_eq!(ends.at_most(), None);
    }

    #[test]
    fn what_a_process_reached_is_told_once_when_it_lets_go_of_its_memory_and_not_again_when_it_ends() {
        let (mut ends, mut tree) = (Ends::begin(), Tree::new().unwrap());
        let last =
            |counted| Last { pid: 1, peak: Some(Bytes(40)), forked: false, counted, resident: 30, high_water: 40 };
        let complete = |ends: &mut Ends, tree: &mut Tree| {
            // Others hold 100 bytes.
            let mut reading = Reading {
                processes: Some(2),
                memory: Bytes(100),
                peak: Bytes(100),
                at_most: Some(Bytes(100)),
                ..Reading::default()
            };
            ends.lasting = 100;
            ends.complete(&mut reading, tree);
            (reading.peak, reading.at_most, reading.gone.len())
        };
        let level = Level { least: 20, most: 25, discount: 0 };
        ends.exits.tell(1, Bytes(90));
        ends.let_go(last(Counted::Held(level)));
        assert_eq!(complete(&mut ends, &mut tree), (Bytes(100 + 20 + 60), Some(Bytes(100 + 25 + 60)), 0));
        assert_eq!(complete(&mut ends, &mut tree), (Bytes(100), Some(Bytes(100)), 0));
        tree.ended.push(Ended { command: String::new(), last: last(Counted::LetGo) });
        assert_eq!(complete(&mut ends, &mut tree), (Bytes(100), Some(Bytes(100)), 1));
        ends.let_go(last(Counted::Held(level)));
        assert_eq!(
            complete(&mut ends, &mut tree),
            (Bytes(100), Some(Bytes(100 + 25 + 10)), 0),
            "nothing was told of it"
        );
    }

    #[test]
    fn what_the_root_reached_at_its_very_end_is_news_once() {
        let mut ends = Ends::begin();
        (ends.is_launched, ends.last) = (true, Some(Instant::now()));
        ends.root.last = Some((300, 100, 80));
        let end =
            |at_most, is_reached| ChildEnd { ending: Ending::Exited(0), at_most: Some(Bytes(at_most)), is_reached };
        ends.root_ended(&end(300, true));
        assert_eq!(ends.peak_of_root(), None, "its mark was read");
        ends.root_ended(&end(500, false));
        assert_eq!((ends.peak_of_root(), ends.at_most()), (None, Some(Bytes(500))), "memguard may have had that");
        ends.root_ended(&end(500, true));
        assert_eq!(ends.peak_of_root(), Some(480), "of what it has, 20 are others'");
        assert_eq!(ends.peak_of_root(), None);
        ends.are_several = true;
        ends.root_ended(&end(900, true));
        assert_eq!(ends.peak_of_root(), None, "one of the others may have had that");
    }
}
