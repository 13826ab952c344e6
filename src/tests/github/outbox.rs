//! Nothing is lost, nothing is done twice, and GitHub is left alone when it asks for it.

use kvmark::domain::Millis;
use kvmark::github::Intent;
use kvmark::github::check::{CheckState, CheckWish};
use kvmark::github::comment::CommentWish;
use kvmark::jobs::github::{deliver_next, wish};
use kvmark::store::{Store, StoreOptions};
use serde_json::json;

use super::Post;
use super::double::{Fault, World};
use crate::app::{NOW, TestApp};

fn said(pull: u64, text: &str) -> Intent {
    Intent::Comment(CommentWish {
        pull,
        commit: "ab".repeat(20),
        body: text.to_owned(),
    })
}

async fn with_pulls() -> Post {
    let post = Post::new().await;
    post.double.world().pulls = vec![(7, "ab".repeat(20)), (8, "ab".repeat(20))];
    post
}

#[tokio::test]
async fn the_same_wish_again_asks_github_nothing() {
    let post = with_pulls().await;
    post.say(&said(7, "fine")).await;
    let before = post.double.world().requests.len();
    post.say(&said(7, "fine")).await;
    assert_eq!(post.double.world().requests.len(), before);
}

#[tokio::test]
async fn only_the_newest_of_several_wishes_is_delivered() {
    let post = with_pulls().await;
    for text in ["one", "two", "three"] {
        wish(post.app.store(), &said(7, text), NOW).await.unwrap();
    }
    post.deliver_at(NOW).await;
    let world = post.double.world();
    assert_eq!(world.comments.len(), 1);
    let body = world.comments[0].1["body"].as_str().unwrap();
    assert!(body.contains("three"), "{body}");
}

#[tokio::test]
async fn what_was_wished_before_a_stop_is_delivered_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kvmark.db");
    let store = Store::open(&path, StoreOptions::default()).await.unwrap();
    wish(&store, &said(7, "fine"), NOW).await.unwrap();
    store.close().await;
    let post = with_pulls().await;
    let store = Store::open(&path, StoreOptions::default()).await.unwrap();
    assert!(
        deliver_next(&post.double.client(), &store, NOW)
            .await
            .unwrap()
    );
    assert_eq!(post.double.world().comments.len(), 1);
}

#[tokio::test]
async fn a_wish_that_changes_while_it_is_delivered_is_delivered_again() {
    let post = with_pulls().await;
    let store = post.app.store();
    wish(store, &said(7, "one"), NOW).await.unwrap();
    let entry = store.due_outbox(NOW).await.unwrap().unwrap();
    wish(store, &said(7, "two"), NOW).await.unwrap();
    store
        .tried_outbox(&entry, Some(5), &kvmark::store::Tried::Done, NOW)
        .await
        .unwrap();
    let next = store.due_outbox(NOW).await.unwrap().unwrap();
    assert_eq!((next.number, next.mark), (Some(5), entry.mark + 1));
}

#[tokio::test]
async fn a_limit_holds_for_everything_and_counts_as_no_attempt() {
    let post = with_pulls().await;
    let limit = Fault::new(
        "GET pulls/7",
        403,
        "You have exceeded a secondary rate limit",
    );
    post.double
        .world()
        .faults
        .push_back(limit.header("retry-after", "120"));
    let store = post.app.store();
    wish(store, &said(7, "a"), NOW).await.unwrap();
    wish(store, &said(8, "b"), NOW).await.unwrap();
    post.deliver_at(NOW).await;
    assert_eq!(post.double.world().requests, ["GET pulls/7"]);
    assert_eq!(
        store.next_outbox_at().await.unwrap(),
        Some(Millis(NOW.0 + 120_000))
    );
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.waiting, counts.failing), (2, 1));
    assert!(
        store
            .outbox("")
            .await
            .unwrap()
            .iter()
            .all(|e| e.attempts == 0)
    );
    post.deliver_at(Millis(NOW.0 + 119_999)).await;
    assert_eq!(post.double.world().requests.len(), 1);
    post.deliver_at(Millis(NOW.0 + 120_000)).await;
    assert_eq!(post.double.world().comments.len(), 2);
}

#[tokio::test]
async fn a_spent_limit_is_waited_for_by_githubs_own_clock() {
    let post = with_pulls().await;
    let spent = Fault::new("GET pulls/7", 403, "API rate limit exceeded")
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", "1700000600")
        .header("date", "Tue, 14 Nov 2023 22:13:20 GMT");
    post.double.world().faults.push_back(spent);
    post.say(&said(7, "a")).await;
    let next = post.app.store().next_outbox_at().await.unwrap();
    assert_eq!(next, Some(Millis(NOW.0 + 601_000)));
}

#[tokio::test]
async fn trouble_at_github_passes_and_a_refusal_does_not() {
    let post = with_pulls().await;
    for status in [500, 503, 409] {
        let fault = Fault::new("GET pulls/7", status, "not now");
        post.double.world().faults.push_back(fault);
    }
    post.say(&said(7, "a")).await;
    for hours in 1..4 {
        post.deliver_at(Millis(NOW.0 + hours * 3_600_000)).await;
    }
    assert_eq!(post.entry().await, ("done".to_owned(), 3, String::new()));
    assert_eq!(post.double.world().comments.len(), 1);

    let no = Fault::new("PATCH issues/comments", 422, "Validation Failed");
    post.double.world().faults.push_back(no);
    post.say(&said(7, "b")).await;
    let (state, _, error) = post.entry().await;
    assert_eq!(state, "refused");
    assert!(error.contains("Validation Failed"), "{error}");
    post.say(&said(7, "c")).await;
    assert_eq!(post.entry().await.0, "done");
}

#[tokio::test]
async fn a_wrong_token_is_said_and_never_shown() {
    let post = with_pulls().await;
    let client = post.double.client_with("ghs_wrong_secret");
    wish(post.app.store(), &said(7, "a"), NOW).await.unwrap();
    deliver_next(&client, post.app.store(), NOW).await.unwrap();
    let (state, attempts, error) = post.entry().await;
    assert_eq!((state.as_str(), attempts), ("waiting", 1));
    assert!(
        error.contains("Bad credentials") && !error.contains("secret"),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_there_is_tried_again_later() {
    let app = TestApp::new().await;
    let post = Post {
        double: with_pulls().await.double,
        app,
    };
    let nowhere = kvmark::github::Client::new(
        // Port 9 (discard) of this machine: nobody listens.
        "http://127.0.0.1:9".parse().unwrap(),
        "o/r".parse().unwrap(),
        kvmark::domain::github::GithubToken::new("t").unwrap(),
    );
    wish(post.app.store(), &said(7, "a"), NOW).await.unwrap();
    deliver_next(&nowhere, post.app.store(), NOW).await.unwrap();
    assert_eq!(post.entry().await.0, "waiting");
    post.deliver_later().await;
    assert_eq!(post.entry().await.0, "done");
}

#[tokio::test]
async fn a_moved_repository_is_followed_on_the_same_host_only() {
    let post = with_pulls().await;
    let moved = |to: String| Fault::new("GET pulls/7", 301, "Moved").header("location", to);
    let there = format!("{}/repos/o/r/pulls/7", post.double.address);
    post.double.world().faults.push_back(moved(there));
    post.say(&said(7, "a")).await;
    assert_eq!(post.entry().await.0, "done");

    let thief = super::double::Double::start().await;
    let elsewhere = format!("{}/repos/o/r/pulls/7", thief.address);
    post.double.world().faults.push_back(moved(elsewhere));
    post.say(&said(7, "b")).await;
    assert!(thief.world().requests.is_empty());
}

#[tokio::test]
async fn a_server_works_its_outbox_and_metrics_show_it() {
    let post = with_pulls().await;
    let check = Intent::Check(CheckWish {
        run_key: "lost".to_owned(),
        commit: "d".repeat(40),
        page: None,
        state: CheckState::Running { since: NOW },
    });
    post.say(&check).await;
    wish(post.app.store(), &said(7, "a"), NOW).await.unwrap();
    let text = post.app.get("/metrics").await;
    for line in ["kvmark_github_queued 1", "kvmark_github_refused 1"] {
        assert!(text.text().contains(line), "{}", text.text());
    }
    let stop = tokio_util::sync::CancellationToken::new();
    let jobs = post.app.state.jobs.clone();
    let clock: kvmark::jobs::github::Clock = std::sync::Arc::new(|| NOW);
    let worker = kvmark::jobs::github::run(post.post(clock), stop.clone());
    let worker = tokio::spawn(worker);
    jobs.wake_outbox();
    let is_told = |world: &World| world.comments.len() == 1;
    post.double.until("a comment", is_told).await;
    stop.cancel();
    worker.await.unwrap();
    assert_eq!(post.double.world().comments[0].0, 7);
    assert_ne!(post.double.world().comments[0].1["body"], json!(""));
}
