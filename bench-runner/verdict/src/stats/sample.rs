//! Repeated measurements of one thing, checked once.

use thiserror::Error;

use super::order;

/// Why numbers are not a sample.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum SampleError {
    /// A statistic of nothing is nothing.
    #[error("no samples")]
    Empty,
    /// NaN or an infinity: something went wrong while measuring, and every statistic would hide it.
    #[error("sample {index} is {value}, which is not a finite number")]
    NotFinite {
        /// Counted from 0.
        index: usize,
        /// What stood there.
        value: f64,
    },
}

/// One or more finite numbers in ascending order.
///
/// 1. Never empty. 2. Every value is finite. 3. Sorted. Together these guarantee that every
///    statistic of a sample exists and that order statistics cost an index.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Checks and sorts.
    pub fn new(values: &[f64]) -> Result<Sample, SampleError> {
        if values.is_empty() {
            return Err(SampleError::Empty);
        }
        if let Some((index, &value)) = values
            .iter()
            .enumerate()
            .find(|(_, value)| !value.is_finite())
        {
            return Err(SampleError::NotFinite { index, value });
        }
        // Adding 0 turns -0 into 0, which total_cmp would otherwise order below it.
        let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Sample(sorted))
    }

    /// The values in ascending order.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// How many; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a sample is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The median.
    pub fn median(&self) -> f64 {
        order::median_sorted(&self.0).unwrap_or(self.min())
    }

    /// The smallest value.
    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or_default()
    }

    /// The largest value.
    pub fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or_default()
    }

    /// Whether all values are one.
    pub fn is_constant(&self) -> bool {
        self.min() == self.max()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_refused_by_place_and_value() {
        assert_eq!(Sample::new(&[]), Err(SampleError::Empty));
        let refused = Sample::new(&[1.0, f64::NAN]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "sample 1 is NaN, which is not a finite number"
        );
        let refused = Sample::new(&[f64::INFINITY]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "sample 0 is inf, which is not a finite number"
        );
    }

    #[test]
    fn a_sample_is_sorted_and_knows_its_middle() {
        let sample = Sample::new(&[3.0, -1e300, 1e300, 3.0, -0.0]).unwrap();
        assert_eq!(sample.values(), [-1e300, 0.0, 3.0, 3.0, 1e300]);
        assert_eq!((sample.median(), sample.len()), (3.0, 5));
        assert!(!sample.is_constant());
        assert!(Sample::new(&[0.0, -0.0]).unwrap().is_constant());
        assert_eq!(Sample::new(&[2.0]).unwrap().median(), 2.0);
    }
}
