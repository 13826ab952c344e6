//! Many uploads at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use kvmark::domain::{RunKind, Scope};
use kvmark::store::RunFilter;
use serde_json::Value;

use crate::app::{Answer, TestApp};
use crate::builders::report;

/// Sends a report as the runner does: again when the server is busy.
async fn send(app: &TestApp, token: &str, report: &Value) -> Answer {
    loop {
        let answer = app.upload(token, report).await;
        if answer.status != 503 {
            return answer;
        }
        assert!(!answer.header("retry-after").is_empty());
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_uploads_at_once_lose_none_and_each_gets_its_own_answer() {
    let app = Arc::new(TestApp::new().await);
    let token = app.token(Scope::Upload, None).await;
    let reports: Vec<Value> = (0..200)
        .map(|n| report(n % 40, &[("A", 100.0 + n as f64), ("B", 50.0)]))
        .collect();
    // Every tenth is sent twice at the same time.
    let twice = reports.iter().step_by(10);
    let mut sending = tokio::task::JoinSet::new();
    for sent in reports.iter().chain(twice).cloned() {
        let (app, token) = (Arc::clone(&app), token.clone());
        sending.spawn(async move {
            let answer = send(&app, &token, &sent).await;
            (sent, answer)
        });
    }
    let mut ids = BTreeSet::new();
    let (mut new, mut same) = (0, 0);
    while let Some(done) = sending.join_next().await {
        let (sent, answer) = done.unwrap();
        match answer.status.as_u16() {
            201 => new += 1,
            200 => same += 1,
            other => panic!("{other}: {}", answer.text()),
        }
        let answered = answer.json();
        let id = answered["run_id"].as_i64().unwrap();
        ids.insert(id);
        let stored = app.get(&format!("/api/v1/runs/{id}/report")).await;
        assert_eq!(stored.json(), sent);
        let series = answered["verdict"]["series"].as_array().unwrap();
        let samples = &sent["benchmarks"][0]["metrics"][0]["samples"];
        assert!(samples.as_array().unwrap().contains(&series[0]["value"]));
    }
    assert_eq!((new, same, ids.len()), (200, 20, 200));
    let all = RunFilter {
        kind: Some(RunKind::Nightly),
        limit: Some(500),
        ..RunFilter::default()
    };
    assert_eq!(app.store().runs(&all).await.unwrap().len(), 200);
}
