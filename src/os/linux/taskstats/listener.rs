use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with, sockopt,
};

use super::message::{
    Exit, Layout, Message, ask_for_exits, ask_for_family, ask_for_thread, family, messages, statistics,
};

/// What the kernel may hold back until it is fetched: some thousand ends.
const BUFFER: usize = 4 << 20;
/// More than one datagram has.
const DATAGRAM: usize = 16 << 10;
/// The CPUs that this machine can ever have: the kernel keeps a list of listeners for each.
const CPUS: &str = "/sys/devices/system/cpu/possible";

/// Is told of every process of the machine that ends.
#[derive(Debug)]
pub(super) struct Listener {
    socket: OwnedFd,
    layout: Layout,
    buffer: Vec<u8>,
    /// How often the kernel had more to tell than it may hold back.
    pub(super) overruns: u64,
}

/// Why the kernel does not tell, for the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unheard {
    /// The right is lacking (`CAP_NET_ADMIN`).
    NotAllowed,
    /// In a container: the kernel tells them to processes of its first pid namespace alone.
    Contained,
    /// It keeps none, or has not the fields that are needed.
    NotKept,
    /// The system refused something else.
    Refused(Errno),
}

impl Listener {
    pub(super) fn open() -> Result<Self, Unheard> {
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::GENERIC))?;
        let mut buffer = vec![0; DATAGRAM];
        let number = ask(&socket, &mut buffer, &ask_for_family(), |_, attributes| family(attributes))?;
        let number = number.ok_or(Unheard::NotKept)?;
        // The right to be told of ends goes with the right to ask for a living thread; what that answers shows where
        // the fields stand.
        let own = std::process::id();
        let layout = ask(&socket, &mut buffer, &ask_for_thread(number, own), |kind, attributes| {
            let (pid, stats) = statistics(attributes).filter(|_| kind == number)?;
            (pid == own).then(|| Layout::find(stats, pid))?
        })?;
        let layout = layout.ok_or(Unheard::NotKept)?;
        // Where more is not allowed, the usual 200 KiB hold some hundred ends.
        let _ = sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER)
            .or_else(|_| sockopt::set_socket_recv_buffer_size(&socket, BUFFER));
        let cpus = fs::read_to_string(CPUS).map_err(|error| Unheard::from(error_number(&error)))?;
        ask(&socket, &mut buffer, &ask_for_exits(number, cpus.trim()), |_, _| None::<()>)?;
        Ok(Self { socket, layout, buffer, overruns: 0 })
    }

    /// One that had more told than can be held back. None where nothing is told.
    #[cfg(test)]
    pub(super) fn overrun() -> Option<Self> {
        let listener = Self::open().ok()?;
        sockopt::set_socket_recv_buffer_size(&listener.socket, 1).unwrap();
        for _ in 0..64 {
            assert!(std::process::Command::new("/bin/true").status().unwrap().success());
        }
        Some(listener)
    }

    /// Takes all that the kernel has told since the last time, in the order in which the processes ended.
    ///
    /// # Errors
    /// When the socket can't be read any more.
    pub(super) fn drain(&mut self, mut take: impl FnMut(Exit)) -> Result<(), Unheard> {
        loop {
            match receive(&self.socket, &mut self.buffer) {
                Ok(datagram) => {
                    for message in messages(datagram) {
                        let Message::Family(_, attributes) = message else { continue };
                        let exit = statistics(attributes).and_then(|(_, stats)| self.layout.exit(stats));
                        exit.into_iter().for_each(&mut take);
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::NOBUFS) => self.overruns += 1,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Asks a question and waits for its end, which the kernel sends before it returns from being asked.
fn ask<T>(
    socket: &OwnedFd,
    buffer: &mut [u8],
    question: &[u8],
    look: impl Fn(u16, &[u8]) -> Option<T>,
) -> Result<Option<T>, Unheard> {
    send(socket, question, SendFlags::empty())?;
    let mut found = None;
    loop {
        let datagram = match receive(socket, buffer) {
            Err(Errno::INTR) => continue,
            received => received?,
        };
        for message in messages(datagram) {
            match message {
                Message::Answer(None) => return Ok(found),
                Message::Answer(Some(number)) => return Err(Errno::from_raw_os_error(number).into()),
                Message::Family(kind, attributes) => found = found.or_else(|| look(kind, attributes)),
            }
        }
    }
}

fn receive<'a>(socket: &OwnedFd, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let (_, length) = recv(socket, &mut *buffer, RecvFlags::DONTWAIT)?;
    Ok(&buffer[..length.min(buffer.len())])
}

fn error_number(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

impl From<Errno> for Unheard {
    fn from(error: Errno) -> Self {
        match error {
            Errno::PERM | Errno::ACCESS => Self::NotAllowed,
            // The family is of the first network namespace, its listeners of the first pid and user namespaces.
            Errno::INVAL => Self::Contained,
            Errno::NOENT | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT => Self::NotKept,
            error => Self::Refused(error),
        }
    }
}

impl std::fmt::Display for Unheard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAllowed => f.write_str("memguard has not the right to be told of them (it takes CAP_NET_ADMIN)"),
            Self::Contained => f.write_str("the kernel does not tell of them in a container"),
            Self::NotKept => f.write_str("this kernel does not tell of them (Linux 5.19 with CONFIG_TASK_XACCT does)"),
            Self::Refused(error) => write!(f, "the kernel did not tell of them: {}", io::Error::from(*error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[test]
    fn whoever_may_is_told_of_every_process_that_ends() {
        let mut listener = match Listener::open() {
            Ok(listener) => listener,
            Err(Unheard::Refused(error)) => panic!("{error}"),
            Err(_) => return, // not root, or a container
        };
        let mut ended = Vec::new();
        for status in [0, 3] {
            let mut child = Command::new("/bin/sh").args(["-c", &format!("exit {status}")]).spawn().unwrap();
            ended.push(child.id());
            child.wait().unwrap();
        }
        let mut told = Vec::new();
        listener.drain(|exit| told.push(exit)).unwrap();
        for pid in ended {
            let exit = told.iter().find(|exit| exit.pid == pid).unwrap();
            assert_eq!((exit.parent, exit.name.as_str(), exit.forked), (std::process::id(), "sh", false));
            assert!(exit.peak.unwrap().0 > 300 << 10 && exit.lived < Duration::from_secs(60), "{exit:?}");
        }
        assert_eq!(listener.overruns, 0);
    }

    /// A process that starts a thread, and ends.
    const OF_THREADS: &str = "os::linux::taskstats::message::tests::a_request_is_a_message_of_one_attribute";

    #[test]
    fn a_process_with_threads_ends_once() {
        let Ok(mut listener) = Listener::open() else { return };
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args([OF_THREADS, "--exact", "--test-threads=2"]).stdout(std::process::Stdio::null());
        let mut child = test.spawn().unwrap();
        assert!(child.wait().unwrap().success());
        let mut told = Vec::new();
        listener.drain(|exit| told.push(exit)).unwrap();
        assert_eq!(told.iter().filter(|exit| exit.pid == child.id()).count(), 1);
        assert!(told.iter().all(|exit| exit.pid != std::process::id()), "this one goes on");
    }

    #[test]
    fn what_the_kernel_could_not_hold_back_is_told_of() {
        let Some(mut listener) = Listener::overrun() else { return };
        let mut told = 0;
        listener.drain(|_| told += 1).unwrap();
        assert!(listener.overruns > 0 && told < 64, "{told}");
    }
}
