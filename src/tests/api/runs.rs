//! Stored runs, as the API shows them.

use axum::http::{Method, StatusCode};
use kvmark::domain::Scope;
use kvmark::jobs;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::app::{Answer, TestApp, post};
use crate::builders::report;

async fn app_with(nights: &[(i64, f64)]) -> TestApp {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for (days, value) in nights {
        let answer = app.upload(&token, &report(*days, &[("A", *value)])).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
    app
}

async fn patch(app: &TestApp, token: &str, run: i64, body: Value) -> Answer {
    let mut request = post(&format!("/api/v1/runs/{run}"), token, body.to_string());
    *request.method_mut() = Method::PATCH;
    app.send(request).await
}

#[tokio::test]
async fn runs_are_listed_page_by_page() {
    let app = app_with(&[(2, 1.0), (1, 1.0), (0, 1.0)]).await;
    let ids = |list: &Value| -> Vec<i64> {
        let runs = list["runs"].as_array().unwrap().iter();
        runs.map(|r| r["id"].as_i64().unwrap()).collect()
    };
    let first = app.get("/api/v1/runs?limit=2").await.json();
    assert_eq!(ids(&first), [3, 2]);
    assert_eq!(first["runs"][0]["started_at"], "2026-03-01T06:00:00Z");
    assert_eq!(
        first["runs"][0]["suite"],
        json!({"name": "kv-sync", "version": "1"})
    );
    assert_eq!(
        first["runs"][0]["environment"],
        json!({"name": "bench-1", "id": 1})
    );
    let next = first["next"].as_str().unwrap();
    let second = app
        .get(&format!("/api/v1/runs?limit=2&before={next}"))
        .await
        .json();
    assert_eq!(ids(&second), [1]);
    assert_eq!(second["next"], Value::Null);
    let since = app
        .get("/api/v1/runs?since=2026-02-28&kind=nightly&branch=main")
        .await
        .json();
    assert_eq!(ids(&since), [3, 2]);
}

#[tokio::test]
async fn queries_that_mean_nothing_are_refused() {
    let app = app_with(&[]).await;
    for uri in [
        "/api/v1/runs?limit=0",
        "/api/v1/runs?limit=501",
        "/api/v1/runs?knd=pull",
        "/api/v1/runs?kind=weekly",
        "/api/v1/runs?before=x",
        "/api/v1/runs?since=yesterday",
        "/api/v1/series?benchmrk=A",
        "/api/v1/series?environment=x",
    ] {
        let answer = app.get(uri).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{uri}: {}",
            answer.text()
        );
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{uri}"
        );
    }
    for uri in [
        "/api/v1/runs/7",
        "/api/v1/runs/x",
        "/api/v1/runs/7/report",
        "/api/v1/runs/7/verdict",
        "/api/v1/series/7/points",
    ] {
        let answer = app.get(uri).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "{uri}: {}",
            answer.text()
        );
    }
    let wrong = app.send(post("/api/v1/series", "", "{}")).await;
    assert!(wrong.status.is_client_error());
}

#[tokio::test]
async fn a_run_shows_its_measurements_and_what_is_said_of_them() {
    let app = app_with(&[(3, 1000.0), (2, 1000.0), (1, 1000.0), (0, 900.0)]).await;
    let run = app.get("/api/v1/runs/4").await.json();
    let row = &run["series"][0];
    assert_eq!(row["value"], 900.0);
    assert_eq!(row["samples"], 6);
    assert_eq!(row["band"], "improved");
    assert_eq!(row["params"], json!({"cpu": "2"}));
    assert_eq!(run["coverage"]["expected"], 1);
}

#[tokio::test]
async fn the_gate_is_as_strict_as_it_is_asked_to_be() {
    let app = app_with(&[(3, 1000.0), (2, 1000.0), (1, 1000.0), (0, 1150.0)]).await;
    let bare = app
        .get("/api/v1/runs/4/verdict?no_noise_guard=true")
        .await
        .json();
    assert_eq!(
        (&bare["status"], &bare["exit_code"]),
        (&json!("fail"), &json!(1))
    );
    let lax = app
        .get("/api/v1/runs/4/verdict?no_noise_guard=true&threshold=0.2")
        .await
        .json();
    assert_eq!(lax["exit_code"], 0, "{lax}");
    let critical = app
        .get("/api/v1/runs/4/verdict?no_noise_guard=true&fail_on=critical")
        .await;
    assert_eq!(critical.json()["exit_code"], 0);
    for bad in ["threshold=-1", "threshold=NaN", "fail_on=none"] {
        let answer = app.get(&format!("/api/v1/runs/4/verdict?{bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_bad_night_is_taken_out_for_a_reason_and_what_it_touched_is_judged_again() {
    let app = app_with(&[
        (4, 1000.0),
        (3, 1000.0),
        (2, 1000.0),
        (1, 5000.0),
        (0, 1000.0),
    ])
    .await;
    let tonight = "/api/v1/runs/5/verdict";
    assert_eq!(
        app.get(tonight).await.json()["series"][0]["band"],
        "improved"
    );

    let reader = app.token(Scope::Upload, None).await;
    let exclude = json!({"excluded": true, "reason": "the fan failed"});
    assert_eq!(
        patch(&app, &reader, 4, exclude.clone()).await.status,
        StatusCode::FORBIDDEN
    );
    let triage = app.token(Scope::Triage, None).await;
    let no_reason = patch(&app, &triage, 4, json!({"excluded": true})).await;
    assert_eq!(no_reason.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(no_reason.json()["pointer"], "/reason");
    assert_eq!(
        patch(&app, &triage, 9, exclude.clone()).await.status,
        StatusCode::NOT_FOUND
    );

    let done = patch(&app, &triage, 4, exclude).await;
    assert_eq!(done.json()["excluded"], "the fan failed");
    let stop = CancellationToken::new();
    jobs::rejudge_all(app.store(), &stop).await.unwrap();
    let row = app.get(tonight).await.json()["series"][0].clone();
    assert_eq!(
        (&row["band"], &row["baseline_runs"]),
        (&json!("none"), &json!(3))
    );
    let audit = app.store().audit_of("run 4").await.unwrap();
    assert_eq!(
        (audit[0].who.as_str(), audit[0].detail.as_str()),
        ("test (token 3)", "the fan failed")
    );

    patch(&app, &triage, 4, json!({"excluded": false})).await;
    jobs::rejudge_all(app.store(), &stop).await.unwrap();
    assert_eq!(
        app.get(tonight).await.json()["series"][0]["band"],
        "improved"
    );
    assert_eq!(
        app.store().audit_of("run 4").await.unwrap()[1].action,
        "run.include"
    );
}

#[tokio::test]
async fn a_run_reads_as_go_benchmark_text() {
    let app = app_with(&[(0, 1000.0)]).await;
    let answer = app.get("/api/v1/runs/1/benchmarks.txt").await;
    assert!(answer.header("content-type").starts_with("text/plain"));
    let lines: Vec<&str> = answer
        .text()
        .lines()
        .filter(|l| l.starts_with("BenchmarkA"))
        .collect();
    assert_eq!(lines.len(), 6, "{}", answer.text());
    assert!(lines[0].contains("980"), "{}", lines[0]);
    assert_eq!(
        app.get("/api/v1/runs/2/benchmarks.txt").await.status,
        StatusCode::NOT_FOUND
    );
}
