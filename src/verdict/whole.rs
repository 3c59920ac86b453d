//! Whether what several machines ran is one whole: nothing missing, nothing twice, all of one config.

use std::collections::BTreeMap;

use super::Leg;

/// One machine's results, as far as it must be known to join them with others.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Where they lie, for messages.
    pub folder: String,
    /// What the machine was to run.
    pub leg: Leg,
    /// The workloads that it has results of.
    pub has: Vec<String>,
}

/// Why these are not one whole: a sentence for each fault, without a full stop. Empty where they are.
#[must_use]
pub fn faults(parts: &[Part]) -> Vec<String> {
    let Some(first) = parts.first() else { return vec!["there are no results to join".to_owned()] };
    let mut faults = Vec::new();
    for part in parts {
        let folder = &part.folder;
        if part.leg.config != first.leg.config {
            faults.push(format!("`{folder}` is of another config than `{}`", first.folder));
        } else if part.leg.config.is_some() && part.leg.flags != first.leg.flags {
            // Without a config, the flags are each command's own.
            faults.push(told_otherwise(part, first));
        }
        let own: Vec<&String> = part.leg.own().collect();
        for name in own.iter().filter(|name| !part.has.contains(name)) {
            faults.push(format!("`{folder}` has no results of `{name}`, which its machine was to run"));
        }
        for name in part.has.iter().filter(|name| !own.contains(name)) {
            faults.push(format!("`{folder}` has results of `{name}`, which its machine was not to run"));
        }
    }
    let commit = |part: &'_ Part| part.leg.commit.clone();
    faults.extend(apart(parts, commit, |folder, own, other_folder, other| {
        format!("`{folder}` is of the commit {own}, and `{other_folder}` of {other}")
    }));
    let base = |part: &'_ Part| part.leg.base.as_ref().map(|base| base.commit.clone());
    faults.extend(apart(parts, base, |folder, own, other_folder, other| {
        format!("`{folder}` was judged by the baseline of {own}, and `{other_folder}` by that of {other}")
    }));
    faults.extend(doubled(parts));
    let mut splits: BTreeMap<&str, Vec<&Part>> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.leg.shard.is_some()) {
        splits.entry(&part.leg.platform).or_default().push(part);
    }
    splits.iter().for_each(|(platform, parts)| faults.extend(split(platform, parts)));
    faults
}

/// Whether these are the parts of one split on one platform, of which a missing one is noticed.
#[must_use]
pub fn is_one_split(parts: &[Part]) -> bool {
    let platform = |part: &Part| part.leg.shard.map(|_| part.leg.platform.clone());
    let mut platforms = parts.iter().map(platform);
    platforms.next().flatten().is_some_and(|first| platforms.all(|other| other.as_ref() == Some(&first)))
}

/// In which flags two machines differ.
fn told_otherwise(part: &Part, other: &Part) -> String {
    /// More are counted.
    const TOLD: usize = 10;
    let only = |part: &Part, other: &Part| {
        let own: Vec<&String> = part.leg.flags.iter().filter(|flag| !other.leg.flags.contains(flag)).collect();
        let told: Vec<String> = own.iter().take(TOLD).map(|flag| format!("`{flag}`")).collect();
        let more = if own.len() > TOLD { format!(" and {} more", own.len() - TOLD) } else { String::new() };
        told.join(", ") + &more
    };
    let (folder, other_folder) = (&part.folder, &other.folder);
    match (only(part, other).as_str(), only(other, part).as_str()) {
        ("", "") => {
            format!("`{folder}` was run with the same flags as `{other_folder}`, but in another order or number")
        }
        (own, "") => format!("`{folder}` was run with {own}, and `{other_folder}` without"),
        ("", others) => format!("`{other_folder}` was run with {others}, and `{folder}` without"),
        (own, others) => format!("`{folder}` was run with {own}, and `{other_folder}` with {others}"),
    }
}

/// What must be the same of all that tell it.
fn apart(
    parts: &[Part],
    of: impl Fn(&Part) -> Option<String>,
    told: impl Fn(&str, &str, &str, &str) -> String,
) -> Vec<String> {
    let known: Vec<(&Part, String)> = parts.iter().filter_map(|part| Some((part, of(part)?))).collect();
    let Some(((first, wanted), others)) = known.split_first() else { return Vec::new() };
    let differ = others.iter().filter(|(_, own)| own != wanted);
    differ.map(|(part, own)| told(&part.folder, own, &first.folder, wanted)).collect()
}

/// A workload that two machines of one platform ran. The same on two platforms is two results.
fn doubled(parts: &[Part]) -> Vec<String> {
    let mut seen: BTreeMap<(String, String), &str> = BTreeMap::new();
    let mut faults = Vec::new();
    for part in parts {
        for name in &part.has {
            // A folder of each: there are systems on which names that differ in their case are one.
            let key = (part.leg.platform.to_lowercase(), name.to_lowercase());
            if let Some(other) = seen.insert(key, &part.folder) {
                let (platform, folder) = (&part.leg.platform, &part.folder);
                faults.push(format!("`{name}` on {platform} stands in `{other}` and in `{folder}`"));
            }
        }
    }
    faults
}

/// What is wrong with the parts of one split.
fn split(platform: &str, parts: &[&Part]) -> Vec<String> {
    let Some((first, shard)) = parts.first().and_then(|first| Some((first, first.leg.shard?))) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let mut found: BTreeMap<u32, &str> = BTreeMap::new();
    for part in parts {
        let Some(own) = part.leg.shard else { continue };
        if own.of() != shard.of() || part.leg.workloads != first.leg.workloads {
            let (folder, other) = (&part.folder, &first.folder);
            faults.push(format!("`{folder}` is shard {own} of another split of the workloads than `{other}`, {shard}"));
        } else if let Some(other) = found.insert(own.index(), &part.folder) {
            faults.push(format!("shard {own} of {platform} stands in `{other}` and in `{}`", part.folder));
        }
    }
    /// More are counted: a split can have as many as it likes.
    const TOLD: usize = 10;
    let missing = shard.of() as usize - found.len();
    if missing > 0 {
        let absent = (1..=shard.of()).filter(|index| !found.contains_key(index)).take(TOLD);
        let told: Vec<String> = absent.map(|index| format!("{index}/{}", shard.of())).collect();
        let more = if missing > TOLD { format!(" and {} more", missing - TOLD) } else { String::new() };
        faults.push(format!("of the shards of {platform}, {}{more} are missing", told.join(", ")));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Base, Shard};
    use proptest::prelude::*;

    fn part(folder: &str, platform: &str, shard: Option<(u32, u32)>, names: &[&str]) -> Part {
        let workloads: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let shard = shard.map(|(index, of)| Shard::new(index, of).unwrap());
        let (config, flags, commit) = (Some("c".into()), Vec::new(), Some("d".into()));
        let leg = Leg { platform: platform.into(), workloads, config, flags, commit, shard, base: None };
        Part { folder: folder.into(), has: leg.own().cloned().collect(), leg }
    }

    const LINUX: &str = "linux-x86_64";

    #[test]
    fn one_machine_a_matrix_of_systems_and_a_split_are_wholes() {
        assert_eq!(faults(&[part("a", LINUX, None, &["x", "y"])]), [""; 0]);
        assert_eq!(faults(&[part("a", LINUX, None, &["x"]), part("b", "macos-aarch64", None, &["x"])]), [""; 0]);
        let split = |platform| (1..=3).map(move |index| part("s", platform, Some((index, 3)), &["x", "y"]));
        assert_eq!(faults(&split(LINUX).chain(split("windows-x86_64")).collect::<Vec<_>>()), [""; 0]);
        assert_eq!(faults(&[part("a", LINUX, None, &["x"]), part("b", LINUX, None, &["y"])]), [""; 0], "split by hand");
    }

    #[test]
    fn what_is_missing_doubled_or_of_another_whole_is_named() {
        let shard = |folder, index, of, names: &[&str]| part(folder, LINUX, Some((index, of)), names);
        let one = |parts: &[Part]| faults(parts).join("; ");
        let both = &["x", "y"];
        assert_eq!(one(&[]), "there are no results to join");
        assert_eq!(one(&[shard("a", 1, 2, both)]), "of the shards of linux-x86_64, 2/2 are missing");
        assert_eq!(
            one(&[shard("a", 1, 2, both), shard("b", 1, 2, both), shard("c", 2, 2, both)]),
            "`x` on linux-x86_64 stands in `a` and in `b`; shard 1/2 of linux-x86_64 stands in `a` and in `b`"
        );
        assert_eq!(
            one(&[shard("a", 1, 2, both), shard("b", 2, 2, &["x", "z"])]),
            "`b` is shard 2/2 of another split of the workloads than `a`, 1/2; of the shards of linux-x86_64, 2/2 are missing"
        );
        let whole = part("b", LINUX, None, &["x"]);
        assert_eq!(one(&[part("a", LINUX, None, &["X"]), whole]), "`x` on linux-x86_64 stands in `a` and in `b`");
        let other = Part { leg: Leg { config: None, ..part("b", "m", None, both).leg }, ..part("b", "m", None, both) };
        assert_eq!(one(&[part("a", LINUX, None, both), other]), "`b` is of another config than `a`");
        let cut = Part { has: vec!["x".into(), "z".into()], ..part("a", LINUX, None, both) };
        assert_eq!(
            one(&[cut]),
            "`a` has no results of `y`, which its machine was to run; `a` has results of `z`, which its machine was not to run"
        );
        let many = faults(&[shard("a", 1, 4_000_000_000, both)]).join("");
        assert!(many.ends_with("11/4000000000 and 3999999989 more are missing"), "{many}");
    }

    #[test]
    fn what_was_told_or_checked_out_otherwise_is_no_part_of_the_whole() {
        let told = |own: &dyn Fn(&mut Leg), other: &dyn Fn(&mut Leg)| {
            let (mut a, mut b) =
                (part("a", LINUX, Some((1, 2)), &["x", "y"]), part("b", LINUX, Some((2, 2)), &["x", "y"]));
            own(&mut a.leg);
            other(&mut b.leg);
            faults(&[a, b]).join("; ")
        };
        let flags = |flags: &'static [&'static str]| {
            move |leg: &mut Leg| {
                leg.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
            }
        };
        let many: &[&str] = &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
        let said = |own, other| told(&flags(own), &flags(other));
        assert_eq!(said(&["--peak 1GiB"], &["--peak 1GiB"]), "");
        assert_eq!(
            said(&["--peak 1GiB", "--runs 3"], &["--peak 2GiB", "--runs 3"]),
            "`b` was run with `--peak 2GiB`, and `a` with `--peak 1GiB`"
        );
        assert_eq!(said(&[], &["--peak 2GiB"]), "`b` was run with `--peak 2GiB`, and `a` without");
        assert_eq!(said(&["--peak 2GiB"], &[]), "`a` was run with `--peak 2GiB`, and `b` without");
        assert_eq!(
            said(&["--log-file a", "--log-file b"], &["--log-file b", "--log-file a"]),
            "`b` was run with the same flags as `a`, but in another order or number"
        );
        assert!(said(&[], many).contains(", `10` and 1 more, and `a` without"));
        let commit = |commit: Option<&'static str>| move |leg: &mut Leg| leg.commit = commit.map(str::to_owned);
        assert_eq!(told(&commit(Some("1")), &commit(Some("2"))), "`b` is of the commit 2, and `a` of 1");
        assert_eq!(told(&commit(None), &commit(Some("2"))), "", "a machine without git can't tell");
        let base = |commit: &'static str| {
            move |leg: &mut Leg| {
                let (edits, notes) = (Vec::new(), Vec::new());
                leg.base = Some(Base { reference: "main".into(), commit: commit.into(), edits, notes });
            }
        };
        assert_eq!(told(&base("1"), &base("1")), "");
        assert_eq!(told(&base("1"), &base("2")), "`b` was judged by the baseline of 2, and `a` by that of 1");
        let none = |own: &'static str| {
            move |leg: &mut Leg| {
                leg.config = None;
                leg.flags = vec![own.to_owned()];
            }
        };
        assert_eq!(told(&none("--peak 1GiB"), &none("--peak 2GiB")), "", "each command has its own");
    }

    proptest! {
        #[test]
        fn a_split_is_a_whole_and_no_longer_with_one_left_out_or_doubled(
            names in prop::collection::btree_set("[a-z]{1,6}", 1..20), of in 1u32..12, which in any::<prop::sample::Index>()
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut parts: Vec<Part> =
                (1..=of).map(|index| part(&index.to_string(), LINUX, Some((index, of)), &names)).collect();
            prop_assert!(faults(&parts).is_empty());
            let mut doubled = parts.clone();
            doubled.push(which.get(&parts).clone());
            prop_assert!(!faults(&doubled).is_empty());
            parts.remove(which.index(parts.len()));
            prop_assert!(!faults(&parts).is_empty());
        }
    }
}
