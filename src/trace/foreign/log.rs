//! A log that was written beside a recording.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::lines::Lines;
use crate::trace::files;
use crate::trace::model::{LeftOut, LogLine, LogRow, Stream};
use crate::trace::text::{LONGEST, harmless};

/// The most that is held of a log, in bytes: half of it its beginning and half its end.
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

/// Reads a log whose lines `stamp` knows the time of. Returns its beginning and its end where it is too large to be held,
/// and what was wrong and could be read past.
///
/// # Errors
/// When it can't be read, or no line has a time within the recording.
pub fn read_log(path: &Path, name: &str, mut stamp: impl FnMut(&str) -> Stamp) -> Result<(Vec<LogRow>, Vec<String>)> {
    let shown = path.display();
    if path.is_dir() {
        bail!("`{shown}` is a folder, and a log file is wanted");
    }
    let mut lines = Lines::new(files::open(path)?);
    let stream = Stream::File(name.into());
    let (mut held, mut last) = (Held::default(), Stamp::Unsaid);
    let (mut all, mut outside, mut unsaid) = (0u64, 0u64, 0u64);
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
            Stamp::At(at) => held.push(LogLine { at, stream: stream.clone(), text: text.to_owned() }),
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
    if held.beginning.is_empty() && outside > 0 {
        bail!(
            "all {outside} lines of the log `{shown}` lie outside of the recording\nhelp: is its time zone right? Add one, \
             such as --log '{{ path = \"{shown}\", time = \"%Y-%m-%d %H:%M:%S\", zone = \"UTC\" }}'"
        );
    }
    let mut warnings = Vec::new();
    if outside > 0 {
        warnings.push(format!("{outside} lines of `{shown}` lie outside of the recording and are left out"));
    }
    if let Some(LeftOut { lines, .. }) = held.left_out {
        warnings.push(format!(
            "{lines} lines of `{shown}` are left out between its beginning and its end: it is too large to be held"
        ));
    }
    Ok((held.rows(), warnings))
}

/// The beginning and the end of a log.
#[derive(Default)]
struct Held {
    beginning: Vec<LogRow>,
    end: VecDeque<LogLine>,
    sizes: (usize, usize),
    left_out: Option<LeftOut>,
}

impl Held {
    fn push(&mut self, line: LogLine) {
        let size = |line: &LogLine| line.text.len() + size_of::<LogRow>();
        if self.end.is_empty() && self.sizes.0 < MOST / 2 {
            self.sizes.0 += size(&line);
            self.beginning.push(LogRow::Line(line));
            return;
        }
        self.sizes.1 += size(&line);
        self.end.push_back(line);
        while self.sizes.1 > MOST / 2
            && let Some(oldest) = self.end.pop_front()
        {
            self.sizes.1 -= size(&oldest);
            let first = LeftOut { from: oldest.at, until: oldest.at, lines: 0 };
            self.left_out.get_or_insert(first).lines += 1;
        }
    }

    fn rows(mut self) -> Vec<LogRow> {
        if let (Some(gap), Some(next)) = (self.left_out, self.end.front()) {
            self.beginning.push(LogRow::LeftOut(LeftOut { until: next.at.max(gap.from), ..gap }));
        }
        self.beginning.extend(self.end.into_iter().map(LogRow::Line));
        self.beginning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_too_large_to_be_held_keeps_its_beginning_and_its_end() {
        let mut held = Held::default();
        for millis in 0..1000 {
            let at = Duration::from_millis(millis);
            held.push(LogLine { at, stream: Stream::Stdout, text: "x".repeat(65_536) });
        }
        let rows = held.rows();
        let gaps: Vec<(usize, LeftOut)> = rows
            .iter()
            .enumerate()
            .filter_map(|(index, row)| match row {
                LogRow::LeftOut(gap) => Some((index, *gap)),
                LogRow::Line(_) => None,
            })
            .collect();
        let [(index, gap)] = gaps[..] else { panic!("{gaps:?}") };
        assert!(index > 250 && rows.len() - index > 250, "{index} of {}", rows.len());
        assert_eq!(rows.len() as u64 - 1 + gap.lines, 1000);
        assert_eq!((gap.from, gap.until), (Duration::from_millis(index as u64), rows[index + 1].at()));
    }
}
