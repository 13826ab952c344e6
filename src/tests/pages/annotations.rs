//! `/annotations`: written, shown on every chart that covers them, corrected, taken away.

use axum::http::StatusCode;
use kvmark::domain::{AnnotationId, Scope};

use super::{Page, browser, store};
use crate::app::TestApp;
use crate::builders::{latency, nightly, with};

const SERIES: &str = "/benchmarks/A?metric=latency_p99&param.cpu=8&environment=1";

async fn app() -> (TestApp, String) {
    let app = TestApp::new().await;
    for days_ago in (0..12).rev() {
        let run = nightly(&format!("night {days_ago}"), days_ago);
        store(
            &app,
            &with(run, [latency("A", 1000.0), latency("B", 2000.0)]),
        )
        .await;
    }
    let token = app.token(Scope::Triage, None).await;
    (app, token)
}

#[tokio::test]
async fn a_form_annotates_a_night_of_one_series_and_its_charts_show_it() {
    let (app, token) = app().await;
    let series = app.get("/api/v1/series?benchmark=A").await.json();
    let id = series["series"][0]["series_id"].as_i64().unwrap();
    Page::get(&app, &format!("/annotations?series={id}&run=8"))
        .await
        .says("Log in")
        .does_not_say("Write down");
    let form = format!("/annotations?series={id}&run=8");
    let form = browser(&app, "GET", &form, &token, "none", "").await;
    assert!(
        form.text().contains("<option value=\"8\" selected>"),
        "{}",
        form.text()
    );
    let body = format!("series={id}&about=one&run=8&day=&text=%3Cb%3Enew+kernel%3C%2Fb%3E");
    let sent = browser(&app, "POST", "/annotations", &token, "same-origin", &body).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    assert!(
        sent.header("location").starts_with("/benchmarks/A?"),
        "{:?}",
        sent.headers
    );
    for covered in [
        sent.header("location").trim_end_matches("#notes"),
        "/trends",
        "/runs/8",
    ] {
        let page = Page::get(&app, covered).await;
        page.says("<b>new kernel</b>").says("test (token 1)");
        assert!(!page.html().contains("<b>new"), "{covered}: markup");
    }
    Page::get(&app, "/runs/7").await.does_not_say("new kernel");
    let other = SERIES.replace("/A?", "/B?");
    Page::get(&app, &other).await.does_not_say("new kernel");
    let file = app.get(&format!("/chart/{id}.svg")).await;
    assert!(
        file.text().contains("note: &lt;b&gt;new kernel"),
        "{}",
        file.text()
    );
}

#[tokio::test]
async fn a_day_is_annotated_for_every_series() {
    let (app, token) = app().await;
    let body = "series=1&about=all&run=8&day=2026-02-25&text=another+rack";
    browser(&app, "POST", "/annotations", &token, "same-origin", body).await;
    for page in ["/benchmarks/A", "/benchmarks/B"] {
        Page::get(&app, page).await.says("25 Feb another rack");
    }
    Page::get(&app, "/annotations")
        .await
        .says("every series")
        .says("another rack");
    for bad in [
        "day=2026-02-30&text=x",
        "run=x&text=x",
        "run=99&text=x",
        "text=+",
    ] {
        let refused = browser(&app, "POST", "/annotations", &token, "same-origin", bad).await;
        assert!(
            refused.status.is_client_error(),
            "{bad}: {}",
            refused.status
        );
    }
}

#[tokio::test]
async fn an_annotation_is_corrected_and_taken_away_and_the_audit_keeps_every_text() {
    let (app, token) = app().await;
    let send = async |uri: &str, body: &str| {
        browser(&app, "POST", uri, &token, "same-origin", body)
            .await
            .status
    };
    send("/annotations", "run=8&text=old+kernel").await;
    Page::get(&app, "/annotations/1")
        .await
        .says("old kernel")
        .says("test (token 1) wrote");
    let read = app.token(Scope::Read, None).await;
    let weak = browser(
        &app,
        "POST",
        "/annotations/1",
        &read,
        "same-origin",
        "action=delete",
    )
    .await;
    assert_eq!(weak.status, StatusCode::FORBIDDEN);
    let foreign = browser(
        &app,
        "POST",
        "/annotations/1",
        &token,
        "cross-site",
        "action=delete",
    )
    .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(
        send("/annotations/1", "action=correct&text=new+kernel").await,
        303
    );
    Page::get(&app, "/runs/8")
        .await
        .says("new kernel")
        .does_not_say("old kernel");
    Page::get(&app, "/annotations/1")
        .await
        .says("test (token 1) corrected it: “new kernel”");
    assert_eq!(send("/annotations/1", "action=correct&text=+").await, 422);
    assert_eq!(send("/annotations/1", "action=delete").await, 303);
    assert_eq!(send("/annotations/1", "action=delete").await, 404);
    Page::get(&app, "/runs/8").await.does_not_say("new kernel");
    assert_eq!(app.store().annotation(AnnotationId(1)).await.unwrap(), None);
    let audit = app.store().audit_of("annotation 1").await.unwrap();
    let kept: Vec<_> = audit
        .iter()
        .map(|e| (e.action.as_str(), e.detail.as_str()))
        .collect();
    assert_eq!(
        kept,
        [
            ("annotation.add", "old kernel"),
            ("annotation.correct", "new kernel"),
            ("annotation.delete", "new kernel"),
        ]
    );
}
