//! The file as a whole: read, found in, merged, written.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::{Entry, Found, Key, Store, StoredCurve, example};
use crate::units::{Bytes, Metric, Rate, SignedBytes};

const FILE: &str = "memguard-baseline.toml";

fn parse(text: &str) -> anyhow::Result<Store> {
    Store::parse(Path::new(FILE), text)
}

fn store(entries: impl IntoIterator<Item = Entry>) -> Store {
    let mut store = parse("schema = 1").unwrap();
    for entry in entries {
        store.merge(entry).unwrap();
    }
    store
}

fn why(found: &Found) -> &str {
    match found {
        Found::Entry(entry) => panic!("found {entry:?}"),
        Found::Missing { why } | Found::NotComparable { why } => why,
    }
}

#[test]
fn the_file_is_made_for_review() {
    let mut bare = example::entry("api");
    bare.commit = None;
    bare.startup.clear();
    bare.retained = vec![SignedBytes(-512)];
    bare.phases.clear();
    bare.environment.clear();
    bare.curve = None;
    let mut hostile = example::entry("ingest");
    hostile.key.platform = "linux-x86_64-\"\u{202e}\n[[entry]]".to_owned();
    hostile.phases = [("a = 1 # \\".to_owned(), vec![Bytes(7)])].into();
    insta::assert_snapshot!(store([example::entry("ingest"), hostile, bare]).to_text().unwrap());
}

#[test]
fn a_missing_file_is_a_state_and_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::read(&folder.path().join(FILE)).unwrap();
    let found = store.find(&example::key("ingest"));
    assert!(matches!(found, Found::Missing { .. }));
    assert!(why(&found).contains("there is no baseline file") && why(&found).contains(FILE), "{found:?}");
}

#[test]
fn what_is_not_found_names_what_there_is_instead() {
    let entry = |platform: &str, metric| {
        let mut entry = example::entry("ingest");
        entry.key = Key { platform: platform.to_owned(), metric, ..entry.key };
        entry
    };
    let store = store([entry("linux-x86_64", Metric::Rss), entry("windows-x86_64", Metric::Rss)]);
    let on = |platform: &str, metric, workload| {
        store.find(&Key { platform: platform.to_owned(), metric, ..example::key(workload) })
    };
    assert!(matches!(on("linux-x86_64", Metric::Rss, "ingest"), Found::Entry(_)));

    let other_metric = on("linux-x86_64", Metric::Footprint, "ingest");
    assert!(matches!(other_metric, Found::NotComparable { .. }));
    assert_eq!(
        why(&other_metric),
        "`memguard-baseline.toml` has `ingest` in rss, and these runs were measured in footprint"
    );

    let other_platform = on("macos-aarch64", Metric::Rss, "ingest");
    assert!(matches!(other_platform, Found::NotComparable { .. }));
    assert_eq!(
        why(&other_platform),
        "`memguard-baseline.toml` has `ingest` on linux-x86_64 (rss), windows-x86_64 (rss), \
         and these runs were made on macos-aarch64 (rss)"
    );

    let other_workload = on("linux-x86_64", Metric::Rss, "api");
    assert!(matches!(other_workload, Found::Missing { .. }));
    assert_eq!(why(&other_workload), "`memguard-baseline.toml` has no entry for `api`");
}

#[test]
fn a_file_of_another_schema_is_not_compared_with_and_not_overwritten() {
    let mut newer = parse("schema = 2\nnew_key = true\n[workload.x]\n").unwrap();
    let found = newer.find(&example::key("ingest"));
    assert!(matches!(found, Found::NotComparable { .. }));
    assert!(why(&found).contains("has schema 2") && why(&found).contains("reads schema 1"), "{found:?}");
    assert!(newer.merge(example::entry("ingest")).is_err());
    assert!(newer.write().is_err());
}

#[test]
fn a_mistake_made_by_hand_is_shown_with_its_file_and_line() {
    let good = store([example::entry("ingest")]).to_text().unwrap();
    for (from, to, line, what) in [
        ("schema = 1", "", 1, "missing field `schema`"),
        ("schema = 1", "schema = \"one\"", 3, "expected u32"),
        ("metric = \"footprint\"", "metric = \"uss\"", 8, "unknown variant `uss`"),
        ("memguard =", "memgaurd =", 11, "unknown field `memgaurd`"),
        ("peak_bytes = [210763776", "peak_bytes = [-1", 12, "expected u64"),
        ("peak_bytes = [210763776, 208666624, 209715200]", "peak_bytes = []", 12, "the peak of at least one run"),
        ("step_s = 0.2", "step_s = 0", 16, "seconds above zero"),
        ("[[entry]]", "<<<<<<< HEAD\n[[entry]]", 5, "TOML parse error"),
        ("cores = \"2\"", "cores = 2", 25, "expected a string"),
    ] {
        let broken = good.replacen(from, to, 1);
        assert_ne!(broken, good, "{from} stands nowhere");
        let error = format!("{:#}", parse(&broken).expect_err(to));
        for part in [FILE, &format!("line {line},"), what, "help: restore it"] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
    }
}

#[test]
fn an_entry_that_stands_twice_is_a_mistake() {
    let once = store([example::entry("ingest")]).to_text().unwrap();
    let twice = format!("{once}{}", once.split_once("schema = 1\n").unwrap().1);
    let error = parse(&twice).unwrap_err().to_string();
    assert!(error.contains("a second entry for `ingest` on linux-x86_64 in footprint, at line 29"), "{error}");
}

#[test]
fn what_is_not_a_text_file_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("binary.toml");
    std::fs::write(&binary, [0xff, 0xfe, 0]).unwrap();
    for (path, name) in [(binary.as_path(), "binary.toml"), (folder.path(), "cannot read the baseline")] {
        let error = format!("{:#}", Store::read(path).unwrap_err());
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn writing_replaces_the_whole_file_and_leaves_nothing_else_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    let mut store = Store::read(&file).unwrap();
    store.merge(example::entry("ingest")).unwrap();
    store.write().unwrap();
    let first = std::fs::read(&file).unwrap();

    let mut again = Store::read(&file).unwrap();
    again.merge(example::entry("ingest")).unwrap();
    again.write().unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), first, "the same results change nothing");

    again.merge(example::entry("api")).unwrap();
    again.write().unwrap();
    assert_eq!(Store::read(&file).unwrap(), again);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [FILE]);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::read(&folder.path().join("no such folder").join(FILE)).unwrap();
    store.merge(example::entry("ingest")).unwrap();
    let error = format!("{:#}", store.write().unwrap_err());
    assert!(error.contains("cannot write the baseline") && error.contains("no such folder"), "{error}");
}

#[test]
fn windows_line_ends_are_read() {
    let text = store([example::entry("ingest")]).to_text().unwrap();
    assert_eq!(parse(&text.replace('\n', "\r\n")).unwrap().to_text().unwrap(), text);
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let bytes = || (0..=i64::MAX as u64).prop_map(Bytes);
    let many = |least| prop::collection::vec(bytes(), least..4);
    let rates = || prop::collection::vec(any::<i64>().prop_map(Rate), 0..4);
    let curve = (1..10_000_000u64, prop::collection::vec(0..1u64 << 40, 0..60)).prop_map(|(step_ms, kib)| {
        StoredCurve { step: Duration::from_millis(step_ms), memory: kib.into_iter().map(Bytes::from_kib).collect() }
    });
    let named = (any::<String>(), any::<String>(), any::<bool>(), any::<String>(), any::<Option<String>>());
    let measures = (
        many(1),
        many(0),
        prop::collection::vec(any::<i64>().prop_map(SignedBytes), 0..4),
        prop::collection::btree_map(any::<String>(), many(1), 0..3),
        rates(),
        prop::collection::btree_map(any::<String>(), rates().prop_filter("it has values", |it| !it.is_empty()), 0..3),
    );
    let environment = prop::collection::btree_map(any::<String>(), any::<String>(), 0..4);
    (named, measures, environment, prop::option::of(curve)).prop_map(|(named, measures, environment, curve)| {
        let (workload, platform, is_footprint, measured, commit) = named;
        let (peak, startup, retained, phases, growth, phase_growth) = measures;
        let metric = if is_footprint { Metric::Footprint } else { Metric::Rss };
        let key = Key { workload, platform, metric };
        let memguard = measured.clone();
        Entry {
            key,
            measured,
            commit,
            memguard,
            environment,
            peak,
            startup,
            retained,
            growth,
            phases,
            phase_growth,
            curve,
        }
    })
}

proptest! {
    #[test]
    fn what_was_written_reads_back_the_same_and_is_written_again_byte_for_byte(
        entries in prop::collection::vec(any_entry(), 0..4)
    ) {
        let written = store(entries.clone());
        let text = written.to_text().unwrap();
        let read = parse(&text).unwrap();
        prop_assert_eq!(&read, &written);
        prop_assert_eq!(read.to_text().unwrap(), text.clone());
        // Where two have the same key the last one stands, so the order counts for those alone.
        let keys: std::collections::BTreeSet<_> = entries.iter().map(|entry| entry.key.clone()).collect();
        if keys.len() == entries.len() {
            prop_assert_eq!(store(entries.into_iter().rev()).to_text().unwrap(), text);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(schema = 1\n)?(\\[\\[entry\\]\\]\n)?.*") {
        let _ = parse(&text);
    }
}
