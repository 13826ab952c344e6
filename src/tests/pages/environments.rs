//! `/environments`, `/environments/{id}` and `/status`.

use kvmark::domain::{Millis, NewRun, Purpose, RunKind, RunPair, Side};

use super::{Page, store};
use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, with};

/// A pair of identical programs, so many days ago.
fn identical(number: i64, days_ago: i64, factor: f64) -> [NewRun; 2] {
    [(Side::Base, 1.0), (Side::Head, factor)].map(|(side, factor)| {
        let rows = [latency("A", 100.0), latency("B", 50.0 * factor)];
        let mut run = with(nightly(&format!("aa {number} {side}"), days_ago), rows);
        run.kind = RunKind::Aa;
        run.pair = Some(RunPair {
            key: format!("aa {number}"),
            side,
            purpose: Purpose::Aa,
            against_run: None,
            rounds: (0..6).collect(),
        });
        run
    })
}

#[tokio::test]
async fn what_disturbed_a_run_is_counted_beside_its_conditions() {
    let app = TestApp::new().await;
    let mut run = with(nightly("first", 1), [latency("A", 1.0)]);
    let long = "A cpu=1: other processes used 84% of the machine, not steady after warming up";
    run.conditions = [
        ("Load, 1 min", "0.31"),
        ("Disturbed", long),
        ("Disturbed", "B cpu=1: steal"),
    ]
    .map(|(label, value)| (label.to_owned(), value.to_owned()))
    .into();
    store(&app, &run).await;
    Page::get(&app, "/environments/1")
        .await
        .says("Load, 1 min Disturbed")
        .says("0.31 2 times")
        .does_not_say("other processes");
}

#[tokio::test]
async fn a_machine_says_what_it_is_its_epochs_and_what_made_them() {
    let app = TestApp::new().await;
    store(&app, &with(nightly("first", 9), [latency("A", 1.0)])).await;
    let mut suite = with(nightly("suite", 5), [latency("A", 1.0)]);
    suite.suite_version = "2".to_owned();
    suite.conditions = vec![("Load at start".to_owned(), "0.31".to_owned())];
    store(&app, &suite).await;
    let mut anew = with(nightly("anew", 2), [latency("A", 1.0)]);
    anew.suite_version = "2".to_owned();
    anew.environment.fingerprint = "bb".repeat(32);
    anew.environment.facts = vec![("CPU".to_owned(), "EPYC <2>".to_owned())];
    store(&app, &anew).await;

    let list = Page::get(&app, "/environments").await;
    assert!(list.text().contains("bench-1"), "{}", list.text());
    assert_eq!(
        list.text().matches("earlier").count(),
        1,
        "the machine before"
    );

    let page = Page::get(&app, "/environments/2").await;
    let text = page.text();
    for part in [
        "bench-1: EPYC <2>, 1 run since 27 Feb 2026",
        "CPU EPYC → EPYC <2>",
        "suite 1 → 2",
        "the first",
        "No pair of identical programs was measured here yet",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let before = Page::get(&app, "/environments/1").await;
    assert!(before.text().contains("Load at start"), "{}", before.text());
    assert!(before.text().contains("0.31"), "{}", before.text());
    let gone = app.get("/environments/9").await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn identical_programs_make_the_control_chart_of_their_machine() {
    let app = TestApp::new().await;
    for run in identical(1, 4, 1.02).iter().chain(&identical(2, 2, 0.97)) {
        store(&app, run).await;
    }
    let page = Page::get(&app, "/environments/1").await;
    let html = page.html();
    assert_eq!(
        html.matches("class=\"dot s1\"").count(),
        4,
        "two pairs, drawn twice"
    );
    assert!(html.contains("2 pairs of identical programs"), "{html}");
    let text = page.text();
    for part in ["+2.0%", "\u{2212}3.0%", "B latency_p99 cpu=2"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn the_status_of_a_server_says_what_is_kept_what_waits_and_who_is_silent() {
    let app = TestApp::new().await;
    let empty = Page::get(&app, "/status").await;
    for part in [
        "0 runs",
        "nothing is waiting",
        "never recorded",
        "Nothing was uploaded yet",
    ] {
        assert!(empty.text().contains(part), "{part}: {}", empty.text());
    }
    let late = with(nightly("late", 3), [latency("A", 1.0)]);
    app.store().insert_run(&late, NOW).await.unwrap();
    app.store()
        .record(
            "store.backup",
            "/srv/a<b>.db",
            "(12 bytes)",
            Millis(NOW.0 - 3_600_000),
        )
        .await
        .unwrap();
    let page = Page::get(&app, "/status").await;
    let text = page.text();
    for part in [
        "1 run,",
        "raw samples",
        "read ",
        "/srv/a<b>.db (12 bytes)",
        "late: it waited in the runner's spool",
        "silent for more than a night",
        "SQLite",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
