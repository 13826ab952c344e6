//! Following live runs.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::StreamExt;
use kvmark::domain::{Millis, RunKind};
use kvmark::web::live::{LOST_AFTER_MS, Progress};
use tower::ServiceExt;

use crate::app::{NOW, TestApp};
use crate::builders::nightly;

fn progress(run_key: &str, done: u32) -> Progress {
    Progress {
        run_key: run_key.to_owned(),
        kind: RunKind::Nightly,
        commit: None,
        branch: None,
        environment_name: None,
        started_at: NOW.timestamp(),
        total: 180,
        done,
        current: None,
        benchmarks: Vec::new(),
        eta_seconds: None,
        log: vec!["</script>".to_owned()],
    }
}

/// The events of a run, one by one; `None` at the end of the stream.
struct Events(axum::body::BodyDataStream);

impl Events {
    async fn of(app: &TestApp, run_key: &str) -> Self {
        let uri = format!("/api/v1/live/{run_key}/events");
        let request = Request::get(uri)
            .header("host", "localhost")
            .body(Body::empty())
            .unwrap();
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body().into_data_stream())
    }

    /// Name and data of the next event.
    async fn next(&mut self) -> Option<(String, serde_json::Value)> {
        let wait = tokio::time::timeout(Duration::from_secs(20), self.0.next());
        let bytes = wait
            .await
            .expect("an event or the end of the stream")?
            .unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let line = |field: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(field))
                .unwrap_or_default()
                .trim()
        };
        Some((
            line("event:").to_owned(),
            serde_json::from_str(line("data:")).unwrap(),
        ))
    }
}

#[tokio::test]
async fn a_follower_sees_progress_and_the_end() {
    let app = TestApp::new().await;
    let id = app.store().reserve_run("k").await.unwrap();
    app.state.live.take(id, progress("k", 1), NOW).unwrap();
    let mut events = Events::of(&app, "k").await;
    let (name, data) = events.next().await.unwrap();
    assert_eq!((name.as_str(), data["done"].as_u64()), ("running", Some(1)));
    assert_eq!(data["id"].as_i64(), Some(id.0));
    assert_eq!(data["log"][0], "</script>");

    app.state.live.take(id, progress("k", 2), NOW).unwrap();
    assert_eq!(events.next().await.unwrap().1["done"].as_u64(), Some(2));

    app.state.live.sweep(Millis(NOW.0 + LOST_AFTER_MS));
    assert_eq!(events.next().await.unwrap().0, "lost");

    app.state.live.complete("k");
    assert_eq!(events.next().await.unwrap().0, "complete");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn following_ends_when_the_server_shuts_down() {
    let app = TestApp::new().await;
    app.state
        .live
        .take(kvmark::domain::RunId(7), progress("k", 1), NOW)
        .unwrap();
    let mut events = Events::of(&app, "k").await;
    events.next().await.unwrap();
    app.state.shutdown.cancel();
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_run_that_is_stored_already_is_complete_at_once() {
    let app = TestApp::new().await;
    let id = app
        .store()
        .insert_run(&nightly("k", 1), NOW)
        .await
        .unwrap()
        .run_id;
    let mut events = Events::of(&app, "k").await;
    let (name, data) = events.next().await.unwrap();
    assert_eq!(
        (name.as_str(), data["id"].as_i64()),
        ("complete", Some(id.0))
    );
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_run_that_nobody_knows_cannot_be_followed() {
    let app = TestApp::new().await;
    let answer = app.get("/api/v1/live/nobody/events").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.json()["detail"], "there is no live run nobody");
}
