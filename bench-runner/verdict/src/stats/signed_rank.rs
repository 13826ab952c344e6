//! Where the centre of a sample lies, with an interval that one wild value cannot widen.
//!
//! The centre is that of Hodges and Lehmann: the median of the means of all pairs of values (Walsh
//! averages). The interval inverts Wilcoxon's signed-rank test (Tukey, 1949; Hollander, Wolfe and
//! Chicken, "Nonparametric Statistical Methods", section 3.3): it holds every centre that the test
//! would not reject. The test is exact up to [`EXACT_UP_TO`] values, whatever their distribution,
//! as long as it is symmetric; logarithms of ratios of like programs are.

use super::hodges_lehmann::{Shift, walsh_averages};
use super::{normal, order};

/// Up to so many values the distribution is counted; beyond it is the normal one.
pub const EXACT_UP_TO: usize = 50;

/// So many values an interval at level `1 - alpha` needs: all of them on one side must be rarer
/// than `alpha`.
pub fn values_needed(alpha: f64) -> usize {
    (2.0 / alpha).log2().ceil().max(1.0) as usize
}

/// The centre with its interval at level `1 - alpha`, which is absent below [`values_needed`].
/// None of nothing.
pub fn centre_interval(values: &[f64], alpha: f64) -> Option<Shift> {
    let mut averages = walsh_averages(values);
    let centre = order::median_of(&mut averages)?;
    let interval = critical(values.len(), alpha).map(|cut| {
        let mirrored = averages.len() - 1 - cut;
        let mut at = |place: usize| *averages.select_nth_unstable_by(place, f64::total_cmp).1;
        [at(cut), at(mirrored)]
    });
    Some(Shift { centre, interval })
}

/// How many averages are cut from each side: the largest rank sum that the test still rejects.
/// None where it rejects none.
fn critical(n: usize, alpha: f64) -> Option<usize> {
    if n > EXACT_UP_TO {
        let n = n as f64;
        let mean = n * (n + 1.0) / 4.0;
        let deviation = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
        let reach = mean - 0.5 + deviation * normal::quantile(0.5 * alpha);
        return (reach >= 0.0).then_some(reach.floor() as usize);
    }
    let mut reached = 0.0;
    let rejected = probabilities(n).into_iter().take_while(|probability| {
        reached += probability;
        reached <= 0.5 * alpha
    });
    rejected.count().checked_sub(1)
}

/// How likely each sum of the ranks above zero is, where each rank is above or below by chance.
fn probabilities(n: usize) -> Vec<f64> {
    let mut likely = vec![0.0; n * (n + 1) / 2 + 1];
    likely[0] = 1.0;
    for rank in 1..=n {
        let reached = rank * (rank + 1) / 2;
        for sum in (0..=reached).rev() {
            let with = sum.checked_sub(rank).map_or(0.0, |without| likely[without]);
            likely[sum] = 0.5 * (likely[sum] + with);
        }
    }
    likely
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        // Hollander, Wolfe and Chicken, examples 3.1, 3.3 and 3.4 (depression scale before and
        // after a tranquilizer): estimate -0.46, 96.1% interval (-0.786, -0.010).
        let changes = [
            -0.952, 0.147, -1.022, -0.43, -0.62, -0.59, -0.49, 0.08, -0.01,
        ];
        let got = centre_interval(&changes, 0.05).unwrap();
        let [low, high] = got.interval.unwrap();
        let near = |one: f64, other: f64| (one - other).abs() < 1e-12;
        assert!(
            near(got.centre, -0.46) && near(low, -0.786) && near(high, -0.01),
            "{got:?}"
        );
    }

    #[test]
    fn the_critical_values_are_those_of_wilcoxons_table() {
        for (n, at_5, at_1) in [
            (5, None, None),
            (6, Some(0), None),
            (7, Some(2), None),
            (8, Some(3), Some(0)),
            (9, Some(5), Some(1)),
            (10, Some(8), Some(3)),
            (20, Some(52), Some(37)),
            (50, Some(434), Some(373)),
        ] {
            assert_eq!((critical(n, 0.05), critical(n, 0.01)), (at_5, at_1), "{n}");
        }
        assert_eq!((values_needed(0.05), values_needed(0.01)), (6, 8));
        // The normal approximation takes over within a rank or two.
        assert!(critical(51, 0.05).unwrap().abs_diff(453) <= 2);
    }

    #[test]
    fn nothing_and_few_values_have_no_interval() {
        assert_eq!(centre_interval(&[], 0.05), None);
        let one = centre_interval(&[3.0], 0.05).unwrap();
        assert_eq!((one.centre, one.interval), (3.0, None));
        let same = centre_interval(&[2.0; 6], 0.05).unwrap();
        assert_eq!(same.interval, Some([2.0, 2.0]));
    }

    #[test]
    fn the_interval_holds_the_centre_as_often_as_it_says_and_wild_values_do_not_widen_it() {
        let mut random = Random::new(11);
        let (mut held, mut width, mut wild_width) = (0, 0.0, 0.0);
        for _ in 0..2_000 {
            let mut values: Vec<f64> = (0..20)
                .map(|_| normal::quantile(random.unit().clamp(1e-12, 1.0 - 1e-12)))
                .collect();
            let [low, high] = centre_interval(&values, 0.05).unwrap().interval.unwrap();
            held += u32::from(low <= 0.0 && 0.0 <= high);
            width += high - low;
            values[3] *= 100.0;
            let [low, high] = centre_interval(&values, 0.05).unwrap().interval.unwrap();
            wild_width += high - low;
        }
        assert!((1_870..=1_930).contains(&held), "{held} of 2,000");
        assert!(wild_width < 1.2 * width, "{wild_width} {width}");
    }
}
