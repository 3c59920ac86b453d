//! What results are compared with: the baseline that lies here, or as it was in another commit.

use std::path::{Path, PathBuf};

use super::file::File;
use super::keys;
use super::node::Table;
use super::read::Reader;
use super::ready::name_fault;
use super::sources::Place;
use crate::baseline::{Settings, Store, difference};
use crate::cli::JudgeFlags;
use crate::git::{self, Fault};
use crate::verdict::{Base, Edit, EditKind, Limits, baseline_edits, limit_edits};

const DEFAULT_BASELINE: &str = "memguard-baseline.toml";

impl Reader {
    pub(super) fn baseline(&mut self, file: Option<&File>, flags: &JudgeFlags) -> (Settings, Option<String>) {
        let mut settings = Settings { file: DEFAULT_BASELINE.into(), required: flags.require_baseline, other: None };
        let mut label = flags.label.clone();
        if let Some(file) = file {
            settings.file = tidy(&file.folder, DEFAULT_BASELINE);
            if let Some(node) = file.table.get("baseline")
                && let Some(table) = self.table(node, "[baseline], and its keys under it")
            {
                self.check_keys(table, keys::BASELINE, "[baseline]");
                if let Some(name) = table.get("file").and_then(|node| self.text(node, "a path in quotes")) {
                    settings.file = tidy(&file.folder, &name);
                }
                settings.required |= table.get("required").and_then(|node| self.bool(node)).unwrap_or(false);
                if let Some(node) = table.get("label")
                    && let Some(text) = self.text(node, "a label in quotes")
                {
                    if let Some(fault) = name_fault(&text) {
                        self.bad_name(&node.place, &text, fault);
                    }
                    label = label.or(Some(text));
                }
            }
        }
        if let Some(named) = &flags.baseline {
            settings.file.clone_from(named);
        }
        if let Some(text) = &flags.label
            && let Some(fault) = name_fault(text)
        {
            let place = self.sources.add("the command line", format!("--label {text}"), false);
            self.bad_name(&place.part("--label ".len()..place.span.end), text, fault);
        }
        (settings, label)
    }

    /// The commit whose baseline judges, where one is named, with what is different here from there. `settings` are given that
    /// baseline.
    pub(super) fn base(
        &mut self,
        flags: &JudgeFlags,
        file: Option<&File>,
        settings: &mut Settings,
        system: &str,
    ) -> Option<Base> {
        let (reference, place) = self.reference(flags, file)?;
        let found = self.read_base(&reference, flags, file, settings, system);
        found.map_err(|fault| self.wrong("bad-ref", &place, fault.what, fault.help)).ok()
    }

    fn reference(&mut self, flags: &JudgeFlags, file: Option<&File>) -> Option<(String, Place)> {
        if let Some(text) = &flags.baseline_ref {
            let place = self.sources.add("the command line", format!("--baseline-ref {text}"), false);
            return Some((text.clone(), place.part("--baseline-ref ".len()..place.span.end)));
        }
        let super::node::Value::Table(table) = &file?.table.get("baseline")?.value else { return None };
        let node = table.get("ref")?;
        Some((self.text(node, "a branch, a tag or a commit in quotes, such as \"origin/main\"")?, node.place.clone()))
    }

    fn read_base(
        &mut self,
        reference: &str,
        flags: &JudgeFlags,
        file: Option<&File>,
        settings: &mut Settings,
        system: &str,
    ) -> Result<Base, Fault> {
        let commit = git::merge_base(file.map_or(Path::new("."), |file| &file.folder), reference)?;
        let (mut edits, mut notes) = (Vec::new(), Vec::new());
        let mut stored_in = settings.file.clone();
        if let Some(file) = file {
            let path = PathBuf::from(&self.sources.of(&file.place).name);
            match commit.read(&path)? {
                None => notes.push(format!("there was no `{}` in it", path.display())),
                Some(text) => match Side::of(&path, &text, flags, system) {
                    None => notes.push(format!("its `{}` can't be read by this version", path.display())),
                    Some(then) => {
                        if let Some(now) =
                            self.mistakes.is_empty().then(|| Side::of_file(self, file, flags, system)).flatten()
                        {
                            edits.extend(now.edits_since(&then));
                        }
                        stored_in = then.settings.file;
                    }
                },
            }
        }
        let named = PathBuf::from(format!("{}:{}", commit.short(), stored_in.display()));
        let store = match commit.read(&stored_in)? {
            None => Store::absent(&named),
            Some(text) => Store::parse(&named, &text).map_err(|error| Fault {
                what: format!("{error:#}").lines().next().unwrap_or_default().to_owned(),
                help: "name a commit whose baseline can be read".to_owned(),
            })?,
        };
        match Store::read(&settings.file) {
            Ok(here) => edits.extend(baseline_edits(&difference(&store, &here))),
            Err(_) => notes.push(format!("the `{}` that lies here can't be read", settings.file.display())),
        }
        settings.other = Some(store);
        Ok(Base { reference: reference.to_owned(), commit: commit.short().to_owned(), edits, notes })
    }
}

/// What a config says of the judging, whatever the flags say.
struct Side {
    settings: Settings,
    limits: Vec<(String, Limits)>,
}

impl Side {
    /// None where the text is no config of today.
    fn of(path: &Path, text: &str, flags: &JudgeFlags, system: &str) -> Option<Self> {
        let mut reader = Reader::default();
        let file = reader.parse(path, text)?;
        Self::of_file(&mut reader, &file, flags, system)
    }

    fn of_file(reader: &mut Reader, file: &File, flags: &JudgeFlags, system: &str) -> Option<Self> {
        // A baseline's file that was named on the command line is that of both sides.
        let flags = JudgeFlags { baseline: flags.baseline.clone(), ..JudgeFlags::default() };
        let (settings, _) = reader.baseline(Some(file), &flags);
        let mut limits = Vec::new();
        for (node, table, name) in reader.workloads(file) {
            let plan = reader.one(&name, node, table, &Table::default(), file, system)?;
            limits.push((name, plan.limits));
        }
        reader.mistakes.is_empty().then_some(Self { settings, limits })
    }

    fn edits_since(&self, then: &Self) -> Vec<Edit> {
        let mut edits = limit_edits(&then.limits, &self.limits);
        let setting = |name: &str, old: String, new: String, loosens| Edit {
            kind: EditKind::Setting,
            workload: None,
            measure: Some(name.to_owned()),
            old: Some(old),
            new: Some(new),
            loosens,
            written: None,
        };
        let (old, new) = (&then.settings, &self.settings);
        if old.file != new.file {
            edits.push(setting("file", old.file.display().to_string(), new.file.display().to_string(), true));
        }
        if old.required != new.required {
            edits.push(setting("required", old.required.to_string(), new.required.to_string(), old.required));
        }
        edits
    }
}

/// A path in the config's folder, without a leading `./` that nobody wrote.
fn tidy(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) }
}
