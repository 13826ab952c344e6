//! One comment a pull request, edited.

use kvmark::github::comment::CommentWish;
use kvmark::github::{Intent, marker};
use serde_json::json;

use super::Post;

const HEAD: &str = "c0ffee1234c0ffee1234c0ffee1234c0ffee1234";

fn said(text: &str) -> Intent {
    Intent::Comment(CommentWish {
        pull: 12,
        commit: HEAD.to_owned(),
        body: text.to_owned(),
    })
}

#[tokio::test]
async fn a_pull_request_has_one_comment_which_is_edited() {
    let post = Post::new().await;
    post.double.world().pulls = vec![(12, HEAD.to_owned())];
    post.say(&said("**Nothing got slower** (exit 0)\n\n")).await;
    post.say(&said("**Something got worse** (exit 1)\n\n"))
        .await;
    let world = post.double.world();
    assert_eq!(world.comments.len(), 1);
    insta::assert_snapshot!(world.recording(), @r#"
        POST issues/12/comments
        {
          "body": "<!-- kvmark:pull -->\n**Nothing got slower** (exit 0)\n\n"
        }
        PATCH issues/comments/1
        {
          "body": "<!-- kvmark:pull -->\n**Something got worse** (exit 1)\n\n"
        }
        "#);
}

#[tokio::test]
async fn the_comment_is_found_again_among_those_of_others() {
    let post = Post::new().await;
    {
        let mut world = post.double.world();
        world.pulls = vec![(12, HEAD.to_owned())];
        for n in 0..120 {
            let body = if n == 5 {
                marker::comment()
            } else {
                format!("{n}")
            };
            let by = json!({"id": 1000 + n, "body": body, "author_association": "NONE",
                            "user": {"type": "User"}});
            world.comments.push((12, by));
        }
        let ours = json!({"id": 2000, "body": format!("{}\nold", marker::comment()),
                          "author_association": "NONE", "user": {"type": "Bot"}});
        world.comments.push((12, ours));
    }
    post.say(&said("new")).await;
    let world = post.double.world();
    assert_eq!(world.comments.len(), 121);
    assert!(
        world.comments[120].1["body"]
            .as_str()
            .unwrap()
            .contains("new")
    );
    assert_eq!(world.comments[5].1["body"], json!(marker::comment()));
}

#[tokio::test]
async fn a_comment_that_a_person_deleted_is_made_again_when_there_is_news() {
    let post = Post::new().await;
    post.double.world().pulls = vec![(12, HEAD.to_owned())];
    post.say(&said("one")).await;
    post.double.world().comments.clear();
    post.say(&said("one")).await;
    assert!(post.double.world().comments.is_empty());
    post.say(&said("two")).await;
    assert_eq!(post.double.world().comments.len(), 1);
}

#[tokio::test]
async fn a_report_of_another_commit_says_nothing_in_the_pull_request() {
    let post = Post::new().await;
    post.double.world().pulls = vec![(12, "d".repeat(40))];
    post.say(&said("**Nothing got slower**")).await;
    assert!(post.double.world().comments.is_empty());
    assert_eq!(post.entry().await.0, "done");
}

#[tokio::test]
async fn a_pull_request_that_is_not_there_is_given_up_at_once() {
    let post = Post::new().await;
    post.say(&said("**Nothing got slower**")).await;
    let (state, _, error) = post.entry().await;
    assert_eq!(state, "refused");
    assert!(error.contains("GET pulls/12 (404)"), "{error}");
}
