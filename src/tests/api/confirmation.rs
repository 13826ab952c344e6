//! Pairs measured on the night of a run, and the canary.

use axum::http::StatusCode;
use bench_verdict::confirmation::{Confirmation, Outcome};
use bench_verdict::stats::paired::Pairs;
use kvmark::domain::Scope;
use kvmark::domain::alert::By;
use kvmark::jobs;
use kvmark::store::AlertFilter;
use serde_json::{Value, json};

use crate::app::{Answer, NOW, TestApp, post};
use crate::builders::report;
use crate::pages::Page;

/// A level of 100 with 1% of noise; the last `slow` nights of 41 are 15% slower.
async fn history(app: &TestApp, token: &str, slow: i64) -> Value {
    let mut last = Value::Null;
    for days_ago in (0..=40).rev() {
        let noise = f64::from(u32::try_from(days_ago * 37 % 11).unwrap()) / 500.0 - 0.01;
        let level = if days_ago < slow { 115.0 } else { 100.0 };
        let answer = app
            .upload(token, &report(days_ago, &[("A", level * (1.0 + noise))]))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        last = answer.json();
    }
    last
}

/// One side: `rounds` samples about `level`.
pub(crate) fn side(
    side: &str,
    commit: &str,
    level: f64,
    rounds: u32,
    purpose: &str,
    key: &str,
) -> Value {
    let mut of = report(0, &[("A", level)]);
    let samples: Vec<f64> = (0..rounds)
        .map(|round| level * (1.0 + 0.001 * f64::from(round % 3)))
        .collect();
    of["kind"] = json!(match purpose {
        "confirm" => "ab",
        other => other,
    });
    of["revision"]["commit"] = json!(commit);
    of["benchmarks"][0]["metrics"][0]["samples"] = json!(samples);
    of["pair"] = json!({
        "pair_key": key, "side": side, "rounds": (0..rounds).collect::<Vec<_>>(), "purpose": purpose,
    });
    if purpose == "canary" && side == "head" {
        of["options"]["planted"] = json!("apply=15%");
    }
    of
}

struct Night<'a> {
    app: &'a TestApp,
    token: &'a str,
    run: i64,
    head: String,
    good: String,
}

impl Night<'_> {
    fn pairs(&self, factor: f64, rounds: u32, purpose: &str) -> Value {
        let key = uuid::Uuid::new_v4().to_string();
        let base = if purpose == "confirm" {
            &self.good
        } else {
            &self.head
        };
        json!({
            "base": side("base", base, 100.0, rounds, purpose, &key),
            "head": side("head", &self.head, 100.0 * factor, rounds, purpose, &key),
        })
    }

    async fn send(&self, pairs: &Value) -> Answer {
        let uri = format!("/api/v1/runs/{}/confirmation", self.run);
        self.app
            .send(post(&uri, self.token, pairs.to_string()))
            .await
    }
}

/// The night whose upload gave this answer, and the commit of `days_ago`.
fn night<'a>(app: &'a TestApp, token: &'a str, uploaded: &Value, days_ago: i64) -> Night<'a> {
    let commit = |days_ago| {
        report(days_ago, &[])["revision"]["commit"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    Night {
        app,
        token,
        run: uploaded["run_id"].as_i64().unwrap(),
        head: commit(0),
        good: commit(days_ago),
    }
}

/// Everything that is said of all runs is what their whole history says.
async fn nothing_is_left_to_rebuild(app: &TestApp) {
    for epoch in app.store().epochs().await.unwrap() {
        let verdicts = jobs::judge_epoch(app.store(), &epoch).await.unwrap();
        assert_eq!(verdicts.changes, []);
        let step = verdicts.alerts.unwrap();
        let changed = app.store().alerts_of_step(&epoch, &step).await.unwrap();
        assert_eq!(changed, []);
    }
}

#[tokio::test]
async fn a_step_is_confirmed_on_its_first_night_and_fails_the_gate() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let uploaded = history(&app, &token, 1).await;
    let verdict = &uploaded["verdict"];
    assert_eq!(
        (&verdict["status"], &verdict["exit_code"]),
        (&json!("inconclusive"), &json!(3))
    );
    let series = &verdict["series"][0];
    assert_eq!(series["evidence"], "likely");
    let night = night(&app, &token, &uploaded, 4);
    // The revision four nights before the first bad one.
    assert_eq!(series["confirm"]["against_commit"], night.good.as_str());

    let pairs = night.pairs(1.15, 4, "confirm");
    let answer = night.send(&pairs).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let said = answer.json();
    assert_eq!(said["series"][0]["outcome"], "confirmed");
    let change = said["series"][0]["change"].as_f64().unwrap();
    assert!((change - 0.15).abs() < 0.01, "{change}");
    assert_eq!(
        (&said["verdict"]["status"], &said["verdict"]["exit_code"]),
        (&json!("fail"), &json!(1))
    );
    assert_eq!(said["verdict"]["series"][0]["evidence"], "confirmed");
    assert!(said["verdict"]["series"][0]["confirm"].is_null());

    let alerts = app.store().alerts(&AlertFilter::default()).await.unwrap();
    assert_eq!((alerts.len(), alerts[0].series[0].by), (1, By::Pairs));
    assert!((alerts[0].series[0].frozen_baseline - 100.0).abs() < 1.0);

    // Sent twice is sent once; other pairs with the same key are refused.
    assert_eq!(night.send(&pairs).await.status, StatusCode::OK);
    let mut other = pairs.clone();
    other["head"]["benchmarks"][0]["metrics"][0]["samples"][0] = json!(101.0);
    let refused = night.send(&other).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    nothing_is_left_to_rebuild(&app).await;
}

#[tokio::test]
async fn what_pairs_refute_is_noise() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let uploaded = history(&app, &token, 1).await;
    let night = night(&app, &token, &uploaded, 4);
    let said = night.send(&night.pairs(1.0, 4, "confirm")).await.json();
    assert_eq!(said["series"][0]["outcome"], "refuted");
    let series = &said["verdict"]["series"][0];
    assert_eq!(
        (&series["evidence"], &series["band"]),
        (&json!("noise"), &json!("warning"))
    );
    assert_eq!(
        said["verdict"]["exit_code"], 0,
        "{}",
        said["verdict"]["reasons"]
    );
    let alerts = app.store().alerts(&AlertFilter::default()).await.unwrap();
    assert_eq!(alerts, []);
    nothing_is_left_to_rebuild(&app).await;
}

#[tokio::test]
async fn a_confirmation_is_of_the_runs_revision_and_whole() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let uploaded = history(&app, &token, 1).await;
    let mut night = night(&app, &token, &uploaded, 4);
    let right = night.pairs(1.15, 4, "confirm");
    let mut without = right.clone();
    without["head"].as_object_mut().unwrap().remove("pair");
    let mut mixed = right.clone();
    mixed["head"]["pair"]["pair_key"] = json!(uuid::Uuid::new_v4().to_string());
    let mut planted = right.clone();
    planted["head"]["options"]["planted"] = json!("apply=15%");
    for (body, text) in [
        (json!({}), "`base` is missing"),
        (without, "`pair`"),
        (mixed, "the sides differ in pair_key"),
        (planted, "nothing planted in its head"),
    ] {
        let answer = night.send(&body).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            answer.text()
        );
        assert!(answer.text().contains(text), "{text}: {}", answer.text());
    }
    night.head = night.good.clone();
    let answer = night.send(&night.pairs(1.15, 4, "confirm")).await;
    assert!(
        answer.text().contains("measure the revision of the run"),
        "{}",
        answer.text()
    );
    night.run = 999;
    assert_eq!(night.send(&right).await.status, StatusCode::NOT_FOUND);
    let reader = app.token(Scope::Read, None).await;
    night.token = &reader;
    assert_eq!(night.send(&right).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_canary_that_sings_changes_nothing_and_is_kept() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    let uploaded = history(&app, &token, 0).await;
    assert_eq!(
        uploaded["verdict"]["exit_code"], 0,
        "{}",
        uploaded["verdict"]["reasons"]
    );
    let night = night(&app, &token, &uploaded, 4);
    night.send(&night.pairs(1.15, 4, "canary")).await;
    let said = night.send(&night.pairs(1.0, 4, "aa")).await.json();
    assert_eq!(
        said["verdict"]["exit_code"], 0,
        "{}",
        said["verdict"]["reasons"]
    );
    let kept = app.get("/api/v1/canary?environment=1").await.json();
    let turns = kept["turns"].as_array().unwrap();
    assert_eq!(turns.len(), 2);
    assert_eq!(
        (&turns[0]["planted"], &turns[0]["right"]),
        (&json!("apply=15%"), &json!(true))
    );
    assert_eq!(
        (&turns[1]["planted"], &turns[1]["right"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(turns[0]["outcome"], "confirmed");
    // It is charted: each turn right, told apart by shape.
    let finding = "1 of 1 planted slowdowns were found, 1 of 1 equal pairs were not told apart";
    for (page, drawings) in [("/environments/1", 2), ("/status", 1), ("/", 1)] {
        let page = Page::get(&app, page).await;
        assert_eq!(page.count(finding), drawings, "{}", page.html());
    }
    Page::get(&app, "/environments/1")
        .await
        .says("found apply=15% in A latency_p99 cpu=2");
    nothing_is_left_to_rebuild(&app).await;
}

#[tokio::test]
async fn a_night_whose_detector_is_switched_off_is_inconclusive_by_its_canary() {
    /// Sees no difference, whatever the pairs say.
    fn blind(pairs: &Pairs, identical: Option<f64>) -> Confirmation {
        Confirmation {
            outcome: Outcome::Refuted,
            ..bench_verdict::confirmation::judge(pairs, identical)
        }
    }
    let mut app = TestApp::new().await;
    app.state.pair_judge = blind;
    app.router = kvmark::web::router(app.state.clone());
    let token = app.token(Scope::Upload, None).await;
    let uploaded = history(&app, &token, 0).await;
    let night = night(&app, &token, &uploaded, 4);
    let said = night.send(&night.pairs(1.15, 4, "canary")).await.json();
    assert_eq!(
        (&said["verdict"]["status"], &said["verdict"]["exit_code"]),
        (&json!("inconclusive"), &json!(3))
    );
    let reason = said["verdict"]["reasons"][0].as_str().unwrap();
    assert!(
        reason.starts_with("canary: A latency_p99 cpu=2: apply=15% was planted and not confirmed"),
        "{reason}"
    );
    assert_eq!(
        app.get("/api/v1/canary?environment=1").await.json()["turns"][0]["right"],
        false
    );
}

/// Six series; tonight each is slower or not.
const NAMES: [&str; 6] = ["A", "B", "C", "D", "E", "F"];

/// The next of a sequence of fractions.
fn next(state: &mut u64) -> f64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1);
    f64::from((*state >> 33) as u32) / f64::from(1_u32 << 31)
}

/// Pairs of some series, as `nightly` sends them.
fn pairs_of(commits: [&str; 2], series: &[(&str, f64)], rounds: u32) -> Value {
    let key = uuid::Uuid::new_v4().to_string();
    let [base, head] = [("base", commits[0]), ("head", commits[1])].map(|(name, commit)| {
        let mut of = side(name, commit, 100.0, rounds, "confirm", &key);
        let benchmarks = series.iter().map(|(benchmark, factor)| {
            let mut one = of["benchmarks"][0].clone();
            one["name"] = json!(benchmark);
            let factor = if name == "head" { *factor } else { 1.0 };
            let samples = (0..rounds).map(|round| {
                let wave = f64::from((round * 7 + u32::from(benchmark.as_bytes()[0])) % 5) - 2.0;
                100.0 * factor * (1.0 + 0.004 * wave * f64::from(u8::from(name == "head")))
            });
            one["metrics"][0]["samples"] = json!(samples.collect::<Vec<f64>>());
            one
        });
        of["benchmarks"] = benchmarks.collect();
        of
    });
    json!({"base": base, "head": head})
}

#[tokio::test]
async fn pairs_change_what_the_whole_history_would_and_follow_only_their_own_series() {
    let (mut bounded, mut whole) = (0, 0);
    for seed in 1..=6_u64 {
        let mut state = seed;
        let app = TestApp::new().await;
        let token = app.token(Scope::Upload, None).await;
        let steps: Vec<f64> = NAMES
            .iter()
            .map(|_| [1.0, 1.15, 1.07][(next(&mut state) * 3.0) as usize])
            .collect();
        let since = (next(&mut state) * 2.0) as i64;
        let mut run = 0;
        for days_ago in (0..=40).rev() {
            let values: Vec<(&str, f64)> = NAMES
                .iter()
                .zip(&steps)
                .map(|(name, step)| {
                    let level = if days_ago <= since {
                        100.0 * step
                    } else {
                        100.0
                    };
                    (*name, level * (1.0 + 0.02 * (next(&mut state) - 0.5)))
                })
                .collect();
            let answer = app.upload(&token, &report(days_ago, &values)).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
            run = answer.json()["run_id"].as_i64().unwrap();
        }
        let commit = |days_ago| report(days_ago, &[])["revision"]["commit"].clone();
        let (good, head) = (commit(since + 4), commit(0));
        let commits = [good.as_str().unwrap(), head.as_str().unwrap()];
        // Some series first, all with more pairs, and some that are told otherwise.
        for (most, rounds) in [(3, 4), (6, 4), (6, 12)] {
            let series: Vec<(&str, f64)> = NAMES
                .iter()
                .zip(&steps)
                .take(most)
                .map(|(name, step)| {
                    let as_it_is = next(&mut state) < 0.8;
                    (*name, if as_it_is { *step } else { 1.04 })
                })
                .collect();
            let body = pairs_of(commits, &series, rounds);
            let bytes = body.to_string().into_bytes();
            let new = kvmark::ingest::read_confirmation(bytes, NOW.timestamp()).unwrap();
            let id = kvmark::domain::RunId(run);
            let night = app.store().judged_run(id).await.unwrap().unwrap();
            let stop = tokio_util::sync::CancellationToken::new();
            let judge = kvmark::analysis::confirmation::JUDGE;
            let taken = jobs::confirm::confirm(app.store(), &night, &new, judge, NOW, &stop).await;
            match taken.unwrap().whole_epoch {
                true => whole += 1,
                false => bounded += 1,
            }
            nothing_is_left_to_rebuild(&app).await;
        }
    }
    // Both ways were gone.
    assert!(bounded >= 9 && whole >= 1, "{bounded} and {whole}");
}
