//! What is published of a metric's raw samples.

use bench_verdict::stats::sample::Sample;
use bench_verdict::stats::summary::summary;

use crate::domain::Published;

/// The median of `samples`, and how sure it is. Samples are finite and at least one (a report
/// without is refused); of none, the median reads 0.
pub fn published(samples: &[f64]) -> Published {
    let Ok(sample) = Sample::new(samples) else {
        return Published {
            value: 0.0,
            interval: None,
        };
    };
    let summary = summary(&sample);
    Published {
        value: summary.median,
        interval: summary.interval.map(|[low, high]| (low, high)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_published_with_its_interval_from_six_samples_on() {
        let six = published(&[6.0, 1.0, 4.0, 3.0, 5.0, 2.0]);
        assert_eq!((six.value, six.interval), (3.5, Some((1.0, 6.0))));
        let five = published(&[5.0, 1.0, 4.0, 3.0, 2.0]);
        assert_eq!((five.value, five.interval), (3.0, None));
        let ten = published(&(1..=10).map(f64::from).collect::<Vec<f64>>());
        assert_eq!((ten.value, ten.interval), (5.5, Some((2.0, 9.0))));
        assert_eq!(published(&[]).value, 0.0);
    }
}
