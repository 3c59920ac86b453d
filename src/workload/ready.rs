use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::launch::prepare;
use super::settings::{ReadyKind, Settings};

/// How often a port, a file or a command is tried.
const EVERY: Duration = Duration::from_millis(10);
/// How long one connection may take: the port is on this machine.
const CONNECT: Duration = Duration::from_millis(200);

/// Waits for the workload's sign of being ready, by trying again and again; true once it has come, false when `give_up` was
/// set before. Times and log lines are not waited for here: whoever holds the clock and the lines knows them. `beside` is told
/// of each process that is started for it.
#[must_use]
pub fn watch_for_ready(settings: &Settings, launched: SystemTime, give_up: &AtomicBool, beside: impl Fn(u32)) -> bool {
    let Some(ready) = &settings.ready else { return false };
    while !give_up.load(Ordering::Relaxed) {
        let is_ready = match &ready.kind {
            ReadyKind::Port(port) => accepts(*port),
            ReadyKind::File(path) => is_fresh(path, launched),
            ReadyKind::Command(command) => {
                let mut prepared = prepare(command, settings);
                prepared.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                prepared.spawn().is_ok_and(|mut child| {
                    beside(child.id());
                    child.wait().is_ok_and(|status| status.success())
                })
            }
            ReadyKind::After(_) | ReadyKind::Log(_) => return false,
        };
        if is_ready {
            return true;
        }
        std::thread::sleep(EVERY);
    }
    false
}

fn accepts(port: u16) -> bool {
    [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))]
        .iter()
        .any(|address| TcpStream::connect_timeout(address, CONNECT).is_ok())
}

/// A file that an earlier run left behind is no sign of this one. File times are as coarse as a kernel tick.
fn is_fresh(path: &Path, launched: SystemTime) -> bool {
    const COARSE: Duration = Duration::from_millis(20);
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified + COARSE >= launched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_from_before_the_launch_is_no_sign() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready");
        assert!(!is_fresh(&path, SystemTime::now()));
        std::fs::write(&path, "").unwrap();
        assert!(is_fresh(&path, SystemTime::now() - Duration::from_secs(1)));
        assert!(!is_fresh(&path, SystemTime::now() + Duration::from_secs(60)));
    }

    #[test]
    fn a_port_is_ready_once_something_listens() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(accepts(port));
        drop(listener);
        assert!(!accepts(port));
    }
}
