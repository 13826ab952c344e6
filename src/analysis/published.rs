//! What is published of a metric's raw samples.

use bench_verdict::stats::order;

use crate::domain::Published;

/// The median of `samples`, and how sure it is. Samples are finite and at least one (a report
/// without is refused); of none, the median reads 0.
pub fn published(samples: &[f64]) -> Published {
    Published {
        value: order::median(samples).unwrap_or(0.0),
        interval: None,
    }
}
