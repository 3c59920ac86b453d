//! Statistics of a few values.

use crate::units::{Bytes, Quantity, Rate, SignedBytes};

/// An amount that has a middle to another.
pub trait Amount: Copy + Ord {
    /// The mean of two amounts, rounded half up.
    #[must_use]
    fn mean(self, other: Self) -> Self;
}

impl Amount for Bytes {
    fn mean(self, other: Self) -> Self {
        Self((u128::from(self.0) + u128::from(other.0)).div_ceil(2) as u64)
    }
}

impl Amount for SignedBytes {
    fn mean(self, other: Self) -> Self {
        Self((i128::from(self.0) + i128::from(other.0) + 1).div_euclid(2) as i64)
    }
}

impl Amount for Rate {
    fn mean(self, other: Self) -> Self {
        Self(SignedBytes(self.0).mean(SignedBytes(other.0)).0)
    }
}

impl Amount for Quantity {
    fn mean(self, other: Self) -> Self {
        self.mean(other)
    }
}

/// The middle value; of an even number of values the mean of the two in the middle. None of none.
#[must_use]
pub fn median<T: Amount>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(if sorted.len() % 2 == 1 { upper } else { upper.mean(sorted[sorted.len() / 2 - 1]) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        for (values, middle) in [
            (vec![], None),
            (vec![7], Some(7)),
            (vec![9, 1, 5], Some(5)),
            (vec![9, 1, 4, 6], Some(5)),
            (vec![2, 1], Some(2)),
        ] {
            let values: Vec<Bytes> = values.into_iter().map(Bytes).collect();
            assert_eq!(median(&values), middle.map(Bytes));
        }
        assert_eq!(median(&[SignedBytes(-3), SignedBytes(-4)]), Some(SignedBytes(-3)));
        assert_eq!(median(&[Bytes(u64::MAX), Bytes(u64::MAX)]), Some(Bytes(u64::MAX)));
        assert_eq!(median(&[SignedBytes(i64::MIN), SignedBytes(i64::MAX)]), Some(SignedBytes(0)));
    }

    proptest! {
        #[test]
        fn the_median_lies_within_the_values_whatever_their_order(mut values in proptest::collection::vec(any::<i64>(), 1..20)) {
            let amounts = |values: &[i64]| values.iter().map(|value| SignedBytes(*value)).collect::<Vec<_>>();
            let middle = median(&amounts(&values)).unwrap().0;
            values.reverse();
            prop_assert_eq!(median(&amounts(&values)).unwrap().0, middle);
            let below = values.iter().filter(|value| **value <= middle).count();
            let above = values.iter().filter(|value| **value >= middle).count();
            prop_assert!(values.iter().any(|value| *value <= middle) && values.iter().any(|value| *value >= middle));
            prop_assert!(below * 2 >= values.len() && above * 2 >= values.len());
        }
    }
}
