//! The guide's four red flags ("Red Flags"). They warn and fail nothing; what they compare is
//! judged by [`bench_verdict::rules`], here is only which series they look at.

use bench_report::metric::{format_change, format_count};
use bench_verdict::rules;

use super::{all, name_of, share};
use crate::analysis::overview::RedFlag;
use crate::domain::{Judged, JudgedRun};

/// The four, in the order of the guide.
pub fn red_flags(run: &JudgedRun) -> Vec<RedFlag> {
    vec![tail(run), memory(run), processor(run), errors(run)]
}

/// The raised ones, as the verdict lists them.
pub fn red_flag_texts(run: &JudgedRun) -> Vec<String> {
    red_flags(run)
        .into_iter()
        .filter(|f| f.raised == Some(true))
        .map(|f| f.detail)
        .collect()
}

/// p99 of more than ten times p50, in the benchmark of single events.
fn tail(run: &JudgedRun) -> RedFlag {
    let name = "p99 over p50";
    let worst = all(run, "KVEventProcessingLatency", "latency_p50")
        .filter_map(|p50| {
            let p99 = all(run, "KVEventProcessingLatency", "latency_p99")
                .find(|p99| p99.series.key.params == p50.series.key.params)?;
            let times = p99.measurement.value / p50.measurement.value;
            times.is_finite().then_some((times, p50, p99))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((times, p50, p99)) = worst else {
        return not_available(name);
    };
    let of = format!("KVEventProcessingLatency {}", p50.series.params_text());
    let raised = rules::red_flag_tail(of.trim_end(), p50.measurement.value, p99.measurement.value);
    flag(
        name,
        raised,
        format!("{times:.1}\u{d7}, limit {}\u{d7}", rules::RED_P99_OVER_P50),
    )
}

/// Memory of an event that grows with the number of events.
fn memory(run: &JudgedRun) -> RedFlag {
    let name = "memory per event";
    let by_load: Vec<(f64, f64)> = all(run, "KVEventMemoryUsage", "bytes_per_event")
        .filter_map(|row| {
            let load = row.series.key.params.get("items")?.parse().ok()?;
            Some((load, row.measurement.value))
        })
        .collect();
    let least = by_load.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let most = by_load.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(least), Some(most)) = (least, most) else {
        return not_available(name);
    };
    let grown = most.1 / least.1 - 1.0;
    if most.0 <= least.0 || !grown.is_finite() {
        return not_available(name);
    }
    let raised = rules::red_flag_memory_growth("KVEventMemoryUsage", &by_load);
    let detail = format!(
        "{} from {} to {} items",
        format_change(grown),
        format_count(least.0 as u64),
        format_count(most.0 as u64),
    );
    flag(name, raised, detail)
}

/// Processor use at the target throughput of 10,000 events a second.
fn processor(run: &JudgedRun) -> RedFlag {
    let name = "CPU at target throughput";
    let worst = worst_of(all(run, "KVEventThroughput", "cpu_percent").filter(|row| {
        row.series
            .key
            .params
            .get("rate")
            .is_some_and(|rate| rate == "10000")
    }));
    let Some(row) = worst else {
        return not_available(name);
    };
    let percent = 100.0 * share(row);
    let raised = rules::red_flag_cpu(&name_of(row), share(row));
    let limit = 100.0 * rules::RED_CPU_SHARE;
    flag(name, raised, format!("{percent:.1}%, limit {limit:.0}%"))
}

/// Events that failed, in any benchmark that counts them.
fn errors(run: &JudgedRun) -> RedFlag {
    let name = "errors";
    let worst = worst_of(
        run.rows
            .iter()
            .filter(|row| row.series.key.metric == "error_rate"),
    );
    let Some(row) = worst else {
        return not_available(name);
    };
    let share = share(row);
    let raised = rules::red_flag_errors(&name_of(row), share);
    let limit = 100.0 * rules::RED_ERROR_RATE;
    flag(
        name,
        raised,
        format!("{:.3}% of the events, limit {limit:.1}%", 100.0 * share),
    )
}

fn worst_of<'a>(rows: impl Iterator<Item = &'a Judged>) -> Option<&'a Judged> {
    rows.max_by(|a, b| a.measurement.value.total_cmp(&b.measurement.value))
}

fn flag(name: &'static str, raised: Option<String>, calm: String) -> RedFlag {
    RedFlag {
        name,
        raised: Some(raised.is_some()),
        detail: raised.unwrap_or(calm),
    }
}

fn not_available(name: &'static str) -> RedFlag {
    RedFlag {
        name,
        detail: "not available".to_owned(),
        raised: None,
    }
}
