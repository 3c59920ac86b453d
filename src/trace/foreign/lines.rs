//! The lines of any file, one at a time, in bounded memory: a pipe or a file without line ends included.

use std::io::{self, Read};

/// What is read at once.
const CHUNK: usize = 256 << 10;
/// The most bytes of a line that are kept. No row of numbers is longer.
const LONGEST: usize = 64 << 10;

/// Splits what a reader brings into lines, holding no more than a chunk and a line of it.
pub(super) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// What of the buffer is not handed out yet.
    begin: usize,
    end: usize,
    number: u64,
    at_end: bool,
}

/// One line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// 1 for the first.
    pub(super) number: u64,
    pub(super) text: &'a [u8],
    pub(super) whole: Whole,
}

/// Whether all of a line is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    Yes,
    /// The file ends within it.
    Unended,
    /// It is longer than a row can be: `text` is its beginning.
    TooLong,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, buffer: vec![0; CHUNK + LONGEST], begin: 0, end: 0, number: 0, at_end: false }
    }

    /// The next line; None at the end of the file.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = self.begin;
        loop {
            if let Some(length) = memchr::memchr(b'\n', &self.buffer[searched..self.end]) {
                let (from, to) = (self.begin, searched + length);
                self.begin = to + 1;
                return Ok(Some(self.line(from, to, Whole::Yes)));
            }
            searched = self.end;
            if self.at_end {
                let (from, to) = (self.begin, self.end);
                self.begin = self.end;
                return Ok((from < to).then(|| self.line(from, to, Whole::Unended)));
            }
            if self.end - self.begin >= LONGEST {
                return self.pass_over().map(Some);
            }
            if self.buffer.len() - self.end < CHUNK / 2 {
                self.buffer.copy_within(self.begin..self.end, 0);
                (searched, self.end, self.begin) = (searched - self.begin, self.end - self.begin, 0);
            }
            self.fill()?;
        }
    }

    /// Shows what is read already and not handed out yet to `take`, again and again, as long as it says how long the line was
    /// that it took from its beginning.
    pub(super) fn pass(&mut self, mut take: impl FnMut(&[u8]) -> Option<usize>) {
        while let Some(length) = take(&self.buffer[self.begin..self.end]) {
            self.begin += length;
            self.number += 1;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let read = loop {
            match self.from.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.at_end = read == 0;
        self.end += read;
        Ok(())
    }

    /// Keeps the beginning of a line and reads over the rest of it, however long.
    fn pass_over(&mut self) -> io::Result<Line<'_>> {
        self.buffer.copy_within(self.begin..self.begin + LONGEST, 0);
        loop {
            (self.begin, self.end) = (LONGEST, LONGEST);
            self.fill()?;
            if let Some(length) = memchr::memchr(b'\n', &self.buffer[self.begin..self.end]) {
                self.begin += length + 1;
                break;
            }
            if self.at_end {
                self.begin = self.end;
                break;
            }
        }
        Ok(self.line(0, LONGEST, Whole::TooLong))
    }

    fn line(&mut self, from: usize, to: usize, whole: Whole) -> Line<'_> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        self.number += 1;
        let mut text = &self.buffer[from..to];
        if self.number == 1 {
            text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        }
        Line { number: self.number, text: text.strip_suffix(b"\r").unwrap_or(text), whole }
    }
}

/// Hands out what it holds in pieces of at most so many bytes.
#[cfg(test)]
pub(super) struct Pieces<'a>(pub(super) &'a [u8], pub(super) usize);

#[cfg(test)]
impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.1.min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &[u8], piece: usize) -> Vec<(u64, Vec<u8>, Whole)> {
        let mut lines = Lines::new(Pieces(text, piece));
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            all.push((line.number, line.text.to_vec(), line.whole));
        }
        all
    }

    #[test]
    fn lines_come_without_their_ends_and_the_mark_before_the_first() {
        let text = b"\xef\xbb\xbfa\r\n\nb\nc";
        let yes = |number, text: &[u8]| (number, text.to_vec(), Whole::Yes);
        assert_eq!(lines(text, 3), [yes(1, b"a"), yes(2, b""), yes(3, b"b"), (4, b"c".to_vec(), Whole::Unended)]);
        assert!(lines(b"", 1).is_empty());
    }

    #[test]
    fn a_line_without_end_is_passed_over_and_the_next_is_read() {
        let mut text = vec![b'x'; 3 << 20];
        text.extend_from_slice(b"\nnext\n");
        let all = lines(&text, 100_000);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].1.len(), all[0].2), (LONGEST, Whole::TooLong));
        assert_eq!(all[1], (2, b"next".to_vec(), Whole::Yes));
        assert_eq!(lines(&text[..3 << 20], 1 << 20).len(), 1);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_the_pieces_they_came_in(text in "[ab\n]{0,300}", piece in 1usize..50) {
            let all: Vec<Vec<u8>> = lines(text.as_bytes(), piece).into_iter().map(|(_, text, _)| text).collect();
            let wanted: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
            prop_assert_eq!(all, wanted);
        }
    }
}
