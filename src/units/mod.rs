//! The words that every other module speaks: amounts that carry their unit, and what they are amounts of.
//!
//! This is the only place that knows how `1.5 GiB`, `5%` or `10ms` is written and read.

mod bytes;
mod duration;
mod metric;
mod percent;
mod quantity;
mod rate;

pub use bytes::{Bytes, SignedBytes};
pub use duration::{format_duration, parse_duration};
pub use metric::{Metric, Parts, Uncertainty};
pub use percent::Percent;
pub use quantity::Quantity;
pub use rate::Rate;

/// Why a text is not the amount it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitError {
    /// What is wrong with the text, naming the part at fault.
    pub what: String,
    /// What a right value looks like.
    pub help: String,
}

impl UnitError {
    fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: help.into() }
    }
}

impl std::fmt::Display for UnitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.what, self.help)
    }
}

impl std::error::Error for UnitError {}

/// Splits `12.5 MiB` into its number and what follows, refusing signs and exponents.
fn number_and_unit<'a>(text: &'a str, help: &str) -> Result<(f64, &'a str), UnitError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(UnitError::new("nothing is written here", help));
    }
    if text.starts_with('-') {
        return Err(UnitError::new(format!("`{text}` is negative"), help));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let exponent = unit
        .strip_prefix(['e', 'E'])
        .is_some_and(|rest| rest.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit()));
    if exponent {
        return Err(UnitError::new(format!("`{text}` has an exponent, write the digits out"), help));
    }
    let number: f64 = match digits.parse() {
        Ok(number) if !digits.starts_with('.') && !digits.ends_with('.') => number,
        _ => return Err(UnitError::new(format!("`{text}` does not begin with a number"), help)),
    };
    Ok((number, unit.trim_start()))
}
