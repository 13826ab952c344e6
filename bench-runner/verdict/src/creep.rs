//! Statement D: slow change against the accepted level.
//!
//! A level that drifts by a fifth of a percent a night moves its own baseline along and never
//! makes a step. It is seen against a level that does not move: the first nights after a release,
//! after what a person accepted, or after the last confirmed step.

use serde::{Deserialize, Serialize};

use crate::stats::hodges_lehmann;
use crate::stats::noise::Noise;

/// So many nights on each side are compared.
pub const NIGHTS: usize = 14;
/// The least change that is flagged, on logarithms: ln 1.04.
pub const LEAST: f64 = 0.039_220_713_153_281_29;
/// The shift must exceed so many standard deviations of itself.
const DEVIATIONS: f64 = 4.0;
/// A Hodges-Lehmann shift is so much wider than a difference of means on normal noise.
const WIDER: f64 = 1.02;
/// More memory than this is drift itself, and must not hide it.
const MOST_RHO: f64 = 4.0;

/// The change since the accepted level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Creep {
    /// The shift from the accepted nights to the last ones.
    pub shift: f64,
    /// What noise alone could do.
    pub reach: f64,
    /// Whether it is more than noise, and matters.
    pub flagged: bool,
}

/// Compares the accepted level's first nights with the last ones. `unit` is what a relative
/// difference of 1 is. None where either side has fewer than [`NIGHTS`].
pub fn creep(accepted: &[f64], last: &[f64], noise: &Noise, unit: f64) -> Option<Creep> {
    let accepted = accepted.get(..NIGHTS)?;
    let last = last.get(last.len().checked_sub(NIGHTS)?..)?;
    let shift = hodges_lehmann::shift(accepted, last)?;
    let reach = DEVIATIONS
        * WIDER
        * noise.deviation()
        * noise.rho.min(MOST_RHO).sqrt()
        * (2.0 / NIGHTS as f64).sqrt();
    let flagged = shift.abs() > LEAST * unit && shift.abs() - reach > 0.0;
    Some(Creep {
        shift,
        reach,
        flagged,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;
    use crate::simulation::Simulation;

    fn noise(unit: f64) -> Noise {
        Noise {
            nights: 100,
            centre: 0.0,
            unit,
            variance: 1.0,
            phi: 0.0,
            rho: 1.0,
        }
    }

    #[test]
    fn thirteen_nights_are_too_few() {
        assert_eq!(creep(&[0.0; 13], &[1.0; 14], &noise(0.01), 1.0), None);
        assert_eq!(creep(&[0.0; 14], &[1.0; 13], &noise(0.01), 1.0), None);
    }

    #[test]
    fn a_shift_is_flagged_when_it_matters_and_noise_could_not_do_it() {
        let flagged = |shift: f64, unit: f64| {
            creep(&[0.0; 20], &[shift; 14], &noise(unit), 1.0)
                .unwrap()
                .flagged
        };
        assert!(flagged(0.06, 0.01));
        assert!(flagged(-0.06, 0.01));
        assert!(!flagged(0.03, 0.001), "below 4% it does not matter");
        assert!(!flagged(0.06, 0.05), "noise could do it");
    }

    #[test]
    fn noise_alone_is_not_flagged() {
        let mut flagged = 0;
        for seed in 0..200 {
            let values = Simulation::new(seed).noise(0.03).nights(28).logs();
            let noise = Noise::estimate(&values, 0.003).unwrap();
            flagged += usize::from(creep(&values, &values, &noise, 1.0).unwrap().flagged);
        }
        assert!(flagged <= 1, "{flagged} of 200");
    }
}
