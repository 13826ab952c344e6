use axum::http::StatusCode;
use bench_report::metric::{Direction, Kind};
use kvmark::domain::{Curve, Expectation, Millis, NewRun, SeriesName};
use kvmark::web::live::{LOST_AFTER_MS, Progress};

use super::{Page, store};
use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

const NAME: &str = "KVEventConcurrency";

fn night(ago: i64, factor: f64) -> NewRun {
    let measurements = [1, 10, 100].into_iter().map(|concurrency| {
        let mut measurement = latency(NAME, 1_000.0 * f64::from(concurrency) * factor);
        let params = &mut measurement.name.params;
        params.insert("concurrency".to_owned(), concurrency.to_string());
        measurement
    });
    let mut run = with(nightly(&format!("night {ago}"), ago), measurements);
    run.conditions = vec![("Load, 1 min".to_owned(), format!("0.{ago}"))];
    run.curves = vec![Curve {
        benchmark: "KVEventBurstLoad".to_owned(),
        params: [("events".to_owned(), "10000".to_owned())].into(),
        name: "queue_depth".to_owned(),
        x: "ms".to_owned(),
        y: "events".to_owned(),
        points: vec![(0.0, 0.0), (500.0, 1_982.0), (5_000.0, 3.0)],
    }];
    run
}

#[tokio::test]
async fn an_unknown_run_is_not_there() {
    let app = TestApp::new().await;
    Page::with_status(&app, "/runs/7", StatusCode::NOT_FOUND)
        .await
        .says("there is no run 7");
    Page::with_status(&app, "/runs/seven", StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_run_says_what_it_measured_and_how_that_compares() {
    let app = TestApp::new().await;
    for ago in (0..5).rev() {
        store(&app, &night(ago, if ago == 0 { 1.3 } else { 1.0 })).await;
    }
    let page = Page::get(&app, "/runs/5").await;
    page.says("Run 5 measured all 3 series")
        .says("nightly, main at 0000000 index: free what nobody holds")
        .says("bench-1, 1 difference from run 4")
        .says("Load, 1 min differs 0.0, was 0.1")
        .says("3 of 3 · 0 missing, 0 failed, 0 new")
        .says("3 of 3 left their band, worst first")
        .says(
            "KVEventConcurrency latency_p99 concurrency=100 cpu=2 100.0 130.0 µs +30.0% 6 ±2.0% 4",
        )
        .says("KVEventBurstLoad queue_depth over time, events=10000")
        .says("latency_p99 by concurrency");
    assert!(page.html().contains("1,982, deepest"));
    assert!(page.html().contains("s since start"));
    assert!(page.html().contains("href=\"/api/v1/runs/5/report\""));
}

#[tokio::test]
async fn all_rows_are_listed_when_asked_for_and_one_benchmark_alone() {
    let app = TestApp::new().await;
    let mut run = night(0, 1.0);
    let mut other = latency("KVEventThroughput", 400_000.0);
    other.name.metric = "events_per_second".to_owned();
    other.unit = "1/s".to_owned();
    other.better = Direction::Higher;
    other.kind = Kind::Rate;
    run.measurements.push(other);
    store(&app, &run).await;
    Page::get(&app, "/runs/1")
        .await
        .says("none of 4 left its band; all of them, benchmark by benchmark")
        .says("KVEventThroughput 1 series");
    Page::get(&app, "/runs/1?show=all")
        .await
        .says("all of them, benchmark by benchmark")
        .says("KVEventConcurrency 3 series")
        .says("latency_p99 concurrency=1 cpu=2 –")
        .says("events_per_second cpu=2");
    Page::get(&app, "/runs/1?benchmark=KVEventThroughput")
        .await
        .says("1 of 4, of KVEventThroughput, worst first")
        .does_not_say("latency_p99 concurrency=1 cpu=2 –");
}

#[tokio::test]
async fn what_was_expected_and_is_not_there_is_listed() {
    let app = TestApp::new().await;
    let mut run = night(0, 1.0);
    run.expectation = Expectation {
        listed: [SeriesName {
            benchmark: "KVEventMemoryUsage".to_owned(),
            metric: "heap_peak".to_owned(),
            params: [("items".to_owned(), "1000".to_owned())].into(),
        }]
        .into(),
        ..Expectation::default()
    };
    store(&app, &run).await;
    Page::get(&app, "/runs/1")
        .await
        .says("missing KVEventMemoryUsage heap_peak items=1000");
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_filtered_by_links() {
    let app = TestApp::new().await;
    for ago in (0..60).rev() {
        store(
            &app,
            &with(
                nightly(&format!("night {ago}"), ago),
                [latency(NAME, 1_000.0)],
            ),
        )
        .await;
    }
    let page = Page::get(&app, "/runs").await;
    let text = page.text();
    assert!(
        text.find("1 Mar 06:00") < text.find("28 Feb 06:00"),
        "{text}"
    );
    assert_eq!(page.count("<tr role=\"row\"><td"), 50);
    let older = page
        .html()
        .split("href=\"/runs?before=")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap();
    let page = Page::get(&app, &format!("/runs?before={older}")).await;
    assert_eq!(page.count("<tr role=\"row\"><td"), 10);
    page.does_not_say("Older runs");
    Page::get(&app, "/runs?kind=pull")
        .await
        .says("No run here.");
    Page::with_status(&app, "/runs?kind=x", StatusCode::BAD_REQUEST)
        .await
        .says("kind=\"x\" is not known: give one of nightly, pull, manual");
}

fn progress(key: &str, done: u32) -> Progress {
    serde_json::from_value(serde_json::json!({
        "run_key": key, "kind": "manual", "commit": "7be91d4aaaaaaaaa", "branch": "main",
        "environment_name": "ci-a", "started_at": NOW.timestamp().to_string(),
        "total": 180, "done": done, "eta_seconds": 840,
        "benchmarks": [{"name": "<b>KVEventConcurrency</b>", "done": 50, "total": 64, "state": "running"}],
        "log": ["warm-up 1.0 s", "<script>alert(1)</script>"]
    }))
    .unwrap()
}

#[tokio::test]
async fn a_live_run_shows_how_far_it_is_and_every_page_says_so() {
    let app = TestApp::new().await;
    let key = "11111111-2222-4333-8444-555555555555";
    let id = app.store().reserve_run(key).await.unwrap();
    app.state.live.take(id, progress(key, 112), NOW).unwrap();
    let page = Page::get(&app, &format!("/runs/{id}")).await;
    page.says("Run 1 is running: 112 of 180 series, about 14 min left")
        .says("<b>KVEventConcurrency</b> 50 of 64 running")
        .says("<script>alert(1)</script>")
        .says("manual, main 7be91d4 ci-a, started 1 Mar 06:00 UTC, just now no failure yet");
    assert!(
        page.html()
            .contains(&format!("data-live=\"/api/v1/live/{key}/events\""))
    );
    assert!(
        page.html()
            .contains("<progress class=\"bar\" value=\"112\" max=\"180\"")
    );
    Page::get(&app, "/")
        .await
        .says("Run 1 is running: 112 of 180 series");
    Page::get(&app, "/runs")
        .await
        .says("manual, 7be91d4, ci-a 112 of 180 running");

    app.state.live.sweep(Millis(NOW.0 + LOST_AFTER_MS));
    let page = Page::get(&app, &format!("/runs/{id}")).await;
    page.says("Run 1 is lost: 112 of 180 series");
    assert!(!page.html().contains("data-live"));
    Page::get(&app, "/").await.does_not_say("Run 1 is running");
}

#[tokio::test]
async fn a_run_and_a_comparison_are_one_file_each_that_needs_nothing() {
    let app = TestApp::new().await;
    for ago in (0..6).rev() {
        store(&app, &night(ago, 1.0 + 0.01 * ago as f64)).await;
    }
    for (page, uri, name) in [
        ("/runs/6", "/files/runs/6", "run-6.html"),
        ("/compare/5...6", "/files/compare/5...6", "compare-5-6.html"),
    ] {
        let link = format!("href=\"{uri}\" download");
        assert!(Page::get(&app, page).await.html().contains(&link), "{link}");
        let file = app.get(uri).await;
        assert_eq!(file.status, StatusCode::OK, "{}", file.text());
        let disposition = format!("attachment; filename=\"{name}\"");
        assert_eq!(file.header("content-disposition"), disposition);
        assert!(
            file.header("content-security-policy")
                .contains("default-src 'none'")
        );
        let html = file.text();
        assert!(
            html.contains("<style>") && html.contains("Exported"),
            "{uri}"
        );
        for asks in ["src=\"/", "href=\"/", "<form"] {
            assert!(!html.contains(asks), "{uri}: {asks}");
        }
    }
    for gone in [
        "/files/runs/99",
        "/files/compare/5...99",
        "/files/compare/5",
    ] {
        Page::with_status(&app, gone, StatusCode::NOT_FOUND).await;
    }
}

#[tokio::test]
async fn a_file_holds_every_row_and_a_page_as_many_as_it_has_room_for() {
    let app = TestApp::new().await;
    let all = (0..205).map(|n| latency(&format!("B{n}"), 1.0));
    store(&app, &with(nightly("large", 0), all)).await;
    let rows = async |query: &str| {
        let page = Page::get(&app, &format!("/runs/1?show={query}")).await;
        page.count("<tr role=\"row\" id=\"s")
    };
    assert_eq!(rows("all").await, 200);
    assert_eq!(rows("whole").await, 205);
    let file = app.get("/files/runs/1").await;
    assert_eq!(file.text().matches("<tr role=\"row\" id=\"s").count(), 205);
}
