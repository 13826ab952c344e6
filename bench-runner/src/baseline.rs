//! Many reports into one baseline file: for each series the mean of its runs' published values.

use std::collections::BTreeMap;

use bench_report::metric::Unit;
use bench_report::report::{Metric, Params, Report, Status};
use bench_report::write::baseline::{BASELINE_FORMAT, Baseline, BaselineSeries};
use jiff::Timestamp;

/// Folds reports, in any order, into baselines. Benchmarks that failed or were skipped, and metrics
/// with a unit that is not known, do not enter.
pub fn fold(reports: &[Report], created_at: Timestamp) -> Baseline {
    let mut reports: Vec<&Report> = reports.iter().collect();
    reports.sort_by_key(|report| report.started_at);
    let mut series: BTreeMap<(String, String, String, String, Params), BaselineSeries> =
        BTreeMap::new();
    for report in &reports {
        let environment = report.environment.identity().hash;
        let measured = report
            .benchmarks
            .iter()
            .filter(|benchmark| benchmark.status == Status::Ok);
        for benchmark in measured {
            for metric in &benchmark.metrics {
                let Some((unit, published)) = published(metric) else {
                    continue;
                };
                let key = (
                    report.suite.name.clone(),
                    environment.clone(),
                    benchmark.name.clone(),
                    metric.name.clone(),
                    benchmark.params.clone(),
                );
                let entry = series.entry(key).or_insert_with(|| BaselineSeries {
                    suite: report.suite.name.clone(),
                    benchmark: benchmark.name.clone(),
                    params: benchmark.params.clone(),
                    metric: metric.name.clone(),
                    unit,
                    better: metric.better,
                    kind: metric.kind,
                    environment: Some(environment.clone()),
                    environment_name: report.environment.name.clone(),
                    value: published,
                    runs: Vec::new(),
                    samples: Vec::new(),
                    floor: metric.floor,
                    target: metric.target,
                });
                // The newest report says what sort of quantity it is and what its target is.
                (entry.kind, entry.floor, entry.target) =
                    (metric.kind, metric.floor, metric.target);
                entry.runs.push(published);
                entry.samples.extend(&metric.samples);
                entry.value = entry.runs.iter().sum::<f64>() / entry.runs.len() as f64;
            }
        }
    }
    let newest = reports.last().map(|report| &report.revision);
    Baseline {
        baseline_format: BASELINE_FORMAT,
        created_at,
        commit: newest.and_then(|revision| revision.commit.clone()),
        branch: newest.and_then(|revision| revision.branch.clone()),
        series: series.into_values().collect(),
    }
}

/// A run's value: the median of its samples.
fn published(metric: &Metric) -> Option<(Unit, f64)> {
    let mut sorted = metric.samples.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some((Unit::parse(&metric.unit).ok()?, f64::midpoint(lower, upper)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::collect::gather::tests::{gathered, sample};
    use crate::measure::sampler::Moment;

    fn report(day: u32, values: &[f64]) -> Report {
        let mut gathered = gathered(Some("ProcessingLatency"), &[0]);
        for &value in values {
            gathered.add(0, sample(value), Moment::default(), Moment::default());
        }
        let started_at: Timestamp = format!("2026-01-{day:02}T00:00:00Z").parse().unwrap();
        Report {
            started_at,
            ..gathered.report(started_at, true)
        }
    }

    #[test]
    fn a_baseline_is_the_mean_of_the_medians_oldest_first() {
        let reports = [report(2, &[30.0, 50.0]), report(1, &[10.0, 20.0, 90.0])];
        let baseline = fold(&reports, Timestamp::UNIX_EPOCH);
        let series = &baseline
            .series
            .iter()
            .find(|one| one.metric == "latency_p50")
            .unwrap();
        assert_eq!(series.runs, [20.0, 40.0]);
        assert_eq!(series.value, 30.0);
        assert_eq!(series.samples, [10.0, 20.0, 90.0, 30.0, 50.0]);
        assert!(Baseline::parse(baseline.to_json().as_bytes()).is_ok());
    }

    #[test]
    fn another_machine_is_another_series() {
        let mut other = report(2, &[30.0]);
        other.environment.cpu_model = Some("another".to_owned());
        let baseline = fold(&[report(1, &[10.0]), other], Timestamp::UNIX_EPOCH);
        assert_eq!(
            baseline
                .series
                .iter()
                .filter(|one| one.metric == "latency_p50")
                .count(),
            2
        );
    }
}
