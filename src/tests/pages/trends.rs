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
    // Few charts are drawn large, and once more for narrow screens.
    assert_eq!(page.count("class=\"ch half\""), 6);
    assert_eq!(page.count("class=\"ch narrow\""), 6);
    let text = page.text();
    let series = text.split("CSV JSON SVG PNG").nth(1).unwrap();
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
    assert_eq!(page.count("class=\"ch half\""), 1);
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
        .says("Nothing was measured yet. What to do first");
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

#[tokio::test]
async fn all_series_lie_in_one_chart_with_a_legend() {
    let app = app().await;
    let page = Page::get(&app, "/trends?show=overlay&metric=latency_p99").await;
    page.says("6, the worst of the newest night first · one chart a unit")
        .says("latency_p99, ns")
        .says("KVEventThroughput concurrency=10 critical")
        .says("Side by side");
    for class in ["ln s1", "ln s2 d2", "ln s6 d2"] {
        assert!(page.count(&format!("class=\"{class}\"")) >= 2, "{class}");
    }
    assert!(page.html().contains("data-charts=\"0 1 2 3 4 5\""));
}

#[tokio::test]
async fn more_series_than_a_page_holds_are_one_link_away() {
    let app = TestApp::new().await;
    let many = (0..53).map(|i| latency(&format!("Bench{i:02}"), 1_000.0));
    store(&app, &with(nightly("a", 0), many)).await;
    let first = Page::get(&app, "/trends").await;
    first
        .says("1 to 50 of 53")
        .says("More series")
        .says("53 to choose from");
    assert_eq!(first.count("class=\"ch x232\""), 50);
    let second = Page::get(&app, "/trends?page=2").await;
    second
        .says("51 to 53 of 53")
        .says("Series before")
        .does_not_say("More series");
    Page::get(&app, "/trends?show=overlay")
        .await
        .says("1 to 12 of 53");
}

#[tokio::test]
async fn days_are_chosen_by_links_and_by_a_form_that_keeps_the_rest() {
    let app = app().await;
    let page = Page::get(
        &app,
        "/trends?benchmark=KVEventThroughput&y=log&from=2026-02-26&to=2026-02-27",
    )
    .await;
    page.says("2026-02-26 to 2026-02-27")
        .says("Earlier")
        .says("Later");
    for field in [
        "<input type=\"hidden\" name=\"benchmark\" value=\"KVEventThroughput\">",
        "<input type=\"hidden\" name=\"y\" value=\"log\">",
        "<input type=\"date\" name=\"from\" value=\"2026-02-26\">",
    ] {
        assert!(page.html().contains(field), "{field}");
    }
    let points = app
        .get("/trends?benchmark=KVEventThroughput&from=2026-02-26&to=2026-02-27&points=1")
        .await
        .json();
    assert_eq!(points["runs"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn all_charts_share_their_nights() {
    let app = app().await;
    let points = app.get("/trends?points=1&x=commit").await.json();
    let runs = points["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5);
    assert_eq!(runs[4][1], 4.0, "one step a commit: {runs:?}");
    let charts = points["charts"].as_array().unwrap();
    assert_eq!(charts.len(), 6);
    // The worst of tonight: its last night, with what is said of it.
    let last = charts[0]["nights"].as_array().unwrap().last().unwrap();
    assert_eq!(last[0], 4);
    assert_eq!(last[2], "1,300");
    assert_eq!(last[5], "+30.0%");
    assert_eq!(last[7], "critical");
    Page::get(&app, "/trends?x=commit&y=first")
        .await
        .says("the same scale in each");
}

#[tokio::test]
async fn branches_are_chosen_by_name_with_their_runs() {
    let app = app().await;
    let mut pull = with(nightly("pull", 0), [latency("KVEventConcurrency", 2_000.0)]);
    pull.kind = RunKind::Pull;
    pull.revision.branch = Some("topic/x".to_owned());
    store(&app, &pull).await;
    let page = Page::get(
        &app,
        "/trends?branch=topic%2Fx&benchmark=KVEventConcurrency",
    )
    .await;
    page.says("branch (runs) all 6 main 5 topic/x 1")
        .says("2,000 ns")
        .says("3 without a run here left out");
    assert!(page.html().contains("branch=topic%2Fx"));
}

#[tokio::test]
async fn machines_lie_side_by_side_on_demand() {
    let app = app().await;
    let mut other = with(nightly("other", 0), [latency("KVEventConcurrency", 900.0)]);
    other.environment.fingerprint = "bb".repeat(32);
    other.environment.name = Some("bench-2".to_owned());
    store(&app, &other).await;
    Page::get(&app, "/trends?environment=all&show=overlay")
        .await
        .says("7, the worst of the newest night first")
        .says("bench-2");
}

#[tokio::test]
async fn what_is_shown_can_be_had_as_files() {
    let app = app().await;
    let page = Page::get(
        &app,
        "/trends?benchmark=KVEventThroughput&y=log&show=overlay",
    )
    .await;
    let html = page.html().replace("&#38;", "&");
    let link = |start: &str| {
        let at = html
            .find(&format!("href=\"{start}"))
            .unwrap_or_else(|| panic!("{start}: {html}"));
        let rest = &html[at + 6..];
        rest[..rest.find('"').unwrap()].to_owned()
    };
    let csv = app.get(&link("/export.csv")).await;
    assert_eq!(csv.text().lines().count(), 1 + 3 * 5, "{}", csv.text());
    let json = app.get(&link("/export.json")).await.json();
    assert_eq!(json["series"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["series"][0]["total"], 5);
    let svg = app.get(&link("/chart/")).await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert_eq!(
        svg.text().matches("<path class=\"ln s").count(),
        3 * 2,
        "three lines, each named"
    );
    assert!(svg.header("content-security-policy").contains("sandbox"));
    let drawn = link("/chart/").replace(".svg", ".png");
    assert!(html.contains(&drawn), "{drawn}: {html}");
    let png = app.get(&drawn).await;
    assert_eq!(png.header("content-type"), "image/png");
    assert_eq!(&png.body[..8], b"\x89PNG\r\n\x1a\n");
    let pixels = |at: usize| u32::from_be_bytes(png.body[at..at + 4].try_into().unwrap());
    // Two pixels for one: the file's width is that of a wide chart with air on both sides.
    assert!(
        svg.text()
            .contains(&format!(" width=\"{}\"", pixels(16) / 2))
    );
    assert!(
        svg.text()
            .contains(&format!(" height=\"{}\"", pixels(20) / 2))
    );
}

#[tokio::test]
async fn a_chart_is_a_file_that_stands_alone() {
    let app = app().await;
    let svg = app.get("/chart/1.svg?range=30d&theme=dark").await;
    assert_eq!(svg.status, 200, "{}", svg.text());
    assert!(svg.text().starts_with("<svg xmlns="));
    assert!(svg.text().contains("#0f1114"), "in dark colours");
    assert!(!svg.text().contains("var(--s1)"));
    for (uri, status) in [
        ("/chart/99.svg", 404),
        ("/chart/99.png", 404),
        ("/chart/1.gif", 404),
        ("/chart/x.svg", 400),
        ("/chart/1.svg?colour=red", 400),
        ("/chart/1.svg?y=cubic", 400),
    ] {
        assert_eq!(app.get(uri).await.status, status, "{uri}");
    }
}

#[tokio::test]
async fn names_that_try_to_be_markup_stay_names() {
    let app = TestApp::new().await;
    let evil = ["<script>alert(1)</script>", "a\"onload=\"alert(1)"];
    let series = evil.map(|name| latency(name, 1.0));
    store(&app, &with(nightly("a", 0), series)).await;
    for uri in [
        "/trends",
        "/trends?show=overlay",
        "/trends?benchmark=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    ] {
        let page = Page::get(&app, uri).await;
        assert_eq!(page.count("<script>"), 0, "{uri}");
    }
    for uri in ["/chart/1,2.svg", "/chart/1,2.svg?show=overlay"] {
        let svg = app.get(uri).await;
        assert!(!svg.text().contains("<script"), "{uri}");
        assert!(!svg.text().contains(" onload=\"alert"), "{uri}");
    }
}
