//! A stop in the middle of anything leaves nothing half-visible.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kvmark::domain::confirmation::{NewConfirmation, Purpose};
use kvmark::store::{Outcome, RunFilter, SeriesFilter, Store, StoreOptions, Verdicts};

use crate::app::{NOW, TestApp};
use crate::builders::{latency, nightly, report, with};

#[tokio::test]
async fn a_failure_before_the_end_leaves_nothing() {
    let app = TestApp::new().await;
    let store = app.store().clone();
    let run = with(nightly("k", 0), [latency("A", 1.0)]);
    let failing = run.clone();
    let failed = tokio::spawn(async move {
        store
            .insert_judged(&failing, NOW, |_| -> Verdicts { panic!("the judge fails") })
            .await
            .map(|_| ())
    });
    assert!(failed.await.unwrap_err().is_panic());

    let store = app.store();
    assert!(store.run_by_key("k").await.unwrap().is_none());
    assert!(store.runs(&RunFilter::default()).await.unwrap().is_empty());
    assert!(
        store
            .series_of(&SeriesFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.environments().await.unwrap().is_empty());
    // What failed is sent again and goes in whole.
    let again = store.insert_run(&run, NOW).await.unwrap();
    assert_eq!(again.outcome, Outcome::New);
    assert_eq!(
        store
            .judged_run(again.run_id)
            .await
            .unwrap()
            .unwrap()
            .rows
            .len(),
        1
    );
}

#[tokio::test]
async fn pairs_and_what_they_change_are_stored_together_or_not_at_all() {
    let app = TestApp::new().await;
    let run = with(nightly("k", 0), [latency("A", 1.0)]);
    let run = app.store().insert_run(&run, NOW).await.unwrap().run_id;
    let new = NewConfirmation {
        pair_key: "a pair".to_owned(),
        purpose: Purpose::Confirm,
        planted: None,
        base_commit: "ab".repeat(20),
        head_commit: String::new(),
        series: Vec::new(),
        body: b"as it came".to_vec(),
        sha256: [7; 32],
    };
    let (store, failing) = (app.store().clone(), new.clone());
    let failed = tokio::spawn(async move {
        let judge = |_| -> Verdicts { panic!("the judge fails") };
        let stored = store.insert_confirmation(run, &failing, (&[], &[]), NOW, judge);
        stored.await.map(|_| ())
    });
    assert!(failed.await.unwrap_err().is_panic());
    let store = app.store();
    let known = store.confirmation(&new.pair_key, &new.sha256).await;
    assert_eq!(known.unwrap(), None);
    // What failed is sent again and goes in whole.
    let again = store.insert_confirmation(run, &new, (&[], &[]), NOW, |_| Verdicts::later());
    assert_eq!(again.await.unwrap(), Outcome::New);
    assert_eq!(store.rejudge_count().await.unwrap(), 1);
}

/// A real server with open uploads, and where it listens.
fn serve(database: &Path) -> (Child, String) {
    let mut server = Command::new(assert_cmd::cargo::cargo_bin("kvmark"))
        .args([
            "serve",
            "--bind",
            "127.0.0.1:0",
            "--open-uploads",
            "--database",
        ])
        .arg(database)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().rsplit(' ').next().unwrap().to_owned();
    (server, address)
}

fn upload(address: &str, body: String) -> Option<u16> {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build(),
    );
    let sent = agent
        .post(format!("{address}/api/v1/runs"))
        .header("content-type", "application/json")
        .send(body);
    sent.ok().map(|answer| answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_has_whole_runs_only_and_takes_the_rest_later() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("kvmark.db");
    let names: Vec<String> = (0..200).map(|i| format!("B{i}")).collect();
    let reports: Vec<String> = (0..12)
        .map(|day| {
            let metrics: Vec<(&str, f64)> = names.iter().map(|n| (n.as_str(), 1.0)).collect();
            // A real server has the machine's clock, and refuses times to come.
            let mut report = report(day, &metrics);
            for key in ["started_at", "finished_at"] {
                report[key] = serde_json::json!("2026-01-01T00:00:00Z");
            }
            report.to_string()
        })
        .collect();

    let (mut server, address) = serve(&database);
    let senders: Vec<_> = reports
        .iter()
        .cloned()
        .map(|body| {
            let address = address.clone();
            std::thread::spawn(move || upload(&address, body))
        })
        .collect();
    // Killed as soon as something is stored, while the others are under way.
    let watching = Store::open(&database, StoreOptions::default())
        .await
        .unwrap();
    while watching
        .runs(&RunFilter::default())
        .await
        .unwrap()
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let answers: Vec<Option<u16>> = senders.into_iter().map(|s| s.join().unwrap()).collect();

    assert_eq!(watching.verify().await.unwrap(), Vec::<String>::new());
    let stored = watching.runs(&RunFilter::default()).await.unwrap();
    for run in &stored {
        let rows = watching.judged_run(run.id).await.unwrap().unwrap().rows;
        assert_eq!(rows.len(), names.len(), "run {}", run.id);
    }
    let answered = answers.iter().filter(|a| **a == Some(201)).count();
    assert!(
        stored.len() >= answered,
        "{} stored, {answered} answered",
        stored.len()
    );
    watching.close().await;

    let (mut server, address) = serve(&database);
    for body in &reports {
        assert!(matches!(upload(&address, body.clone()), Some(200 | 201)));
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let store = Store::open(&database, StoreOptions::default())
        .await
        .unwrap();
    assert_eq!(
        store.runs(&RunFilter::default()).await.unwrap().len(),
        reports.len()
    );
    assert!(store.verify().await.unwrap().is_empty());
}
