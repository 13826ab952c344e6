//! The slope of a line through points of which some may be far off: the median of the slopes between
//! all pairs (Theil 1950; Sen, "Estimates of the regression coefficient based on Kendall's tau",
//! Journal of the American Statistical Association 63, 1968, for the interval and for ties).

use super::normal;

/// Points below which there is no interval to speak of.
pub const LEAST_POINTS: usize = 8;

/// A slope with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// Median of the slopes of all pairs.
    pub slope: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The slope of `y` over `x` with an interval of that `confidence`. `None` for fewer than
/// [`LEAST_POINTS`] points, lengths that differ, values that are no numbers, or where no two `x`
/// differ. Points should be independent: medians of blocks, where they come close together.
pub fn slope(x: &[f64], y: &[f64], confidence: f64) -> Option<Slope> {
    let n = x.len();
    let is_sound = n == y.len() && x.iter().chain(y).all(|value| value.is_finite());
    if n < LEAST_POINTS || !is_sound {
        return None;
    }
    let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
    for first in 0..n {
        for second in first + 1..n {
            let run = x[second] - x[first];
            if run != 0.0 {
                slopes.push((y[second] - y[first]) / run);
            }
        }
    }
    if slopes.is_empty() {
        return None;
    }
    slopes.sort_by(f64::total_cmp);
    // Kendall's variance, less what ties among the values take from it (Sen 1968, section 4).
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let ties: f64 = ties(y).map(|count| term(count as f64)).sum();
    let deviation = ((term(n as f64) - ties) / 18.0).max(0.0).sqrt();
    let reach = normal::quantile(0.5 + confidence / 2.0) * deviation;
    let pairs = slopes.len() as f64;
    let last = slopes.len() - 1;
    let low = ((pairs - reach) / 2.0).floor().max(0.0) as usize;
    let high = ((pairs + reach) / 2.0).ceil() as usize;
    let middle = slopes.len() / 2;
    let slope = match slopes.len() % 2 {
        1 => slopes[middle],
        _ => (slopes[middle - 1] + slopes[middle]) / 2.0,
    };
    Some(Slope {
        slope,
        low: slopes[low.min(last)].min(slope),
        high: slopes[high.min(last)].max(slope),
    })
}

/// How often each value that comes more than once comes.
fn ties(values: &[f64]) -> impl Iterator<Item = usize> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let counts: Vec<usize> = sorted
        .chunk_by(|one, next| one == next)
        .map(<[f64]>::len)
        .filter(|&count| count > 1)
        .collect();
    counts.into_iter()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::random::Random;
    use super::*;

    fn line(count: usize, slope: f64) -> (Vec<f64>, Vec<f64>) {
        let x: Vec<f64> = (0..count).map(|n| n as f64).collect();
        let y = x.iter().map(|x| 5.0 + slope * x).collect();
        (x, y)
    }

    #[test]
    fn a_straight_line_is_found_exactly() {
        let (x, y) = line(20, -2.5);
        let found = slope(&x, &y, 0.95).unwrap();
        assert_eq!((found.slope, found.low, found.high), (-2.5, -2.5, -2.5));
    }

    #[test]
    fn sens_own_example_is_met() {
        // Sen 1968, section 6: t = 1, 2, 3, 4, 10, 12, 18 and y = 9, 15, 19, 20, 45, 55, 78 give
        // beta* = 4; that has seven points, one more on the line keeps it.
        let x = [1.0, 2.0, 3.0, 4.0, 10.0, 12.0, 18.0, 20.0];
        let y = [9.0, 15.0, 19.0, 20.0, 45.0, 55.0, 78.0, 86.0];
        let found = slope(&x, &y, 0.93).unwrap();
        assert!((found.slope - 4.0).abs() < 0.02, "{found:?}");
        assert!(found.low > 3.6 && found.high < 4.6, "{found:?}");
    }

    #[test]
    fn points_that_are_far_off_do_not_move_it() {
        let (x, mut y) = line(41, 3.0);
        for at in [0, 7, 21, 33] {
            y[at] += 1e9;
        }
        let found = slope(&x, &y, 0.95).unwrap();
        assert!((found.slope - 3.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn what_stands_still_does_not_grow() {
        let (x, y) = line(30, 0.0);
        assert_eq!(
            slope(&x, &y, 0.95),
            Some(Slope {
                slope: 0.0,
                low: 0.0,
                high: 0.0
            })
        );
    }

    #[test]
    fn the_interval_of_noise_holds_zero_as_often_as_it_says() {
        let mut random = Random::new(7);
        let runs = 400;
        let held = (0..runs)
            .filter(|_| {
                let x: Vec<f64> = (0..30).map(f64::from).collect();
                let y: Vec<f64> = x.iter().map(|_| random.unit()).collect();
                let found = slope(&x, &y, 0.95).unwrap();
                found.low <= 0.0 && found.high >= 0.0
            })
            .count();
        // 380 expected, with a deviation of 4.4.
        assert!((362..=396).contains(&held), "{held}");
    }

    #[test]
    fn too_little_has_no_slope() {
        let (x, y) = line(LEAST_POINTS - 1, 1.0);
        assert_eq!(slope(&x, &y, 0.95), None);
        assert_eq!(slope(&[1.0; 9], &[1.0; 9], 0.95), None);
        assert_eq!(slope(&[f64::NAN; 9], &[1.0; 9], 0.95), None);
    }
}
