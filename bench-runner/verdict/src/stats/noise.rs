//! What noise does from night to night: its scale, its weight after clipping, its memory.

use serde::{Deserialize, Serialize};

use super::autocorrelation;
use super::robust::{self, CLIP, Scale};

/// A model of noise. The robust standard deviation of one night is `unit * sqrt(variance)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// How many nights it was estimated from.
    pub nights: usize,
    /// Where the residuals' median lies.
    pub centre: f64,
    /// The robust scale `u`.
    pub unit: f64,
    /// The variance `V` of the clipped scores.
    pub variance: f64,
    /// The correlation `phi` of neighbouring nights that is safely there.
    pub phi: f64,
    /// `(1 + phi) / (1 - phi)`: by how much correlation inflates the variance of long means.
    pub rho: f64,
}

impl Noise {
    /// Estimates it from residuals in the order of their nights. `sorted` holds the same residuals
    /// in ascending order. None of nothing.
    pub fn of(residuals: &[f64], sorted: &[f64], floor: f64) -> Option<Noise> {
        let scale = robust::scale_sorted(sorted, floor)?;
        Some(Self::scored(residuals, &scale))
    }

    /// Estimates it from residuals in the order of their nights. None of nothing.
    pub fn estimate(residuals: &[f64], floor: f64) -> Option<Noise> {
        Some(Self::scored(residuals, &robust::scale(residuals, floor)?))
    }

    fn scored(residuals: &[f64], scale: &Scale) -> Noise {
        let scores: Vec<f64> = residuals
            .iter()
            .map(|&value| robust::score(value, scale, CLIP))
            .collect();
        let phi = autocorrelation::shrunk(&scores);
        Noise {
            nights: residuals.len(),
            centre: scale.centre,
            unit: scale.unit,
            variance: robust::score_variance(&scores),
            phi,
            rho: autocorrelation::inflation(phi),
        }
    }

    /// The robust standard deviation of one night.
    pub fn deviation(&self) -> f64 {
        self.unit * self.variance.sqrt()
    }

    /// The variance, in units of `unit` squared, of the difference between the mean of `k` new
    /// nights and a level known from `reference` nights.
    pub fn variance_of_mean(&self, k: usize, reference: usize) -> f64 {
        variance_of_mean((self.variance, self.rho), k, reference)
    }
}

/// [`Noise::variance_of_mean`] of a noise of which just the variance and `rho` are known.
pub fn variance_of_mean((variance, rho): (f64, f64), k: usize, reference: usize) -> f64 {
    let k = k as f64;
    let own = (1.0 + (rho - 1.0) * (1.0 - 1.0 / k)) / k;
    variance * (own + rho / reference as f64)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    #[test]
    fn normal_noise_is_described_by_its_standard_deviation() {
        let mut random = Random::new(2);
        let residuals: Vec<f64> = (0..2_000)
            .map(|_| 0.02 * (0..12).map(|_| random.unit()).sum::<f64>() - 0.12)
            .collect();
        let noise = Noise::estimate(&residuals, 0.003).unwrap();
        assert!((noise.deviation() / 0.02 - 1.0).abs() < 0.05, "{noise:?}");
        assert!(noise.phi < 0.03 && noise.rho < 1.07, "{noise:?}");
        let variance = noise.variance_of_mean(4, 1_000_000);
        assert!((variance / noise.variance - 0.25).abs() < 0.02, "{noise:?}");
    }

    #[test]
    fn nothing_has_no_noise_and_one_night_has_the_floor() {
        assert_eq!(Noise::estimate(&[], 0.003), None);
        let one = Noise::estimate(&[5.0], 0.003).unwrap();
        assert_eq!((one.unit, one.variance, one.rho), (0.003, 0.25, 1.0));
    }
}
