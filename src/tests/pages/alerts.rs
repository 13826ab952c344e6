//! `/alerts` and `/alerts/{id}`.

use axum::http::StatusCode;
use kvmark::config::Config;
use kvmark::domain::{AlertId, Commit, Scope};
use kvmark::github::Intent;
use kvmark::jobs;
use kvmark::store::Tried;

use super::{Page, browser};
use crate::api::alerts::patch;
use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

/// Two months, with a step of a quarter in the last `bad` nights.
async fn app(bad: i64) -> TestApp {
    app_with(bad, Config::default()).await
}

async fn app_with(bad: i64, config: Config) -> TestApp {
    let app = TestApp::with(config).await;
    for days_ago in (0..50).rev() {
        let noise = 1.0 + 0.004 * ((days_ago * 7919 % 13) as f64 - 6.0) / 6.0;
        let value = noise * if days_ago < bad { 1250.0 } else { 1000.0 };
        let run = nightly(&format!("night {days_ago}"), days_ago);
        let evil = latency("<script>alert(1)</script>", value);
        let run = with(run, [latency("A", value), evil]);
        let stored = app.store().insert_judged(&run, NOW, jobs::judge_run).await;
        stored.unwrap();
    }
    app
}

#[tokio::test]
async fn without_an_alert_the_page_says_when_one_opens() {
    let page = Page::get(&app(0).await, "/alerts").await;
    page.says("No alert yet")
        .says("An alert opens when the nights confirm that main got worse");
}

#[tokio::test]
async fn an_open_alert_is_listed_counted_in_the_header_and_shown_on_the_first_page() {
    let app = app(9).await;
    let page = Page::get(&app, "/alerts").await;
    page.says("1 alert is open")
        .says("#1")
        .says("+24.7%")
        .says("unassigned");
    assert_eq!(page.count("class=\"count\""), 1);
    Page::get(&app, "/alerts?state=resolved")
        .await
        .says("No alert is in this state.");
    Page::get(&app, "/alerts?state=all").await.says("#1");
    Page::get(&app, "/")
        .await
        .says("Open alerts")
        .says("2 benchmarks");
    Page::with_status(&app, "/alerts?state=shut", StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn an_alert_shows_its_cause_its_suspects_and_its_life() {
    let app = app(9).await;
    let page = Page::get(&app, "/alerts/1").await;
    page.says("2 benchmarks are up to 24.").says("since 21 Feb");
    page.says("baseline frozen at")
        .says("closes by itself when the median of 3 nights is at most");
    page.says("first bad night")
        .says("last good night")
        .says("Compare both nights");
    page.says("confirmed by the nights since then")
        .says("Log in");
    page.does_not_say("Acknowledge ");
    assert!(
        page.html().contains("frozen"),
        "the chart names the frozen baseline"
    );
    Page::with_status(&app, "/alerts/9", StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn people_who_are_logged_in_handle_an_alert_by_forms() {
    let app = app(9).await;
    let token = app.token(Scope::Triage, None).await;
    let send =
        async |body: &str| browser(&app, "POST", "/alerts/1", &token, "same-origin", body).await;
    let version = async || {
        app.store()
            .alert(kvmark::domain::AlertId(1))
            .await
            .unwrap()
            .unwrap()
            .version
    };
    let page = browser(&app, "GET", "/alerts/1", &token, "none", "").await;
    assert!(page.text().contains("value=\"acknowledge\""));
    let header = |page: &str| page.split("</header>").next().unwrap().to_owned();
    assert!(header(page.text()).contains("Logged in as </span>test (token 1)<"));
    let nobody = header(Page::get(&app, "/alerts/1").await.html());
    assert!(
        nobody.contains("href=\"/login?to=%2Falerts%2F1\">Log in<"),
        "{nobody}"
    );
    let seen = version().await;
    let taken = send(&format!("version={seen}&action=acknowledge")).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    let stale = send(&format!("version={seen}&action=note&text=x")).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    send(&format!(
        "version={}&action=assign&text=a.k.",
        version().await
    ))
    .await;
    let silent = send(&format!(
        "version={}&action=dismiss&text=+",
        version().await
    ))
    .await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    send(&format!(
        "version={}&action=dismiss&text=fan+broken",
        version().await
    ))
    .await;
    Page::get(&app, "/alerts/1")
        .await
        .says("dismissed")
        .says("owner a.k.")
        .says("“fan broken”")
        .says("test (token 1) dismissed it");
}

#[tokio::test]
async fn a_form_from_another_site_changes_nothing() {
    let app = app(9).await;
    let token = app.token(Scope::Triage, None).await;
    let body = "version=1&action=acknowledge";
    let foreign = browser(&app, "POST", "/alerts/1", &token, "cross-site", body).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let read = app.token(Scope::Read, None).await;
    let weak = browser(&app, "POST", "/alerts/1", &read, "same-origin", body).await;
    assert_eq!(weak.status, StatusCode::FORBIDDEN);
    let alert = app
        .store()
        .alert(kvmark::domain::AlertId(1))
        .await
        .unwrap()
        .unwrap();
    assert!(alert.events.iter().all(|event| event.who.is_none()));
}

#[tokio::test]
async fn an_alert_names_the_command_that_finds_the_commit_and_github_where_it_is_told() {
    let app = app(9).await;
    let page = Page::get(&app, "/alerts/1").await;
    page.says("bench-runner bisect --alert 1 --server http://");
    assert!(!page.html().contains("github.com"), "told of no repository");
    let told = Config {
        github_repository: Some("owner/name".parse().unwrap()),
        ..Config::default()
    };
    let app = app_with(9, told).await;
    let alert = app.store().alert(AlertId(1)).await.unwrap().unwrap();
    let key = Intent::issue_key(&alert.fingerprint);
    app.store().put_outbox(&key, "{}", NOW).await.unwrap();
    let page = Page::get(&app, "/alerts/1").await;
    page.does_not_say("issue 612");
    let due = app.store().due_outbox(NOW).await.unwrap().unwrap();
    let told = app.store().tried_outbox(&due, Some(612), &Tried::Done, NOW);
    told.await.unwrap();
    let page = Page::get(&app, "/alerts/1").await;
    page.says("issue 612");
    let bad = &alert.first_bad.commit;
    for url in ["issues/612", &format!("commit/{bad}"), "compare/"] {
        let link = format!("href=\"https://github.com/owner/name/{url}");
        assert!(page.html().contains(&link), "{link}");
    }
}

#[tokio::test]
async fn suspects_say_what_they_touch_and_what_a_bisect_left_of_them() {
    Page::get(&app(9).await, "/alerts/1")
        .await
        .does_not_say("touches");
    let commit = |hash: &str, subject: &str, touches: &[&str]| Commit {
        commit: hash.to_owned(),
        subject: subject.to_owned(),
        author: "m.s.".to_owned(),
        touches: touches.iter().map(|&folder| folder.to_owned()).collect(),
    };
    let app = TestApp::new().await;
    for days_ago in (0..50).rev() {
        let value = if days_ago < 9 { 1250.0 } else { 1000.0 } + (days_ago % 3) as f64;
        let run = nightly(&format!("night {days_ago}"), days_ago);
        let mut run = with(run, [latency("A", value)]);
        run.commits = vec![
            commit(&run.revision.commit, "words", &[]),
            commit(
                "a7730bea7730be",
                "take the lock inside",
                &["index/shard", "docs", "fuzz"],
            ),
            commit("e6b80c2e6b80c2", "inline the hash", &["index/hash"]),
        ];
        let stored = app.store().insert_judged(&run, NOW, jobs::judge_run).await;
        stored.unwrap();
    }
    let page = Page::get(&app, "/alerts/1").await;
    page.says("3 commits since the night before")
        .says("a7730be take the lock inside m.s. index/shard, docs and 1 more")
        .says("words m.s. not available");
    let token = app.token(Scope::Triage, None).await;
    let found = serde_json::json!({"bisected": ["a7730bea7730be"]});
    let told = patch(&app, "/api/v1/alerts/1", &token, &found).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text());
    Page::get(&app, "/alerts/1")
        .await
        .says("first bad night bad")
        .says("index/shard, docs and 1 more first bad")
        .says("index/hash good")
        .says("bisected it to a7730be");
    let wrong = serde_json::json!({"bisected": ["main"]});
    let refused = patch(&app, "/api/v1/alerts/1", &token, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}
