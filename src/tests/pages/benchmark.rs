use axum::http::StatusCode;
use base64::Engine;
use bench_report::metric::Direction;
use kvmark::domain::time::DAY_MS;
use kvmark::domain::{Histogram, Millis, NewMeasurement, NewRun};
use kvmark::store::NewAnnotation;

use super::{Page, store};
use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

const NAME: &str = "KVEventConcurrency";

/// `latency_p99` at this concurrency.
fn at(concurrency: u32, value: f64) -> NewMeasurement {
    let mut measurement = latency(NAME, value);
    let params = &mut measurement.name.params;
    params.insert("concurrency".to_owned(), concurrency.to_string());
    measurement
}

fn throughput(concurrency: u32, value: f64) -> NewMeasurement {
    let mut measurement = at(concurrency, value);
    measurement.name.metric = "events_per_second".to_owned();
    measurement.unit = "1/s".to_owned();
    measurement.better = Direction::Higher;
    measurement
}

fn night(ago: i64, factor: f64) -> NewRun {
    let measurements = [1, 10, 100].into_iter().flat_map(|c| {
        let scale = if c == 100 { factor } else { 1.0 };
        [
            at(c, 1_000.0 * f64::from(c) * scale),
            throughput(c, 400_000.0 / scale),
        ]
    });
    with(nightly(&format!("night {ago}"), ago), measurements)
}

/// 40 nights, the last one 30% slower at concurrency 100.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    for ago in (0..40).rev() {
        store(&app, &night(ago, if ago == 0 { 1.3 } else { 1.0 })).await;
    }
    app
}

#[tokio::test]
async fn an_unknown_benchmark_is_not_there() {
    let app = TestApp::new().await;
    Page::with_status(&app, "/benchmarks/nothing", StatusCode::NOT_FOUND)
        .await
        .says("there is no benchmark nothing");
}

#[tokio::test]
async fn without_a_choice_the_worst_series_is_shown() {
    let app = app().await;
    let page = Page::get(&app, "/benchmarks/KVEventConcurrency").await;
    page.says("latency_p99 130.0 µs +30.0%")
        .says("µs, lower is better · concurrency=100 cpu=2 · bench-1 · main · 40 nights")
        .says("By concurrency")
        .says("From concurrency 1 to 100 it grows 130×, from 1.000 µs to 130.0 µs.")
        .says("bench-runner run --bench '^KVEventConcurrency$' --cpu 2");
    assert_eq!(page.count("class=\"ch wide\""), 1);
    assert_eq!(page.count("class=\"ch narrow\""), 1);
    assert_eq!(page.count("class=\"ch x232\""), 3);
}

#[tokio::test]
async fn the_state_of_the_page_is_in_its_url() {
    let app = app().await;
    let uri = "/benchmarks/KVEventConcurrency?metric=events_per_second&param.concurrency=10&param.cpu=2&range=30d&y=baseline";
    let page = Page::get(&app, uri).await;
    page.says("k/s, higher is better · concurrency=10 cpu=2 · bench-1 · main · 31 nights");
    let html = page.html();
    assert!(html.contains("% of baseline"), "{html}");
    for link in [
        // Another metric keeps params, range and scale.
        "?metric=latency_p99&#38;param.concurrency=10&#38;param.cpu=2&#38;environment=1&#38;range=30d&#38;y=baseline",
        // Another value keeps the metric.
        "?metric=events_per_second&#38;param.concurrency=100&#38;param.cpu=2&#38;environment=1&#38;range=30d&#38;y=baseline",
        "range=7d",
        "branch=all",
    ] {
        assert!(html.contains(link), "{link} is missing");
    }
}

#[tokio::test]
async fn a_range_of_days_shows_these_days_only() {
    let app = app().await;
    let page = Page::get(
        &app,
        "/benchmarks/KVEventConcurrency?metric=latency_p99&from=2026-02-10&to=2026-02-14",
    )
    .await;
    page.says("· 5 nights").says("2026-02-10 to 2026-02-14");
    let none = Page::get(
        &app,
        "/benchmarks/KVEventConcurrency?metric=latency_p99&to=2020-01-01",
    )
    .await;
    none.says("0 nights").says("No run in this range.");
    assert!(none.html().contains("no run in this range"));
}

#[tokio::test]
async fn a_choice_that_cannot_be_is_refused_in_words() {
    let app = app().await;
    Page::with_status(
        &app,
        "/benchmarks/KVEventConcurrency?range=2w",
        StatusCode::BAD_REQUEST,
    )
    .await
    .says("range=\"2w\" is not known: give one of 7d, 30d, 90d, 1y, all");
}

#[tokio::test]
async fn a_series_that_is_not_there_gives_the_nearest_and_says_so() {
    let app = app().await;
    Page::get(
        &app,
        "/benchmarks/KVEventConcurrency?metric=latency_p99&param.concurrency=7&param.cpu=2",
    )
    .await
    .says("No series of this benchmark has concurrency=7; shown is the nearest one that exists.");
}

#[tokio::test]
async fn the_nights_travel_with_the_page_or_are_a_request_away() {
    let app = app().await;
    let uri = "/benchmarks/KVEventConcurrency?metric=latency_p99&param.concurrency=100&param.cpu=2";
    let page = Page::get(&app, uri).await;
    assert_eq!(page.count("type=\"application/json\""), 1);
    let points = app.get(&format!("{uri}&points=1")).await.json();
    let nights = points.as_array().unwrap();
    assert_eq!(nights.len(), 40);
    let last = &nights[39];
    assert_eq!(last[2], "130.0");
    assert_eq!(last[3], "100.0");
    assert_eq!(last[5], "+30.0%");
    assert_eq!(last[7], "critical");
    assert_eq!(last[12], "/runs/40");
}

#[tokio::test]
async fn a_name_with_slashes_and_markup_has_its_page() {
    let app = TestApp::new().await;
    let evil = "</script><script>alert(1)</script>/?#";
    for ago in (0..=4).rev() {
        let mut measurement = latency(evil, if ago == 0 { 1_300.0 } else { 1_000.0 });
        measurement.name.metric = evil.to_owned();
        measurement.name.params = [(evil.to_owned(), evil.to_owned())].into();
        let mut run = with(nightly(&format!("night {ago}"), ago), [measurement]);
        run.revision.subject = Some(evil.to_owned());
        store(&app, &run).await;
    }
    let home = Page::get(&app, "/").await;
    let link = home
        .html()
        .split("href=\"/benchmarks/")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap()
        .replace("&#38;", "&");
    let page = Page::get(&app, &format!("/benchmarks/{link}")).await;
    page.says(evil);
    assert_eq!(
        page.count("<script"),
        2,
        "the one of our own, and the nights"
    );
    assert_eq!(page.count("</script>"), 2);
}

#[tokio::test]
async fn a_chart_is_not_empty_while_other_branches_have_runs() {
    let app = TestApp::new().await;
    let mut run = night(0, 1.0);
    run.kind = kvmark::domain::RunKind::Manual;
    run.revision.branch = Some("topic".to_owned());
    store(&app, &run).await;
    Page::get(&app, "/benchmarks/KVEventConcurrency")
        .await
        .says("There is no run of main here; shown are the runs of all branches.")
        .says("all branches · 1 night");
}

#[tokio::test]
async fn the_page_opens_on_a_machine_that_has_nights_of_main() {
    let app = app().await;
    let mut run = night(0, 1.0);
    run.run_key = "by hand".to_owned();
    run.report = b"by hand".to_vec();
    run.kind = kvmark::domain::RunKind::Manual;
    run.environment.fingerprint = "dd".repeat(32);
    run.environment.name = Some("laptop".to_owned());
    store(&app, &run).await;
    Page::get(&app, "/benchmarks/KVEventConcurrency")
        .await
        .says("bench-1 · main · 40 nights");
}

/// Forty nights with a distribution each; the newest has a longer tail.
async fn app_with_distributions() -> TestApp {
    let app = TestApp::new().await;
    for ago in (0..40).rev() {
        let mut run = night(ago, 1.0);
        let mut recorded =
            hdrhistogram::Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        for i in 1..=20_000_u64 {
            let is_tail = i > 19_600;
            let value = 100_000 + i * if is_tail && ago == 0 { 20 } else { 1 };
            recorded.record(value).unwrap();
        }
        let encoded = bench_report::report::Histogram::encode("latency", "ns", &recorded).unwrap();
        run.histograms = vec![Histogram {
            benchmark: NAME.to_owned(),
            params: at(100, 1.0).name.params,
            name: "latency".to_owned(),
            unit: "ns".to_owned(),
            data: base64::engine::general_purpose::STANDARD
                .decode(encoded.hdr_base64)
                .unwrap(),
        }];
        store(&app, &run).await;
    }
    app
}

#[tokio::test]
async fn notes_of_people_stand_in_the_charts() {
    let app = app().await;
    let note = NewAnnotation {
        at: Millis(NOW.0 - 3 * DAY_MS),
        series: None,
        run: None,
        text: "another <allocator>".to_owned(),
    };
    app.store().annotate(&note, "m.s.", NOW).await.unwrap();
    for uri in [
        P99,
        "/trends?benchmark=KVEventConcurrency&metric=latency_p99",
    ] {
        let page = Page::get(&app, uri).await;
        assert!(
            page.html()
                .contains("note: another &lt;allocator&gt; (m.s.)"),
            "{uri}"
        );
    }
    let page = Page::get(&app, P99).await;
    page.says("Alerts of this benchmark");
}

const P99: &str = "/benchmarks/KVEventConcurrency?metric=latency_p99&param.concurrency=100&param.cpu=2&environment=1";

#[tokio::test]
async fn two_nights_are_shown_beside_each_other() {
    let app = app_with_distributions().await;
    let page = Page::get(&app, P99).await;
    page.says("Distribution latency Percentiles Histogram ECDF")
        .says("20,000 values. Against 22 Feb: the middle 0.0%, p99 +314.1%.")
        .says("p50 110.0 110.0 0.0% p90")
        .says("p99.99");
    for ends in ["<select name=\"run\">", "<select name=\"against\">"] {
        assert!(page.html().contains(ends), "{ends}");
    }
    // Any two nights: the same night a month ago had no longer tail.
    let older = Page::get(&app, &format!("{P99}&run=11&against=2&dist=histogram")).await;
    older
        .says("Against 22 Jan: the middle 0.0%, p99 0.0%.")
        .says("31 Jan 2026");
    assert!(older.html().contains("% of values"));
    Page::get(&app, &format!("{P99}&dist=ecdf"))
        .await
        .says("ECDF");
    let refused = Page::with_status(&app, &format!("{P99}&run=x"), StatusCode::BAD_REQUEST).await;
    refused.says("run=\"x\" is no run: give its number");
}

#[tokio::test]
async fn what_was_not_recorded_is_not_available() {
    let app = app().await;
    Page::get(&app, P99)
        .await
        .says("Not available: that night recorded no distribution of this series.");
}

#[tokio::test]
async fn the_noise_card_says_what_can_be_seen() {
    let page = Page::get(&app().await, P99).await;
    page.says("Noise last 40 nights, bench-1")
        .says("Within the newest night, s 1.5%")
        .says("Confirmed in 3 nights ≥ 5.0%")
        .says("A change of 5.0%, the edge of a band, stands out of one night's noise and is confirmed in 2 nights.");
}
