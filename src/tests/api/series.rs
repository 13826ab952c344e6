//! Series and their points.

use axum::http::StatusCode;
use kvmark::domain::Scope;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::builders::report;

async fn app_with(nights: &[(i64, f64)]) -> TestApp {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for (days, value) in nights {
        app.upload(&token, &report(*days, &[("A", *value), ("B", 1.0)]))
            .await;
    }
    app
}

#[tokio::test]
async fn series_are_found_by_any_of_their_dimensions() {
    let app = app_with(&[(0, 1.0)]).await;
    let count = async |query: &str| {
        let answer = app.get(&format!("/api/v1/series?{query}")).await.json();
        answer["series"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("benchmark=A").await, 1);
    assert_eq!(count("param.cpu=2&metric=latency_p99").await, 2);
    assert_eq!(count("param.cpu=4").await, 0);
    assert_eq!(count("environment=1&suite=kv-sync").await, 2);
    assert_eq!(count("environment=2").await, 0);
}

#[tokio::test]
async fn points_come_by_column_in_the_order_of_time() {
    let app = app_with(&[(3, 100.0), (2, 100.0), (1, 100.0), (0, 125.0)]).await;
    let points = app.get("/api/v1/series/1/points").await.json();
    assert_eq!(points["value"], json!([100.0, 100.0, 100.0, 125.0]));
    assert_eq!(
        points["band"],
        json!(["warming", "warming", "warming", "critical"])
    );
    assert_eq!(points["baseline"], json!([null, null, null, 100.0]));
    assert_eq!(points["commit"], json!([0, 1, 2, 3]));
    assert_eq!(points["series"]["benchmark"], "A");
    let some = app
        .get("/api/v1/series/1/points?from=2026-02-27&to=2026-02-28T06:00:00Z")
        .await;
    assert_eq!(some.json()["run_id"], json!([2, 3]));
    let other = app
        .get("/api/v1/series/1/points?branch=feature")
        .await
        .json();
    assert_eq!(other["total"], 0);
}

#[tokio::test]
async fn thinned_points_keep_the_spike() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for day in 0..60 {
        let value = if day == 31 { 900.0 } else { 100.0 };
        app.upload(&token, &report(60 - day, &[("A", value)])).await;
    }
    let points = app
        .get("/api/v1/series/1/points?max_points=16")
        .await
        .json();
    assert_eq!(points["total"], 60);
    let values = points["value"].as_array().unwrap();
    assert!(values.len() < 40, "{}", values.len());
    assert!(values.contains(&json!(900.0)));
    let few = app.get("/api/v1/series/1/points?max_points=7").await;
    assert_eq!(few.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_baseline_at_an_instant_is_the_mean_of_the_week_before() {
    let app = app_with(&[(8, 900.0), (3, 100.0), (2, 110.0), (1, 120.0), (0, 500.0)]).await;
    // The present is that of the newest run, which is not before itself.
    let now = app.get("/api/v1/series/1/baseline").await.json();
    assert_eq!(now["baseline"], 110.0);
    assert_eq!(now["runs"], json!([2, 3, 4]));
    let early = app
        .get("/api/v1/series/1/baseline?at=2026-02-27T05:00:00Z")
        .await
        .json();
    assert_eq!(
        (&early["baseline"], &early["baseline_runs"]),
        (&Value::Null, &json!(2))
    );
}

#[tokio::test]
async fn all_measurements_come_as_csv() {
    let app = app_with(&[(3, 100.0), (2, 100.0), (1, 100.0), (0, 125.0)]).await;
    let answer = app.get("/export.csv?benchmark=A&from=2026-02-28").await;
    insta::assert_snapshot!(answer.text(), @r"
    series_id,suite,benchmark,params,metric,unit,better,environment_id,run_id,started_at,commit,suite_version,value,samples,baseline,change,band,evidence
    1,kv-sync,A,cpu=2,latency_p99,ns,lower,1,3,2026-02-28T06:00:00Z,0000000000000000000000000000019ca2d51700,1,100,6,,,warming,inconclusive
    1,kv-sync,A,cpu=2,latency_p99,ns,lower,1,4,2026-03-01T06:00:00Z,0000000000000000000000000000019ca7fb7300,1,125,6,100,0.25,critical,inconclusive
    ");
    assert!(answer.header("content-type").starts_with("text/csv"));
    assert_eq!(
        app.get("/export.csv?benchmrk=A").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn the_baseline_file_is_what_the_offline_check_reads() {
    let app = app_with(&[(8, 900.0), (3, 100.0), (2, 110.0), (1, 120.0)]).await;
    let answer = app.get("/api/v1/baselines.json").await;
    let file = bench_report::write::baseline::Baseline::parse(&answer.body).unwrap();
    let a = file.series.iter().find(|s| s.benchmark == "A").unwrap();
    assert_eq!(
        (a.value, a.runs.as_slice()),
        (110.0, [100.0, 110.0, 120.0].as_slice())
    );
    assert_eq!(a.samples.len(), 18);
    assert_eq!(a.environment_name.as_deref(), Some("bench-1"));
    assert_eq!(
        file.commit.as_deref(),
        Some("0000000000000000000000000000019ca2d51700")
    );
    let none = app.get("/api/v1/baselines.json?environment=9").await.json();
    assert_eq!(none["series"], json!([]));
}
