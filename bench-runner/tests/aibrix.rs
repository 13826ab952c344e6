//! The original suite's check, on its own files: the same answers by the same rule.

#![expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::collections::BTreeSet;
use std::path::Path;

use assert_cmd::Command;
use serde_json::{Value, json};

/// One result on both sides: the two latencies, throughput and memory, of each the baseline and the
/// present value. Zero: not measured.
type Case = [(u64, u64); 4];

const FIELDS: [&str; 4] = [
    "event_processing_latency",
    "routing_decision_latency",
    "events_per_second",
    "memory_usage_mb",
];

/// The original rule, in whole numbers so that no rounding decides: latency and memory are worse above
/// 1.1 times the baseline, throughput below 0.9 times; what was not measured is not compared.
fn is_worse(field: &str, (baseline, current): (u64, u64)) -> bool {
    if baseline == 0 || current == 0 {
        return false;
    }
    match field {
        "events_per_second" => 10 * current < 9 * baseline,
        _ => 10 * current > 11 * baseline,
    }
}

fn file(folder: &Path, name: &str, cases: &[Case], side: fn((u64, u64)) -> u64) -> String {
    let entries: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| {
            let metrics: serde_json::Map<String, Value> = FIELDS
                .iter()
                .zip(case)
                .map(|(field, both)| ((*field).to_owned(), json!(side(*both))))
                .collect();
            json!({
                "name": format!("Case{number}"), "timestamp": "2026-03-01T01:30:00Z",
                "duration": 1_000_000, "metrics": metrics,
            })
        })
        .collect();
    let path = folder.join(name);
    std::fs::write(&path, json!(entries).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The exit code, and the series that are worse than the rule allows.
fn checked(cases: &[Case]) -> (Option<i32>, BTreeSet<String>) {
    let folder = tempfile::tempdir().unwrap();
    let baseline = file(folder.path(), "baseline.json", cases, |both| both.0);
    let current = file(folder.path(), "current.json", cases, |both| both.1);
    let output = Command::cargo_bin("bench-runner")
        .unwrap()
        .args(["check", "--baseline", &baseline, "--current", &current])
        .args(["--threshold", "0.1", "--format", "json"])
        .output()
        .unwrap();
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    let series = verdict["series"].as_array().unwrap().iter();
    let worse = series
        .filter(|series| ["warning", "critical"].contains(&series["band"].as_str().unwrap()))
        // At 10% it warns and does not fail.
        .filter(|series| series["change"].as_f64().unwrap() > 0.1 + 1e-9)
        .map(|series| {
            let text = |key: &str| series[key].as_str().unwrap();
            format!("{} {}", text("benchmark"), text("metric"))
        });
    (output.status.code(), worse.collect())
}

#[track_caller]
fn check(cases: &[Case]) {
    let expected: BTreeSet<String> = cases
        .iter()
        .enumerate()
        .flat_map(|(number, case)| {
            FIELDS
                .iter()
                .zip(case)
                .filter(|(field, both)| is_worse(field, **both))
                .map(move |(field, _)| format!("Case{number} {field}"))
        })
        .collect();
    let (code, worse) = checked(cases);
    assert_eq!(worse, expected);
    assert_eq!(code, Some(i32::from(!expected.is_empty())));
}

#[test]
fn the_edges_of_the_rule_are_where_the_original_has_them() {
    let mut cases = Vec::new();
    for baseline in [10, 20, 30, 70, 100, 110, 1_000, 450_000, 123_450] {
        for step in [-1_i64, 0, 1] {
            let at = |edge: u64| edge.checked_add_signed(step).unwrap();
            let (above, below) = (at(baseline * 11 / 10), at(baseline * 9 / 10));
            cases.push([
                (baseline, above),
                (baseline, above),
                (baseline, below),
                (baseline, above),
            ]);
        }
    }
    check(&cases);
}

#[test]
fn random_files_get_the_answers_of_the_original() {
    // A linear congruential generator (Knuth, MMIX): the same files on every machine.
    let mut state = 7_u64;
    let mut next = |most: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    let cases: Vec<Case> = (0..400)
        .map(|_| {
            std::array::from_fn(|_| {
                let baseline = 10 + next(100_000);
                // Between 70 and 130%; one in ten was not measured.
                let current = baseline * (70 + next(61)) / 100;
                let measured = next(10) > 0;
                if measured {
                    (baseline, current)
                } else {
                    (baseline, 0)
                }
            })
        })
        .collect();
    check(&cases);
}

#[test]
fn nothing_worse_passes() {
    let cases: Vec<Case> = vec![[(100, 110), (0, 0), (1_000, 900), (50, 40)]; 3];
    let (code, worse) = checked(&cases);
    assert_eq!((code, worse.len()), (Some(0), 0));
}
