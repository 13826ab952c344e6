//! `cargo bench --bench five_years`: five years of nightly runs of 500 series, stored one after the
//! other with their verdicts; then what uploads and pages take, what a server needs from its start
//! on while 50 clients browse, and how readers scale.
//!
//! `-- --years N --series N --database FILE` change it; a database that has runs already is used as
//! it is, so that `--database FILE` makes the store once. The browsing happens in a process of its
//! own, whose memory knows nothing of the filling. Without `--bench` (as `cargo test --benches` calls it) two weeks of it show that it runs.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot be made ends it"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bench_report::metric::{Direction, Kind};
use kvmark::analysis::published::published;
use kvmark::config::Config;
use kvmark::domain::time::DAY_MS;
use kvmark::domain::{
    Expectation, Millis, NewEnvironment, NewMeasurement, NewRun, Revision, RunKind, Scope,
    SeriesName,
};
use kvmark::store::{RunFilter, Store, StoreOptions};
use kvmark::web::auth::Secret;
use kvmark::web::{self, AppState};
use kvmark::{ingest, jobs};
use serde_json::json;
use tower::ServiceExt;

/// 2026-03-01T06:00:00Z: the last night.
const LAST: i64 = 1_772_344_800_000;

struct Args {
    years: f64,
    series: usize,
    database: Option<PathBuf>,
    repeats: usize,
    /// Only start as a server does, and browse.
    browse: bool,
    measure: bool,
}

#[tokio::main]
async fn main() {
    let args = args();
    if args.browse {
        browse(&args).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = args
        .database
        .clone()
        .unwrap_or_else(|| folder.path().join("kvmark.db"));
    let empty = open(&folder.path().join("empty.db")).await;
    report("empty store", &empty, &args).await;

    let opened = Instant::now();
    let app = open(&path).await;
    println!("open: {:.1} ms", ms(opened.elapsed()));
    if app.store.sizes().await.unwrap().runs == 0 {
        fill(&app.store, &args).await;
    }
    report("filled store", &app, &args).await;
    pages(&app, &args).await;
    readers(&app, &args).await;
    app.store.close().await;
    let mut own = std::process::Command::new(std::env::current_exe().unwrap());
    own.arg("--browse").arg("--database").arg(&path);
    if args.measure {
        own.arg("--bench");
    }
    assert!(own.status().unwrap().success(), "the browsing ends well");
}

fn args() -> Args {
    let given: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = given.iter().position(|a| a == name)?;
        given.get(at + 1).cloned()
    };
    let measure = given.iter().any(|a| a == "--bench");
    let (years, series, repeats) = if measure {
        (5.0, 500, 40)
    } else {
        (0.04, 14, 2)
    };
    Args {
        years: after("--years").map_or(years, |v| v.parse().unwrap()),
        series: after("--series").map_or(series, |v| v.parse().unwrap()),
        database: after("--database").map(PathBuf::from),
        repeats,
        browse: given.iter().any(|a| a == "--browse"),
        measure,
    }
}

async fn open(path: &std::path::Path) -> AppState {
    let store = Store::open(path, StoreOptions::default()).await.unwrap();
    let mut state = AppState::new(store, Config::default());
    state.clock = std::sync::Arc::new(|| Millis(LAST));
    state
}

/// Every night of the years, oldest first, each judged as an upload is.
async fn fill(store: &Store, args: &Args) {
    let nights = (args.years * 365.25) as i64;
    let start = Instant::now();
    let mut last = Vec::new();
    let mut cpu = 0.0;
    for night in 0..nights {
        let (night_start, cpu_before) = (Instant::now(), cpu_seconds());
        let run = nightly(LAST - (nights - night) * DAY_MS, args.series, night);
        store
            .insert_judged(&run, Millis(LAST), jobs::judge_run)
            .await
            .unwrap();
        if night >= nights - 30 {
            last.push(night_start.elapsed());
            cpu += cpu_seconds() - cpu_before;
        }
    }
    let took = start.elapsed();
    print(
        &format!(
            "the last nights, each with its evidence (CPU {:.2} ms)",
            cpu * 1e3 / last.len() as f64
        ),
        &mut last,
    );
    let sizes = store.sizes().await.unwrap();
    let all = store.measurement_sizes().await.unwrap();
    println!(
        "fill: {nights} nights x {} series in {:.1} s, {:.2} ms a night",
        args.series,
        took.as_secs_f64(),
        ms(took) / nights as f64
    );
    println!(
        "size: {:.1} MB; blobs {:.1} MB; {:.1} bytes a measurement beside them",
        sizes.bytes as f64 / 1e6,
        all.blob_bytes as f64 / 1e6,
        (sizes.bytes - all.blob_bytes) as f64 / all.measurements as f64
    );
}

/// A night of the suite: ten samples a series, noise of 2%, levels of their own.
fn nightly(at: i64, series: usize, night: i64) -> NewRun {
    let mut seed = u64::try_from(night).unwrap() + 1;
    let mut noise = move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        0.98 + 0.04 * ((seed >> 33) as f64 / f64::from(1_u32 << 31))
    };
    let measurements = (0..series)
        .map(|i| {
            let level = 100.0 * (i + 1) as f64;
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
    let report = format!("night {night}").into_bytes();
    NewRun {
        run_key: format!("night-{night}"),
        kind: RunKind::Nightly,
        suite: "kv-sync".to_owned(),
        suite_version: "1".to_owned(),
        environment: NewEnvironment {
            fingerprint: "ab".repeat(16),
            name: Some("bench-1".to_owned()),
            facts: Vec::new(),
            is_sample: false,
        },
        revision: Revision {
            commit: format!("{night:040x}"),
            branch: Some("main".to_owned()),
            subject: Some(format!("index: what night {night} brought")),
            author: Some("A. Uthor".to_owned()),
            ..Revision::default()
        },
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
        report,
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

/// What uploads take: of a small report and of a large one.
async fn report(what: &str, app: &AppState, args: &Args) {
    let secret = Secret::random().unwrap();
    app.store
        .create_token(&secret.hash(), Scope::Upload, None, None, Millis(LAST))
        .await
        .unwrap();
    for (series, samples) in [(30, 10), (500, 30)] {
        let router = web::router(app.clone());
        let mut times = Vec::new();
        let mut cpu = 0.0;
        for i in 0..args.repeats {
            let body = wire(series, samples, i);
            let bytes = body.len();
            let request = Request::post("/api/v1/runs")
                .header("host", "localhost")
                .header("authorization", format!("Bearer {}", secret.reveal()))
                .header("content-type", "application/json")
                .body(Body::from(body))
                .unwrap();
            let (start, cpu_before) = (Instant::now(), cpu_seconds());
            let (status, _) = call(&router, request).await;
            times.push(start.elapsed());
            cpu += cpu_seconds() - cpu_before;
            assert_eq!(status, 201, "{bytes} bytes");
        }
        print(
            &format!(
                "upload, {what}, {series} series x {samples} samples (CPU {:.2} ms)",
                cpu / args.repeats as f64 * 1e3
            ),
            &mut times,
        );
    }
    let body = wire(500, 30, 1 << 40).into_bytes();
    let start = Instant::now();
    let new = ingest::read(body, Millis(LAST).timestamp(), published).unwrap();
    println!(
        "  of which reading and validating: {:.1} ms",
        ms(start.elapsed())
    );
    let start = Instant::now();
    app.store
        .insert_judged(&new, Millis(LAST), jobs::judge_run)
        .await
        .unwrap();
    println!(
        "  of which storing and judging: {:.1} ms",
        ms(start.elapsed())
    );
}

/// A report on the wire, of a pull request, so that it becomes part of no baseline.
fn wire(series: usize, samples: usize, i: usize) -> String {
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

/// The pages that people open, and what scripts ask.
async fn addresses(app: &AppState) -> Vec<String> {
    let newest = app
        .store
        .runs(&RunFilter {
            kind: Some(RunKind::Nightly),
            limit: Some(8),
            ..RunFilter::default()
        })
        .await
        .unwrap();
    let (run, before) = (newest[0].id, newest[newest.len() - 1].id);
    vec![
        "/".to_owned(),
        // The rows of choices alone: every series is counted, none is drawn. Machine 1 is the one
        // with the years; uploads of the measurement above are of another.
        "/trends?benchmark=none".to_owned(),
        "/trends?environment=1".to_owned(),
        "/trends?environment=1&range=all".to_owned(),
        "/trends?environment=1&benchmark=KVEventConcurrency&metric=metric_1".to_owned(),
        "/trends?environment=1&show=overlay".to_owned(),
        "/trends?environment=1&show=overlay&range=all".to_owned(),
        "/trends?environment=1&points=1".to_owned(),
        "/benchmarks/KVEventConcurrency".to_owned(),
        "/benchmarks/KVEventConcurrency?range=all".to_owned(),
        "/runs".to_owned(),
        format!("/api/v1/compare?base={before}&head={run}"),
        format!("/compare/{before}...{run}?show=all"),
        "/environments".to_owned(),
        format!("/runs/{run}"),
        format!("/runs/{run}?show=all"),
        format!("/runs/{run}?open=1"),
        format!("/compare/{before}...{run}"),
        "/alerts".to_owned(),
        "/rules".to_owned(),
        "/environments/1".to_owned(),
        "/status".to_owned(),
        "/help".to_owned(),
        "/chart/1.svg?range=all".to_owned(),
        "/api/v1/series/1/points".to_owned(),
        format!("/api/v1/runs/{run}/verdict"),
    ]
}

/// What pages and the API take, by the router, without a socket.
async fn pages(app: &AppState, args: &Args) {
    let router = web::router(app.clone());
    println!(
        "{:<54} {:>4} {:>9} {:>8} {:>8} {:>8}",
        "page", "", "kB", "p50 ms", "p95 ms", "CPU ms"
    );
    for uri in addresses(app).await {
        let mut times = Vec::new();
        let mut got = (0, 0);
        let cpu = cpu_seconds();
        for _ in 0..args.repeats {
            let start = Instant::now();
            got = call(&router, asking(&uri)).await;
            times.push(start.elapsed());
        }
        let cpu = (cpu_seconds() - cpu) / args.repeats as f64;
        times.sort();
        println!(
            "{uri:<54} {:>4} {:>9.1} {:>8.2} {:>8.2} {:>8.2}",
            got.0,
            got.1 as f64 / 1e3,
            ms(times[times.len() / 2]),
            ms(times[times.len() * 95 / 100]),
            cpu * 1e3
        );
    }
}

fn asking(uri: &str) -> Request<Body> {
    Request::get(uri)
        .header("host", "localhost")
        .body(Body::empty())
        .unwrap()
}

/// A server's start on the filled store, and 50 clients that open page after page.
async fn browse(args: &Args) {
    const CLIENTS: usize = 50;
    let start = Instant::now();
    let app = open(args.database.as_deref().unwrap()).await;
    let router = web::router(app.clone());
    let (status, _) = call(&router, asking("/")).await;
    println!(
        "start: {:.1} ms to the first answer ({status}), {:.1} MB",
        ms(start.elapsed()),
        resident() as f64 / 1e6
    );
    let addresses = addresses(&app).await;
    let span = Duration::from_millis(if args.measure { 20_000 } else { 50 });
    let start = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let (router, addresses) = (router.clone(), addresses.clone());
        clients.spawn(async move {
            let mut times = Vec::new();
            let mut at = client * 7;
            while start.elapsed() < span {
                // Neighbours open different pages, and every client opens all of them.
                at += 5;
                let asked = Instant::now();
                call(&router, asking(&addresses[at % addresses.len()])).await;
                times.push(asked.elapsed());
            }
            (times, resident())
        });
    }
    let done = clients.join_all().await;
    let most = done.iter().map(|(_, resident)| *resident).max();
    let mut times: Vec<Duration> = done.into_iter().flat_map(|(times, _)| times).collect();
    times.sort();
    println!(
        "{CLIENTS} clients: {:.0} pages/s, {:.1} MB resident; a page waits {:.1} ms at p50, {:.1} ms at p95",
        times.len() as f64 / start.elapsed().as_secs_f64(),
        most.unwrap_or(0) as f64 / 1e6,
        ms(times[times.len() / 2]),
        ms(times[times.len() * 95 / 100])
    );
}

/// Bytes of this process in memory, pages of the database's file that are mapped left out.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let anonymous = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = anonymous.and_then(|text| text.trim().strip_suffix(" kB"));
    kilobytes
        .and_then(|text| text.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

/// Runs read by one task and by two, each from the database: two should read twice as many a
/// second, and as many a second of processor time. On a busy machine only the latter says anything.
async fn readers(app: &AppState, args: &Args) {
    let newest = app
        .store
        .runs(&RunFilter {
            kind: Some(RunKind::Nightly),
            limit: Some(100),
            ..RunFilter::default()
        })
        .await
        .unwrap();
    let ids: Vec<_> = newest.iter().map(|run| run.id).collect();
    let span = Duration::from_millis(if args.repeats > 2 { 3000 } else { 50 });
    let mut rates = Vec::new();
    for tasks in [1, 2, 1, 2] {
        let cpu = cpu_seconds();
        let start = Instant::now();
        let mut joined = tokio::task::JoinSet::new();
        for task in 0..tasks {
            let (store, ids) = (app.store.clone(), ids.clone());
            joined.spawn(async move {
                let mut count = 0_u64;
                let mut at = task * 7;
                while start.elapsed() < span {
                    at += 1;
                    store.judged_run(ids[at % ids.len()]).await.unwrap();
                    count += 1;
                }
                count
            });
        }
        let count: u64 = joined.join_all().await.iter().sum();
        let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let (by_clock, by_cpu) = (count as f64 / wall, count as f64 / cpu);
        println!(
            "readers: {tasks}: {by_clock:.0} runs/s, {cpu:.2} CPU s, {by_cpu:.0} runs a CPU second"
        );
        rates.push((by_clock, by_cpu));
    }
    println!(
        "readers: two over one: {:.2} by the clock; a CPU second of two brings {:.2} of one's",
        (rates[1].0 + rates[3].0) / (rates[0].0 + rates[2].0),
        (rates[1].1 + rates[3].1) / (rates[0].1 + rates[2].1)
    );
}

/// Processor time of this process, ended threads included.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

async fn call(router: &Router, request: Request<Body>) -> (u16, usize) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (status, body.len())
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort();
    println!(
        "{what}: median {:.2} ms, worst {:.2} ms",
        ms(times[times.len() / 2]),
        ms(times[times.len() - 1])
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
