//! A seeded bootstrap interval of a mean.
//!
//! Efron and Tibshirani, "An Introduction to the Bootstrap", chapter 13; widened for small samples
//! as in Hesterberg, "What teachers should know about the bootstrap", 2015, section 4.3 (the
//! expanded percentile interval): plain percentiles of six values cover 95% only 88% of the time.

use super::random::Random;
use super::{normal, order, student};

/// Resamples. The ends of a 95% interval are then steady to a few percent of its width.
pub const RESAMPLES: usize = 2_000;

/// Fewer values than this have no interval.
pub const MIN_VALUES: usize = 4;

/// The interval of the mean at level `1 - alpha`. The same seed gives the same interval. None
/// below [`MIN_VALUES`].
pub fn interval_of_mean(values: &[f64], alpha: f64, seed: u64) -> Option<[f64; 2]> {
    if values.len() < MIN_VALUES {
        return None;
    }
    let n = values.len() as f64;
    let mut random = Random::new(seed);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            values
                .iter()
                .map(|_| values[random.below(values.len())])
                .sum::<f64>()
                / n
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let widened = (n / (n - 1.0)).sqrt() * student::quantile(0.5 * alpha, values.len() - 1);
    let share = normal::cdf(widened);
    Some([
        order::quantile_sorted(&means, share)?,
        order::quantile_sorted(&means, 1.0 - share)?,
    ])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let values = [1.0, 2.0, 3.0, 5.0, 8.0];
        let once = interval_of_mean(&values, 0.05, 7).unwrap();
        assert_eq!(once, interval_of_mean(&values, 0.05, 7).unwrap());
        assert_ne!(once, interval_of_mean(&values, 0.05, 8).unwrap());
        assert!(once[0] < 3.8 && 3.8 < once[1], "{once:?}");
    }

    #[test]
    fn three_values_have_no_interval_and_equal_values_have_a_narrow_one() {
        assert_eq!(interval_of_mean(&[1.0; 3], 0.05, 1), None);
        assert_eq!(interval_of_mean(&[2.0; 6], 0.05, 1), Some([2.0, 2.0]));
    }

    #[test]
    fn the_interval_covers_the_mean_about_as_often_as_it_says() {
        let mut random = Random::new(77);
        for n in [6, 12, 30] {
            let covered = (0..600)
                .filter(|&seed| {
                    let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
                    let values: Vec<f64> = (0..n).map(|_| normal()).collect();
                    let [low, high] = interval_of_mean(&values, 0.05, seed).unwrap();
                    low <= 0.0 && 0.0 <= high
                })
                .count();
            assert!((555..=590).contains(&covered), "n = {n}: {covered} of 600");
        }
    }
}
