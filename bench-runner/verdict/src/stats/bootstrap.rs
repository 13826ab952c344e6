//! A seeded bootstrap interval of a mean.
//!
//! Efron and Tibshirani, "An Introduction to the Bootstrap", chapter 13; widened for small samples
//! as in Hesterberg, "What teachers should know about the bootstrap", 2015, section 4.3 (the
//! expanded percentile interval): plain percentiles of six values cover 95% only 88% of the time.

use std::cell::{Cell, RefCell};

use super::random::Random;
use super::{normal, order, student};

/// Resamples of up to a hundred values. The ends of a 95% interval are then steady to a few percent
/// of its width.
pub const RESAMPLES: usize = 2_000;

/// Of more values fewer resamples are drawn, [`LEAST_RESAMPLES`] at least, so that an interval costs
/// about as much however many values it is of.
const DRAWS: usize = 100 * RESAMPLES;

/// See [`DRAWS`].
const LEAST_RESAMPLES: usize = 200;

/// Fewer values than this have no interval.
pub const MIN_VALUES: usize = 4;

/// The interval of the mean at level `1 - alpha`. The same seed gives the same interval. None
/// below [`MIN_VALUES`].
pub fn interval_of_mean(values: &[f64], alpha: f64, seed: u64) -> Option<[f64; 2]> {
    if values.len() < MIN_VALUES {
        return None;
    }
    let share = share(values.len(), alpha);
    let mut means = resampled(values, seed);
    Some([
        order::quantile_of(&mut means, share)?,
        order::quantile_of(&mut means, 1.0 - share)?,
    ])
}

/// The share of the means below an interval at level `1 - alpha`, widened for few values.
fn share(len: usize, alpha: f64) -> f64 {
    SHARE.with(|last| match last.get() {
        Some((same_len, same_alpha, share)) if (same_len, same_alpha) == (len, alpha) => share,
        _ => {
            let n = len as f64;
            let widened = (n / (n - 1.0)).sqrt() * student::quantile(0.5 * alpha, len - 1);
            let share = normal::cdf(widened);
            last.set(Some((len, alpha, share)));
            share
        }
    })
}

/// How many resamples are drawn of so many values.
fn resamples(len: usize) -> usize {
    (DRAWS / len.max(1)).clamp(LEAST_RESAMPLES, RESAMPLES)
}

/// Places that were drawn: of all resamples of `len` values with one seed, one resample
/// after the other.
struct Drawn {
    seed: u64,
    len: usize,
    places: Vec<u32>,
}

thread_local! {
    /// The last draw: the rows of a comparison have one seed and as many pairs each, and drawing
    /// takes most of the time.
    static LAST: RefCell<Option<Drawn>> = const { RefCell::new(None) };
    /// The last length and level, and their share.
    static SHARE: Cell<Option<(usize, f64, f64)>> = const { Cell::new(None) };
}

/// The means of the resamples.
fn resampled(values: &[f64], seed: u64) -> Vec<f64> {
    let len = values.len();
    LAST.with_borrow_mut(|last| {
        let is_last = |drawn: &Drawn| drawn.seed == seed && drawn.len == len;
        let drawn = match last.take().filter(is_last) {
            Some(drawn) => last.insert(drawn),
            None => {
                let mut random = Random::new(seed);
                let place = |_| u32::try_from(random.below(len)).unwrap_or(u32::MAX);
                last.insert(Drawn {
                    seed,
                    len,
                    places: (0..resamples(len) * len).map(place).collect(),
                })
            }
        };
        let mean = |places: &[u32]| {
            let value = |place: &u32| values.get(*place as usize).copied().unwrap_or(f64::NAN);
            places.iter().map(value).sum::<f64>() / len as f64
        };
        drawn.places.chunks_exact(len).map(mean).collect()
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let values = [1.0, 2.0, 3.0, 5.0, 8.0];
        let once = interval_of_mean(&values, 0.05, 7).unwrap();
        assert_eq!(once, interval_of_mean(&values, 0.05, 7).unwrap());
        assert_ne!(once, interval_of_mean(&values, 0.05, 8).unwrap());
        assert!(once[0] < 3.8 && 3.8 < once[1], "{once:?}");
    }

    #[test]
    fn what_was_drawn_before_changes_no_interval() {
        let (short, long) = ([1.0, 2.0, 3.0, 5.0, 8.0], [1.0, 2.0, 3.0, 5.0, 8.0, 13.0]);
        let alone = |values: &'static [f64], seed| {
            std::thread::spawn(move || interval_of_mean(values, 0.05, seed))
                .join()
                .unwrap()
        };
        static SHORT: [f64; 5] = [1.0, 2.0, 3.0, 5.0, 8.0];
        static LONG: [f64; 6] = [1.0, 2.0, 3.0, 5.0, 8.0, 13.0];
        for seed in [7, 8, 7] {
            assert_eq!(interval_of_mean(&short, 0.05, seed), alone(&SHORT, seed));
            assert_eq!(interval_of_mean(&long, 0.05, seed), alone(&LONG, seed));
        }
    }

    #[test]
    fn three_values_have_no_interval_and_equal_values_have_a_narrow_one() {
        assert_eq!(interval_of_mean(&[1.0; 3], 0.05, 1), None);
        assert_eq!(interval_of_mean(&[2.0; 6], 0.05, 1), Some([2.0, 2.0]));
    }

    #[test]
    fn the_interval_covers_the_mean_about_as_often_as_it_says() {
        let mut random = Random::new(77);
        for n in [6, 12, 30] {
            let covered = (0..600)
                .filter(|&seed| {
                    let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
                    let values: Vec<f64> = (0..n).map(|_| normal()).collect();
                    let [low, high] = interval_of_mean(&values, 0.05, seed).unwrap();
                    low <= 0.0 && 0.0 <= high
                })
                .count();
            assert!((555..=590).contains(&covered), "n = {n}: {covered} of 600");
        }
    }
}
