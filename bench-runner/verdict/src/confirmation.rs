//! Same-night confirmation: what was flagged is measured again, interleaved with the last good
//! revision, and judged by its pairs.

use serde::{Deserialize, Serialize};

use crate::stats::paired::Pairs;
use crate::verdict::{Params, Verdict};

/// Pairs measured at first.
pub const FIRST_PAIRS: usize = 4;
/// Pairs after which it is decided or left open.
pub const MOST_PAIRS: usize = 12;
/// The least difference that counts, on logarithms: ln 1.04.
pub const LEAST: f64 = 0.039_220_713_153_281_29;

/// A difference must exceed so many standard errors.
const CONFIRM_BEYOND: f64 = 4.0;
/// It is refuted when even so many standard errors more would not count.
const REFUTE_WITHIN: f64 = 2.0;
/// The spread of pairs is never believed to be smaller than this.
const LEAST_DEVIATION: f64 = 0.002;
/// A Hodges-Lehmann centre is so much wider than a mean on normal noise.
const WIDER: f64 = 1.05;
/// Makes the median absolute deviation of normal noise its standard deviation.
const MAD_TO_SIGMA: f64 = 1.4826;

/// What the pairs say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The difference is real.
    Confirmed,
    /// There is no difference that counts: tails that start after the good revision count no more.
    Refuted,
    /// Eight more pairs are needed.
    MorePairs,
    /// Undecided after all pairs: the nights to come decide alone.
    Open,
}

/// The pairs judged, with every number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// How many pairs.
    pub pairs: usize,
    /// The centre of `ln(tonight / good)`.
    pub log_ratio: f64,
    /// The spread of one pair.
    pub deviation: f64,
    /// The standard error of the centre.
    pub error: f64,
    /// What they say.
    pub outcome: Outcome,
}

/// What a server makes of pairs measured on the night of a run, and the run's verdict with that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Each series that the run has too.
    pub series: Vec<Answered>,
    /// The run's verdict as it stands now.
    pub verdict: Verdict,
}

/// What the pairs of one series say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The server's number of the series.
    pub series_id: i64,
    /// Benchmark name.
    pub benchmark: String,
    /// Its dimensions.
    pub params: Params,
    /// Metric name.
    pub metric: String,
    /// Tonight against the good revision, as a fraction; positive is worse.
    pub change: f64,
    /// The pairs judged.
    #[serde(flatten)]
    pub numbers: Confirmation,
}

/// The spread of identical sides: what noise alone does to the logarithm of a pair's ratio. None
/// below [`FIRST_PAIRS`] of them.
pub fn identical_deviation(log_ratios: &[f64]) -> Option<f64> {
    let squares: f64 = log_ratios.iter().map(|ratio| ratio * ratio).sum();
    (log_ratios.len() >= FIRST_PAIRS).then(|| (squares / log_ratios.len() as f64).sqrt())
}

/// Judges pairs whose base is the good revision and whose head is tonight's. `identical` is the
/// standard deviation of pairs of identical sides kept from other nights, where there are any.
pub fn judge(pairs: &Pairs, identical: Option<f64>) -> Confirmation {
    let count = pairs.log_ratios().len();
    let k = count as f64;
    let own = MAD_TO_SIGMA * pairs.deviation() * (1.0 + 2.0 / k);
    let deviation = own.max(identical.unwrap_or_default()).max(LEAST_DEVIATION);
    let error = WIDER * deviation / k.sqrt();
    let log_ratio = pairs.centre();
    let size = log_ratio.abs();
    let outcome = if count >= FIRST_PAIRS && size >= LEAST && size >= CONFIRM_BEYOND * error {
        Outcome::Confirmed
    } else if count >= FIRST_PAIRS && size + REFUTE_WITHIN * error < LEAST {
        Outcome::Refuted
    } else if count < MOST_PAIRS {
        Outcome::MorePairs
    } else {
        Outcome::Open
    };
    Confirmation {
        pairs: count,
        log_ratio,
        deviation,
        error,
        outcome,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    fn pairs(count: usize, factor: f64, noise: f64, seed: u64) -> Pairs {
        let mut random = Random::new(seed);
        let mut side = |factor: f64| {
            (0..count)
                .map(|_| factor * (1.0 + noise * (random.unit() - 0.5)))
                .collect::<Vec<f64>>()
        };
        let (base, head) = (side(100.0), side(100.0 * factor));
        Pairs::new(&base, &head).unwrap()
    }

    #[test]
    fn a_clear_slowdown_is_confirmed_by_four_pairs_and_none_is_refuted() {
        let outcomes = |factor| {
            (0..50).filter(move |&seed| {
                let outcome = judge(&pairs(FIRST_PAIRS, factor, 0.01, seed), None).outcome;
                outcome
                    == if factor > 1.0 {
                        Outcome::Confirmed
                    } else {
                        Outcome::Refuted
                    }
            })
        };
        assert!(outcomes(1.15).count() >= 48);
        assert!(outcomes(1.0).count() >= 48);
    }

    #[test]
    fn three_pairs_decide_nothing() {
        assert_eq!(
            judge(&pairs(3, 1.5, 0.001, 1), None).outcome,
            Outcome::MorePairs
        );
    }

    #[test]
    fn what_noise_hides_asks_for_more_and_then_stays_open() {
        let at = |count| judge(&pairs(count, 1.05, 0.3, 3), Some(0.12)).outcome;
        assert_eq!(at(FIRST_PAIRS), Outcome::MorePairs);
        assert_eq!(at(MOST_PAIRS), Outcome::Open);
    }

    #[test]
    fn the_spread_of_identical_sides_keeps_a_lucky_quartet_from_deciding() {
        let lucky = Pairs::new(&[100.0; 4], &[106.0, 106.01, 106.0, 105.99]).unwrap();
        assert_eq!(judge(&lucky, None).outcome, Outcome::Confirmed);
        assert_eq!(judge(&lucky, Some(0.05)).outcome, Outcome::MorePairs);
    }
}
