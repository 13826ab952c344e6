//! Alerts in the store, whichever way the runs came in.

use kvmark::analysis::alerts::act::{Refused, Wish, act};
use kvmark::domain::alert::{Alert, AlertState, By, Confirmation, Outcome, PairVerdict};
use kvmark::domain::confirmation::{NewConfirmation, Purpose};
use kvmark::domain::{AlertId, RunId, SeriesId};
use kvmark::jobs;
use kvmark::store::{AlertFilter, Verdicts};
use tokio_util::sync::CancellationToken;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use kvmark::domain::Scope;
use serde_json::{Value, json};

use crate::app::{Answer, NOW, TestApp, post};
use crate::builders::{latency, nightly, with};

/// A quiet month, then a step of a quarter that stays for `bad` nights.
fn value(days_ago: i64, bad: std::ops::Range<i64>) -> f64 {
    let noise = 1.0 + 0.004 * ((days_ago * 7919 % 13) as f64 - 6.0) / 6.0;
    noise
        * if bad.contains(&days_ago) {
            1250.0
        } else {
            1000.0
        }
}

async fn upload(app: &TestApp, days_ago: i64, bad: std::ops::Range<i64>) -> RunId {
    let run = nightly(&format!("night {days_ago}"), days_ago);
    let other = 0.5 * value(days_ago, bad.clone());
    let run = with(
        run,
        [latency("A", value(days_ago, bad)), latency("B", other)],
    );
    let inserted = app.store().insert_judged(&run, NOW, jobs::judge_run).await;
    inserted.unwrap().run_id
}

async fn rejudge(app: &TestApp) {
    let stop = CancellationToken::new();
    jobs::rejudge_all(app.store(), &stop).await.unwrap();
    assert_eq!(app.store().rejudge_count().await.unwrap(), 0);
}

async fn alerts(app: &TestApp) -> Vec<Alert> {
    app.store().alerts(&AlertFilter::default()).await.unwrap()
}

async fn say(app: &TestApp, id: AlertId, wish: Wish) -> Alert {
    let change = |alert| act(alert, &wish, "token 9", NOW);
    let changed = app.store().change_alert(id, "token 9", NOW, change).await;
    changed.unwrap().unwrap().unwrap()
}

/// What is the same whichever way the runs came in.
fn bare(mut alert: Alert) -> Alert {
    alert.version = 0;
    alert.first_bad.run = RunId(0);
    if let Some(night) = &mut alert.last_good {
        night.run = RunId(0);
    }
    for series in &mut alert.series {
        series.since.run = RunId(0);
        if let Some(night) = &mut series.last_good {
            night.run = RunId(0);
        }
    }
    alert
}

#[tokio::test]
async fn a_step_opens_one_alert_that_closes_when_it_is_fixed() {
    let app = TestApp::new().await;
    let mut states = Vec::new();
    for days_ago in (0..45).rev() {
        upload(&app, days_ago, 5..15).await;
        states.push(alerts(&app).await.first().map(|alert| alert.state));
    }
    assert_eq!(states[29], None);
    assert_eq!(states[33], Some(AlertState::Open));
    assert_eq!(states[39], Some(AlertState::Open));
    assert_eq!(states[44], Some(AlertState::Resolved));
    let all = alerts(&app).await;
    assert_eq!((all.len(), all[0].series.len()), (1, 2));
    assert_eq!(app.store().rejudge_count().await.unwrap(), 0);
}

#[tokio::test]
async fn runs_that_come_late_leave_the_same_alerts_as_runs_in_order() {
    let (ordered, mixed) = (TestApp::new().await, TestApp::new().await);
    for days_ago in (0..40).rev() {
        upload(&ordered, days_ago, 0..9).await;
    }
    let late = [38, 20, 9, 8, 6, 1];
    let in_time = (0..40).rev().filter(|days| !late.contains(days));
    for days_ago in in_time.chain(late) {
        upload(&mixed, days_ago, 0..9).await;
    }
    rejudge(&mixed).await;
    let all = |alerts: Vec<Alert>| -> Vec<Alert> {
        alerts
            .into_iter()
            .filter(Alert::is_active)
            .map(bare)
            .collect()
    };
    let mut other = all(alerts(&mixed).await);
    let expected = all(alerts(&ordered).await);
    assert_eq!(expected.len(), 1);
    // Its number says in which order causes became known.
    other[0].id = expected[0].id;
    assert_eq!(expected, other);
}

#[tokio::test]
async fn judging_all_again_changes_nothing_and_keeps_what_people_said() {
    let app = TestApp::new().await;
    for days_ago in (1..40).rev() {
        upload(&app, days_ago, 0..9).await;
    }
    let id = alerts(&app).await[0].id;
    let wish = Wish {
        state: Some(AlertState::Acknowledged),
        owner: Some("a.k.".to_owned()),
        note: Some("lock order in the removal path".to_owned()),
        ..Wish::default()
    };
    say(&app, id, wish).await;
    upload(&app, 0, 0..9).await;
    let before = alerts(&app).await;
    assert_eq!(before[0].state, AlertState::Acknowledged);
    for epoch in app.store().epochs().await.unwrap() {
        let verdicts = jobs::judge_epoch(app.store(), &epoch).await.unwrap();
        let step = verdicts.alerts.clone().unwrap();
        assert!(!step.news.is_empty());
        let changed = app.store().alerts_of_step(&epoch, &step).await.unwrap();
        assert!(changed.is_empty(), "{changed:?}");
        app.store()
            .finish_rejudge(&epoch, &[], &verdicts)
            .await
            .unwrap();
    }
    assert_eq!(alerts(&app).await, before);
    let audit = app.store().audit_of(&format!("alert {id}")).await.unwrap();
    let actions: Vec<&str> = audit.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(audit.len(), 3, "{actions:?}");
    assert!(actions.contains(&"alert.acknowledged"), "{actions:?}");
}

#[tokio::test]
async fn nights_that_are_taken_out_take_their_alert_back_and_bring_it_again() {
    let app = TestApp::new().await;
    let mut bad = Vec::new();
    for days_ago in (0..40).rev() {
        let run = upload(&app, days_ago, 0..3).await;
        if days_ago < 3 {
            bad.push(run);
        }
    }
    assert_eq!(alerts(&app).await[0].state, AlertState::Open);
    let exclude = async |reason: Option<&'static str>| {
        for run in &bad {
            app.store()
                .set_excluded(*run, reason, "token 1", NOW)
                .await
                .unwrap();
        }
    };
    exclude(Some("fan")).await;
    rejudge(&app).await;
    assert_eq!(alerts(&app).await[0].state, AlertState::Retracted);
    exclude(None).await;
    rejudge(&app).await;
    let all = alerts(&app).await;
    assert_eq!((all.len(), all[0].state), (1, AlertState::Open));
}

#[tokio::test]
async fn an_accepted_alert_accepts_the_levels_of_its_series() {
    let app = TestApp::new().await;
    for days_ago in (0..40).rev() {
        upload(&app, days_ago, 0..9).await;
    }
    let id = alerts(&app).await[0].id;
    let wish = Wish {
        state: Some(AlertState::Accepted),
        reason: Some("the price of persistence".to_owned()),
        ..Wish::default()
    };
    let alert = say(&app, id, wish).await;
    assert_eq!(alert.state, AlertState::Accepted);
    let levels = app.store().accepted_levels(SeriesId(1)).await.unwrap();
    assert_eq!((levels.len(), levels[0].at), (1, NOW));
    rejudge(&app).await;
    let alert = app.store().alert(id).await.unwrap().unwrap();
    assert_eq!(alert.state, AlertState::Accepted);
    assert_eq!(alert.open_series().count(), 0);
    assert_eq!(alert.reason(), Some("the price of persistence"));
}

#[tokio::test]
async fn two_people_cannot_overwrite_each_other() {
    let app = TestApp::new().await;
    for days_ago in (0..40).rev() {
        upload(&app, days_ago, 0..9).await;
    }
    let alert = alerts(&app).await.remove(0);
    let wish = |state| Wish {
        version: Some(alert.version),
        state: Some(state),
        reason: Some("noise".to_owned()),
        ..Wish::default()
    };
    say(&app, alert.id, wish(AlertState::Acknowledged)).await;
    let late = wish(AlertState::Dismissed);
    let change = |alert| act(alert, &late, "token 2", NOW);
    let refused = app
        .store()
        .change_alert(alert.id, "token 2", NOW, change)
        .await;
    let refused = refused.unwrap().unwrap().unwrap_err();
    assert!(matches!(refused, Refused::Changed { .. }), "{refused}");
    let now = app.store().alert(alert.id).await.unwrap().unwrap();
    assert_eq!(now.state, AlertState::Acknowledged);
}

#[tokio::test]
async fn pairs_open_an_alert_the_same_night_and_a_replay_says_the_same() {
    let app = TestApp::new().await;
    let mut tonight = RunId(0);
    for days_ago in (0..40).rev() {
        tonight = upload(&app, days_ago, 0..1).await;
    }
    assert!(alerts(&app).await.is_empty());
    let pair = |series| PairVerdict {
        series: SeriesId(series),
        confirmation: Confirmation {
            pairs: 4,
            log_ratio: 0.22,
            deviation: 0.01,
            error: 0.005,
            outcome: Outcome::Confirmed,
        },
        is_worse: true,
        against_commit: "ab".repeat(20),
    };
    let pairs = [pair(1), pair(2)];
    let new = NewConfirmation {
        pair_key: "a pair".to_owned(),
        purpose: Purpose::Confirm,
        planted: None,
        base_commit: "ab".repeat(20),
        head_commit: String::new(),
        series: Vec::new(),
        body: Vec::new(),
        sha256: [0; 32],
    };
    let stored = app
        .store()
        .insert_confirmation(tonight, &new, (&[], &pairs), NOW, |_| Verdicts::later())
        .await;
    assert_eq!(stored.unwrap(), kvmark::store::Outcome::New);
    rejudge(&app).await;
    let live = alerts(&app).await;
    assert_eq!((live.len(), live[0].series.len()), (1, 2));
    assert_eq!(live[0].series[0].by, By::Pairs);
    assert_eq!(app.store().pair_verdicts(tonight).await.unwrap(), pairs);
    for epoch in app.store().epochs().await.unwrap() {
        let verdicts = jobs::judge_epoch(app.store(), &epoch).await.unwrap();
        let step = verdicts.alerts.clone().unwrap();
        let changed = app.store().alerts_of_step(&epoch, &step).await.unwrap();
        assert!(changed.is_empty(), "{changed:?}");
    }
}

/// A server with an open alert, and a token that may handle it.
async fn with_alert() -> (TestApp, String) {
    let app = TestApp::new().await;
    for days_ago in (0..40).rev() {
        upload(&app, days_ago, 0..9).await;
    }
    let token = app.token(Scope::Triage, None).await;
    (app, token)
}

pub(crate) async fn patch(app: &TestApp, uri: &str, token: &str, body: &Value) -> Answer {
    let request = Request::patch(uri)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    app.send(request).await
}

#[tokio::test]
async fn an_open_alert_fails_the_gate_against_its_frozen_baseline() {
    let app = TestApp::new().await;
    let mut tonight = RunId(0);
    for days_ago in (0..60).rev() {
        tonight = upload(&app, days_ago, 0..25).await;
    }
    let verdict = app
        .get(&format!("/api/v1/runs/{tonight}/verdict"))
        .await
        .json();
    let series = &verdict["series"][0];
    // The rolling baseline has caught up long ago.
    assert_eq!(series["band"], "none");
    assert_eq!(
        (&verdict["status"], &verdict["exit_code"]),
        (&json!("fail"), &json!(1))
    );
    assert_eq!(series["alert_id"], 1);
    assert!((series["frozen_baseline"].as_f64().unwrap() - 1000.0).abs() < 10.0);
    assert!((series["frozen_change"].as_f64().unwrap() - 0.25).abs() < 0.02);
    assert!(series["accepted_level"].as_f64().unwrap() > 1200.0);
    let reason = verdict["reasons"][0].as_str().unwrap();
    assert!(
        reason.contains("against the level before alert 1"),
        "{reason}"
    );
    let row = &app.get(&format!("/api/v1/runs/{tonight}")).await.json()["series"][0];
    assert_eq!(row["alert_id"], 1);
    // A night before it was confirmed knew nothing of it.
    let before = app.get("/api/v1/runs/35/verdict").await.json();
    assert_eq!(before["series"][0].get("alert_id"), None);
}

#[tokio::test]
async fn alerts_are_listed_by_state_machine_and_series() {
    let (app, _) = with_alert().await;
    let count = async |query: &str| {
        let answer = app.get(&format!("/api/v1/alerts{query}")).await;
        answer.json()["alerts"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count("").await, 1);
    assert_eq!(
        count("?state=open,acknowledged&environment=1&series=2").await,
        1
    );
    assert_eq!(count("?state=resolved").await, 0);
    assert_eq!(count("?environment=2").await, 0);
    assert_eq!(count("?series=99").await, 0);
    let answer = app.get("/api/v1/alerts?state=shut").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.text().contains("is no state of an alert"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn an_alert_tells_its_suspects_its_series_and_its_life() {
    let (app, _) = with_alert().await;
    let alert = app.get("/api/v1/alerts/1").await.json();
    assert_eq!(alert["state"], "open");
    assert_eq!(
        alert["allowed"],
        json!(["acknowledged", "accepted", "dismissed"])
    );
    assert_eq!(
        (&alert["first_bad"]["run_id"], &alert["last_good"]["run_id"]),
        (&json!(32), &json!(31))
    );
    assert_eq!(alert["series"].as_array().unwrap().len(), 2);
    assert_eq!(alert["series"][0]["confirmed_by"], "nights");
    assert!(alert["series"][0]["limit"].as_f64() > alert["series"][0]["frozen_baseline"].as_f64());
    assert_eq!(alert["events"].as_array().unwrap().len(), 2);
    assert_eq!(
        app.get("/api/v1/alerts/9").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn people_change_an_alert_and_a_stale_change_is_refused() {
    let (app, token) = with_alert().await;
    let version = &app.get("/api/v1/alerts/1").await.json()["version"];
    let take =
        json!({"version": version, "state": "acknowledged", "owner": "a.k.", "note": "looking"});
    let taken = patch(&app, "/api/v1/alerts/1", &token, &take).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
    assert_eq!(
        (&taken.json()["state"], &taken.json()["owner"]),
        (&json!("acknowledged"), &json!("a.k."))
    );
    let stale = patch(&app, "/api/v1/alerts/1", &token, &take).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let wrong = patch(
        &app,
        "/api/v1/alerts/1",
        &token,
        &json!({"state": "resolved"}),
    )
    .await;
    assert_eq!(wrong.status, StatusCode::CONFLICT);
    assert!(
        wrong
            .text()
            .contains("it may become open, accepted, dismissed"),
        "{}",
        wrong.text()
    );
    let why = patch(
        &app,
        "/api/v1/alerts/1",
        &token,
        &json!({"state": "dismissed"}),
    )
    .await;
    assert_eq!(why.status, StatusCode::UNPROCESSABLE_ENTITY);
    let nobody = patch(&app, "/api/v1/alerts/1", &token, &json!({"owner": null})).await;
    assert_eq!(nobody.json()["owner"], Value::Null);
    let upload = app.token(Scope::Upload, None).await;
    let forbidden = patch(&app, "/api/v1/alerts/1", &upload, &take).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_dismissed_alert_no_longer_fails_the_gate() {
    let (app, token) = with_alert().await;
    let gate = async || app.get("/api/v1/runs/40/verdict").await.json()["reasons"].to_string();
    assert!(gate().await.contains("alert 1"));
    let dismiss = json!({"state": "dismissed", "reason": "fan broken"});
    patch(&app, "/api/v1/alerts/1", &token, &dismiss).await;
    assert!(!gate().await.contains("alert 1"));
}

#[tokio::test]
async fn levels_are_accepted_by_name_and_close_the_alert() {
    let (app, token) = with_alert().await;
    let accept = async |body: Value| {
        app.send(post("/api/v1/levels", &token, body.to_string()))
            .await
    };
    let none = accept(json!({"series": "Nothing*", "reason": "x"})).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    let both = accept(json!({"series": "*", "release": "v1", "reason": "x"})).await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST);
    let silent = accept(json!({"series": "*", "reason": " "})).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done =
        accept(json!({"series": "? latency_p99 *", "reason": "the price of persistence"})).await;
    assert_eq!(done.json()["accepted"], 2, "{}", done.text());
    rejudge(&app).await;
    let alert = app.get("/api/v1/alerts/1").await.json();
    assert_eq!(alert["state"], "accepted");
    assert_eq!(alert["series"][0]["ended"], "accepted");
}

#[tokio::test]
async fn a_release_is_accepted_from_its_night_on() {
    let app = TestApp::new().await;
    for days_ago in (0..40).rev() {
        let mut run = nightly(&format!("night {days_ago}"), days_ago);
        run.revision.tag = (days_ago == 20).then(|| "v1.2.0".to_owned());
        // A tenth of a percent a night: too slow to be a step.
        let crept = 1000.0 * 1.001_f64.powi(i32::try_from(40 - days_ago).unwrap());
        let run = with(run, [latency("A", crept * value(days_ago, 0..0) / 1000.0)]);
        app.store()
            .insert_judged(&run, NOW, jobs::judge_run)
            .await
            .unwrap();
    }
    let token = app.token(Scope::Triage, None).await;
    let level = async || {
        let verdict = app.get("/api/v1/runs/40/verdict").await.json();
        verdict["series"][0]["accepted_level"].as_f64().unwrap()
    };
    let before = level().await;
    let unknown = json!({"release": "v9", "reason": "x"}).to_string();
    let unknown = app.send(post("/api/v1/levels", &token, unknown)).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    let accept = json!({"release": "v1.2.0", "reason": "released"}).to_string();
    let done = app.send(post("/api/v1/levels", &token, accept)).await;
    assert_eq!(done.json()["accepted"], 1, "{}", done.text());
    rejudge(&app).await;
    assert!(level().await > before * 1.01, "{} {before}", level().await);
}

#[tokio::test]
async fn annotations_are_kept_for_a_run_a_series_or_all() {
    let (app, token) = with_alert().await;
    let add = async |body: Value| {
        app.send(post("/api/v1/annotations", &token, body.to_string()))
            .await
    };
    let of_run = add(json!({"run_id": 40, "series_id": 1, "text": "new kernel"})).await;
    assert_eq!(of_run.status, StatusCode::CREATED, "{}", of_run.text());
    assert_eq!(of_run.json()["at"], "2026-03-01T06:00:00Z");
    add(json!({"at": "2026-02-20T00:00:00Z", "text": "moved to another rack"})).await;
    for bad in [
        json!({"text": " "}),
        json!({"text": "x", "run_id": 99}),
        json!({"text": "x", "series_id": 99}),
    ] {
        assert_eq!(
            add(bad.clone()).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{bad}"
        );
    }
    let texts = async |query: &str| {
        let all = app.get(&format!("/api/v1/annotations{query}")).await.json();
        let all = all["annotations"].as_array().unwrap().clone();
        all.iter()
            .map(|one| one["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts("").await, ["moved to another rack", "new kernel"]);
    assert_eq!(texts("?series=2").await, ["moved to another rack"]);
    assert_eq!(texts("?from=2026-02-25").await, ["new kernel"]);
}
