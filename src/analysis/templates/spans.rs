//! What stands at the beginning of a text: each function gives the length of one kind of thing, or None.

use std::net::Ipv6Addr;

/// Units that stand behind a number and a space: `3.5 MiB`, `12 ms`.
const SPACED_UNITS: [&str; 20] = [
    "B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "bytes", "ns", "us", "µs", "ms", "s", "sec", "secs",
    "seconds", "%",
];
const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

fn run(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !is(*byte)).unwrap_or(text.len())
}

fn digits(text: &[u8]) -> usize {
    run(text, |byte| byte.is_ascii_digit())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a thing of this length ends where a word may end.
fn ends(text: &[u8], length: usize) -> bool {
    text.get(length).is_none_or(|byte| !is_word(*byte))
}

/// A terminal's escape sequence, also with the picture that `log.csv` has in place of the escape character.
pub(super) fn escape(text: &[u8]) -> Option<usize> {
    let lead = if text.starts_with("␛[".as_bytes()) { "␛[".len() } else { 2 };
    if lead == 2 && !text.starts_with(b"\x1b[") {
        return None;
    }
    let parameters = run(&text[lead..], |byte| (0x20..0x40).contains(&byte));
    Some((lead + parameters + 1).min(text.len())).filter(|end| text[end - 1].is_ascii())
}

/// `https://…`, up to what can't belong to it.
pub(super) fn url(text: &[u8]) -> Option<usize> {
    let scheme = run(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let rest = text.get(scheme..)?.strip_prefix(b"://")?;
    let body = run(rest, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b')' | b']' | b'}' | b',')
    });
    (scheme > 0 && body > 0).then(|| trimmed(text, scheme + 3 + body))
}

/// Without the dots and colons of the sentence around it.
fn trimmed(text: &[u8], length: usize) -> usize {
    text[..length].iter().rposition(|byte| !matches!(byte, b'.' | b':' | b';' | b'!' | b'?')).map_or(0, |last| last + 1)
}

/// Five groups of hex digits: 8-4-4-4-12.
pub(super) fn uuid(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            (text.get(at) == Some(&b'-')).then_some(())?;
            at += 1;
        }
        let group = text.get(at..at + length)?;
        group.iter().all(u8::is_ascii_hexdigit).then_some(())?;
        at += length;
    }
    ends(text, at).then_some(at)
}

/// A date, a time of day, or both.
pub(super) fn time(text: &[u8]) -> Option<usize> {
    let Some(date) = date(text) else { return clock(text) };
    let rest = &text[date..];
    let joint = usize::from(rest.first().is_some_and(|byte| matches!(byte, b'T' | b't' | b' ' | b':')));
    let clock = if joint == 1 { clock(&rest[1..]) } else { None };
    let whole = date + clock.map_or(0, |clock| clock + 1);
    (clock.is_some() || ends(text, date)).then_some(whole)
}

fn date(text: &[u8]) -> Option<usize> {
    if let Some(month) = MONTHS.iter().find(|month| text.starts_with(month)) {
        // `Jan 31`, as the system log writes it.
        let spaces = run(&text[month.len()..], |byte| byte == b' ');
        let day = digits(&text[month.len() + spaces..]);
        return ((1..=2).contains(&spaces) && (1..=2).contains(&day)).then_some(month.len() + spaces + day);
    }
    let first = digits(text);
    let separator = *text.get(first).filter(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
    let rest = &text[first + 1..];
    let month = if MONTHS.iter().any(|month| rest.starts_with(month)) { 3 } else { digits(rest) };
    (rest.get(month) == Some(&separator)).then_some(())?;
    let last = digits(&rest[month + 1..]);
    let of_three = |first, month, last| first == 4 && (1..=2).contains(&month) && (1..=2).contains(&last);
    let right = of_three(first, month, last) || (last == 4 && first <= 2 && (1..=3).contains(&month));
    right.then_some(first + 1 + month + 1 + last)
}

/// `12:00`, `12:00:00`, with a fraction and an offset where they stand.
fn clock(text: &[u8]) -> Option<usize> {
    let hours = digits(text);
    ((1..=2).contains(&hours) && text.get(hours) == Some(&b':') && digits(&text[hours + 1..]) == 2).then_some(())?;
    let mut at = hours + 3;
    if text.get(at) == Some(&b':') && digits(&text[at + 1..]) == 2 {
        at += 3;
        if text.get(at).is_some_and(|byte| matches!(byte, b'.' | b',')) && digits(&text[at + 1..]) > 0 {
            at += 1 + digits(&text[at + 1..]);
        }
    }
    match text.get(at) {
        Some(b'Z') => at += 1,
        Some(b'+' | b'-') if digits(&text[at + 1..]) >= 2 => at += 1 + offset(&text[at + 1..]),
        Some(b' ') if matches!(text.get(at + 1), Some(b'+' | b'-')) && digits(&text[at + 2..]) == 4 => at += 6,
        _ => {}
    }
    ends(text, at).then_some(at)
}

fn offset(text: &[u8]) -> usize {
    let hours = digits(text);
    if text.get(hours) == Some(&b':') { hours + 1 + digits(&text[hours + 1..]) } else { hours }
}

/// `/a/b`, `./a`, `../a`, `~/a`, `C:\a`, or `a/b/c` and `a/b.txt`, but not `and/or`.
pub(super) fn path(text: &[u8]) -> Option<usize> {
    let drive = text.len() > 3 && text[0].is_ascii_alphabetic() && text[1] == b':' && matches!(text[2], b'\\' | b'/');
    let is_path = |byte: u8| is_word(byte) || matches!(byte, b'/' | b'\\' | b'.' | b'-' | b'~' | b'+' | b'@' | b'%');
    let from = if drive { 2 } else { 0 };
    let length = trimmed(text, from + run(&text[from..], is_path));
    let found = &text[..length];
    let slashes = found.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    let has_name = found.iter().any(u8::is_ascii_alphabetic);
    let begins = [&b"/"[..], b"./", b"../", b"~/"].iter().any(|lead| found.starts_with(lead) && length > lead.len());
    let last = found.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
    let extension = last.iter().rposition(|byte| *byte == b'.').is_some_and(|dot| dot > 0 && dot + 1 < last.len());
    let is = drive || (has_name && (begins || slashes >= 2 || (slashes == 1 && extension)));
    is.then_some(length)
}

/// An address of either version.
pub(super) fn ip(text: &[u8]) -> Option<usize> {
    let length = run(text, |byte| byte.is_ascii_digit() || byte == b'.');
    let length = trimmed(text, length);
    let four = text[..length].split(|byte| *byte == b'.').filter(|part| (1..=3).contains(&part.len())).count();
    if four == 4 && text[..length].iter().filter(|byte| **byte == b'.').count() == 3 && ends(text, length) {
        return Some(length);
    }
    let length = run(text, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    let length = if text[..length].ends_with(b"::") { length } else { trimmed(text, length) };
    let colons = text[..length].iter().filter(|byte| **byte == b':').count();
    (colons >= 2 && ends(text, length)).then_some(())?;
    std::str::from_utf8(&text[..length]).ok()?.parse::<Ipv6Addr>().ok().map(|_| length)
}

/// `0x1f`, or eight and more hex digits that are neither a word nor a number.
pub(super) fn hex(text: &[u8]) -> Option<usize> {
    let prefix = if text.starts_with(b"0x") || text.starts_with(b"0X") { 2 } else { 0 };
    let length = prefix + run(&text[prefix..], |byte| byte.is_ascii_hexdigit());
    let digits = text[prefix..length].iter().filter(|byte| byte.is_ascii_digit()).count();
    let mixed = length >= 8 && digits > 0 && digits < length;
    ((prefix == 2 && length > 2 || mixed) && ends(text, length)).then_some(length)
}

/// Letters and digits mixed more than a name is: `aGVsbG8gd29ybGQx9Z`.
pub(super) fn id(text: &[u8]) -> Option<usize> {
    let length = run(text, |byte| byte.is_ascii_alphanumeric());
    let switches =
        text[..length].windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    (length >= 8 && switches >= 3 && ends(text, length)).then_some(length)
}

/// A number with its separators, exponent and unit.
pub(super) fn number(text: &[u8]) -> Option<usize> {
    let mut at = digits(text);
    (at > 0).then_some(())?;
    while text.get(at).is_some_and(|byte| matches!(byte, b'.' | b',' | b'_' | b'\'')) && digits(&text[at + 1..]) > 0 {
        at += 1 + digits(&text[at + 1..]);
    }
    if text.get(at).is_some_and(|byte| matches!(byte, b'e' | b'E')) {
        let sign = usize::from(text.get(at + 1).is_some_and(|byte| matches!(byte, b'+' | b'-')));
        let exponent = digits(&text[at + 1 + sign..]);
        at += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    let rest = &text[at..];
    if rest.first() == Some(&b'%') {
        return Some(at + 1);
    }
    let letters = run(rest, |byte| byte.is_ascii_alphabetic() || byte >= 0x80);
    if (1..=4).contains(&letters) && ends(rest, letters) {
        return Some(at + letters);
    }
    let spaced = rest.strip_prefix(b" ").and_then(|rest| {
        SPACED_UNITS
            .iter()
            .find(|unit| rest.starts_with(unit.as_bytes()) && ends(rest, unit.len()))
            .map(|unit| unit.len())
    });
    Some(at + spaced.map_or(0, |unit| unit + 1))
}
