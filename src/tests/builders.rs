//! Runs for tests: plausible where nothing is said.

use std::collections::BTreeMap;

use bench_report::metric::{Direction, Kind};
use kvmark::domain::time::DAY_MS;
use kvmark::domain::{
    Expectation, Millis, NewEnvironment, NewMeasurement, NewRun, Published, Revision, RunKind,
    SeriesName,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::NOW;

/// A nightly run of the main branch, `days_ago` days before [`NOW`], without measurements.
pub(crate) fn nightly(key: &str, days_ago: i64) -> NewRun {
    let started_at = Millis(NOW.0 - days_ago * DAY_MS);
    NewRun {
        run_key: key.to_owned(),
        kind: RunKind::Nightly,
        suite: "kv-sync".to_owned(),
        suite_version: "1".to_owned(),
        environment: NewEnvironment {
            fingerprint: "aa".repeat(32),
            name: Some("bench-1".to_owned()),
            facts: vec![("CPU".to_owned(), "EPYC".to_owned())],
            is_sample: false,
        },
        revision: Revision {
            commit: format!("{:040x}", started_at.0),
            branch: Some("main".to_owned()),
            subject: Some("index: free what nobody holds".to_owned()),
            ..Revision::default()
        },
        commits: Vec::new(),
        pair: None,
        started_at,
        finished_at: Millis(started_at.0 + 60_000),
        options: vec![("seed".to_owned(), "7".to_owned())],
        conditions: Vec::new(),
        binary_sha256: None,
        memory_limit_bytes: None,
        measurements: Vec::new(),
        expectation: Expectation::default(),
        curves: Vec::new(),
        histograms: Vec::new(),
        artifacts: Vec::new(),
        report: key.as_bytes().to_vec(),
        report_sha256: Sha256::digest(key.as_bytes()).into(),
    }
}

/// Six samples around `value`, whose median it is, of `latency_p99` in `ns`.
pub(crate) fn latency(benchmark: &str, value: f64) -> NewMeasurement {
    let samples: Vec<f64> = [0.98, 0.99, 1.0, 1.0, 1.01, 1.02]
        .iter()
        .map(|f| f * value)
        .collect();
    NewMeasurement {
        name: SeriesName {
            benchmark: benchmark.to_owned(),
            metric: "latency_p99".to_owned(),
            params: BTreeMap::from([("cpu".to_owned(), "2".to_owned())]),
        },
        unit: "ns".to_owned(),
        better: Direction::Lower,
        kind: Kind::Time,
        floor: None,
        target: None,
        published: Published {
            value,
            interval: Some((samples[0], samples[5])),
        },
        samples,
    }
}

/// `run` with these measurements.
pub(crate) fn with(
    mut run: NewRun,
    measurements: impl IntoIterator<Item = NewMeasurement>,
) -> NewRun {
    run.measurements.extend(measurements);
    run
}

/// A report as a runner sends it: a nightly run of main with `metrics`, each a benchmark of its own
/// with one param and six samples around the value.
pub(crate) fn report(days_ago: i64, metrics: &[(&str, f64)]) -> Value {
    let started = Millis(NOW.0 - days_ago * DAY_MS);
    let benchmarks: Vec<Value> = metrics
        .iter()
        .map(|(name, value)| {
            json!({
                "name": name, "params": {"cpu": "2"}, "status": "ok", "iterations": 1000,
                "metrics": [{
                    "name": "latency_p99", "unit": "ns", "better": "lower", "kind": "time",
                    "samples": latency(name, *value).samples,
                }],
            })
        })
        .collect();
    json!({
        "format": 1, "run_key": uuid::Uuid::new_v4().to_string(), "kind": "nightly",
        "suite": {"name": "kv-sync", "version": "1"},
        "runner": {"name": "bench-runner", "version": "0.1.0"},
        "options": {"count": 6, "seed": 7},
        "revision": {"commit": format!("{:040x}", started.0), "branch": "main", "dirty": false},
        "environment": {"name": "bench-1", "cpu_model": "EPYC", "cpu_count": 2},
        "started_at": started.timestamp().to_string(),
        "finished_at": Millis(started.0 + 60_000).timestamp().to_string(),
        "benchmarks": benchmarks,
    })
}
