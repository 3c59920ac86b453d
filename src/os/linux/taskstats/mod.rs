//! Every process of the tree that ends, told by the kernel (taskstats over generic netlink): also one that lived for 2 ms
//! between two ticks. That takes root, or CAP_NET_ADMIN.

mod listener;
mod message;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use self::listener::{Listener, Unheard};
pub(super) use self::message::Exit;

/// Which of the processes that end on this machine are of the tree.
///
/// The kernel tells whose child each was when it ended. A child mostly ends before its parent, which may not have been seen by
/// then: it waits until its parent is seen, or ends. A parent that does neither before long is not of the tree.
#[derive(Debug)]
pub(super) struct Exits {
    listener: Result<Listener, Unheard>,
    own_pid: u32,
    root: Option<u32>,
    /// Who ended, or was left out from the beginning, a short while ago.
    past: HashMap<u32, Past>,
    past_in_order: VecDeque<(Moment, u32)>,
    /// Those that ended, by their parents that were not seen yet.
    waiting: HashMap<u32, Vec<Ended>>,
    waiting_in_order: VecDeque<(Moment, u32)>,
    /// Children of memguard that are not known: orphans, or what memguard started itself. Judged the next time, when it has
    /// told what that was.
    orphans: Vec<Ended>,
    /// Of processes that the tree still holds.
    told: HashMap<u32, Exit>,
    asked: Moment,
    /// Of some it can't be said whose they were.
    is_doubtful: bool,
}

/// Whose process it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Member,
    LeftOut,
}

/// A process of the tree that ended, and that no tick saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unseen {
    pub(super) exit: Exit,
    /// It began after the one, and ended before the other.
    pub(super) after: Instant,
    pub(super) before: Instant,
}

/// When the kernel was asked what has ended, and for which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    at: Instant,
    turn: u64,
}

#[derive(Debug, Clone, Copy)]
struct Past {
    side: Side,
    has_ended: bool,
    since: Moment,
}

/// A process that ended, and that no tick saw, between two moments.
#[derive(Debug, Clone)]
struct Ended {
    exit: Exit,
    after: Moment,
    before: Moment,
}

/// Who ended is remembered, and parents are waited for, as long as both of these.
const KEPT: Duration = Duration::from_secs(1);
const KEPT_TURNS: u64 = 4;
/// While the tree rests the kernel is asked this often: it holds back what the rest of the machine ends until then.
const AT_REST: Duration = Duration::from_millis(50);
/// The most that wait: more than any machine starts within that time.
const MOST: usize = 1 << 16;

impl Exits {
    pub(super) fn begin() -> Self {
        Self::new(Listener::open(), Instant::now())
    }

    /// Of a listener that had more told than can be held back. None where nothing is told.
    #[cfg(test)]
    pub(super) fn after_an_overrun() -> Option<Self> {
        Listener::overrun().map(|listener| Self::new(Ok(listener), Instant::now()))
    }

    fn new(listener: Result<Listener, Unheard>, now: Instant) -> Self {
        Self {
            listener,
            own_pid: std::process::id(),
            root: None,
            past: HashMap::new(),
            past_in_order: VecDeque::new(),
            waiting: HashMap::new(),
            waiting_in_order: VecDeque::new(),
            orphans: Vec::new(),
            told: HashMap::new(),
            asked: Moment { at: now, turn: 0 },
            is_doubtful: false,
        }
    }

    /// Forgets what has ended so far, and what was lost of it: the workload is about to be started.
    pub(super) fn forget(&mut self) {
        let _ = self.hear();
        if let Ok(listener) = &mut self.listener {
            listener.overruns = 0;
        }
        self.asked.at = Instant::now();
    }

    pub(super) fn follow(&mut self, root: u32) {
        self.root = Some(root);
    }

    /// This child of memguard is none of the tree.
    pub(super) fn leave_out(&mut self, pid: u32) {
        let since = Moment { at: Instant::now(), turn: self.asked.turn };
        self.remember(pid, Past { side: Side::LeftOut, has_ended: false, since });
    }

    /// Why nothing is told. None where it is.
    pub(super) fn unheard(&self) -> Option<String> {
        self.listener.as_ref().err().map(ToString::to_string)
    }

    /// How often the kernel had more to tell than it may hold back.
    pub(super) fn overruns(&self) -> u64 {
        self.listener.as_ref().map_or(0, |listener| listener.overruns)
    }

    /// Whether every process of the tree that ended is known.
    pub(super) fn knows_all(&self) -> bool {
        self.listener.is_ok() && self.overruns() == 0 && !self.is_doubtful
    }

    /// As if the kernel had told of a process that the tree holds.
    #[cfg(test)]
    pub(super) fn tell(&mut self, pid: u32, peak: crate::units::Bytes) {
        let (name, lived) = ("sh".to_owned(), Duration::from_millis(50));
        self.told.insert(pid, Exit { pid, parent: 0, name, lived, peak: Some(peak), faults: 1000, forked: false });
    }

    /// What was told of a process that the tree still holds.
    pub(super) fn told_of(&self, pid: u32) -> Option<&Exit> {
        self.told.get(&pid)
    }

    /// What was told of a process that the tree lets go of.
    pub(super) fn of(&mut self, pid: u32) -> Option<Exit> {
        self.told.remove(&pid)
    }

    /// Whether it is too early to ask: a tree that `rests` ends nothing, but for an orphan that no tick has seen yet.
    pub(super) fn may_wait(&self, rests: bool, now: Instant) -> bool {
        rests && now.duration_since(self.asked.at) < AT_REST
    }

    /// Asks what has ended since the last time. `side_of` knows who was seen by the ticks, `newcomers` are those of the tree
    /// that were seen for the first time. Returns those of the tree that none saw.
    pub(super) fn ask(
        &mut self,
        newcomers: impl Iterator<Item = u32>,
        side_of: impl Fn(u32) -> Option<Side>,
    ) -> Vec<Unseen> {
        let exits = self.hear();
        self.sort(exits, Instant::now(), newcomers, side_of)
    }

    fn hear(&mut self) -> Vec<Exit> {
        let mut exits = Vec::new();
        if let Ok(listener) = &mut self.listener
            && let Err(error) = listener.drain(|exit| exits.push(exit))
        {
            self.listener = Err(error);
        }
        exits
    }

    fn sort(
        &mut self,
        exits: Vec<Exit>,
        now: Instant,
        newcomers: impl Iterator<Item = u32>,
        side_of: impl Fn(u32) -> Option<Side>,
    ) -> Vec<Unseen> {
        let mut found = Vec::new();
        let before = Moment { at: now, turn: self.asked.turn + 1 };
        let after = std::mem::replace(&mut self.asked, before);
        let earlier_orphans = std::mem::take(&mut self.orphans);
        for exit in exits {
            let (pid, parent) = (exit.pid, exit.parent);
            match side_of(pid) {
                // A second one of that number was not seen.
                Some(Side::Member) if !self.told.contains_key(&pid) => {
                    self.remember_end(pid, Side::Member, before);
                    self.told.insert(pid, exit);
                    continue;
                }
                Some(Side::LeftOut) => {
                    self.remember_end(pid, Side::LeftOut, before);
                    continue;
                }
                Some(Side::Member) | None => {}
            }
            let side = match self.side_in_past(pid) {
                _ if self.root == Some(pid) => Some(Side::Member),
                // It was gone before the tree could look at it.
                Some(Side::LeftOut) => Some(Side::LeftOut),
                _ => side_of(parent).or_else(|| self.side_in_past(parent)),
            };
            let ended = Ended { exit, after, before };
            if let Some(side) = side {
                self.admit(vec![ended], side, &mut found);
            } else if parent == self.own_pid {
                self.orphans.push(ended);
            } else {
                self.waiting.entry(parent).or_default().push(ended);
                self.waiting_in_order.push_back((before, parent));
            }
        }
        for pid in newcomers {
            let children = self.children_waiting_for(pid);
            self.admit(children, Side::Member, &mut found);
        }
        for orphan in earlier_orphans {
            self.judge(orphan, &mut found);
        }
        self.let_go();
        found
    }

    fn side_in_past(&self, pid: u32) -> Option<Side> {
        self.past.get(&pid).map(|past| past.side)
    }

    /// An orphan was the child of one that ended in its time.
    fn judge(&mut self, orphan: Ended, found: &mut Vec<Unseen>) {
        if self.side_in_past(orphan.exit.pid) == Some(Side::LeftOut) {
            return;
        }
        let began = orphan.after.at.checked_sub(orphan.exit.lived).unwrap_or(orphan.after.at);
        let can_be_of =
            |side| self.past.values().any(|past| past.side == side && past.has_ended && past.since.at >= began);
        match (can_be_of(Side::Member), can_be_of(Side::LeftOut)) {
            (true, false) => self.admit(vec![orphan], Side::Member, found),
            (true, true) => self.is_doubtful = true,
            (false, _) => {}
        }
    }

    /// Takes processes for what they are, and with them those that waited for them.
    fn admit(&mut self, mut list: Vec<Ended>, side: Side, found: &mut Vec<Unseen>) {
        while let Some(Ended { exit, after, before }) = list.pop() {
            self.remember_end(exit.pid, side, before);
            list.append(&mut self.children_waiting_for(exit.pid));
            if side == Side::Member {
                let (after, before) = (after.at.checked_sub(exit.lived).unwrap_or(after.at), before.at);
                found.push(Unseen { exit, after, before });
            }
        }
    }

    fn children_waiting_for(&mut self, pid: u32) -> Vec<Ended> {
        self.waiting.remove(&pid).unwrap_or_default()
    }

    fn remember_end(&mut self, pid: u32, side: Side, since: Moment) {
        self.remember(pid, Past { side, has_ended: true, since });
    }

    fn remember(&mut self, pid: u32, past: Past) {
        self.past.insert(pid, past);
        self.past_in_order.push_back((past.since, pid));
    }

    /// Lets go of what is too old to matter.
    fn let_go(&mut self) {
        let now = self.asked;
        let is_old = |since: Moment| now.at.duration_since(since.at) > KEPT && now.turn - since.turn > KEPT_TURNS;
        while let Some((since, pid)) = self.past_in_order.front().copied().filter(|(since, _)| is_old(*since)) {
            self.past_in_order.pop_front();
            if self.past.get(&pid).is_some_and(|past| past.since == since) {
                self.past.remove(&pid);
            }
        }
        while let Some((since, parent)) = self.waiting_in_order.front().copied() {
            let too_many = self.waiting_in_order.len() > MOST;
            if !too_many && !is_old(since) {
                break;
            }
            self.waiting_in_order.pop_front();
            let Some(children) = self.waiting.get_mut(&parent) else { continue };
            let count = children.len();
            children.retain(|ended| ended.before != since);
            self.is_doubtful |= too_many && children.len() < count;
            if children.is_empty() {
                self.waiting.remove(&parent);
            }
        }
    }
}
