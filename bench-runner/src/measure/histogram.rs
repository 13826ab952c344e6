//! Latencies as HDR histograms: three significant digits from 1 ns to 60 s.

use hdrhistogram::Histogram;

/// The longest latency that is told apart; longer ones count as this. Nanoseconds.
pub const LONGEST_NS: u64 = 60_000_000_000;

/// A distribution of latencies in nanoseconds.
#[derive(Debug, Clone)]
pub struct Latencies {
    counts: Histogram<u32>,
}

impl Latencies {
    /// An empty distribution. Its memory is reserved now and touched when used, so that recording
    /// never allocates.
    pub fn new() -> Self {
        Self {
            counts: Histogram::new_with_bounds(1, LONGEST_NS, 3)
                .expect("1 ns to 60 s with 3 digits is a valid range"),
        }
    }

    /// Records one latency. Zero counts as 1 ns, the smallest that the histogram can hold.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        self.counts.saturating_record(ns.max(1));
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Latencies) {
        self.counts
            .add(&other.counts)
            .expect("both have the same range and digits, so every value fits");
    }

    /// How many latencies were recorded.
    pub fn len(&self) -> u64 {
        self.counts.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The latency that a share `quantile` (0 to 1) of all latencies does not exceed, in ns;
    /// `None` when nothing was recorded.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        (!self.is_empty()).then(|| self.counts.value_at_quantile(quantile) as f64)
    }

    /// The arithmetic mean in ns; `None` when nothing was recorded.
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.counts.mean())
    }

    /// Adds all of it to a histogram of the same range and digits with wider counts, such as
    /// [`Latencies::wide`] makes: many rounds together may exceed 32 bits.
    pub fn add_to(&self, wide: &mut Histogram<u64>) {
        for value in self.counts.iter_recorded() {
            wide.saturating_record_n(value.value_iterated_to(), u64::from(value.count_at_value()));
        }
    }

    /// An empty histogram for [`Latencies::add_to`].
    pub fn wide() -> Histogram<u64> {
        Histogram::new_with_bounds(1, LONGEST_NS, 3)
            .expect("1 ns to 60 s with 3 digits is a valid range")
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(values: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::new();
        for value in values {
            latencies.record(value);
        }
        latencies
    }

    #[test]
    fn quantiles_are_within_a_thousandth() {
        let latencies = filled(1..=100_000);
        for (quantile, exact) in [(0.5, 50_000.0), (0.9, 90_000.0), (0.99, 99_000.0)] {
            let value = latencies.quantile(quantile).expect("filled");
            assert!(
                (value / exact - 1.0).abs() < 1e-3,
                "{quantile}: {value} for {exact}"
            );
        }
    }

    #[test]
    fn nothing_recorded_has_no_quantile_and_no_mean() {
        assert_eq!(Latencies::new().quantile(0.5), None);
        assert_eq!(Latencies::new().mean(), None);
    }

    #[test]
    fn too_long_a_latency_counts_as_the_longest() {
        let value = filled([u64::MAX]).quantile(1.0).expect("filled");
        assert!((value / LONGEST_NS as f64 - 1.0).abs() < 1e-3);
    }

    #[test]
    fn the_wide_form_has_the_same_distribution() {
        let latencies = filled((1..5_000).map(|n| n * n));
        let mut wide = Latencies::wide();
        latencies.add_to(&mut wide);
        latencies.add_to(&mut wide);
        assert_eq!(wide.len(), 2 * latencies.len());
        let p99 = latencies.quantile(0.99);
        assert_eq!(Some(wide.value_at_quantile(0.99) as f64), p99);
    }

    #[test]
    fn merging_adds_the_counts() {
        let mut one = filled([10, 20]);
        one.merge(&filled([30]));
        assert_eq!(one.len(), 3);
        assert_eq!(one.quantile(1.0), Some(30.0));
    }
}
