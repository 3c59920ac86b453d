use std::collections::HashMap;

use anyhow::{Result, bail, ensure};
use sysinfo::{MemoryRefreshKind, System};

use crate::os::Group;
use crate::os::source::{Gone, Reading, Seen, Share, Source, SourceKind, TreeSource};
use crate::units::{Bytes, Metric, Parts, Uncertainty};

/// What a system tells of its processes.
pub(super) trait Processes: Send {
    /// What it counts of each.
    fn metric(&self) -> Metric;

    /// The group whose processes belong to the tree, whoever their parents are.
    fn keep_to(&mut self, group: &Group);

    /// The processes that were not there when this was last asked.
    ///
    /// # Errors
    /// When the system does not list its processes.
    fn newcomers(&mut self) -> Result<Vec<Newcomer>>;

    /// What a process of the tree holds now.
    fn state(&mut self, id: Id) -> State;

    /// Its command line, or its name where that is not told.
    fn command(&mut self, pid: u32) -> String;

    /// The most that the tree held at one instant so far, by the system's own account. None where it keeps none.
    fn high_water(&self) -> Option<Bytes> {
        None
    }
}

/// Tells a process from every other, also from one that gets its number later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) pid: u32,
    /// In the system's own unit, which grows with time.
    pub(super) started: u64,
}

/// A process that was not there before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newcomer {
    pub(super) id: Id,
    pub(super) parent: Option<u32>,
    /// Whether it is in the group that the tree keeps to.
    pub(super) in_group: bool,
}

/// What a system tells of one process.
#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    /// It lives.
    Lives(Memory),
    /// It lives, and may not be read.
    #[cfg_attr(not(any(target_os = "macos", windows)), allow(dead_code, reason = "`sysinfo` does not tell of that"))]
    Denied,
    /// It has ended, or another process has its number. The most that it held, where that is still told.
    Ended(Option<Bytes>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// The metric.
    pub(super) now: Bytes,
    /// The most that this was since the process started. None where the system keeps no such mark.
    pub(super) high_water: Option<Bytes>,
    /// What is in RAM of what it maps.
    pub(super) resident: Option<Bytes>,
}

/// Reads a tree that is found by parents and by a group.
pub(super) struct PortableSource<P> {
    processes: P,
    machine: System,
    /// Where the tree begins, until that has joined.
    root: Option<u32>,
    /// Whether the tree was watched when its newest processes started: then all that their marks tell happened under watch.
    is_watched: bool,
    members: HashMap<u32, Member>,
    left_out: Vec<u32>,
    /// Who came last time. A list is not made in an instant: a child may be on it, and its parent on the next.
    latest: Vec<Newcomer>,
    high_water: Option<Bytes>,
    denied: u64,
}

struct Member {
    id: Id,
    command: String,
    /// As last read.
    now: Option<Bytes>,
    /// The system's mark as of the last reading, or else the most that was read.
    peak: Option<Bytes>,
    is_denied: bool,
}

impl<P: Processes> PortableSource<P> {
    pub(super) fn new(processes: P, machine: System) -> Self {
        Self {
            processes,
            machine,
            root: None,
            is_watched: false,
            members: HashMap::new(),
            left_out: Vec::new(),
            latest: Vec::new(),
            high_water: None,
            denied: 0,
        }
    }

    /// Begins the tree at a process that was just started, or at one that has a past.
    pub(super) fn begin(&mut self, root: u32, is_new: bool) {
        self.root = Some(root);
        self.is_watched = is_new;
    }

    #[cfg(test)]
    pub(super) fn processes(&mut self) -> &mut P {
        &mut self.processes
    }

    /// Begins the tree at a process that memguard did not start, with all its descendants as they are now. memguard itself is
    /// left out. Returns the command line.
    pub(super) fn attach(&mut self, pid: u32) -> Result<String> {
        ensure!(pid != std::process::id(), "process {pid} is memguard itself");
        self.latest = self.processes.newcomers()?;
        let listed = self.latest.iter().find(|newcomer| newcomer.id.pid == pid);
        let state = listed.map_or(State::Ended(None), |newcomer| self.processes.state(newcomer.id));
        match state {
            State::Lives(_) => {}
            State::Denied => bail!(
                "process {pid} may not be read: it is another user's, or the system's own\n\
                 help: run memguard as that user, or with more rights"
            ),
            State::Ended(_) => bail!("there is no process {pid}, or it is hidden from this user"),
        }
        self.left_out.push(std::process::id());
        self.begin(pid, false);
        Ok(self.processes.command(pid))
    }

    /// Whoever is in the group or has a parent in the tree joins, until nobody more does.
    fn let_in(&mut self, reading: &mut Reading) -> Result<()> {
        let fresh = self.processes.newcomers()?;
        let mut outside = std::mem::replace(&mut self.latest, fresh.clone());
        outside.extend(fresh);
        outside.retain(|Newcomer { id, .. }| {
            !self.left_out.contains(&id.pid) && self.members.get(&id.pid).is_none_or(|member| member.id != *id)
        });
        loop {
            let (joining, rest): (Vec<_>, Vec<_>) = outside.into_iter().partition(|newcomer| self.belongs(newcomer));
            if joining.is_empty() {
                return Ok(());
            }
            for Newcomer { id, parent, .. } in joining {
                // Only once: who gets its number later is another.
                self.root.take_if(|root| *root == id.pid);
                let command = self.processes.command(id.pid);
                let member = Member { id, command, now: None, peak: None, is_denied: false };
                if let Some(mut before) = self.members.insert(id.pid, member) {
                    reading.gone.push(before.gone());
                }
                reading.seen.push(Seen { pid: id.pid, parent: parent.unwrap_or(0) });
            }
            outside = rest;
        }
    }

    fn belongs(&self, newcomer: &Newcomer) -> bool {
        // A parent that started after its child only has the number of the real one.
        let parent = newcomer.parent.and_then(|parent| self.members.get(&parent));
        let descends = parent.is_some_and(|parent| parent.id.started <= newcomer.id.started);
        newcomer.in_group || descends || self.root == Some(newcomer.id.pid)
    }
}

impl<P: Processes> Source for PortableSource<P> {
    fn metric(&self) -> Metric {
        self.processes.metric()
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Portable
    }

    fn read(&mut self) -> Result<Reading> {
        self.machine.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let mut reading = Reading { machine_used: Some(Bytes(self.machine.used_memory())), ..Reading::default() };
        self.let_in(&mut reading)?;
        let mut sum = Sum::default();
        self.members.retain(|_, member| match self.processes.state(member.id) {
            State::Lives(memory) => {
                let before = member.now.replace(memory.now);
                sum.add(&memory, before, member.has_risen(&memory, self.is_watched));
                true
            }
            State::Denied => {
                member.now = None;
                self.denied += u64::from(!std::mem::replace(&mut member.is_denied, true));
                sum.processes += 1;
                sum.is_denied = true;
                true
            }
            State::Ended(peak) => {
                if self.is_watched && peak > member.peak {
                    member.peak = peak;
                    sum.highest_above = sum.highest_above.max(peak.unwrap_or_default());
                }
                reading.gone.push(member.gone());
                false
            }
        });
        self.is_watched = true; // who comes from now on
        let before = std::mem::replace(&mut self.high_water, self.processes.high_water());
        let (peak, high) = match self.high_water {
            // What rose since the reading before reached its mark since then.
            Some(mark) => {
                let peak = sum.memory.max(if Some(mark) > before { mark } else { Bytes::ZERO });
                (peak, peak)
            }
            None => sum.bounds(),
        };
        reading.peak = peak;
        reading.uncertainty =
            if sum.is_denied { Uncertainty::UNBOUNDED } else { Uncertainty::between(peak, peak, high) };
        reading.processes = Some(sum.processes);
        reading.memory = sum.memory;
        reading.parts = Parts { rss: sum.resident, ..Parts::default() };
        Ok(reading)
    }

    fn is_gone(&self) -> bool {
        self.members.is_empty()
    }

    fn shares(&self) -> Vec<Share<'_>> {
        let read = self.members.values().filter_map(|member| Some((member, member.now?)));
        read.map(|(member, memory)| Share { command: &member.command, is_fork: false, memory }).collect()
    }

    fn notices(&self) -> Vec<String> {
        match self.denied {
            0 => Vec::new(),
            1 => vec!["1 process may not be read (another user's?): its memory is missing".to_owned()],
            count => vec![format!("{count} processes may not be read (another user's?): their memory is missing")],
        }
    }
}

impl<P: Processes> TreeSource for PortableSource<P> {
    fn follow(&mut self, root: u32, group: Option<&Group>) -> Result<()> {
        self.begin(root, group.is_some());
        if let Some(group) = group {
            self.processes.keep_to(group);
        }
        Ok(())
    }

    /// What was between two readings is only known where the system keeps a mark of the whole tree.
    fn covers_gaps(&self) -> bool {
        self.high_water.is_some()
    }

    fn leave_out(&mut self, pid: u32) {
        self.left_out.push(pid);
    }

    fn members(&self) -> Vec<u32> {
        self.members.keys().copied().collect()
    }
}

impl Member {
    /// Whether it reached its mark since the reading before. What a mark says of the time before that was watched is no news.
    fn has_risen(&mut self, memory: &Memory, is_watched: bool) -> bool {
        let peak = memory.high_water.or(self.peak).unwrap_or_default().max(memory.now);
        let rose = self.peak.replace(peak).is_none_or(|before| peak > before);
        is_watched && rose
    }

    fn gone(&mut self) -> Gone {
        Gone { pid: self.id.pid, peak: self.peak, command: std::mem::take(&mut self.command) }
    }
}

/// What the processes of a tree hold together.
#[derive(Debug, Default)]
struct Sum {
    processes: u32,
    memory: Bytes,
    resident: Option<Bytes>,
    /// What those that were there at the reading before, too, held all the while, as far as readings tell.
    lasting: Bytes,
    /// How far above what it held all the while one of them was by its mark.
    highest_above: Bytes,
    /// One of them may not be read.
    is_denied: bool,
    /// How far all that reached a mark since were above what they hold now.
    rises: Bytes,
}

impl Sum {
    /// Adds one by what it holds, what it held at the reading before, and whether it reached its mark since then.
    fn add(&mut self, memory: &Memory, before: Option<Bytes>, has_risen: bool) {
        self.processes += 1;
        self.memory += memory.now;
        self.resident = memory.resident.map(|resident| resident + self.resident.unwrap_or_default()).or(self.resident);
        let mark = memory.high_water.unwrap_or_default().max(memory.now);
        let lasting = before.unwrap_or_default().min(memory.now);
        self.lasting += lasting;
        if has_risen {
            self.highest_above = self.highest_above.max(mark.saturating_sub(lasting));
            self.rises += mark.saturating_sub(memory.now);
        }
    }

    /// The most that they held together since the reading before, as far as is known, and the most that they can have held: all
    /// marks at once. One was at its mark beside what was there all the while: who came since may have come after that, and who
    /// has more now may have had less.
    fn bounds(&self) -> (Bytes, Bytes) {
        let peak = self.memory.max(self.lasting + self.highest_above);
        (peak, peak.max(self.memory + self.rises))
    }
}
