//! Explanations: made again from what is stored, to the same answer.

use axum::http::StatusCode;
use bench_report::metric::Kind;
use bench_verdict::explain::Explanation;
use kvmark::domain::{RunId, RunKind, SeriesId};
use kvmark::jobs;
use tokio_util::sync::CancellationToken;

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

/// Quiet, a step of a fifth that is mended, and noise of half a percent.
fn value(days_ago: i64) -> f64 {
    let noise = 1.0 + 0.005 * ((days_ago * 7919 % 17) as f64 - 8.0) / 8.0;
    noise
        * if (20..32).contains(&days_ago) {
            1200.0
        } else {
            1000.0
        }
}

/// Sixty nights of a latency and a count, pull requests and a late night among them.
async fn history(app: &TestApp) -> Vec<RunId> {
    let mut runs = Vec::new();
    let days = (0..60).rev().filter(|days| *days != 41).chain([41]);
    for days_ago in days {
        let mut count = latency("Count", 12.0);
        count.kind = Kind::Count;
        let run = nightly(&format!("night {days_ago}"), days_ago);
        let run = with(run, [latency("A", value(days_ago)), count]);
        runs.push(insert(app, &run).await);
        if days_ago % 10 == 3 {
            let mut pull = nightly(&format!("pull {days_ago}"), days_ago);
            pull.kind = RunKind::Pull;
            pull.started_at.0 += 3_600_000;
            runs.push(insert(app, &with(pull, [latency("A", 1300.0)])).await);
        }
    }
    let stop = CancellationToken::new();
    jobs::rejudge_all(app.store(), &stop).await.unwrap();
    runs
}

async fn insert(app: &TestApp, run: &kvmark::domain::NewRun) -> RunId {
    let inserted = app.store().insert_judged(run, NOW, jobs::judge_run).await;
    inserted.unwrap().run_id
}

async fn explain(app: &TestApp, run: RunId, series: SeriesId) -> Explanation {
    let uri = format!("/api/v1/runs/{run}/series/{series}/explain");
    serde_json::from_value(app.get(&uri).await.json()).unwrap()
}

#[tokio::test]
async fn every_row_of_a_history_is_explained_to_its_own_hash_and_verdict() {
    let app = TestApp::new().await;
    let mut confirmed = 0;
    for run in history(&app).await {
        for row in app.store().judged_run(run).await.unwrap().unwrap().rows {
            let judged = row.judgement;
            let told = explain(&app, run, row.series.id).await;
            let about = format!("run {run}, {}", told.name());
            assert!(told.is_same, "{about}");
            assert_eq!(Some(told.inputs_hash), judged.inputs, "{about}");
            assert_eq!(told.stored_hash, judged.inputs, "{about}");
            assert_eq!(told.band.baseline, judged.baseline, "{about}");
            assert_eq!(told.band.change, judged.change, "{about}");
            assert_eq!(told.band.band, judged.band, "{about}");
            assert_eq!(told.evidence, judged.evidence, "{about}");
            let floor = told.night.map(|night| night.noise_floor);
            assert_eq!(floor, judged.noise_floor.filter(|_| floor.is_some()));
            assert_eq!(told.band.runs.len(), judged.baseline_runs as usize);
            confirmed += usize::from(told.tails.iter().any(|tail| tail.confirms));
        }
    }
    assert_eq!(
        confirmed, 0,
        "what a night confirms is a boundary by its end"
    );
}

#[tokio::test]
async fn a_step_is_explained_by_its_tails_and_what_was_left_out_by_its_reason() {
    let app = TestApp::new().await;
    let runs = history(&app).await;
    let series = app.store().judged_run(runs[0]).await.unwrap().unwrap();
    let series = series.rows[0].series.id;

    let first = app
        .store()
        .run_by_key("night 31")
        .await
        .unwrap()
        .unwrap()
        .id;
    let told = explain(&app, first, series).await;
    let last = told.tails.last().unwrap();
    assert_eq!((last.nights, last.since.run_id), (1, first.0));
    assert!(last.z > 3.0 && last.shape.is_whole(), "{last:?}");
    assert!(!last.confirms, "one night confirms nothing");
    assert!(
        told.why.contains("one night alone confirms nothing"),
        "{}",
        told.why
    );
    let left_out: Vec<&str> = told.band.left_out.iter().map(|run| &*run.why).collect();
    assert_eq!(left_out, ["a pull run, not a nightly one"]);
    assert_eq!(
        told.gate.line,
        "A latency_p99 cpu=2: +20.2% against its baseline, likely and not confirmed"
    );

    let later = app
        .store()
        .run_by_key("night 27")
        .await
        .unwrap()
        .unwrap()
        .id;
    let told = explain(&app, later, series).await;
    let standing = told.standing.last().unwrap();
    assert!(standing.z >= standing.threshold && (standing.change - 0.2).abs() < 0.02);
    assert!((standing.frozen_baseline.unwrap() - 1000.0).abs() < 10.0);
    assert!(
        told.why
            .starts_with("a change of the level in the window was confirmed by")
    );
    let rows = told.rows(|ms| ms.to_string());
    for part in ["inputs", "A", "B", "C", "D", "gate"] {
        assert!(rows.iter().any(|row| row.part == part), "{part}: {rows:?}");
    }
}

#[tokio::test]
async fn a_changed_input_changes_the_hash_and_the_stored_verdict_follows() {
    let app = TestApp::new().await;
    let runs = history(&app).await;
    let series = app.store().judged_run(runs[0]).await.unwrap().unwrap();
    let series = series.rows[0].series.id;
    let tonight = app.store().run_by_key("night 0").await.unwrap().unwrap().id;
    let before = explain(&app, tonight, series).await;
    let bad = app
        .store()
        .run_by_key("night 50")
        .await
        .unwrap()
        .unwrap()
        .id;
    app.store()
        .set_excluded(bad, Some("fan"), "somebody", NOW)
        .await
        .unwrap();
    let changed = explain(&app, tonight, series).await;
    assert_ne!(changed.inputs_hash, before.inputs_hash);
    assert_eq!(changed.stored_hash, Some(before.inputs_hash));
    assert!(!changed.is_same);
    let stop = CancellationToken::new();
    jobs::rejudge_all(app.store(), &stop).await.unwrap();
    let again = explain(&app, tonight, series).await;
    assert!(again.is_same);
    assert_eq!(again.inputs_hash, changed.inputs_hash);
}

#[tokio::test]
async fn what_is_not_there_is_not_explained() {
    let app = TestApp::new().await;
    let run = insert(&app, &with(nightly("one", 0), [latency("A", 1.0)])).await;
    let status = |uri: String| {
        let app = &app;
        async move { app.get(&uri).await.status }
    };
    let told = explain(&app, run, SeriesId(1)).await;
    assert_eq!(
        (told.why.as_str(), told.tails.len()),
        ("0 of 3 runs that a baseline needs", 0)
    );
    for uri in ["9/series/1", "1/series/9", "x/series/1"] {
        let uri = format!("/api/v1/runs/{uri}/explain");
        assert_eq!(status(uri).await, StatusCode::NOT_FOUND);
    }
}
