//! From the chunks in which a stream arrives to its lines.

use std::time::Duration;

use anyhow::Result;

use super::text::LONGEST;

/// Splits one stream into lines, holding no more than the first 8 KiB of a line however long it is.
///
/// A line ends with `\n`, `\r\n`, or a `\r` alone (a progress bar: each state of it is a line). It is stamped with
/// the arrival of its first byte.
#[derive(Default)]
pub(super) struct LineSplitter {
    began: Duration,
    kept: Vec<u8>,
    length: u64,
    ended_by_cr: bool,
}

/// The beginning of a line, and how many bytes of it were left out.
pub(super) struct RawLine<'a> {
    pub(super) at: Duration,
    pub(super) bytes: &'a [u8],
    pub(super) cut: u64,
}

impl LineSplitter {
    /// Takes what arrived at `at`, and hands on every line that it ends.
    pub(super) fn push(
        &mut self,
        at: Duration,
        mut chunk: &[u8],
        mut each: impl FnMut(RawLine<'_>) -> Result<()>,
    ) -> Result<()> {
        while let Some(end) = memchr::memchr2(b'\n', b'\r', chunk) {
            let (text, by_cr) = (&chunk[..end], chunk[end] == b'\r');
            chunk = &chunk[end + 1..];
            if self.length == 0 && text.is_empty() && (by_cr || self.ended_by_cr) {
                // What is left of a `\r\n`, or a `\r` before the text that it returns to.
                self.ended_by_cr &= by_cr;
                continue;
            }
            self.ended_by_cr = by_cr;
            if self.length == 0 && text.len() <= LONGEST {
                each(RawLine { at, bytes: text, cut: 0 })?;
            } else {
                self.keep(at, text);
                self.end(&mut each)?;
            }
        }
        if !chunk.is_empty() {
            self.keep(at, chunk);
            self.ended_by_cr = false;
        }
        Ok(())
    }

    /// Takes what arrived at `at` as [`Self::push`] does, where the lines are of no interest: tells the time of the first line
    /// that it ends, and how many they are.
    pub(super) fn count(&mut self, at: Duration, chunk: &[u8]) -> Option<(Duration, u64)> {
        if self.ended_by_cr || memchr::memchr(b'\r', chunk).is_some() {
            let mut found: Option<(Duration, u64)> = None;
            // Nothing in there fails.
            let _ = self.push(at, chunk, |line| {
                found.get_or_insert((line.at, 0)).1 += 1;
                Ok(())
            });
            return found;
        }
        let Some(last) = memchr::memrchr(b'\n', chunk) else {
            self.keep(at, chunk);
            return None;
        };
        let from = if self.length > 0 { self.began } else { at };
        self.kept.clear();
        self.length = 0;
        self.keep(at, &chunk[last + 1..]);
        Some((from, memchr::memchr_iter(b'\n', chunk).count() as u64))
    }

    /// Hands on the last line where the stream ended without ending it.
    pub(super) fn finish(&mut self, mut each: impl FnMut(RawLine<'_>) -> Result<()>) -> Result<()> {
        if self.length > 0 { self.end(&mut each) } else { Ok(()) }
    }

    fn keep(&mut self, at: Duration, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        if self.length == 0 {
            self.began = at;
        }
        let room = LONGEST.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&text[..text.len().min(room)]);
        self.length += text.len() as u64;
    }

    fn end(&mut self, each: &mut impl FnMut(RawLine<'_>) -> Result<()>) -> Result<()> {
        let cut = self.length - self.kept.len() as u64;
        let result = each(RawLine { at: self.began, bytes: &self.kept, cut });
        self.kept.clear();
        self.length = 0;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines of chunks that arrive a second apart, each with the second of its stamp and the bytes cut off.
    fn lines(chunks: &[&[u8]]) -> Vec<(u64, Vec<u8>, u64)> {
        let mut splitter = LineSplitter::default();
        let mut found = Vec::new();
        let mut each = |line: RawLine<'_>| {
            found.push((line.at.as_secs(), line.bytes.to_vec(), line.cut));
            Ok(())
        };
        for (second, chunk) in chunks.iter().enumerate() {
            splitter.push(Duration::from_secs(second as u64), chunk, &mut each).unwrap();
        }
        splitter.finish(&mut each).unwrap();
        found
    }

    fn texts(chunks: &[&[u8]]) -> Vec<String> {
        lines(chunks).into_iter().map(|(_, text, _)| String::from_utf8(text).unwrap()).collect()
    }

    #[test]
    fn lines_end_in_each_of_the_three_ways() {
        assert_eq!(texts(&[b"unix\nwindows\r\nlast"]), ["unix", "windows", "last"]);
        assert_eq!(texts(&[b"windows\r", b"\nnext\n"]), ["windows", "next"]);
        assert_eq!(texts(&[b"10%\r20%\r30%\ndone\n"]), ["10%", "20%", "30%", "done"]);
        assert_eq!(texts(&[b"\r10%", b"\r20%", b"\r\n"]), ["10%", "20%"]);
        assert_eq!(texts(&[b"twice\r\r\nnext\n"]), ["twice", "next"]);
        assert_eq!(texts(&[b"a\n\n\r\nb\r\n\r\n"]), ["a", "", "", "b", ""]);
        assert!(texts(&[b"", b"\r"]).is_empty());
    }

    #[test]
    fn a_line_is_stamped_with_the_arrival_of_its_first_byte() {
        let found: Vec<u64> = lines(&[b"a\nb", b"b", b"b\nc\n", b"d"]).into_iter().map(|(second, ..)| second).collect();
        assert_eq!(found, [0, 0, 2, 3]);
    }

    #[test]
    fn of_a_line_without_an_end_only_the_beginning_is_held() {
        let chunk = vec![b'x'; 100_000];
        let mut splitter = LineSplitter::default();
        for _ in 0..1000 {
            splitter.push(Duration::ZERO, &chunk, |_| panic!("no line ends here")).unwrap();
        }
        assert!(splitter.kept.capacity() <= 2 * LONGEST);
        let mut cut = 0;
        let mut each = |line: RawLine<'_>| {
            cut = line.cut;
            Ok(())
        };
        splitter.finish(&mut each).unwrap();
        assert_eq!(cut, 100_000_000 - LONGEST as u64);
    }

    #[test]
    fn a_line_as_long_as_may_be_is_not_cut() {
        let whole = vec![b'x'; LONGEST];
        assert_eq!(lines(&[&whole, b"\n"]), [(0, whole.clone(), 0)]);
        assert_eq!(lines(&[&whole, b"y\n"]), [(0, whole, 1)]);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_bytes_were_chunked(
            bytes in "[ab\n\r]{0,60}", cuts in proptest::collection::vec(0usize..60, 0..6)
        ) {
            let bytes = bytes.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            cuts.push(bytes.len());
            let mut from = 0;
            let chunks: Vec<&[u8]> = cuts.iter().map(|cut| &bytes[std::mem::replace(&mut from, *cut)..*cut]).collect();
            prop_assert_eq!(texts(&chunks), texts(&[bytes]));
        }

        #[test]
        fn lines_are_counted_as_they_are_found(chunks in proptest::collection::vec("[ab\n\r]{0,12}|[ab\n]{0,12}", 0..9)) {
            let (mut found, mut counted) = (LineSplitter::default(), LineSplitter::default());
            for (second, chunk) in chunks.iter().enumerate() {
                let (at, chunk) = (Duration::from_secs(second as u64), chunk.as_bytes());
                let mut lines: Vec<Duration> = Vec::new();
                found.push(at, chunk, |line| { lines.push(line.at); Ok(()) }).unwrap();
                let first = lines.first().map(|first| (*first, lines.len() as u64));
                prop_assert_eq!(counted.count(at, chunk), first);
                prop_assert_eq!((&counted.kept, counted.length), (&found.kept, found.length));
            }
        }
    }
}
