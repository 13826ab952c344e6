//! How often a run was judged, and by which rules.

use bench_verdict::RULE;
use bench_verdict::verdict::Band;
use kvmark::domain::{Judgement, RunId, Scope};
use kvmark::jobs;
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::app::TestApp;
use crate::builders::report;

async fn verdict(app: &TestApp, run: &Value) -> Value {
    app.get(&format!("/api/v1/runs/{run}/verdict")).await.json()
}

async fn rejudge(app: &TestApp) {
    let stop = CancellationToken::new();
    jobs::rejudge_all(app.store(), &stop).await.unwrap();
}

#[tokio::test]
async fn a_verdict_says_that_something_else_is_said_than_at_first() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let mut tonight = Value::Null;
    for days_ago in (0..12).rev().filter(|days_ago| *days_ago != 3) {
        let night = report(days_ago, &[("A", 1000.0)]);
        tonight = app.upload(&token, &night).await.json();
        assert_eq!(tonight["verdict"]["rejudged"], false, "{tonight:#}");
        assert_eq!(tonight["verdict"]["rule"], RULE);
    }
    let run = &tonight["run_id"];
    // Judged again to the same answer: nothing was said otherwise.
    let same = RunId(run.as_i64().unwrap());
    app.store()
        .set_excluded(same, None, "me", crate::app::NOW)
        .await
        .unwrap();
    rejudge(&app).await;
    assert_eq!(verdict(&app, run).await["rejudged"], false);
    // A night that comes late moves the baseline of those after it, and of none before.
    let late = report(3, &[("A", 1500.0)]);
    assert_eq!(app.upload(&token, &late).await.status, 201);
    rejudge(&app).await;
    let now = verdict(&app, run).await;
    assert_eq!(now["rejudged"], true, "{now:#}");
    assert!(now["series"][0]["baseline"].as_f64() > Some(1000.0));
    assert_eq!(verdict(&app, &Value::from(1)).await["rejudged"], false);
}

#[tokio::test]
async fn a_run_that_waits_to_be_judged_with_others_is_judged_once() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for days_ago in (0..5).rev() {
        let body = report(days_ago, &[("A", 1000.0)]).to_string();
        let request = crate::app::post("/api/v1/runs?judge=later", &token, body);
        assert_eq!(app.send(request).await.status, 201);
    }
    rejudge(&app).await;
    let last = verdict(&app, &Value::from(5)).await;
    assert_eq!(
        (&last["rejudged"], &last["counts"]["none"]),
        (&false.into(), &1.into())
    );
}

#[tokio::test]
async fn what_older_rules_judged_is_judged_again_by_the_next_server() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for days_ago in (0..6).rev() {
        let night = report(days_ago, &[("A", 1000.0)]);
        assert_eq!(app.upload(&token, &night).await.status, 201);
    }
    assert_eq!(app.store().ask_for_older_rules().await.unwrap(), 0);
    let good = verdict(&app, &Value::from(6)).await;
    // As a server with other rules would have left it.
    let judged = app.store().judged_run(RunId(6)).await.unwrap().unwrap();
    let other = Judgement {
        band: Band::Warning,
        change: Some(0.15),
        ..judged.rows[0].judgement
    };
    let series = judged.rows[0].series.id;
    let changed = [(series, other)];
    let saved = app.store().save_judgements(RunId(6), &changed).await;
    saved.unwrap();
    let file = app.state.config.database.to_str().unwrap();
    let mut other = SqliteConnection::connect(file).await.unwrap();
    for sql in [
        "update run set rule = '1' where run_id = 6",
        "update run set rule = null where run_id = 5",
    ] {
        sqlx::query(sql).execute(&mut other).await.unwrap();
    }
    other.close().await.unwrap();
    app.store().notice_other_writers().await.unwrap();
    let old = verdict(&app, &Value::from(6)).await;
    assert_eq!(old["rule"], "1");
    assert_ne!(old["counts"], good["counts"]);
    assert_eq!(verdict(&app, &Value::from(5)).await["rule"], "unknown");

    assert_eq!(app.store().ask_for_older_rules().await.unwrap(), 1);
    rejudge(&app).await;
    let again = verdict(&app, &Value::from(6)).await;
    assert_eq!(
        (&again["rule"], &again["rejudged"]),
        (&RULE.into(), &true.into())
    );
    assert_eq!(again["counts"], good["counts"]);
    assert_eq!(verdict(&app, &Value::from(5)).await["rule"], RULE);
    assert_eq!(app.store().ask_for_older_rules().await.unwrap(), 0);
}
