//! Fewer points than pixels, without losing a spike or a marked night.

/// The indices to draw of points given by `x` (in pixels, rising) and `y`: for each bucket of
/// `bucket` pixels the first, the lowest, the highest and the last point, and every point that
/// `keep` names. All of them when there are few.
pub fn thin(points: &[(f64, f64)], bucket: f64, keep: impl Fn(usize) -> bool) -> Vec<usize> {
    let Some(first) = points.first() else {
        return Vec::new();
    };
    if are_few(points, bucket) {
        return (0..points.len()).collect();
    }
    let mut kept = Vec::new();
    for Bucket {
        start,
        end,
        low,
        high,
    } in buckets(points, first.0, bucket)
    {
        let from = kept.len();
        kept.extend([start, low, high, end - 1]);
        kept.extend((start..end).filter(|i| keep(*i)));
        kept[from..].sort_unstable();
    }
    kept.dedup();
    kept
}

/// Points `start..end` that share a bucket, and the lowest and highest of them.
struct Bucket {
    start: usize,
    end: usize,
    low: usize,
    high: usize,
}

/// The buckets of `bucket` pixels, counted from `origin`, that have points in them.
fn buckets(points: &[(f64, f64)], origin: f64, bucket: f64) -> impl Iterator<Item = Bucket> {
    let column = move |i: usize| ((points[i].0 - origin) / bucket).floor();
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next;
        if start == points.len() {
            return None;
        }
        let (mut low, mut high) = (start, start);
        while next < points.len() && column(next) == column(start) {
            if points[next].1 < points[low].1 {
                low = next;
            }
            if points[next].1 > points[high].1 {
                high = next;
            }
            next += 1;
        }
        Some(Bucket {
            start,
            end: next,
            low,
            high,
        })
    })
}

/// Whether there are no more points than two for each bucket.
fn are_few(points: &[(f64, f64)], bucket: f64) -> bool {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return true;
    };
    points.len() as f64 <= 2.0 * (last.0 - first.0) / bucket
}

/// The indices of the lowest and the highest point of each bucket of `bucket` pixels, of both ends,
/// and every point that `keep` names: the band that a line of many nights looks like. All of them
/// when there are few.
pub fn extremes(points: &[(f64, f64)], bucket: f64, keep: impl Fn(usize) -> bool) -> Vec<usize> {
    if are_few(points, bucket) {
        return (0..points.len()).collect();
    }
    let mut kept = Vec::new();
    for Bucket {
        start,
        end,
        low,
        high,
    } in buckets(points, 0.0, bucket)
    {
        let from = kept.len();
        kept.extend([low, high]);
        kept.extend((start..end).filter(|i| *i == 0 || *i + 1 == points.len() || keep(*i)));
        kept[from..].sort_unstable();
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

/// The indices of so few points that the line through them passes each of the others, given by a
/// rising `x` and `y`, by no more than `tolerance` in height: what is straight needs its ends, a step
/// both of its corners. In one pass: a line goes on as long as one through its first point can pass
/// all that came since.
pub fn within(points: &[(f64, f64)], tolerance: f64) -> Vec<usize> {
    /// No line is looked for behind so many points that none of them ends: the pass stays one.
    const FAR: usize = 64;
    let mut kept = Vec::new();
    let mut first = 0;
    while first < points.len() {
        kept.push(first);
        let (x, y) = points[first];
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        let mut last = first;
        for (i, point) in points.iter().enumerate().skip(first + 1) {
            let run = point.0 - x;
            if run <= 0.0 || i - last > FAR {
                break;
            }
            let slope = (point.1 - y) / run;
            if low <= slope && slope <= high {
                last = i;
            }
            low = low.max((point.1 - tolerance - y) / run);
            high = high.min((point.1 + tolerance - y) / run);
            if low > high {
                break;
            }
        }
        first = last.max(first + 1);
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

    #[test]
    fn a_straight_line_needs_its_ends_and_a_step_its_corners() {
        let line: Vec<_> = (0..100)
            .map(|i| (f64::from(i), 2.0 * f64::from(i)))
            .collect();
        assert_eq!(within(&line, 0.1), [0, 99]);
        let step = |i: i32| (f64::from(i), if i < 50 { 1.0 } else { 9.0 });
        let step: Vec<_> = (0..100).map(step).collect();
        assert_eq!(within(&step, 0.1), [0, 49, 50, 99]);
    }

    proptest! {
        #[test]
        fn no_point_is_further_from_the_line_than_is_tolerated(
            steps in prop::collection::vec((0.01..3.0f64, -4.0..4.0f64), 1..400),
            tolerance in 0.1..5.0f64,
        ) {
            let mut at = (0.0, 0.0);
            let points: Vec<(f64, f64)> = steps
                .iter()
                .map(|(dx, dy)| {
                    at = (at.0 + dx, at.1 + dy);
                    at
                })
                .collect();
            let kept = within(&points, tolerance);
            prop_assert_eq!(kept.first(), Some(&0));
            prop_assert_eq!(kept.last(), Some(&(points.len() - 1)));
            for ends in kept.windows(2) {
                let (a, b) = (points[ends[0]], points[ends[1]]);
                for point in &points[ends[0]..=ends[1]] {
                    let y = a.1 + (b.1 - a.1) * (point.0 - a.0) / (b.0 - a.0);
                    prop_assert!((y - point.1).abs() <= tolerance + 1e-9);
                }
            }
        }

        #[test]
        fn each_bucket_keeps_its_lowest_and_highest_and_what_is_marked(
            values in prop::collection::vec(0.0..100.0f64, 1..2000),
            mark in any::<prop::sample::Index>(),
        ) {
            let points: Vec<_> = values.iter().enumerate().map(|(i, y)| (i as f64 * 0.3, *y)).collect();
            let mark = mark.index(points.len());
            let kept = extremes(&points, 3.0, |i| i == mark);
            prop_assert!(kept.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(kept.contains(&mark) && kept.contains(&0) && kept.contains(&(points.len() - 1)));
            for bucket in 0..=(points.len() / 10) {
                let of = bucket * 10..((bucket + 1) * 10).min(points.len());
                let Some(highest) = values[of.clone()].iter().copied().reduce(f64::max) else { continue };
                prop_assert!(kept.iter().any(|i| of.contains(i) && values[*i] == highest));
            }
        }

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
