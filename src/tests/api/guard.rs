//! What holds for every request.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use kvmark::config::Config;
use kvmark::web;
use kvmark::web::guard::Turns;
use tower::ServiceExt;

use crate::app::TestApp;

#[tokio::test]
async fn a_fresh_server_lives_and_is_ready() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/healthz").await.text(), "ok\n");
    assert_eq!(app.get("/readyz").await.text(), "ready\n");
}

#[tokio::test]
async fn foreign_host_names_are_misdirected() {
    let app = TestApp::with(Config {
        public_url: Some("https://perf.example.org".to_owned()),
        ..Config::default()
    })
    .await;
    for (host, status) in [
        ("localhost:1", StatusCode::OK),
        ("[::1]:8080", StatusCode::OK),
        ("perf.example.org", StatusCode::OK),
        ("PERF.example.org", StatusCode::OK),
        ("perf.example.org:8080", StatusCode::MISDIRECTED_REQUEST),
        ("evil.example", StatusCode::MISDIRECTED_REQUEST),
        ("127.0.0.1.evil.example", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let request = Request::get("/healthz")
            .header("host", host)
            .body(Body::empty())
            .unwrap();
        assert_eq!(app.send(request).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn every_answer_forbids_what_pages_do_not_need() {
    let app = TestApp::new().await;
    for uri in ["/healthz", "/api/v1/nothing", "/nothing"] {
        let answer = app.get(uri).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{uri}: {policy}");
        assert!(!policy.contains("unsafe"), "{uri}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{uri}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{uri}");
    }
}

#[tokio::test]
async fn unknown_paths_are_problems_for_programs_and_pages_for_people() {
    let app = TestApp::new().await;
    let api = app.get("/api/v1/%3Cscript%3E").await;
    assert_eq!(api.status, StatusCode::NOT_FOUND);
    assert_eq!(api.header("content-type"), "application/problem+json");
    assert_eq!(api.json()["status"], 404);
    let page = app.get("/nothing/%3Cscript%3E?a=1").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("Not Found</span></h1>"));
    assert!(!page.text().contains("<script>"));
}

#[tokio::test]
async fn an_answer_waits_for_its_turn_and_whether_the_server_lives_is_said_at_once() {
    let app = TestApp::new().await;
    let asked = |turns: usize, uri: &str| {
        let mut state = app.state.clone();
        state.turns = Turns::new(turns);
        let request = Request::get(uri).header("host", "localhost");
        web::router(state).oneshot(request.body(Body::empty()).unwrap())
    };
    // It needs nothing that it could wait for, but its turn.
    const READY: &str = "/api/openapi.json";
    assert!(futures::poll!(std::pin::pin!(asked(1, READY))).is_ready());
    assert!(futures::poll!(std::pin::pin!(asked(0, READY))).is_pending());
    for uri in ["/healthz", "/readyz"] {
        assert_eq!(asked(0, uri).await.unwrap().status(), StatusCode::OK);
    }
}
