use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Every template with its number of lines, after all lines were taken; `others` for those that were given up.
fn sorted<'a>(lines: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut templates = Templates::default();
    let ids: Vec<TemplateId> = lines.into_iter().map(|line| templates.take(line)).collect();
    let mut counts = BTreeMap::new();
    for id in ids {
        let name = templates.held.get(&templates.resolve(id)).map_or("others", |template| template.text.as_str());
        *counts.entry(name.to_owned()).or_default() += 1;
    }
    for template in templates.held.values().filter(|template| template.lines > 0) {
        assert_eq!(counts[&template.text], template.lines, "{}", template.text);
    }
    counts
}

fn names(count: usize) -> impl Iterator<Item = String> {
    // Words without a digit.
    (0..count).map(|index| {
        index.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).chain("name".chars()).collect()
    })
}

#[test]
fn many_lines_that_differ_in_one_word_are_one_template() {
    let lines: Vec<String> = names(100).map(|name| format!("user {name} logged in")).collect();
    let sorted = sorted(lines.iter().map(String::as_str).chain(["user list was read"]));
    assert_eq!(sorted, BTreeMap::from([("user <*> logged in".into(), 100), ("user list was read".into(), 1)]));
}

#[test]
fn a_few_lines_that_differ_in_one_word_are_different_statements() {
    let lines = ["cache hit", "cache miss", "cache hit", "batch 1 started", "batch 1 finished", "batch 2 started"];
    let sorted = sorted(lines);
    assert_eq!(sorted.len(), 4, "{sorted:?}");
    assert_eq!(sorted["batch <n> started"], 2);
}

#[test]
fn words_that_vary_one_after_the_other_are_joined_in_turn() {
    let lines: Vec<String> =
        names(40).flat_map(|user| names(30).map(move |room| format!("{user} joined room {room} now"))).collect();
    let sorted = sorted(lines.iter().map(String::as_str));
    assert_eq!(sorted, BTreeMap::from([("<*> joined room <*> now".into(), 1200)]));
}

#[test]
fn two_words_that_are_never_the_same_twice_are_joined_once_there_are_too_many() {
    let lines: Vec<String> =
        names(20_000).map(|name| format!("moved {name} over to {}", name.to_uppercase())).collect();
    let sorted = sorted(lines.iter().map(String::as_str));
    assert_eq!(sorted, BTreeMap::from([("moved <*> over to <*>".into(), 20_000)]));
}

#[test]
fn lines_without_anything_in_common_are_held_together_as_others() {
    let lines: Vec<String> = names(9000).map(|name| format!("{name} {name}x {name}y")).collect();
    let often = std::iter::repeat_n("processing batch 7", 5000);
    let mut templates = Templates::default();
    for line in lines.iter().map(String::as_str).chain(often) {
        templates.take(line);
        assert!(templates.held.len() <= MOST);
    }
    let known = templates.held.values().find(|template| template.text == "processing batch <n>").unwrap();
    assert_eq!((known.lines, known.example.as_str()), (5000, "processing batch 7"));
    assert!(templates.families.len() <= MOST * 4, "{}", templates.families.len());
}

#[test]
fn a_template_is_never_left_without_a_word_to_tell_it_by() {
    let lines: Vec<String> = names(100).collect();
    let sorted = sorted(lines.iter().map(String::as_str));
    assert_eq!(sorted.len(), 100);
    assert_eq!(pattern("<n> <n> <n>", 1), None);
    assert_eq!(pattern("batch <n>", 2).as_deref(), Some("batch <*>"));
}

proptest! {
    #[test]
    fn every_line_is_counted_once(lines in proptest::collection::vec("[a-d ]{0,6}|\\PC{0,30}", 0..200)) {
        let sorted = sorted(lines.iter().map(String::as_str));
        prop_assert_eq!(sorted.values().sum::<u64>(), lines.len() as u64);
    }
}
