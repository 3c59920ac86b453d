//! A log that was written beside a recording.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::lines::Lines;
use crate::trace::files;
use crate::trace::model::{LogLine, Stream};
use crate::trace::text::{LONGEST, harmless};

/// The most text that is held of a log.
const MOST: usize = 32 << 20;

/// When a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// This long after the recording's beginning.
    At(Duration),
    /// Before it or after it.
    Outside,
    /// It does not say: then it belongs to the line before it, as in a stack trace.
    Unsaid,
}

/// Reads a log whose lines `stamp` knows the time of. Returns the lines, and what was wrong and could be read past.
///
/// # Errors
/// When it can't be read, or no line has a time within the recording.
pub fn read_log(path: &Path, name: &str, mut stamp: impl FnMut(&str) -> Stamp) -> Result<(Vec<LogLine>, Vec<String>)> {
    let shown = path.display();
    if path.is_dir() {
        bail!("`{shown}` is a folder, and a log file is wanted");
    }
    let mut lines = Lines::new(files::open(path)?);
    let stream = Stream::File(name.into());
    let (mut found, mut last, mut held) = (Vec::new(), Stamp::Unsaid, 0);
    let (mut all, mut outside, mut unsaid, mut left_out) = (0u64, 0u64, 0u64, 0u64);
    let mut scratch = String::new();
    while let Some(line) = lines.next_line().with_context(|| format!("could not read `{shown}`"))? {
        all += 1;
        let kept = &line.text[..line.text.len().min(LONGEST)];
        let text = harmless(kept, (line.text.len() - kept.len()) as u64, &mut scratch);
        match stamp(text) {
            Stamp::Unsaid => unsaid += 1,
            said => last = said,
        }
        match last {
            Stamp::At(_) if held >= MOST => left_out += 1,
            Stamp::At(at) => {
                held += text.len() + size_of::<LogLine>();
                found.push(LogLine { at, stream: stream.clone(), text: text.to_owned() });
            }
            Stamp::Outside => outside += 1,
            Stamp::Unsaid => {}
        }
    }
    if all > 0 && unsaid == all {
        bail!(
            "no line of the log `{shown}` begins with a time that is known\nhelp: say how they tell it, such as --log '{{ path \
             = \"{shown}\", time = \"%H:%M:%S\" }}'"
        );
    }
    if found.is_empty() && outside > 0 {
        bail!(
            "all {outside} lines of the log `{shown}` lie outside of the recording\nhelp: is its time zone right? Add one, \
             such as --log '{{ path = \"{shown}\", time = \"%Y-%m-%d %H:%M:%S\", zone = \"UTC\" }}'"
        );
    }
    let mut warnings = Vec::new();
    if outside > 0 {
        warnings.push(format!("{outside} lines of `{shown}` lie outside of the recording and are left out"));
    }
    if left_out > 0 {
        warnings.push(format!("the last {left_out} lines of `{shown}` are left out: it is too large to be held"));
    }
    Ok((found, warnings))
}
