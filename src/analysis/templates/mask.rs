//! From a line to its template: what varies from one printing of a statement to the next is masked.

use super::spans;

/// Of a line so much is looked at: what comes later seldom tells one statement from another.
const READ: usize = 1024;
/// So much of a template is kept.
const KEPT: usize = 240;
/// A text under one of these keys (`msg="…"`, `"message":"…"`) is what the line says, not a value in it.
const SAYING: [&str; 4] = ["msg", "message", "event", "text"];

/// Writes the template of a line: numbers with their units become `<n>`, times and dates `<time>`, and likewise
/// `<hex>`, `<uuid>`, `<id>`, `<ip>`, `<url>`, `<path>`, and `<text>` for what stands in quotes.
///
/// Keys of JSON and the message of a structured line are kept. Runs of spaces and of the characters that progress bars
/// are drawn with become one of them.
pub(super) fn mask(line: &str, out: &mut String) {
    out.clear();
    let line = &line[..line.floor_char_boundary(READ)];
    write(line, out);
    while out.ends_with(' ') {
        out.pop();
    }
    if out.len() > KEPT {
        out.truncate(out.floor_char_boundary(KEPT));
        out.push('…');
    }
}

fn write(line: &str, out: &mut String) {
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() && out.len() <= KEPT {
        let before = if at == 0 { b' ' } else { bytes[at - 1] };
        let rest = &bytes[at..];
        at += match rest[0] {
            byte if byte.is_ascii_alphabetic() => word(line, at, before, out),
            byte if byte.is_ascii_digit() => spot(rest, before, out).unwrap_or_else(|| number(rest, out)),
            b' ' | b'\t' => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
                1
            }
            b'"' | b'\'' | b'`' if !before.is_ascii_alphanumeric() => quoted(line, at, out),
            b'/' | b'.' | b'~' | b':' if !before.is_ascii_alphanumeric() => {
                spot(rest, before, out).unwrap_or_else(|| plain(line, at, out))
            }
            b'+' | b'-' if matches!(before, b' ' | b'=' | b':' | b'(' | b'[' | b',') => match rest.get(1) {
                Some(byte) if byte.is_ascii_digit() => 1 + number(&rest[1..], out),
                _ => plain(line, at, out),
            },
            _ => plain(line, at, out),
        };
    }
}

/// A thing of several characters at the beginning of a word.
fn spot(rest: &[u8], before: u8, out: &mut String) -> Option<usize> {
    if before.is_ascii_alphanumeric() {
        return None;
    }
    type LengthOf = fn(&[u8]) -> Option<usize>;
    let kinds: [(&str, LengthOf); 7] = [
        ("<url>", spans::url),
        ("<uuid>", spans::uuid),
        ("<time>", spans::time),
        ("<ip>", spans::ip),
        ("<path>", spans::path),
        ("<hex>", spans::hex),
        ("<id>", spans::id),
    ];
    let (mask, length) = kinds.into_iter().find_map(|(mask, length)| Some((mask, length(rest)?)))?;
    put(mask, out);
    Some(length)
}

/// Adds a mask; of the same one twice in a row, as in a list or in a date and a time, one is enough.
fn put(mask: &str, out: &mut String) {
    let trimmed = out.trim_end_matches([' ', ',']).len();
    if trimmed < out.len() && out[..trimmed].ends_with(mask) && (mask == "<time>" || out[trimmed..].contains(',')) {
        out.truncate(trimmed);
    } else {
        out.push_str(mask);
    }
}

fn number(rest: &[u8], out: &mut String) -> usize {
    let length = spans::number(rest).unwrap_or(1);
    put("<n>", out);
    length
}

/// A word's letters: most words hold nothing to mask, and are told from those that may at a glance.
fn word(line: &str, at: usize, before: u8, out: &mut String) -> usize {
    let rest = &line.as_bytes()[at..];
    let letters = rest.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
    let may_be_more = match rest.get(letters) {
        // A month, perhaps.
        Some(b' ') => letters == 3,
        Some(byte) => byte.is_ascii_digit() || matches!(byte, b':' | b'/' | b'\\' | b'-' | b'.' | b'_' | b'+'),
        None => false,
    };
    if may_be_more && let Some(length) = spot(rest, before, out) {
        return length;
    }
    out.push_str(&line[at..at + letters]);
    letters
}

/// A quoted text, or the quote alone where nothing closes it.
fn quoted(line: &str, at: usize, out: &mut String) -> usize {
    let bytes = &line.as_bytes()[at..];
    let quote = bytes[0];
    let mut end = 1;
    while end < bytes.len() {
        let closes = quote != b'\'' || !bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
        match bytes[end] {
            b'\\' => end += 1,
            byte if byte == quote && closes => break,
            _ => {}
        }
        end += 1;
    }
    if end >= bytes.len() {
        return plain(line, at, out);
    }
    let inside = &line[at + 1..at + end];
    let is_key = quote == b'"' && bytes.get(end + 1) == Some(&b':');
    if is_key || is_said(out) {
        out.push(char::from(quote));
        if is_key {
            out.push_str(inside);
        } else {
            write(inside, out);
        }
        out.push(char::from(quote));
    } else {
        put("<text>", out);
    }
    end + 1
}

/// Whether what was written last is the key of the line's message.
fn is_said(out: &str) -> bool {
    let key = out.trim_end_matches(' ').strip_suffix(['=', ':']).unwrap_or_default().trim_end_matches('"');
    let word = key.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    SAYING.contains(&word)
}

/// One character as it is; what progress bars are drawn with only once.
fn plain(line: &str, at: usize, out: &mut String) -> usize {
    if let Some(length) = spans::escape(&line.as_bytes()[at..]) {
        return length;
    }
    let Some(c) = line[at..].chars().next() else { return 1 };
    let drawn = matches!(c, '=' | '#' | '*' | '~' | '_' | '>' | '-' | '.');
    let block = matches!(c, '\u{2580}'..='\u{259f}' | '\u{2500}'..='\u{257f}' | '\u{2800}'..='\u{28ff}');
    let again = out.ends_with(c) && out[..out.len() - c.len_utf8()].ends_with(c);
    if block {
        if !out.ends_with('█') {
            out.push('█');
        }
    } else if !(drawn && again) {
        out.push(if c.is_control() { ' ' } else { c });
    }
    c.len_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(line: &str) -> String {
        let mut out = String::new();
        mask(line, &mut out);
        out
    }

    #[test]
    fn what_varies_is_masked_by_its_kind() {
        for (line, template) in [
            ("processing batch 17", "processing batch <n>"),
            ("took 12ms, 3.5 MiB at 45%", "took <n> at <n>"),
            ("loaded 2,000,000 rows (+1.5e-3) in 0.7 s", "loaded <n> rows (<n>) in <n>"),
            ("worker-3: item #42 of 1_000", "worker-<n>: item #<n> of <n>"),
            ("request 550e8400-e29b-41d4-a716-446655440000 done", "request <uuid> done"),
            ("commit deadbeef12 at 0x7fff5694", "commit <hex> at <hex>"),
            ("from 10.0.0.1:8080 to ::1 and fe80::1%eth0", "from <ip>:<n> to <ip> and <ip>%eth<n>"),
            ("GET https://example.org/a?b=1, ok", "GET <url>, ok"),
            ("read /var/lib/x.db and ./a and data/part-3.csv.", "read <path> and <path> and <path>."),
            (r"open C:\Users\me\a.txt failed", "open <path> failed"),
            ("and/or read/write I/O 3/10", "and/or read/write I/O <n>/<n>"),
            ("2026-01-31 12:00:00,123 INFO up", "<time> INFO up"),
            ("2026-01-31T12:00:00.5Z up", "<time> up"),
            ("[31/Jan/2026:12:00:00 +0100] hit", "[<time>] hit"),
            ("Jan 31 12:00:00 host app[123]: up", "<time> host app[<n>]: up"),
            ("user \"al \\\"x\\\" ice\" said 'it''s' `now`", "user <text> said <text><text> <text>"),
            ("it's the user's own", "it's the user's own"),
            ("token aGVs1bG8g2d29ybG3Q", "token <id>"),
            ("sizes [1, 2, 3] and [4]", "sizes [<n>] and [<n>]"),
            ("\u{1b}[31mred\u{1b}[0m ␛[1mbold␛[0m", "red bold"),
            ("45%|████▌     | 45/100 [00:01<00:02, 30.1it/s]", "<n>|█ | <n>/<n> [<time><<time>, <n>/s]"),
            ("[=====>    ] 40%", "[==> ] <n>"),
            ("unclosed \"quote 5", "unclosed \"quote <n>"),
            ("", ""),
        ] {
            assert_eq!(masked(line), template, "{line}");
        }
    }

    #[test]
    fn a_structured_line_keeps_its_keys_and_its_message() {
        assert_eq!(
            masked(r#"{"level":"info","ts":1769853600.5,"msg":"processing batch 7","file":"a.csv"}"#),
            r#"{"level":<text>,"ts":<n>,"msg":"processing batch <n>","file":<text>}"#
        );
        assert_eq!(
            masked(r#"time="2026-01-31T12:00:00Z" level=info msg="batch 7 of 9" user="al""#),
            r#"time=<text> level=info msg="batch <n> of <n>" user=<text>"#
        );
    }

    #[test]
    fn a_line_of_megabytes_has_a_short_template() {
        assert!(masked(&"word ".repeat(1 << 20)).len() <= KEPT + 8);
        assert_eq!(masked(&"7".repeat(1 << 20)), "<n>");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "(\\PC|[\"'`/:.0-9a-fT \u{1b}\\[-]){0,80}") {
            prop_assert!(masked(&line).len() <= KEPT + 8);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            masked(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn lines_that_differ_in_numbers_alone_share_a_template(a in any::<u32>(), b in any::<u32>(), word in "[a-z]{1,9}") {
            prop_assert_eq!(masked(&format!("{word} {a}: {b}")), masked(&format!("{word} {b}: {a}")));
        }
    }
}
