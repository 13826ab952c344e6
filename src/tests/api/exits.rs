//! Exit codes, as CI reads them: one by one, of the real program.

use serde_json::{Value, json};

use super::place::{Done, Place, served, server, with_history};

/// A server's address where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

#[track_caller]
fn check(done: &Done, code: i32, says: &str) {
    assert_eq!(done.code, code, "{done:?}");
    assert!(done.text().contains(says), "{says:?} in {done:?}");
}

/// Go benchmark text of some samples.
fn text(name: &str, samples: &[f64]) -> String {
    let line = |value| format!("Benchmark{name} 100 {value} ns/op\n");
    samples.iter().map(line).collect()
}

/// A place with files beside its repository.
fn with_files(files: &[(&str, String)]) -> Place {
    let place = Place::new();
    for (name, content) in files {
        std::fs::write(place.path(name), content).unwrap();
    }
    place
}

fn files_checked(old: String, new: String) -> Done {
    let place = with_files(&[("old", old), ("new", new)]);
    let (old, new) = (place.path("old"), place.path("new"));
    place.tool(&["check", "--baseline", &old, "--current", &new])
}

/// Ten samples within half a percent of a level.
fn about(level: f64) -> Vec<f64> {
    (0..10)
        .map(|n| level * (1.0 + 0.001 * f64::from(n % 5)))
        .collect()
}

#[test]
fn fine_is_0() {
    let place = Place::new();
    check(&place.tool(&["list"]), 0, "KVEventThroughput");
    check(&place.tool(&["--help"]), 0, "Usage");
    let same = text("A", &about(100.0));
    check(&files_checked(same.clone(), same), 0, "pass");
}

#[test]
fn a_regression_is_1() {
    let (old, new) = (text("A", &about(100.0)), text("A", &about(130.0)));
    check(&files_checked(old, new), 1, "+30.0%");
}

#[test]
fn wrong_usage_and_unreadable_input_are_2() {
    let place = with_files(&[("odd", "nothing to see\n".to_owned())]);
    let (odd, none) = (place.path("odd"), place.path("none"));
    let out = place.path("out.json");
    for arguments in [
        &["no-such-command"][..],
        &["gate"],
        &["gate", "--run", "one", "--server", NOBODY],
        &["gate", "--run", "1"],
        &["gate", "--run", "1", "--server", "ftp://example.org"],
        &[
            "accept", "--series", "*", "--reason", " ", "--server", NOBODY,
        ],
        &["check", "--baseline", &none, "--current", &odd],
        &["check", "--baseline", &odd, "--current", &odd],
        &["compare", &none, &odd],
        &["analyze", &none],
        &["analyze", &odd],
        &["upload", &none, "--server", NOBODY],
        &["upload", &odd, "--server", NOBODY],
        &["import", "--format", "go", &odd, "--out", &out],
        &["ab", "--base", "no-such-revision", "--head", "HEAD"],
        &[
            "bisect",
            "--series",
            "Work",
            "--good",
            "no-such-revision",
            "--bad",
            "HEAD",
        ],
        &["run", "--bench", "("],
    ] {
        let done = place.tool(arguments);
        assert_eq!(done.code, 2, "{arguments:?}: {done:?}");
        assert!(!done.said.is_empty(), "{arguments:?}");
    }
}

#[test]
fn too_few_samples_are_3() {
    let few = |level| text("A", &about(level)[..3]);
    check(&files_checked(few(100.0), few(104.0)), 3, "are needed");
}

#[test]
fn nothing_in_common_is_4() {
    let (old, new) = (text("A", &about(100.0)), text("B", &about(100.0)));
    check(&files_checked(old, new), 4, "A");
}

#[test]
fn two_environments_are_5() {
    let place = Place::new();
    let report = place.report();
    let mut other = report.clone();
    other["environment"]["cpu_model"] = json!("another one");
    check(
        &files_checked(report.to_string(), other.to_string()),
        5,
        "the environments differ",
    );
}

#[test]
fn a_server_that_is_away_is_6_whatever_is_asked() {
    let place = Place::new();
    let report = place.path("report.json");
    std::fs::write(&report, place.report().to_string()).unwrap();
    let (spool, cache) = (place.path("spool"), place.path("cache"));
    let spooled = ["--spool", &spool, "--server", NOBODY];
    let asked = ["--server", NOBODY];
    for (arguments, at) in [
        (&["upload", &report][..], &spooled[..]),
        (
            &["bridge", "--exec", "sh bench.sh", "--cache", &cache],
            &spooled,
        ),
        (&["gate", "--run", "1"], &asked),
        (&["gate", "--pull", "1"], &asked),
        (&["explain", "--run", "1", "--series", "1"], &asked),
        (&["accept", "--series", "*", "--reason", "so"], &asked),
        (&["bisect", "--alert", "1"], &asked),
    ] {
        let done = place.tool(&[arguments, at].concat());
        check(&done, 6, "cannot reach http://127.0.0.1:1");
    }
    // What could not be sent waits.
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_not_know_was_asked_wrongly_and_is_2() {
    let place = Place::new();
    let (app, token) = with_history(&place).await;
    let asked: [&[&str]; 7] = [
        &["gate", "--run", "999"],
        &["gate", "--pull", "999"],
        &["explain", "--run", "999", "--series", "1"],
        &["explain", "--run", "1", "--series", "999"],
        &["explain", "--run", "1", "--series", "Nobody ns/op"],
        &["bisect", "--alert", "999"],
        &["bridge", "--environment", "nobody"],
    ];
    let all = served(&app, |server| {
        asked.map(|arguments| {
            let at = ["--server", server, "--token", &token];
            place.tool(&[arguments, &at].concat())
        })
    })
    .await;
    for (arguments, done) in asked.iter().zip(&all) {
        assert_eq!(done.code, 2, "{arguments:?}: {done:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_the_server_refuses_is_6_and_waits() {
    let place = Place::new();
    let (app, _) = server().await;
    let mut report: Value = place.report();
    report["kind"] = json!("nightly");
    let (file, spool) = (place.path("own.json"), place.path("spool"));
    std::fs::write(&file, report.to_string()).unwrap();
    let done = served(&app, |server| {
        let mut send = vec!["upload", &file, "--spool", &spool];
        send.extend(["--server", server, "--token", "kvm_wrong"]);
        place.tool(&send)
    })
    .await;
    check(&done, 6, "refuses");
    assert!(std::fs::read_dir(&spool).unwrap().count() > 0);
}
