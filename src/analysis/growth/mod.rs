//! How fast memory grows once start-up is over.

use crate::units::Rate;

/// The robust slope of the steady part: after ready and before the final drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// The Theil–Sen estimate: the median of the slopes between all pairs of instants.
    pub slope: Rate,
    /// The lower end of its 95 % confidence interval.
    pub low: Rate,
    /// The upper end.
    pub high: Rate,
}

impl Growth {
    /// Whether memory grows beyond doubt: the whole interval is above zero.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.low > Rate::ZERO
    }
}
