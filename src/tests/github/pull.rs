//! From two uploaded reports to a comment and a check.

use kvmark::domain::{RunKind, Scope};
use serde_json::{Value, json};

use super::Post;
use crate::app::NOW;
use crate::builders::report;

const BASE: &str = "aaaa000000000000000000000000000000000001";
const HEAD: &str = "bbbb000000000000000000000000000000000002";

/// One side of a pair of pull request 12.
fn side(side: &str, commit: &str, value: f64) -> Value {
    let mut sent = report(0, &[("A", value), ("B", 50.0)]);
    sent["kind"] = json!("pull");
    sent["revision"] = json!({
        "commit": commit, "branch": "topic", "pull": 12, "base_commit": BASE, "dirty": false,
    });
    sent["pair"] = json!({
        "pair_key": "6b5ab5a5-6a3f-4c7e-9d0e-000000000001", "side": side,
        "rounds": [0, 1, 2, 3, 4, 5], "purpose": "pull",
    });
    sent
}

async fn measured() -> Post {
    let post = Post::of_server().await;
    {
        let mut world = post.double.world();
        world.pulls = vec![(12, HEAD.to_owned())];
        world.commits = vec![BASE.to_owned(), HEAD.to_owned()];
    }
    post
}

async fn upload(post: &Post, report: &Value) {
    let token = post.app.token(Scope::Upload, Some(&[RunKind::Pull])).await;
    let answer = post.app.upload(&token, report).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    post.deliver_at(NOW).await;
}

#[tokio::test]
async fn a_pair_says_its_verdict_once_both_sides_are_here() {
    let post = measured().await;
    let head = side("head", HEAD, 130.0);
    upload(&post, &head).await;
    assert!(post.double.world().requests.is_empty());
    upload(&post, &side("base", BASE, 100.0)).await;
    let before = {
        let world = post.double.world();
        assert_eq!((world.comments.len(), world.checks.len()), (1, 1));
        let comment = world.comments[0].1["body"].as_str().unwrap();
        assert!(
            comment.contains("https://perf.example.org/pulls/12"),
            "{comment}"
        );
        let check = &world.checks[0];
        assert_eq!(check["conclusion"], "failure");
        assert_eq!(check["head_sha"], HEAD);
        assert_eq!(check["annotations"][0]["title"], "A latency_p99 cpu=2");
        world.requests.len()
    };
    // The answer to the first upload was lost: the same again says nothing again.
    upload(&post, &head).await;
    assert_eq!(post.double.world().requests.len(), before);
}

#[tokio::test]
async fn the_comment_and_the_check_say_what_the_report_says() {
    let post = measured().await;
    upload(&post, &side("base", BASE, 100.0)).await;
    upload(&post, &side("head", HEAD, 130.0)).await;
    let json = post.app.get("/api/v1/pulls/12/report").await.json();
    let markdown = post
        .app
        .get("/api/v1/pulls/12/report?format=markdown")
        .await;
    let world = post.double.world();
    let comment = world.comments[0].1["body"].as_str().unwrap();
    assert_eq!(comment.split_once('\n').unwrap().1, markdown.text());
    let sentence = json["sentence"].as_str().unwrap();
    assert!(markdown.text().contains(sentence), "{}", markdown.text());
    assert_eq!(world.checks[0]["output"]["title"], sentence);
    assert_eq!(json["exit_code"], 1);
}

#[tokio::test]
async fn without_a_repository_nothing_is_put_aside() {
    let app = crate::app::TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    app.upload(&token, &side("base", BASE, 100.0)).await;
    app.upload(&token, &side("head", HEAD, 130.0)).await;
    assert!(app.store().outbox("").await.unwrap().is_empty());
}
