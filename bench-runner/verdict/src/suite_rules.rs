//! Which series of the suite the guide's absolute rules and red flags speak of.

use bench_report::metric::{Params, Unit, format_change, format_count, params_text};
use serde::Serialize;

use crate::rules;
use crate::verdict::{RuleResult, SeriesVerdict};

/// A published value and what it is of: all that rules and red flags look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured<'a> {
    /// Benchmark name.
    pub benchmark: &'a str,
    /// Its dimensions.
    pub params: &'a Params,
    /// Metric name.
    pub metric: &'a str,
    /// Its unit.
    pub unit: &'a str,
    /// The median of the run's samples.
    pub value: f64,
}

/// One of the guide's red flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedFlag {
    /// Such as `p99 over p50`.
    pub name: &'static str,
    /// The measured value against its limit, in words.
    pub detail: String,
    /// Absent: not available.
    pub raised: Option<bool>,
}

/// The rules on the series that they speak of; a rule without its series is not listed.
/// `memory_limit_bytes`: what the process may use, where there is a limit.
pub fn absolute_rules(series: &[Measured<'_>], memory_limit_bytes: Option<f64>) -> Vec<RuleResult> {
    let mut results = Vec::new();
    let p99 = of(series, "KVEventProcessingLatency", "latency_p99").max_by(by_nanoseconds);
    results
        .extend(p99.and_then(|row| Some(rules::p99_latency(&row.subject(), row.nanoseconds()?))));
    // What the system sustains is its throughput on the most cores that were measured.
    let best = of(series, "KVEventThroughput", "events_per_second")
        .filter(|row| row.params.get("rate").is_none_or(|rate| rate == "max"))
        .max_by(|a, b| a.value.total_cmp(&b.value));
    results.extend(best.map(|row| rules::throughput(&row.subject(), row.value)));
    let errors = worst_error_rate(series);
    results.extend(errors.map(|row| rules::error_rate(&row.subject(), row.share())));
    let memory = highest_memory(series);
    results.extend(
        memory
            .and_then(|(row, bytes)| rules::memory_use(&row.subject(), bytes, memory_limit_bytes)),
    );
    results
}

/// The guide's four red flags, in its order.
pub fn red_flags(series: &[Measured<'_>]) -> [RedFlag; 4] {
    [
        tail(series),
        memory_growth(series),
        processor(series),
        errors(series),
    ]
}

/// What the raised ones say, as the verdict lists them.
pub fn raised(flags: &[RedFlag]) -> Vec<String> {
    let raised = flags.iter().filter(|flag| flag.raised == Some(true));
    raised.map(|flag| flag.detail.clone()).collect()
}

/// p99 of more than ten times p50, in the benchmark of single events.
fn tail(series: &[Measured<'_>]) -> RedFlag {
    let latency = |metric: &'static str| of(series, "KVEventProcessingLatency", metric);
    let worst = latency("latency_p50")
        .filter_map(|p50| {
            let p99 = latency("latency_p99").find(|p99| p99.params == p50.params)?;
            let (p50_ns, p99_ns) = (p50.nanoseconds()?, p99.nanoseconds()?);
            let times = p99_ns / p50_ns;
            times.is_finite().then_some((times, p50, p50_ns, p99_ns))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    flag("p99 over p50", worst, |(times, p50, p50_ns, p99_ns)| {
        let raised = rules::red_flag_tail(&p50.subject(), p50_ns, p99_ns);
        let limit = rules::RED_P99_OVER_P50;
        (raised, format!("{times:.1}\u{d7}, limit {limit}\u{d7}"))
    })
}

/// Memory of an event that grows with the number of events.
fn memory_growth(series: &[Measured<'_>]) -> RedFlag {
    let by_load: Vec<(f64, f64)> = of(series, "KVEventMemoryUsage", "bytes_per_event")
        .filter_map(|row| Some((row.params.get("items")?.parse().ok()?, row.value)))
        .collect();
    let least = by_load.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let most = by_load.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let grown = least.zip(most).map(|(least, most)| {
        let grown = most.1 / least.1 - 1.0;
        (least.0, most.0, grown)
    });
    let grown = grown.filter(|(least, most, grown)| least < most && grown.is_finite());
    flag("memory per event", grown, |(least, most, grown)| {
        let raised = rules::red_flag_memory_growth("KVEventMemoryUsage", &by_load);
        let calm = format!(
            "{} from {} to {} items",
            format_change(grown),
            format_count(least as u64),
            format_count(most as u64),
        );
        (raised, calm)
    })
}

/// Processor use at the target throughput of 10,000 events a second.
fn processor(series: &[Measured<'_>]) -> RedFlag {
    let worst = of(series, "KVEventThroughput", "cpu_percent")
        .filter(|row| row.params.get("rate").is_some_and(|rate| rate == "10000"))
        .max_by(|a, b| a.share().total_cmp(&b.share()));
    flag("CPU at target throughput", worst, |row| {
        let share = row.share();
        let (percent, limit) = (100.0 * share, 100.0 * rules::RED_CPU_SHARE);
        let raised = rules::red_flag_cpu(&row.subject(), share);
        (raised, format!("{percent:.1}%, limit {limit:.0}%"))
    })
}

/// Events that failed, in any benchmark that counts them.
fn errors(series: &[Measured<'_>]) -> RedFlag {
    flag("errors", worst_error_rate(series), |row| {
        let share = row.share();
        let (percent, limit) = (100.0 * share, 100.0 * rules::RED_ERROR_RATE);
        let raised = rules::red_flag_errors(&row.subject(), share);
        let calm = format!("{percent:.3}% of the events, limit {limit:.1}%");
        (raised, calm)
    })
}

/// A flag from what was found; `say` gives the text of a raised one, and that of a calm one.
fn flag<T>(
    name: &'static str,
    found: Option<T>,
    say: impl FnOnce(T) -> (Option<String>, String),
) -> RedFlag {
    match found.map(say) {
        Some((raised, calm)) => RedFlag {
            name,
            raised: Some(raised.is_some()),
            detail: raised.unwrap_or(calm),
        },
        None => RedFlag {
            name,
            detail: "not available".to_owned(),
            raised: None,
        },
    }
}

fn of<'a>(
    series: &'a [Measured<'a>],
    benchmark: &'a str,
    metric: &'a str,
) -> impl Iterator<Item = &'a Measured<'a>> {
    series
        .iter()
        .filter(move |row| row.benchmark == benchmark && row.metric == metric)
}

fn worst_error_rate<'a>(series: &'a [Measured<'a>]) -> Option<&'a Measured<'a>> {
    series
        .iter()
        .filter(|row| row.metric == "error_rate")
        .max_by(|a, b| a.share().total_cmp(&b.share()))
}

/// The most memory that was in use at once: what is held in the end, times how much higher it was
/// on the way, where that was measured.
fn highest_memory<'a>(series: &'a [Measured<'a>]) -> Option<(&'a Measured<'a>, f64)> {
    let peak = |row: &Measured<'_>| {
        let over = of(series, "KVEventMemoryUsage", "peak_over_live")
            .find(|over| over.params == row.params);
        row.value * over.map_or(1.0, |over| over.value.max(1.0))
    };
    of(series, "KVEventMemoryUsage", "heap_total")
        .filter(|row| matches!(Unit::parse(row.unit), Ok(Unit::Bytes)))
        .map(|row| (row, peak(row)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

impl Measured<'_> {
    /// `KVEventThroughput cpu=8`.
    fn subject(&self) -> String {
        let params = params_text(self.params);
        format!("{} {params}", self.benchmark).trim_end().to_owned()
    }

    /// A share, 0 to 1, also where it is measured in percent.
    fn share(&self) -> f64 {
        match Unit::parse(self.unit) {
            Ok(Unit::Percent) => self.value / 100.0,
            _ => self.value,
        }
    }

    fn nanoseconds(&self) -> Option<f64> {
        let size = match Unit::parse(self.unit).ok()? {
            Unit::Nanoseconds => 1.0,
            Unit::Microseconds => 1e3,
            Unit::Milliseconds => 1e6,
            Unit::Seconds => 1e9,
            _ => return None,
        };
        Some(self.value * size)
    }
}

impl<'a> From<&'a SeriesVerdict> for Measured<'a> {
    fn from(series: &'a SeriesVerdict) -> Measured<'a> {
        Measured {
            benchmark: &series.benchmark,
            params: &series.params,
            metric: &series.metric,
            unit: &series.unit,
            value: series.value,
        }
    }
}

fn by_nanoseconds(a: &&Measured<'_>, b: &&Measured<'_>) -> std::cmp::Ordering {
    let value = |row: &Measured<'_>| row.nanoseconds().unwrap_or(f64::NEG_INFINITY);
    value(a).total_cmp(&value(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Benchmark, params as `cpu=2 rate=max`, metric, unit, value.
    type Row = (&'static str, &'static str, &'static str, &'static str, f64);

    fn with<T>(rows: &[Row], look: impl FnOnce(&[Measured<'_>]) -> T) -> T {
        let params: Vec<Params> = rows
            .iter()
            .map(|row| {
                let pairs = row.1.split_whitespace().filter_map(|p| p.split_once('='));
                pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
            })
            .collect();
        let measured: Vec<Measured<'_>> = rows
            .iter()
            .zip(&params)
            .map(|(&(benchmark, _, metric, unit, value), params)| Measured {
                benchmark,
                params,
                metric,
                unit,
                value,
            })
            .collect();
        look(&measured)
    }

    fn rules_of(rows: &[Row], limit: Option<f64>) -> Vec<(String, bool)> {
        let rules = with(rows, |measured| absolute_rules(measured, limit));
        rules
            .into_iter()
            .map(|rule| (rule.name, rule.met))
            .collect()
    }

    #[test]
    fn each_rule_looks_at_its_own_series_and_at_the_worst_of_them() {
        let latency = "KVEventProcessingLatency";
        let rows: &[Row] = &[
            (latency, "cpu=1", "latency_p99", "ns", 1.9e6),
            (latency, "cpu=2", "latency_p99", "us", 2_100.0),
            (
                "KVEventThroughput",
                "cpu=1",
                "events_per_second",
                "1/s",
                7_000.0,
            ),
            (
                "KVEventThroughput",
                "cpu=2",
                "events_per_second",
                "1/s",
                9_000.0,
            ),
            (
                "KVEventThroughput",
                "rate=2000",
                "events_per_second",
                "1/s",
                2_000.0,
            ),
            ("KVEventBurstLoad", "", "error_rate", "%", 0.6),
        ];
        assert_eq!(
            rules_of(rows, None),
            [
                (
                    "p99 latency of KVEventProcessingLatency cpu=2".to_owned(),
                    false
                ),
                ("throughput of KVEventThroughput cpu=2".to_owned(), true),
                ("error rate of KVEventBurstLoad".to_owned(), false),
            ]
        );
        assert_eq!(rules_of(&[], None), []);
    }

    #[test]
    fn the_peak_of_memory_is_held_against_the_limit_where_there_is_one() {
        let memory = "KVEventMemoryUsage";
        let rows: &[Row] = &[
            (memory, "items=10", "heap_total", "B", 700.0),
            (memory, "items=100", "heap_total", "B", 600.0),
            (memory, "items=100", "peak_over_live", "1", 1.5),
        ];
        let name = || "memory of KVEventMemoryUsage items=100".to_owned();
        assert_eq!(rules_of(rows, Some(1_125.0)), [(name(), true)]);
        assert_eq!(rules_of(rows, Some(1_124.0)), [(name(), false)]);
        assert_eq!(rules_of(rows, None), []);
    }

    #[test]
    fn each_red_flag_looks_at_its_own_series() {
        let rows: &[Row] = &[
            ("KVEventProcessingLatency", "", "latency_p50", "ns", 100.0),
            ("KVEventProcessingLatency", "", "latency_p99", "us", 2.0),
            (
                "KVEventMemoryUsage",
                "items=1000",
                "bytes_per_event",
                "B",
                100.0,
            ),
            (
                "KVEventMemoryUsage",
                "items=10000",
                "bytes_per_event",
                "B",
                200.0,
            ),
            (
                "KVEventMemoryUsage",
                "items=100000",
                "bytes_per_event",
                "B",
                400.0,
            ),
            ("KVEventThroughput", "rate=10000", "cpu_percent", "%", 91.0),
            ("KVEventThroughput", "", "error_rate", "1", 0.002),
        ];
        let flags = with(rows, |measured| raised(&red_flags(measured)));
        assert_eq!(flags.len(), 4, "{flags:?}");
        assert!(flags[0].contains("p99 is 20.0 times p50"), "{flags:?}");
        assert!(flags[1].contains("100% for each tenfold load"), "{flags:?}");
        let one = with(&rows[..1], red_flags);
        assert!(one.iter().all(|flag| flag.raised.is_none()), "{one:?}");
    }
}
