//! From time since launch to the text of the columns `elapsed_s` and `timestamp`.

use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

const MICROS: i64 = 1_000_000;

/// Writes times since launch as wall-clock times: RFC 3339 with microseconds and this machine's offset.
///
/// A wall clock that is set during the run is not followed: the times stay as far apart as they were measured.
pub(super) struct WallClock {
    launched: i64,
    zone: TimeZone,
    second: i64,
    before_fraction: String,
    offset: String,
}

impl WallClock {
    pub(super) fn new(launched: Timestamp, zone: TimeZone) -> Self {
        let mut clock = Self {
            launched: launched.as_microsecond(),
            zone,
            second: 0,
            before_fraction: String::new(),
            offset: String::new(),
        };
        clock.turn_to(launched.as_second());
        clock
    }

    /// Appends `0.012345,2026-01-31T12:00:00.012345+01:00,`.
    pub(super) fn write(&mut self, at: Duration, out: &mut Vec<u8>) {
        let now = self.launched.saturating_add(i64::try_from(at.as_micros()).unwrap_or(i64::MAX));
        let second = now.div_euclid(MICROS);
        // What stays the same for a second is made once a second: a busy log has millions of lines in one.
        if second != self.second {
            self.turn_to(second);
        }
        let (seconds, micros, fraction) = (at.as_secs(), at.subsec_micros(), now.rem_euclid(MICROS));
        let _ = write!(out, "{seconds}.{micros:06},{}{fraction:06}{},", self.before_fraction, self.offset);
    }

    fn turn_to(&mut self, second: i64) {
        self.second = second;
        let second = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        // RFC 3339 has no seconds in an offset, a few historical zones have.
        let minutes = (self.zone.to_offset(second).seconds() + 30).div_euclid(60);
        let offset = Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC);
        self.before_fraction = format!("{}.", offset.to_datetime(second));
        let sign = if minutes < 0 { '-' } else { '+' };
        self.offset = format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
    }
}

/// The first two cells of a row: those of one chunk of output share them.
pub(super) struct Stamp {
    clock: WallClock,
    at: Option<Duration>,
    cells: Vec<u8>,
}

impl Stamp {
    pub(super) const fn new(clock: WallClock) -> Self {
        Self { clock, at: None, cells: Vec::new() }
    }

    /// For this time since launch, each with its comma.
    pub(super) fn of(&mut self, at: Duration) -> &[u8] {
        if self.at != Some(at) {
            self.at = Some(at);
            self.cells.clear();
            self.clock.write(at, &mut self.cells);
        }
        &self.cells
    }
}

/// RFC 3339 with microseconds and the zone's offset at that time.
pub(super) fn timestamp(at: Timestamp, zone: TimeZone) -> String {
    let mut text = Vec::new();
    WallClock::new(at, zone).write(Duration::ZERO, &mut text);
    String::from_utf8_lossy(&text).trim_start_matches("0.000000,").trim_end_matches(',').to_owned()
}

/// Reads `12`, `12.5` or `12.000001` seconds: three hundred years of them at most, so that sums of times have room.
pub(super) fn parse_seconds(text: &[u8]) -> Option<Duration> {
    let number = |digits: &[u8]| {
        let add = |sum: u64, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0'));
        (!digits.is_empty() && digits.len() <= 10).then(|| digits.iter().try_fold(0, add)).flatten()
    };
    let (whole, fraction): (_, &[u8]) = match memchr::memchr(b'.', text) {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, b"0"),
    };
    if fraction.len() > 9 {
        return None;
    }
    let nanos = u32::try_from(number(fraction)?).ok()? * 10u32.pow(9 - fraction.len() as u32);
    Some(Duration::new(number(whole)?, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(launched: &str, zone: &str, at: Duration) -> String {
        let mut text = Vec::new();
        WallClock::new(launched.parse().unwrap(), zone_named(zone)).write(at, &mut text);
        String::from_utf8(text).unwrap()
    }

    /// Zones as POSIX rules: no time zone database is needed to read them.
    fn zone_named(rule: &str) -> TimeZone {
        TimeZone::posix(rule).unwrap()
    }

    #[test]
    fn times_carry_the_offset_of_their_own_instant() {
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        let before = Duration::from_micros(999_999);
        assert_eq!(written("2026-03-29T00:59:59Z", berlin, before), "0.999999,2026-03-29T01:59:59.999999+01:00,");
        let after = Duration::from_secs(1);
        assert_eq!(written("2026-03-29T00:59:59Z", berlin, after), "1.000000,2026-03-29T03:00:00.000000+02:00,");
        assert_eq!(written("2026-01-01T00:00:00.5Z", "<-0330>3:30", after).split(',').nth(1).unwrap(), {
            "2025-12-31T20:30:01.500000-03:30"
        });
    }

    #[test]
    fn an_offset_with_seconds_is_rounded_and_the_instant_is_kept() {
        let text = timestamp("2026-01-01T00:00:00Z".parse().unwrap(), zone_named("XXX0:44:30"));
        assert_eq!(text, "2025-12-31T23:16:00.000000-00:44");
        assert_eq!(text.parse::<Timestamp>().unwrap(), "2026-01-01T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn seconds_are_digits_with_at_most_nine_after_the_point() {
        assert_eq!(parse_seconds(b"12"), Some(Duration::from_secs(12)));
        assert_eq!(parse_seconds(b"0.000001"), Some(Duration::from_micros(1)));
        assert_eq!(parse_seconds(b"1.5"), Some(Duration::from_millis(1500)));
        for wrong in ["", ".5", "1.", "-1", "+1", "1e3", "nan", "1.0000000001", "99999999999", "1.2.3"] {
            assert_eq!(parse_seconds(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_written_instant_reads_back_to_the_microsecond(
            launched in 0i64..4_000_000_000_000_000, at in 0u64..40_000_000_000_000, zone in -13i32..14
        ) {
            let launched = Timestamp::from_microsecond(launched).unwrap();
            let at = Duration::from_micros(at);
            let mut text = Vec::new();
            WallClock::new(launched, TimeZone::fixed(Offset::from_hours(zone as i8).unwrap())).write(at, &mut text);
            let text = String::from_utf8(text).unwrap();
            let (elapsed, stamp) = text.trim_end_matches(',').split_once(',').unwrap();
            prop_assert_eq!(parse_seconds(elapsed.as_bytes()), Some(at));
            prop_assert_eq!(stamp.parse::<Timestamp>().unwrap(), launched.checked_add(at).unwrap());
        }
    }
}
