use bench_report::read::{Format, detect};
use insta::assert_snapshot;

use super::*;

const TEXT: &str = r#"{
  "bench::group/fib 20": {
    "latency": {"value": 88.0, "lower_value": 87.42, "upper_value": 88.58},
    "throughput": {"value": 5.55},
    "file-size": {"value": 1024},
    "instructions": {"value": 36000},
    "p99_us": {"value": 12.5}
  }
}"#;

#[test]
fn measures_become_metrics_with_benchers_units() {
    assert_eq!(detect(TEXT.as_bytes()), Some(Format::Bmf));
    assert_snapshot!(series(&read_one(Format::Bmf, TEXT)), @"
        bench::group/fib%2020 file-size: B bytes lower [1024.0]
        bench::group/fib%2020 instructions: 1 ratio lower [36000.0]
        bench::group/fib%2020 latency: ns time lower [88.0]
        bench::group/fib%2020 p99_us: us time lower [12.5]
        bench::group/fib%2020 throughput: 1/s rate higher [5.55]
        ");
}

#[test]
fn malformed_text_is_refused_with_its_place() {
    let refusal = |text: &str| read_text(Format::Bmf, text).unwrap_err().to_string();
    assert_snapshot!(refusal("{\n \"a\": {\"latency\": 5}}"), @"line 2, column 19: expected an object, found integer `5`");
    assert_snapshot!(refusal("{\n \"a\": {\"latency\": {\"value\": \"5\"}}}"), @r#"line 2, column 31: expected a number, found string "5""#);
    assert_snapshot!(refusal("{}"), @r#"there is no result in it: expected `{"benchmark": {"latency": {"value": 1.0}}}`"#);
    assert_snapshot!(refusal(r#"{"a": {"latency": {"value": -5}}}"#), @"what was read makes no valid report: /benchmarks/0/metrics/0/samples/0: the time is -5, and is never negative: check how it was measured");
}
