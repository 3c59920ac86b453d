//! Rows that are nothing but numbers, read where they lie in the buffer: nearly all rows of nearly all files.
//!
//! Whatever is not of that kind is left to [`Table::take`], which knows all kinds and finds the faults. What both can read,
//! both read alike.
//!
//! [`Table::take`]: super::table::Table::take

use super::Sink;
use super::number::Decimal;
use crate::units::Bytes;

/// What rows look like once the first of a table has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain {
    pub(super) separator: u8,
    /// How many cells a row has, and which of them hold the time and the memory.
    pub(super) cells: usize,
    pub(super) time: usize,
    pub(super) memory: usize,
    /// A comma may be a decimal point.
    pub(super) comma: bool,
    /// What one of the time is, in nanoseconds.
    pub(super) nanos: i64,
    /// What one of the memory is; None where it must be whole bytes.
    pub(super) unit: Option<Bytes>,
}

impl Plain {
    /// Takes the row that a text begins with, and tells how long it was with its line end. None where it is not plain, not
    /// there whole, or has a fault: then nothing was taken.
    pub(super) fn take(&self, text: &[u8], sink: &mut Sink) -> Option<usize> {
        let (time, memory, length) = self.row(text)?;
        sink.push(time, memory).then_some(length)
    }

    fn row(&self, text: &[u8]) -> Option<(i64, Bytes, usize)> {
        // A comment, or a line of blanks.
        if text.first().is_none_or(|byte| *byte == b'#' || byte.is_ascii_whitespace()) {
            return None;
        }
        let (mut time, mut memory, mut at) = (None, None, 0);
        for cell in 0..self.cells {
            let is_value = cell == self.time || cell == self.memory;
            if is_value {
                let (number, length) = Decimal::leading(&text[at..], self.comma)?;
                at += length;
                if cell == self.time {
                    time = Some(number);
                }
                if cell == self.memory {
                    memory = Some(number);
                }
            } else {
                let ends = |byte: &u8| *byte == self.separator || matches!(byte, b'\n' | b'"');
                at += text[at..].iter().position(ends)?;
            }
            let is_last = cell + 1 == self.cells;
            match text.get(at)? {
                byte if *byte == self.separator && !is_last => {}
                b'\n' if is_last => {}
                b'\r' if is_last && text.get(at + 1) == Some(&b'\n') => at += 1,
                _ => return None,
            }
            at += 1;
        }
        let memory = memory?;
        let memory = match self.unit {
            Some(unit) => memory.times(unit.0),
            None if memory.has_fraction() => None,
            None => memory.times(1),
        };
        Some((time?.scaled(self.nanos)?, Bytes(memory?), at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Plain =
        Plain { separator: b',', cells: 3, time: 2, memory: 0, comma: false, nanos: 1_000, unit: Some(Bytes(1024)) };

    #[test]
    fn a_row_of_numbers_is_read_with_its_end() {
        for text in ["1.5,a note,20\nnext row", "1.5,,20.000\r\nnext row", "001.50,#,20\nnext row"] {
            let length = text.find("next").unwrap();
            assert_eq!(PLAIN.row(text.as_bytes()), Some((20_000, Bytes(1536), length)), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_such_row_or_not_there_whole_is_left_to_others() {
        for text in [
            "",
            "\n",
            " 1,a,2\n",
            "#1,a,2\n",
            "-1,a,2\n",
            "1 MiB,a,2\n",
            "1,\"a\",2\n",
            "1,2\n",
            "1,a,2,\n",
            "1,a,\n",
            "1,a,2",
            "1,a,2\r",
            "1,a,2\r\r\n",
            "1,a,2 \n",
            "1,a,2e3\n",
            "1,a\n,2\n",
            "1,a,1234567890123456789\n",
            "1,a,0.1234567890\n",
        ] {
            let text = format!("{text}{}", if text.ends_with('\n') { "next row" } else { "" });
            assert_eq!(PLAIN.row(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(Plain { unit: None, ..PLAIN }.row(b"1.5,a,2\nnext row"), None, "it names no unit");
    }
}
