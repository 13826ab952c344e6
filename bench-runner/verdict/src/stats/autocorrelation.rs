//! How much a night tells about the next one, and how much less many nights then say.
//!
//! The first-order model: Box, Jenkins and Reinsel, "Time Series Analysis", chapter 3. The variance
//! of a mean of k values with correlation `phi^distance` approaches `rho = (1 + phi) / (1 - phi)`
//! times that of independent ones.

/// More correlation than this is not believed of noise: it would be a trend.
const MOST: f64 = 0.9;

/// The correlation of neighbours, as estimated; biased towards `-1/n`. 0 where nothing varies, and
/// where squares leave the range of numbers: scores never do.
pub fn lag_one(values: &[f64]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let all: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let neighbours: f64 = values
        .windows(2)
        .map(|pair| (pair[0] - mean) * (pair[1] - mean))
        .sum();
    if all > 0.0 && all.is_finite() {
        neighbours / all
    } else {
        0.0
    }
}

/// The correlation that is safely there: the estimate with its bias `-1/n` taken off, less one
/// standard error `1/sqrt n`, between 0 and 0.9.
pub fn shrunk(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let count = values.len() as f64;
    (lag_one(values) + 1.0 / count - 1.0 / count.sqrt()).clamp(0.0, MOST)
}

/// `(1 + phi) / (1 - phi)`: by how much correlation inflates the variance of long means.
pub fn inflation(phi: f64) -> f64 {
    (1.0 + phi) / (1.0 - phi)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    #[test]
    fn degenerate_samples_have_no_correlation() {
        assert_eq!(
            (lag_one(&[]), lag_one(&[1.0]), lag_one(&[3.0; 9])),
            (0.0, 0.0, 0.0)
        );
        assert_eq!((shrunk(&[]), shrunk(&[1.0, -1.0])), (0.0, 0.0));
    }

    #[test]
    fn the_estimate_is_the_textbook_one() {
        // Deviations -1.5 -0.5 0.5 1.5: (0.75 - 0.25 + 0.75) / 5.
        assert!((lag_one(&[1.0, 2.0, 3.0, 4.0]) - 0.25).abs() < 1e-15);
        assert!((lag_one(&[1.0, -1.0, 1.0, -1.0]) + 0.75).abs() < 1e-15);
    }

    #[test]
    fn independent_noise_is_mostly_called_independent_and_correlated_noise_is_not() {
        let mut random = Random::new(6);
        let (mut independent, mut correlated) = (0, 0);
        for _ in 0..200 {
            let mut last = 0.0;
            let noise: Vec<f64> = (0..100).map(|_| random.unit() - 0.5).collect();
            let chained: Vec<f64> = noise
                .iter()
                .map(|value| {
                    last = 0.6 * last + value;
                    last
                })
                .collect();
            independent += usize::from(shrunk(&noise) == 0.0);
            correlated += usize::from(shrunk(&chained) > 0.3);
        }
        assert!(
            independent > 150 && correlated > 150,
            "{independent} {correlated}"
        );
        assert_eq!((inflation(0.0), inflation(0.5)), (1.0, 3.0));
    }
}
