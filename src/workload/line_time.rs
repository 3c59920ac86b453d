use std::time::Duration;

use jiff::civil::Date;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// How far a line's own time may lie outside of the run: a clock that is a little off is believed, a wrong zone is not.
const ASTRAY: Duration = Duration::from_secs(1);

/// How the lines of a file tell their own time: each begins with it.
#[derive(Debug, Clone)]
pub struct LineTime {
    format: String,
    zone: TimeZone,
}

impl LineTime {
    /// `format` as for `strptime`; `zone` holds where the format has no offset of its own.
    ///
    /// # Errors
    /// Why the format can't be read, or that it has no time of day.
    pub fn new(format: &str, zone: TimeZone) -> Result<Self, String> {
        let some_day = Timestamp::constant(1_769_862_896, 500_000_000).to_zoned_datetime(TimeZone::UTC);
        let written = strtime::format(format, &some_day).map_err(|error| error.to_string())?;
        let read = strtime::parse(format, &written).map_err(|error| error.to_string())?;
        let time = Self { format: format.to_owned(), zone };
        match time.instant(&read, Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(time),
            None => Err("it has no time of day".to_owned()),
        }
    }

    /// The first instant that a line's own time can mean, and how much later it may have been written: a second where
    /// the format has no fractions. Of what the format leaves open (the date, the year, which of two hours when clocks
    /// are set back) the nearest to `arrived` is meant. None where the line begins with no such time.
    fn read(&self, line: &str, arrived: Timestamp) -> Option<(Timestamp, Duration)> {
        let (found, _) = BrokenDownTime::parse_prefix(&self.format, line).ok()?;
        let has_second = found.second().is_some() || found.timestamp().is_some();
        let width = match found.subsec_nanosecond() {
            Some(_) => Duration::ZERO,
            None if has_second => Duration::from_secs(1),
            None => Duration::from_secs(60),
        };
        Some((self.instant(&found, arrived)?, width))
    }

    /// When a line was written by its own account. Of what the format leaves open (the date, the year) the nearest to `near`
    /// is meant. None where the line begins with no such time.
    #[must_use]
    pub fn of(&self, line: &str, near: Timestamp) -> Option<Timestamp> {
        self.read(line, near).map(|(instant, _)| instant)
    }

    fn instant(&self, found: &BrokenDownTime, arrived: Timestamp) -> Option<Timestamp> {
        if let Some(since_epoch) = found.timestamp() {
            let fraction = found.subsec_nanosecond().unwrap_or_default();
            return since_epoch.checked_add(SignedDuration::from_nanos(fraction.into())).ok();
        }
        // Without an hour it would be midnight.
        let time = found.hour().and_then(|_| found.to_time().ok())?;
        if found.offset().is_some() && found.to_date().is_ok() {
            return found.to_timestamp().ok();
        }
        let zone = found.offset().map_or_else(|| self.zone.clone(), TimeZone::fixed);
        let today = zone.to_datetime(arrived).date();
        let instants = dates(found, today).into_iter().flat_map(|date| {
            let either = zone.to_ambiguous_timestamp(date.to_datetime(time));
            [either.earlier().ok(), either.later().ok()]
        });
        instants.flatten().min_by_key(|instant| instant.duration_since(arrived).abs())
    }
}

/// The dates that may be meant.
fn dates(found: &BrokenDownTime, today: Date) -> Vec<Date> {
    if let Ok(date) = found.to_date() {
        return vec![date];
    }
    match (found.month(), found.day()) {
        (Some(month), Some(day)) => {
            let year = today.year();
            [year - 1, year, year + 1].into_iter().filter_map(|year| Date::new(year, month, day).ok()).collect()
        }
        _ => [-1, 0, 1].into_iter().filter_map(|days| today.checked_add(Span::new().days(days)).ok()).collect(),
    }
}

/// Stamps the lines of one file: with their own times where it has them and they can be believed.
#[derive(Debug)]
pub struct LineClock {
    time: Option<LineTime>,
    launched: Timestamp,
    before: Option<Duration>,
    lines: u64,
    read: u64,
    astray: u64,
}

impl LineClock {
    /// For the lines of a file of which `time` may say how they tell their time.
    #[must_use]
    pub fn new(time: Option<LineTime>, launched: Timestamp) -> Self {
        Self { time, launched, before: None, lines: 0, read: 0, astray: 0 }
    }

    /// When a line was written, since launch, of which it is known when it arrived. A line without a time of its own, as
    /// in a stack trace, is as old as the one before it.
    pub fn stamp(&mut self, arrived: Duration, line: &str) -> Duration {
        let Some(time) = &self.time else { return arrived };
        self.lines += 1;
        let now = self.launched.checked_add(arrived).unwrap_or(Timestamp::MAX);
        let Some((instant, width)) = time.read(line, now) else { return self.before.unwrap_or(arrived) };
        self.read += 1;
        let since = instant.duration_since(self.launched);
        let first = Duration::try_from(since).unwrap_or_default();
        let last = Duration::try_from(since.saturating_add(SignedDuration::try_from(width).unwrap_or_default()));
        let early = SignedDuration::try_from(ASTRAY + width).is_ok_and(|astray| since < -astray);
        if early || first > arrived + ASTRAY {
            self.astray += 1;
            self.before = None;
            return arrived;
        }
        // A line can't be written after it was read.
        let at = arrived.clamp(first, last.unwrap_or_default().max(first)).min(arrived);
        self.before = Some(at);
        at
    }

    /// What was wrong with the lines' own times, in a sentence about the file of this name.
    #[must_use]
    pub fn notice(&self, name: &str) -> Option<String> {
        if self.time.is_some() && self.lines > 0 && self.read == 0 {
            return Some(format!("no line of `{name}` begins with a time as its `time` says: stamped on arrival"));
        }
        let lines = if self.astray == 1 { "1 line".to_owned() } else { format!("{} lines", self.astray) };
        (self.astray > 0).then(|| {
            format!("the times of {lines} of `{name}` lie outside of the run, stamped on arrival: is its `zone` right?")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    fn clock(format: &str, zone: &str, launched: &str) -> LineClock {
        let zone = TimeZone::posix(zone).unwrap();
        LineClock::new(Some(LineTime::new(format, zone).unwrap()), launched.parse().unwrap())
    }

    /// The milliseconds since launch that a line is stamped with when it arrives after ten seconds.
    fn stamped(format: &str, zone: &str, launched: &str, line: &str) -> u128 {
        clock(format, zone, launched).stamp(Duration::from_secs(10), line).as_millis()
    }

    #[test]
    fn a_line_is_as_old_as_it_says_itself() {
        let noon = "2026-01-31T12:00:00Z";
        for (format, zone, line, at) in [
            ("%Y-%m-%d %H:%M:%S,%f", "UTC0", "2026-01-31 12:00:03,250 INFO up", 3250),
            ("%Y-%m-%d %H:%M:%S,%f", BERLIN, "2026-01-31 13:00:03,250 INFO up", 3250),
            ("[%Y-%m-%dT%H:%M:%S%z]", BERLIN, "[2026-01-31T04:00:03-0800] up", 4000),
            ("%s.%f", BERLIN, "1769860803.5 up", 3500),
            ("%H:%M:%S%.f", BERLIN, "13:00:03.5 up", 3500),
            ("%b %d %H:%M:%S", "UTC0", "Jan 31 12:00:03 host up", 4000),
            ("%m/%d/%Y %I:%M:%S%.f %p", BERLIN, "01/31/2026 01:00:03.0 PM up", 3000),
        ] {
            assert_eq!(stamped(format, zone, noon, line), at, "{line}");
        }
    }

    #[test]
    fn of_a_whole_second_the_part_nearest_to_the_arrival_is_meant() {
        assert_eq!(stamped("%H:%M:%S", "UTC0", "2026-01-31T12:00:00.7Z", "12:00:10"), 10_000);
        assert_eq!(stamped("%H:%M:%S", "UTC0", "2026-01-31T12:00:00.7Z", "12:00:05"), 5300);
        assert_eq!(stamped("%H:%M:%S", "UTC0", "2026-01-31T12:00:00.7Z", "12:00:00"), 300);
    }

    #[test]
    fn midnight_the_turn_of_the_year_and_of_the_clocks_are_passed() {
        assert_eq!(stamped("%H:%M:%S%.f", "UTC0", "2026-01-31T23:59:55Z", "23:59:58.0"), 3000);
        assert_eq!(stamped("%H:%M:%S%.f", "UTC0", "2026-01-31T23:59:55Z", "00:00:02.0"), 7000);
        assert_eq!(stamped("%b %d %H:%M:%S%.f", "UTC0", "2025-12-31T23:59:55Z", "Dec 31 23:59:56.0"), 1000);
        // 02:30 comes twice that night.
        assert_eq!(stamped("%F %T%.f", BERLIN, "2026-10-25T00:30:00Z", "2026-10-25 02:30:04.0"), 4000);
        assert_eq!(stamped("%F %T%.f", BERLIN, "2026-10-25T01:30:00Z", "2026-10-25 02:30:04.0"), 4000);
    }

    #[test]
    fn a_line_without_a_time_is_as_old_as_the_one_before() {
        let mut clock = clock("%H:%M:%S%.f", "UTC0", "2026-01-31T12:00:00Z");
        let at = |seconds| Duration::from_secs(seconds);
        assert_eq!(clock.stamp(at(1), "began without"), at(1));
        assert_eq!(clock.stamp(at(9), "12:00:05.0 error"), at(5));
        assert_eq!(clock.stamp(at(9), "  in main.py"), at(5));
        assert_eq!(clock.notice("app.log"), None);
    }

    #[test]
    fn times_outside_of_the_run_are_not_believed_and_told() {
        let mut wrong = clock("%F %T", "UTC0", "2026-01-31T12:00:00Z");
        assert_eq!(wrong.stamp(Duration::from_secs(9), "2026-01-31 13:00:05 up"), Duration::from_secs(9));
        let notice = wrong.notice("app.log").unwrap();
        assert!(notice.contains("1 line of `app.log`") && notice.contains("is its `zone` right?"), "{notice}");
        let mut other = clock("%F %T", "UTC0", "2026-01-31T12:00:00Z");
        other.stamp(Duration::ZERO, "up");
        assert!(other.notice("app.log").unwrap().contains("no line of `app.log` begins"));
    }

    #[test]
    fn a_format_that_tells_no_time_is_refused() {
        for format in ["%Y-%m-%d", "%Q!", "time", "%"] {
            assert!(LineTime::new(format, TimeZone::UTC).is_err(), "{format}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_stamped_after_its_arrival(line in "\\PC{0,30}|[0-9: -]{0,20}", arrived in 0u64..100_000) {
            let arrived = Duration::from_millis(arrived);
            for format in ["%H:%M:%S", "%F %T%.f", "%s"] {
                prop_assert!(clock(format, BERLIN, "2026-01-31T12:00:00Z").stamp(arrived, &line) <= arrived);
            }
        }
    }
}
