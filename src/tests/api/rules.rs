//! Rules per pattern: saved as versions, tried on stored nights, used by the gate.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use kvmark::domain::{RunId, Scope};
use kvmark::jobs;
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
