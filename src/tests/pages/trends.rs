use super::{Page, store};
use crate::app::TestApp;
use crate::builders::{latency, nightly, with};
use kvmark::domain::RunKind;

/// Five nights of two benchmarks at three values of a param; one series gets slower.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    for ago in (0..5).rev() {
        let measurements = ["KVEventConcurrency", "KVEventThroughput"]
            .into_iter()
            .flat_map(|name| {
                [1, 10, 100].into_iter().map(move |concurrency| {
                    let is_slow = ago == 0 && name == "KVEventThroughput" && concurrency == 10;
                    let mut measurement = latency(name, if is_slow { 1_300.0 } else { 1_000.0 });
                    let params = &mut measurement.name.params;
                    params.insert("concurrency".to_owned(), concurrency.to_string());
                    measurement
                })
            });
        store(
            &app,
            &with(nightly(&format!("night {ago}"), ago), measurements),
        )
        .await;
    }
    app
}

#[tokio::test]
async fn all_series_are_side_by_side_the_worst_first() {
    let app = app().await;
    let page = Page::get(&app, "/trends").await;
    page.says("6, the worst of the newest night first")
        .says("benchmark all KVEventConcurrency 3 KVEventThroughput 3")
        .says("concurrency all 1 2 10 2 100 2");
    assert_eq!(page.count("class=\"ch x232\""), 6);
    let text = page.text();
    let series = text
        .split("same relative span where it fits")
        .nth(1)
        .unwrap();
    assert!(
        series
            .trim_start()
            .starts_with("KVEventThroughput latency_p99 concurrency=10 cpu=2"),
        "{series}"
    );
}

#[tokio::test]
async fn a_machine_that_never_measured_main_shows_its_other_runs() {
    let app = TestApp::new().await;
    let mut run = with(
        nightly("by hand", 0),
        [latency("KVEventConcurrency", 1_000.0)],
    );
    run.kind = RunKind::Manual;
    run.revision.branch = Some("topic".to_owned());
    store(&app, &run).await;
    Page::get(&app, "/trends")
        .await
        .says("there is no run of main here: the runs of all branches")
        .does_not_say("no run in this range");
}

#[tokio::test]
async fn choices_narrow_what_is_shown_and_count_what_each_would_leave() {
    let app = app().await;
    let page = Page::get(
        &app,
        "/trends?benchmark=KVEventThroughput&param.concurrency=10",
    )
    .await;
    page.says("1, the worst of the newest night first")
        .says("concurrency all 1 1 10 1 100 1");
    assert_eq!(page.count("class=\"ch x232\""), 1);
    assert!(page.html().contains(
        "/trends?benchmark=KVEventThroughput&#38;param.concurrency=100&#38;environment=1"
    ));
    Page::get(&app, "/trends?benchmark=nothing")
        .await
        .says("No series here.");
}

#[tokio::test]
async fn an_empty_store_has_no_trends() {
    Page::get(&TestApp::new().await, "/trends")
        .await
        .says("No series here.");
}

#[tokio::test]
async fn what_the_suite_says_of_a_benchmark_stands_on_its_page() {
    let mut app = app().await;
    let said = [("KVEventConcurrency".to_owned(), "Many at once.".to_owned())];
    app.state.descriptions = std::sync::Arc::new(said.into());
    app.router = kvmark::web::router(app.state.clone());
    Page::get(&app, "/benchmarks/KVEventConcurrency")
        .await
        .says("Many at once.");
    Page::get(&app, "/benchmarks/KVEventThroughput")
        .await
        .does_not_say("Many at once.");
}
