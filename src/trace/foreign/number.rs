//! Numbers and times as other programs write them, read fast: a file may hold ten million.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A decimal number that was read exactly: `digits` / 10^`places`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i64,
    places: u32,
}

const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut index = 1;
    while index < 19 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

impl Decimal {
    /// Reads `12`, `-0.5`, `.5`, `1e3`, blanks around them passed over; a comma is a point where `comma` says so.
    /// None for anything else: NaN, an infinity, an empty cell, a number with units or too many digits.
    pub(super) fn parse(text: &[u8], comma: bool) -> Option<Self> {
        let text = text.trim_ascii();
        let (negative, rest) = match text.first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, rest) = split_digits(rest);
        let (fraction, rest) = match rest.first() {
            Some(b'.') => split_digits(&rest[1..]),
            Some(b',') if comma => split_digits(&rest[1..]),
            _ => (&rest[..0], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        match rest.first() {
            None => {}
            Some(b'e' | b'E') => return Self::scientific(text),
            Some(_) => return None,
        }
        let leading = whole.iter().take_while(|digit| **digit == b'0').count();
        let whole = &whole[leading..];
        // Digits past the nanosecond, or past what fits, say nothing that matters here.
        let fraction = &fraction[..fraction.len().min(9).min(18usize.saturating_sub(whole.len()))];
        if whole.len() > 19 {
            return None;
        }
        let append = |number: u64, digit: &u8| number * 10 + u64::from(digit - b'0');
        let digits = fraction.iter().fold(whole.iter().fold(0, append), append);
        let digits = i64::try_from(digits).ok()?;
        Some(Self { digits: if negative { -digits } else { digits }, places: fraction.len() as u32 })
    }

    /// Reads `12` or `12.5` from the beginning of a text that goes on behind it, and tells how long it was. None of a number with
    /// more digits than are read exactly, and where fewer than eight bytes follow the beginning of its digits.
    pub(super) fn leading(text: &[u8], comma: bool) -> Option<(Self, usize)> {
        let (whole, length) = leading_digits(text)?;
        if length == 0 {
            return None;
        }
        let is_point = |byte: &u8| *byte == b'.' || (comma && *byte == b',');
        let Some(rest) = text[length..].split_first().and_then(|(byte, rest)| is_point(byte).then_some(rest)) else {
            return Some((Self { digits: whole.cast_signed(), places: 0 }, length));
        };
        let (fraction, places) = leading_digits(rest)?;
        if places > 9 || length + places > 18 {
            return None;
        }
        // At most 18 digits in all.
        let digits = whole * POWERS[places].cast_unsigned() + fraction;
        Some((Self { digits: digits.cast_signed(), places: places as u32 }, length + 1 + places))
    }

    fn scientific(text: &[u8]) -> Option<Self> {
        let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        if !value.is_finite() || value.abs() >= 9e18 {
            return None;
        }
        // Six places are enough for a number that was itself rounded.
        let exact = value.abs() < 9e12;
        let (digits, places) = if exact { ((value * 1e6).round() as i64, 6) } else { (value.round() as i64, 0) };
        Some(Self { digits, places })
    }

    /// The number times a whole one, rounded. None where that is negative or can't be counted.
    pub(super) fn times(self, factor: u64) -> Option<u64> {
        let digits = u64::try_from(self.digits).ok()?;
        if self.places == 0 {
            return digits.checked_mul(factor);
        }
        let product = u128::from(digits) * u128::from(factor);
        let scale = u128::from(POWERS[self.places as usize].unsigned_abs());
        u64::try_from((product + scale / 2) / scale).ok()
    }

    /// The number times a whole one, signed: a time in nanoseconds.
    pub(super) fn scaled(self, factor: i64) -> Option<i64> {
        let scale = POWERS[self.places as usize];
        // Seconds have as many places as there are nanoseconds: a division is seldom needed, and is slow.
        if factor % scale == 0 {
            return self.digits.checked_mul(factor / scale);
        }
        let product = i128::from(self.digits) * i128::from(factor);
        i64::try_from(product.div_euclid(i128::from(scale))).ok()
    }

    /// Whether digits stand behind the point that are not zero.
    pub(super) fn has_fraction(self) -> bool {
        self.places > 0 && self.digits % POWERS[self.places as usize] != 0
    }

    pub(super) fn magnitude(self) -> f64 {
        self.digits as f64 / POWERS[self.places as usize] as f64
    }
}

/// The digits that a text begins with, and the rest.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// The number of the digits that a text begins with, and how many they are. None of more than 18, and where fewer than eight
/// bytes are left of the text before they end.
///
/// Eight bytes at a time: a digit is `0x30` to `0x39`, so its upper half is 3, and still is after 6 is added. What is carried over
/// goes from a byte that is no digit to the one behind it, which does not matter any more. Then neighbours are added up in pairs.
fn leading_digits(text: &[u8]) -> Option<(u64, usize)> {
    const UPPER: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const THREES: u64 = 0x3030_3030_3030_3030;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    let (mut number, mut length) = (0, 0);
    loop {
        let word = u64::from_le_bytes(*text.get(length..)?.first_chunk()?);
        let other = ((word & UPPER) ^ THREES) | ((word.wrapping_add(SIXES) & UPPER) ^ THREES);
        let count = (other.trailing_zeros() / 8) as usize;
        if count == 0 {
            return Some((number, length));
        }
        if length + count > 18 {
            return None;
        }
        // The last digit stands in the last byte, and the bytes before the first are zero.
        let digits = (word & !UPPER) << (64 - 8 * count);
        let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
        let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
        let eight = (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff;
        number = number * POWERS[count].cast_unsigned() + eight;
        length += count;
        if count < 8 {
            return Some((number, length));
        }
    }
}

/// Reads a date with its time of day: RFC 3339, or the same with a blank for the `T`, a comma for the point, and no zone, which
/// then is `zone`. Nanoseconds since 1970.
pub(super) fn parse_date(text: &[u8], zone: &TimeZone) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if text.len() < "2026-01-31 12:00".len() || text.as_bytes()[4] != b'-' {
        return None;
    }
    let text = text.replace(',', ".");
    let instant = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        zone.to_ambiguous_timestamp(civil).compatible().ok()
    })?;
    i64::try_from(instant.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Option<f64> {
        Decimal::parse(text.as_bytes(), false).map(Decimal::magnitude)
    }

    #[test]
    fn numbers_are_read_as_programs_write_them() {
        for (text, wanted) in [
            ("0", 0.0),
            (" 12.500 ", 12.5),
            ("-3", -3.0),
            ("+.5", 0.5),
            ("7.", 7.0),
            ("1e3", 1000.0),
            ("1.5E-1", 0.15),
            ("1795604665.5534625", 1_795_604_665.553_462_5),
            ("0.0001456737518310547", 0.000_145_673),
        ] {
            assert!(value(text).is_some_and(|value| (value - wanted).abs() < 1e-6), "{text}: {:?}", value(text));
        }
        for text in [
            "",
            " ",
            "-",
            ".",
            "nan",
            "NaN",
            "inf",
            "1 2",
            "1,5",
            "12 MB",
            "0x10",
            "99999999999999999999",
            "9900000000000000000",
            "1e99",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
        assert_eq!(Decimal::parse(b"1,5", true).map(Decimal::magnitude), Some(1.5));
    }

    #[test]
    fn an_amount_is_rounded_and_never_negative() {
        let bytes = |text: &str, factor| Decimal::parse(text.as_bytes(), false)?.times(factor);
        assert_eq!(bytes("1.5", 1 << 20), Some(3 << 19));
        assert_eq!(bytes("0.4", 1), Some(0));
        assert_eq!(bytes("-0.4", 1), None);
        assert_eq!(bytes("9007199254740993", 1), Some(9_007_199_254_740_993));
        assert_eq!(bytes("900000000000000000", 1 << 40), None);
    }

    #[test]
    fn dates_are_read_with_a_zone_or_in_the_one_given() {
        let at = |text: &str| parse_date(text.as_bytes(), &TimeZone::UTC).map(|nanos| nanos / 1_000_000);
        let noon = 1_769_860_800_250;
        for text in [
            "2026-01-31T12:00:00.250Z",
            "2026-01-31T13:00:00.25+01:00",
            "2026-01-31 12:00:00.250",
            "2026-01-31 12:00:00,250",
        ] {
            assert_eq!(at(text), Some(noon), "{text}");
        }
        for text in ["2026-01-31", "12:00:00", "31.01.2026 12:00", "", "2026-13-31 12:00:00"] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_number_reads_as_the_standard_library_reads_it(number in -1e12f64..1e12, places in 0usize..10) {
            let text = format!("{number:.places$}");
            let wanted: f64 = text.parse().unwrap();
            let read = value(&text).unwrap();
            prop_assert!((read - wanted).abs() <= wanted.abs() * 1e-12 + 1e-9, "{text}: {read}");
        }

        #[test]
        fn a_number_that_more_follows_is_read_as_it_is_alone(
            text in "[0-9]{1,20}|[0-9]{1,12}[.,][0-9]{0,12}", behind in "[\n;\\]:/ e\u{80}\u{fffd}][0-9a-z]{9}", comma in any::<bool>()
        ) {
            let Some((number, length)) = Decimal::leading(format!("{text}{behind}").as_bytes(), comma) else {
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                let places = text.split_once(['.', ',']).map_or(0, |(_, fraction)| fraction.len());
                prop_assert!(digits > 18 || places > 9);
                return Ok(());
            };
            prop_assert!(length == text.len() || (!comma && text[length..].starts_with(',')), "{length}");
            prop_assert_eq!(Some(number), Decimal::parse(&text.as_bytes()[..length], comma));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9.,eE+-]{0,40}|\\PC{0,20}") {
            let _ = Decimal::parse(text.as_bytes(), true).map(|number| (number.times(u64::MAX), number.scaled(i64::MAX)));
            let _ = parse_date(text.as_bytes(), &TimeZone::UTC);
        }
    }
}
