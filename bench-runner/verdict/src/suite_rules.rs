//! Which series of the suite the guide's absolute rules and red flags speak of.

use bench_report::metric::Unit;

use crate::rules;
use crate::verdict::{RuleResult, SeriesVerdict};

/// The rules on the series that they speak of; a rule without its series is not listed.
pub fn absolute_rules(series: &[SeriesVerdict]) -> Vec<RuleResult> {
    let mut results = Vec::new();
    let p99 = of(series, "KVEventProcessingLatency", "latency_p99").max_by(by_nanoseconds);
    results.extend(p99.and_then(|row| Some(rules::p99_latency(&subject(row), nanoseconds(row)?))));
    // What the system sustains is its throughput on the most cores that were measured.
    let best = of(series, "KVEventThroughput", "events_per_second")
        .filter(|row| row.params.get("rate").is_none_or(|rate| rate == "max"))
        .max_by(|a, b| a.value.total_cmp(&b.value));
    results.extend(best.map(|row| rules::throughput(&subject(row), row.value)));
    let errors = worst_error_rate(series);
    results.extend(errors.map(|row| rules::error_rate(&subject(row), share(row))));
    results
}

/// The red flags that are raised.
pub fn red_flags(series: &[SeriesVerdict]) -> Vec<String> {
    let latency = |metric: &'static str| of(series, "KVEventProcessingLatency", metric);
    let tail = latency("latency_p50")
        .filter_map(|p50| {
            let p99 = latency("latency_p99").find(|p99| p99.params == p50.params)?;
            let (p50_ns, p99_ns) = (nanoseconds(p50)?, nanoseconds(p99)?);
            Some((
                p99_ns / p50_ns,
                rules::red_flag_tail(&subject(p50), p50_ns, p99_ns)?,
            ))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, flag)| flag);
    let by_load: Vec<(f64, f64)> = of(series, "KVEventMemoryUsage", "bytes_per_event")
        .filter_map(|row| Some((row.params.get("items")?.parse().ok()?, row.value)))
        .collect();
    let memory = rules::red_flag_memory_growth("KVEventMemoryUsage", &by_load);
    let processor = of(series, "KVEventThroughput", "cpu_percent")
        .filter(|row| row.params.get("rate").is_some_and(|rate| rate == "10000"))
        .max_by(|a, b| share(a).total_cmp(&share(b)))
        .and_then(|row| rules::red_flag_cpu(&subject(row), share(row)));
    let errors =
        worst_error_rate(series).and_then(|row| rules::red_flag_errors(&subject(row), share(row)));
    [tail, memory, processor, errors]
        .into_iter()
        .flatten()
        .collect()
}

fn of<'a>(
    series: &'a [SeriesVerdict],
    benchmark: &'a str,
    metric: &'a str,
) -> impl Iterator<Item = &'a SeriesVerdict> {
    series
        .iter()
        .filter(move |row| row.benchmark == benchmark && row.metric == metric)
}

fn worst_error_rate(series: &[SeriesVerdict]) -> Option<&SeriesVerdict> {
    series
        .iter()
        .filter(|row| row.metric == "error_rate")
        .max_by(|a, b| share(a).total_cmp(&share(b)))
}

/// `KVEventThroughput cpu=8`.
fn subject(row: &SeriesVerdict) -> String {
    let params = bench_report::metric::params_text(&row.params);
    format!("{} {params}", row.benchmark).trim_end().to_owned()
}

/// A share, 0 to 1, also where it is measured in percent.
fn share(row: &SeriesVerdict) -> f64 {
    match Unit::parse(&row.unit) {
        Ok(Unit::Percent) => row.value / 100.0,
        _ => row.value,
    }
}

fn nanoseconds(row: &SeriesVerdict) -> Option<f64> {
    let size = match Unit::parse(&row.unit).ok()? {
        Unit::Nanoseconds => 1.0,
        Unit::Microseconds => 1e3,
        Unit::Milliseconds => 1e6,
        Unit::Seconds => 1e9,
        _ => return None,
    };
    Some(row.value * size)
}

fn by_nanoseconds(a: &&SeriesVerdict, b: &&SeriesVerdict) -> std::cmp::Ordering {
    let value = |row: &SeriesVerdict| nanoseconds(row).unwrap_or(f64::NEG_INFINITY);
    value(a).total_cmp(&value(b))
}

#[cfg(test)]
mod tests {
    use bench_report::metric::Direction;

    use super::*;
    use crate::compare::{Question, compare};
    use crate::comparison::{Subject, series_verdict};
    use crate::stats::sample::Sample;

    fn row(
        benchmark: &str,
        params: &[(&str, &str)],
        metric: &str,
        unit: &str,
        value: f64,
    ) -> SeriesVerdict {
        let subject = Subject {
            benchmark: benchmark.to_owned(),
            params: params
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            better: Direction::Lower,
        };
        let sample = Sample::new(&[value]).ok();
        let sample = sample.as_ref();
        let compared =
            sample.map(|sample| compare(sample, sample, &Question::new(Direction::Lower)));
        compared
            .map(|compared| series_verdict(&subject, &compared, "e"))
            .into_iter()
            .next()
            .unwrap_or_else(|| unreachable!("a finite value is a sample"))
    }

    #[test]
    fn each_rule_looks_at_its_own_series_and_at_the_worst_of_them() {
        let series = [
            row(
                "KVEventProcessingLatency",
                &[("cpu", "1")],
                "latency_p99",
                "ns",
                1.9e6,
            ),
            row(
                "KVEventProcessingLatency",
                &[("cpu", "2")],
                "latency_p99",
                "us",
                2_100.0,
            ),
            row(
                "KVEventThroughput",
                &[("cpu", "1")],
                "events_per_second",
                "1/s",
                7_000.0,
            ),
            row(
                "KVEventThroughput",
                &[("cpu", "2")],
                "events_per_second",
                "1/s",
                9_000.0,
            ),
            row(
                "KVEventThroughput",
                &[("rate", "2000")],
                "events_per_second",
                "1/s",
                2_000.0,
            ),
            row("KVEventBurstLoad", &[], "error_rate", "%", 0.6),
        ];
        let rules = absolute_rules(&series);
        let met: Vec<(&str, bool)> = rules
            .iter()
            .map(|rule| (rule.name.as_str(), rule.met))
            .collect();
        assert_eq!(
            met,
            [
                ("p99 latency of KVEventProcessingLatency cpu=2", false),
                ("throughput of KVEventThroughput cpu=2", true),
                ("error rate of KVEventBurstLoad", false),
            ]
        );
        assert_eq!(absolute_rules(&[]), []);
    }

    #[test]
    fn each_red_flag_looks_at_its_own_series() {
        let series = [
            row("KVEventProcessingLatency", &[], "latency_p50", "ns", 100.0),
            row("KVEventProcessingLatency", &[], "latency_p99", "us", 2.0),
            row(
                "KVEventMemoryUsage",
                &[("items", "1000")],
                "bytes_per_event",
                "B",
                100.0,
            ),
            row(
                "KVEventMemoryUsage",
                &[("items", "10000")],
                "bytes_per_event",
                "B",
                200.0,
            ),
            row(
                "KVEventMemoryUsage",
                &[("items", "100000")],
                "bytes_per_event",
                "B",
                400.0,
            ),
            row(
                "KVEventThroughput",
                &[("rate", "10000")],
                "cpu_percent",
                "%",
                91.0,
            ),
            row("KVEventThroughput", &[], "error_rate", "1", 0.002),
        ];
        let flags = red_flags(&series);
        assert_eq!(flags.len(), 4, "{flags:?}");
        assert!(flags[0].contains("p99 is 20.0 times p50"), "{flags:?}");
        assert!(flags[1].contains("100% for each tenfold load"), "{flags:?}");
        assert!(red_flags(&series[..1]).is_empty());
    }
}
