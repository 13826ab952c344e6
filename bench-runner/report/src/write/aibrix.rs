//! A report as the original suite's result file, the array that its own checker reads.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::go::name_text;
use crate::metric::Unit;
use crate::read::aibrix::{FIELDS, Field};
use crate::report::{Benchmark, Report, Status};

/// The benchmark whose mean latency is that of a routing decision.
const ROUTING: &str = "KVEventRoutingDecision";

/// The array, one entry a benchmark that was measured. What a field has no metric for is 0, which
/// means "not measured" there. A value is the median of the samples.
pub fn to_json(report: &Report) -> String {
    let measured = report
        .benchmarks
        .iter()
        .filter(|benchmark| benchmark.status == Status::Ok);
    let entries: Vec<_> = measured
        .map(|benchmark| entry(benchmark, report.started_at, duration_ns(report)))
        .collect();
    let mut text = format!("{:#}", Value::from(entries));
    text.push('\n');
    text
}

/// Nanoseconds of the whole run: how long one benchmark took is not known.
fn duration_ns(report: &Report) -> i64 {
    i64::try_from(
        report
            .finished_at
            .duration_since(report.started_at)
            .as_nanos(),
    )
    .unwrap_or(i64::MAX)
}

fn entry(benchmark: &Benchmark, timestamp: Timestamp, duration: i64) -> Value {
    let metrics: Map<_, _> = FIELDS
        .iter()
        .map(|field| {
            (
                field.name.to_owned(),
                number(field, value_of(benchmark, field)),
            )
        })
        .collect();
    json!({
        "name": name_text(&benchmark.name, &benchmark.params),
        "timestamp": timestamp,
        "duration": duration,
        "metrics": metrics,
    })
}

fn number(field: &Field, value: Option<f64>) -> Value {
    let value = value.unwrap_or(0.0);
    if field.is_integer {
        Value::from(value.round() as i64)
    } else {
        Value::from(value)
    }
}

/// The field's value in the field's unit.
fn value_of(benchmark: &Benchmark, field: &Field) -> Option<f64> {
    let is_routing = benchmark.name == ROUTING;
    let names: &[&str] = match field.name {
        "event_processing_latency" if !is_routing => &["latency_mean", "ns/op"],
        "routing_decision_latency" if is_routing => &["latency_mean", "ns/op"],
        "events_per_second" => &["operations_per_second", "ops_per_second"],
        "memory_usage_mb" => &["heap_total", "memory_used_mb"],
        "cpu_usage_percent" => &["cpu_percent", "cores_used"],
        _ => &[],
    };
    std::iter::once(&field.name).chain(names).find_map(|name| {
        let metric = benchmark
            .metrics
            .iter()
            .find(|metric| metric.name == *name)?;
        let unit = Unit::parse(&metric.unit).ok()?;
        Some(median(&metric.samples)? * factor(unit, field.unit)?)
    })
}

/// How many of `to` make one of `from`; `None` where they measure different things.
fn factor(from: Unit, to: Unit) -> Option<f64> {
    let of_base = |unit: Unit| match unit {
        Unit::Nanoseconds | Unit::Bytes | Unit::PerSecond | Unit::Events => Some(1.0),
        Unit::Microseconds | Unit::Kilobytes => Some(1e3),
        Unit::Milliseconds | Unit::Megabytes => Some(1e6),
        Unit::Seconds | Unit::Gigabytes => Some(1e9),
        Unit::Kibibytes => Some(1024.0),
        Unit::Mebibytes => Some(1_048_576.0),
        Unit::Gibibytes => Some(1_073_741_824.0),
        _ => None,
    };
    match (from, to) {
        (from, to) if from == to => Some(1.0),
        (Unit::Cores, Unit::Percent) => Some(100.0),
        (Unit::Percent, Unit::One) => Some(0.01),
        (from, to) if from.kind() == to.kind() => Some(of_base(from)? / of_base(to)?),
        _ => None,
    }
}

fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        Some(upper)
    } else {
        Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper))
    }
}
