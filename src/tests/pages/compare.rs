//! `/compare` and `/pulls`.

use bench_report::metric::Kind;
use kvmark::domain::{NewMeasurement, NewRun, RunKind, RunPair};
use kvmark::domain::{Purpose, Side};

use super::store;
use crate::app::TestApp;
use crate::builders::{latency, nightly, with};

const PAGE: &str = "/compare/1...2";

/// Six samples of a count that is the same each time.
fn count(name: &str, value: f64) -> NewMeasurement {
    let mut count = latency(name, value);
    count.kind = Kind::Count;
    count.unit = "1".to_owned();
    count.samples = vec![value];
    count.published.interval = None;
    count
}

/// Runs 1 and 2: one series of each sort.
async fn two(app: &TestApp) {
    let base = [
        latency("Same", 100.0),
        latency("Slow", 100.0),
        latency("Fast", 100.0),
        latency("Gone", 100.0),
        count("Allocations", 4.0),
        count("Kept", 7.0),
    ];
    let head = [
        latency("Same", 100.2),
        latency("Slow", 124.0),
        latency("Fast", 80.0),
        count("Allocations", 3.0),
        count("Kept", 7.0),
        latency("<b>Evil", 1.0),
    ];
    store(app, &with(nightly("base", 2), base)).await;
    let mut run = with(nightly("head", 1), head);
    run.kind = RunKind::Pull;
    run.revision.branch = Some("topic/x".to_owned());
    store(app, &run).await;
}

#[tokio::test]
async fn the_sentence_the_counts_then_by_evidence_and_what_is_missing() {
    let app = TestApp::new().await;
    two(&app).await;
    let page = app.get(PAGE).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    let places: Vec<usize> = [
        "Slower in 1 series, faster in 2; one slowdown above 10% is confirmed, so the gate fails",
        ">Allocations</span>",
        "Slower, confirmed",
        ">Slow</span>",
        "Faster, confirmed or likely",
        ">Fast</span>",
        "No change: <a",
        "Missing or failed",
        "<span class=\"b\">Gone latency_p99 cpu=2",
        "New: 1 series",
    ]
    .iter()
    .map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}")))
    .collect();
    assert!(places.is_sorted(), "{places:?}");
    let new = &text[places[places.len() - 1]..];
    assert!(new.contains("&#60;b&#62;Evil latency_p99"), "{new}");
    // What did not change is one link away.
    assert!(!text.contains(">Same</span>"));
    let all = app.get(&format!("{PAGE}?show=all")).await;
    assert!(all.text().contains(">Same</span>") && all.text().contains(">Kept</span>"));
    // No style, no script in the page.
    assert!(
        !text.contains(" style=") && !text.contains("<script>"),
        "{text}"
    );
}

#[tokio::test]
async fn the_first_slower_row_is_open_and_any_row_opens_by_its_link() {
    let app = TestApp::new().await;
    two(&app).await;
    let page = app.get(PAGE).await;
    for part in [
        "base 100.0",
        "head 124.0",
        "6 samples before",
        "Mann–Whitney",
        "p = 0.002",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let closed = app.get(&format!("{PAGE}?open=none")).await;
    assert!(!closed.text().contains("class=\"opened\""));
    let fast = app.store().series_of(&Default::default()).await.unwrap();
    let fast = fast.iter().find(|s| s.key.benchmark == "Fast").unwrap().id;
    let opened = app.get(&format!("{PAGE}?open={fast}")).await;
    assert!(opened.text().contains("head 80.00"), "{}", opened.text());
    assert_eq!(opened.text().matches("class=\"opened\"").count(), 1);
}

#[tokio::test]
async fn filters_are_in_the_url_and_bad_ones_are_refused() {
    let app = TestApp::new().await;
    two(&app).await;
    for (query, there, gone) in [
        ("show=slower", ">Slow</span>", ">Fast</span>"),
        ("show=faster", ">Fast</span>", ">Slow</span>"),
        ("kind=count", ">Allocations</span>", ">Slow</span>"),
        ("benchmark=Fast", ">Fast</span>", ">Slow</span>"),
        ("band=critical", ">Slow</span>", ">Fast</span>"),
    ] {
        let page = app.get(&format!("{PAGE}?{query}")).await;
        assert!(
            page.text().contains(there) && !page.text().contains(gone),
            "{query}"
        );
        // Whatever is chosen, what is missing stays.
        assert!(page.text().contains("Gone latency_p99 cpu=2"), "{query}");
    }
    let bad = app.get(&format!("{PAGE}?show=some")).await;
    assert_eq!(bad.status, 400, "{}", bad.text());
}

#[tokio::test]
async fn the_form_leads_to_the_page_and_names_what_it_cannot_find() {
    let app = TestApp::new().await;
    let empty = app.get("/compare").await;
    assert!(
        empty.text().contains("Nothing was measured yet"),
        "{}",
        empty.text()
    );
    two(&app).await;
    let form = app.get("/compare").await;
    assert!(
        form.text()
            .contains("<form class=\"pick\" action=\"/compare\"")
    );
    let sent = app.get("/compare?base=main&head=topic%2Fx").await;
    assert_eq!(sent.status, 303);
    assert_eq!(sent.header("location"), "/compare/main...topic%2Fx");
    let page = app.get(sent.header("location")).await;
    assert!(
        page.text().contains("Slower in 1 series"),
        "{}",
        page.text()
    );
    let raw = app.get("/compare/main...topic/x").await;
    assert_eq!(raw.status, 200, "a slash that nobody encoded");
    let lost = app.get("/compare?base=main&head=nothing").await;
    assert_eq!(lost.status, 404);
    assert!(lost.text().contains("nothing"), "{}", lost.text());
    assert_eq!(app.get("/compare/1").await.status, 404);
}

#[tokio::test]
async fn the_markdown_on_the_page_is_the_text_of_the_report() {
    let app = TestApp::new().await;
    two(&app).await;
    let page = app.get(PAGE).await;
    let markdown = app
        .get("/api/v1/compare?base=1&head=2&format=markdown")
        .await;
    let shown = page
        .text()
        .split("<pre id=\"comment\" tabindex=\"0\">")
        .nth(1)
        .unwrap();
    let shown = shown.split("</pre>").next().unwrap();
    let read = shown
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
        .replace("&#34;", "\"")
        .replace("&#39;", "'");
    assert_eq!(read, markdown.text());
}

/// A push and its merge base, measured in six rounds.
fn push(number: i64, factor: f64) -> [NewRun; 2] {
    let pair = |side| RunPair {
        key: format!("pair {number}"),
        side,
        purpose: Purpose::Pull,
        against_run: None,
        rounds: (0..6).collect(),
    };
    [(Side::Base, 1.0), (Side::Head, factor)].map(|(side, factor)| {
        let key = format!("push {number} {side}");
        let mut run = with(nightly(&key, 10 - number), [latency("A", 100.0 * factor)]);
        run.kind = RunKind::Pull;
        run.pair = Some(pair(side));
        let base = "aa".repeat(20);
        run.revision.branch = Some("topic".to_owned());
        run.revision.pull = Some(12);
        run.revision.commit = match side {
            Side::Base => base.clone(),
            Side::Head => format!("{number:040x}"),
        };
        run.revision.base_commit = Some(base);
        run.revision.subject = Some(format!("push <{number}>"));
        run
    })
}

#[tokio::test]
async fn a_pull_request_shows_each_push_and_whether_the_last_one_fixed_it() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/pulls/12").await.status, 404);
    assert!(
        app.get("/pulls")
            .await
            .text()
            .contains("No pull request was measured yet")
    );
    for run in push(1, 1.3).iter().chain(&push(2, 1.0)) {
        store(&app, run).await;
    }
    let page = app.get("/pulls/12").await;
    for part in [
        "No series changed beyond noise: 1 of 1 compared",
        "its merge base aaaaaaa, both measured in one interleaved run",
        "The last push fixed it: push 1 failed the gate, push 2 passes",
        "paired, 6 rounds",
        "push &#60;2&#62;",
        "href=\"/pulls/12?push=1\"",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let first = app.get("/pulls/12?push=1").await;
    assert!(
        first.text().contains("one slowdown above 10% is confirmed"),
        "{}",
        first.text()
    );
    assert!(first.text().contains("6 of 6 worse"), "{}", first.text());
    assert!(
        first.text().contains("The last push fixed it"),
        "the list is of all pushes"
    );
    assert_eq!(app.get("/pulls/12?push=3").await.status, 404);
    let list = app.get("/pulls").await;
    assert!(
        list.text().contains("href=\"/pulls/12\">#12</a>"),
        "{}",
        list.text()
    );
}

#[tokio::test]
async fn five_hundred_rows_are_a_page_of_less_than_300_kb() {
    let app = TestApp::new().await;
    for (key, ago, factor) in [("base", 2, 1.0), ("head", 1, 1.3)] {
        let rows = (0..500).map(|i| {
            let mut row = latency("KVEventConcurrency", 100.0 * f64::from(i + 1) * factor);
            let params = &mut row.name.params;
            params.insert("concurrency".to_owned(), i.to_string());
            row
        });
        store(&app, &with(nightly(key, ago), rows)).await;
    }
    for page in [
        PAGE.to_owned(),
        format!("{PAGE}?show=all"),
        format!("{PAGE}?show=all&page=4"),
    ] {
        let answer = app.get(&page).await;
        assert!(
            answer.body.len() < 300_000,
            "{page}: {} bytes",
            answer.body.len()
        );
        assert!(answer.text().contains("concurrency="), "{page}");
    }
    // GitHub refuses a longer comment.
    let comment = app
        .get("/api/v1/compare?base=1&head=2&format=markdown")
        .await;
    assert!(
        comment.text().chars().count() < 65_536,
        "{}",
        comment.body.len()
    );
    let last = app.get(&format!("{PAGE}?page=4")).await;
    assert!(last.text().contains("451 to 500 of 500"), "{}", last.text());
    assert!(last.text().contains("Rows before") && !last.text().contains("More rows"));
}
