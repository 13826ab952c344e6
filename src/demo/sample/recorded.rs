//! Distributions of generated nights: as the night's percentiles have them, with lines in between.

use bench_report::report::Histogram;

/// So many nights, counted back from the newest, have distributions.
pub(super) const NIGHTS: i64 = 30;

/// How many values a distribution holds: enough to know its p99.99.
const VALUES: u64 = 100_000;

/// Values of one distribution: percentiles as parts, in ascending order, and the values in
/// nanoseconds. `None` without a middle and a tail.
pub(super) fn recorded(name: &str, percentiles: &[(f64, f64)]) -> Option<Histogram> {
    let (first, last) = (percentiles.first()?, percentiles.last()?);
    if percentiles.len() < 2 || first.1 < 2.0 {
        return None;
    }
    // On a line of nines: the fastest, what is known, the slowest.
    let nines = |part: f64| -(1.0 - part).log10();
    let mut known = vec![(0.0, first.1 * 0.62)];
    known.extend(
        percentiles
            .iter()
            .map(|(part, value)| (nines(*part), *value)),
    );
    known.push((5.0, last.1 * 2.1));
    let at = |part: f64| {
        let x = nines(part);
        let after = known
            .partition_point(|(nines, _)| *nines <= x)
            .clamp(1, known.len() - 1);
        let ((x0, y0), (x1, y1)) = (known[after - 1], known[after]);
        let along = (x - x0) / (x1 - x0);
        (y0.ln() * (1.0 - along) + y1.ln() * along).exp()
    };
    let mut values = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).ok()?;
    // What lies around p99 and beyond it one by one, the rest in rows of a hundred.
    let tail = VALUES / 50;
    let rows = (0..VALUES - tail).step_by(100).map(|rank| (rank, 100));
    for (rank, count) in rows.chain((VALUES - tail..VALUES).map(|rank| (rank, 1))) {
        let part = (rank as f64 + count as f64 / 2.0) / VALUES as f64;
        values.record_n(at(part) as u64, count).ok()?;
    }
    Histogram::encode(name, "ns", &values).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_distribution_has_the_percentiles_of_its_night() {
        let night = [(0.5, 40_000.0), (0.9, 55_000.0), (0.99, 166_000.0)];
        let values = recorded("latency", &night).unwrap().decode().unwrap();
        assert_eq!(values.len(), VALUES);
        for (part, value) in night {
            let is = values.value_at_quantile(part) as f64;
            assert!((is / value - 1.0).abs() < 0.01, "{part}: {is}");
        }
        assert!(values.max() > 166_000);
    }

    #[test]
    fn a_middle_alone_is_no_distribution() {
        assert!(recorded("latency", &[(0.5, 40_000.0)]).is_none());
        assert!(recorded("latency", &[]).is_none());
    }
}
