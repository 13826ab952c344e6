//! `GET /compare` and `GET /pulls/{n}/report`: the right base, and every row.

use kvmark::domain::Scope;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::builders::report;

const BASE: &str = "aaaa000000000000000000000000000000000001";

async fn upload(app: &TestApp, report: &Value) -> i64 {
    let token = app.token(Scope::Upload, None).await;
    let answer = app.upload(&token, report).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["run_id"].as_i64().unwrap()
}

/// A report with changes: JSON pointers and what stands there instead.
fn changed(mut report: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        report.pointer_mut(parent).unwrap()[key] = value.clone();
    }
    report
}

/// A push of pull request 12 on [`BASE`].
fn push(days_ago: i64, commit: &str, metrics: &[(&str, f64)]) -> Value {
    changed(
        report(days_ago, metrics),
        &[
            ("/kind", json!("pull")),
            (
                "/revision",
                json!({"commit": commit, "branch": "topic", "pull": 12, "base_commit": BASE, "dirty": false}),
            ),
        ],
    )
}

fn at(report: Value, commit: &str) -> Value {
    changed(report, &[("/revision/commit", json!(commit))])
}

#[tokio::test]
async fn runs_commits_and_branches_name_the_same_comparison() {
    let app = TestApp::new().await;
    let base = upload(&app, &at(report(2, &[("A", 100.0), ("B", 50.0)]), BASE)).await;
    let slow = changed(
        report(1, &[("A", 130.0), ("B", 50.0)]),
        &[
            ("/revision/branch", json!("topic/x")),
            ("/kind", json!("manual")),
        ],
    );
    let head = upload(&app, &slow).await;
    let by_run = app
        .get(&format!("/api/v1/compare?base={base}&head={head}"))
        .await
        .json();
    assert_eq!(by_run["status"], "fail");
    assert_eq!(by_run["exit_code"], 1);
    assert_eq!(by_run["paired"], false);
    assert_eq!(
        by_run["rows"][0]["benchmark"], "A",
        "the slower first: {by_run:#}"
    );
    assert_eq!(by_run["rows"][0]["evidence"], "confirmed");
    assert_eq!(by_run["rows"][0]["band"], "critical");
    assert_eq!(by_run["rows"][0]["old"]["n"], 6);
    assert!(by_run["rows"][1]["detectable_change"].as_f64().unwrap() < 0.1);
    assert_eq!(
        by_run["sentence"],
        "Slower in 1 series, faster in none; one slowdown above 10% is confirmed, so the gate fails"
    );
    for (base, head) in [("aaaa0000", "topic%2Fx"), ("main", "topic%2Fx")] {
        let named = app
            .get(&format!("/api/v1/compare?base={base}&head={head}"))
            .await;
        assert_eq!(named.json(), by_run, "{base} {head}");
    }
    let strict = app
        .get(&format!(
            "/api/v1/compare?base={base}&head={head}&threshold=0.5"
        ))
        .await;
    assert_eq!(strict.json()["status"], "pass");
}

#[tokio::test]
async fn what_one_side_lacks_is_missing_failed_or_new_and_never_green() {
    let app = TestApp::new().await;
    let base = upload(&app, &report(2, &[("A", 100.0), ("B", 50.0), ("C", 9.0)])).await;
    let mut head = report(1, &[("A", 100.0), ("D", 7.0)]);
    head["benchmarks"].as_array_mut().unwrap().push(json!({
        "name": "C", "params": {"cpu": "2"}, "status": "failed", "error": "out of memory",
        "iterations": 0, "metrics": [],
    }));
    let head = upload(&app, &head).await;
    let answer = app
        .get(&format!("/api/v1/compare?base={base}&head={head}"))
        .await
        .json();
    assert_eq!(answer["exit_code"], 4);
    assert_eq!(
        answer["coverage"],
        json!({
            "expected": 3, "measured": 1,
            "missing": ["B latency_p99 cpu=2"],
            "failed": ["C latency_p99 cpu=2: out of memory"],
            "new": ["D latency_p99 cpu=2"], "not_available": [],
        })
    );
    let text = app
        .get(&format!(
            "/api/v1/compare?base={base}&head={head}&format=markdown"
        ))
        .await;
    assert!(text.header("content-type").starts_with("text/markdown"));
    for part in [
        "missing: B latency",
        "failed: C latency",
        "1 of 3 series compared",
    ] {
        assert!(text.text().contains(part), "{}", text.text());
    }
}

#[tokio::test]
async fn different_machines_and_suite_versions_are_incomparable() {
    let app = TestApp::new().await;
    let base = upload(&app, &report(3, &[("A", 100.0)])).await;
    for (what, change) in [
        (
            "CPU is EPYC and Xeon",
            ("/environment/cpu_model", json!("Xeon")),
        ),
        (
            "kv-sync is of version 1 and 2",
            ("/suite/version", json!("2")),
        ),
    ] {
        let other = upload(&app, &changed(report(1, &[("A", 200.0)]), &[change])).await;
        let answer = app
            .get(&format!("/api/v1/compare?base={base}&head={other}"))
            .await
            .json();
        assert_eq!(answer["exit_code"], 5, "{answer:#}");
        assert_eq!(
            answer["reasons"],
            json!([format!("the environments differ: {what}")])
        );
        assert_eq!(answer["rows"][0]["evidence"], "incomparable");
    }
}

#[tokio::test]
async fn sides_of_one_pair_are_compared_pair_by_pair() {
    let app = TestApp::new().await;
    let key = uuid::Uuid::new_v4().to_string();
    // A drift of 60% over the rounds, which both sides share; the head is 8% slower in each.
    let drift: Vec<f64> = (0..12).map(|round| 100.0 * 1.04_f64.powi(round)).collect();
    let side = |side: &str, factor: f64, order: [u32; 12]| {
        let samples: Vec<f64> = order
            .iter()
            .map(|round| drift[*round as usize] * factor * (1.0 + 0.001 * f64::from(round % 3)))
            .collect();
        changed(
            push(
                1,
                if side == "base" { BASE } else { "bbbb002" },
                &[("A", 1.0)],
            ),
            &[
                ("/benchmarks/0/metrics/0/samples", json!(samples)),
                (
                    "/pair",
                    json!({"pair_key": key, "side": side, "purpose": "pull", "rounds": order}),
                ),
            ],
        )
    };
    let forth = std::array::from_fn(|i| u32::try_from(i).unwrap());
    let mut back = forth;
    back.reverse();
    let base = upload(&app, &side("base", 1.0, forth)).await;
    let head = upload(&app, &side("head", 1.08, back)).await;
    let answer = app
        .get(&format!("/api/v1/compare?base={base}&head={head}"))
        .await
        .json();
    assert_eq!(answer["paired"], true);
    let row = &answer["rows"][0];
    assert_eq!(
        (&row["evidence"], &row["p"]),
        (&json!("confirmed"), &Value::Null)
    );
    assert!(
        (row["change"].as_f64().unwrap() - 0.08).abs() < 1e-3,
        "{row:#}"
    );
    let pull = app.get("/api/v1/pulls/12/report").await.json();
    assert_eq!(pull["base"]["run_id"], base);
    assert_eq!(pull["base_choice"]["kind"], "paired");
    assert_eq!(
        pull["pushes"].as_array().unwrap().len(),
        1,
        "the base side is no push"
    );
}

#[tokio::test]
async fn a_pull_is_compared_with_its_merge_base_and_not_with_the_last_run() {
    let app = TestApp::new().await;
    let base = upload(&app, &at(report(5, &[("A", 100.0)]), BASE)).await;
    upload(&app, &report(2, &[("A", 140.0)])).await;
    upload(&app, &push(1, "bbbb001", &[("A", 139.0)])).await;
    let answer = app.get("/api/v1/pulls/12/report").await.json();
    assert_eq!(answer["base"]["run_id"], base);
    assert_eq!(answer["base_choice"]["kind"], "merge_base");
    assert_eq!(
        answer["status"], "fail",
        "main's own slowdown of yesterday is no excuse"
    );
}

#[tokio::test]
async fn without_the_merge_base_its_nearest_measured_ancestor_stands_in_and_is_named() {
    let app = TestApp::new().await;
    upload(&app, &report(7, &[("A", 90.0)])).await;
    let nearest = upload(&app, &at(report(6, &[("A", 100.0)]), "cccc001")).await;
    let covers = changed(
        report(4, &[("A", 140.0)]),
        &[(
            "/revision/commits",
            json!([{"commit": "dddd002", "subject": "b", "author": "x"},
                   {"commit": BASE, "subject": "a", "author": "x"}]),
        )],
    );
    upload(&app, &covers).await;
    upload(&app, &push(1, "bbbb001", &[("A", 100.0)])).await;
    let answer = app.get("/api/v1/pulls/12/report").await.json();
    assert_eq!(answer["base"]["run_id"], nearest, "{answer:#}");
    assert_eq!(answer["base_choice"]["kind"], "ancestor");
    assert_eq!(answer["status"], "pass");
    let text = app.get("/api/v1/pulls/12/report?format=markdown").await;
    let said = "Compared with cccc001, the nearest ancestor of the merge base aaaa000 that was \
                measured on this machine";
    assert!(text.text().contains(said), "{}", text.text());
}

#[tokio::test]
async fn a_base_whose_place_is_not_known_is_said_and_no_base_is_incomplete() {
    let app = TestApp::new().await;
    upload(&app, &push(3, "bbbb001", &[("A", 100.0)])).await;
    let alone = app.get("/api/v1/pulls/12/report").await.json();
    assert_eq!(
        (&alone["exit_code"], &alone["base_choice"]),
        (&json!(4), &Value::Null)
    );
    assert_eq!(
        alone["reasons"][0],
        "neither the merge base (aaaa000) nor an ancestor of it was measured on bench-1"
    );
    let main = upload(&app, &report(4, &[("A", 100.0)])).await;
    let answer = app.get("/api/v1/pulls/12/report").await.json();
    assert_eq!(answer["base"]["run_id"], main);
    assert_eq!(answer["base_choice"]["kind"], "main_before");
    let text = answer["base_choice"]["text"].as_str().unwrap();
    assert!(
        text.ends_with("of the merge base aaaa000 is not known"),
        "{text}"
    );
}

#[tokio::test]
async fn the_report_says_whether_the_last_push_fixed_it() {
    let app = TestApp::new().await;
    upload(&app, &at(report(5, &[("A", 100.0)]), BASE)).await;
    upload(&app, &push(3, "bbbb001", &[("A", 130.0)])).await;
    upload(&app, &push(2, "bbbb002", &[("A", 125.0)])).await;
    let answer = app.get("/api/v1/pulls/12/report").await.json();
    assert_eq!(
        answer["since"],
        "The last push did not fix it: slower series went 1, 1"
    );
    upload(&app, &push(1, "bbbb003", &[("A", 101.0)])).await;
    let answer = app.get("/api/v1/pulls/12/report").await.json();
    assert_eq!(
        answer["since"],
        "The last push fixed it: push 2 failed the gate, push 3 passes"
    );
    assert_eq!(answer["pushes"][0]["slower"], 1);
    assert_eq!(answer["pushes"][0]["worst"]["band"], "critical");
    assert_eq!(answer["pushes"][2]["status"], "pass");
    // The same commit measured again is the same push.
    upload(&app, &push(0, "bbbb003", &[("A", 100.0)])).await;
    let answer = app.get("/api/v1/pulls/12/report").await.json();
    assert_eq!(answer["pushes"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_cannot_be_named_is_refused_in_words() {
    let app = TestApp::new().await;
    upload(&app, &at(report(3, &[("A", 1.0)]), "abcd001")).await;
    upload(&app, &at(report(2, &[("A", 1.0)]), "abcd002")).await;
    for (query, status, said) in [
        ("base=main", 400, "give base and head"),
        ("base=&head=main", 400, "base is empty"),
        (
            "base=abcd&head=main",
            400,
            "which 2 commits begin with: abcd001, abcd002",
        ),
        (
            "base=main&head=nobody",
            404,
            "there is no run, commit or branch \\\"nobody\\\" (head)",
        ),
        ("base=main&head=main&threshold=-1", 400, "threshold is -1"),
    ] {
        let answer = app.get(&format!("/api/v1/compare?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
        assert!(answer.text().contains(said), "{query}: {}", answer.text());
    }
    let none = app.get("/api/v1/pulls/7/report").await;
    assert_eq!(none.status, 404, "{}", none.text());
}
