//! Fewer points than pixels, without losing a spike or a marked night.

/// The indices to draw of points given by `x` (in pixels, rising) and `y`: for each bucket of
/// `bucket` pixels the first, the lowest, the highest and the last point, and every point that
/// `keep` names. All of them when there are few.
pub fn thin(points: &[(f64, f64)], bucket: f64, keep: impl Fn(usize) -> bool) -> Vec<usize> {
    let Some(first) = points.first() else {
        return Vec::new();
    };
    let width = points.last().map_or(0.0, |last| last.0 - first.0);
    if points.len() as f64 <= 2.0 * width / bucket {
        return (0..points.len()).collect();
    }
    let mut kept = Vec::new();
    let mut start = 0;
    while start < points.len() {
        let column = ((points[start].0 - first.0) / bucket).floor();
        let mut end = start;
        let (mut low, mut high) = (start, start);
        while end < points.len() && ((points[end].0 - first.0) / bucket).floor() == column {
            if points[end].1 < points[low].1 {
                low = end;
            }
            if points[end].1 > points[high].1 {
                high = end;
            }
            end += 1;
        }
        let from = kept.len();
        kept.extend([start, low, high, end - 1]);
        kept.extend((start..end).filter(|i| keep(*i)));
        kept[from..].sort_unstable();
        start = end;
    }
    kept.dedup();
    kept
}

/// The indices of the first point of each bucket, and of the last point: enough for what is smooth.
pub fn first_of_each(points: &[(f64, f64)], bucket: f64) -> Vec<usize> {
    let mut kept = Vec::new();
    let mut next = f64::NEG_INFINITY;
    for (i, (x, _)) in points.iter().enumerate() {
        if *x >= next || i + 1 == points.len() {
            kept.push(i);
            next = x + bucket;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_points_are_all_kept() {
        let points: Vec<_> = (0..50).map(|i| (f64::from(i) * 10.0, 1.0)).collect();
        assert_eq!(thin(&points, 2.0, |_| false).len(), 50);
    }

    #[test]
    fn a_spike_among_100_000_points_survives() {
        let mut points: Vec<_> = (0..100_000).map(|i| (f64::from(i) / 100.0, 1.0)).collect();
        points[54_321].1 = 9.0;
        let kept = thin(&points, 2.0, |_| false);
        assert!(kept.contains(&54_321));
        assert!(kept.len() <= 4 * 501, "{}", kept.len());
    }

    proptest! {
        #[test]
        fn marked_points_are_never_dropped_and_order_holds(
            values in prop::collection::vec(0.0..100.0f64, 1..2000),
            marks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let points: Vec<_> = values.iter().enumerate().map(|(i, y)| (i as f64 * 0.3, *y)).collect();
            let marked: Vec<usize> = marks.iter().map(|m| m.index(points.len())).collect();
            let kept = thin(&points, 2.0, |i| marked.contains(&i));
            prop_assert!(kept.windows(2).all(|w| w[0] < w[1]));
            for mark in marked {
                prop_assert!(kept.contains(&mark));
            }
            let highest = values.iter().copied().fold(f64::MIN, f64::max);
            prop_assert!(kept.iter().any(|i| values[*i] == highest));
        }
    }
}
