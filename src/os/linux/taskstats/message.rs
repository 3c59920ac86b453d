//! Generic netlink and the kernel's task statistics, as bytes. Kernel interface: `linux/netlink.h`, `linux/genetlink.h`,
//! `linux/taskstats.h`, and Documentation/accounting/taskstats.rst in the kernel's source.

use std::time::Duration;

use crate::os::linux::proc::largest_page;
use crate::units::Bytes;

/// `NLMSG_ERROR`: a refusal, or with the number zero an acknowledgement.
const ERROR: u16 = 2;
/// `NLM_F_REQUEST | NLM_F_ACK`.
const REQUEST_WITH_ANSWER: u16 = 1 | 4;
/// nlmsghdr, and genlmsghdr behind it.
const HEADER: usize = 16;
const GENERIC_HEADER: usize = 4;
/// The flags `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER` are no part of an attribute's kind.
const KIND: u16 = 0x3fff;

/// `GENL_ID_CTRL`: who knows the numbers of all families.
pub(super) const CONTROL: u16 = 0x10;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const TASKSTATS_CMD_GET: u8 = 1;
const TASKSTATS_CMD_ATTR_PID: u16 = 1;
const TASKSTATS_CMD_ATTR_REGISTER_CPUMASK: u16 = 3;
const TASKSTATS_TYPE_PID: u16 = 1;
const TASKSTATS_TYPE_STATS: u16 = 3;
const TASKSTATS_TYPE_AGGR_PID: u16 = 4;

/// Asks for the number of the family of task statistics.
pub(super) fn ask_for_family() -> Vec<u8> {
    request(CONTROL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, b"TASKSTATS\0")
}

/// Asks for the statistics of a living thread.
pub(super) fn ask_for_thread(family: u16, pid: u32) -> Vec<u8> {
    request(family, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &pid.to_ne_bytes())
}

/// Asks to be told of every thread that ends on these CPUs: `0-7`.
pub(super) fn ask_for_exits(family: u16, cpus: &str) -> Vec<u8> {
    request(family, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, format!("{cpus}\0").as_bytes())
}

fn request(family: u16, command: u8, attribute: u16, value: &[u8]) -> Vec<u8> {
    let attribute_length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let length = HEADER + GENERIC_HEADER + aligned(4 + value.len());
    let mut message = Vec::with_capacity(length);
    message.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
    message.extend(family.to_ne_bytes());
    message.extend(REQUEST_WITH_ANSWER.to_ne_bytes());
    message.extend([0; 8]); // the sequence number and the sender are of no use with one question at a time
    message.extend([command, 1, 0, 0]);
    message.extend(attribute_length.to_ne_bytes());
    message.extend(attribute.to_ne_bytes());
    message.extend(value);
    message.resize(length, 0);
    message
}

/// A message of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// The answer to a question: None for yes, else the number of an error.
    Answer(Option<i32>),
    /// The family's number, and the attributes.
    Family(u16, &'a [u8]),
}

/// The messages of one datagram.
pub(super) fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(datagram, 0)?).ok()?;
        let kind = u16_at(datagram, 4)?;
        let body = datagram.get(HEADER..length)?;
        datagram = datagram.get(aligned(length)..).unwrap_or_default();
        if kind == ERROR {
            let number = i32::from_ne_bytes(array(body, 0)?);
            return Some(Message::Answer((number != 0).then_some(number.saturating_neg())));
        }
        Some(Message::Family(kind, body.get(GENERIC_HEADER..).unwrap_or_default()))
    })
}

/// The attributes of a message, or those nested in one of them.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (length, kind) = (usize::from(u16_at(bytes, 0)?), u16_at(bytes, 2)? & KIND);
        let value = bytes.get(4..length)?;
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(kind, value)| (kind == wanted).then_some(value))
}

/// The number of the family, in the answer to [`ask_for_family`].
pub(super) fn family(attributes: &[u8]) -> Option<u16> {
    u16_at(attribute(attributes, CTRL_ATTR_FAMILY_ID)?, 0)
}

/// The pid of the thread, and its `struct taskstats`.
///
/// A process of several threads has one more of these with its last one (`TASKSTATS_TYPE_AGGR_TGID`), in which the kernel
/// adds up delays and nothing else.
pub(super) fn statistics(attributes: &[u8]) -> Option<(u32, &[u8])> {
    let nested = attribute(attributes, TASKSTATS_TYPE_AGGR_PID)?;
    Some((u32_at(attribute(nested, TASKSTATS_TYPE_PID)?, 0)?, attribute(nested, TASKSTATS_TYPE_STATS)?))
}

/// Where in `struct taskstats` the fields stand. They were put where they are for good, but for Linux 6.14 and 6.15, which
/// have others between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// By how much `ac_comm` and what follows it are moved, and by how much what follows `freepages_count`.
    moved: (usize, usize),
}

impl Layout {
    const ALL: [Self; 2] = [Self { moved: (0, 0) }, Self { moved: (3 * 16, 6 * 16) }];
    /// `ac_tgid`, and `AGROUP` in `ac_flag`, came with this version, with Linux 5.19. Without them a thread can't be told from
    /// a process.
    const OLDEST: u16 = 12;
    /// In `ac_flag`: it was forked and has executed nothing; it is the last thread of its process.
    const AFORK: u8 = 0x01;
    const AGROUP: u8 = 0x20;

    /// Finds it by a thread whose pid is known, and that is the first of its process.
    pub(super) fn find(stats: &[u8], pid: u32) -> Option<Self> {
        if u16_at(stats, 0)? < Self::OLDEST {
            return None;
        }
        Self::ALL.into_iter().find(|layout| layout.pid(stats) == Some(pid) && layout.tgid(stats) == Some(pid))
    }

    fn pid(self, stats: &[u8]) -> Option<u32> {
        u32_at(stats, 128 + self.moved.0)
    }

    fn tgid(self, stats: &[u8]) -> Option<u32> {
        u32_at(stats, 368 + self.moved.1)
    }

    /// The end of a process. None for that of a thread which leaves others behind.
    pub(super) fn exit(self, stats: &[u8]) -> Option<Exit> {
        let flags = *stats.get(8)?;
        if flags & Self::AGROUP == 0 {
            return None;
        }
        let basic = |offset: usize| offset + self.moved.0;
        let name = stats.get(basic(80)..basic(112))?.split(|&byte| byte == 0).next().unwrap_or_default();
        // A kernel without CONFIG_TASK_XACCT leaves it zero, which no program has.
        let peak = u64_at(stats, basic(200))?;
        Some(Exit {
            pid: self.tgid(stats)?,
            parent: u32_at(stats, basic(132))?,
            name: String::from_utf8_lossy(name).into_owned(),
            lived: Duration::from_micros(u64_at(stats, 376 + self.moved.1)?),
            peak: (peak > 0).then(|| Bytes::from_kib(peak)),
            faults: u64_at(stats, basic(168))?.saturating_add(u64_at(stats, basic(176))?),
            forked: flags & Self::AFORK != 0,
        })
    }
}

/// The end of a process, as the kernel tells it while the process still has its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::os::linux) struct Exit {
    /// `ac_tgid`.
    pub(in crate::os::linux) pid: u32,
    /// `ac_ppid`: whose child it was when it ended.
    pub(in crate::os::linux) parent: u32,
    /// `ac_comm`: the short name of its program.
    pub(in crate::os::linux) name: String,
    /// `ac_tgetime`: from fork to end.
    pub(in crate::os::linux) lived: Duration,
    /// `hiwater_rss`: the most resident memory of the program that it ran last. None where this kernel does not tell.
    pub(in crate::os::linux) peak: Option<Bytes>,
    /// `ac_minflt` and `ac_majflt`: pages that it was given, those copied on write among them.
    pub(super) faults: u64,
    /// It was forked and has executed nothing: its memory was its parent's, as far as it was not written to.
    pub(in crate::os::linux) forked: bool,
}

impl Exit {
    /// The most that it can have had of its own: what it had; of a fork, no more than came with faults.
    pub(in crate::os::linux) fn own_at_most(&self) -> u64 {
        let most = self.peak.unwrap_or_default().0;
        if self.forked { most.min(self.faults.saturating_mul(largest_page())) } else { most }
    }
}

/// Messages and attributes begin at multiples of four.
const fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_ne_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_ne_bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
        bytes[at..at + value.len()].copy_from_slice(value);
    }

    fn stats(layout: Layout, version: u16, exit: &Exit, flags: u8) -> Vec<u8> {
        let mut stats = vec![0; 600];
        let (basic, late) = layout.moved;
        put(&mut stats, 0, &version.to_ne_bytes());
        stats[8] = flags | if exit.forked { Layout::AFORK } else { 0 };
        put(&mut stats, 80 + basic, exit.name.as_bytes());
        put(&mut stats, 128 + basic, &exit.pid.to_ne_bytes());
        put(&mut stats, 132 + basic, &exit.parent.to_ne_bytes());
        put(&mut stats, 168 + basic, &(exit.faults - 1).to_ne_bytes());
        put(&mut stats, 176 + basic, &1_u64.to_ne_bytes());
        put(&mut stats, 200 + basic, &(exit.peak.map_or(0, |peak| peak.0 >> 10)).to_ne_bytes());
        put(&mut stats, 368 + late, &exit.pid.to_ne_bytes());
        put(&mut stats, 376 + late, &(exit.lived.as_micros() as u64).to_ne_bytes());
        stats
    }

    fn attribute_of(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = (4 + value.len() as u16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(aligned(bytes.len()), 0);
        bytes
    }

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = (16 + body.len() as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(16, 0);
        bytes.extend(body);
        bytes
    }

    fn example() -> Exit {
        let lived = Duration::from_micros(2_345);
        Exit {
            pid: 700,
            parent: 7,
            name: "cc1".into(),
            lived,
            peak: Some(Bytes::from_mib(50)),
            faults: 7,
            forked: false,
        }
    }

    #[test]
    fn the_end_of_a_process_is_read_out_of_either_layout() {
        for layout in Layout::ALL {
            for exit in [example(), Exit { peak: None, forked: true, ..example() }] {
                let stats = stats(layout, 16, &exit, Layout::AGROUP);
                assert_eq!(Layout::find(&stats, 700), Some(layout));
                assert_eq!(layout.exit(&stats), Some(exit));
            }
            assert_eq!(layout.exit(&stats(layout, 16, &example(), 0)), None, "others of its threads live");
        }
    }

    #[test]
    fn a_fork_has_no_more_of_its_own_than_came_with_faults() {
        assert_eq!(example().own_at_most(), 50 << 20);
        let fork = Exit { forked: true, faults: 3, ..example() };
        assert_eq!(fork.own_at_most(), 3 * largest_page().min(50 << 20));
        assert_eq!(Exit { faults: 1000, ..fork }.own_at_most(), 50 << 20);
    }

    #[test]
    fn a_kernel_that_does_not_tell_threads_from_processes_is_not_listened_to() {
        assert_eq!(Layout::find(&stats(Layout::ALL[0], 11, &example(), 0), 700), None);
        assert_eq!(Layout::find(&stats(Layout::ALL[0], 12, &example(), 0), 701), None);
    }

    #[test]
    fn a_datagram_is_taken_apart() {
        let stats = stats(Layout::ALL[0], 16, &example(), Layout::AGROUP);
        let mut nested = attribute_of(TASKSTATS_TYPE_PID, &700_u32.to_ne_bytes());
        nested.extend(attribute_of(6, b"")); // what the kernel puts in to align the next one
        nested.extend(attribute_of(TASKSTATS_TYPE_STATS, &stats));
        let body = [vec![2, 1, 0, 0], attribute_of(TASKSTATS_TYPE_AGGR_PID | 0x8000, &nested)].concat();
        let datagram = [message(30, &body), message(ERROR, &(-1_i32).to_ne_bytes()), message(ERROR, &[0; 4])].concat();
        let told: Vec<Message<'_>> = messages(&datagram).collect();
        let [Message::Family(30, attributes), Message::Answer(Some(1)), Message::Answer(None)] = told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(statistics(attributes), Some((700, stats.as_slice())));
        assert_eq!(family(&attribute_of(CTRL_ATTR_FAMILY_ID, &30_u16.to_ne_bytes())), Some(30));
    }

    #[test]
    fn a_request_is_a_message_of_one_attribute() {
        let request = ask_for_exits(30, "0-12");
        let [Message::Family(30, attributes)] = messages(&request).collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!(attribute(attributes, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK), Some(&b"0-12\0"[..]));
        assert_eq!(request.len() % 4, 0);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_go_on_for_ever(
            mut datagram in prop::collection::vec(any::<u8>(), 0..600), lengths in prop::collection::vec(0u8..40, 8)
        ) {
            // Lengths that lead from one message or attribute to the next, rather than past the end at once.
            for (at, length) in [0, 16, 20, 24, 28, 32, 36, 40].into_iter().zip(lengths) {
                if let Some(bytes) = datagram.get_mut(at..at + 4) {
                    bytes.copy_from_slice(&u32::from(length).to_ne_bytes());
                }
            }
            for message in messages(&datagram).take(1000) {
                if let Message::Family(_, attributes) = message {
                    let _ = (family(attributes), statistics(attributes));
                }
            }
            prop_assert!(messages(&datagram).count() <= datagram.len());
            prop_assert!(attributes(&datagram).count() <= datagram.len());
            for layout in Layout::ALL {
                let _ = (Layout::find(&datagram, 1), layout.exit(&datagram));
            }
        }
    }
}
