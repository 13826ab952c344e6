//! From an empty machine to an issue and its end, by the two programs and the script of
//! `deploy/ci`; and a server that is away for a whole night.
//!
//! What a night measures is made up here (a real report, scaled), so that the story is the same on
//! every machine; everything else is real: the server's process, tokens, the runner's spool and
//! retries, the gate, the exit codes. This program run as `kvmark __runner` is the runner.

mod machine;

use serde_json::Value;

use crate::app::TestApp;
use crate::github::double::Double;
use machine::Machine;

#[tokio::test(flavor = "multi_thread")]
async fn a_slowdown_turns_the_night_red_opens_one_issue_and_good_nights_close_it() {
    let double = Double::start().await;
    let mut machine = Machine::empty(&double).await;
    machine.start().await;
    machine.backfill(20).await;

    let quiet = machine.night(1.0).await;
    assert_eq!(quiet.code, 0, "{}", quiet.said);
    assert!(double.world().issues.is_empty());

    // One slow night is likely, the nights after it confirm it.
    let mut slow = machine.night(1.25).await;
    for _ in 0..4 {
        if slow.code == 1 {
            break;
        }
        assert_eq!(slow.code, 3, "{}", slow.said);
        slow = machine.night(1.25).await;
    }
    assert_eq!(slow.code, 1, "{}", slow.said);
    double.until("an issue", |w| w.issues.len() == 1).await;
    let issue = double.world().issues[0].clone();
    assert_eq!(issue["state"], "open");

    // The page, the issue and the summary say what the gate says.
    let verdict = slow.verdict.clone();
    assert_eq!(
        (&verdict["status"], &verdict["exit_code"]),
        (&"fail".into(), &1.into())
    );
    let body = issue["body"].as_str().unwrap();
    let page = machine.get(&format!("/runs/{}", slow.run)).await;
    let failing: Vec<&Value> = verdict["series"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|series| ["confirmed", "exact"].contains(&series["evidence"].as_str().unwrap()))
        .filter(|series| series["band"] == "critical")
        .collect();
    assert!(!failing.is_empty(), "{verdict:#}");
    for series in failing {
        let benchmark = series["benchmark"].as_str().unwrap();
        assert!(body.contains(benchmark), "{benchmark}\n{body}");
        assert!(page.contains(benchmark), "{benchmark}");
        assert!(slow.summary.contains(benchmark), "{}", slow.summary);
    }
    for reason in verdict["reasons"].as_array().unwrap() {
        let begin = reason.as_str().unwrap().split(' ').next().unwrap();
        assert!(slow.summary.contains(begin), "{reason}\n{}", slow.summary);
    }

    // Nights without it lead to the end.
    for _ in 0..4 {
        machine.night(1.0).await;
    }
    double
        .until("the end", |w| w.issues[0]["state"] == "closed")
        .await;
    let world = double.world();
    assert_eq!(world.issues.len(), 1);
    let proof = &world.comments.last().unwrap().1["body"];
    assert!(
        proof.as_str().unwrap().contains("The alert is resolved."),
        "{proof}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_without_a_server_is_delivered_by_the_next_as_if_it_had_never_been_away() {
    let double = Double::start().await;
    let mut machine = Machine::empty(&double).await;
    machine.start().await;
    machine.backfill(12).await;
    machine.stop().await;
    let away = machine.night(1.25).await;
    assert_eq!(away.code, 6, "{}", away.said);
    machine.start().await;
    let next = machine.night(1.25).await;
    for run in ["run 13 at", "run 14 at"] {
        assert!(next.said.contains(run), "{}", next.said);
    }

    // A server that was never away.
    let mut twin = TestApp::new().await;
    twin.state.clock = std::sync::Arc::new(|| jiff::Timestamp::now().into());
    twin.router = kvmark::web::router(twin.state.clone());
    let token = twin.token(kvmark::domain::Scope::Upload, None).await;
    for report in machine.sent() {
        let answer = twin.upload(&token, report).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let runs = machine.json("/api/v1/runs").await;
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), machine.sent().len());
    for run in runs {
        let (id, key) = (
            run["id"].as_i64().unwrap(),
            run["run_key"].as_str().unwrap(),
        );
        let other = twin.store().run_by_key(key).await.unwrap().unwrap();
        let own = machine.json(&format!("/api/v1/runs/{id}/verdict")).await;
        let other = twin
            .get(&format!("/api/v1/runs/{}/verdict", other.id))
            .await
            .json();
        assert_eq!(own, other, "run {id}");
    }
}
