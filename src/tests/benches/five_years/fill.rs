//! What is stored: nights with causes that come and go, a pull request, reports on the wire.

use std::collections::BTreeMap;
use std::time::Instant;

use bench_report::metric::{Direction, Kind};
use kvmark::analysis::published::published;
use kvmark::domain::time::DAY_MS;
use kvmark::domain::{
    Expectation, Millis, NewEnvironment, NewMeasurement, NewRun, Revision, RunKind, SeriesName,
};
use kvmark::jobs;
use kvmark::store::Store;
use serde_json::json;

use crate::table::Table;
use crate::{LAST, cpu_seconds, ms};

/// The pull request that was pushed to so often.
pub(crate) const PULL: u64 = 7;
const PUSHES: i64 = 12;

/// Every so many nights something gets worse, and is repaired half that time later.
const CAUSE_NIGHTS: i64 = 40;

/// Fills a store with nights and a pull request, and says what it takes.
pub(crate) async fn fill(store: &Store, count: i64, series: usize, table: &mut Table) {
    println!("\n{count} nights of {series} series, each stored and judged as an upload is");
    nights(store, count, series).await;
    for push in 0..PUSHES {
        put(store, &pushed(push, series, count)).await;
    }
    let sizes = store.sizes().await.unwrap();
    let all = store.measurement_sizes().await.unwrap();
    println!(
        "{} measurements, {:.1} MB, of which samples and reports {:.1} MB",
        all.measurements,
        sizes.bytes as f64 / 1e6,
        all.blob_bytes as f64 / 1e6,
    );
    let beside = (sizes.bytes - all.blob_bytes) as f64 / all.measurements as f64;
    table.most(
        "stored beside samples and report, a measurement",
        beside,
        "B",
        100.0,
    );
}

/// Nights, oldest first, each judged as an upload is.
pub(crate) async fn nights(store: &Store, count: i64, series: usize) {
    /// The nights at either end whose time is told apart: it must not grow.
    const END: i64 = 100;
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let (mut first, mut last) = (0.0, 0.0);
    for night in 0..count {
        let before = cpu_seconds();
        put(store, &nightly(night, series, count)).await;
        let took = cpu_seconds() - before;
        if night < END {
            first += took;
        }
        if night >= count - END {
            last += took;
        }
    }
    let each = 1e3 / count.min(END) as f64;
    println!(
        "filled in {:.1} s, {:.2} ms a night; a processor's {:.2} ms, {:.2} ms of the first {END} and {:.2} ms of the last",
        start.elapsed().as_secs_f64(),
        ms(start.elapsed()) / count as f64,
        (cpu_seconds() - cpu) * 1e3 / count as f64,
        first * each,
        last * each,
    );
}

async fn put(store: &Store, run: &NewRun) {
    let now = run.finished_at;
    store
        .insert_judged(run, now, jobs::judge_run)
        .await
        .unwrap();
}

/// A night of the suite: ten samples a series, noise of 2%, levels of their own.
fn nightly(night: i64, series: usize, count: i64) -> NewRun {
    let at = LAST - (count - 1 - night) * DAY_MS;
    // In the second half of its nights a cause holds five of 500 series.
    let cause = (night % CAUSE_NIGHTS >= CAUSE_NIGHTS / 2).then_some(night / CAUSE_NIGHTS);
    let factor = |i: usize| match cause {
        Some(cause) if (i as i64 - cause) % 100 == 0 => 1.25,
        _ => 1.0,
    };
    NewRun {
        run_key: format!("night-{night}"),
        kind: RunKind::Nightly,
        revision: Revision {
            commit: commit_of(night),
            branch: Some("main".to_owned()),
            subject: Some(format!("index: what night {night} brought")),
            author: Some("A. Uthor".to_owned()),
            ..Revision::default()
        },
        ..run(at, u64::try_from(night).unwrap(), series, factor)
    }
}

/// A push to the pull request, on the last night's code.
fn pushed(push: i64, series: usize, nights: i64) -> NewRun {
    let at = LAST + (push + 1) * 60_000;
    let factor = |i: usize| if i as i64 % 50 == push { 1.3 } else { 1.0 };
    NewRun {
        run_key: format!("push-{push}"),
        kind: RunKind::Pull,
        revision: Revision {
            commit: format!("{:040x}", (1_u64 << 40) + push.unsigned_abs()),
            branch: Some("feature".to_owned()),
            base_commit: Some(commit_of(nights - 1)),
            pull: Some(PULL),
            ..Revision::default()
        },
        ..run(at, push.unsigned_abs() + (1 << 20), series, factor)
    }
}

/// What another pull request's run uploads on the same machine.
pub(crate) async fn other(store: &Store) {
    const SERIES: usize = 30;
    let upload = NewRun {
        run_key: uuid::Uuid::new_v4().to_string(),
        kind: RunKind::Pull,
        revision: Revision {
            commit: format!("{:040x}", 1_u64 << 41),
            branch: Some("another".to_owned()),
            pull: Some(PULL + 1),
            ..Revision::default()
        },
        ..run(LAST + DAY_MS / 2, 1 << 21, SERIES, |_| 1.0)
    };
    put(store, &upload).await;
}

fn commit_of(night: i64) -> String {
    format!("{night:040x}")
}

fn run(at: i64, seed: u64, series: usize, factor: impl Fn(usize) -> f64) -> NewRun {
    let mut seed = seed + 1;
    let mut noise = move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        0.98 + 0.04 * ((seed >> 33) as f64 / f64::from(1_u32 << 31))
    };
    let measurements = (0..series)
        .map(|i| {
            let level = 100.0 * (i + 1) as f64 * factor(i);
            let samples: Vec<f64> = (0..10).map(|_| level * noise()).collect();
            NewMeasurement {
                name: name(i),
                unit: "ns".to_owned(),
                better: Direction::Lower,
                kind: Kind::Time,
                floor: None,
                target: None,
                published: published(&samples),
                samples,
            }
        })
        .collect();
    NewRun {
        run_key: String::new(),
        kind: RunKind::Nightly,
        suite: "kv-sync".to_owned(),
        suite_version: "1".to_owned(),
        environment: NewEnvironment {
            fingerprint: "ab".repeat(16),
            name: Some("bench-1".to_owned()),
            facts: Vec::new(),
            is_sample: false,
        },
        revision: Revision::default(),
        commits: Vec::new(),
        pair: None,
        started_at: Millis(at),
        finished_at: Millis(at + 60_000),
        options: Vec::new(),
        conditions: Vec::new(),
        binary_sha256: None,
        memory_limit_bytes: None,
        measurements,
        expectation: Expectation::default(),
        curves: Vec::new(),
        histograms: Vec::new(),
        artifacts: Vec::new(),
        report_sha256: [0; 32],
        report: b"a report".to_vec(),
    }
}

/// Series `i`: seven benchmarks, metrics and params as the suite has them in number.
fn name(i: usize) -> SeriesName {
    const BENCHMARKS: [&str; 7] = [
        "KVEventProcessingLatency",
        "KVEventThroughput",
        "KVEventMemoryUsage",
        "KVEventConcurrency",
        "KVEventLargePrefix",
        "KVEventBurstLoad",
        "KVEventRoutingDecision",
    ];
    let of_benchmark = i / BENCHMARKS.len();
    SeriesName {
        benchmark: BENCHMARKS[i % BENCHMARKS.len()].to_owned(),
        metric: format!("metric_{}", of_benchmark % 6),
        params: BTreeMap::from([
            ("concurrency".to_owned(), (of_benchmark / 6).to_string()),
            ("cpu".to_owned(), "2".to_owned()),
        ]),
    }
}

/// A report on the wire, of a person's try, so that it becomes part of no baseline.
pub(crate) fn wire(series: usize, samples: usize, i: usize) -> String {
    let at = Millis(LAST + i64::try_from(i % 1000).unwrap())
        .timestamp()
        .to_string();
    let benchmarks: Vec<_> = (0..series)
        .map(|s| {
            let name = name(s);
            let samples: Vec<f64> = (0..samples)
                .map(|n| 100.0 * (s + 1) as f64 * (1.0 + ((n * 7 + i) % 13) as f64 / 1013.0))
                .collect();
            json!({
                "name": name.benchmark, "params": {"concurrency": name.params["concurrency"], "cpu": "2", "of": name.metric},
                "status": "ok", "iterations": 1000,
                "metrics": [{"name": name.metric, "unit": "ns", "better": "lower", "kind": "time", "samples": samples}],
            })
        })
        .collect();
    json!({
        "format": 1, "run_key": uuid::Uuid::new_v4().to_string(), "kind": "pull",
        "suite": {"name": "kv-sync", "version": "1"},
        "runner": {"name": "bench-runner", "version": "0.1.0"},
        "options": {}, "revision": {"commit": "abcdef0", "branch": "feature", "dirty": false},
        "environment": {"cpu_model": "EPYC", "cpu_count": 2},
        "started_at": at, "finished_at": at, "benchmarks": benchmarks,
    })
    .to_string()
}
