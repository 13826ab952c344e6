//! The median with its order-statistic interval.
//!
//! The interval lies between two order statistics and assumes nothing about the distribution: how
//! many of n samples fall below the true median is binomial(n, 1/2). See David and Nagaraja,
//! "Order Statistics", 3rd edition, section 7.1. Which two order statistics, and the approximation
//! beyond 30 samples, are chosen as benchstat does (go-moremath, `QuantileCI`), so that both print
//! the same interval.

use super::normal;
use super::sample::Sample;

/// The level of all intervals.
pub const CONFIDENCE: f64 = 0.95;

/// The fewest samples whose range covers the median with [`CONFIDENCE`]: `1 - 2 / 2^6` does,
/// `1 - 2 / 2^5` does not.
pub const MIN_SAMPLES: usize = 6;

/// Up to this many samples the binomial is summed exactly.
const EXACT_UP_TO: usize = 30;

/// A sample's centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many samples.
    pub n: usize,
    /// Their median.
    pub median: f64,
    /// The interval of the median at [`CONFIDENCE`]; absent below [`MIN_SAMPLES`].
    pub interval: Option<[f64; 2]>,
}

impl Summary {
    /// The largest distance of the interval from the median, relative to the median. Absent without
    /// an interval, and where the interval crosses zero, which no percentage describes.
    pub fn spread(&self) -> Option<f64> {
        let [low, high] = self.interval?;
        let same_sign = low.signum() == self.median.signum()
            && high.signum() == self.median.signum()
            && (low == 0.0) == (self.median == 0.0)
            && (high == 0.0) == (self.median == 0.0);
        match (same_sign, self.median == 0.0) {
            (false, _) => None,
            (true, true) => Some(0.0),
            (true, false) => Some((high / self.median - 1.0).max(1.0 - low / self.median)),
        }
    }
}

/// Summarises a sample.
pub fn summary(sample: &Sample) -> Summary {
    let values = sample.values();
    let interval = orders(values.len(), CONFIDENCE).and_then(|(low, high)| {
        Some([
            *values.get(low.checked_sub(1)?)?,
            *values.get(high.checked_sub(1)?)?,
        ])
    });
    Summary {
        n: values.len(),
        median: sample.median(),
        interval,
    }
}

/// The order statistics, counted from 1, that bound the interval of the median of `n` samples.
/// None where one of them would lie outside the sample.
pub fn orders(n: usize, confidence: f64) -> Option<(usize, usize)> {
    let (low, high) = if n <= EXACT_UP_TO {
        exact_orders(n, confidence)
    } else {
        normal_orders(n, confidence)
    };
    (low >= 1 && high <= n).then_some((low, high))
}

/// Starts at the likeliest count of samples below the median and adds the likelier neighbour, the
/// lower one when both are equal, until the confidence is reached. Returns `[low, high)` of that
/// count, which are the orders.
fn exact_orders(n: usize, confidence: f64) -> (usize, usize) {
    let mut binomial = vec![0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX))];
    for k in 1..=n {
        let last = binomial.last().copied().unwrap_or_default();
        binomial.push(last * (n + 1 - k) as f64 / k as f64);
    }
    let at = |k: Option<usize>| k.and_then(|k| binomial.get(k)).copied().unwrap_or_default();
    let mut low = n
        .div_ceil(2)
        .min(n.div_ceil(2).saturating_sub(usize::from(n % 2 == 1)));
    let mut high = low + 1;
    let mut sum = at(Some(low));
    loop {
        let (left, right) = (at(low.checked_sub(1)), at(Some(high)));
        if sum >= confidence || (left <= 0.0 && right <= 0.0) {
            return (low, high);
        }
        if left >= right {
            sum += left;
            low -= 1;
        } else {
            sum += right;
            high += 1;
        }
    }
}

/// The normal approximation with continuity correction; the upper order moves in by one where the
/// confidence still holds.
fn normal_orders(n: usize, confidence: f64) -> (usize, usize) {
    let mean = 0.5 * n as f64;
    let deviation = 0.5 * (n as f64).sqrt();
    let from = mean + deviation * normal::quantile(0.5 * (1.0 - confidence));
    let to = 2.0 * mean - from;
    let low = ((from - 0.5).floor() + 0.5).floor() + 1.0;
    let high = ((to - 0.5).ceil() + 0.5).floor() + 1.0;
    let covered = |low: f64, high: f64| {
        normal::cdf((high - 0.5 - mean) / deviation) - normal::cdf((low - 0.5 - mean) / deviation)
    };
    let narrower = covered(low, high - 1.0);
    let high = if narrower >= confidence && narrower < covered(low, high) {
        high - 1.0
    } else {
        high
    };
    (low.max(0.0) as usize, high.max(0.0) as usize)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Summary {
        summary(&Sample::new(values).unwrap())
    }

    #[test]
    fn five_samples_have_no_interval_and_six_have_their_range() {
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0, 5.0]).interval, None);
        assert_eq!(
            of(&[6.0, 1.0, 2.0, 3.0, 4.0, 5.0]).interval,
            Some([1.0, 6.0])
        );
        assert_eq!(
            of(&[1.0]),
            Summary {
                n: 1,
                median: 1.0,
                interval: None
            }
        );
    }

    #[test]
    fn the_orders_are_those_of_the_published_tables() {
        // David and Nagaraja, table 7.1: the shortest symmetric-or-nearly interval at 95%.
        for (n, want) in [
            (6, (1, 6)),
            (8, (1, 7)),
            (10, (2, 9)),
            (15, (4, 12)),
            (20, (6, 15)),
        ] {
            assert_eq!(orders(n, 0.95), Some(want), "n = {n}");
        }
        assert_eq!(orders(0, 0.95), None);
    }

    #[test]
    fn every_interval_covers_the_median_as_often_as_it_promises() {
        for n in MIN_SAMPLES..200 {
            let (low, high) = orders(n, CONFIDENCE).unwrap();
            // The true median lies between the two orders when low <= K < high samples fall below.
            let mut term = (n as f64 * 0.5_f64.ln()).exp();
            let mut covered = 0.0;
            for k in 0..=n {
                covered += if (low..high).contains(&k) { term } else { 0.0 };
                term *= (n - k) as f64 / (k + 1) as f64;
            }
            // The approximation beyond 30 samples may miss by the error of the approximation.
            assert!(covered > CONFIDENCE - 0.002, "n = {n}: {covered}");
            assert!(covered < 0.985, "n = {n}: {covered}");
        }
    }

    #[test]
    fn the_spread_is_the_wider_side_in_parts_of_the_median() {
        let spread = of(&[90.0, 95.0, 100.0, 100.0, 101.0, 104.0])
            .spread()
            .unwrap();
        assert!((spread - 0.1).abs() < 1e-12);
        assert_eq!(of(&[0.0; 6]).spread(), Some(0.0));
        assert_eq!(of(&[-1.0, 2.0, 2.0, 2.0, 2.0, 2.0]).spread(), None);
        assert_eq!(of(&[0.0, 2.0, 2.0, 2.0, 2.0, 2.0]).spread(), None);
        assert_eq!(of(&[1.0, 2.0]).spread(), None);
    }
}
