use kvmark::config::Config;
use kvmark::domain::{RunKind, Scope};

use super::{Page, store};
use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

#[tokio::test]
async fn an_empty_store_says_what_to_do() {
    let app = TestApp::new().await;
    Page::get(&app, "/")
        .await
        .says("Nothing is measured yet")
        .says("bench-runner run --quick --upload --server http://127.0.0.1:8080")
        .does_not_say("Uploads are open");
}

#[tokio::test]
async fn open_uploads_are_said_until_a_token_exists() {
    let app = TestApp::with(Config {
        open_uploads: true,
        ..Config::default()
    })
    .await;
    Page::get(&app, "/").await.says("Uploads are open");
    let made = app
        .store()
        .create_token(&[7; 32], Scope::Upload, None, None, NOW)
        .await;
    assert!(made.is_ok(), "{made:?}");
    Page::get(&app, "/").await.does_not_say("Uploads are open");
}

#[tokio::test]
async fn a_step_is_in_the_counts_and_the_movers() {
    let app = TestApp::new().await;
    for ago in (1..=5).rev() {
        store(
            &app,
            &with(
                nightly(&format!("night {ago}"), ago),
                [latency("KVEventConcurrency", 1_000.0)],
            ),
        )
        .await;
    }
    store(
        &app,
        &with(
            nightly("tonight", 0),
            [latency("KVEventConcurrency", 1_300.0)],
        ),
    )
    .await;
    let page = Page::get(&app, "/").await;
    page.says("1 of 1 series measured")
        .says("KVEventConcurrency latency_p99 cpu=2 1,000 1,300 ns +30.0%")
        .says("critical > 20%")
        .says("Last 6 nights");
    assert!(page.html().contains(
        "/benchmarks/KVEventConcurrency?metric=latency_p99&#38;param.cpu=2&#38;environment=1"
    ));
}

#[tokio::test]
async fn one_run_is_warming_up_and_nothing_is_green() {
    let app = TestApp::new().await;
    store(
        &app,
        &with(nightly("only", 0), [latency("KVEventConcurrency", 1_000.0)]),
    )
    .await;
    Page::get(&app, "/")
        .await
        .says("warming up < 3 nights")
        .says("Last night")
        .says("no series has a baseline yet");
}

#[tokio::test]
async fn sample_data_is_labelled_and_stands_behind_real_machines() {
    let app = TestApp::new().await;
    let mut sample = with(
        nightly("sample", 0),
        [latency("KVEventConcurrency", 1_000.0)],
    );
    sample.kind = RunKind::Sample;
    sample.environment.is_sample = true;
    sample.environment.name = Some("sample".to_owned());
    sample.environment.fingerprint = "bb".repeat(32);
    store(&app, &sample).await;
    Page::get(&app, "/")
        .await
        .says("environment sample sample data generated, not measured");
    store(
        &app,
        &with(nightly("real", 0), [latency("KVEventConcurrency", 1_000.0)]),
    )
    .await;
    let text = Page::get(&app, "/").await.text();
    assert!(
        text.find("environment bench-1") < text.find("environment sample"),
        "{text}"
    );
}

#[tokio::test]
async fn markup_in_names_shows_as_text() {
    let app = TestApp::new().await;
    let evil = "<script>alert(1)</script>";
    for ago in (0..=4).rev() {
        let mut slower = latency(evil, if ago == 0 { 1_300.0 } else { 1_000.0 });
        slower.name.metric = evil.to_owned();
        slower.name.params.insert(evil.to_owned(), evil.to_owned());
        let mut run = with(nightly(&format!("night {ago}"), ago), [slower]);
        run.revision.subject = Some(evil.to_owned());
        run.environment.name = Some(evil.to_owned());
        store(&app, &run).await;
    }
    let page = Page::get(&app, "/").await;
    page.says(evil);
    assert_eq!(page.count("<script"), 1, "the one of our own");
}

#[tokio::test]
async fn an_old_night_is_called_old() {
    let app = TestApp::new().await;
    store(
        &app,
        &with(nightly("old", 12), [latency("KVEventConcurrency", 1_000.0)]),
    )
    .await;
    Page::get(&app, "/")
        .await
        .says("no newer night: 12 days ago");
}
