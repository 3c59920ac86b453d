//! Where the control groups of the memory controller lie. Kernel interface: cgroups(7), proc_pid_cgroup(5),
//! proc_pid_mountinfo(5).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Which interface a group has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// A hierarchy of the memory controller's own.
    V1,
    /// The unified hierarchy.
    V2,
}

/// A group's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) version: Version,
    pub(super) folder: PathBuf,
    /// Where the hierarchy begins, as far as it can be seen from here.
    pub(super) mount: PathBuf,
}

/// The group that a process is in: `self`, or a pid.
///
/// # Errors
/// When the process is gone, or its group can't be seen from here.
pub(super) fn of_process(pid: &str) -> Result<Place> {
    let path = format!("/proc/{pid}/cgroup");
    let membership = fs::read_to_string(&path).with_context(|| format!("could not read `{path}`"))?;
    locate(&mounts()?, &membership)
}

/// The place of a group that somebody named: by its folder, or by its path from the beginning of the hierarchy, as
/// `/proc/PID/cgroup` and `systemd-cgls` have it.
///
/// # Errors
/// When there is none of that name in a hierarchy that may have the memory controller.
pub(super) fn of_folder(named: &Path) -> Result<Place> {
    let mounts = mounts()?;
    let from_the_beginning = |mount: &Mount| mount.point.join(named.strip_prefix("/").unwrap_or(named));
    let candidates = std::iter::once(named.to_owned()).chain(mounts.iter().map(from_the_beginning));
    let is_group = |folder: &PathBuf| folder.join("cgroup.procs").is_file();
    let Some(folder) = candidates.filter_map(|folder| fs::canonicalize(folder).ok()).find(is_group) else {
        bail!(
            "there is no control group `{}`\nhelp: they lie below /sys/fs/cgroup; `cat /proc/PID/cgroup` tells that of a process",
            named.display()
        );
    };
    let found = mounts.into_iter().filter(|mount| folder.starts_with(&mount.point));
    let Some(mount) = found.max_by_key(|mount| mount.point.components().count()) else {
        bail!(
            "`{}` is a control group without the memory controller\nhelp: that of the memory controller lies in another hierarchy",
            folder.display()
        );
    };
    Ok(Place { version: mount.version, folder, mount: mount.point })
}

/// The outermost group that can be seen from here, where it is not the kernel's first one: that of a container.
///
/// The kernel's own files tell: of v1's groups the first alone has a `release_agent`, of v2's all but the first have a
/// `cgroup.type` (cgroups(7)).
pub(super) fn of_container() -> Option<Place> {
    let Place { version, mount, .. } = of_process("self").ok()?;
    let is_first = match version {
        Version::V1 => mount.join("release_agent").exists(),
        Version::V2 => !mount.join("cgroup.type").exists(),
    };
    (!is_first).then(|| Place { version, folder: mount.clone(), mount })
}

/// A hierarchy that the memory controller may be in, where it is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    version: Version,
    /// The group that lies at the mount point: not the hierarchy's first one in some containers.
    root: PathBuf,
    point: PathBuf,
}

fn mounts() -> Result<Vec<Mount>> {
    const PATH: &str = "/proc/self/mountinfo";
    fs::read_to_string(PATH).map(|text| parse_mounts(&text)).with_context(|| format!("could not read `{PATH}`"))
}

/// `36 35 98:0 /root /point options… - type source options`
fn parse_mounts(text: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (root, point) = (left.next()?, left.next()?);
        let mut right = right.split(' ');
        let (kind, options) = (right.next()?, right.nth(1)?);
        let version = match kind {
            "cgroup2" => Version::V2,
            "cgroup" if options.split(',').any(|option| option == "memory") => Version::V1,
            _ => return None,
        };
        Some(Mount { version, root: unescaped(root).into(), point: unescaped(point).into() })
    };
    text.lines().filter_map(mount).collect()
}

/// The kernel writes blanks and backslashes as `\040`.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('\\');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let code = piece.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                plain.push(char::from(code));
                plain.push_str(&piece[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(piece);
            }
        }
    }
    plain
}

/// Finds the folder of a group that `/proc/PID/cgroup` names: `4:memory:/a` where the controller has a hierarchy of its own,
/// else `0::/a`.
fn locate(mounts: &[Mount], membership: &str) -> Result<Place> {
    let mut unified = None;
    let mut own = None;
    for line in membership.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        if controllers.split(',').any(|controller| controller == "memory") {
            own = Some(path);
        } else if number == "0" {
            unified = Some(path);
        }
    }
    let (version, path) = match (own, unified) {
        (Some(path), _) => (Version::V1, path),
        (None, Some(path)) => (Version::V2, path),
        (None, None) => bail!("this kernel has no memory controller: it is in no control group"),
    };
    let below = |mount: &Mount| {
        let rest = Path::new(path).strip_prefix(&mount.root).ok()?;
        let is_outside = rest.components().any(|part| part.as_os_str() == "..");
        (!is_outside).then(|| mount.point.join(rest))
    };
    let candidates = mounts.iter().filter(|mount| mount.version == version);
    let found = candidates.filter_map(|mount| Some((mount, below(mount)?)));
    let Some((mount, folder)) = found.max_by_key(|(mount, _)| mount.root.components().count()) else {
        bail!("the control group `{path}` can't be seen from here: its hierarchy is not mounted");
    };
    Ok(Place { version, folder, mount: mount.point.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNIFIED: &str = "24 30 0:22 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    const HYBRID: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        36 31 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    fn folder(mounts: &str, membership: &str) -> Option<(Version, String)> {
        let place = locate(&parse_mounts(mounts), membership).ok()?;
        Some((place.version, place.folder.to_string_lossy().into_owned()))
    }

    #[test]
    fn the_unified_hierarchy_has_one_line() {
        let path = "/user.slice/a b.scope";
        let found = folder(UNIFIED, &format!("0::{path}\n"));
        assert_eq!(found, Some((Version::V2, format!("/sys/fs/cgroup{path}"))));
    }

    #[test]
    fn a_hierarchy_of_the_controllers_own_wins() {
        let found = folder(HYBRID, "4:memory:/jobs/7\n3:cpu,cpuacct:/\n0::/x\n");
        assert_eq!(found, Some((Version::V1, "/sys/fs/cgroup/memory/jobs/7".into())));
    }

    #[test]
    fn in_a_container_the_mount_begins_at_its_own_group() {
        let mounts = "35 31 0:32 /docker/a\\040b /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let wanted = |rest: &str| Some((Version::V1, format!("/sys/fs/cgroup/memory{rest}")));
        assert_eq!(folder(mounts, "4:memory:/docker/a b/sub\n"), wanted("/sub"));
        assert_eq!(folder(mounts, "4:memory:/docker/a b\n"), wanted("/"));
        assert_eq!(folder(mounts, "4:memory:/docker/other\n"), None);
    }

    #[test]
    fn a_group_outside_of_ones_namespace_is_not_made_up() {
        assert_eq!(folder(UNIFIED, "0::/../other\n"), None);
        assert_eq!(folder(UNIFIED, "1:name=systemd:/\n"), None);
        assert_eq!(folder("", "0::/\n"), None);
    }

    /// `.ci/run` runs this where there is such a hierarchy.
    mod needs_cgroup_v1 {
        use super::*;

        #[test]
        #[ignore = "needs a control group v1 memory hierarchy"]
        fn this_process_is_in_a_group() {
            let place = of_process("self").unwrap();
            assert!(place.folder.starts_with(&place.mount) && place.folder.join("cgroup.procs").is_file());
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(mounts in "([a-z0-9/ \\\\-]|cgroup2| - |\n)*", membership in "([0-9:a-z/.]|memory|\n)*") {
            let _ = locate(&parse_mounts(&mounts), &membership);
        }
    }
}
