//! One issue a cause.

use kvmark::domain::Millis;
use kvmark::github::Intent;
use kvmark::github::issue::{IssueWish, Note, Then};
use kvmark::github::marker;
use serde_json::json;

use super::Post;
use super::double::Fault;

fn wish(is_open: bool, notes: &[(&str, Then)]) -> IssueWish {
    IssueWish {
        fingerprint: "kv-sync/ci-a/c0ffee".to_owned(),
        title: "KVEventBurstLoad got 25.0% slower on ci-a".to_owned(),
        body: format!("**Something got worse**, told {} times", notes.len()),
        is_open,
        since: Millis(1_772_000_000_000),
        notes: notes
            .iter()
            .zip(1_772_000_000_001..)
            .map(|((id, then), at)| Note {
                id: (*id).to_owned(),
                at: Millis(at),
                text: format!("What happened: {id}."),
                then: *then,
            })
            .collect(),
    }
}

fn intent(is_open: bool, notes: &[(&str, Then)]) -> Intent {
    Intent::Issue(wish(is_open, notes))
}

#[tokio::test]
async fn a_cause_has_one_issue_through_its_whole_life() {
    let post = Post::new().await;
    post.say(&intent(true, &[])).await;
    let grew = ("grew", Then::Nothing);
    post.say(&intent(true, &[grew])).await;
    let fixed = ("3 good nights", Then::Close);
    post.say(&intent(false, &[grew, fixed])).await;
    assert_eq!(post.double.world().issues[0]["state"], "closed");
    let back = ("back", Then::Reopen);
    post.say(&intent(true, &[grew, fixed, back])).await;
    let world = post.double.world();
    assert_eq!((world.issues.len(), world.comments.len()), (1, 3));
    assert_eq!(world.issues[0]["state"], "open");
    insta::assert_snapshot!(world.recording(), @r#"
        POST issues
        {
          "body": "<!-- kvmark:issue f5a23aefb1e94e31 until=1772000000000 notes=e3b0c44298fc1c14 -->\n**Something got worse**, told 0 times",
          "labels": [
            "kvmark"
          ],
          "title": "KVEventBurstLoad got 25.0% slower on ci-a"
        }
        POST issues/1/comments
        {
          "body": "<!-- kvmark:note f5a23aefb1e94e31 b4da13b0fdf693ea -->\nWhat happened: grew."
        }
        PATCH issues/1
        {
          "body": "<!-- kvmark:issue f5a23aefb1e94e31 until=1772000000000 notes=b4da13b0fdf693ea -->\n**Something got worse**, told 1 times",
          "title": "KVEventBurstLoad got 25.0% slower on ci-a"
        }
        PATCH issues/1
        {
          "state": "closed",
          "state_reason": "completed"
        }
        POST issues/1/comments
        {
          "body": "<!-- kvmark:note f5a23aefb1e94e31 9499bb6bed7db205 -->\nWhat happened: 3 good nights."
        }
        PATCH issues/1
        {
          "body": "<!-- kvmark:issue f5a23aefb1e94e31 until=1772000000000 notes=d213b42d38179425 -->\n**Something got worse**, told 2 times",
          "title": "KVEventBurstLoad got 25.0% slower on ci-a"
        }
        PATCH issues/1
        {
          "state": "open",
          "state_reason": "reopened"
        }
        POST issues/1/comments
        {
          "body": "<!-- kvmark:note f5a23aefb1e94e31 3c482346f3750276 -->\nWhat happened: back."
        }
        PATCH issues/1
        {
          "body": "<!-- kvmark:issue f5a23aefb1e94e31 until=1772000000000 notes=cd68d2d6d4802db8 -->\n**Something got worse**, told 3 times",
          "title": "KVEventBurstLoad got 25.0% slower on ci-a"
        }
        "#);
}

#[tokio::test]
async fn the_issue_is_found_again_on_a_later_page_when_its_number_is_lost() {
    let post = Post::new().await;
    for n in 0..230 {
        post.double.issue_of("NONE", &format!("another {n}"));
    }
    post.say(&intent(true, &[])).await;
    assert_eq!(post.double.world().issues.len(), 231);
    let other = Post {
        double: post.double.clone(),
        app: crate::app::TestApp::new().await,
    };
    other.say(&intent(true, &[("grew", Then::Nothing)])).await;
    let world = post.double.world();
    assert_eq!((world.issues.len(), world.comments.len()), (231, 1));
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_issue() {
    let post = Post::new().await;
    post.double
        .world()
        .faults
        .push_back(Fault::new("POST issues", 502, "Bad Gateway").after_the_deed());
    post.say(&intent(true, &[])).await;
    assert_eq!(post.entry().await.0, "waiting");
    post.deliver_later().await;
    assert_eq!(post.entry().await.0, "done");
    assert_eq!(post.double.world().issues.len(), 1);
}

#[tokio::test]
async fn a_comment_whose_answer_is_lost_is_not_told_again() {
    let post = Post::new().await;
    post.say(&intent(true, &[])).await;
    let lost = Fault::new("POST issues/1/comments", 500, "oops").after_the_deed();
    post.double.world().faults.push_back(lost);
    let notes = [("grew", Then::Nothing), ("fixed", Then::Close)];
    post.say(&intent(false, &notes)).await;
    post.deliver_later().await;
    let world = post.double.world();
    assert_eq!(world.comments.len(), 2);
    assert_eq!(world.issues[0]["state"], "closed");
}

#[tokio::test]
async fn a_strangers_copy_of_the_marker_is_not_taken_for_ours() {
    let post = Post::new().await;
    let copy = marker::issue(&wish(true, &[]).fingerprint, Millis(0), "");
    let stranger = post.double.issue_of("NONE", &copy);
    post.say(&intent(true, &[])).await;
    let world = post.double.world();
    assert_eq!(world.issues.len(), 2);
    assert_eq!(world.issues[0]["number"], json!(stranger));
    assert_eq!(world.issues[0]["title"], "a title");
}

#[tokio::test]
async fn an_issue_that_was_deleted_is_made_again() {
    let post = Post::new().await;
    post.say(&intent(true, &[])).await;
    post.double.world().issues.clear();
    post.say(&intent(true, &[("grew", Then::Nothing)])).await;
    let world = post.double.world();
    assert_eq!((world.issues.len(), world.comments.len()), (1, 0));
}
