//! What pages and the API take, by the router, without a socket.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use kvmark::domain::{Millis, RunKind};
use kvmark::store::{RunFilter, Store};
use kvmark::web::{self, AppState};
use tower::ServiceExt;

use crate::table::Table;
use crate::{Args, LAST, Times, fill};

/// One request of so many follows an upload, so that what is kept of it must be made again.
const WRITE_EVERY: usize = 4;

/// So many requests follow a write that touches all that is kept.
const COLD: usize = 7;

/// What an address took.
struct Took {
    status: u16,
    kilobytes: f64,
    zipped: f64,
    times: Times,
    cold: Times,
}

/// Every page on a store of years.
pub(crate) async fn measure(app: &AppState, args: &Args, table: &mut Table) {
    println!(
        "\nPages; one request of {WRITE_EVERY} follows an upload to another pull request; cold: after a write that touches everything"
    );
    println!(
        "{:<72} {:>4} {:>7} {:>7} {:>8} {:>8} {:>7} {:>8} {:>7}  goal",
        "", "", "kB", "gz kB", "p50 ms", "p95 ms", "CPU ms", "cold ms", "CPU ms"
    );
    let router = web::router(app.clone());
    let all = addresses(app).await;
    let wanted = |uri: &&String| args.page.as_deref().is_none_or(|text| uri.contains(text));
    for uri in all.iter().filter(wanted) {
        let took = take(&router, &app.store, uri, args.repeats).await;
        let is_page = !uri.starts_with("/api") && *uri != "/metrics";
        let most = if uri.contains("compare") { 100.0 } else { 50.0 };
        let (p95, cold) = (took.times.at(0.95), took.cold.at(0.5));
        let fits = !is_page || took.kilobytes <= 300.0;
        let says = table.count(
            uri,
            p95 <= most && cold <= most && fits && took.status == 200,
        );
        println!(
            "{uri:<72} {:>4} {:>7.1} {:>7.1} {:>8.2} {p95:>8.2} {:>7.2} {cold:>8.2} {:>7.2}  {most} {says}",
            took.status,
            took.kilobytes,
            took.zipped,
            took.times.at(0.5),
            took.times.cpu_ms(),
            took.cold.cpu_ms(),
        );
    }
}

/// Whole pages on a store of fifty series, a thousand nights each.
pub(crate) async fn small(app: &AppState, args: &Args, table: &mut Table) {
    let router = web::router(app.clone());
    let (run, before) = two_nights(app).await;
    let one = "benchmark=KVEventConcurrency&metric=metric_0&param.concurrency=0&range=all";
    let pages = [
        ("one series", format!("/trends?{one}"), 1.5, 60.0, 12.0),
        (
            "one series and all about it",
            "/benchmarks/KVEventConcurrency?metric=metric_0&range=all".to_owned(),
            1.5,
            60.0,
            12.0,
        ),
        (
            "50 series",
            "/trends?range=all".to_owned(),
            15.0,
            120.0,
            f64::INFINITY,
        ),
        (
            "50 series compared",
            format!("/compare/{before}...{run}?show=all"),
            2.0,
            f64::INFINITY,
            f64::INFINITY,
        ),
    ];
    for (what, uri, time, size, zipped) in pages {
        let took = take(&router, &app.store, &uri, args.repeats).await;
        assert_eq!(took.status, 200, "{uri}");
        let what = format!("whole page, {what} (CPU {:.2} ms)", took.times.cpu_ms());
        table.most(&what, took.times.at(0.5), "ms", time);
        for (figure, most, sort) in [
            (took.kilobytes, size, ""),
            (took.zipped, zipped, ", zipped"),
        ] {
            if most.is_finite() {
                table.most(&format!("{what}{sort}"), figure, "kB", most);
            }
        }
    }
}

async fn take(router: &Router, store: &Store, uri: &str, repeats: usize) -> Took {
    let zipped = Request::get(uri)
        .header("host", "localhost")
        .header("accept-encoding", "gzip")
        .body(Body::empty())
        .unwrap();
    let zipped = call(router, zipped).await;
    let plain = call(router, asking(uri)).await;
    let write = async |i: usize| {
        if i.is_multiple_of(WRITE_EVERY) {
            fill::other(store).await;
        }
    };
    let times = Times::of(repeats, write, async |_| {
        call(router, asking(uri)).await;
    });
    let touch = async |_| {
        let now = Millis(LAST);
        store.record("touch", "everything", "", now).await.unwrap();
    };
    let cold = Times::of(COLD, touch, async |_| {
        call(router, asking(uri)).await;
    });
    Took {
        status: plain.0,
        kilobytes: plain.1 as f64 / 1e3,
        zipped: zipped.1 as f64 / 1e3,
        times: times.await,
        cold: cold.await,
    }
}

/// The newest night, and the one of a week before.
async fn two_nights(app: &AppState) -> (i64, i64) {
    let nights = RunFilter {
        kind: Some(RunKind::Nightly),
        limit: Some(8),
        ..RunFilter::default()
    };
    let newest = app.store.runs(&nights).await.unwrap();
    (newest[0].id.0, newest[newest.len() - 1].id.0)
}

/// The pages that people open, and what scripts ask.
pub(crate) async fn addresses(app: &AppState) -> Vec<String> {
    let (run, before) = two_nights(app).await;
    let mut all = vec![
        format!("/runs/{run}"),
        format!("/runs/{run}?show=all"),
        format!("/runs/{run}?open=1"),
        format!("/compare/{before}...{run}"),
        format!("/compare/{before}...{run}?show=all"),
        format!("/pulls/{}", fill::PULL),
        format!("/api/v1/compare?base={before}&head={run}"),
        format!("/api/v1/pulls/{}/report", fill::PULL),
        format!("/api/v1/runs/{run}/verdict"),
    ];
    let fixed = [
        "/",
        // The rows of choices alone: every series is counted, none is drawn. Machine 1 is the one
        // with the years; uploads of the measurement above are of another.
        "/trends?benchmark=none",
        "/trends?environment=1",
        "/trends?environment=1&range=all",
        "/trends?environment=1&benchmark=KVEventConcurrency&metric=metric_1",
        "/trends?environment=1&show=overlay",
        "/trends?environment=1&show=overlay&range=all",
        "/trends?environment=1&points=1",
        "/benchmarks/KVEventConcurrency",
        "/benchmarks/KVEventConcurrency?range=all",
        "/runs",
        "/compare",
        "/pulls",
        "/alerts",
        "/alerts?state=all",
        "/rules",
        "/environments",
        "/environments/1",
        "/status",
        "/help",
        "/api",
        "/metrics",
        "/feed.atom",
        "/badge/status.svg",
        "/chart/1.svg?range=all",
        "/api/v1/series",
        "/api/v1/series/1/points",
        "/api/v1/alerts",
        "/api/v1/baselines.json",
    ];
    all.extend(fixed.map(str::to_owned));
    let alerts = app.store.alert_counts().await.unwrap();
    if !alerts.is_empty() {
        all.push("/alerts/1".to_owned());
    }
    all
}

fn asking(uri: &str) -> Request<Body> {
    Request::get(uri)
        .header("host", "localhost")
        .body(Body::empty())
        .unwrap()
}

/// Status, and bytes of the body.
pub(crate) async fn call(router: &Router, request: Request<Body>) -> (u16, usize) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (status, body.len())
}
