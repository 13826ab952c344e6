//! From nights to an issue, and to its end.

use kvmark::domain::{Millis, Scope};
use kvmark::jobs::issues::tell_alerts;
use kvmark::jobs::rejudge_all;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Post;
use crate::app::NOW;
use crate::builders::report;

/// A value of a night with half a percent of noise.
fn noisy(days: i64, value: f64) -> f64 {
    let noise = [0.0, 0.004, -0.003, 0.002, -0.005, 0.001, 0.003];
    value * (1.0 + noise[usize::try_from(days).unwrap() % noise.len()])
}

struct Nights {
    post: Post,
    token: String,
}

impl Nights {
    /// Twenty quiet nights, 40 to 21 days ago.
    async fn quiet() -> Self {
        let post = Post::of_server().await;
        let token = post.app.token(Scope::Upload, None).await;
        let nights = Self { post, token };
        for days in (21..=40).rev() {
            nights.night(days, 1.0).await;
        }
        nights
    }

    /// A night in which all is `slower` times as slow; then what there is to say is said. The verdict.
    async fn night(&self, days: i64, slower: f64) -> Value {
        let a = noisy(days, 100.0) * slower;
        let b = noisy(days + 3, 50.0) * slower;
        let sent = report(days, &[("A", a), ("B", b), ("C", noisy(days + 5, 7.0))]);
        let answer = self.post.app.upload(&self.token, &sent).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        self.tell().await;
        answer.json()["verdict"].clone()
    }

    async fn tell(&self) {
        let store = self.post.app.store();
        let stop = CancellationToken::new();
        rejudge_all(store, &stop).await.unwrap();
        let url = self.post.app.state.config.public_url.as_deref();
        tell_alerts(store, url, NOW).await.unwrap();
        self.post.deliver_at(NOW).await;
    }

    fn issue(&self) -> Value {
        let world = self.post.double.world();
        assert_eq!(world.issues.len(), 1, "{:?}", world.requests);
        world.issues[0].clone()
    }

    fn comments(&self) -> Vec<String> {
        let world = self.post.double.world();
        let body = |comment: &Value| comment["body"].as_str().unwrap().to_owned();
        world.comments.iter().map(|(_, c)| body(c)).collect()
    }
}

#[tokio::test]
async fn a_slowdown_opens_one_issue_good_nights_close_it_and_its_return_opens_it_again() {
    let nights = Nights::quiet().await;
    assert!(nights.post.double.world().requests.is_empty());
    for days in (15..=20).rev() {
        nights.night(days, 1.25).await;
    }
    let issue = nights.issue();
    assert_eq!(issue["state"], "open");
    let title = issue["title"].as_str().unwrap();
    assert!(
        title.contains("and 1 more: +2") && title.contains("on bench-1 since"),
        "{title}"
    );
    let body = issue["body"].as_str().unwrap();
    for said in [
        "2 series got worse at the same revision",
        "A latency\\_p99 cpu=2",
        "B latency\\_p99 cpu=2",
        "Suspects: the commits after",
        "https://perf.example.org/alerts/1",
    ] {
        assert!(body.contains(said), "{said}\n{body}");
    }
    assert!(!body.contains("C latency"), "{body}");

    for days in (12..=14).rev() {
        assert_eq!(nights.issue()["state"], "open", "{days} days ago");
        nights.night(days, 1.0).await;
    }
    let closed = nights.issue();
    assert_eq!(closed["state"], "closed", "{:?}", nights.comments());
    assert_eq!(closed["state_reason"], "completed");
    let proof = nights.comments().last().unwrap().clone();
    assert!(proof.contains("The alert is resolved."), "{proof}");
    assert!(proof.contains("three good nights"), "{proof}");

    for days in (8..=11).rev() {
        nights.night(days, 1.25).await;
    }
    let back = nights.issue();
    assert_eq!(back["state"], "open", "{:?}", nights.comments());
    assert_eq!(back["number"], issue["number"]);
    let comment = nights.comments().last().unwrap().clone();
    assert!(comment.contains("worse again"), "{comment}");
    assert!(comment.contains("The alert is open again."), "{comment}");
}

#[tokio::test]
async fn a_bad_night_between_good_ones_makes_the_issue_wait_for_three_in_a_row() {
    let nights = Nights::quiet().await;
    for days in (15..=20).rev() {
        nights.night(days, 1.25).await;
    }
    let alert = async || {
        let alert = nights.post.app.get("/api/v1/alerts/1").await.json();
        alert["state"].clone()
    };
    for (days, slower, state) in [
        (14, 1.0, "open"),
        // The median of three is back.
        (13, 1.0, "resolved"),
        (12, 1.25, "resolved"),
        (11, 1.0, "resolved"),
        (10, 1.0, "resolved"),
    ] {
        nights.night(days, slower).await;
        assert_eq!(alert().await, state, "{days} days ago");
        assert_eq!(nights.issue()["state"], "open", "{days} days ago");
    }
    let body = nights.issue()["body"].clone();
    let two = "State: resolved, with 2 of the 3 good nights in a row";
    assert!(body.as_str().unwrap().contains(two), "{body}");
    nights.night(9, 1.0).await;
    assert_eq!(nights.issue()["state"], "closed");
    let body = nights.issue()["body"].clone();
    assert!(
        body.as_str().unwrap().contains("State: resolved.\n"),
        "{body}"
    );
    let closings = |text: &&String| text.contains("The alert is resolved.");
    assert_eq!(nights.comments().iter().filter(closings).count(), 1);
}

#[tokio::test]
async fn a_level_that_is_back_stays_back_however_many_nights_say_so() {
    let nights = Nights::quiet().await;
    for days in (15..=20).rev() {
        nights.night(days, 1.25).await;
    }
    for days in (0..=14).rev() {
        nights.night(days, 1.0).await;
    }
    assert_eq!(nights.issue()["state"], "closed", "{:?}", nights.comments());
    let closings = |text: &&String| text.contains("The alert is resolved.");
    assert_eq!(nights.comments().iter().filter(closings).count(), 1);
}

#[tokio::test]
async fn nothing_new_says_nothing() {
    let nights = Nights::quiet().await;
    for days in (17..=20).rev() {
        nights.night(days, 1.25).await;
    }
    nights.issue();
    let before = nights.post.double.world().requests.len();
    nights.tell().await;
    nights.tell().await;
    assert_eq!(nights.post.double.world().requests.len(), before);
}

#[tokio::test]
async fn history_that_is_sent_later_wakes_nobody() {
    let nights = Nights::quiet().await;
    let store = nights.post.app.store();
    for days in (17..=20).rev() {
        let sent = report(days, &[("A", noisy(days, 125.0)), ("B", noisy(days, 50.0))]);
        nights.post.app.upload(&nights.token, &sent).await;
    }
    let years_later = Millis(NOW.0 + 365 * 86_400_000);
    tell_alerts(store, None, years_later).await.unwrap();
    assert!(store.outbox("").await.unwrap().is_empty());
}
