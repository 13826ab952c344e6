//! Whether groups lie at different levels.
//!
//! Kruskal and Wallis, "Use of ranks in one-criterion variance analysis", 1952, with their
//! correction for ties. Under no difference H is about chi-squared with one degree of freedom less
//! than there are groups.

/// The statistic H of `G` groups. `sorted` holds the values in ascending order, each with its
/// group; a group at or beyond `G` is a caller's mistake and left out. 0 where nothing varies or
/// fewer than two groups have values.
pub fn kruskal_wallis<const G: usize>(sorted: &[(f64, u8)]) -> f64 {
    let (mut rank_sums, mut counts, mut ties) = ([0.0; G], [0.0; G], 0.0);
    let mut from = 0;
    while let Some(&(value, _)) = sorted.get(from) {
        let to = from + sorted[from..].partition_point(|other| other.0 <= value);
        let tied = (to - from) as f64;
        ties += tied * tied * tied - tied;
        let rank = 0.5 * (from + 1 + to) as f64;
        for (_, group) in &sorted[from..to] {
            if let Some(sum) = rank_sums.get_mut(usize::from(*group)) {
                *sum += rank;
                counts[usize::from(*group)] += 1.0;
            }
        }
        from = to;
    }
    let n: f64 = counts.iter().sum();
    let correction = 1.0 - ties / (n * n * n - n);
    let used = counts.iter().filter(|count| **count > 0.0).count();
    if used < 2 || correction <= 0.0 || !correction.is_finite() {
        return 0.0;
    }
    let spread: f64 = rank_sums
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0.0)
        .map(|(sum, count)| sum * sum / count)
        .sum();
    (12.0 / (n * (n + 1.0)) * spread - 3.0 * (n + 1.0)) / correction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn h<const G: usize>(groups: [&[f64]; G]) -> f64 {
        let mut sorted: Vec<(f64, u8)> = (0..)
            .zip(groups)
            .flat_map(|(group, values)| values.iter().map(move |&value| (value, group)))
            .collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        kruskal_wallis::<G>(&sorted)
    }

    #[test]
    fn h_is_that_of_scipy() {
        // The examples of scipy.stats.kruskal.
        let first = h([&[1.0, 3.0, 5.0, 7.0, 9.0], &[2.0, 4.0, 6.0, 8.0, 10.0]]);
        assert!((first - 0.272_727_272_727_273_4).abs() < 1e-12, "{first}");
        let second = h([&[1.0, 1.0, 1.0], &[2.0, 2.0, 2.0], &[2.0, 2.0]]);
        assert!((second - 7.0).abs() < 1e-12, "{second}");
    }

    #[test]
    fn nothing_to_compare_gives_zero() {
        assert_eq!(h::<2>([&[], &[]]), 0.0);
        assert_eq!(h([&[1.0], &[]]), 0.0);
        assert_eq!(h([&[4.0, 4.0], &[4.0, 4.0]]), 0.0);
        assert_eq!(h([&[1.0, 2.0, 3.0], &[]]), 0.0);
    }
}
