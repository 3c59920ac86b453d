use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{UnitError, number_and_unit};

/// An amount of memory, in bytes. Shown in IEC units: `201.3 MiB`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

const HELP: &str = "write a number and a unit, such as \"512 MiB\" (MiB is 2^20 bytes, MB is 10^6)";

impl Bytes {
    /// No memory at all: a measured zero, never a missing value.
    pub const ZERO: Self = Self(0);

    /// So many KiB (1024 bytes), the unit of most of the kernel's own figures.
    #[must_use]
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib.saturating_mul(1 << 10))
    }

    /// So many MiB (2^20 bytes).
    #[must_use]
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// What is left above `other`, or zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The amount as a float, for ratios and drawing; exact below 2^53 bytes.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }
}

impl Add for Bytes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = SignedBytes;
    fn sub(self, other: Self) -> SignedBytes {
        SignedBytes::from(self).minus(SignedBytes::from(other))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        // The limits sit where rounding would print 1024.0: such an amount reads better in the next unit.
        let text = if bytes < 1 << 10 {
            format!("{bytes} B")
        } else if bytes < (1 << 20) - (1 << 10) / 20 {
            format!("{:.1} KiB", self.as_f64() / 1024.0)
        } else if bytes < (1 << 30) - (1 << 20) / 20 {
            format!("{:.1} MiB", self.as_f64() / f64::from(1 << 20))
        } else if bytes < (1 << 40) - (1 << 30) / 200 {
            format!("{:.2} GiB", self.as_f64() / f64::from(1 << 30))
        } else {
            format!("{:.2} TiB", self.as_f64() / (1u64 << 40) as f64)
        };
        f.pad(&text)
    }
}

impl FromStr for Bytes {
    type Err = UnitError;

    /// Reads `512 MiB`, `1.5GiB`, `300 MB`: a number, a unit with its exact case, nothing else.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = number_and_unit(text, HELP)?;
        if unit.is_empty() {
            return Err(UnitError::new(format!("`{}` has no unit", text.trim()), HELP));
        }
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(UnitError::new(format!("`{unit}` is not a unit of memory"), help_for(unit)));
        };
        let bytes = number * *factor as f64;
        if bytes >= u64::MAX as f64 / 2.0 {
            return Err(UnitError::new(format!("`{}` is more memory than can be counted", text.trim()), HELP));
        }
        Ok(Self(bytes.round() as u64))
    }
}

/// `mb` may have meant MB or MiB: names both, since guessing would be off by 5 %.
fn help_for(unit: &str) -> String {
    let letter = unit.chars().next().unwrap_or(' ').to_ascii_uppercase();
    let power = match letter {
        'K' => ("kB", "10^3", "KiB", "2^10"),
        'M' => ("MB", "10^6", "MiB", "2^20"),
        'G' => ("GB", "10^9", "GiB", "2^30"),
        'T' => ("TB", "10^12", "TiB", "2^40"),
        _ => return HELP.to_owned(),
    };
    format!("write {} ({} bytes) or {} ({} bytes)", power.0, power.1, power.2, power.3)
}

/// A difference between two amounts of memory, in bytes. Shown with its sign: `+2.1 MiB`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignedBytes(pub i64);

impl SignedBytes {
    /// The difference from `other` to this.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The size of the difference, without its direction.
    #[must_use]
    pub const fn magnitude(self) -> Bytes {
        Bytes(self.0.unsigned_abs())
    }

    /// The amount as a float, for ratios; exact below 2^53 bytes.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// The amount without a plus sign: `2.1 MiB`, `-3.0 MiB`.
    #[must_use]
    pub fn plain(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{}", self.magnitude())
    }
}

impl From<Bytes> for SignedBytes {
    fn from(bytes: Bytes) -> Self {
        Self(i64::try_from(bytes.0).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for SignedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.0 {
            0 => "",
            ..0 => "-",
            _ => "+",
        };
        f.pad(&format!("{sign}{}", self.magnitude()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mb_is_ten_to_the_sixth_and_mib_two_to_the_twentieth() {
        assert_eq!("512 MB".parse(), Ok(Bytes(512_000_000)));
        assert_eq!("512 MiB".parse(), Ok(Bytes::from_mib(512)));
        assert_eq!("1.5GiB".parse(), Ok(Bytes(3 << 29)));
        assert_eq!(" 7 B ".parse(), Ok(Bytes(7)));
    }

    #[test]
    fn a_wrong_size_says_what_is_wrong_and_what_is_right() {
        for (text, what, help) in [
            ("512 mb", "`mb` is not a unit", "MB (10^6 bytes) or MiB (2^20 bytes)"),
            ("5", "has no unit", "512 MiB"),
            ("-1 MiB", "is negative", "512 MiB"),
            ("1e3 GiB", "has an exponent", "512 MiB"),
            ("", "nothing is written", "512 MiB"),
            ("MiB", "does not begin with a number", "512 MiB"),
            ("1..5 MiB", "does not begin with a number", "512 MiB"),
            ("1,5 MiB", "is not a unit", "512 MiB"),
            ("99999999 TiB", "more memory than can be counted", "512 MiB"),
        ] {
            let error = text.parse::<Bytes>().expect_err(text);
            assert!(error.what.contains(what), "{text}: {error}");
            assert!(error.help.contains(help), "{text}: {error}");
        }
    }

    #[test]
    fn amounts_are_shown_with_the_digits_that_matter() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (1 << 20, "1.0 MiB"),
            (211_000_000, "201.2 MiB"),
            ((1 << 30) - 1, "1.00 GiB"),
            (3 << 29, "1.50 GiB"),
            (3 << 40, "3.00 TiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!(SignedBytes(-(3 << 20)).to_string(), "-3.0 MiB");
        assert_eq!((Bytes(5) - Bytes(3)).to_string(), "+2 B");
        assert_eq!((Bytes(3) - Bytes(5)).plain(), "-2 B");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Bytes>();
        }

        #[test]
        fn what_is_shown_reads_back_within_its_rounding(bytes in 0u64..1 << 50) {
            let back: Bytes = Bytes(bytes).to_string().parse().unwrap();
            prop_assert!(back.0.abs_diff(bytes) as f64 <= 0.05 * (bytes as f64).max(1.0));
        }
    }
}
