use std::collections::HashSet;
use std::io;
use std::mem::{size_of, size_of_val};

use anyhow::{Context, Result};
use sysinfo::System;

use super::source::{Id, Memory, Newcomer, Processes, State};
use crate::os::Group;
use crate::units::{Bytes, Metric};

/// What macOS tells of its processes by libproc. `sysinfo` has the resident size alone, and asks every process for its
/// arguments each time.
pub(super) struct MacProcesses {
    metric: Metric,
    group: Option<u32>,
    /// The processes that were there when they were last listed.
    known: HashSet<u32>,
}

impl MacProcesses {
    pub(super) fn new(metric: Metric, _system: System) -> Self {
        Self { metric, group: None, known: HashSet::new() }
    }
}

impl Processes for MacProcesses {
    fn metric(&self) -> Metric {
        self.metric
    }

    fn keep_to(&mut self, group: &Group) {
        self.group = Some(group.leader());
    }

    fn newcomers(&mut self) -> Result<Vec<Newcomer>> {
        let now = listed().context("could not list the processes of this system (proc_listallpids)")?;
        let before = std::mem::replace(&mut self.known, now);
        let new = self.known.difference(&before).filter_map(|pid| facts(*pid));
        let newcomers = new.map(|facts| Newcomer {
            id: facts.id(),
            parent: Some(facts.0.pbi_ppid),
            in_group: Some(facts.0.pbi_pgid) == self.group,
        });
        Ok(newcomers.collect())
    }

    fn state(&mut self, id: Id) -> State {
        if facts(id.pid).is_none_or(|facts| facts.id() != id || facts.0.pbi_status == libc::SZOMB) {
            return State::Ended(None);
        }
        match usage(id.pid) {
            Ok(usage) => State::Lives(memory(self.metric, &usage)),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => State::Ended(None),
            Err(_) => State::Denied,
        }
    }

    fn command(&mut self, pid: u32) -> String {
        // A new one each time: it keeps all that it was ever asked for.
        super::system().map_or_else(|_| String::new(), |mut system| super::command(&mut system, pid))
    }
}

/// `ri_phys_footprint` is what Activity Monitor shows as memory: what the process alone is charged for, compressed memory
/// included. The kernel keeps a mark of it, and none of the resident size.
fn memory(metric: Metric, usage: &libc::rusage_info_v4) -> Memory {
    let resident = Bytes(usage.ri_resident_size);
    match metric {
        Metric::Footprint => Memory {
            now: Bytes(usage.ri_phys_footprint),
            high_water: Some(Bytes(usage.ri_lifetime_max_phys_footprint)),
            resident: Some(resident),
        },
        _ => Memory { now: resident, high_water: None, resident: Some(resident) },
    }
}

/// The most that memguard's own footprint was.
pub(in crate::os) fn own_peak() -> Option<Bytes> {
    usage(std::process::id()).ok().map(|usage| Bytes(usage.ri_lifetime_max_phys_footprint))
}

struct Facts(libc::proc_bsdinfo);

impl Facts {
    fn id(&self) -> Id {
        Id { pid: self.0.pbi_pid, started: self.0.pbi_start_tvsec * 1_000_000 + self.0.pbi_start_tvusec }
    }
}

/// All processes of the system. Kernel interface: `proc_listallpids`, libproc.h.
#[expect(unsafe_code, reason = "libproc has no safe wrapper among the crates in use")]
fn listed() -> io::Result<HashSet<u32>> {
    let mut pids: Vec<libc::pid_t> = vec![0; 4096];
    loop {
        let bytes = libc::c_int::try_from(size_of_val(&pids[..])).unwrap_or(libc::c_int::MAX);
        // SAFETY: the list is as long as is said.
        let count = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), bytes) };
        let Ok(count) = usize::try_from(count) else { return Err(io::Error::last_os_error()) };
        // A list that is full may lack some.
        if count < pids.len() {
            return Ok(pids[..count].iter().filter_map(|pid| u32::try_from(*pid).ok()).collect());
        }
        pids = vec![0; pids.len() * 2];
    }
}

/// Parent, group, start and status of a process; None where it has ended. Kernel interface: `PROC_PIDTBSDINFO`, libproc.h.
#[expect(unsafe_code, reason = "libproc has no safe wrapper among the crates in use")]
fn facts(pid: u32) -> Option<Facts> {
    let pid = libc::c_int::try_from(pid).ok()?;
    let mut facts = std::mem::MaybeUninit::<libc::proc_bsdinfo>::zeroed();
    let size = libc::c_int::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    // SAFETY: the pointer is to a whole structure of the flavour that is named, with its size.
    let told = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, facts.as_mut_ptr().cast(), size) };
    // SAFETY: it was filled whole, and is made of numbers alone.
    (told == size).then(|| Facts(unsafe { facts.assume_init() }))
}

/// What a process uses. Kernel interface: `proc_pid_rusage` with `RUSAGE_INFO_V4`, libproc.h.
#[expect(unsafe_code, reason = "libproc has no safe wrapper among the crates in use")]
fn usage(pid: u32) -> io::Result<libc::rusage_info_v4> {
    let pid = libc::c_int::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
    let mut usage = std::mem::MaybeUninit::<libc::rusage_info_v4>::zeroed();
    // SAFETY: the pointer is to a whole structure of the flavour that is named.
    let told = unsafe { libc::proc_pid_rusage(pid, libc::RUSAGE_INFO_V4, usage.as_mut_ptr().cast()) };
    if told != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is made of numbers alone, which are zero where it was not filled.
    Ok(unsafe { usage.assume_init() })
}
