//! Events at a given rate, or as fast as they are taken: what the benchmarks that have both share.

use std::time::Duration;

use bench_report::metric::{Op, Unit};

use super::{Goal, MetricInfo, When};

/// As fast as events are taken.
pub(super) const MAX: When = When::Is("rate", "max");
/// At a given rate.
pub(super) const STEADY: When = When::Not("rate", "max");

/// A steady stream is observed for at least so long, where time bounds it: 500 events at the
/// slower rate.
pub(super) const LEAST_TIME: Duration = Duration::from_millis(250);

/// Quantiles of a steady stream's latency, and the metrics that they are.
pub(super) const QUANTILES: [(&str, f64); 3] = [
    ("latency_p50", 0.5),
    ("latency_p90", 0.9),
    ("latency_p99", 0.99),
];

/// Processor time over wall time at a given rate, in percent of one core: below 20% under normal
/// load, below 80% at the target throughput.
pub(super) const fn cpu_percent(about: &'static str) -> MetricInfo {
    MetricInfo::ratio("cpu_percent", Unit::Percent, about)
        .floor(0.01)
        .when(STEADY)
        .goals(
            const {
                &[
                    Goal::new(Op::Less, 20.0).when(When::Is("rate", "2000")),
                    Goal::new(Op::Less, 80.0).when(When::Is("rate", "10000")),
                ]
            },
        )
}
