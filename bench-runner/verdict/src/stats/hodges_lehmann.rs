//! How far one sample lies from another.
//!
//! Hodges and Lehmann, "Estimates of location based on rank tests", 1963: the median of all
//! differences. The interval inverts the Mann-Whitney test (Moses, 1953; Hollander, Wolfe and
//! Chicken, "Nonparametric Statistical Methods", section 4.3): it holds every shift that the test
//! would not reject, and so excludes zero exactly when the test rejects.

use super::mann_whitney::{EXACT_UP_TO, smallest_p, with_exact_tail};
use super::normal;
use super::order;

/// The median of `b - a` over all pairs. None of nothing.
pub fn shift(a: &[f64], b: &[f64]) -> Option<f64> {
    order::median_of(&mut differences(a, b))
}

/// The median of the means of all pairs of values, each with itself too: the centre of a
/// symmetric sample. None of nothing.
pub fn centre(values: &[f64]) -> Option<f64> {
    order::median_of(&mut walsh_averages(values))
}

/// The means of all pairs of values, each with itself too.
pub(super) fn walsh_averages(values: &[f64]) -> Vec<f64> {
    let mut means = Vec::with_capacity(values.len() * (values.len() + 1) / 2);
    for (index, a) in values.iter().enumerate() {
        means.extend(values.iter().skip(index).map(|b| 0.5 * (a + b)));
    }
    means
}

/// A shift with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The median of all differences.
    pub centre: f64,
    /// Every shift that the test at this level would not reject; absent where the samples are too
    /// few to reject any.
    pub interval: Option<[f64; 2]>,
}

/// The shift from `a` to `b` with its interval at level `1 - alpha`. None of nothing.
pub fn shift_interval(a: &[f64], b: &[f64], alpha: f64) -> Option<Shift> {
    let mut differences = differences(a, b);
    differences.sort_unstable_by(f64::total_cmp);
    let centre = order::median_sorted(&differences)?;
    let interval = critical(a.len(), b.len(), alpha).and_then(|order| {
        let low = *differences.get(order.checked_sub(1)?)?;
        let high = *differences.get(differences.len().checked_sub(order)?)?;
        Some([low, high])
    });
    Some(Shift { centre, interval })
}

/// Which difference, counted from 1 and from either side, ends the interval: the largest U that
/// the test still rejects, plus one. None where it rejects none.
fn critical(n1: usize, n2: usize, alpha: f64) -> Option<usize> {
    if n1.max(n2) > EXACT_UP_TO {
        let (a, b) = (n1 as f64, n2 as f64);
        let deviation = (a * b * (a + b + 1.0) / 12.0).sqrt();
        let reach = 0.5 * a * b - 0.5 + deviation * normal::quantile(0.5 * alpha);
        return (reach >= 0.0).then_some(reach.floor() as usize + 1);
    }
    if smallest_p(n1, n2) > alpha {
        return None;
    }
    Some(with_exact_tail(n1, n2, |tail| {
        tail.partition_point(|p| 2.0 * p <= alpha)
    }))
}

fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut all = Vec::with_capacity(a.len() * b.len());
    for from in a {
        all.extend(b.iter().map(|to| to - from));
    }
    all
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;
    use crate::stats::mann_whitney::mann_whitney;
    use crate::stats::random::Random;
    use crate::stats::sample::Sample;

    #[test]
    fn shifts_of_few_values() {
        assert_eq!(shift(&[], &[1.0]), None);
        assert_eq!(shift(&[1.0], &[4.0]), Some(3.0));
        assert_eq!(shift(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]), Some(10.0));
        assert_eq!(shift(&[1.0, 2.0, 3.0], &[1.0, 2.0, 1_000.0]), Some(0.0));
        assert_eq!(centre(&[]), None);
        assert_eq!(centre(&[1.0, 2.0, 9.0]), Some(3.5));
    }

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        // Hollander, Wolfe and Chicken, example 4.1 and 4.5 (tritiated water through human
        // chorioamnion): estimate -0.305, 96% interval (-0.76, 0.15).
        let at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let earlier = [1.15, 0.88, 0.90, 0.74, 1.21];
        let got = shift_interval(&at_term, &earlier, 0.05).unwrap();
        assert!((got.centre + 0.305).abs() < 1e-12, "{got:?}");
        let [low, high] = got.interval.unwrap();
        assert!(
            (low + 0.76).abs() < 1e-12 && (high - 0.15).abs() < 1e-12,
            "{got:?}"
        );
    }

    #[test]
    fn three_samples_a_side_have_no_interval() {
        let got = shift_interval(&[1.0, 2.0, 3.0], &[7.0, 8.0, 9.0], 0.05).unwrap();
        assert_eq!(
            got,
            Shift {
                centre: 6.0,
                interval: None
            }
        );
        assert!(shift_interval(&[], &[], 0.05).is_none());
    }

    #[test]
    fn the_interval_excludes_zero_exactly_when_the_test_rejects() {
        let mut random = Random::new(4);
        let mut rejected = 0;
        for case in 0..2_000 {
            let (n1, n2) = (2 + random.below(12), 2 + random.below(12));
            let moved = random.unit() * f64::from(case % 3);
            let a: Vec<f64> = (0..n1).map(|_| random.unit()).collect();
            let b: Vec<f64> = (0..n2).map(|_| random.unit() + moved).collect();
            let p = mann_whitney(&Sample::new(&a).unwrap(), &Sample::new(&b).unwrap()).p;
            let interval = shift_interval(&a, &b, 0.05).unwrap().interval;
            let excludes = interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0);
            assert_eq!(p <= 0.05, excludes, "{p} {interval:?}");
            rejected += usize::from(excludes);
        }
        assert!((200..1_800).contains(&rejected), "{rejected}");
    }
}
