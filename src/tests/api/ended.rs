//! Alerts whose epoch ends: they say so, keep the gate from being green, and are carried on or
//! resolved over a bridge.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use kvmark::analysis::published::published;
use kvmark::domain::{Millis, RunKind, Scope};
use kvmark::store::Outcome;
use kvmark::{ingest, jobs};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::app::{NOW, TestApp, post};
use crate::builders::report;
use crate::pages::Page;

/// How a new epoch begins.
#[derive(Clone, Copy)]
enum Change {
    Machine,
    Suite,
}

/// The new epoch's first night, in days before now.
const BEGUN: i64 = 9;
/// How many times larger the new epoch reads the same code.
const FACTOR: f64 = 2.0;

fn noise(days_ago: i64) -> f64 {
    1.0 + 0.004 * ((days_ago * 7919 % 13) as f64 - 6.0) / 6.0
}

/// A night of the code that is `level` on the old epoch.
fn night(change: Change, days_ago: i64, level: f64) -> Value {
    let is_new = days_ago <= BEGUN;
    let factor = if is_new { FACTOR } else { 1.0 };
    let value = level * factor * noise(days_ago);
    let mut report = report(days_ago, &[("A", value), ("B", 3.0 * value)]);
    if is_new {
        match change {
            Change::Machine => report["environment"]["cpu_model"] = json!("the new one"),
            Change::Suite => report["suite"]["version"] = json!("2"),
        }
    }
    report
}

struct Server {
    app: TestApp,
    token: String,
    change: Change,
}

impl Server {
    /// A month at 1000, then 1250 until the old epoch's end: an open alert.
    async fn with_open_alert(change: Change) -> Self {
        let app = TestApp::new().await;
        let token = app.token(Scope::Upload, None).await;
        let server = Self { app, token, change };
        for days_ago in (BEGUN + 1..50).rev() {
            let level = if days_ago > BEGUN + 8 { 1000.0 } else { 1250.0 };
            server.night(days_ago, level).await;
        }
        assert_eq!(server.alert().await["state"], "open");
        server
    }

    async fn night(&self, days_ago: i64, level: f64) -> Value {
        self.upload(&night(self.change, days_ago, level)).await
    }

    /// Stores a report as an upload does, and stops before anything else: what a server leaves that
    /// is killed at that moment.
    async fn store_alone(&self, report: &Value) {
        let bytes = report.to_string().into_bytes();
        let new = ingest::read(bytes, NOW.timestamp(), published).unwrap();
        let stored = self.app.store().insert_judged(&new, NOW, jobs::judge_run);
        assert_eq!(stored.await.unwrap().outcome, Outcome::New);
    }

    /// What a server does first when it starts.
    async fn start(&self) {
        let stop = CancellationToken::new();
        jobs::rejudge_all(self.app.store(), &stop).await.unwrap();
    }

    async fn upload(&self, report: &Value) -> Value {
        let answer = self.app.upload(&self.token, report).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    /// The old epoch's last revision, measured in the new one `days_ago`; returns the run.
    async fn bridge(&self, days_ago: i64, value: f64) -> i64 {
        let run = self.bridging(days_ago, value);
        self.upload(&run).await["run_id"].as_i64().unwrap()
    }

    fn bridging(&self, days_ago: i64, value: f64) -> Value {
        let mut run = night(self.change, days_ago, 0.0);
        run["run_key"] = json!(uuid::Uuid::new_v4().to_string());
        run["kind"] = json!("ab");
        let night: jiff::Timestamp = run["started_at"].as_str().unwrap().parse().unwrap();
        for (field, minutes) in [("started_at", 60), ("finished_at", 90)] {
            let at = night + jiff::SignedDuration::from_mins(minutes);
            run[field] = json!(at.to_string());
        }
        run["revision"]["commit"] = report(BEGUN + 1, &[])["revision"]["commit"].clone();
        for (at, factor) in [(0, 1.0), (1, 3.0)] {
            let samples: Vec<f64> = (0..6).map(|_| factor * value * noise(BEGUN + 1)).collect();
            run["benchmarks"][at]["metrics"][0]["samples"] = json!(samples);
        }
        run["pair"] = json!({
            "pair_key": uuid::Uuid::new_v4().to_string(), "side": "base",
            "rounds": [0, 1, 2, 3, 4, 5], "purpose": "bridge",
        });
        run
    }

    async fn alert(&self) -> Value {
        let answer = self.app.get("/api/v1/alerts/1").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    /// Everything that is said is what the whole histories say.
    async fn nothing_is_left_to_rebuild(&self) {
        let store = self.app.store();
        for epoch in store.epochs().await.unwrap() {
            let verdicts = jobs::judge_epoch(store, &epoch).await.unwrap();
            assert_eq!(verdicts.changes, []);
            let step = verdicts.alerts.unwrap();
            let changed = store.alerts_of_step(&epoch, &step).await.unwrap();
            assert_eq!(changed, []);
        }
    }
}

fn reasons(uploaded: &Value) -> String {
    uploaded["verdict"]["reasons"].to_string()
}

#[tokio::test]
async fn an_alert_of_an_ended_epoch_says_so_and_is_not_green() {
    for change in [Change::Machine, Change::Suite] {
        let server = Server::with_open_alert(change).await;
        assert!(server.alert().await["epoch_end"].is_null());
        let mut newest = Value::Null;
        for days_ago in (4..=BEGUN).rev() {
            newest = server.night(days_ago, 1250.0).await;
        }
        assert_eq!(newest["verdict"]["exit_code"], 3, "{newest:#}");
        let says = "alert 1 is open and its epoch ended on 2026-";
        assert!(reasons(&newest).contains(says), "{}", reasons(&newest));
        let alert = server.alert().await;
        let end = &alert["epoch_end"];
        let last = report(BEGUN + 1, &[])["started_at"].clone();
        assert_eq!(
            (&end["last_night"], &alert["state"]),
            (&last, &json!("open"))
        );
        assert!(alert["series"][0]["bridge"].is_null());
        let page = Page::get(&server.app, "/alerts/1").await;
        page.says("Its epoch has ended");
        page.says("its series are measured no more");
        page.says("its epoch has ended: it does not close by itself");
        assert_eq!(page.count("closes by itself"), 0);
        page.says("bench-runner bridge --environment bench-1 --server http");
        Page::get(&server.app, "/alerts").await.says("epoch ended");
        server.nothing_is_left_to_rebuild().await;
    }
}

#[tokio::test]
async fn a_bridge_carries_an_alert_on_by_its_factor_until_it_is_fixed() {
    for change in [Change::Machine, Change::Suite] {
        let server = Server::with_open_alert(change).await;
        for days_ago in (7..=BEGUN).rev() {
            server.night(days_ago, 1250.0).await;
        }
        let run = server.bridge(7, 1250.0 * FACTOR).await;
        let alert = server.alert().await;
        for series in alert["series"].as_array().unwrap() {
            let bridge = &series["bridge"];
            assert_eq!(bridge["run_id"], run, "{alert:#}");
            let number = |value: &Value| value.as_f64().unwrap();
            assert!(
                (number(&bridge["factor"]) - FACTOR).abs() < 1e-9,
                "{alert:#}"
            );
            let carried = number(&bridge["frozen_baseline"]) / number(&series["frozen_baseline"]);
            assert!((carried - FACTOR).abs() < 1e-9, "{alert:#}");
        }
        let events = alert["events"].as_array().unwrap();
        assert_eq!(events.last().unwrap()["what"], "bridged", "{alert:#}");
        let worse = server.night(6, 1250.0).await;
        assert_eq!(worse["verdict"]["exit_code"], 1, "{worse:#}");
        assert!(reasons(&worse).contains("against the level before alert 1"));
        assert!(!reasons(&worse).contains("its epoch ended"));
        let page = Page::get(&server.app, "/alerts/1").await;
        page.says("a bridge carries it on");
        page.says("the same code, ");
        page.says("read 2.00\u{d7} there");
        server.nothing_is_left_to_rebuild().await;

        // Fixed: the third good night ends it, and its own answer says so already.
        server.night(5, 1000.0).await;
        assert_eq!(server.alert().await["state"], "open");
        server.night(4, 1000.0).await;
        let good = server.night(3, 1000.0).await;
        let alert = server.alert().await;
        assert_eq!(alert["state"], "resolved", "{alert:#}");
        assert_eq!(alert["series"][0]["ended"], "recovered");
        assert!(!reasons(&good).contains("alert 1"), "{}", reasons(&good));
        server.nothing_is_left_to_rebuild().await;
    }
}

#[tokio::test]
async fn what_was_fixed_before_the_bridge_came_is_resolved_by_it() {
    let server = Server::with_open_alert(Change::Machine).await;
    for days_ago in (3..=BEGUN).rev() {
        server.night(days_ago, 1000.0).await;
    }
    assert_eq!(server.alert().await["state"], "open");
    let run = server.bridge(3, 1250.0 * FACTOR).await;
    assert_eq!(server.alert().await["state"], "resolved");
    assert_eq!(server.night(2, 1000.0).await["verdict"]["exit_code"], 0);
    server.nothing_is_left_to_rebuild().await;
    // It is kept for as long as the alert.
    let old = server
        .app
        .store()
        .prunable(RunKind::Ab, Millis(i64::MAX))
        .await;
    assert_eq!(old.unwrap(), []);

    // A bridge that a person takes out bridges nothing.
    let token = server.app.token(Scope::Triage, None).await;
    let request = Request::patch(format!("/api/v1/runs/{run}"))
        .header("host", "127.0.0.1")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let body = json!({"excluded": true, "reason": "a fan had failed"}).to_string();
    let answer = server
        .app
        .send(request.body(Body::from(body)).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let stop = CancellationToken::new();
    jobs::rejudge_all(server.app.store(), &stop).await.unwrap();
    let alert = server.alert().await;
    assert_eq!(alert["state"], "open", "{alert:#}");
    assert!(alert["series"][0]["bridge"].is_null());
    server.nothing_is_left_to_rebuild().await;
}

#[tokio::test]
async fn what_a_person_closed_no_bridge_opens_or_ends() {
    let server = Server::with_open_alert(Change::Machine).await;
    for days_ago in (5..=BEGUN).rev() {
        server.night(days_ago, 1250.0).await;
    }
    let token = server.app.token(Scope::Triage, None).await;
    let body = json!({"state": "dismissed", "reason": "the old machine was broken"});
    let mut request = post("/api/v1/alerts/1", &token, body.to_string());
    *request.method_mut() = axum::http::Method::PATCH;
    let answer = server.app.send(request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let night = server.night(4, 1250.0).await;
    assert!(!reasons(&night).contains("alert 1"), "{}", reasons(&night));
    server.bridge(4, 1250.0 * FACTOR).await;
    let night = server.night(3, 1250.0).await;
    assert_eq!(night["verdict"]["exit_code"], 0, "{night:#}");
    assert_eq!(server.alert().await["state"], "dismissed");
    server.nothing_is_left_to_rebuild().await;
}

#[tokio::test]
async fn machines_of_one_name_that_take_turns_end_no_epoch() {
    let server = Server::with_open_alert(Change::Machine).await;
    // The other machine has been there all along.
    let other = |days_ago: i64| {
        let mut other = night(Change::Machine, days_ago, 1000.0);
        other["environment"]["cpu_model"] = json!("the other one");
        other
    };
    server.upload(&other(40)).await;
    for days_ago in [BEGUN, BEGUN - 1] {
        server.upload(&other(days_ago)).await;
        assert!(server.alert().await["epoch_end"].is_null());
    }
    // Three nights without it are an end.
    server.upload(&other(BEGUN - 2)).await;
    assert!(!server.alert().await["epoch_end"].is_null());
}

#[tokio::test]
async fn what_a_killed_server_stored_and_did_not_carry_on_is_carried_on_by_the_next() {
    for change in [Change::Machine, Change::Suite] {
        let server = Server::with_open_alert(change).await;
        for days_ago in (7..=BEGUN).rev() {
            server.night(days_ago, 1250.0).await;
        }
        // A bridging run is stored, and nothing more.
        server
            .store_alone(&server.bridging(7, 1250.0 * FACTOR))
            .await;
        assert!(server.alert().await["series"][0]["bridge"].is_null());
        assert_eq!(server.app.store().beside_waiting().await.unwrap().len(), 1);
        server.start().await;
        let alert = server.alert().await;
        assert!(alert["series"][0]["bridge"].is_object(), "{alert:#}");
        assert_eq!(server.app.store().beside_waiting().await.unwrap(), []);
        server.nothing_is_left_to_rebuild().await;

        // So is the night that ends it: two of the last three are back.
        server.night(6, 1000.0).await;
        server.store_alone(&night(change, 5, 1000.0)).await;
        assert_eq!(server.alert().await["state"], "open");
        server.start().await;
        let alert = server.alert().await;
        assert_eq!(alert["state"], "resolved", "{alert:#}");
        assert_eq!(server.app.store().beside_waiting().await.unwrap(), []);
        server.nothing_is_left_to_rebuild().await;
    }
}

#[tokio::test]
async fn verdicts_that_change_beside_an_ended_epoch_are_not_forgotten_either() {
    let server = Server::with_open_alert(Change::Machine).await;
    for days_ago in (6..=BEGUN).rev() {
        server.night(days_ago, 1250.0).await;
    }
    let bridge = server.bridge(6, 1250.0 * FACTOR).await;
    assert!(server.alert().await["series"][0]["bridge"].is_object());
    // Taken out, judged again, and stopped before the alerts were looked at.
    let store = server.app.store();
    let run = kvmark::domain::RunId(bridge);
    store
        .set_excluded(run, Some("a fan had failed"), "me", NOW)
        .await
        .unwrap();
    while let Some((epoch, asked)) = store.next_rejudge().await.unwrap() {
        let verdicts = jobs::judge_epoch(store, &epoch).await.unwrap();
        store
            .finish_rejudge(&epoch, &asked, &verdicts)
            .await
            .unwrap();
    }
    assert!(server.alert().await["series"][0]["bridge"].is_object());
    server.start().await;
    assert!(server.alert().await["series"][0]["bridge"].is_null());
    server.nothing_is_left_to_rebuild().await;
}

#[tokio::test]
async fn a_machine_that_nobody_named_is_bridged_by_a_run_of_what_it_was() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let (change, nameless) = (Change::Machine, |mut report: Value| {
        report["environment"]["name"] = Value::Null;
        report
    });
    let server = Server { app, token, change };
    let mut last = 0;
    for days_ago in (BEGUN + 1..50).rev() {
        let level = if days_ago > BEGUN + 8 { 1000.0 } else { 1250.0 };
        let report = nameless(night(change, days_ago, level));
        last = server.upload(&report).await["run_id"].as_i64().unwrap();
    }
    assert_eq!(server.alert().await["state"], "open");
    for days_ago in (7..=BEGUN).rev() {
        server
            .upload(&nameless(night(change, days_ago, 1250.0)))
            .await;
    }
    // Two machines of different names: nothing says that one became the other.
    let names = |machines: Vec<kvmark::domain::Environment>| {
        let names = machines.into_iter().map(|machine| machine.name);
        names.collect::<std::collections::BTreeSet<String>>()
    };
    let store = server.app.store();
    assert_eq!(names(store.environments().await.unwrap()).len(), 2);
    let mut bridging = nameless(server.bridging(7, 1250.0 * FACTOR));
    bridging["pair"]["against_run"] = json!(last);
    server.upload(&bridging).await;
    assert_eq!(names(store.environments().await.unwrap()).len(), 1);
    let alert = server.alert().await;
    assert!(alert["series"][0]["bridge"].is_object(), "{alert:#}");
    let worse = server.upload(&nameless(night(change, 6, 1250.0))).await;
    assert!(reasons(&worse).contains("against the level before alert 1"));
    server.nothing_is_left_to_rebuild().await;

    // It becomes a third one: all that it was goes by one name still.
    let third = |mut report: Value| {
        report["environment"]["cpu_model"] = json!("the third one");
        nameless(report)
    };
    server.upload(&third(night(change, 5, 1250.0))).await;
    assert_eq!(names(store.environments().await.unwrap()).len(), 2);
    let mut bridging = third(server.bridging(5, 1250.0 * FACTOR));
    bridging["pair"]["against_run"] = worse["run_id"].clone();
    server.upload(&bridging).await;
    let machines = store.environments().await.unwrap();
    assert_eq!((machines.len(), names(machines).len()), (3, 1));
}

#[tokio::test]
async fn a_bridge_takes_no_name_from_a_machine_that_has_one() {
    let server = Server::with_open_alert(Change::Machine).await;
    let mut own = report(2, &[("A", 1.0)]);
    own["environment"] = json!({"name": "ci-b", "cpu_model": "another", "cpu_count": 2});
    let run = server.upload(&own).await["run_id"].clone();
    server.night(7, 1250.0).await;
    let mut bridging = server.bridging(7, 1250.0 * FACTOR);
    bridging["pair"]["against_run"] = run;
    server.upload(&bridging).await;
    let machines = server.app.store().environments().await.unwrap();
    assert!(machines.iter().any(|machine| machine.name == "ci-b"));
}
