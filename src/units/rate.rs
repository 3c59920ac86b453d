use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Bytes, SignedBytes, UnitError, number_and_unit};

/// How fast memory grows (or, below zero, shrinks), in bytes per minute. Shown as `2.1 MiB/min`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(pub i64);

const HELP: &str = "write an amount and a time, such as \"2 MiB/min\" (a second is `s`, an hour `h`, a day `d`)";

const MINUTE: f64 = 60.0;

impl Rate {
    /// No growth at all: a measured zero, never a missing value.
    pub const ZERO: Self = Self(0);

    /// The rate of a rise over a time, to the nearest byte per minute. None where no time passed.
    #[must_use]
    pub fn of(rise: SignedBytes, over: Duration) -> Option<Self> {
        (!over.is_zero()).then(|| Self::per_second(rise.as_f64() / over.as_secs_f64()))
    }

    /// From bytes per second, to the nearest byte per minute.
    #[must_use]
    pub fn per_second(bytes: f64) -> Self {
        Self((bytes * MINUTE).round() as i64)
    }

    /// The difference from `other` to this.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// With its sign, for growth found: `+2.1 MiB/min`.
    #[must_use]
    pub fn signed(self) -> String {
        format!("{}/min", SignedBytes(self.0))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/min", SignedBytes(self.0).plain()))
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    /// Reads `2 MiB/min`, `1.5MB/s`, `100 MiB / h`: an amount of memory, a slash, a unit of time.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let Some((amount, time)) = text.split_once('/') else {
            let what = match number_and_unit(text, HELP) {
                Ok(_) => format!("`{}` does not say in which time", text.trim()),
                Err(wrong) => wrong.what,
            };
            return Err(UnitError::new(what, HELP));
        };
        let seconds = match time.trim() {
            "s" => 1.0,
            "m" | "min" => MINUTE,
            "h" => 3600.0,
            "d" => 86_400.0,
            "" => return Err(UnitError::new(format!("`{}` has no time after the slash", text.trim()), HELP)),
            other => return Err(UnitError::new(format!("`{other}` is not a unit of time"), HELP)),
        };
        let amount: Bytes = amount.parse().map_err(|wrong: UnitError| UnitError { help: HELP.to_owned(), ..wrong })?;
        let per_minute = amount.as_f64() / seconds * MINUTE;
        if per_minute >= i64::MAX as f64 / 2.0 {
            return Err(UnitError::new(format!("`{}` is more than can be counted", text.trim()), HELP));
        }
        Ok(Self(per_minute.round() as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rate_is_an_amount_in_a_time() {
        for (text, rate) in [
            ("2 MiB/min", 2 << 20),
            ("2MiB/m", 2 << 20),
            ("1.5 MB / s", 90_000_000),
            ("60 MiB/h", 1 << 20),
            ("1440 kB/d", 1000),
            ("0 B/min", 0),
        ] {
            assert_eq!(text.parse(), Ok(Rate(rate)), "{text}");
        }
    }

    #[test]
    fn a_wrong_rate_says_what_is_wrong_and_what_is_right() {
        for (text, what) in [
            ("2 MiB", "`2 MiB` does not say in which time"),
            ("2 MiB/", "has no time after the slash"),
            ("2 MiB/week", "`week` is not a unit of time"),
            ("2/min", "`2` has no unit"),
            ("2 mib/min", "`mib` is not a unit of memory"),
            ("-2 MiB/min", "is negative"),
            ("", "nothing is written here"),
            ("fast", "does not begin with a number"),
            ("4000000 TiB/s", "more than can be counted"),
        ] {
            let error = text.parse::<Rate>().expect_err(text);
            assert!(error.what.contains(what), "{text}: {error}");
            assert!(error.help.contains("\"2 MiB/min\""), "{text}: {error}");
        }
    }

    #[test]
    fn a_rate_is_shown_by_the_minute() {
        assert_eq!(Rate(2 << 20).to_string(), "2.0 MiB/min");
        assert_eq!(Rate(-512).to_string(), "-512 B/min");
        assert_eq!(Rate(2 << 20).signed(), "+2.0 MiB/min");
        assert_eq!(Rate::ZERO.signed(), "0 B/min");
        assert_eq!(Rate::of(SignedBytes(1 << 20), Duration::from_secs(30)), Some(Rate(2 << 20)));
        assert_eq!(Rate::of(SignedBytes(1), Duration::ZERO), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*", amount in ".*", time in ".*") {
            let _ = text.parse::<Rate>();
            let _ = format!("{amount}/{time}").parse::<Rate>();
        }

        #[test]
        fn what_is_shown_reads_back_within_its_rounding(rate in 0i64..1 << 50) {
            let back: Rate = Rate(rate).to_string().parse().unwrap();
            prop_assert!(back.0.abs_diff(rate) as f64 <= 0.05 * (rate as f64).max(1.0));
        }
    }
}
