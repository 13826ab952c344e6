//! Order statistics: medians and quantiles.
//!
//! Quantiles interpolate linearly between order statistics (Hyndman and Fan, "Sample quantiles in
//! statistical packages", 1996, type 7), as NumPy and R do by default.

/// The median; of an even count the mean of the middle two. None of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    median_of(&mut values.to_vec())
}

/// The median of values that may be put into another order.
pub fn median_of(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if even {
        let lower = below.iter().copied().max_by(f64::total_cmp)?;
        Some(middle_of(lower, upper))
    } else {
        Some(upper)
    }
}

/// The median of values in ascending order.
pub fn median_sorted(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    sorted
        .get(sorted.len() / 2 - 1)
        .map(|&lower| middle_of(lower, upper))
}

/// The quantile `q` (0 to 1) of values in ascending order. None of nothing.
pub fn quantile_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = q.clamp(0.0, 1.0) * last as f64;
    let below = place.floor();
    let lower = *sorted.get(below as usize)?;
    let upper = *sorted.get((below as usize + 1).min(last))?;
    Some(lower + (upper - lower) * (place - below))
}

/// The quantile `q` (0 to 1) of values that may be put into another order. None of nothing.
pub fn quantile_of(values: &mut [f64], q: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = q.clamp(0.0, 1.0) * last as f64;
    let below = place.floor();
    let (_, &mut lower, above) = values.select_nth_unstable_by(below as usize, f64::total_cmp);
    let upper = above
        .iter()
        .copied()
        .min_by(f64::total_cmp)
        .unwrap_or(lower);
    Some(lower + (upper - lower) * (place - below))
}

/// Half way between two numbers, also where their sum has no room.
fn middle_of(lower: f64, upper: f64) -> f64 {
    let sum = lower + upper;
    if sum.is_finite() {
        0.5 * sum
    } else {
        0.5 * lower + 0.5 * upper
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_few_values() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[5.0, 1.0]), Some(3.0));
        assert_eq!(median(&[5.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[7.0; 6]), Some(7.0));
        assert_eq!(median(&[1e308, 1.2e308]), Some(1.1e308));
    }

    #[test]
    fn sorted_and_unsorted_medians_agree() {
        let mut random = crate::stats::random::Random::new(5);
        for count in 1..60 {
            let mut values: Vec<f64> = (0..count).map(|_| random.below(9) as f64).collect();
            let unsorted = median(&values);
            values.sort_by(f64::total_cmp);
            assert_eq!(unsorted, median_sorted(&values));
            assert_eq!(unsorted, quantile_sorted(&values, 0.5));
        }
        assert_eq!(median_sorted(&[]), None);
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8, 16], [0, .1, .25, .9, 1])
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        let got = [0.0, 0.1, 0.25, 0.9, 1.0].map(|q| quantile_sorted(&sorted, q));
        assert_eq!(got, [1.0, 1.4, 2.0, 12.8, 16.0].map(Some));
        assert_eq!(quantile_sorted(&[], 0.5), None);
        assert_eq!(quantile_sorted(&[3.0], 0.9), Some(3.0));
    }
}
