//! The geometric mean: the mean of ratios.

/// The geometric mean. None of nothing, and where a value is not positive.
pub fn geomean(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|value| *value <= 0.0 || value.is_nan()) {
        return None;
    }
    // A running mean, as go-moremath takes it, so that even the last digits agree with benchstat's.
    let mut mean = 0.0;
    for (index, value) in values.iter().enumerate() {
        mean += (value.ln() - mean) / (index + 1) as f64;
    }
    Some(mean.exp())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn ratios_that_undo_each_other_have_mean_one() {
        assert!((geomean(&[2.0, 0.5]).unwrap() - 1.0).abs() < 1e-15);
        assert!((geomean(&[1e300, 1e300]).unwrap() / 1e300 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_zero_and_negative_values_have_none() {
        assert_eq!(geomean(&[]), None);
        assert_eq!(geomean(&[1.0, 0.0]), None);
        assert_eq!(geomean(&[1.0, -1.0]), None);
        assert_eq!(geomean(&[f64::NAN]), None);
    }
}
