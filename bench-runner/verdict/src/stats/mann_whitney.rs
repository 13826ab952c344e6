//! The two-sided Mann-Whitney U test.
//!
//! Mann and Whitney, "On a test of whether one of two random variables is stochastically larger
//! than the other", 1947. Without ties the distribution of U is the Gaussian binomial coefficient,
//! with ties it is built up one tied group at a time (Klotz, "The Wilcoxon, ties, and the
//! computer", 1966); both are exact counts. Larger samples use the normal approximation with tie
//! and continuity correction. The limits are those of benchstat, so that both print the same p.

use super::normal;
use super::sample::Sample;

/// Up to this many samples a side the test is exact.
pub const EXACT_UP_TO: usize = 50;

/// The same where values are tied.
pub const EXACT_WITH_TIES_UP_TO: usize = 25;

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the first sample's value is the larger, ties counting half.
    pub u: f64,
    /// How likely samples this far apart are where nothing differs.
    pub p: f64,
    /// All values of both samples are one: p is 1 and says nothing.
    pub all_equal: bool,
}

/// Tests two samples.
pub fn mann_whitney(first: &Sample, second: &Sample) -> MannWhitney {
    let (n1, n2) = (first.len(), second.len());
    let (groups, doubled_u) = tied_groups(first.values(), second.values());
    let u = doubled_u as f64 / 2.0;
    if groups.len() == 1 {
        return MannWhitney {
            u,
            p: 1.0,
            all_equal: true,
        };
    }
    let tied = groups.len() < n1 + n2;
    let limit = if tied {
        EXACT_WITH_TIES_UP_TO
    } else {
        EXACT_UP_TO
    };
    let p = if n1.max(n2) > limit {
        normal_p(n1, n2, u, &groups)
    } else if tied {
        exact_p_tied(n1, n2, doubled_u, &groups)
    } else {
        exact_p(n1, n2, doubled_u / 2)
    };
    MannWhitney {
        u,
        p,
        all_equal: false,
    }
}

/// The smallest p that samples of these sizes can give: what full separation gives.
pub fn smallest_p(n1: usize, n2: usize) -> f64 {
    if n1 == 0 || n2 == 0 {
        1.0
    } else {
        exact_p(n1.min(50), n2.min(50), 0)
    }
}

/// How many samples a side full separation needs to reach `alpha`.
pub fn samples_needed(alpha: f64) -> usize {
    (1..EXACT_UP_TO)
        .find(|&n| smallest_p(n, n) <= alpha)
        .unwrap_or(EXACT_UP_TO)
}

/// The sizes of the groups of equal values in ascending order, and twice U.
fn tied_groups(first: &[f64], second: &[f64]) -> (Vec<usize>, usize) {
    let (mut i, mut j, mut doubled_u) = (0, 0, 0);
    let mut groups = Vec::with_capacity(first.len() + second.len());
    while i < first.len() || j < second.len() {
        let least = match (first.get(i), second.get(j)) {
            (Some(&a), Some(&b)) => a.min(b),
            (Some(&value), None) | (None, Some(&value)) => value,
            (None, None) => break,
        };
        let count = |side: &[f64], from: usize| {
            side.iter()
                .skip(from)
                .take_while(|value| **value == least)
                .count()
        };
        let (own, other) = (count(first, i), count(second, j));
        doubled_u += own * (2 * j + other);
        groups.push(own + other);
        i += own;
        j += other;
    }
    (groups, doubled_u)
}

/// How many of all arrangements without ties have each U up to `up_to`. The counts are those of
/// partitions into at most `n1` parts of at most `n2`: the coefficients of the product of
/// `(1 - q^(n2 + i)) / (1 - q^i)`. The largest, for 50 and 50, is below 2^97.
fn counts(n1: usize, n2: usize, up_to: usize) -> Vec<i128> {
    let mut counts = vec![0_i128; up_to + 1];
    counts[0] = 1;
    for part in 1..=n1 {
        for u in (n2 + part..=up_to).rev() {
            counts[u] -= counts[u - n2 - part];
        }
        for u in part..=up_to {
            counts[u] += counts[u - part];
        }
    }
    counts
}

/// For each U from 0 to the middle, the probability of a U at or below it, without ties.
fn exact_tail(n1: usize, n2: usize) -> Vec<f64> {
    let total = choose(n1 + n2, n1);
    let mut sum = 0;
    let mut tail = Vec::new();
    for count in counts(n1, n2, n1 * n2 / 2) {
        sum += count;
        tail.push(sum as f64 / total);
    }
    tail
}

fn exact_p(n1: usize, n2: usize, u: usize) -> f64 {
    let nearer = u.min(n1 * n2 - u);
    if 2 * nearer == n1 * n2 {
        return 1.0;
    }
    if nearer == 0 {
        return (2.0 / choose(n1 + n2, n1)).min(1.0);
    }
    let tail = with_exact_tail(n1, n2, |tail| tail.get(nearer).copied());
    (2.0 * tail.unwrap_or(1.0)).min(1.0)
}

/// Looks at [`exact_tail`], which is kept until samples of other sizes come.
pub(super) fn with_exact_tail<R>(n1: usize, n2: usize, look: impl FnOnce(&[f64]) -> R) -> R {
    LAST_TAIL.with_borrow_mut(|last| {
        let is_same = |last: &Tail| last.0 == (n1, n2);
        let tail = match last.take().filter(is_same) {
            Some(tail) => last.insert(tail),
            None => last.insert(((n1, n2), exact_tail(n1, n2))),
        };
        look(&tail.1)
    })
}

/// Sizes of two samples, and their [`exact_tail`].
type Tail = ((usize, usize), Vec<f64>);

thread_local! {
    /// The last tail: most comparisons have as many samples as the one before.
    static LAST_TAIL: std::cell::RefCell<Option<Tail>> = const { std::cell::RefCell::new(None) };
}

/// Builds up how often each U arises, one tied group at a time: of a group of t values, j belong
/// to the first sample in `choose(t, j)` ways. All counts are whole and below 2^53.
fn exact_p_tied(n1: usize, n2: usize, doubled_u: usize, groups: &[usize]) -> f64 {
    let width = 2 * n1 * n2 + 1;
    // ways[k * width + doubled u]: arrangements with k values of the first sample so far.
    let mut ways = vec![0.0; (n1 + 1) * width];
    ways[0] = 1.0;
    let mut seen = 0;
    for &group in groups {
        // Downwards in k, so that a row is read before it is added to.
        for k in (0..=n1.min(seen)).rev() {
            let below = seen - k;
            if below > n2 {
                continue;
            }
            let (own, above) = ways.split_at_mut((k + 1) * width);
            let own = &mut own[k * width..];
            let reach = 2 * k * below + 1;
            for j in (1..=group.min(n1 - k)).rev() {
                let shift = 2 * j * below + j * (group - j);
                if below + group - j > n2 || shift >= width {
                    continue;
                }
                let weight = choose(group, j);
                let target = &mut above[(j - 1) * width + shift..j * width];
                for (to, from) in target.iter_mut().zip(own.iter().take(reach)) {
                    *to += weight * from;
                }
            }
            if below + group > n2 {
                own.fill(0.0);
            }
        }
        seen += group;
    }
    let last = &ways[n1 * width..];
    let total = choose(n1 + n2, n1);
    let at_most: f64 = last.iter().take(doubled_u + 1).sum();
    let at_least: f64 = last.iter().skip(doubled_u).sum();
    (2.0 * at_most.min(at_least) / total).min(1.0)
}

fn normal_p(n1: usize, n2: usize, u: f64, groups: &[usize]) -> f64 {
    let (a, b) = (n1 as f64, n2 as f64);
    let n = a + b;
    let ties: f64 = groups
        .iter()
        .map(|&group| (group as f64).powi(3) - group as f64)
        .sum();
    let deviation = (a * b * ((n + 1.0) - ties / (n * (n - 1.0))) / 12.0).sqrt();
    let distance = ((u - 0.5 * a * b).abs() - 0.5).max(0.0);
    (2.0 * normal::cdf(-distance / deviation)).min(1.0)
}

fn choose(n: usize, k: usize) -> f64 {
    let mut product = 1.0;
    for i in 1..=k.min(n - k) {
        product = (product * (n + 1 - i) as f64 / i as f64).round();
    }
    product
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    fn test(first: &[f64], second: &[f64]) -> MannWhitney {
        mann_whitney(&Sample::new(first).unwrap(), &Sample::new(second).unwrap())
    }

    #[test]
    fn p_is_that_of_scipy() {
        // The example of scipy.stats.mannwhitneyu: U = 17, exact p = 1/9.
        let got = test(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]);
        assert_eq!(got.u, 17.0);
        assert!((got.p - 1.0 / 9.0).abs() < 1e-15);
        // Its asymptotic p of the same, 0.11134688653314041.
        let normal = normal_p(5, 4, 17.0, &[1; 9]);
        assert!(
            (normal - 0.111_346_886_533_140_41).abs() < 1e-12,
            "{normal}"
        );
    }

    #[test]
    fn small_samples_cannot_give_a_small_p() {
        let smallest = [1, 2, 3, 4, 5, 6].map(|n| smallest_p(n, n));
        let table = [1.0, 1.0 / 3.0, 0.1, 1.0 / 35.0, 1.0 / 126.0, 1.0 / 462.0];
        for (got, want) in smallest.iter().zip(table) {
            assert!((got - want).abs() < 1e-15);
        }
        assert_eq!((samples_needed(0.05), samples_needed(0.01)), (4, 5));
        assert_eq!(smallest_p(0, 5), 1.0);
    }

    #[test]
    fn all_equal_is_said_and_is_no_difference() {
        let got = test(&[5.0; 8], &[5.0; 8]);
        assert_eq!((got.p, got.all_equal), (1.0, true));
        assert!(test(&[1.0], &[1.0]).all_equal);
    }

    #[test]
    fn two_levels_without_overlap_are_as_far_apart_as_can_be() {
        let got = test(&[5.0; 8], &[6.0; 8]);
        assert!((got.p - 2.0 / 12_870.0).abs() < 1e-15, "{got:?}");
        assert_eq!(test(&[1.0], &[2.0]).p, 1.0);
    }

    /// All ways to call `n1` of the values the first sample, counted one by one.
    fn brute_force(first: &[f64], second: &[f64]) -> f64 {
        let pooled: Vec<f64> = first.iter().chain(second).copied().collect();
        let u = |is_first: &dyn Fn(usize) -> bool| {
            let mut u = 0.0;
            for (i, a) in pooled.iter().enumerate().filter(|(i, _)| is_first(*i)) {
                for (j, b) in pooled.iter().enumerate().filter(|(j, _)| !is_first(*j)) {
                    assert_ne!(i, j);
                    u += if a > b {
                        1.0
                    } else {
                        0.5 * f64::from(u8::from(a == b))
                    };
                }
            }
            u
        };
        let observed = u(&|i| i < first.len());
        let (mut low, mut high, mut all) = (0.0, 0.0, 0.0);
        for mask in 0..1_u32 << pooled.len() {
            if mask.count_ones() as usize == first.len() {
                let other = u(&|i| mask >> i & 1 == 1);
                low += f64::from(u8::from(other <= observed));
                high += f64::from(u8::from(other >= observed));
                all += 1.0;
            }
        }
        f64::min(1.0, 2.0 * f64::min(low, high) / all)
    }

    #[test]
    fn p_equals_the_count_of_all_arrangements_with_and_without_ties() {
        let mut random = Random::new(11);
        for case in 0..300 {
            let (n1, n2) = (1 + random.below(5), 1 + random.below(5));
            let levels = [3, 6, 1_000_000][case % 3];
            let mut draw = |n: usize| {
                (0..n)
                    .map(|_| random.below(levels) as f64)
                    .collect::<Vec<_>>()
            };
            let (first, second) = (draw(n1), draw(n2));
            let (got, want) = (test(&first, &second), brute_force(&first, &second));
            assert!(
                (got.p - want).abs() < 1e-12,
                "{first:?} {second:?}: {got:?} {want}"
            );
        }
    }

    #[test]
    fn the_tied_and_the_untied_count_agree_where_nothing_is_tied() {
        for (n1, n2) in [(1, 1), (3, 7), (12, 9), (25, 25), (20, 24)] {
            for u in [0, 1, n1 * n2 / 3, n1 * n2 / 2, n1 * n2] {
                let (a, b) = (
                    exact_p(n1, n2, u),
                    exact_p_tied(n1, n2, 2 * u, &vec![1; n1 + n2]),
                );
                assert!((a - b).abs() <= 1e-9 * b, "{n1} {n2} {u}: {a} {b}");
            }
        }
    }

    #[test]
    fn the_exact_and_the_normal_p_meet_where_one_takes_over_from_the_other() {
        let (exact, normal) = (exact_p(50, 50, 960), normal_p(50, 50, 960.0, &[1; 100]));
        assert!((exact / normal - 1.0).abs() < 0.01, "{exact} {normal}");
        let many: Vec<f64> = (0..60).map(f64::from).collect();
        let shifted: Vec<f64> = many.iter().map(|value| value + 12.5).collect();
        let p = test(&many, &shifted).p;
        assert!((0.000_1..0.01).contains(&p), "{p}");
    }

    #[test]
    fn swapping_the_samples_changes_nothing_but_u() {
        let (first, second) = ([1.0, 2.0, 2.0, 9.0], [2.0, 3.0, 4.0, 4.0, 8.0]);
        let (there, back) = (test(&first, &second), test(&second, &first));
        assert_eq!(there.u + back.u, 20.0);
        assert!((there.p - back.p).abs() < 1e-15);
    }
}
