//! The best cut of a sequence into stretches of one level each.
//!
//! Exact optimal partitioning with pruning: Killick, Fearnhead and Eckley, "Optimal detection of
//! changepoints with a linear computational cost" (PELT), 2012. The cost of a stretch is its sum of
//! squares about its mean, so a candidate that has once been worse by more than the penalty can
//! never be part of the best cut and is dropped.

/// The starts of all stretches but the first, in ascending order. Each stretch has at least
/// `min_length` values; each further stretch costs `penalty`.
pub fn segment(values: &[f64], min_length: usize, penalty: f64) -> Vec<usize> {
    let (n, min_length) = (values.len(), min_length.max(1));
    if n < 2 * min_length {
        return Vec::new();
    }
    // Sums about the first value, so that a high level does not swallow the digits of small noise.
    let origin = values[0];
    let mut sums = Vec::with_capacity(n + 1);
    let (mut sum, mut squares) = (0.0, 0.0);
    sums.push((0.0, 0.0));
    for value in values {
        sum += value - origin;
        squares += (value - origin).powi(2);
        sums.push((sum, squares));
    }
    let cost = |from: usize, to: usize| {
        let (sum, squares) = (sums[to].0 - sums[from].0, sums[to].1 - sums[from].1);
        squares - sum * sum / (to - from) as f64
    };
    let mut best = vec![f64::INFINITY; n + 1];
    let mut last_start = vec![0; n + 1];
    best[0] = -penalty;
    // Each candidate start with the end from which on it can no longer be part of the best cut: a
    // better one found at `to` replaces it only where a whole stretch fits in after `to`.
    let mut candidates = vec![(0, usize::MAX)];
    for to in min_length..=n {
        if to >= 2 * min_length {
            candidates.push((to - min_length, usize::MAX));
        }
        candidates.retain(|(_, dropped_from)| to < *dropped_from);
        for &(from, _) in &candidates {
            let total = best[from] + cost(from, to) + penalty;
            if total < best[to] {
                best[to] = total;
                last_start[to] = from;
            }
        }
        for (from, dropped_from) in &mut candidates {
            if *dropped_from == usize::MAX && best[*from] + cost(*from, to) > best[to] {
                *dropped_from = to + min_length;
            }
        }
    }
    let mut starts = Vec::new();
    let mut at = last_start[n];
    while at > 0 {
        starts.push(at);
        at = last_start[at];
    }
    starts.reverse();
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    #[test]
    fn too_few_values_and_one_level_have_no_cut() {
        assert!(segment(&[], 7, 1.0).is_empty());
        assert!(segment(&[1.0; 13], 7, 0.1).is_empty());
        assert!(segment(&[1e12; 200], 7, 1e-9).is_empty());
    }

    #[test]
    fn a_step_is_cut_where_it_is() {
        let mut values = vec![1e9; 20];
        values.extend([1e9 + 3.0; 15]);
        assert_eq!(segment(&values, 7, 5.0), [20]);
        values.extend([1e9 - 1.0; 7]);
        assert_eq!(segment(&values, 7, 5.0), [20, 35]);
    }

    /// The same minimum without pruning and without sums.
    fn exhaustive(values: &[f64], min_length: usize, penalty: f64) -> f64 {
        let cost = |part: &[f64]| {
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            part.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
        };
        let mut best = vec![f64::INFINITY; values.len() + 1];
        best[0] = 0.0;
        for to in min_length..=values.len() {
            for from in (0..=to - min_length).filter(|from| *from == 0 || *from >= min_length) {
                let price = if from == 0 { 0.0 } else { penalty };
                best[to] = f64::min(best[to], best[from] + cost(&values[from..to]) + price);
            }
        }
        best[values.len()]
    }

    #[test]
    fn pruning_never_loses_the_best_cut() {
        let mut random = Random::new(12);
        for case in 0..2_000 {
            let mut level = 0.0;
            let values: Vec<f64> = (0..20 + case % 60)
                .map(|_| {
                    if random.below(15) == 0 {
                        level = 3.0 * random.unit();
                    }
                    level + random.unit()
                })
                .collect();
            let (min_length, penalty) = (1 + case % 8, 0.5 + 2.0 * random.unit());
            let mut edges = vec![0];
            edges.extend(segment(&values, min_length, penalty));
            edges.push(values.len());
            let mut total = penalty * (edges.len() - 2) as f64;
            for pair in edges.windows(2) {
                assert!(pair[1] - pair[0] >= min_length, "{edges:?}");
                let part = &values[pair[0]..pair[1]];
                total += crate::stats::robust::variance(part) * part.len() as f64;
            }
            let want = exhaustive(&values, min_length, penalty);
            assert!(
                (total - want).abs() < 1e-9,
                "case {case}: {total} {want} {edges:?}"
            );
        }
    }
}
