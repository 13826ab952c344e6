//! A whole night: `nightly`, and `ab` of a pull request.

use bench_verdict::confirmation::{Confirmation, Outcome, judge};
use bench_verdict::stats::paired::Pairs;
use kvmark::domain::alert::{AlertState, By};
use kvmark::store::AlertFilter;
use serde_json::{Value, json};

use super::place::{Place, served, server, with_history};
use crate::app::TestApp;

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
    let done = place.night(&app, &token).await;
    let (code, said) = (done.code, done.text());
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
    let done = place.night(&app, &token).await;
    let (code, said) = (done.code, done.text());
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
    let done = place.night(&app, &token).await;
    let (code, said) = (done.code, done.text());
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("canary: Work"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_measured_in_pairs_and_gated_in_every_format() {
    let place = Place::new();
    place.commit(&[("level", "125.0")]);
    let (app, token) = server().await;
    let (spool, cache) = (place.path("spool"), place.path("cache"));
    let (sent, gates) = served(&app, |server| {
        let mut pair = vec!["ab", "--base", "HEAD~1", "--head", "HEAD", "--rounds", "6"];
        pair.extend([
            "--kind", "pull", "--pull", "12", "--upload", "--cache", &cache,
        ]);
        pair.extend(["--server", server, "--token", &token, "--spool", &spool]);
        let sent = place.runner(&pair);
        let gate = |format: &str| {
            let mut gate = vec!["gate", "--pull", "12", "--server", server];
            gate.extend(["--token", &token, "--format", format]);
            place.tool(&gate)
        };
        (sent, ["table", "json", "markdown"].map(gate))
    })
    .await;
    assert_eq!(sent.code, 1, "{sent:?}");
    let [table, json, markdown] = gates;
    assert!(
        table.code == 1 && json.code == 1 && markdown.code == 1,
        "{table:?} {json:?}"
    );
    assert!(
        table.printed.starts_with("pull request 12: fail (exit 1)"),
        "{}",
        table.printed
    );
    assert!(
        table.printed.contains("in pairs") && table.printed.contains("+25.0%"),
        "{}",
        table.printed
    );
    let answer: Value = serde_json::from_str(&json.printed).unwrap();
    assert_eq!(
        (&answer["pull"], &answer["paired"]),
        (&json!(12), &json!(true))
    );
    assert!(markdown.printed.contains("Work"), "{}", markdown.printed);
}
