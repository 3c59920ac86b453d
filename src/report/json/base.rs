//! The commit whose baseline judged, and what is different from there: written and read by the same words.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::words::path;
use crate::verdict::{Base, ConfigLine, Edit, EditKind};

#[derive(Serialize, Deserialize)]
pub(super) struct BaseFile {
    #[serde(rename = "ref")]
    reference: String,
    commit: String,
    edits: Vec<EditFile>,
    notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct EditFile {
    #[serde(with = "Kind")]
    kind: EditKind,
    workload: Option<String>,
    measure: Option<String>,
    old: Option<String>,
    new: Option<String>,
    loosens: bool,
    config: Option<LineFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "EditKind", rename_all = "kebab-case")]
enum Kind {
    Workload,
    Budget,
    Tolerance,
    Level,
    Baseline,
    Setting,
}

#[derive(Serialize, Deserialize)]
struct LineFile {
    #[serde(deserialize_with = "path")]
    file: PathBuf,
    line: usize,
}

impl From<&Base> for BaseFile {
    fn from(base: &Base) -> Self {
        let edit = |edit: &Edit| {
            let Edit { kind, workload, measure, old, new, loosens, written } = edit.clone();
            let config = written.map(|ConfigLine { file, line }| LineFile { file, line });
            EditFile { kind, workload, measure, old, new, loosens, config }
        };
        let Base { reference, commit, edits, notes } = base;
        let edits = edits.iter().map(edit).collect();
        Self { reference: reference.clone(), commit: commit.clone(), edits, notes: notes.clone() }
    }
}

impl From<BaseFile> for Base {
    fn from(file: BaseFile) -> Self {
        let edit = |edit: EditFile| {
            let EditFile { kind, workload, measure, old, new, loosens, config } = edit;
            let written = config.map(|LineFile { file, line }| ConfigLine { file, line });
            Edit { kind, workload, measure, old, new, loosens, written }
        };
        let BaseFile { reference, commit, edits, notes } = file;
        Self { reference, commit, edits: edits.into_iter().map(edit).collect(), notes }
    }
}
