//! History of other tools, through the real programs: it appears in order, with the baselines and
//! verdicts that it would have had, had each night been sent when it was measured.

use std::path::PathBuf;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::machine::Machine;
use crate::github::double::Double;

const NIGHTS: usize = 30;
/// From this night on all takes a quarter longer.
const STEP: usize = 22;

fn value(night: usize) -> f64 {
    let noise = [0.0, 0.4, -0.3, 0.2, -0.5, 0.1, 0.3][night % 7];
    (if night < STEP { 100.0 } else { 125.0 }) + noise
}

fn day(night: usize) -> Date {
    let days = i64::try_from(night).unwrap();
    date(2026, 3, 1).saturating_add(jiff::Span::new().days(days))
}

fn time(night: usize) -> Timestamp {
    format!("{}T01:30:00Z", day(night)).parse().unwrap()
}

/// A made-up commit.
fn commit(night: usize) -> String {
    format!("{:040x}", 0xabc_0000 + night)
}

async fn machine() -> Machine {
    let mut machine = Machine::empty(&Double::start().await).await;
    machine.start().await;
    machine
}

fn file(machine: &Machine, name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(machine.place.path(name));
    std::fs::write(&path, text).unwrap();
    path
}

/// A verdict without what the night's runner is asked to measure again: of a night that is over
/// nobody can.
fn unasked((key, mut verdict): (String, Value)) -> (String, Value) {
    for series in verdict["series"].as_array_mut().unwrap() {
        series.as_object_mut().unwrap().remove("confirm");
    }
    (key, verdict)
}

/// What the server has is the history, judged as if each night had come by itself.
async fn holds_the_history(mut machine: Machine, commits: &[String], times: &[Timestamp]) {
    let runs = machine.runs().await;
    let own = machine.verdicts().await;
    assert_eq!((runs.len(), own.len()), (NIGHTS, NIGHTS));
    for (night, (run, (_, verdict))) in runs.iter().zip(&own).enumerate() {
        let started: Timestamp = run["started_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(started, times[night], "night {night}");
        assert_eq!(run["revision"]["commit"], commits[night], "night {night}");
        let series = verdict["series"].as_array().unwrap();
        assert_eq!(
            (series.len(), &series[0]["value"]),
            (1, &json!(value(night)))
        );
        let window = night.saturating_sub(7)..night;
        assert_eq!(series[0]["baseline_runs"], window.len(), "night {night}");
        if night < 3 {
            assert_eq!(series[0]["band"], "warming", "night {night}");
            continue;
        }
        let mean = window.clone().map(value).sum::<f64>() / window.len() as f64;
        let baseline = series[0]["baseline"].as_f64().unwrap();
        assert!((baseline / mean - 1.0).abs() < 1e-12, "{baseline} {mean}");
        let band = if night == STEP { "critical" } else { "none" };
        if night <= STEP {
            assert_eq!(series[0]["band"], band, "night {night}");
        }
    }
    let alerts = machine.json("/api/v1/alerts").await;
    let own_alerts = alerts["alerts"].clone();
    assert_eq!(own_alerts.as_array().unwrap().len(), 1, "{alerts:#}");
    assert!(
        own_alerts.to_string().contains(&commits[STEP]),
        "{own_alerts:#}"
    );

    machine.replace_by_twin().await;
    let twin = machine.verdicts().await;
    assert_eq!(twin.len(), NIGHTS);
    for (own, twin) in own.into_iter().zip(twin) {
        assert_eq!(unasked(own), unasked(twin));
    }
    let twin_alerts = machine.json("/api/v1/alerts").await["alerts"].clone();
    assert_eq!(own_alerts, twin_alerts);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_of_github_action_benchmark_becomes_the_history_that_it_would_have_been() {
    let machine = machine().await;
    let entry = |night: usize| {
        json!({
            "commit": {
                "id": commit(night), "message": format!("change {night}"),
                "timestamp": time(night).to_string(), "author": {"name": "A"},
            },
            "date": time(night).as_millisecond(), "tool": "cargo",
            "benches": [{"name": "store", "value": value(night), "range": "± 2", "unit": "ns/iter"}],
        })
    };
    // The newest first: the order of the file is nobody's promise.
    let entries: Vec<Value> = (0..NIGHTS).rev().map(entry).collect();
    let data = json!({
        "lastUpdate": 0, "repoUrl": "https://github.com/o/r", "entries": {"Benchmark": entries},
    });
    let text = format!("window.BENCHMARK_DATA = {data}");
    let data = file(&machine, "data.js", &text);
    machine
        .upload_old(&data, &["--environment", "ci-a"], 30)
        .await;
    let commits: Vec<String> = (0..NIGHTS).map(commit).collect();
    let times: Vec<Timestamp> = (0..NIGHTS).map(time).collect();
    holds_the_history(machine, &commits, &times).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_go_text_becomes_the_history_that_it_would_have_been() {
    let machine = machine().await;
    let folder = PathBuf::from(machine.place.path("results"));
    std::fs::create_dir(&folder).unwrap();
    let mut commits = Vec::new();
    machine
        .place
        .git(&["checkout", "--quiet", "--orphan", "measured"]);
    for night in 0..NIGHTS {
        // What a night measured is what was committed the day before.
        let noon = time(night) - SignedDuration::from_hours(13);
        let message = format!("change {night}");
        let change = ["commit", "--quiet", "--allow-empty", "--message", &message];
        machine.place.git_at(Some(&noon.to_string()), &change);
        commits.push(machine.place.git(&["rev-parse", "HEAD"]));
        let text = format!(
            "goos: linux\npkg: kv\nBenchmarkStore-2 \t 1000 \t {} ns/op\nPASS\n",
            value(night)
        );
        std::fs::write(folder.join(format!("{}.txt", day(night))), text).unwrap();
    }
    machine
        .place
        .git(&["branch", "--quiet", "--force", "main", "measured"]);
    machine
        .upload_old(&folder, &["--environment", "ci-a"], 30)
        .await;
    let midnight = |night| format!("{}T00:00:00Z", day(night)).parse().unwrap();
    let times: Vec<Timestamp> = (0..NIGHTS).map(midnight).collect();
    holds_the_history(machine, &commits, &times).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_bencher_server_becomes_the_history_that_it_would_have_been() {
    let machine = machine().await;
    let metric = |night: usize| {
        json!({
            "report": format!("report-{night}"), "iteration": 0,
            "start_time": time(night).to_string(), "end_time": time(night).to_string(),
            "version": {"number": night, "hash": commit(night)},
            "metric": {"uuid": "v", "value": value(night), "lower_value": null, "upper_value": null},
            "threshold": null, "boundary": null, "alert": null,
        })
    };
    let metrics: Vec<Value> = (0..NIGHTS).map(metric).collect();
    let perf = json!({
        "project": {"uuid": "p", "name": "P"}, "start_time": null, "end_time": null,
        "results": [{
            "branch": {"uuid": "b", "name": "main"}, "testbed": {"uuid": "t", "name": "ci-a"},
            "benchmark": {"uuid": "n", "name": "store"},
            "measure": {"uuid": "m", "name": "Latency", "slug": "latency", "units": "nanoseconds (ns)"},
            "metrics": metrics,
        }],
    });
    let export = file(&machine, "perf.json", &perf.to_string());
    machine.upload_old(&export, &[], 30).await;
    let commits: Vec<String> = (0..NIGHTS).map(commit).collect();
    let times: Vec<Timestamp> = (0..NIGHTS).map(time).collect();
    holds_the_history(machine, &commits, &times).await;
}
