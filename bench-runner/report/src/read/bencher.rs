//! The history that a Bencher server gives: `GET /v0/projects/{project}/perf` (the metrics of each
//! series, with their reports) and `GET /v0/projects/{project}/reports` (an array; or one of them).
//! One run for each report, with its times, branch and commit; its iterations are the samples. The
//! shapes are those of its crate `bencher_json` (`JsonPerf`, `JsonReport`):
//! <https://github.com/bencherdev/bencher>. Bounds, thresholds and alerts are left out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::ReadError;
use super::bmf::measure_is;
use super::collect::{Draft, Facts, add_sample_as};
use crate::report::{Environment, Params, Revision};

/// What tells a report from series.
#[derive(Deserialize)]
struct Head {
    testbed: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Perf {
    results: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    branch: Named,
    testbed: Named,
    benchmark: Named,
    measure: Measure,
    metrics: Vec<SeriesMetric>,
}

#[derive(Deserialize)]
struct SeriesMetric {
    report: String,
    start_time: Timestamp,
    end_time: Timestamp,
    version: Version,
    metric: Metric,
}

#[derive(Deserialize)]
struct OneReport {
    uuid: String,
    branch: ReportBranch,
    testbed: Named,
    start_time: Timestamp,
    end_time: Timestamp,
    /// By iteration.
    results: Vec<Vec<ReportResult>>,
}

/// A branch with the version that was measured: in its head, or, in older answers, beside it.
#[derive(Deserialize)]
struct ReportBranch {
    name: String,
    #[serde(default)]
    version: Option<Version>,
    #[serde(default)]
    head: Option<ReportHead>,
}

#[derive(Deserialize)]
struct ReportHead {
    #[serde(default)]
    version: Option<Version>,
}

/// The measures of a benchmark, or, in older answers, the benchmarks of a measure.
#[derive(Deserialize)]
#[serde(untagged)]
enum ReportResult {
    Benchmark {
        benchmark: Named,
        measures: Vec<ReportMeasure>,
    },
    Measure {
        measure: Measure,
        benchmarks: Vec<ReportBenchmark>,
    },
}

#[derive(Deserialize)]
struct ReportMeasure {
    measure: Measure,
    metric: Metric,
}

#[derive(Deserialize)]
struct ReportBenchmark {
    name: String,
    metric: Metric,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Measure {
    slug: String,
    #[serde(default)]
    units: String,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    hash: Option<String>,
}

#[derive(Deserialize)]
struct Metric {
    value: f64,
}

/// Reads either.
pub(super) fn read(text: &str) -> Result<Vec<Draft>, ReadError> {
    let drafts: Drafts = if text.trim_start().starts_with('[') {
        of_reports(serde_json::from_str(text)?)
    } else if serde_json::from_str::<Head>(text)?.testbed.is_some() {
        of_reports(vec![serde_json::from_str(text)?])
    } else {
        of_series(serde_json::from_str(text)?)
    };
    let machines: BTreeSet<&String> = drafts
        .values()
        .filter_map(|draft| draft.facts.environment.name.as_ref())
        .collect();
    if machines.len() > 1 {
        let names: Vec<&str> = machines.iter().map(|name| name.as_str()).collect();
        return Err(ReadError::ManyMachines {
            names: names.join(", "),
        });
    }
    if drafts.values().all(|draft| draft.results.is_empty()) {
        return Err(ReadError::Nothing {
            expected: "`{\"results\": [{\"branch\", \"testbed\", \"benchmark\", \"measure\", \"metrics\"}]}` or an array of reports",
        });
    }
    Ok(drafts.into_values().collect())
}

/// By time, then by the report's name.
type Drafts = BTreeMap<(Timestamp, String), Draft>;

fn of_series(perf: Perf) -> Drafts {
    let mut drafts = Drafts::new();
    for series in perf.results {
        for metric in series.metrics {
            let key = (metric.start_time, metric.report);
            let draft = drafts.entry(key).or_insert_with(|| {
                let times = (metric.start_time, metric.end_time);
                draft(
                    &series.branch.name,
                    &series.testbed,
                    times,
                    metric.version.hash,
                )
            });
            add(
                draft,
                &series.benchmark.name,
                &series.measure,
                &metric.metric,
            );
        }
    }
    drafts
}

fn of_reports(reports: Vec<OneReport>) -> Drafts {
    let mut drafts = Drafts::new();
    for report in reports {
        let head = report.branch.head.and_then(|head| head.version);
        let version = head.or(report.branch.version);
        let times = (report.start_time, report.end_time);
        let hash = version.and_then(|version| version.hash);
        let mut draft = draft(&report.branch.name, &report.testbed, times, hash);
        for result in report.results.into_iter().flatten() {
            match result {
                ReportResult::Benchmark {
                    benchmark,
                    measures,
                } => {
                    for one in measures {
                        add(&mut draft, &benchmark.name, &one.measure, &one.metric);
                    }
                }
                ReportResult::Measure {
                    measure,
                    benchmarks,
                } => {
                    for one in benchmarks {
                        add(&mut draft, &one.name, &measure, &one.metric);
                    }
                }
            }
        }
        drafts.insert((report.start_time, report.uuid), draft);
    }
    drafts
}

fn draft(
    branch: &str,
    testbed: &Named,
    (started_at, finished_at): (Timestamp, Timestamp),
    hash: Option<String>,
) -> Draft {
    Draft {
        facts: Facts {
            suite: "bencher".to_owned(),
            runner: "bencher",
            revision: Revision {
                commit: hash,
                branch: Some(branch.to_owned()),
                ..Revision::default()
            },
            environment: Environment {
                name: Some(testbed.name.clone()),
                ..Environment::default()
            },
            started_at: Some(started_at),
            finished_at: Some(finished_at),
            ..Facts::default()
        },
        ..Draft::default()
    }
}

fn add(draft: &mut Draft, benchmark: &str, measure: &Measure, metric: &Metric) {
    let benchmark = draft.results.benchmark(benchmark, &Params::new());
    let is = measure_is(&measure.slug, &measure.units);
    add_sample_as(benchmark, &measure.slug, is, metric.value);
}
