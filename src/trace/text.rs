//! What a workload printed is hostile until it is made harmless: for terminals, for spreadsheets, for memory.

use std::io::Write;

/// The most bytes of one line, or one command line, that are kept.
pub(super) const LONGEST: usize = 8 * 1024;

/// A cell that begins with one of these may be run as a formula by a spreadsheet.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// The bytes as text without control characters: each is shown by its picture (`␛` for escape), a tab stays, what is
/// not UTF-8 becomes `�`. Of a text from which `cut` more bytes were left out, the end says so.
///
/// Borrows from `raw` where nothing had to change, from `scratch` otherwise.
pub(super) fn harmless<'a>(raw: &'a [u8], cut: u64, scratch: &'a mut String) -> &'a str {
    // 0xC2 begins the two-byte control characters (and some harmless ones).
    let suspect = |byte: u8| (byte < 0x20 && byte != b'\t') || byte == 0x7f || byte == 0xC2;
    let clean = cut == 0 && !raw.iter().fold(false, |found, byte| found | suspect(*byte));
    if clean && let Ok(text) = std::str::from_utf8(raw) {
        return text;
    }
    scratch.clear();
    let mut chunks = raw.utf8_chunks().peekable();
    let mut cut = cut;
    while let Some(chunk) = chunks.next() {
        scratch.extend(chunk.valid().chars().map(picture));
        let split_by_the_cut = cut > 0 && chunks.peek().is_none() && is_begun_character(chunk.invalid());
        if split_by_the_cut {
            cut += chunk.invalid().len() as u64;
        } else if !chunk.invalid().is_empty() {
            scratch.push('\u{fffd}');
        }
    }
    if cut > 0 {
        scratch.push_str(&format!(" … ({cut} bytes more)"));
    }
    scratch
}

fn is_begun_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

fn picture(c: char) -> char {
    match c {
        '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        _ => c,
    }
}

/// Appends a text as the last cell of a row, with the row's end.
pub(super) fn push_last_cell(text: &str, out: &mut Vec<u8>) {
    push_text(text, out);
    out.push(b'\n');
}

/// Appends a text: quoted where RFC 4180 asks for it, and with a leading `'` where a spreadsheet would run it.
pub(super) fn push_text(text: &str, out: &mut Vec<u8>) {
    let guard: &[u8] = if text.starts_with(FORMULA) { b"'" } else { b"" };
    let text = text.as_bytes();
    if memchr::memchr2(b',', b'"', text).is_none() && memchr::memchr2(b'\n', b'\r', text).is_none() {
        out.extend_from_slice(guard);
        out.extend_from_slice(text);
    } else {
        out.push(b'"');
        out.extend_from_slice(guard);
        let mut rest = text;
        while let Some(quote) = memchr::memchr(b'"', rest) {
            out.extend_from_slice(&rest[..=quote]);
            out.push(b'"');
            rest = &rest[quote + 1..];
        }
        out.extend_from_slice(rest);
        out.push(b'"');
    }
}

/// The text of a cell that [`push_text`] wrote, once unquoted.
pub(super) fn without_guard(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}

/// Appends a number and a comma; for None the comma alone.
pub(super) fn push_cell(number: Option<u64>, out: &mut Vec<u8>) {
    let _ = match number {
        Some(number) => write!(out, "{number},"),
        None => write!(out, ","),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(raw: &[u8], cut: u64) -> String {
        harmless(raw, cut, &mut String::new()).to_owned()
    }

    fn read_back(row: &[u8]) -> Option<String> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row);
        let mut record = csv::StringRecord::new();
        assert!(reader.read_record(&mut record).unwrap());
        assert!(!reader.read_record(&mut csv::StringRecord::new()).unwrap());
        record.get(1).map(|cell| without_guard(cell).to_owned())
    }

    #[test]
    fn control_characters_are_shown_by_their_pictures() {
        for (raw, text) in [
            ("plain\ttext: é 漢 🦀", "plain\ttext: é 漢 🦀"),
            ("\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m"),
            ("nul\0 bell\u{7} del\u{7f}", "nul␀ bell␇ del␡"),
            ("csi\u{9b}31m", "csi\u{fffd}31m"),
            ("10 µs ±1", "10 µs ±1"),
        ] {
            assert_eq!(shown(raw.as_bytes(), 0), text);
        }
        assert_eq!(shown(b"not \xff utf-8 \xe6\xbc", 0), "not \u{fffd} utf-8 \u{fffd}");
    }

    #[test]
    fn a_cut_line_says_how_much_is_missing_and_keeps_whole_characters() {
        assert_eq!(shown(b"abc", 5), "abc … (5 bytes more)");
        assert_eq!(shown(b"abc\xe6\xbc", 5), "abc … (7 bytes more)");
        assert_eq!(shown(b"abc\xff", 5), "abc\u{fffd} … (5 bytes more)");
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_guarded() {
        for (text, cell) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("-1,2", "\"'-1,2\""),
            ("'tis", "''tis"),
            ("\tindented", "'\tindented"),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("", ""),
            ("1 = 1", "1 = 1"),
        ] {
            let mut row = Vec::new();
            push_last_cell(text, &mut row);
            assert_eq!(String::from_utf8(row).unwrap(), format!("{cell}\n"));
        }
    }

    proptest! {
        #[test]
        fn every_text_reads_back_as_it_was(text in "(\\PC|[=+@',\"\t\n\r-])*") {
            let mut row = b"x,".to_vec();
            push_last_cell(&text, &mut row);
            prop_assert_eq!(read_back(&row), Some(text));
        }

        #[test]
        fn no_bytes_leave_a_control_character(raw in proptest::collection::vec(any::<u8>(), 0..200), cut in 0u64..3) {
            let text = shown(&raw, cut);
            prop_assert!(text.chars().all(|c| c == '\t' || !c.is_control()), "{text:?}");
        }

        #[test]
        fn harmless_text_is_untouched(text in "[^\\p{Cc}]*") {
            prop_assert_eq!(shown(text.as_bytes(), 0), text);
        }
    }
}
