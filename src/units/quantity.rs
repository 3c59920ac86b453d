use serde::Serialize;

use super::{Bytes, Rate, SignedBytes};

/// What a measure is an amount of: memory, or memory in a time. Two are compared only where both are of one kind, as all values
/// of one measure are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Quantity {
    /// An amount of memory, or a difference of two.
    Memory(SignedBytes),
    /// How fast memory grows.
    Rate(Rate),
}

impl Quantity {
    /// The difference from `other`, which is of the same kind, to this.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        self.with(self.number().saturating_sub(other.number()))
    }

    /// The sum of this and `other`, which is of the same kind.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        self.with(self.number().saturating_add(other.number()))
    }

    /// The mean of this and `other`, which is of the same kind, rounded half up.
    #[must_use]
    pub fn mean(self, other: Self) -> Self {
        let sum = i128::from(self.number()) + i128::from(other.number());
        self.with((sum + 1).div_euclid(2) as i64)
    }

    /// So many times this, to the nearest byte (per minute).
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        self.with((self.as_f64() * factor).round() as i64)
    }

    /// The same number for ratios. Exact below 2^53.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.number() as f64
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.number() > 0
    }

    /// Without a plus sign: `2.1 MiB`, `-3.0 MiB/min`.
    #[must_use]
    pub fn plain(self) -> String {
        match self {
            Self::Memory(bytes) => bytes.plain(),
            Self::Rate(rate) => rate.to_string(),
        }
    }

    /// With its sign, for changes: `+2.1 MiB`, `-3.0 MiB/min`.
    #[must_use]
    pub fn signed(self) -> String {
        match self {
            Self::Memory(bytes) => bytes.to_string(),
            Self::Rate(rate) => rate.signed(),
        }
    }

    /// The amount of memory; None of a rate, and of less than nothing.
    #[must_use]
    pub fn memory(self) -> Option<Bytes> {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.0).ok().map(Bytes),
            Self::Rate(_) => None,
        }
    }

    /// Of what one is: `bytes`, or `bytes_per_min`.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Memory(_) => "bytes",
            Self::Rate(_) => "bytes_per_min",
        }
    }

    /// In bytes, or in bytes per minute.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Memory(bytes) => bytes.0,
            Self::Rate(rate) => rate.0,
        }
    }

    const fn with(self, number: i64) -> Self {
        match self {
            Self::Memory(_) => Self::Memory(SignedBytes(number)),
            Self::Rate(_) => Self::Rate(Rate(number)),
        }
    }
}

impl From<Bytes> for Quantity {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes.into())
    }
}

impl From<SignedBytes> for Quantity {
    fn from(bytes: SignedBytes) -> Self {
        Self::Memory(bytes)
    }
}

impl From<Rate> for Quantity {
    fn from(rate: Rate) -> Self {
        Self::Rate(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reckoned_keeps_its_kind() {
        let (memory, rate) = (Quantity::from(Bytes(5)), Quantity::from(Rate(-4)));
        assert_eq!(memory.minus(Quantity::from(Bytes(8))), Quantity::Memory(SignedBytes(-3)));
        assert_eq!(memory.mean(Quantity::from(Bytes(8))), Quantity::from(Bytes(7)));
        assert_eq!(rate.plus(Quantity::from(Rate(1))).times(1.5), Quantity::Rate(Rate(-5)));
        assert_eq!((rate.plain().as_str(), memory.signed().as_str()), ("-4 B/min", "+5 B"));
        assert_eq!(
            (memory.memory(), rate.memory(), memory.minus(memory.times(2.0)).memory()),
            (Some(Bytes(5)), None, None)
        );
        assert_eq!(serde_json::to_string(&[memory, rate]).unwrap(), "[5,-4]");
    }
}
