use std::path::{Path, PathBuf};

use super::file::{DEFAULT_FILE, File};
use super::flags::FlagTable;
use super::keys;
use super::layers::Layers;
use super::mistakes::Mistakes;
use super::node::{Node, Table, Value};
use super::plan::{Judging, JudgingPlan, Plan};
use super::read::{Reader, nearest};
use super::ready::{heading, name_fault, rules};
use super::said::said;
use super::shard::digest;
use super::sources::Place;
use crate::analysis::{self, ReadyRule};
use crate::baseline;
use crate::cli::{Check, Compare, ImportFlags, JudgeFlags, Run};
use crate::git;
use crate::verdict::Leg;

const DEFAULT_OUT: &str = "memguard-report";

/// What `memguard run` is to do. `system` is this machine's platform, such as `linux-x86_64`.
///
/// # Errors
/// Everything that is wrong in the config and the flags.
pub fn plan_run(typed: &Run, system: &str) -> Result<Plan, Mistakes> {
    let mut reader = Reader::default();
    let mut flags = FlagTable::new(&mut reader);
    flags.judging(&typed.judge);
    flags.running(&typed.run);
    if !typed.line.is_empty() {
        flags.line(&typed.line);
    }
    let flags = flags.finish();
    // A command that was given needs no config: one that happens to lie here has nothing to say about it.
    let file = match (&typed.judge.config, typed.line.is_empty()) {
        (None, false) => None,
        (path, _) => reader.file(path.as_deref()),
    };
    let mut workloads = Vec::new();
    if typed.line.is_empty() {
        if let Some(file) = &file {
            for (node, table, name) in reader.workloads(file) {
                if !typed.names.is_empty() && !typed.names.contains(&name) {
                    // What is not run must be right all the same.
                    reader.one(&name, node, table, &Table::default(), file, system);
                    continue;
                }
                workloads.extend(reader.one(&name, node, table, &flags, file, system));
            }
            reader.check_names(&typed.names, file);
        }
    } else {
        let name = reader.name_for(typed);
        let defaults = file.as_ref().and_then(|file| reader.defaults(file));
        let layers = Layers::new([&flags].into_iter().chain(defaults));
        let folder = PathBuf::from(".");
        workloads.extend(name.and_then(|name| reader.workload(&name, &layers, &folder)));
    }
    if let Some(bad) = typed.run.out.as_deref().filter(|out| out.as_os_str().is_empty()) {
        let place = reader.sources.add("the command line", format!("--out {}", bad.display()), false);
        reader.wrong(
            "bad-out",
            &place,
            "the folder for the artifacts has no name",
            "write a folder such as memguard-report",
        );
    }
    let (mut baseline, label) = reader.baseline(file.as_ref(), &typed.judge);
    let base = reader.base(&typed.judge, file.as_ref(), &mut baseline, system);
    let out = typed.run.out.clone().unwrap_or_else(|| DEFAULT_OUT.into());
    let leg = Leg {
        platform: with_label(system, label.as_deref()),
        workloads: workloads.iter().map(|workload| workload.name.clone()).collect(),
        config: file.as_ref().map(|file| digest(&reader.sources.of(&file.place).text)),
        flags: said(&typed.run, &typed.judge),
        commit: git::head(file.as_ref().map_or(Path::new("."), |file| &file.folder)),
        shard: reader.shard(typed.run.shard.as_deref()),
        base,
    };
    workloads.retain(|workload| leg.own().any(|name| *name == workload.name));
    reader.done(Plan { workloads, out, baseline, leg })
}

/// How `memguard check` is to judge.
///
/// # Errors
/// Everything that is wrong in the config and the flags.
pub fn plan_check(typed: &Check, system: &str) -> Result<JudgingPlan, Mistakes> {
    let mut reader = Reader::default();
    let (mut plan, file) = reader.judging(typed, system);
    plan.base = reader.base(&typed.judge, file.as_ref(), &mut plan.baseline, system);
    reader.done(plan)
}

/// How `memguard baseline diff` and `accept` are to read what is accepted, which is compared with the file that lies here.
///
/// # Errors
/// Everything that is wrong in the config.
pub fn plan_accept(config: Option<&Path>, named: Option<&Path>, system: &str) -> Result<JudgingPlan, Mistakes> {
    let mut reader = Reader::default();
    let judge =
        JudgeFlags { config: config.map(Path::to_owned), baseline: named.map(Path::to_owned), ..JudgeFlags::default() };
    let typed = Check { dir: PathBuf::new(), judge, import: ImportFlags::default(), out: None, quiet: false };
    let (plan, _) = reader.judging(&typed, system);
    reader.done(plan)
}

/// How `memguard compare` reads the traces of both sides.
///
/// # Errors
/// Everything that is wrong in the flags.
pub fn plan_compare(typed: &Compare) -> Result<analysis::Rules, Mistakes> {
    let mut reader = Reader::default();
    let mut flags = FlagTable::new(&mut reader);
    let (ready_log, ready_after) = (typed.ready_log.clone(), typed.ready_after.clone());
    flags.judging(&JudgeFlags { ready_log, ready_after, ..JudgeFlags::default() });
    let flags = flags.finish();
    let ready = reader.ready(&Layers::new([&flags]), Path::new("."));
    let mut rules = rules(ready.as_ref(), Vec::new());
    if ready.is_none() {
        rules.ready = ReadyRule::AsRecorded;
    }
    reader.done(rules)
}

/// Where the baseline is kept, for the commands that do nothing but keep it.
///
/// # Errors
/// Everything that is wrong in the config.
pub fn plan_baseline(config: Option<&Path>, named: Option<&Path>) -> Result<baseline::Settings, Mistakes> {
    let mut reader = Reader::default();
    let config_is_there = config.is_some() || Path::new(DEFAULT_FILE).exists();
    let file = if config_is_there { reader.file(config) } else { None };
    let judge = JudgeFlags { baseline: named.map(Path::to_owned), ..JudgeFlags::default() };
    let (settings, _) = reader.baseline(file.as_ref(), &judge);
    reader.done(settings)
}

fn with_label(system: &str, label: Option<&str>) -> String {
    label.map_or_else(|| system.to_owned(), |label| format!("{system}-{label}"))
}

impl Reader {
    pub(super) fn done<T>(mut self, plan: T) -> Result<T, Mistakes> {
        if self.mistakes.is_empty() {
            return Ok(plan);
        }
        let key = |mistake: &super::Mistake| (self.sources.of(&mistake.place).name.clone(), mistake.place.span.start);
        self.mistakes.sort_by_cached_key(key);
        self.mistakes.dedup();
        Err(Mistakes { found: self.mistakes, sources: self.sources })
    }

    fn judging(&mut self, typed: &Check, system: &str) -> (JudgingPlan, Option<File>) {
        let mut flags = FlagTable::new(self);
        flags.judging(&typed.judge);
        let flags = flags.finish();
        // A config that happens to lie here has nothing to say about another program's file.
        let config_is_there =
            typed.judge.config.is_some() || (!typed.dir.is_file() && Path::new(DEFAULT_FILE).exists());
        let file = if config_is_there { self.file(typed.judge.config.as_deref()) } else { None };
        let mut workloads = Vec::new();
        let mut fallback = None;
        match &file {
            Some(file) => {
                for (node, table, name) in self.workloads(file) {
                    let plan = self.one(&name, node, table, &flags, file, system);
                    workloads.extend(plan.map(|plan| (name, Judging { rules: plan.rules, limits: plan.limits })));
                }
            }
            None => {
                let layers = Layers::new([&flags]);
                let ready = self.ready(&layers, Path::new("."));
                let mut limits = self.limits(&layers);
                let phases = self.phases(&layers, &mut limits);
                if typed.dir.is_file() {
                    self.check_needs_ready(&layers, "this recording");
                }
                // Without a config, start-up ended where the run itself saw it end.
                let mut rules = rules(ready.as_ref(), phases);
                if ready.is_none() {
                    rules.ready = ReadyRule::AsRecorded;
                }
                fallback = Some(Judging { rules, limits });
            }
        }
        let (baseline, _) = self.baseline(file.as_ref(), &typed.judge);
        (JudgingPlan { workloads, fallback, baseline, base: None }, file)
    }

    /// Every workload with its table and its name: those whose name is right.
    pub(super) fn workloads<'f>(&mut self, file: &'f File) -> Vec<(&'f Node, &'f Table, String)> {
        const EXAMPLE: &str = "begin each with [[workload]], a name and what to run";
        let nodes: &[Node] = match file.table.get("workload") {
            None => {
                self.wrong("no-workloads", &file.place.part(0..0), "the config has no workloads", EXAMPLE);
                return Vec::new();
            }
            Some(Node { value: Value::Array(nodes), .. }) => nodes,
            Some(node) => {
                self.wrong(
                    "wrong-type",
                    &node.place,
                    format!("this is {}, and a list is wanted", node.kind()),
                    EXAMPLE,
                );
                return Vec::new();
            }
        };
        let mut found: Vec<(&Node, &Table, String)> = Vec::new();
        for node in nodes {
            let Some(table) = self.table(node, EXAMPLE) else { continue };
            self.check_keys(table, keys::WORKLOAD, "a workload");
            let Some(name) = table.get("name") else {
                self.wrong(
                    "missing-key",
                    &node.place,
                    "this workload has no `name`",
                    "add one, such as name = \"ingest\"",
                );
                continue;
            };
            let Some(text) = self.text(name, "a name in quotes") else { continue };
            if let Some(fault) = name_fault(&text) {
                self.bad_name(&name.place, &text, fault);
            } else if found.iter().any(|(_, _, other)| other.eq_ignore_ascii_case(&text)) {
                let what = format!("there are two workloads named `{text}`");
                self.wrong(
                    "duplicate-name",
                    &name.place,
                    what,
                    "give each a name of its own: it names the folder of its artifacts",
                );
            } else {
                found.push((node, table, text));
            }
        }
        found
    }

    pub(super) fn bad_name(&mut self, place: &Place, name: &str, fault: &str) {
        let what = format!("the name `{}` {fault}", name.escape_debug());
        self.wrong("bad-name", place, what, "a name is a folder's: up to 64 letters, digits, `.`, `_` or `-`");
    }

    fn defaults<'f>(&mut self, file: &'f File) -> Option<&'f Table> {
        let node = file.table.get("defaults")?;
        let table = self.table(node, "[defaults], and keys of a workload under it")?;
        let allowed: Vec<&str> = keys::WORKLOAD.iter().copied().filter(|key| !keys::OWN.contains(key)).collect();
        self.check_keys(table, &allowed, "[defaults]");
        Some(table)
    }

    pub(super) fn one(
        &mut self,
        name: &str,
        node: &Node,
        table: &Table,
        flags: &Table,
        file: &File,
        system: &str,
    ) -> Option<super::WorkloadPlan> {
        let defaults = self.defaults(file);
        let overrides = self.platform(table, system);
        let layers = Layers::new([flags].into_iter().chain(overrides).chain([table]).chain(defaults));
        if layers.get("run").is_none() {
            let what = format!("the workload `{name}` does not say what to `run`");
            self.wrong("missing-key", heading(table, &node.place), what, "add it, such as run = \"python ingest.py\"");
        }
        self.workload(name, &layers, &file.folder)
    }

    /// The overrides that hold on this machine: for its architecture before those for its system alone.
    fn platform<'f>(&mut self, table: &'f Table, system: &str) -> Vec<&'f Table> {
        let Some(node) = table.get("platform") else { return Vec::new() };
        let Some(platforms) = self.table(node, "[workload.platform.linux], and keys of a workload under it") else {
            return Vec::new();
        };
        let known = ["linux", "macos", "windows"];
        let allowed: Vec<&str> = keys::WORKLOAD.iter().copied().filter(|key| !keys::OWN.contains(key)).collect();
        let os = system.split('-').next().unwrap_or(system);
        let mut here: Vec<(bool, &Table)> = Vec::new();
        for (key, node) in &platforms.entries {
            let (of, rest) = key.name.split_once('-').map_or((key.name.as_str(), None), |(of, rest)| (of, Some(rest)));
            if !known.contains(&of) {
                let help = "write linux, macos or windows, or one with an architecture, such as linux-aarch64";
                self.wrong("unknown-platform", &key.place, format!("unknown platform `{}`", key.name), help);
                continue;
            }
            let Some(inner) = self.table(node, "a table with keys of a workload") else { continue };
            self.check_keys(inner, &allowed, "a platform's override");
            let exact = rest.is_some() && key.name == system;
            if exact || (rest.is_none() && of == os) {
                here.push((exact, inner));
            }
        }
        here.sort_by_key(|(exact, _)| !exact);
        here.into_iter().map(|(_, table)| table).collect()
    }

    fn check_names(&mut self, names: &[String], file: &File) {
        let known: Vec<String> = match file.table.get("workload").map(|node| &node.value) {
            Some(Value::Array(nodes)) => nodes
                .iter()
                .filter_map(|node| match &node.value {
                    Value::Table(table) => match &table.get("name")?.value {
                        Value::Text(name) => Some(name.clone()),
                        _ => None,
                    },
                    _ => None,
                })
                .collect(),
            _ => return,
        };
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
            let place = self.sources.add("the command line", format!("memguard run {name}"), false);
            let help = match nearest(name, &known) {
                Some(nearest) => format!("did you mean `{nearest}`? The config has {}", known.join(", ")),
                None => format!("the config has {}; a command is given after `--`", known.join(", ")),
            };
            let span = "memguard run ".len()..place.span.end;
            self.wrong("unknown-workload", &place.part(span), format!("there is no workload `{name}`"), help);
        }
    }

    /// The name of a command that was given: the one that was given with it, or its program's.
    fn name_for(&mut self, typed: &Run) -> Option<String> {
        if let Some(name) = &typed.run.name {
            if let Some(fault) = name_fault(name) {
                let place = self.sources.add("the command line", format!("--name {name}"), false);
                self.bad_name(&place.part("--name ".len()..place.span.end), name, fault);
                return None;
            }
            return Some(name.clone());
        }
        let program = typed.line.first().map_or("", String::as_str);
        let stem = Path::new(program).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let safe: String = stem
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' })
            .take(64)
            .collect();
        let safe = safe.trim_matches('-').to_owned();
        Some(if name_fault(&safe).is_some() { "workload".to_owned() } else { safe })
    }
}
