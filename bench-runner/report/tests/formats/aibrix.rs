use bench_report::read::{Format, detect};
use bench_report::write::aibrix::to_json;
use insta::assert_snapshot;

use super::*;

const TEXT: &str = r#"[
  {"name": "KVEventProcessingLatency", "timestamp": "2026-11-24T01:30:00+01:00", "duration": 1500000000,
   "metrics": {"event_processing_latency": 450000, "routing_decision_latency": 0, "events_per_second": 2200.5,
               "memory_usage_mb": 0.8, "cpu_usage_percent": 12, "network_bandwidth_mbps": 0,
               "concurrent_connections": 8, "total_events_processed": 100000, "error_rate": 0.001}},
  {"name": "KVEventRoutingDecision/warm-2", "timestamp": "2026-11-24T00:31:00Z", "duration": 10,
   "metrics": {"routing_decision_latency": 85000}},
  {"name": "Broken", "timestamp": "2026-11-24T00:31:00Z", "duration": 10, "metrics": {"error_rate": 0}}
]"#;

#[test]
fn fields_become_metrics_and_zero_is_not_measured() {
    assert_eq!(detect(TEXT.as_bytes()), Some(Format::Aibrix));
    let report = read_one(Format::Aibrix, TEXT);
    assert_snapshot!(series(&report), @"
        KVEventProcessingLatency event_processing_latency: ns time lower [450000.0]
        KVEventProcessingLatency events_per_second: 1/s rate higher [2200.5]
        KVEventProcessingLatency memory_usage_mb: MB bytes lower [0.8]
        KVEventProcessingLatency cpu_usage_percent: % ratio lower [12.0]
        KVEventProcessingLatency concurrent_connections: 1 ratio higher [8.0]
        KVEventProcessingLatency total_events_processed: events ratio higher [100000.0]
        KVEventProcessingLatency error_rate: 1 ratio lower [0.001]
        KVEventRoutingDecision routing_decision_latency case=warm cpu=2: ns time lower [85000.0]
        Broken failed: every metric is zero, which means that it was not measured
        ");
    assert_eq!(report.started_at.to_string(), "2026-11-24T00:30:00Z");
    assert_eq!(
        report.finished_at.to_string(),
        "2026-11-24T00:31:00.00000001Z"
    );
}

#[test]
fn what_was_read_is_written_back_and_read_again() {
    let report = read_one(Format::Aibrix, TEXT);
    let again = read_one(Format::Aibrix, &to_json(&report));
    let measured = |report: &Report| {
        series(report)
            .lines()
            .filter(|line| !line.contains("failed"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(measured(&again), measured(&report));
}

#[test]
fn a_report_of_ours_is_written_in_the_units_of_the_original() {
    let text = "\
# bench-report 1
# started: 2026-11-24T01:30:00Z
# finished: 2026-11-24T01:30:02Z
Unit ns/op metric=latency_mean
Unit error_rate unit=%
Unit cores_used-cores metric=cores_used
Unit heap_total-B metric=heap_total
BenchmarkKVEventProcessingLatency-1 100 2000.4 ns/op
BenchmarkKVEventProcessingLatency-1 100 2001 ns/op
BenchmarkKVEventProcessingLatency-1 100 2100 ns/op
BenchmarkKVEventRoutingDecision-1 100 21400 ns/op
BenchmarkKVEventThroughput/rate=10000-2 100 9999.5 events_per_second 1.5 cores_used-cores 0.1 error_rate
BenchmarkKVEventMemoryUsage/items=1000 1 2500000 heap_total-B
";
    assert_snapshot!(to_json(&read_one(Format::Go, text)), @r#"
        [
          {
            "duration": 2000000000,
            "metrics": {
              "concurrent_connections": 0,
              "cpu_usage_percent": 0.0,
              "error_rate": 0.0,
              "event_processing_latency": 2001,
              "events_per_second": 0.0,
              "memory_usage_mb": 0.0,
              "network_bandwidth_mbps": 0.0,
              "routing_decision_latency": 0,
              "total_events_processed": 0
            },
            "name": "KVEventProcessingLatency-1",
            "timestamp": "2026-11-24T01:30:00Z"
          },
          {
            "duration": 2000000000,
            "metrics": {
              "concurrent_connections": 0,
              "cpu_usage_percent": 0.0,
              "error_rate": 0.0,
              "event_processing_latency": 0,
              "events_per_second": 0.0,
              "memory_usage_mb": 0.0,
              "network_bandwidth_mbps": 0.0,
              "routing_decision_latency": 21400,
              "total_events_processed": 0
            },
            "name": "KVEventRoutingDecision-1",
            "timestamp": "2026-11-24T01:30:00Z"
          },
          {
            "duration": 2000000000,
            "metrics": {
              "concurrent_connections": 0,
              "cpu_usage_percent": 150.0,
              "error_rate": 0.001,
              "event_processing_latency": 0,
              "events_per_second": 9999.5,
              "memory_usage_mb": 0.0,
              "network_bandwidth_mbps": 0.0,
              "routing_decision_latency": 0,
              "total_events_processed": 0
            },
            "name": "KVEventThroughput/rate=10000-2",
            "timestamp": "2026-11-24T01:30:00Z"
          },
          {
            "duration": 2000000000,
            "metrics": {
              "concurrent_connections": 0,
              "cpu_usage_percent": 0.0,
              "error_rate": 0.0,
              "event_processing_latency": 0,
              "events_per_second": 0.0,
              "memory_usage_mb": 2.5,
              "network_bandwidth_mbps": 0.0,
              "routing_decision_latency": 0,
              "total_events_processed": 0
            },
            "name": "KVEventMemoryUsage/items=1000",
            "timestamp": "2026-11-24T01:30:00Z"
          }
        ]
        "#);
}

#[test]
fn malformed_text_is_refused_with_its_place() {
    let refusal = |text: &str| read_text(Format::Aibrix, text).unwrap_err().to_string();
    assert_snapshot!(refusal("[\n {\"name\": \"a\", \"timestamp\": \"x\", \"metrics\": {}}]"), @"line 2, column 31: expected four digit year (or leading sign for six digit year), but found end of input");
    assert_snapshot!(refusal("{}"), @"line 1, column 1: expected a list, found an object");
    assert_snapshot!(refusal("[]"), @r#"there is no result in it: expected an array of `{"name", "timestamp", "duration", "metrics": {…}}`"#);
}
