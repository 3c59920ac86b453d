use std::time::Duration;

use super::{UnitError, number_and_unit};

const HELP: &str = "write a number and a unit, such as \"10ms\", \"5s\", \"10m\" or \"2h\"";

/// Reads `10ms`, `1.5 s`, `10m`, `2h`: one number, one unit (`us`, `ms`, `s`, `m` for minutes, `h`, `d`).
///
/// # Errors
/// When a unit is missing or unknown, or the number is negative, has an exponent or is no number.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = number_and_unit(text, HELP)?;
    let seconds = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "" => return Err(UnitError::new(format!("`{}` has no unit", text.trim()), HELP)),
        _ => return Err(UnitError::new(format!("`{unit}` is not a unit of time"), HELP)),
    };
    Duration::try_from_secs_f64(number * seconds)
        .ok()
        .filter(|duration| *duration <= Duration::from_secs(366 * 86_400))
        .ok_or_else(|| UnitError::new(format!("`{}` is longer than a year", text.trim()), HELP))
}

/// For people: `12 ms`, `3.14 s`, `4 min 5 s`, `2 h 10 min`, `3 d 4 h`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.9995 {
        return format!("{:.0} ms", seconds * 1e3);
    }
    if seconds < 9.995 {
        return format!("{seconds:.2} s");
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    match (days, hours, minutes, whole % 60) {
        (0, 0, minutes, 0) => format!("{minutes} min"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, 0, _) => format!("{hours} h"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, 0, ..) => format!("{days} d"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_number_and_one_unit_are_a_duration() {
        assert_eq!(parse_duration("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(parse_duration("1.5 s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_duration("2h"), Ok(Duration::from_secs(7200)));
        for wrong in ["10", "-5s", "5 sec", "1e3s", "", "h", "9999d"] {
            let error = parse_duration(wrong).expect_err(wrong);
            assert!(error.help.contains("\"10ms\""), "{wrong}: {error}");
        }
    }

    #[test]
    fn durations_are_shown_with_the_digits_that_matter() {
        for (seconds, text) in [
            (0.012, "12 ms"),
            (3.1449, "3.14 s"),
            (42.04, "42.0 s"),
            (59.97, "1 min"),
            (245.0, "4 min 5 s"),
            (7800.0, "2 h 10 min"),
            (273_600.0, "3 d 4 h"),
        ] {
            assert_eq!(format_duration(Duration::from_secs_f64(seconds)), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = parse_duration(&text);
        }
    }
}
