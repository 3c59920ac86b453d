use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Bytes, Quantity, UnitError, number_and_unit};

/// A share of something else, in hundredths. Shown as `5.0%`.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(pub f64);

const HELP: &str = "write a number and one percent sign, such as \"5%\"";

impl Percent {
    /// How far `value` is above `base` (below: negative), as a share of `base`. None where `base` is not above zero.
    #[must_use]
    pub fn change(base: impl Into<Quantity>, value: impl Into<Quantity>) -> Option<Self> {
        let (base, value) = (base.into(), value.into());
        base.is_positive().then(|| Self((value.as_f64() - base.as_f64()) / base.as_f64() * 100.0))
    }

    /// This share of an amount.
    #[must_use]
    pub fn of(self, amount: Bytes) -> Bytes {
        Bytes((amount.as_f64() * self.0 / 100.0).round() as u64)
    }

    /// With its sign, for changes: `+8.3%`.
    #[must_use]
    pub fn signed(self) -> String {
        format!("{:+.1}%", self.0)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.1}%", self.0))
    }
}

impl FromStr for Percent {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = number_and_unit(text, HELP)?;
        match unit {
            "%" if number.is_finite() => Ok(Self(number)),
            "" => Err(UnitError::new(format!("`{}` has no percent sign", text.trim()), HELP)),
            _ => Err(UnitError::new(format!("`{}` is not a percentage", text.trim()), HELP)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SignedBytes;
    use proptest::prelude::*;

    #[test]
    fn a_percentage_has_one_percent_sign() {
        assert_eq!("5%".parse(), Ok(Percent(5.0)));
        assert_eq!("0.5 %".parse(), Ok(Percent(0.5)));
        for wrong in ["5", "10 %%", "-5%", "1e1%", "%", "five%", "5 percent"] {
            let error = wrong.parse::<Percent>().expect_err(wrong);
            assert!(error.help.contains("\"5%\""), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_change_is_told_against_the_base_and_not_at_all_against_nothing() {
        assert_eq!(Percent::change(SignedBytes(200), SignedBytes(210)), Some(Percent(5.0)));
        assert_eq!(Percent::change(SignedBytes(200), SignedBytes(190)), Some(Percent(-5.0)));
        assert_eq!(Percent::change(SignedBytes(0), SignedBytes(190)), None);
        assert_eq!(Percent(8.25).signed(), "+8.2%");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Percent>();
        }
    }
}
