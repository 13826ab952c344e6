//! What a plausible machine would measure: a level and a noise for every series of the suite.
//!
//! The levels are made up, within what indexes of this sort do. A metric that is not named here
//! gets a level by its unit, so that a benchmark which the suite gains later shows up all the same.

use bench_report::metric::{Direction, Kind, Unit};

use super::SampleSeries;

/// How a series behaves while nothing happens to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// Its usual value, in the series' unit.
    pub(super) value: f64,
    /// Relative deviation from night to night; 0: the same value every night.
    pub(super) noise: f64,
}

/// The level of a series.
pub(super) fn level(series: &SampleSeries) -> Level {
    let value = value(series);
    let exact = series.kind == Kind::Count || value == 0.0 || value == 100.0;
    Level {
        value,
        noise: if exact { 0.0 } else { noise(series) },
    }
}

/// Tails wander more than middles, waiting more than working; an arrival rate is set from outside.
fn noise(series: &SampleSeries) -> f64 {
    let metric = series.metric.as_str();
    let fixed_rate = param(series, "rate", 0.0) > 0.0;
    if metric == "events_per_second" && fixed_rate {
        0.0004
    } else if metric.contains("p999") {
        0.055
    } else if metric.contains("recovery") || metric.contains("queue_depth") {
        0.05
    } else if metric.contains("lock_wait") {
        0.035
    } else if metric.contains("p99") {
        0.028
    } else if metric.contains("p90") {
        0.018
    } else {
        0.011
    }
}

/// A param as a number; `otherwise` where it is absent or none.
fn param(series: &SampleSeries, name: &str, otherwise: f64) -> f64 {
    series
        .params
        .get(name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// How far a percentile lies above the median, by the end of the metric's name.
fn tail(metric: &str) -> f64 {
    match metric.rsplit('_').next().unwrap_or(metric) {
        "mean" => 1.12,
        "p90" => 1.55,
        "p99" => 3.9,
        "p999" => 11.0,
        "max" => 30.0,
        _ => 1.0,
    }
}

fn value(series: &SampleSeries) -> f64 {
    let metric = series.metric.as_str();
    let cpu = param(series, "cpu", 1.0);
    // What n workers do together on one index, and what each pays for it.
    let (together, sharing) = (cpu.powf(0.93), cpu.powf(0.07));
    if metric.starts_with("error_rate") {
        return 0.0;
    }
    if let Some(count) = work(series) {
        return count;
    }
    match (series.benchmark.as_str(), metric) {
        ("KVEventProcessingLatency", "ops_per_second") => 690e3 * together,
        ("KVEventProcessingLatency", "bytes_per_op") => 212.0,
        ("KVEventProcessingLatency", "allocs_per_op") => 3.571,
        (_, "instructions_per_op") => 2_412.0,
        ("KVEventProcessingLatency", _) => 1_290.0 * sharing * tail(metric),

        ("KVEventThroughput", _) => throughput(series, cpu, together),
        ("KVEventMemoryUsage", _) => memory(series),
        ("KVEventConcurrency", _) => concurrency(series, cpu, together),
        ("KVEventLargePrefix", _) => large_prefix(series),

        ("KVEventBurstLoad", "peak_throughput") => 612e3,
        ("KVEventBurstLoad", "recovery_time") => 2.53e6,
        ("KVEventBurstLoad", "queue_depth_max") => 1_583.0,
        ("KVEventBurstLoad", "latency_p50") => 8_900.0,
        ("KVEventBurstLoad", "latency_p99") => 2.31e6,

        ("KVEventRoutingDecision", "decisions_per_second") => 1.48e6 * together,
        ("KVEventRoutingDecision", "hit_rate") => 71.4,
        ("KVEventRoutingDecision", "accuracy") => 100.0,
        ("KVEventRoutingDecision", "bytes_per_op" | "allocs_per_op") => 0.0,
        ("KVEventRoutingDecision", _) if metric.starts_with("visible") => 28_600.0 * tail(metric),
        ("KVEventRoutingDecision", _) => 604.0 * sharing * tail(metric),
        _ => by_unit(series),
    }
}

/// Work inside the index for one operation: by how many blocks it has.
fn work(series: &SampleSeries) -> Option<f64> {
    let blocks = (param(series, "prefix", 33.0) / 16.0).floor();
    let metric = series.metric.as_str();
    if metric.contains("hash_operations") {
        Some(blocks)
    } else if metric.contains("lookup_probes") || series.benchmark == "KVEventRoutingDecision" {
        metric
            .contains("probes")
            .then_some((blocks / 8.0).ceil() + 0.312)
    } else if metric.contains("probes") {
        Some(1.571 * blocks)
    } else if metric.contains("bytes_decoded") {
        Some(41.0 + 62.5 * blocks)
    } else {
        None
    }
}

fn throughput(series: &SampleSeries, cpu: f64, together: f64) -> f64 {
    let rate = param(series, "rate", 0.0);
    match (series.metric.as_str(), rate > 0.0) {
        ("events_per_second", false) => 655e3 * together,
        ("events_per_second", true) => rate,
        ("cores_used", false) => 0.994 * cpu,
        ("cores_used", true) => rate * 2.1e-6,
        ("cpu_percent", _) => rate * 2.1e-4,
        (metric, _) if metric.starts_with("latency") => 9_300.0 * tail(metric),
        _ => by_unit(series),
    }
}

fn memory(series: &SampleSeries) -> f64 {
    // What is allocated once weighs more where there is little.
    let items = param(series, "items", 1_000.0);
    let per_item = (226.0 + 86_000.0 / items).round();
    match series.metric.as_str() {
        "bytes_per_item" => per_item,
        "bytes_per_event" => (2.6 * per_item).round(),
        "heap_total" => items * per_item,
        "heap_per_1k_events" => (2_600.0 * per_item).round(),
        "allocs_per_event" => 3.571,
        "churn_bytes_per_event" => (3.4 * per_item).round(),
        "peak_over_live" => 1.214,
        _ => by_unit(series),
    }
}

fn concurrency(series: &SampleSeries, cpu: f64, together: f64) -> f64 {
    let at_once = param(series, "concurrency", 1.0);
    let crowd = (at_once / cpu).max(1.0);
    match series.metric.as_str() {
        "events_per_second" => 640e3 * together / (1.0 + at_once / 2_600.0),
        "lock_wait_per_op" => 8.4 * at_once.powf(0.6) * (cpu - 0.5),
        metric if metric.starts_with("latency") => 1_560.0 * crowd * tail(metric).powf(0.8),
        _ => by_unit(series),
    }
}

fn large_prefix(series: &SampleSeries) -> f64 {
    let tokens = param(series, "prefix", 1_000.0);
    match series.metric.as_str() {
        "hash_time" => 40.0 + 1.24 * tokens,
        "memory" => (tokens / 16.0).floor() * 226.0,
        metric if metric.starts_with("store") => (620.0 + 11.5 * tokens) * tail(metric).powf(0.4),
        metric if metric.starts_with("lookup") => (180.0 + 3.1 * tokens) * tail(metric).powf(0.4),
        _ => by_unit(series),
    }
}

fn by_unit(series: &SampleSeries) -> f64 {
    match Unit::parse(&series.unit) {
        Ok(unit) if unit.is_time() => 1_000.0 * tail(&series.metric),
        Ok(Unit::PerSecond) => 100e3,
        Ok(Unit::Bytes) => 4_096.0,
        Ok(Unit::Percent) if series.better == Direction::Higher => 90.0,
        Ok(Unit::Percent) => 2.0,
        _ => 10.0,
    }
}
