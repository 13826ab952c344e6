//! A distribution as it was recorded: what a histogram, a cumulative curve and a percentile curve
//! draw.

use hdrhistogram::serialization::Deserializer;

/// Percentiles that are read by themselves.
pub const READ: [f64; 6] = [0.5, 0.9, 0.99, 0.999, 0.9999, 1.0];

/// So many steps of a percentile curve lie between 1 in 10^n and 1 in 10^(n+1).
const STEPS_A_DECADE: usize = 24;

/// Values with how often they were seen, in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// How many values were recorded.
    pub count: u64,
    /// Value, and how many values are at most it.
    steps: Vec<(f64, u64)>,
}

/// A part of a histogram: from, to, and which part of all values lie in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Its lower end.
    pub from: f64,
    /// Its upper end.
    pub to: f64,
    /// 0 to 1.
    pub part: f64,
}

impl Distribution {
    /// Reads HdrHistogram's V2 or V2 + DEFLATE encoding, whose range and digits were checked when it
    /// was stored. `None` for what is not one, or holds nothing.
    pub fn read(data: &[u8]) -> Option<Self> {
        let recorded: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut &data[..]).ok()?;
        let mut steps = Vec::new();
        let mut count = 0;
        for step in recorded.iter_recorded() {
            count += step.count_at_value();
            // The middle of a cell errs least.
            let middle = recorded.median_equivalent(step.value_iterated_to());
            steps.push((middle as f64, count));
        }
        (count > 0).then_some(Self { count, steps })
    }

    /// The smallest value.
    pub fn min(&self) -> f64 {
        self.steps.first().map_or(0.0, |step| step.0)
    }

    /// The largest value.
    pub fn max(&self) -> f64 {
        self.steps.last().map_or(0.0, |step| step.0)
    }

    /// The value that the given part of all values does not exceed.
    pub fn quantile(&self, part: f64) -> f64 {
        let rank = (part * self.count as f64).ceil().max(1.0) as u64;
        let at = self.steps.partition_point(|step| step.1 < rank);
        self.steps.get(at).map_or(self.max(), |step| step.0)
    }

    /// Whether enough values were recorded to speak of this quantile: at least one lies beyond it.
    pub fn knows(&self, part: f64) -> bool {
        // One of 10,000 lies beyond p99.99, though 1 - 0.9999 is less than 1 / 10,000 in binary.
        const ROUNDING: f64 = 1e-9;
        part >= 1.0 || self.count as f64 * (1.0 - part) >= 1.0 - ROUNDING
    }

    /// Percentile curve: `-log10(1 - part)`, so that each further nine takes the same width, and the
    /// value; up to 1 in 10,000 or as far as the recorded values reach.
    pub fn nines(&self) -> Vec<(f64, f64)> {
        const MOST_NINES: f64 = 4.0;
        let most = MOST_NINES.min((self.count as f64).log10());
        let count = (most * STEPS_A_DECADE as f64).floor() as usize;
        (0..=count)
            .map(|i| {
                let nines = i as f64 / STEPS_A_DECADE as f64;
                (nines, self.quantile(1.0 - 10f64.powf(-nines)))
            })
            .collect()
    }

    /// Cumulative curve: value, and the part of all values that are at most it, in percent. At most
    /// about `most` steps.
    pub fn cumulative(&self, most: usize) -> Vec<(f64, f64)> {
        let every = self.steps.len().div_ceil(most.max(1)).max(1);
        let last = self.steps.len().saturating_sub(1);
        self.steps
            .iter()
            .enumerate()
            .filter(|(i, _)| i % every == 0 || *i == last)
            .map(|(_, (value, upto))| (*value, *upto as f64 / self.count as f64 * 100.0))
            .collect()
    }

    /// `bins` bins of one ratio between two values above zero, so that tails have room.
    pub fn bins(&self, from: f64, to: f64, bins: usize) -> Vec<Bin> {
        let ratio = (to / from).powf(1.0 / bins as f64);
        let upto = |value: f64| {
            let at = self.steps.partition_point(|step| step.0 < value);
            at.checked_sub(1)
                .and_then(|before| self.steps.get(before))
                .map_or(0, |step| step.1)
        };
        (0..bins)
            .map(|i| {
                let (low, high) = (
                    from * ratio.powi(i32::try_from(i).unwrap_or(0)),
                    from * ratio.powi(i32::try_from(i + 1).unwrap_or(0)),
                );
                // The last bin holds its upper end, too.
                let end = if i + 1 == bins {
                    high * 1.000_001
                } else {
                    high
                };
                Bin {
                    from: low,
                    to: high,
                    part: (upto(end) - upto(low)) as f64 / self.count as f64,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Distribution {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        for value in values {
            histogram.record(value).unwrap();
        }
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&histogram, &mut bytes)
            .unwrap();
        Distribution::read(&bytes).unwrap()
    }

    #[test]
    fn quantiles_are_those_of_the_recorded_values() {
        let all = of(1..=10_000);
        assert_eq!(all.count, 10_000);
        for (part, expected) in [(0.5, 5_000.0), (0.99, 9_900.0), (0.9999, 9_999.0)] {
            let is = all.quantile(part);
            assert!((is / expected - 1.0).abs() < 0.001, "{part}: {is}");
        }
        assert!(all.knows(0.9999) && !all.knows(0.99999));
        assert!(!of(1..=100).knows(0.999));
        let nines = all.nines();
        assert_eq!(nines.last().unwrap().0, 4.0);
        assert!(of(1..=100).nines().last().unwrap().0 <= 2.0);
    }

    #[test]
    fn nothing_and_noise_are_no_distribution() {
        assert_eq!(Distribution::read(&[]), None);
        assert_eq!(Distribution::read(b"not a histogram"), None);
        let mut bytes = Vec::new();
        let empty = Histogram::<u64>::new(2).unwrap();
        V2DeflateSerializer::new()
            .serialize(&empty, &mut bytes)
            .unwrap();
        assert_eq!(Distribution::read(&bytes), None);
    }

    proptest! {
        #[test]
        fn every_value_lies_in_one_bin(values in proptest::collection::vec(1_u64..1_000_000, 1..300)) {
            let all = of(values.iter().copied());
            let sum: f64 = all.bins(all.min(), all.max() * 1.001, 40).iter().map(|b| b.part).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9, "{sum}");
            let curve = all.cumulative(50);
            prop_assert!(curve.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
            prop_assert_eq!(curve.last().unwrap().1, 100.0);
        }
    }
}
