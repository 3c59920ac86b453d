use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::file::{Head, RawFile};
use super::{Entry, Found, Key, SCHEMA, text};

const HELP: &str = "help: restore it from version control, or delete it and run `memguard baseline accept`";

/// A baseline file as it was read. One that is not there is a state, not an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Store {
    file: PathBuf,
    content: Content,
}

#[derive(Debug, Clone, PartialEq)]
enum Content {
    /// There is no file.
    NoFile,
    /// A file of today's schema.
    Entries(BTreeMap<Key, Entry>),
    /// A file of another schema: it is neither compared with nor changed.
    OtherSchema(u32),
}

impl Store {
    /// A store in which nothing is found, for what is compared with no baseline.
    #[must_use]
    pub fn none() -> Self {
        Self { file: PathBuf::new(), content: Content::NoFile }
    }

    /// A store whose file is not there.
    #[must_use]
    pub fn absent(file: &Path) -> Self {
        Self { file: file.to_owned(), content: Content::NoFile }
    }

    /// Reads the file. A missing one gives a store in which nothing is found.
    ///
    /// # Errors
    /// When the file can't be read, is not TOML, or is no baseline; the message names the file and the line.
    pub fn read(file: &Path) -> Result<Self> {
        match fs::read_to_string(file) {
            Ok(text) => Self::parse(file, &text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::absent(file)),
            Err(error) => Err(error).with_context(|| format!("cannot read the baseline `{}`", file.display())),
        }
    }

    /// Reads a text that stood in `file`, which is named in messages alone.
    ///
    /// # Errors
    /// When the text is not TOML or is no baseline; the message names the file and the line.
    pub fn parse(file: &Path, text: &str) -> Result<Self> {
        let named = file.display();
        let broken = |error: toml::de::Error| anyhow!("the baseline `{named}` can't be read: {error}{HELP}");
        let head: Head = toml::from_str(text).map_err(broken)?;
        if head.schema != SCHEMA {
            return Ok(Self { file: file.to_owned(), content: Content::OtherSchema(head.schema) });
        }
        let raw: RawFile = toml::from_str(text).map_err(broken)?;
        let mut entries = BTreeMap::new();
        for spanned in raw.entry {
            let line = text[..spanned.span().start].matches('\n').count() + 1;
            let entry = Entry::from(spanned.into_inner());
            let key = entry.key.clone();
            if entries.insert(key.clone(), entry).is_some() {
                bail!(
                    "the baseline `{named}` has a second entry for {}, at line {line}\nhelp: keep one of them",
                    described(&key)
                );
            }
        }
        Ok(Self { file: file.to_owned(), content: Content::Entries(entries) })
    }

    /// The file that was read.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Every entry, by key.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        let entries = match &self.content {
            Content::Entries(entries) => Some(entries),
            Content::NoFile | Content::OtherSchema(_) => None,
        };
        entries.into_iter().flat_map(BTreeMap::values)
    }

    /// What there is to compare results of this key with, or what there is instead.
    #[must_use]
    pub fn find(&self, key: &Key) -> Found {
        let file = self.file.display();
        let entries = match &self.content {
            Content::NoFile => return Found::Missing { why: format!("there is no baseline file `{file}` yet") },
            Content::OtherSchema(schema) => {
                let why = format!("`{file}` has schema {schema}, and this version of memguard reads schema {SCHEMA}");
                return Found::NotComparable { why };
            }
            Content::Entries(entries) => entries,
        };
        if let Some(entry) = entries.get(key) {
            return Found::Entry(Box::new(entry.clone()));
        }
        let others: Vec<&Key> = entries.keys().filter(|other| other.workload == key.workload).collect();
        let mut on_this_platform = others.iter().filter(|other| other.platform == key.platform).peekable();
        if on_this_platform.peek().is_some() {
            let metrics: Vec<&str> = on_this_platform.map(|other| other.metric.name()).collect();
            let why = format!(
                "`{file}` has `{}` in {}, and these runs were measured in {}",
                key.workload,
                metrics.join(" and "),
                key.metric
            );
            return Found::NotComparable { why };
        }
        if others.is_empty() {
            return Found::Missing { why: format!("`{file}` has no entry for `{}`", key.workload) };
        }
        let platforms: Vec<String> =
            others.iter().map(|other| format!("{} ({})", other.platform, other.metric)).collect();
        let why = format!(
            "`{file}` has `{}` on {}, and these runs were made on {} ({})",
            key.workload,
            platforms.join(", "),
            key.platform,
            key.metric
        );
        Found::NotComparable { why }
    }

    /// Puts an entry in, in the place of the one with the same key.
    ///
    /// # Errors
    /// When the file is of another schema: a newer version's file is not overwritten with less than it knew.
    pub fn merge(&mut self, entry: Entry) -> Result<()> {
        match &mut self.content {
            Content::NoFile => self.content = Content::Entries(BTreeMap::from([(entry.key.clone(), entry)])),
            Content::Entries(entries) => {
                entries.insert(entry.key.clone(), entry);
            }
            Content::OtherSchema(schema) => bail!(
                "the baseline `{}` has schema {schema}, and this version of memguard writes schema {SCHEMA}\n\
                 help: use the version that wrote it, or delete the file to begin anew",
                self.file.display()
            ),
        }
        Ok(())
    }

    /// The file's text: the same bytes for the same entries, whatever the order in which they came.
    ///
    /// # Errors
    /// When the file is of another schema, which this version does not know how to write.
    pub fn to_text(&self) -> Result<String> {
        match &self.content {
            Content::NoFile => Ok(text::render(&BTreeMap::new())),
            Content::Entries(entries) => Ok(text::render(entries)),
            Content::OtherSchema(schema) => {
                bail!("the baseline `{}` has schema {schema}, which this version does not write", self.file.display())
            }
        }
    }

    /// Writes the file whole or not at all: a temporary file beside it takes its place.
    ///
    /// # Errors
    /// When the folder or the file can't be written, or the file is of another schema.
    pub fn write(&self) -> Result<()> {
        let text = self.to_text()?;
        replace(&self.file, &text).with_context(|| format!("cannot write the baseline `{}`", self.file.display()))
    }
}

/// A key for people: `ingest` on linux-x86_64 in footprint.
fn described(key: &Key) -> String {
    format!("`{}` on {} in {}", key.workload, key.platform, key.metric)
}

fn replace(file: &Path, text: &str) -> Result<()> {
    // A link keeps pointing where it did: what it names is replaced.
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = target.file_name().context("the path names no file")?.to_string_lossy().into_owned();
    let temporary = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_new(&temporary, text)
        .and_then(|()| match fs::metadata(&target) {
            Ok(old) => fs::set_permissions(&temporary, old.permissions()),
            Err(_) => Ok(()), // there was none: the system's default stands
        })
        .and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        let _ = fs::remove_file(&temporary); // the error that matters is the one above
    }
    Ok(written?)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut out = fs::File::create(path)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()
}
