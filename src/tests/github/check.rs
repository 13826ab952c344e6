//! One check a run: in progress, then what it comes to.

use kvmark::domain::{Millis, RunKind, Scope};
use kvmark::github::Intent;
use kvmark::github::check::{Annotation, CheckState, CheckWish, Conclusion};
use kvmark::jobs::github::deliver_next;
use serde_json::{Value, json};

use super::Post;
use super::double::World;
use crate::app::{NOW, post};

const HEAD: &str = "c0ffee1234c0ffee1234c0ffee1234c0ffee1234";

fn check(state: CheckState) -> Intent {
    Intent::Check(CheckWish {
        run_key: "key-1".to_owned(),
        commit: HEAD.to_owned(),
        page: Some("https://perf.example.org/runs/7".to_owned()),
        state,
    })
}

fn done(status: &str, annotations: usize) -> CheckState {
    CheckState::Done(Conclusion {
        status: status.to_owned(),
        title: "KVEventBurstLoad latency_p99 cpu=2: +25.0% against its base (critical)".to_owned(),
        summary: "**Something got worse** (exit 1)\n".to_owned(),
        annotations: (0..annotations)
            .map(|n| Annotation {
                level: "warning".to_owned(),
                title: format!("series {n}"),
                message: "+12.0% (warning), confirmed".to_owned(),
            })
            .collect(),
    })
}

async fn with_commit() -> Post {
    let post = Post::new().await;
    post.double.world().commits = vec![HEAD.to_owned()];
    post
}

#[tokio::test]
async fn a_check_is_in_progress_and_then_says_the_verdict() {
    let post = with_commit().await;
    post.say(&check(CheckState::Running { since: NOW })).await;
    post.say(&check(done("fail", 1))).await;
    let world = post.double.world();
    assert_eq!(world.checks.len(), 1);
    insta::assert_snapshot!(world.recording(), @r#"
        POST check-runs
        {
          "details_url": "https://perf.example.org/runs/7",
          "external_id": "key-1",
          "head_sha": "c0ffee1234c0ffee1234c0ffee1234c0ffee1234",
          "name": "kvmark",
          "output": {
            "summary": "The benchmarks run now.",
            "title": "Measuring"
          },
          "started_at": "2026-03-01T06:00:00Z",
          "status": "in_progress"
        }
        PATCH check-runs/1
        {
          "conclusion": "failure",
          "details_url": "https://perf.example.org/runs/7",
          "name": "kvmark",
          "output": {
            "summary": "**Something got worse** (exit 1)\n",
            "title": "KVEventBurstLoad latency_p99 cpu=2: +25.0% against its base (critical)"
          },
          "status": "completed"
        }
        PATCH check-runs/1
        {
          "output": {
            "annotations": [
              {
                "annotation_level": "warning",
                "end_line": 1,
                "message": "+12.0% (warning), confirmed",
                "path": ".github",
                "start_line": 1,
                "title": "series 0"
              }
            ],
            "summary": "**Something got worse** (exit 1)\n",
            "title": "KVEventBurstLoad latency_p99 cpu=2: +25.0% against its base (critical)"
          }
        }
        "#);
}

#[tokio::test]
async fn annotations_go_by_fifties_and_none_goes_twice() {
    let post = with_commit().await;
    post.say(&check(done("fail", 70))).await;
    let count = |post: &Post| {
        let annotations = post.double.world().checks[0]["annotations"].clone();
        annotations.as_array().unwrap().len()
    };
    assert_eq!(count(&post), 70);
    post.say(&check(done("fail", 72))).await;
    assert_eq!(count(&post), 72);
}

#[tokio::test]
async fn every_verdict_has_its_conclusion() {
    let post = with_commit().await;
    for (status, conclusion) in [
        ("pass", "success"),
        ("fail", "failure"),
        ("incomplete", "failure"),
        ("inconclusive", "neutral"),
        ("incomparable", "neutral"),
    ] {
        post.say(&check(done(status, 0))).await;
        let found = post.double.world().checks[0]["conclusion"].clone();
        assert_eq!(found, json!(conclusion), "{status}");
    }
}

#[tokio::test]
async fn a_token_that_may_not_write_checks_sets_a_commit_status() {
    let post = with_commit().await;
    post.double.world().is_person = true;
    post.say(&check(CheckState::Running { since: NOW })).await;
    post.say(&check(done("fail", 3))).await;
    let world = post.double.world();
    assert!(world.checks.is_empty());
    let states: Vec<&Value> = world.statuses.iter().map(|s| &s["state"]).collect();
    assert_eq!(states, ["pending", "failure"]);
}

#[tokio::test]
async fn a_commit_that_github_does_not_know_is_given_up_at_once() {
    let post = Post::new().await;
    post.say(&check(CheckState::Running { since: NOW })).await;
    let (state, _, error) = post.entry().await;
    assert_eq!(state, "refused");
    assert!(error.contains("No commit found for SHA"), "{error}");
}

#[tokio::test]
async fn the_first_message_of_a_pull_requests_run_starts_its_check() {
    let sent = Post::of_server().await;
    sent.double.world().commits = vec![HEAD.to_owned()];
    let token = sent.app.token(Scope::Upload, Some(&[RunKind::Pull])).await;
    let message = |done: u32| {
        json!({
            "run_key": "key-1", "kind": "pull", "commit": HEAD,
            "started_at": "2026-03-01T06:00:00Z", "total": 2, "done": done,
        })
    };
    for done in 0..2 {
        let request = post("/api/v1/live/key-1", &token, message(done).to_string());
        assert_eq!(sent.app.send(request).await.status, 200);
        let client = sent.double.client();
        let store = sent.app.store();
        assert_eq!(deliver_next(&client, store, NOW).await.unwrap(), done == 0);
    }
    assert_eq!(sent.double.world().checks[0]["status"], "in_progress");

    // Nothing more is heard of it: the server that looks later ends it.
    let stop = tokio_util::sync::CancellationToken::new();
    let clock: kvmark::jobs::github::Clock = std::sync::Arc::new(|| Millis(NOW.0 + 3 * 3_600_000));
    let worker = tokio::spawn(kvmark::jobs::github::run(sent.post(clock), stop.clone()));
    let is_over = |world: &World| world.checks[0]["status"] == "completed";
    sent.double.until("the end", is_over).await;
    stop.cancel();
    worker.await.unwrap();
    assert_eq!(sent.double.world().checks[0]["conclusion"], "cancelled");
}
