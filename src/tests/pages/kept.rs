//! What pages keep in memory is never older than the last write that matters to them, and a write
//! that does not leaves it alone.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bench_verdict::verdict::{Band, Evidence};
use kvmark::analysis::alerts::act::{Wish, act};
use kvmark::domain::alert::AlertState;
use kvmark::domain::{Judgement, NewRun, Patterns, RunId, RunKind, SeriesId};
use kvmark::jobs;
use kvmark::store::{Accepting, AlertFilter, Store, StoreOptions};
use kvmark::web::{self, AppState};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

/// A quiet month, then a step of a quarter for the last ten nights.
fn night(days_ago: i64) -> NewRun {
    let noise = 1.0 + 0.004 * ((days_ago * 7919 % 13) as f64 - 6.0) / 6.0;
    let level = if days_ago < 10 { 1250.0 } else { 1000.0 };
    with(
        nightly(&format!("night {days_ago}"), days_ago),
        [latency("A", level * noise), latency("B", 500.0 * noise)],
    )
}

fn pull(key: &str, number: u64, value: f64) -> NewRun {
    let mut run = with(nightly(key, 0), [latency("A", value), latency("B", 500.0)]);
    run.kind = RunKind::Pull;
    run.started_at.0 += 60_000;
    run.finished_at.0 += 60_000;
    run.revision.branch = Some("topic".to_owned());
    run.revision.pull = Some(number);
    run.revision.commit = format!("{number:040x}");
    run.revision.base_commit = Some(night(1).revision.commit);
    run
}

async fn insert(app: &TestApp, run: &NewRun) -> RunId {
    let inserted = app.store().insert_judged(run, NOW, jobs::judge_run).await;
    inserted.unwrap().run_id
}

async fn rejudge(app: &TestApp) {
    let stop = CancellationToken::new();
    jobs::rejudge_all(app.store(), &stop).await.unwrap();
}

/// A month of nights, but the last, and a pull request.
async fn month() -> TestApp {
    let app = TestApp::new().await;
    for days_ago in (1..30).rev() {
        insert(&app, &night(days_ago)).await;
    }
    insert(&app, &pull("push", 7, 1300.0)).await;
    rejudge(&app).await;
    app
}

/// The pages and answers that keep something.
async fn shown(router: &Router) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for uri in [
        "/",
        "/pulls/7",
        "/api/v1/pulls/7/report",
        "/compare/20...29",
        "/compare/29...30",
        "/runs/25",
        "/runs/29",
        "/runs/29?open=1",
        "/api/v1/runs/25/verdict",
        "/api/v1/runs/29/verdict",
    ] {
        let request = Request::get(uri).header("host", "127.0.0.1:8080");
        let request = request.body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{uri}");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        let text = String::from_utf8(body.unwrap().to_vec()).unwrap();
        all.push((uri.to_owned(), text));
    }
    all
}

/// What a server says that has just begun.
async fn anew(app: &TestApp) -> Vec<(String, String)> {
    let config = app.state.config.clone();
    let store = Store::open(&config.database, StoreOptions::default());
    let mut state = AppState::new(store.await.unwrap(), (*config).clone());
    state.clock = app.state.clock.clone();
    let all = shown(&web::router(state.clone())).await;
    state.store.close().await;
    all
}

/// After a write, everything is what a server that kept nothing says.
async fn check(app: &TestApp, write: &str) {
    for ((uri, kept), (_, fresh)) in shown(&app.router).await.into_iter().zip(anew(app).await) {
        assert!(
            kept == fresh,
            "{uri} after {write}: kept\n{kept}\nanew\n{fresh}"
        );
    }
}

#[tokio::test]
async fn a_write_that_matters_is_seen_at_once() {
    let app = month().await;
    check(&app, "nothing").await;
    insert(&app, &pull("another", 8, 1000.0)).await;
    check(&app, "a push to another pull request").await;
    insert(&app, &pull("pushed again", 7, 1000.0)).await;
    check(&app, "a push").await;
    insert(&app, &night(0)).await;
    check(&app, "a night").await;
    rejudge(&app).await;
    check(&app, "judging").await;

    let said = Judgement {
        baseline: Some(900.0),
        baseline_runs: 7,
        change: Some(0.4),
        band: Band::Critical,
        evidence: Evidence::Likely,
        noise_floor: Some(0.02),
        detectable_change: Some(0.06),
        accepted_level: Some(900.0),
        creep: Some(0.05),
        inputs: None,
    };
    let store = app.store();
    let verdicts = [(SeriesId(2), said)];
    store.save_judgements(RunId(25), &verdicts).await.unwrap();
    check(&app, "another verdict on a night before").await;

    let alerts = store.alerts(&AlertFilter::default()).await.unwrap();
    let alert = alerts.first().expect("a step opens an alert").id;
    let wish = Wish {
        state: Some(AlertState::Dismissed),
        reason: Some("a test".to_owned()),
        ..Wish::default()
    };
    let change = |alert| act(alert, &wish, "token 9", NOW);
    let changed = store.change_alert(alert, "token 9", NOW, change).await;
    changed.unwrap().unwrap().unwrap();
    check(&app, "an alert was dismissed").await;

    let accepting = Accepting {
        at: NOW,
        who: "token 9",
        reason: "a release",
        tag: None,
    };
    store
        .accept_levels(&[SeriesId(1)], &accepting, NOW)
        .await
        .unwrap();
    check(&app, "a level was accepted").await;
    rejudge(&app).await;
    check(&app, "judging again").await;

    let rules: Patterns = serde_json::from_str(r#"[{"benchmark": "A", "ignored": true}]"#).unwrap();
    store
        .save_rules(0, &rules, "a test", "token 9", NOW)
        .await
        .unwrap();
    check(&app, "other rules").await;

    store
        .set_excluded(RunId(26), Some("a bad night"), "token 9", NOW)
        .await
        .unwrap();
    check(&app, "a night was left out").await;
    rejudge(&app).await;
    check(&app, "judging without it").await;

    let mut described = night(0);
    described.run_key = "described".to_owned();
    described.report_sha256 = [9; 32];
    described.kind = RunKind::Manual;
    described.started_at.0 += 120_000;
    described.environment.name = Some("renamed".to_owned());
    described.environment.facts = vec![("CPU".to_owned(), "another".to_owned())];
    described.measurements[0].floor = Some(5000.0);
    insert(&app, &described).await;
    check(&app, "the machine has another name, a series another floor").await;
}

#[tokio::test]
async fn what_was_said_of_a_run_stays_while_others_come() {
    let app = month().await;
    let store = app.store();
    let (night, push) = (RunId(29), RunId(30));
    let before = (store.stamp(night), store.stamp(push));
    insert(&app, &pull("another", 8, 1000.0)).await;
    store.reserve_run("a live run").await.unwrap();
    assert_eq!((store.stamp(night), store.stamp(push)), before);
    let none: &[(SeriesId, Judgement)] = &[];
    store.save_judgements(push, none).await.unwrap();
    assert_eq!(store.stamp(night), before.0);
    assert_ne!(store.stamp(push), before.1);
    store
        .set_excluded(RunId(3), Some("bad"), "test", NOW)
        .await
        .unwrap();
    assert_ne!(store.stamp(night), before.0);
}
