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
        }
        let own: Vec<&String> = part.leg.own().collect();
        for name in own.iter().filter(|name| !part.has.contains(name)) {
            faults.push(format!("`{folder}` has no results of `{name}`, which its machine was to run"));
        }
        for name in part.has.iter().filter(|name| !own.contains(name)) {
            faults.push(format!("`{folder}` has results of `{name}`, which its machine was not to run"));
        }
    }
    faults.extend(doubled(parts));
    let mut splits: BTreeMap<&str, Vec<&Part>> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.leg.shard.is_some()) {
        splits.entry(&part.leg.platform).or_default().push(part);
    }
    splits.iter().for_each(|(platform, parts)| faults.extend(split(platform, parts)));
    faults
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
    use crate::verdict::Shard;
    use proptest::prelude::*;

    fn part(folder: &str, platform: &str, shard: Option<(u32, u32)>, names: &[&str]) -> Part {
        let workloads: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let shard = shard.map(|(index, of)| Shard::new(index, of).unwrap());
        let leg = Leg { platform: platform.into(), workloads, config: Some("c".into()), shard, base: None };
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
