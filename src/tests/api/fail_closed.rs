//! A gate is never green by having compared nothing: the real runner against the real server, on
//! nights and pull requests that lack something.

use serde_json::{Value, json};

use super::place::{Done, Place, script, served, server, with_history};
use crate::app::TestApp;

/// A night of a script, after twelve of one that measures `Work` and `Other`.
async fn night_of(script: &str) -> (Done, Value) {
    let place = Place::measuring(&["Work", "Other"]);
    let (app, token) = with_history(&place).await;
    place.commit(&[("bench.sh", script)]);
    let done = place.night(&app, &token).await;
    (done, last_verdict(&app).await)
}

async fn last_verdict(app: &TestApp) -> Value {
    let runs = app.get("/api/v1/runs").await.json();
    let id = &runs["runs"][0]["id"];
    app.get(&format!("/api/v1/runs/{id}/verdict")).await.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_is_missing_is_named_and_the_night_is_incomplete() {
    let (done, verdict) = night_of(&script(&["Work"])).await;
    assert_eq!(done.code, 4, "{done:?}");
    let reason = "1 of 2 expected series missing: Other ns/op";
    assert!(done.printed.contains(reason), "{}", done.printed);
    assert_eq!(verdict["status"], "incomplete");
    assert_eq!(verdict["coverage"]["missing"], json!(["Other ns/op"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_under_another_name_is_missing_and_the_other_is_new() {
    let (done, verdict) = night_of(&script(&["Work", "Another"])).await;
    assert_eq!(done.code, 4, "{done:?}");
    let reason = "1 of 2 expected series missing: Other ns/op";
    assert!(done.printed.contains(reason), "{}", done.printed);
    assert!(done.printed.contains("new: Another"), "{}", done.printed);
    assert_eq!(verdict["coverage"]["new"], json!(["Another ns/op"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_benchmark_that_fails_is_named_and_the_night_is_incomplete() {
    let failing = format!("{}echo '--- FAIL: BenchmarkOther'\n", script(&["Work"]));
    let (done, verdict) = night_of(&failing).await;
    assert_eq!(done.code, 4, "{done:?}");
    assert!(
        done.printed.contains("of 2 expected series failed: Other"),
        "{}",
        done.printed
    );
    assert_eq!(verdict["status"], "incomplete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_ends_badly_is_not_green_whatever_it_printed() {
    let failing = format!("{}exit 3\n", script(&["Work", "Other"]));
    let (done, _) = night_of(&failing).await;
    assert_eq!(done.code, 4, "{done:?}");
    assert!(done.said.contains("ended with"), "{}", done.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_with_nothing_in_common_names_all_that_is_gone() {
    let (done, verdict) = night_of(&script(&["Else"])).await;
    assert_eq!(done.code, 4, "{done:?}");
    for name in ["Other ns/op", "Work ns/op"] {
        assert!(done.printed.contains(name), "{}", done.printed);
    }
    assert_eq!(verdict["counts"]["none"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_prints_no_results_is_wrong_usage_and_no_run() {
    let place = Place::new();
    let (app, token) = with_history(&place).await;
    place.commit(&[("bench.sh", "echo nothing to see\n")]);
    let done = place.night(&app, &token).await;
    assert_eq!(done.code, 2, "{done:?}");
    let runs = app.get("/api/v1/runs").await.json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_nights_warm_up_and_are_not_green() {
    let place = Place::new();
    let (app, token) = server().await;
    for night in 0..4 {
        let done = place.night(&app, &token).await;
        let expected = if night < 3 { 3 } else { 0 };
        assert_eq!(done.code, expected, "night {night}: {done:?}");
        let warms = "1 series warming up (fewer than 3 runs in the 7 days before): Work";
        assert_eq!(done.printed.contains(warms), night < 3, "{}", done.printed);
    }
}

/// Both reports of a pull request, and the gate of it: `change` edits the head's.
async fn pull(rounds: &str, change: impl Fn(&mut Value)) -> Done {
    let place = Place::new();
    place.commit(&[("level", "125.0")]);
    let (app, token) = server().await;
    let (spool, cache, out) = (place.path("spool"), place.path("cache"), place.path("pair"));
    served(&app, |server| {
        let mut pair = vec!["ab", "--base", "HEAD~1", "--head", "HEAD"];
        pair.extend(["--kind", "pull", "--pull", "7", "--rounds", rounds]);
        pair.extend(["--cache", &cache, "--out", &out]);
        place.runner(&pair);
        let [base, head] = ["base", "head"].map(|side| format!("{out}/{side}.json"));
        let mut report: Value = serde_json::from_slice(&std::fs::read(&head).unwrap()).unwrap();
        change(&mut report);
        std::fs::write(&head, report.to_string()).unwrap();
        let mut send = vec!["upload", &base, &head, "--server", server];
        send.extend(["--token", &token, "--spool", &spool]);
        let sent = place.tool(&send);
        assert_eq!(sent.code, 0, "{sent:?}");
        let mut gate = vec!["gate", "--pull", "7", "--server", server];
        gate.extend(["--token", &token]);
        place.tool(&gate)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn sides_of_different_machines_are_not_compared() {
    let done = pull("6", |head| {
        head["environment"]["cpu_model"] = json!("another one");
    })
    .await;
    assert_eq!(done.code, 5, "{done:?}");
    assert!(
        done.printed.contains("incomparable (exit 5)") && done.printed.contains("CPU"),
        "{}",
        done.printed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_samples_to_decide_say_how_many_are_needed() {
    let done = pull("2", |_| {}).await;
    assert_eq!(done.code, 3, "{done:?}");
    assert!(
        done.printed.contains("2 samples a side cannot decide, "),
        "{}",
        done.printed
    );
}
