//! Two sides measured in pairs, round by round: what drifts hits both sides of a pair alike.
//!
//! The ratio of each pair is one observation, read as its logarithm. Interleaving and pairing:
//! Kalibera and Jones, "Rigorous benchmarking in reasonable time", 2013. The centre and its interval
//! are those of ranks ([`signed_rank`]), not of the geometric mean: a machine that does something
//! else for a while disturbs some pairs by half their time, and a mean follows them.

use super::{hodges_lehmann, order, signed_rank};

/// Pairs on logarithms: `ln(head / base)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs(Vec<f64>);

/// The ratio of two sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedRatio {
    /// How many pairs.
    pub pairs: usize,
    /// The Hodges-Lehmann centre of `ln(head / base)`.
    pub log_ratio: f64,
    /// Its interval; absent below [`signed_rank::values_needed`] pairs.
    pub interval: Option<[f64; 2]>,
}

impl Pairs {
    /// Pairs up values by their place. None where the sides differ in length, are empty, or hold a
    /// value that is not positive and finite: there is no ratio then.
    pub fn new(base: &[f64], head: &[f64]) -> Option<Pairs> {
        let positive = |side: &[f64]| side.iter().all(|value| *value > 0.0 && value.is_finite());
        let usable = base.len() == head.len() && !base.is_empty();
        (usable && positive(base) && positive(head)).then(|| {
            Pairs(
                base.iter()
                    .zip(head)
                    .map(|(base, head)| (head / base).ln())
                    .collect(),
            )
        })
    }

    /// The logarithms of the ratios.
    pub fn log_ratios(&self) -> &[f64] {
        &self.0
    }

    /// The ratio with its interval at level `1 - alpha`.
    pub fn ratio(&self, alpha: f64) -> PairedRatio {
        let found = signed_rank::centre_interval(&self.0, alpha);
        PairedRatio {
            pairs: self.0.len(),
            log_ratio: found.map_or_else(|| self.centre(), |found| found.centre),
            interval: found.and_then(|found| found.interval),
        }
    }

    /// The Hodges-Lehmann centre of the logarithms: robust against one disturbed pair.
    pub fn centre(&self) -> f64 {
        hodges_lehmann::centre(&self.0).unwrap_or_default()
    }

    /// The median absolute deviation of the logarithms.
    pub fn deviation(&self) -> f64 {
        let centre = order::median(&self.0).unwrap_or_default();
        let mut distances: Vec<f64> = self.0.iter().map(|value| (value - centre).abs()).collect();
        order::median_of(&mut distances).unwrap_or_default()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn drift_that_hits_both_sides_cancels() {
        let base = [100.0, 110.0, 125.0, 140.0, 160.0, 200.0];
        let head = base.map(|value| value * 1.1);
        let ratio = Pairs::new(&base, &head).unwrap().ratio(0.05);
        assert!((ratio.log_ratio - 1.1_f64.ln()).abs() < 1e-12);
        let [low, high] = ratio.interval.unwrap();
        assert!(high - low < 1e-9);
    }

    #[test]
    fn what_has_no_ratio_is_no_pair() {
        assert_eq!(Pairs::new(&[], &[]), None);
        assert_eq!(Pairs::new(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(Pairs::new(&[0.0], &[1.0]), None);
        assert_eq!(Pairs::new(&[1.0], &[f64::INFINITY]), None);
        assert_eq!(
            Pairs::new(&[1.0], &[2.0]).unwrap().ratio(0.05).interval,
            None
        );
    }

    #[test]
    fn one_disturbed_pair_moves_the_centre_little() {
        let base = [100.0; 5];
        let pairs = Pairs::new(&base, &[110.0, 110.5, 109.5, 110.2, 400.0]).unwrap();
        assert!(
            (pairs.centre() - 1.1_f64.ln()).abs() < 0.01,
            "{}",
            pairs.centre()
        );
        assert!(pairs.deviation() < 0.005);
    }
}
