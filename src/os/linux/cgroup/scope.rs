//! A scope: a control group that systemd makes around processes which it did not start. Interface:
//! org.freedesktop.systemd1(5), "StartTransientUnit"; systemd.scope(5); systemd's own "Control Group APIs and Delegation".
//!
//! `systemd-run --scope` asks for the same, and executes memguard anew for it: what has been begun would be begun twice, and a
//! refusal would be its last word. `busctl` asks for the process as it is, and says what systemd answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::place::{Place, of_process};

/// How long systemd may take to answer, and then to move memguard.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Limits of memory: systemd's name of each, and the kernel's (v2).
const LIMITS: [(&str, &str); 3] =
    [("MemoryMax", "memory.max"), ("MemoryHigh", "memory.high"), ("MemorySwapMax", "memory.swap.max")];

/// The name of the scope of this memguard.
fn name() -> String {
    format!("memguard-{}.scope", std::process::id())
}

/// Whether a group is in the scope that this memguard was moved to.
pub(super) fn holds(folder: &Path) -> bool {
    folder.iter().any(|part| part.to_str() == Some(&name()))
}

/// What the record says where a run's group is in that scope.
pub(super) fn remark(folder: &Path) -> Option<String> {
    let said = || {
        format!(
            "no control group could be made where memguard was started, so that systemd moved memguard to a scope of its own, \
             `{}`: limits of memory hold there as before, those of CPU, I/O and tasks that the earlier group alone had do not",
            name()
        )
    };
    holds(folder).then(said)
}

/// Has systemd make a scope that is handed over to memguard, and move memguard there. The limits of memory that hold where
/// it is now are those of the scope, too. Returns the scope's group.
///
/// # Errors
/// When there is no systemd that can be asked, or it refuses: what it said.
pub(super) fn enter(own: &Place) -> Result<Place> {
    // What lies in /run may be the host's, shared with a container: there a pid means another process.
    ensure!(fs::read_to_string("/proc/1/comm").is_ok_and(|name| name == "systemd\n"), "no systemd runs here");
    let mut busctl = Command::new("busctl");
    busctl.arg(format!("--timeout={}", PATIENCE.as_secs()));
    let user = rustix::process::geteuid();
    if !user.is_root() {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
        let runtime = runtime.map_or_else(|| PathBuf::from(format!("/run/user/{user}")), PathBuf::from);
        can_be_asked(&runtime)?;
        // The bus that the other variable names may be one without systemd.
        busctl.arg("--user").env("XDG_RUNTIME_DIR", runtime).env_remove("DBUS_SESSION_BUS_ADDRESS");
    }
    ask(busctl.args(request(&name(), std::process::id(), &limits(own))))?;
    await_move()
}

/// Whether a user's systemd runs, and on a bus, by the user's folder of sockets.
fn can_be_asked(runtime: &Path) -> Result<()> {
    let (bus, shown) = (runtime.join("bus"), runtime.display());
    ensure!(
        bus.exists() || runtime.join("systemd").exists(),
        "the user's own systemd does not run, by `{shown}`: a login starts it, or `loginctl enable-linger`"
    );
    ensure!(
        bus.exists(),
        "the user's own systemd is on no bus `{shown}/bus`: that is Debian's package dbus-user-session"
    );
    Ok(())
}

/// The tightest limits among those of a group and of all above it, by systemd's names.
fn limits(own: &Place) -> Vec<(&'static str, u64)> {
    let groups = || own.folder.ancestors().take_while(|folder| folder.starts_with(&own.mount));
    // Without a limit it says `max`; the first group has no such file.
    let limit = |folder: &Path, file| fs::read_to_string(folder.join(file)).ok()?.trim_end().parse().ok();
    let tightest = |(name, file)| Some((name, groups().filter_map(|folder| limit(folder, file)).min()?));
    LIMITS.into_iter().filter_map(tightest).collect()
}

/// What `busctl` is to send. Properties are given as their name, their type and their value.
fn request(name: &str, pid: u32, limits: &[(&str, u64)]) -> Vec<String> {
    const METHOD: &str = "call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager \
        StartTransientUnit ssa(sv)a(sa(sv))";
    let mut properties = vec![
        format!("PIDs au 1 {pid}"),
        "Delegate b true".to_owned(),
        // One that failed is forgotten as well.
        "CollectMode s inactive-or-failed".to_owned(),
    ];
    properties.extend(limits.iter().map(|(name, limit)| format!("{name} t {limit}")));
    // Neither another unit of that name is replaced, nor are further ones made.
    let text = format!("{METHOD} {name} fail {} {} 0", properties.len(), properties.join(" "));
    text.split(' ').map(str::to_owned).collect()
}

fn ask(busctl: &mut Command) -> Result<()> {
    let output = busctl.stdin(Stdio::null()).output().context("`busctl` could not be started to ask systemd")?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    match said.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => bail!("`busctl`, asking systemd: {line}"),
        None => bail!("`busctl`, asking systemd, ended with {}", output.status),
    }
}

/// systemd answers before it has made the scope.
fn await_move() -> Result<Place> {
    let begun = Instant::now();
    loop {
        let own = of_process("self")?;
        if holds(&own.folder) {
            return Ok(own);
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "systemd granted `{}` and did not move memguard there within {} s",
            name(),
            PATIENCE.as_secs()
        );
        std::thread::sleep(LOOK_AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Version;
    use super::*;

    #[test]
    fn the_request_counts_its_properties_and_gives_each_with_its_type() {
        let limits = [("MemoryMax", 83_886_080), ("MemorySwapMax", 0)];
        assert_eq!(
            request("memguard-7.scope", 7, &limits).join(" "),
            "call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StartTransientUnit \
             ssa(sv)a(sa(sv)) memguard-7.scope fail 5 PIDs au 1 7 Delegate b true CollectMode s inactive-or-failed \
             MemoryMax t 83886080 MemorySwapMax t 0 0"
        );
    }

    #[test]
    fn the_tightest_limit_of_all_groups_above_holds() {
        let mount = tempfile::tempdir().unwrap();
        let folder = mount.path().join("user.slice/session-1.scope");
        fs::create_dir_all(&folder).unwrap();
        let own = Place { version: Version::V2, folder, mount: mount.path().to_owned() };
        assert_eq!(limits(&own), []);
        for (path, limit) in [
            ("user.slice/memory.max", "4096000\n"),
            ("user.slice/memory.high", "max\n"),
            ("user.slice/session-1.scope/memory.max", "8192000\n"),
            ("user.slice/session-1.scope/memory.high", "max\n"),
            ("user.slice/session-1.scope/memory.swap.max", "0\n"),
        ] {
            fs::write(mount.path().join(path), limit).unwrap();
        }
        assert_eq!(limits(&own), [("MemoryMax", 4_096_000), ("MemorySwapMax", 0)]);
    }

    #[test]
    fn only_a_group_in_the_scope_of_this_very_process_is_its_own() {
        let below = |scope: &str| PathBuf::from(format!("/sys/fs/cgroup/app.slice/{scope}/memguard-1-run-0"));
        assert!(holds(&below(&name())));
        assert!(!holds(&below("memguard-0.scope")) && !holds(&below(&format!("{}2", name()))));
        assert!(remark(&below(&name())).is_some_and(|remark| remark.contains(&name())));
        assert_eq!(remark(&below("session-1.scope")), None);
    }

    #[test]
    fn a_user_whose_systemd_can_not_be_asked_is_told_what_is_missing() {
        let runtime = tempfile::tempdir().unwrap();
        let said = || can_be_asked(runtime.path()).map_err(|error| error.to_string());
        assert!(said().unwrap_err().contains("`loginctl enable-linger`"));
        fs::create_dir(runtime.path().join("systemd")).unwrap();
        assert!(said().unwrap_err().contains("dbus-user-session"));
        fs::write(runtime.path().join("bus"), "").unwrap();
        assert_eq!(said(), Ok(()));
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_whoever_refused() {
        let said = |script: &str| ask(Command::new("sh").args(["-c", script])).map_err(|error| format!("{error:#}"));
        assert_eq!(said("true"), Ok(()));
        let refused = said("echo; echo 'Call failed: Access denied' >&2; echo more >&2; exit 1");
        assert_eq!(refused, Err("`busctl`, asking systemd: Call failed: Access denied".to_owned()));
        assert_eq!(said("exit 3"), Err("`busctl`, asking systemd, ended with exit status: 3".to_owned()));
        let missing = ask(&mut Command::new("/nowhere/busctl")).unwrap_err();
        assert!(format!("{missing:#}").starts_with("`busctl` could not be started to ask systemd: "), "{missing:#}");
    }
}
