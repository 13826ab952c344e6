//! The absolute goals and the red flags.

use std::sync::Arc;

use bench_report::metric::{Direction, Kind};
use bench_verdict::suite_rules::{self, RedFlag};
use bench_verdict::verdict::{Band, Evidence};
use kvmark::analysis::overview::TargetRow;
use kvmark::analysis::{targets, verdict};
use kvmark::domain::{Judged, JudgedRun};

use super::builders::{measured, night, series};

fn value(benchmark: &str, metric: &str, params: &str, unit: &str, value: f64) -> Judged {
    let mut series = series(1, benchmark, metric, params);
    series.key.unit = unit.to_owned();
    series.kind = Kind::Ratio;
    measured(series, value, Some(0.0), Band::None, Evidence::Noise)
}

fn target(run: &JudgedRun, name: &str) -> TargetRow {
    targets::rows(run)
        .into_iter()
        .find(|row| row.name == name)
        .unwrap()
}

fn flag(run: &JudgedRun, name: &str) -> RedFlag {
    targets::red_flags(run)
        .into_iter()
        .find(|flag| flag.name == name)
        .unwrap()
}

#[test]
fn a_target_shows_limit_reference_value_and_margin() {
    let run = night(vec![value(
        "KVEventProcessingLatency",
        "latency_p50",
        "cpu=1",
        "ns",
        2_000.0,
    )]);
    let row = target(&run, "Event latency, median");
    assert_eq!(
        row.measured_by,
        "KVEventProcessingLatency latency_p50 cpu=1"
    );
    assert_eq!(
        (row.target.value, row.reference),
        (500_000.0, Some(450_000.0))
    );
    assert_eq!(
        (row.value, row.met, row.margin),
        (Some(2_000.0), Some(true), Some(250.0))
    );
    assert_eq!((row.why_not, row.baseline), (None, Some(100.0)));
}

#[test]
fn the_whole_system_is_measured_on_the_most_cores() {
    let at = |params: &str, rate| {
        value(
            "KVEventThroughput",
            "events_per_second",
            params,
            "1/s",
            rate,
        )
    };
    let run = night(vec![
        at("cpu=1 rate=max", 9_000.0),
        at("cpu=2 rate=max", 11_000.0),
        at("rate=10000", 10_000.0),
    ]);
    let row = target(&run, "Events per second, whole system");
    assert_eq!((row.value, row.met), (Some(11_000.0), Some(true)));
    assert_eq!(
        target(&run, "Events per second, one core").value,
        Some(9_000.0)
    );
}

#[test]
fn a_limit_is_not_met_by_reaching_it() {
    let run = night(vec![
        value("KVEventProcessingLatency", "latency_p99", "", "ns", 1e6),
        value(
            "KVEventThroughput",
            "events_per_second",
            "cpu=1 rate=max",
            "1/s",
            2_000.0,
        ),
    ]);
    assert_eq!(
        target(&run, "Event latency, 99th percentile").met,
        Some(false)
    );
    assert_eq!(target(&run, "Events per second, one core").met, Some(false));
}

#[test]
fn eight_cores_on_two_are_not_available_and_say_why() {
    let mut run = night(vec![value(
        "KVEventThroughput",
        "events_per_second",
        "cpu=1 rate=max",
        "1/s",
        9e5,
    )]);
    run.run.coverage.not_available = vec![
        "KVEventThroughput cores_used cpu=8: other".to_owned(),
        "KVEventThroughput events_per_second cpu=4 rate=max: this machine has 2 cores".to_owned(),
        "KVEventThroughput events_per_second cpu=8 rate=max: this machine has 2 cores".to_owned(),
    ];
    let row = target(&run, "Events per second, eight cores");
    assert_eq!(
        row.measured_by,
        "KVEventThroughput events_per_second cpu=8 rate=max"
    );
    assert_eq!((row.value, row.met, row.series), (None, None, None));
    assert_eq!(row.why_not.as_deref(), Some("this machine has 2 cores"));

    run.run.coverage.not_available = vec!["KVEventThroughput cpu=8 rate=max: 2 cores".to_owned()];
    let row = target(&run, "Events per second, eight cores");
    assert_eq!(row.why_not.as_deref(), Some("2 cores"));
}

#[test]
fn a_target_without_a_value_tells_missing_from_failed_from_unmeasured() {
    let why = |missing: &str, failed: &str| {
        let mut run = night(Vec::new());
        run.run.coverage.missing = vec![missing.to_owned()];
        run.run.coverage.failed = vec![failed.to_owned()];
        target(&run, "Event latency, median").why_not.unwrap()
    };
    assert_eq!(why("", ""), "not measured in this run");
    assert_eq!(
        why("KVEventProcessingLatency latency_p50 cpu=1", ""),
        "missing from the report"
    );
    assert_eq!(
        why("KVEventProcessingLatency latency_p99 cpu=1", ""),
        "not measured in this run"
    );
    assert_eq!(
        why(
            "",
            "KVEventProcessingLatency latency_p50 cpu=1: it ran out of memory"
        ),
        "failed: it ran out of memory"
    );
}

#[test]
fn a_tail_of_ten_times_the_middle_is_no_flag_and_beyond_is() {
    let run = |p99: f64| {
        night(vec![
            value(
                "KVEventProcessingLatency",
                "latency_p50",
                "cpu=1",
                "ns",
                100.0,
            ),
            value(
                "KVEventProcessingLatency",
                "latency_p99",
                "cpu=1",
                "ns",
                p99,
            ),
            value(
                "KVEventProcessingLatency",
                "latency_p99",
                "cpu=2",
                "ns",
                9e9,
            ),
        ])
    };
    let calm = flag(&run(1_000.0), "p99 over p50");
    assert_eq!(
        (calm.raised, calm.detail.as_str()),
        (Some(false), "10.0×, limit 10×")
    );
    assert_eq!(flag(&run(1_100.0), "p99 over p50").raised, Some(true));
    assert_eq!(
        suite_rules::raised(&targets::red_flags(&run(1_100.0))).len(),
        1
    );
}

#[test]
fn memory_that_grows_with_the_load_is_flagged() {
    let run = |bytes: [f64; 3]| {
        let at = |items: &str, bytes| {
            value(
                "KVEventMemoryUsage",
                "bytes_per_event",
                &format!("items={items}"),
                "B",
                bytes,
            )
        };
        night(vec![
            at("1000", bytes[0]),
            at("10000", bytes[1]),
            at("100000", bytes[2]),
        ])
    };
    let flat = flag(&run([200.0, 190.0, 200.8]), "memory per event");
    assert_eq!(flat.raised, Some(false));
    assert_eq!(flat.detail, "+0.4% from 1,000 to 100,000 items");
    assert_eq!(
        flag(&run([100.0, 200.0, 400.0]), "memory per event").raised,
        Some(true)
    );
}

#[test]
fn processor_and_errors_are_flagged_beyond_their_limits() {
    let run = |percent: f64, share: f64| {
        night(vec![
            value(
                "KVEventThroughput",
                "cpu_percent",
                "rate=10000",
                "%",
                percent,
            ),
            value("KVEventThroughput", "cpu_percent", "rate=2000", "%", 99.0),
            value(
                "KVEventThroughput",
                "error_rate",
                "cpu=2 rate=max",
                "%",
                100.0 * share,
            ),
        ])
    };
    let fine = run(4.1, 0.001);
    assert_eq!(flag(&fine, "CPU at target throughput").raised, Some(false));
    assert_eq!(
        flag(&fine, "CPU at target throughput").detail,
        "4.1%, limit 80%"
    );
    assert_eq!(flag(&fine, "errors").raised, Some(false));
    let bad = run(80.1, 0.0011);
    assert_eq!(flag(&bad, "CPU at target throughput").raised, Some(true));
    assert_eq!(flag(&bad, "errors").raised, Some(true));
}

#[test]
fn what_was_not_measured_raises_and_clears_nothing() {
    for flag in targets::red_flags(&night(Vec::new())) {
        assert_eq!((flag.raised, flag.detail.as_str()), (None, "not available"));
    }
    assert!(targets::absolute_rules(&night(Vec::new())).is_empty());
}

#[test]
fn the_absolute_rules_look_at_the_worst_latency_and_the_best_throughput() {
    let mut slow = value(
        "KVEventThroughput",
        "events_per_second",
        "cpu=1 rate=max",
        "1/s",
        7_000.0,
    );
    Arc::make_mut(&mut slow.series).better = Direction::Higher;
    let run = night(vec![
        slow,
        value(
            "KVEventThroughput",
            "events_per_second",
            "cpu=2 rate=max",
            "1/s",
            9_000.0,
        ),
        value(
            "KVEventProcessingLatency",
            "latency_p99",
            "cpu=1",
            "ns",
            1e6,
        ),
        value(
            "KVEventProcessingLatency",
            "latency_p99",
            "cpu=2",
            "ns",
            3e6,
        ),
    ]);
    let rules: Vec<(String, bool)> = targets::absolute_rules(&run)
        .into_iter()
        .map(|rule| (rule.name, rule.met))
        .collect();
    assert_eq!(
        rules,
        [
            (
                "p99 latency of KVEventProcessingLatency cpu=2".to_owned(),
                false
            ),
            (
                "throughput of KVEventThroughput cpu=2 rate=max".to_owned(),
                true
            ),
        ]
    );
    assert_eq!(verdict::gate(&run).exit_code, 1);
}
