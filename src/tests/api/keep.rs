//! What keeps a store for years, by the command line.

use std::path::Path;

use assert_cmd::Command;
use kvmark::domain::{Judgement, RunId, Scope, SeriesId};
use kvmark::store::{Store, StoreOptions};
use serde_json::json;

use crate::app::TestApp;
use crate::builders::report;

fn kvmark(database: &Path, args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("kvmark")
        .unwrap()
        .env_remove("KVMARK_DATABASE")
        .args(args)
        .arg("--database")
        .arg(database)
        .assert()
}

fn said(assert: &assert_cmd::assert::Assert) -> String {
    let output = assert.get_output();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn app_with(nights: &[(i64, f64)]) -> TestApp {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for (days, value) in nights {
        app.upload(&token, &report(*days, &[("A", *value), ("B <b>", 1.0)]))
            .await;
    }
    app
}

#[tokio::test]
async fn a_backup_of_a_store_in_use_is_whole_and_comes_back() {
    let app = app_with(&[(1, 1.0), (0, 2.0)]).await;
    let database = app.state.config.database.clone();
    let folder = tempfile::tempdir().unwrap();
    let (copy, other) = (folder.path().join("copy"), folder.path().join("other.db"));
    let text = copy.to_str().unwrap();
    kvmark(&database, &["backup", text]).success();
    assert!(said(&kvmark(&database, &["verify", text]).success()).contains("2 runs"));
    // A second backup does not go over the first.
    kvmark(&database, &["backup", text]).failure();

    kvmark(&other, &["restore", text]).success();
    let store = Store::open(&other, StoreOptions::default()).await.unwrap();
    for (of, action) in [
        (app.store(), "store.backup"),
        (app.store(), "store.verify"),
        (&store, "store.restore"),
    ] {
        let recorded = of.last_record(action).await.unwrap();
        assert_eq!(recorded.unwrap().subject, text, "{action}");
    }
    let run = store.judged_run(RunId(2)).await.unwrap().unwrap();
    assert_eq!(
        run,
        app.store().judged_run(RunId(2)).await.unwrap().unwrap()
    );
}

#[tokio::test]
async fn a_store_in_use_is_not_replaced() {
    let app = app_with(&[(0, 1.0)]).await;
    let database = app.state.config.database.clone();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let text = copy.to_str().unwrap();
    kvmark(&database, &["backup", text]).success();
    let refused = kvmark(&database, &["restore", text]).failure();
    assert!(
        said(&refused).contains("stop the server"),
        "{}",
        said(&refused)
    );
    app.store().close().await;
    let done = said(&kvmark(&database, &["restore", text]).success());
    assert!(done.contains(".replaced-"), "{done}");
}

#[tokio::test]
async fn damage_is_found_and_said() {
    let app = app_with(&[(0, 1.0)]).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let text = copy.to_str().unwrap();
    kvmark(&app.state.config.database, &["backup", text]).success();
    let mut bytes = std::fs::read(&copy).unwrap();
    // The magic number of the zstd frames that hold samples, report, list of series and what was
    // carried.
    let frames: Vec<usize> = (0..bytes.len() - 4)
        .filter(|i| bytes[*i..].starts_with(&[0x28, 0xb5, 0x2f, 0xfd]))
        .collect();
    assert_eq!(frames.len(), 4);
    for at in frames {
        bytes[at + 12] ^= 0x55;
    }
    std::fs::write(&copy, bytes).unwrap();
    let refused = said(&kvmark(&app.state.config.database, &["verify", text]).failure());
    assert!(refused.contains("run 1"), "{refused}");
    std::fs::write(&copy, b"no database at all").unwrap();
    kvmark(&app.state.config.database, &["verify", text]).failure();
}

#[tokio::test]
async fn what_is_derived_is_made_again_to_the_same_answer() {
    let app = app_with(&[(3, 1.0), (2, 1.0), (1, 1.0), (0, 1.15)]).await;
    let database = app.state.config.database.clone();
    kvmark(&database, &["rebuild", "--check"]).success();

    let was = app.store().judged_run(RunId(4)).await.unwrap().unwrap();
    let wrong = Judgement {
        change: Some(9.9),
        ..was.rows[0].judgement
    };
    app.store()
        .save_judgements(RunId(4), &[(SeriesId(1), wrong)])
        .await
        .unwrap();
    let refused = said(&kvmark(&database, &["rebuild", "--check"]).failure());
    assert!(
        refused.contains("run 4: series 1: the verdict is warning"),
        "{refused}"
    );
    kvmark(&database, &["rebuild"]).success();
    let mut now = app.store().judged_run(RunId(4)).await.unwrap().unwrap();
    // What was damaged is said otherwise now, and that is told.
    assert!(std::mem::take(&mut now.run.is_rejudged));
    assert_eq!(now, was);
}

#[tokio::test]
async fn old_runs_go_with_all_that_is_theirs_and_nothing_else_does() {
    let app = TestApp::new().await;
    let token = app.token(Scope::Upload, None).await;
    for (days, kind) in [(400, "pull"), (399, "nightly"), (398, "pull"), (1, "pull")] {
        let mut sent = report(days, &[("A", 1.0)]);
        sent["kind"] = json!(kind);
        app.upload(&token, &sent).await;
    }
    let database = app.state.config.database.clone();
    let keep = ["prune", "--keep", "pull=1y,nightly=5y"];
    let would = said(&kvmark(&database, &[keep[0], keep[1], keep[2], "--dry-run"]).success());
    assert!(would.contains("2 runs would go"), "{would}");
    assert!(app.store().run(RunId(1)).await.unwrap().is_some());
    kvmark(&database, &keep).success();
    for (run, is_there) in [(1, false), (2, true), (3, false), (4, true)] {
        assert_eq!(
            app.store().run(RunId(run)).await.unwrap().is_some(),
            is_there,
            "{run}"
        );
    }
    assert!(app.store().verify().await.unwrap().is_empty());
    let points = app.get("/api/v1/series/1/points").await.json();
    assert_eq!(points["run_id"], json!([2, 4]));
}

#[tokio::test]
async fn a_retired_series_is_expected_no_more() {
    let app = app_with(&[(1, 1.0)]).await;
    let database = app.state.config.database.clone();
    kvmark(&database, &["retire", "C*", "--reason", "gone"]).failure();
    let done = kvmark(&database, &["retire", "B*", "--reason", "gone"]).success();
    assert!(said(&done).contains("1 newly retired"));
    let token = app.token(Scope::Upload, None).await;
    let tonight = app.upload(&token, &report(0, &[("A", 1.0)])).await.json();
    assert_eq!(tonight["verdict"]["coverage"]["missing"], json!([]));
    assert_eq!(
        app.store().audit_of("series 2").await.unwrap()[0].detail,
        "gone"
    );
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let app = TestApp::new().await;
    let database = app.state.config.database.clone();
    let made = kvmark(
        &database,
        &[
            "token", "create", "--scope", "upload", "--kinds", "pull", "--note", "CI",
        ],
    )
    .success();
    let token = String::from_utf8_lossy(&made.get_output().stdout)
        .trim()
        .to_owned();
    let mut sent = report(0, &[("A", 1.0)]);
    assert_eq!(app.upload(&token, &sent).await.status, 403);
    sent["kind"] = json!("pull");
    assert_eq!(app.upload(&token, &sent).await.status, 201);
    let listed = said(&kvmark(&database, &["token", "list"]).success());
    assert!(
        listed.contains("CI") && !listed.contains(&token),
        "{listed}"
    );
    kvmark(&database, &["token", "revoke", "1"]).success();
    kvmark(&database, &["token", "revoke", "1"]).failure();
    sent["run_key"] = json!(uuid::Uuid::new_v4().to_string());
    assert_eq!(app.upload(&token, &sent).await.status, 401);
}

#[tokio::test]
async fn a_run_and_a_comparison_become_one_file_each_that_asks_nobody() {
    let app = app_with(&[(2, 1.0), (1, 2.0)]).await;
    let database = app.state.config.database.clone();
    let folder = tempfile::tempdir().unwrap();
    let (run, pair) = (
        folder.path().join("run.html"),
        folder.path().join("pair.html"),
    );
    kvmark(&database, &["export-run", "2", run.to_str().unwrap()]).success();
    let args = ["export-run", "2", pair.to_str().unwrap(), "--against", "1"];
    kvmark(&database, &args).success();
    for (file, part) in [
        (&run, "Measurements"),
        (&pair, "Slower in 1 series, faster in none"),
    ] {
        let page = std::fs::read_to_string(file).unwrap();
        assert!(page.contains(part), "{part}: {page}");
        assert!(
            page.contains("<style>") && page.contains("Exported "),
            "{page}"
        );
        for asks in [" src=", r#"href="/"#, r#"href="http"#, "url(http", "<form"] {
            assert!(!page.contains(asks), "{asks}: {page}");
        }
    }
    let page = std::fs::read_to_string(&pair).unwrap();
    assert!(page.contains(r#"class="opened""#), "what changed is opened");
    // Nothing is written over, and what is not there is said.
    kvmark(&database, &["export-run", "2", run.to_str().unwrap()]).failure();
    let none = folder.path().join("none.html");
    let missing = kvmark(&database, &["export-run", "9", none.to_str().unwrap()]).failure();
    assert!(
        said(&missing).contains("there is no run 9"),
        "{}",
        said(&missing)
    );
    assert!(!none.exists());
}
