//! Which series are asked for, by the revision that they are compared with.

use std::collections::BTreeMap;

use bench_report::metric::{Params, SeriesName, params_text};
use bench_verdict::verdict::{SeriesVerdict, Verdict};

/// Series that are measured again together: one good revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The good revision.
    pub against_commit: String,
    /// The series.
    pub series: Vec<SeriesName>,
    /// By how much the worst of them is worse.
    worst: f64,
}

/// What a verdict asks for; the group with the worst series first, for budgets end.
pub fn groups(verdict: &Verdict) -> Vec<Group> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for series in &verdict.series {
        let Some(confirm) = &series.confirm else {
            continue;
        };
        let group = groups
            .entry(&confirm.against_commit)
            .or_insert_with(|| Group {
                against_commit: confirm.against_commit.clone(),
                series: Vec::new(),
                worst: f64::NEG_INFINITY,
            });
        group.series.push(name(series));
        group.worst = group.worst.max(series.change.unwrap_or_default());
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by(|a, b| b.worst.total_cmp(&a.worst));
    groups
}

fn name(series: &SeriesVerdict) -> SeriesName {
    SeriesName {
        benchmark: series.benchmark.clone(),
        metric: series.metric.clone(),
        params: series.params.clone(),
    }
}

/// The benchmarks of series, each once.
pub fn cases(series: &[SeriesName]) -> Vec<(&str, &Params)> {
    let mut cases: Vec<(&str, &Params)> = series
        .iter()
        .map(|name| (name.benchmark.as_str(), &name.params))
        .collect();
    cases.sort_unstable();
    cases.dedup();
    cases
}

/// The options of `run` that measure just the benchmarks of these series, once: `--bench` with their
/// whole names, and their core counts.
pub fn options(series: &[SeriesName]) -> Vec<String> {
    let cases = cases(series);
    let text = |(benchmark, params): &(&str, &Params)| {
        let text = format!("{benchmark} {}", params_text(params));
        regex::escape(text.trim_end())
    };
    let names: Vec<String> = cases.iter().map(text).collect();
    let mut cpus: Vec<&str> = cases
        .iter()
        .map(|(_, params)| params.get("cpu").map_or("1", String::as_str))
        .collect();
    cpus.sort_unstable();
    cpus.dedup();
    vec![
        format!("--bench=^(?:{})$", names.join("|")),
        format!("--cpu={}", cpus.join(",")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(benchmark: &str, metric: &str, cpu: &str) -> SeriesName {
        SeriesName {
            benchmark: benchmark.to_owned(),
            metric: metric.to_owned(),
            params: Params::from([("cpu".to_owned(), cpu.to_owned())]),
        }
    }

    #[test]
    fn only_the_benchmarks_of_the_series_are_measured_each_once() {
        let series = [
            series("KVEventThroughput", "events_per_second", "2"),
            series("KVEventProcessingLatency", "latency_p50", "1"),
            series("KVEventProcessingLatency", "latency_mean", "1"),
        ];
        assert_eq!(
            options(&series),
            [
                "--bench=^(?:KVEventProcessingLatency cpu=1|KVEventThroughput cpu=2)$",
                "--cpu=1,2"
            ]
        );
    }
}
