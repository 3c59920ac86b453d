//! Who knows whom: data walks one way, and a module knows only what stands before it.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails is the test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each module and those that it may know. What is not listed for it, it must not name.
const KNOWS: [(&str, &[&str]); 16] = [
    ("units", &[]),
    ("git", &[]),
    ("os", &["units"]),
    ("workload", &["units", "os"]),
    ("trace", &["units"]),
    ("sampler", &["units", "os", "workload", "trace"]),
    ("analysis", &["units", "trace"]),
    ("baseline", &["units", "trace", "analysis"]),
    ("verdict", &["units", "trace", "analysis", "baseline"]),
    ("report", &["units", "trace", "analysis", "baseline", "verdict"]),
    ("github", &["verdict"]),
    // The grammar of `synth` is its help.
    ("cli", &["synth"]),
    // The settings of a stage belong to it; the config builds them.
    ("config", &["units", "git", "cli", "workload", "trace", "sampler", "analysis", "baseline", "verdict"]),
    ("synth", &["units", "os"]),
    // Its test reads what it proposes as the config would.
    ("init", &["git", "cli", "config"]),
    (
        "pipeline",
        &[
            "units", "os", "workload", "trace", "sampler", "analysis", "baseline", "verdict", "report", "github",
            "cli", "config", "synth",
        ],
    ),
];

/// The most lines that one holds in the head.
const LONGEST: usize = 500;

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("src"), &mut found);
    assert!(found.len() > 50, "the sources are here");
    let source = |path: PathBuf| {
        let first = path.components().nth(1).unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        Source { module, text: fs::read_to_string(&path).unwrap(), path }
    };
    found.into_iter().map(source).collect()
}

/// The modules that a line names by `crate::`, several in braces included.
fn named(line: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    line.match_indices("crate::")
        .flat_map(|(at, found)| {
            let rest = &line[at + found.len()..];
            match rest.strip_prefix('{') {
                // `use crate::{analysis, os};`, but not what stands in an inner brace.
                Some(list) => list.split([',', '}']).map(|name| word(name.trim())).collect(),
                None => vec![word(rest)],
            }
        })
        .collect()
}

#[test]
fn a_module_knows_only_what_stands_before_it() {
    let modules: Vec<&str> = KNOWS.iter().map(|(module, _)| *module).collect();
    for source in sources() {
        if matches!(source.module.as_str(), "lib" | "main") {
            continue;
        }
        let allowed = KNOWS.iter().find(|(module, _)| *module == source.module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("`{}` has no rule in this test", source.module));
        for (index, line) in source.text.lines().enumerate() {
            for name in named(line).iter().filter(|name| modules.contains(&name.as_str())) {
                let known = *name == source.module || allowed.contains(&name.as_str());
                assert!(known, "{}:{}: `{}` must not know `{name}`", source.path.display(), index + 1, source.module);
            }
        }
    }
}

#[test]
fn names_in_braces_are_seen() {
    assert_eq!(named("use crate::{analysis, os};"), ["analysis", "os", ""]);
    assert_eq!(named("let x = crate::units::Bytes(1);"), ["units"]);
}

#[test]
fn systems_differ_in_one_folder() {
    for source in sources().iter().filter(|source| source.module != "os") {
        for (index, line) in source.text.lines().enumerate() {
            let asks = line.contains("cfg") && ["target_os", "unix", "windows"].iter().any(|name| line.contains(name));
            assert!(!asks, "{}:{}: ask `os` instead", source.path.display(), index + 1);
        }
    }
}

#[test]
fn only_main_ends_the_process_and_nobody_prints_by_macro() {
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            let bad = ["println!(", "print!(", "eprintln!(", "eprint!(", "process::exit("]
                .iter()
                .find(|bad| line.contains(**bad));
            assert!(bad.is_none(), "{}:{}: {}", source.path.display(), index + 1, bad.unwrap());
        }
    }
}

#[test]
fn every_file_can_be_held_in_the_head() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines: split it by meaning", source.path.display());
    }
}
