//! The comment on a pull request: one for each key, found by a hidden mark in its first line, and written over.

use super::api::{Api, ApiError, Comment, CreateError};

/// GitHub takes 65,536 characters. These are bytes, of which there are never fewer.
const MOST: usize = 65_500;
/// The longest key.
const KEY: usize = 120;
/// The longest heading.
const HEADING: usize = 1_000;

/// When there is something to comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Never.
    Never,
    /// Where something failed. A comment that is there already is always kept up to date.
    OnFailure,
    /// Where something failed, warned, has no baseline yet, or moved, or where the change loosens what judges it.
    OnChange,
    /// After every run.
    Always,
}

/// Whether the build fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does not.
    Green,
    /// It does.
    Red,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Red => "red",
        }
    }
}

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The report: a heading, then the rest.
    pub markdown: String,
    /// How it ended.
    pub standing: Standing,
    /// Whether there is more to say than that all is as it was.
    pub is_news: bool,
}

/// Who says it: hidden in the comment, and read again by the next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Tells this comment apart from those of other jobs.
    pub key: String,
    /// The workflow run. Later ones have higher numbers.
    pub run: u64,
    /// The page of the run.
    pub page: Option<String>,
    /// The pull request's last commit, as hexadecimal digits.
    pub commit: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// There was none; it is at this address.
    Created(String),
    /// There was one, at this address.
    Updated(String),
    /// There was none, and nothing to say.
    Unasked,
    /// A later run has said its word.
    Outrun,
}

/// Writes the message on a pull request: over the oldest comment of its own, or as a new one where `mode` wants it.
///
/// Two legs that look at the same time find nothing and write both. So each looks again: whose comment is not the oldest puts
/// its text there and takes its own back.
pub(crate) fn put(api: &Api<'_>, pull: u64, mode: Mode, message: &Message, origin: &Origin) -> Result<Put, ApiError> {
    let login = api.login()?;
    let own = |login: &str, comment: &Comment| {
        let is_mine = comment.author().is_some_and(|author| author.eq_ignore_ascii_case(login));
        is_mine && comment.body.as_deref().and_then(Mark::read).is_some_and(|mark| mark.key == encode(&origin.key))
    };
    let mut tried = 0;
    loop {
        tried += 1;
        if let Some(found) = api.find(pull, |comment| own(&login, comment))? {
            return over(api, &found, message, origin);
        }
        if !wanted(mode, message) {
            return Ok(Put::Unasked);
        }
        match api.create(pull, &compose(message, origin, None)) {
            Ok(created) => {
                // The API knows whose it is, of an app's token too, which `login` can't ask for.
                let author = created.author().unwrap_or(&login).to_owned();
                let oldest = api.find(pull, |comment| own(&author, comment))?;
                let Some(oldest) = oldest.filter(|oldest| oldest.id != created.id) else {
                    return Ok(Put::Created(created.html_url));
                };
                let put = over(api, &oldest, message, origin)?;
                api.delete(created.id)?;
                return Ok(put);
            }
            // It may be there all the same: looked for again, it is never written twice.
            Err(CreateError::Unclear(why, wait)) => api.pause(tried, wait).ok_or(ApiError::Busy(why))?,
            Err(CreateError::Final(error)) => return Err(error),
        }
    }
}

fn over(api: &Api<'_>, found: &Comment, message: &Message, origin: &Origin) -> Result<Put, ApiError> {
    let before = found.body.as_deref().and_then(Mark::read);
    if before.as_ref().is_some_and(|before| before.run > origin.run) {
        return Ok(Put::Outrun);
    }
    api.update(found.id, &compose(message, origin, before.as_ref())).map(|comment| Put::Updated(comment.html_url))
}

/// Whether a comment is written where there is none.
fn wanted(mode: Mode, message: &Message) -> bool {
    match mode {
        Mode::Never => false,
        Mode::OnFailure => message.standing == Standing::Red,
        Mode::OnChange => message.is_news || message.standing == Standing::Red,
        Mode::Always => true,
    }
}

/// The whole text of a comment.
fn compose(message: &Message, origin: &Origin, before: Option<&Mark<'_>>) -> String {
    let commit: String = origin.commit.chars().filter(char::is_ascii_hexdigit).take(40).collect();
    let short = |commit: &str| commit.chars().take(7).collect::<String>();
    let word = message.standing.word();
    let mut head =
        format!("<!-- memguard comment {} {word} run {} commit {commit} -->\n", encode(&origin.key), origin.run);
    let (heading, rest) = message.markdown.split_once('\n').unwrap_or((&message.markdown, ""));
    head += &heading[..heading.floor_char_boundary(HEADING)];
    head.push('\n');
    if let Some(before) = before.filter(|before| before.standing != word) {
        head += &format!("\nIt was {} at `{}`, and is {word} now.\n", before.standing, short(before.commit));
    }
    let page = origin.page.as_ref().map_or_else(String::new, |page| format!(", [run {}]({page})", origin.run));
    let foot = format!("\nMeasured at `{}`{page}.\n", short(&commit));
    let room = MOST.saturating_sub(head.len() + foot.len());
    head + &cut(rest, room) + &foot
}

/// Text that is too long, up to its last line that has room. The report leaves out by weight; this is for what is not one.
fn cut(text: &str, most: usize) -> String {
    const MORE: &str = "\nThere is more, and no room for it: the artifacts have all of it.\n";
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most.saturating_sub(MORE.len() + 5));
    let kept = &text[..text[..end].rfind('\n').unwrap_or(0)];
    let is_open = kept.lines().filter(|line| line.starts_with("```")).count() % 2 == 1;
    format!("{kept}{}{MORE}", if is_open { "\n```\n" } else { "\n" })
}

/// The hidden first line, as it was written.
struct Mark<'a> {
    key: &'a str,
    standing: &'a str,
    run: u64,
    commit: &'a str,
}

impl<'a> Mark<'a> {
    fn read(body: &'a str) -> Option<Self> {
        let line = body.lines().next()?.strip_prefix("<!-- memguard comment ")?.strip_suffix(" -->")?;
        let words: Vec<&str> = line.split(' ').collect();
        let [key, standing @ ("green" | "red"), "run", run, "commit", commit] = words[..] else { return None };
        let commit = if commit.chars().all(|c| c.is_ascii_hexdigit()) { commit } else { return None };
        Some(Self { key, standing, run: run.parse().ok()?, commit })
    }
}

/// A key as one word that can't end the mark.
fn encode(key: &str) -> String {
    let mut out = String::new();
    for byte in key.bytes().take(KEY) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' => out.push(char::from(byte)),
            b'-' if !out.ends_with('-') => out.push('-'),
            _ => out += &format!("%{byte:02x}"),
        }
    }
    out
}

#[cfg(test)]
mod tests;
