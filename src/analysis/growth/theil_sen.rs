//! The slope through a few points by Theil (1950) and Sen (1968), with an interval for noise that is not independent (Hamed and
//! Rao, 1998, "A modified Mann-Kendall trend test for autocorrelated data").

/// 95 % of a normal distribution lies within so many of its deviations.
const DEVIATIONS: f64 = 1.959_964;
/// What is left of a lag's correlation is noise itself within so many of its deviations (90 %).
const CORRELATED: f64 = 1.644_854;

/// A slope with its interval, in units of the values over those of their places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slope {
    pub(super) slope: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The slope through points (place, value), at least two, in the order of their places.
pub(super) fn slope(points: &[(f64, f64)]) -> Slope {
    let mut slopes: Vec<f64> = Vec::with_capacity(points.len() * points.len() / 2);
    for (index, (from, low)) in points.iter().enumerate() {
        slopes.extend(points[index + 1..].iter().map(|(to, high)| (high - low) / (to - from)));
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let count = slopes.len();
    let upper = count / 2;
    let slope = if count % 2 == 1 { slopes[upper] } else { f64::midpoint(slopes[upper - 1], slopes[upper]) };
    let n = points.len() as f64;
    let residuals: Vec<f64> = points.iter().map(|(place, value)| value - slope * place).collect();
    let variance = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0 * memory(&residuals);
    let reach = DEVIATIONS * variance.sqrt();
    // Of as few points as there are no more pairs than that, the interval ends with the pairs.
    let low = ((count as f64 - reach) / 2.0).floor().max(0.0) as usize;
    let high = (((count as f64 + reach) / 2.0).ceil() as usize).min(count - 1);
    Slope { slope, low: slopes[low], high: slopes[high] }
}

/// How many times more the ranks vary together than if each value stood for itself; 1 at the least.
fn memory(residuals: &[f64]) -> f64 {
    let ranks = ranks(residuals);
    let n = ranks.len();
    let mean = (n as f64 + 1.0) / 2.0;
    let product = |lag: usize| -> f64 {
        ranks.iter().zip(&ranks[lag..]).map(|(early, late)| (early - mean) * (late - mean)).sum()
    };
    let all = product(0);
    if all <= 0.0 {
        return 1.0;
    }
    let noise = CORRELATED / (n as f64).sqrt();
    let weight = |lag: usize| ((n - lag) * (n - lag - 1) * (n - lag - 2)) as f64;
    let sum: f64 = (1..n / 2)
        .map(|lag| (product(lag) / all, lag))
        .filter(|(correlation, _)| correlation.abs() > noise)
        .map(|(correlation, lag)| weight(lag) * correlation)
        .sum();
    (1.0 + 2.0 * sum / weight(0)).max(1.0)
}

/// The rank of each value, from 1; equal ones share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count();
        let equal = values.iter().filter(|other| *other == value).count();
        below as f64 + (equal as f64 + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Vec<(f64, f64)> {
        values.iter().enumerate().map(|(place, value)| (place as f64, *value)).collect()
    }

    #[test]
    fn a_line_has_its_slope_and_no_interval() {
        let slope = slope(&points(&[1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0]));
        assert_eq!((slope.low, slope.slope, slope.high), (2.0, 2.0, 2.0));
    }

    #[test]
    fn a_few_outliers_do_not_turn_it() {
        let mut values: Vec<f64> = (0..16).map(f64::from).collect();
        (values[3], values[11]) = (900.0, -900.0);
        let slope = slope(&points(&values));
        assert_eq!(slope.slope, 1.0);
        assert!(slope.low > 0.5 && slope.high < 1.5, "{slope:?}");
    }

    #[test]
    fn the_interval_is_sens_where_values_stand_for_themselves() {
        // Sen's own example has no noise that is remembered; here the ranks of the residuals alternate.
        let values = [1.0, 0.2, 2.1, 1.4, 3.3, 2.4, 4.2, 3.1, 5.4, 4.0];
        let slope = slope(&points(&values));
        // 45 pairs; 1.96 * sqrt(10 * 9 * 25 / 18) = 21.9: the 12th and the 35th from the bottom.
        let mut all: Vec<f64> =
            (0..10).flat_map(|i| (i + 1..10).map(move |j| (values[j] - values[i]) / (j - i) as f64)).collect();
        all.sort_by(f64::total_cmp);
        assert_eq!((slope.low, slope.slope, slope.high), (all[11], all[22], all[34]));
    }

    #[test]
    fn what_remembers_counts_for_less() {
        let wave = [0.0, 1.0, 2.0, 3.0, 3.2, 2.9, 2.0, 1.1, 0.2, -1.0, -1.5, -2.0, -1.1, -0.2, 1.0, 2.0];
        assert!(memory(&wave) > 1.5, "{}", memory(&wave));
        let teeth = [0.0, 1.0, 0.1, 1.1, 0.0, 0.9, 0.2, 1.0, 0.1, 1.2];
        assert_eq!(memory(&teeth), 1.0);
        assert_eq!(memory(&[5.0; 10]), 1.0);
    }
}
