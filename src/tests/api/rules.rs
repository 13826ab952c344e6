//! Rules per pattern: saved as versions, tried on stored nights, used by the gate.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use kvmark::domain::{Millis, RunId, Scope};
use kvmark::{jobs, web};
use serde_json::{Value, json};

use crate::app::{Answer, NOW, TestApp};
use crate::builders::{latency, nightly, with};

/// A quiet month, then steps in A by 30% and in B by 20%, for the last `bad` nights.
async fn stepped(app: &TestApp, bad: i64) -> RunId {
    let mut last = RunId(0);
    for days_ago in (0..40).rev() {
        let noise = 1.0 + 0.004 * ((days_ago * 7919 % 13) as f64 - 6.0) / 6.0;
        let level = |step: f64| noise * if days_ago < bad { step } else { 1.0 };
        let run = nightly(&format!("night {days_ago}"), days_ago);
        let rows = [
            latency("A", 1000.0 * level(1.3)),
            latency("B", 100.0 * level(1.2)),
        ];
        let run = with(run, rows);
        let inserted = app.store().insert_judged(&run, NOW, jobs::judge_run);
        last = inserted.await.unwrap().run_id;
    }
    last
}

async fn put(app: &TestApp, token: &str, body: &Value) -> Answer {
    let request = Request::put("/api/v1/rules")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

async fn verdict(app: &TestApp, run: RunId) -> Value {
    app.get(&format!("/api/v1/runs/{run}/verdict")).await.json()
}

#[tokio::test]
async fn the_gate_goes_by_the_rules_in_force() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Triage, None).await;
    let run = stepped(&app, 2).await;
    let before = verdict(&app, run).await;
    assert_eq!(before["exit_code"], 1);
    for name in ["A latency_p99 cpu=2: ", "B latency_p99 cpu=2: "] {
        let reasons = before["reasons"].to_string();
        assert!(reasons.contains(name), "{reasons}");
    }

    let rules = json!([{"benchmark": "A", "threshold": 0.5}, {"benchmark": "B", "min_effect": 30}]);
    let saved = put(
        &app,
        &token,
        &json!({"version": 0, "rules": rules, "reason": "loud"}),
    )
    .await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    assert_eq!(saved.json()["version"], 1);
    let after = verdict(&app, run).await;
    assert_eq!(after["exit_code"], 0, "{}", after["reasons"]);
    assert_eq!(
        after["counts"]["critical"], 1,
        "what happened is still shown"
    );
    let audit = app.store().audit_of("rules 1").await.unwrap();
    assert_eq!(
        (&*audit[0].action, &*audit[0].detail),
        ("rules.save", "loud")
    );

    let all = json!([{"ignored": true}]);
    put(
        &app,
        &token,
        &json!({"version": 1, "rules": all, "reason": "test"}),
    )
    .await;
    let nothing = verdict(&app, run).await;
    assert_eq!(
        nothing["exit_code"], 4,
        "never green by having compared nothing"
    );
    assert_eq!(
        nothing["reasons"][0],
        "nothing was compared: the rules ignore every series"
    );
}

#[tokio::test]
async fn rules_are_saved_by_who_may_from_the_version_in_force_for_a_reason() {
    let app = TestApp::new().await;
    let triage = app.token(Scope::Triage, None).await;
    let upload = app.token(Scope::Upload, None).await;
    let body = |version: i64, rules: Value, reason: &str| json!({"version": version, "rules": rules, "reason": reason});
    let fine = || json!([{"metric": "latency_*", "threshold": 0.2}]);
    for (token, body, status) in [
        (&upload, body(0, fine(), "why"), StatusCode::FORBIDDEN),
        (
            &triage,
            body(0, fine(), " "),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            &triage,
            body(0, json!([{}]), "why"),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            &triage,
            body(0, json!([{"treshold": 1}]), "why"),
            StatusCode::BAD_REQUEST,
        ),
        (&triage, body(1, fine(), "why"), StatusCode::CONFLICT),
        (&triage, body(0, fine(), "why"), StatusCode::OK),
        (&triage, body(0, fine(), "why"), StatusCode::CONFLICT),
    ] {
        let answer = put(&app, token, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let shown = app.get("/api/v1/rules").await.json();
    assert_eq!(
        (&shown["version"], &shown["rules"][0]["threshold"]),
        (&json!(1), &json!(0.2))
    );
}

#[tokio::test]
async fn a_backtest_counts_what_rules_would_have_raised_and_changes_nothing() {
    let app = TestApp::new().await;
    stepped(&app, 4).await;
    let request =
        Request::post("/api/v1/rules/backtest").header("content-type", "application/json");
    let open = request
        .body(Body::from(json!({"rules": []}).to_string()))
        .unwrap();
    let plain = app.send(open).await.json();
    assert_eq!(plain["sum"]["raised"], 2, "{plain}");
    assert_eq!(plain["sum"], plain["without"]);
    assert_eq!(plain["series"], 2);

    let rules = json!([
        {"metric": "latency_*", "fail_on": "critical"},
        {"benchmark": "A", "threshold": 0.2},
        {"benchmark": "nothing", "ignored": true},
    ]);
    let body = json!({"rules": rules, "days": 60}).to_string();
    let request =
        Request::post("/api/v1/rules/backtest").header("content-type", "application/json");
    let told = app
        .send(request.body(Body::from(body)).unwrap())
        .await
        .json();
    assert_eq!(told["sum"]["raised"], 1, "{told}");
    assert_eq!(told["sum"]["silenced"], 1);
    assert_eq!(told["in_force"]["sum"]["raised"], 2);
    let rule = |at: usize, field: &str| told["rules"][at][field].as_u64().unwrap();
    assert_eq!(
        (rule(0, "names"), rule(0, "decides"), rule(0, "silenced")),
        (2, 1, 1)
    );
    assert_eq!((rule(1, "decides"), rule(1, "raised")), (1, 1));
    assert_eq!(rule(2, "names"), 0);
    assert!(
        told["says"]
            .as_str()
            .unwrap()
            .contains("would have raised 1, of which 0")
    );
    assert_eq!(app.get("/api/v1/rules").await.json()["version"], 0);
}

#[tokio::test]
async fn a_backtest_says_which_of_its_alarms_a_person_dismissed() {
    let mut app = TestApp::new().await;
    let now = Arc::new(AtomicI64::new(NOW.0));
    let clock = now.clone();
    app.state.clock = Arc::new(move || Millis(clock.load(Ordering::Relaxed)));
    app.router = web::router(app.state.clone());
    let token = app.token(Scope::Triage, None).await;
    // A machine that ran hot for a week, which people dismissed; it is over, and then B got worse.
    for days_ago in (0..60).rev() {
        let noise = 1.0 + 0.004 * ((days_ago * 7919 % 13) as f64 - 6.0) / 6.0;
        let hot = if (20..26).contains(&days_ago) {
            1.3
        } else {
            1.0
        };
        let worse = if days_ago < 5 { 1.25 } else { 1.0 };
        let run = nightly(&format!("night {days_ago}"), days_ago);
        let rows = [
            latency("A", 1000.0 * noise * hot),
            latency("B", 100.0 * noise * worse),
        ];
        let run = with(run, rows);
        now.store(run.finished_at.0, Ordering::Relaxed);
        let inserted = app.store().insert_judged(&run, NOW, jobs::judge_run);
        inserted.await.unwrap();
        if days_ago == 22 {
            let body = json!({"state": "dismissed", "reason": "the fan was broken"});
            let request = Request::patch("/api/v1/alerts/1")
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json");
            let answer = app.send(request.body(Body::from(body.to_string())).unwrap());
            assert_eq!(answer.await.status, StatusCode::OK);
        }
    }
    let request =
        Request::post("/api/v1/rules/backtest").header("content-type", "application/json");
    let body = Body::from(json!({"rules": [], "days": 60}).to_string());
    let told = app.send(request.body(body).unwrap()).await.json();
    let sum = &told["sum"];
    assert_eq!(
        (&sum["raised"], &sum["dismissed"]),
        (&json!(2), &json!(1)),
        "{told:#}"
    );
    let says = "would have raised 2, of which 1 was dismissed";
    assert!(told["says"].as_str().unwrap().contains(says), "{told:#}");
    let page = app.get("/rules?version=0&days=60").await;
    assert!(page.text().contains(says), "{}", page.text());
}

#[tokio::test]
async fn the_page_tries_and_saves_without_a_script() {
    let app = TestApp::new().await;
    stepped(&app, 4).await;
    let page = app.get("/rules").await;
    assert!(
        page.text().contains("No series is named by a rule"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("Saving needs a token of scope triage"));

    let form = "version=0&days=60&benchmark.0=A&threshold.0=30&fail_on.0=&note.0=%3Cloud%3E";
    let tried = app.get(&format!("/rules?{form}")).await;
    let text = tried.text();
    assert!(text.contains("these rules would have raised 1"), "{text}");
    assert!(text.contains("silences 1") && text.contains("above 30%, from warning on"));
    assert!(text.contains("&#60;loud&#62;") && !text.contains("<loud>"));
    assert_eq!(app.get("/api/v1/rules").await.json()["version"], 0);

    let token = app.token(Scope::Triage, None).await;
    let save = |body: String| {
        Request::post("/rules")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap()
    };
    let saved = app.send(save(format!("{form}&reason=noise"))).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let rules = app.get("/api/v1/rules").await.json();
    assert_eq!(rules["rules"][0]["threshold"], 0.3);
    let stranger =
        Request::post("/rules").header("content-type", "application/x-www-form-urlencoded");
    let refused = app.send(stranger.body(Body::from(form)).unwrap()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    for wrong in [
        "version=x",
        "version=0&threshold.0=a",
        "nonsense=1",
        "version=0&fail_on.0=bad",
    ] {
        let status = app.get(&format!("/rules?{wrong}")).await.status;
        assert!(status.is_client_error(), "{wrong}: {status}");
    }
}

#[tokio::test]
async fn more_series_than_a_page_holds_are_one_link_away() {
    let app = TestApp::new().await;
    let all = (0..503).map(|n| latency(&format!("B{n:03}"), 1.0));
    let run = with(nightly("large", 0), all);
    let stored = app.store().insert_judged(&run, NOW, jobs::judge_run).await;
    stored.unwrap();
    let listed = async |query: &str| {
        let page = app.get(&format!("/rules?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        let text = page.text();
        (0..503)
            .filter(|n| text.contains(&format!(">B{n:03}<")))
            .count()
    };
    assert_eq!(listed("show=all").await, 500);
    assert_eq!(listed("show=all&page=2").await, 3);
    let first = app.get("/rules?show=all").await;
    assert!(first.text().contains("1 to 500 of 503"), "{}", first.text());
    assert!(first.text().contains("/rules?show=all&#38;page=2#series"));
}
