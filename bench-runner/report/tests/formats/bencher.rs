use bench_report::read::{Format, detect};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;

const COMMIT: &str = "c0ffee1234c0ffee1234c0ffee1234c0ffee1234";

fn measure(slug: &str, units: &str) -> Value {
    json!({"uuid": "m", "name": slug, "slug": slug, "units": units})
}

fn metric(report: &str, iteration: u32, day: u32, value: f64) -> Value {
    json!({
        "report": report, "iteration": iteration,
        "start_time": format!("2026-03-{day:02}T01:30:00Z"),
        "end_time": format!("2026-03-{day:02}T01:40:00Z"),
        "version": {"number": day, "hash": COMMIT},
        "metric": {"uuid": "v", "value": value, "lower_value": null, "upper_value": 99.0},
        "threshold": null, "boundary": null, "alert": null,
    })
}

fn perf(testbed: &str) -> Value {
    let series = |benchmark: &str, measure: Value, testbed: &str, metrics: Value| {
        json!({
            "branch": {"uuid": "b", "name": "main"}, "testbed": {"uuid": "t", "name": testbed},
            "benchmark": {"uuid": "n", "name": benchmark}, "measure": measure, "metrics": metrics,
        })
    };
    // The newest report first, as anybody may order them.
    let latency = json!([
        metric("r2", 0, 2, 90.0),
        metric("r1", 0, 1, 88.0),
        metric("r1", 1, 1, 89.0)
    ]);
    json!({
        "project": {"uuid": "p", "name": "P"}, "start_time": null, "end_time": null,
        "results": [
            series("store 8", measure("latency", "nanoseconds (ns)"), "ci-a", latency),
            series("store 8", measure("wake-up", "microseconds (us)"), testbed, json!([metric("r1", 0, 1, 7.0)])),
        ],
    })
}

#[test]
fn each_report_of_a_servers_series_is_a_run_with_its_iterations_as_samples() {
    let text = perf("ci-a").to_string();
    assert_eq!(detect(text.as_bytes()), Some(Format::Bencher));
    let reports = read_text(Format::Bencher, &text).unwrap();
    assert_eq!(reports.len(), 2);
    assert_snapshot!(series(&reports[0]), @"
        store%208 latency: ns time lower [88.0, 89.0]
        store%208 wake-up: us time lower [7.0]
        ");
    assert_snapshot!(series(&reports[1]), @"store%208 latency: ns time lower [90.0]");
    let first = &reports[0];
    assert_eq!(first.started_at.to_string(), "2026-03-01T01:30:00Z");
    assert_eq!(first.finished_at.to_string(), "2026-03-01T01:40:00Z");
    assert_eq!(first.revision.commit.as_deref(), Some(COMMIT));
    assert_eq!(first.revision.branch.as_deref(), Some("main"));
    assert_eq!(first.environment.name.as_deref(), Some("ci-a"));
}

#[test]
fn results_of_two_testbeds_are_not_put_into_one_history() {
    let mut two = perf("ci-b");
    two["results"][1]["metrics"] = json!([metric("r3", 0, 3, 7.0)]);
    let error = read_text(Format::Bencher, &two.to_string()).unwrap_err();
    assert_snapshot!(error, @"it holds results of several machines (ci-a, ci-b): export one testbed at a time");
}

#[test]
fn reports_read_in_the_shape_of_today_and_in_the_one_before() {
    let value = |value: f64| json!({"uuid": "v", "value": value});
    let today = json!([[
        {"iteration": 0, "benchmark": {"name": "store"},
         "measures": [{"measure": measure("latency", ""), "metric": value(88.0)}]},
    ], [
        {"iteration": 1, "benchmark": {"name": "store"},
         "measures": [{"measure": measure("latency", ""), "metric": value(89.0)}]},
    ]]);
    let before = json!([[
        {"measure": measure("latency", ""), "benchmarks": [{"name": "store", "metric": value(88.0)}]},
    ], [
        {"measure": measure("latency", ""), "benchmarks": [{"name": "store", "metric": value(89.0)}]},
    ]]);
    let report = |branch: Value, results: Value| {
        json!({
            "uuid": "r", "branch": branch, "testbed": {"name": "ci-a"}, "adapter": "json",
            "start_time": "2026-03-01T01:30:00Z", "end_time": "2026-03-01T01:40:00Z",
            "results": results, "alerts": [],
        })
    };
    let version = json!({"number": 1, "hash": COMMIT});
    let today = report(json!({"name": "main", "head": {"version": version}}), today);
    let before = report(json!({"name": "main", "version": version}), before);
    let read = read_one(Format::Bencher, &today.to_string());
    assert_snapshot!(series(&read), @"store latency: ns time lower [88.0, 89.0]");
    assert_eq!(read.revision.commit.as_deref(), Some(COMMIT));
    for text in [json!([today]), json!([before]), before] {
        let text = text.to_string();
        assert_eq!(detect(text.as_bytes()), Some(Format::Bencher));
        assert_eq!(read_one(Format::Bencher, &text), read);
    }
}

#[test]
fn what_is_no_export_is_refused_with_its_place() {
    let refusal = |text: &str| read_text(Format::Bencher, text).unwrap_err().to_string();
    assert_snapshot!(refusal("{}"), @"line 1, column 2: missing field `results`");
    assert_snapshot!(refusal("[]"), @r#"there is no result in it: expected `{"results": [{"branch", "testbed", "benchmark", "measure", "metrics"}]}` or an array of reports"#);
}
