//! A whole night: the real runner against the real server, over a socket. What is measured is a
//! script in a repository made for the test, so that the figures are known.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bench_verdict::confirmation::{Confirmation, Outcome, judge};
use bench_verdict::stats::paired::Pairs;
use kvmark::domain::Scope;
use kvmark::domain::alert::{AlertState, By};
use kvmark::store::AlertFilter;
use kvmark::web;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::TestApp;
use crate::place::Place;

/// A server with twelve nights of the first commit, a minute apart, with 1% of noise.
async fn with_history(place: &Place) -> (TestApp, String) {
    let mut app = TestApp::new().await;
    app.state.clock = Arc::new(|| jiff::Timestamp::now().into());
    app.router = web::router(app.state.clone());
    let token = app.token(Scope::Upload, None).await;
    let out = place.path("report.json");
    let arguments = [
        "run", "--kind", "nightly", "--branch", "main", "--out", &out,
    ];
    let (code, _, said) = place.runner(&arguments);
    assert_eq!(code, 0, "{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(Path::new(&out)).unwrap()).unwrap();
    let now = jiff::Timestamp::now();
    for night in 0..12_i64 {
        let mut report = report.clone();
        let at = now - jiff::SignedDuration::from_mins(20 - night);
        report["run_key"] = json!(uuid::Uuid::new_v4().to_string());
        report["started_at"] = json!(at.to_string());
        report["finished_at"] = json!(at.to_string());
        let noise = (night * 5 % 11 - 5) as f64 / 1_000.0;
        let metric = &mut report["benchmarks"][0]["metrics"][0];
        metric["samples"] = json!(vec![100.0 * (1.0 + noise); 6]);
        let answer = app.upload(&token, &report).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    (app, token)
}

/// What `work` gives, which is told the server's address while the server runs.
async fn served<T>(app: &TestApp, work: impl FnOnce(&str) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(web::serve(listener, app.state.clone()));
    let done = tokio::task::block_in_place(|| work(&server));
    app.state.shutdown.cancel();
    serving.await.unwrap().unwrap();
    done
}

/// A night of what is committed now.
async fn night(place: &Place, app: &TestApp, token: &str) -> (i32, String) {
    let (spool, cache) = (place.path("spool"), place.path("cache"));
    let (code, printed, said) = served(app, |server| {
        let mut arguments = vec!["nightly", "--branch", "main", "--server", server];
        arguments.extend(["--token", token, "--spool", &spool, "--cache", &cache]);
        place.runner(&arguments)
    })
    .await;
    (code, printed + &said)
}

async fn canary(app: &TestApp) -> Vec<(bool, bool)> {
    let turns = app.get("/api/v1/canary?environment=1").await.json();
    let turn = |turn: &Value| {
        (
            turn["planted"].is_string(),
            turn["right"].as_bool().unwrap(),
        )
    };
    turns["turns"]
        .as_array()
        .unwrap()
        .iter()
        .map(turn)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slowdown_of_a_quarter_fails_the_same_night_and_opens_an_alert() {
    let place = Place::new();
    let (app, token) = with_history(&place).await;
    place.commit(&[("level", "125.0")]);
    let (code, said) = night(&place, &app, &token).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("over 4 pairs: confirmed"), "{said}");
    let alerts = app.store().alerts(&AlertFilter::default()).await.unwrap();
    assert_eq!(
        (alerts.len(), alerts[0].state),
        (1, AlertState::Open),
        "{said}"
    );
    assert_eq!(alerts[0].series[0].by, By::Pairs);
    assert_eq!(canary(&app).await, [(false, true), (true, true)], "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_in_which_nothing_changed_is_fine() {
    let place = Place::new();
    let (app, token) = with_history(&place).await;
    place.commit(&[("README.md", "words")]);
    let (code, said) = night(&place, &app, &token).await;
    assert_eq!(code, 0, "{said}");
    let alerts = app.store().alerts(&AlertFilter::default()).await.unwrap();
    assert_eq!(alerts, []);
    assert_eq!(canary(&app).await, [(false, true), (true, true)], "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_whose_gate_is_blind_is_not_green() {
    fn blind(pairs: &Pairs, identical: Option<f64>) -> Confirmation {
        Confirmation {
            outcome: Outcome::Refuted,
            ..judge(pairs, identical)
        }
    }
    let place = Place::new();
    let (mut app, token) = with_history(&place).await;
    app.state.pair_judge = blind;
    let (code, said) = night(&place, &app, &token).await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("canary: Work"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_measured_in_pairs_and_gated_in_every_format() {
    let place = Place::new();
    place.commit(&[("level", "125.0")]);
    let mut app = TestApp::new().await;
    app.state.clock = Arc::new(|| jiff::Timestamp::now().into());
    let token = app.token(Scope::Upload, None).await;
    let (spool, cache) = (place.path("spool"), place.path("cache"));
    let (sent, gates) = served(&app, |server| {
        let mut pair = vec!["ab", "--base", "HEAD~1", "--head", "HEAD", "--rounds", "6"];
        pair.extend([
            "--kind", "pull", "--pull", "12", "--upload", "--cache", &cache,
        ]);
        pair.extend(["--server", server, "--token", &token, "--spool", &spool]);
        let sent = place.runner(&pair);
        let gate = |format: &str| {
            let mut gate = Command::new(env!("CARGO_BIN_EXE_kvmark"));
            gate.args(["__runner", "gate", "--pull", "12", "--server", server]);
            let done = gate
                .args(["--token", &token, "--format", format])
                .output()
                .unwrap();
            (
                done.status.code().unwrap(),
                String::from_utf8(done.stdout).unwrap(),
            )
        };
        (sent, ["table", "json", "markdown"].map(gate))
    })
    .await;
    assert_eq!(sent.0, 1, "{} {}", sent.1, sent.2);
    let [table, json, markdown] = gates;
    assert!(
        table.0 == 1 && json.0 == 1 && markdown.0 == 1,
        "{table:?} {json:?}"
    );
    assert!(
        table.1.starts_with("pull request 12: fail (exit 1)"),
        "{}",
        table.1
    );
    assert!(
        table.1.contains("in pairs") && table.1.contains("+25.0%"),
        "{}",
        table.1
    );
    let answer: Value = serde_json::from_str(&json.1).unwrap();
    assert_eq!(
        (&answer["pull"], &answer["paired"]),
        (&json!(12), &json!(true))
    );
    assert!(markdown.1.contains("Work"), "{}", markdown.1);
}
