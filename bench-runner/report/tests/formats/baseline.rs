use bench_report::metric::{Direction, Kind, Op, Target, Unit};
use bench_report::write::baseline::{BASELINE_FORMAT, Baseline, BaselineSeries};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::now;

fn baseline() -> Baseline {
    Baseline {
        baseline_format: BASELINE_FORMAT,
        created_at: now(),
        commit: Some("9f3c2ab41d".into()),
        branch: Some("main".into()),
        series: vec![BaselineSeries {
            suite: "kv-sync".into(),
            benchmark: "KVEventConcurrency".into(),
            params: [("cpu".to_owned(), "2".to_owned())].into(),
            metric: "latency_p99".into(),
            unit: Unit::Nanoseconds,
            better: Direction::Lower,
            kind: Kind::Time,
            environment: Some("b46055f8eacc276dcb6bd5f7f301f468".into()),
            environment_name: None,
            value: 0.1 + 0.2,
            runs: vec![0.1, 0.2],
            samples: vec![0.1, 0.2, 0.3],
            floor: Some(1.0),
            target: Some(Target {
                op: Op::Less,
                value: 1e6,
            }),
        }],
    }
}

/// The baseline with one value of its series replaced.
fn with(key: &str, value: Value) -> Vec<u8> {
    let mut json: Value = serde_json::from_str(&baseline().to_json()).unwrap();
    json["series"][0][key] = value;
    json.to_string().into_bytes()
}

#[track_caller]
fn refusal(json: &[u8]) -> String {
    Baseline::parse(json).unwrap_err().to_string()
}

#[test]
fn a_baseline_file_is_read_back_bit_by_bit() {
    let json = baseline().to_json();
    assert!(Baseline::looks_like(json.as_bytes()));
    assert_eq!(Baseline::parse(json.as_bytes()).unwrap(), baseline());
}

#[test]
fn what_is_no_baseline_is_told_apart_and_refused() {
    assert!(!Baseline::looks_like(b"[]"));
    assert!(!Baseline::looks_like(b" [1]"));
    assert!(!Baseline::looks_like(b"{\"format\": 1}"));
    assert_snapshot!(refusal(b"[]"), @"it is no baseline file: invalid length 0, expected struct Baseline with 5 elements at line 1 column 2");
    assert_snapshot!(refusal(&with("unit", json!("furlongs"))), @r#"it is no baseline file: unknown unit "furlongs"; the known units are ns, us, ms, s, B, KiB, MiB, GiB, kB, MB, GB, 1/s, B/s, MB/s, B/h, %, 1, 1/op, events, items, blocks, tokens, cores, MHz at line 1 column 389"#);
    assert_snapshot!(refusal(&with("value", json!(null))), @"it is no baseline file: invalid type: null, expected f64 at line 1 column 396");
    let mut other = baseline();
    other.baseline_format = 9;
    assert_snapshot!(refusal(other.to_json().as_bytes()), @"it is a baseline file of format 9 and this program reads format 1: establish it again with `bench-runner baseline`");
    other = baseline();
    other.series.push(other.series[0].clone());
    assert_snapshot!(refusal(other.to_json().as_bytes()), @"KVEventConcurrency latency_p99 cpu=2 is there twice: establish the baseline again with `bench-runner baseline`");
    other.series.clear();
    assert_snapshot!(refusal(other.to_json().as_bytes()), @"there is no series in it: establish the baseline again with `bench-runner baseline`");
}
