//! The scale of noise that has outliers, and what is left of it when they are clipped.
//!
//! The median absolute deviation and Huber's clipped scores: Huber and Ronchetti, "Robust
//! Statistics", 2nd edition, chapters 1 and 4. The span between the deciles takes over where more
//! than half of the values are one, as on coarse timers and two-state machines.

use super::order;

/// Makes the median absolute deviation of normal noise its standard deviation: 1 / quantile(3/4).
const MAD_TO_SIGMA: f64 = 1.4826;

/// The span between the deciles of normal noise in standard deviations: 2 quantile(0.9).
const DECILES_IN_SIGMA: f64 = 2.563;

/// Scores are clipped at this many scales.
pub const CLIP: f64 = 3.0;

/// Clipping can take most of the variance away on odd shapes; less than this is not believed.
const LEAST_VARIANCE: f64 = 0.25;

/// Where noise lies and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The median.
    pub centre: f64,
    /// The robust standard deviation, not below the floor it was given.
    pub unit: f64,
}

/// The centre and scale of values in ascending order. None of nothing.
pub fn scale_sorted(sorted: &[f64], floor: f64) -> Option<Scale> {
    let centre = order::median_sorted(sorted)?;
    let mad = absolute_deviation_sorted(sorted, centre)?;
    let span = order::quantile_sorted(sorted, 0.9)? - order::quantile_sorted(sorted, 0.1)?;
    let unit = (MAD_TO_SIGMA * mad).max(span / DECILES_IN_SIGMA).max(floor);
    Some(Scale { centre, unit })
}

/// The centre and scale of values in any order. None of nothing.
pub fn scale(values: &[f64], floor: f64) -> Option<Scale> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    scale_sorted(&sorted, floor)
}

/// The median of `|value - centre|` of values in ascending order: the deviations grow in both
/// directions from the centre, so merging the two sides finds it without sorting again.
fn absolute_deviation_sorted(sorted: &[f64], centre: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let mut right = sorted.partition_point(|&value| value < centre);
    let mut left = right;
    let (mut before, mut now) = (0.0, 0.0);
    for _ in 0..=sorted.len() / 2 {
        before = now;
        let below = left.checked_sub(1).map(|at| centre - sorted[at]);
        let above = (right <= last).then(|| sorted[right] - centre);
        now = match (below, above) {
            (Some(below), Some(above)) if below < above => {
                left -= 1;
                below
            }
            (Some(below), None) => {
                left -= 1;
                below
            }
            (_, Some(above)) => {
                right += 1;
                above
            }
            (None, None) => now,
        };
    }
    Some(if sorted.len() % 2 == 1 {
        now
    } else {
        0.5 * (before + now)
    })
}

/// The score of one value: its distance from the centre in scales, clipped.
pub fn score(value: f64, scale: &Scale, clip: f64) -> f64 {
    ((value - scale.centre) / scale.unit).clamp(-clip, clip)
}

/// The variance of scores, not below a quarter; 1 would be expected of unclipped normal noise.
pub fn score_variance(scores: &[f64]) -> f64 {
    variance(scores).max(LEAST_VARIANCE)
}

/// The mean squared distance from the mean; 0 of nothing.
pub fn variance(values: &[f64]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / count
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    #[test]
    fn the_merged_deviation_is_the_median_of_deviations() {
        let mut random = Random::new(8);
        for count in 1..80 {
            let values: Vec<f64> = (0..count).map(|_| random.below(30) as f64).collect();
            let centre = order::median(&values).unwrap();
            let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            assert_eq!(
                absolute_deviation_sorted(&sorted, centre),
                order::median(&deviations)
            );
        }
    }

    #[test]
    fn one_outlier_moves_nothing_and_two_states_are_not_scale_zero() {
        let with = scale(&[9.0, 10.0, 10.0, 10.5, 11.0, 9.5, 1e9], 0.0).unwrap();
        assert!(with.centre == 10.0 && with.unit < 1e9, "{with:?}");
        // Eleven of twenty values are one: the median absolute deviation is 0.
        let mut two_states = vec![1.0; 11];
        two_states.extend([2.0; 9]);
        let got = scale(&two_states, 0.0).unwrap();
        assert!((got.unit - 1.0 / DECILES_IN_SIGMA).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn degenerate_samples_fall_back_on_the_floor() {
        assert_eq!(scale(&[], 0.1), None);
        assert_eq!(
            scale(&[4.0], 0.1),
            Some(Scale {
                centre: 4.0,
                unit: 0.1
            })
        );
        assert_eq!(
            scale(&[4.0; 9], 0.003),
            Some(Scale {
                centre: 4.0,
                unit: 0.003
            })
        );
        assert_eq!(
            (variance(&[]), variance(&[5.0]), score_variance(&[1.0; 4])),
            (0.0, 0.0, 0.25)
        );
    }

    #[test]
    fn scores_are_clipped_and_take_infinities() {
        let scale = Scale {
            centre: 10.0,
            unit: 2.0,
        };
        let scores = [13.0, 100.0, -100.0, f64::NEG_INFINITY].map(|v| score(v, &scale, CLIP));
        assert_eq!(scores, [1.5, 3.0, -3.0, -3.0]);
    }
}
