//! Epochs and the runs that bridge them.

use axum::http::StatusCode;
use bench_report::report::{Purpose, Side};
use kvmark::domain::{NewRun, RunKind, RunPair};
use kvmark::jobs;
use serde_json::Value;

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

/// A night on the old machine or the new one, which reads a quarter more of the same code.
fn night(days_ago: i64) -> NewRun {
    let mut run = nightly(&format!("night {days_ago}"), days_ago);
    let mut value = 1000.0 + f64::from(u8::from(days_ago % 2 == 0));
    if days_ago < 5 {
        run.environment.fingerprint = "bb".repeat(32);
        value *= 1.25;
    }
    with(run, [latency("A", value)])
}

/// The last revision of the old machine, measured on the new one.
fn bridge(value: f64) -> NewRun {
    let mut run = night(4);
    run.run_key = format!("bridge {value}");
    run.report_sha256 = [9; 32];
    run.kind = RunKind::Ab;
    run.started_at.0 -= 3_600_000;
    run.revision.commit = night(5).revision.commit;
    run.pair = Some(RunPair {
        key: "bridge".to_owned(),
        side: Side::Head,
        purpose: Purpose::Bridge,
        against_run: None,
        rounds: vec![0, 1, 2, 3, 4, 5],
    });
    run.measurements = vec![latency("A", value)];
    run
}

async fn insert(app: &TestApp, run: &NewRun) {
    let inserted = app.store().insert_judged(run, NOW, jobs::judge_run).await;
    inserted.unwrap();
}

async fn epochs(app: &TestApp, series: i64) -> Vec<Value> {
    let answer = app.get(&format!("/api/v1/series/{series}/epochs")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["epochs"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_bridging_run_says_how_many_times_larger_the_same_code_reads() {
    let app = TestApp::new().await;
    for days_ago in (0..12).rev() {
        insert(&app, &night(days_ago)).await;
    }
    let without = epochs(&app, 2).await;
    assert_eq!(without.len(), 2, "{without:?}");
    assert_eq!(
        (&without[0]["nights"], &without[1]["nights"]),
        (&7.into(), &5.into())
    );
    assert!(without[1]["bridge"].is_null());

    insert(&app, &bridge(1250.0)).await;
    // Both machines have the name, so either series tells the whole story.
    for series in [1, 2] {
        let told = epochs(&app, series).await;
        let bridge = &told[1]["bridge"];
        assert_eq!(bridge["before"], 1000.0, "{told:?}");
        assert_eq!(bridge["factor"], 1.25);
        assert!(told[0]["bridge"].is_null());
        assert_eq!(told[1]["nights"], 5, "a bridging run is no night");
    }
    let page = app.get("/benchmarks/A?metric=latency_p99").await;
    assert!(
        page.text().contains("same code 1.25\u{d7}"),
        "{}",
        page.text()
    );
    assert_eq!(
        app.get("/api/v1/series/9/epochs").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_new_suite_version_begins_an_epoch_and_is_bridged_too() {
    let app = TestApp::new().await;
    for days_ago in (0..10).rev() {
        let mut run = nightly(&format!("night {days_ago}"), days_ago);
        let version = if days_ago < 4 { "2" } else { "1" };
        run.suite_version = version.to_owned();
        let value = if days_ago < 4 { 500.0 } else { 1000.0 };
        insert(&app, &with(run, [latency("A", value)])).await;
    }
    let mut old_code = bridge(500.0);
    old_code.environment = nightly("x", 0).environment;
    old_code.suite_version = "2".to_owned();
    old_code.revision.commit = nightly("x", 4).revision.commit;
    insert(&app, &old_code).await;
    let told = epochs(&app, 1).await;
    assert_eq!((told.len(), &told[1]["suite_version"]), (2, &"2".into()));
    assert_eq!(told[1]["bridge"]["factor"], 0.5);
}
