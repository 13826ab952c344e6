//! Any report, through each of our own forms and back.

use std::collections::{BTreeMap, BTreeSet};

use bench_report::metric::{Direction, Kind, Unit};
use bench_report::read::{Format, read};
use bench_report::report::{
    Benchmark, Conditions, Environment, FORMAT, Metric, Options, Params, Report, Revision, RunKind,
    Runner, Status, Suite,
};
use bench_report::write::go::to_text;
use insta::assert_snapshot;
use proptest::prelude::*;
use uuid::Uuid;

use super::{now, unknown};

/// A name as people and tools write them: spaces, slashes, percent signs, dashes before digits.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("latency_mean".to_owned()),
        Just("ns/op".to_owned()),
        Just("B/op".to_owned()),
        "[a-zA-Z0-9_]{1,8}-[0-9]{1,2}",
        "[ -~é…µ\u{a0}]{0,8}[!-~]",
    ]
}

fn params() -> impl Strategy<Value = Params> {
    let cpu = prop_oneof![
        Just("2".to_owned()),
        Just("08".to_owned()),
        Just("many".to_owned()),
        Just(String::new())
    ];
    let others = prop::collection::btree_map(name(), "[ -~é]{0,8}", 0..3);
    (others, prop::option::of(cpu)).prop_map(|(mut params, cpu)| {
        if let Some(cpu) = cpu {
            params.insert("cpu".to_owned(), cpu);
        }
        params
    })
}

fn metric() -> impl Strategy<Value = Metric> {
    let value = prop::num::f64::POSITIVE
        | prop::num::f64::NORMAL
        | prop::num::f64::SUBNORMAL
        | prop::num::f64::ZERO;
    let kind = prop::sample::select(Kind::ALL);
    let better = prop::sample::select(Direction::ALL);
    (
        name(),
        prop::sample::select(&Unit::ALL[..]),
        kind,
        better,
        prop::collection::vec(value, 1..5),
    )
        .prop_map(|(name, unit, kind, better, samples)| {
            let is_time = kind == Kind::Time || unit.is_time();
            let samples = samples
                .into_iter()
                .map(|value| if is_time { value.abs() } else { value })
                .collect();
            Metric {
                name,
                unit: unit.to_string(),
                better,
                kind,
                samples,
                floor: None,
                target: None,
            }
        })
}

fn benchmark() -> impl Strategy<Value = Benchmark> {
    (
        name(),
        params(),
        prop::collection::vec(metric(), 0..4),
        0_u64..1_000_000,
    )
        .prop_map(|(name, params, metrics, iterations)| {
            let mut seen = BTreeSet::new();
            let metrics: Vec<_> = metrics
                .into_iter()
                .filter(|metric| seen.insert(metric.name.clone()))
                .collect();
            let (status, error) = if metrics.is_empty() {
                (Status::Failed, Some("it broke".to_owned()))
            } else {
                (Status::Ok, None)
            };
            Benchmark {
                name,
                params,
                status,
                error,
                iterations,
                conditions: None,
                disturbed: Vec::new(),
                metrics,
                histograms: Vec::new(),
                curves: Vec::new(),
            }
        })
}

fn report() -> impl Strategy<Value = Report> {
    (prop::collection::vec(benchmark(), 1..5), name()).prop_map(|(benchmarks, suite)| {
        let mut seen = BTreeSet::new();
        let is_new = |it: &Benchmark| seen.insert((it.name.clone(), it.params.clone()));
        Report {
            suite: Suite {
                name: suite,
                version: "4".into(),
            },
            benchmarks: benchmarks.into_iter().filter(is_new).collect(),
            ..report_of_nothing()
        }
    })
}

type SeriesKey = (String, Params, String);
type SeriesValue<'a> = (String, &'a str, &'a str, Vec<u64>);

/// Everything that makes a series, and its samples by their bits.
fn all_series(report: &Report) -> BTreeMap<SeriesKey, SeriesValue<'_>> {
    let series = report.benchmarks.iter().flat_map(|benchmark| {
        benchmark.metrics.iter().map(|metric| {
            let key = (
                benchmark.name.clone(),
                benchmark.params.clone(),
                metric.name.clone(),
            );
            let bits = metric
                .samples
                .iter()
                .map(|sample| sample.to_bits())
                .collect();
            (
                key,
                (
                    metric.unit.clone(),
                    metric.kind.as_str(),
                    metric.better.as_str(),
                    bits,
                ),
            )
        })
    });
    series.collect()
}

fn failed(report: &Report) -> BTreeSet<(String, Params)> {
    let failed = report
        .benchmarks
        .iter()
        .filter(|benchmark| benchmark.status == Status::Failed);
    failed
        .map(|benchmark| (benchmark.name.clone(), benchmark.params.clone()))
        .collect()
}

proptest! {
    #[test]
    fn go_text_gives_the_same_series_and_samples_back(given in report()) {
        given.validate(now()).unwrap();
        let text = to_text(&given);
        let read = read(Format::Go, text.as_bytes(), &unknown()).unwrap();
        prop_assert_eq!(read.len(), 1, "{}", text);
        prop_assert_eq!(all_series(&read[0]), all_series(&given), "{}", text);
        prop_assert_eq!(failed(&read[0]), failed(&given), "{}", text);
        prop_assert_eq!(&read[0].revision.commit, &given.revision.commit);
        prop_assert_eq!(read[0].started_at, given.started_at);
        prop_assert_eq!(read[0].environment.identity(), given.environment.identity());
    }

    #[test]
    fn json_gives_the_same_report_back(given in report()) {
        prop_assert_eq!(&Report::parse(given.to_json().as_bytes(), now()).unwrap(), &given);
        prop_assert_eq!(&Report::parse(given.to_json_pretty().as_bytes(), now()).unwrap(), &given);
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "(Benchmark|Unit|---|FAIL:|[0-9]|/|=|-|\\{|\\}|\\[|\"|:|\t|\n| |ns/op|a){0,40}") {
        for format in Format::ALL {
            let _ = read(*format, text.as_bytes(), &unknown());
        }
        let _ = bench_report::read::detect(text.as_bytes());
        let _ = Report::parse(text.as_bytes(), now());
    }
}

#[test]
fn go_text_is_what_a_reader_of_go_expects() {
    let metric = |name: &str, unit: &str, kind: Kind, better: Direction, samples: &[f64]| Metric {
        name: name.into(),
        unit: unit.into(),
        better,
        kind,
        samples: samples.to_vec(),
        floor: None,
        target: None,
    };
    let base = Benchmark {
        name: "KVEventConcurrency".into(),
        params: [("concurrency", "100"), ("cpu", "2")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        status: Status::Ok,
        error: None,
        iterations: 1_000_000,
        conditions: None,
        disturbed: Vec::new(),
        metrics: vec![
            metric(
                "latency_mean",
                "ns",
                Kind::Time,
                Direction::Lower,
                &[1050.25, 1e-7],
            ),
            metric(
                "latency_p99",
                "ns",
                Kind::Time,
                Direction::Lower,
                &[2000.0, 2100.0],
            ),
            metric("bytes_per_op", "B", Kind::Bytes, Direction::Lower, &[256.0]),
            metric(
                "allocs_per_op",
                "1/op",
                Kind::Count,
                Direction::Lower,
                &[4.0],
            ),
            metric(
                "events_per_second",
                "1/s",
                Kind::Rate,
                Direction::Higher,
                &[1e6, 1.1e6],
            ),
        ],
        histograms: Vec::new(),
        curves: Vec::new(),
    };
    let failed = Benchmark {
        name: "two words/x".into(),
        params: [("size".to_owned(), "10-8".to_owned())].into(),
        status: Status::Skipped,
        error: Some("8 > 2 cores\nsee the machine".into()),
        metrics: Vec::new(),
        ..base.clone()
    };
    let report = Report {
        benchmarks: vec![base, failed],
        suite: Suite {
            name: "kv-sync".into(),
            version: "4".into(),
        },
        ..report_of_nothing()
    };
    assert_snapshot!(to_text(&report), @"
        # bench-report 1
        # suite-version: 4
        # runner-version: 0.1.0
        # commit: 9f3c2ab41d
        # started: 2026-11-24T01:30:00Z
        # finished: 2026-11-24T02:08:00Z
        goos: linux
        goarch: amd64
        pkg: kv-sync
        cpu: EPYC 7B13
        Unit ns/op metric=latency_mean
        Unit latency_p99-ns metric=latency_p99
        Unit B/op metric=bytes_per_op
        Unit allocs/op metric=allocs_per_op assume=exact
        Unit events_per_second better=higher
        BenchmarkKVEventConcurrency/concurrency=100-2	 1000000	     1050.25 ns/op	        2000 latency_p99-ns	         256 B/op	           4 allocs/op	     1000000 events_per_second
        BenchmarkKVEventConcurrency/concurrency=100-2	 1000000	        1e-7 ns/op	        2100 latency_p99-ns	     1100000 events_per_second
        --- SKIP: Benchmarktwo%20words%2Fx/size=10%2D8
            8 > 2 cores
            see the machine
        ");
}

fn report_of_nothing() -> Report {
    Report {
        format: FORMAT,
        run_key: Uuid::from_u128(1),
        kind: RunKind::Nightly,
        suite: Suite {
            name: "none".into(),
            version: "1".into(),
        },
        runner: Runner {
            name: "bench-runner".into(),
            version: "0.1.0".into(),
            binary_sha256: None,
        },
        options: Options::default(),
        revision: Revision {
            commit: Some("9f3c2ab41d".into()),
            ..Revision::default()
        },
        environment: Environment {
            os: Some("linux".into()),
            arch: Some("x86_64".into()),
            cpu_model: Some("EPYC 7B13".into()),
            ..Environment::default()
        },
        conditions: Conditions::default(),
        started_at: "2026-11-24T01:30:00Z".parse().unwrap(),
        finished_at: "2026-11-24T02:08:00Z".parse().unwrap(),
        expected: Vec::new(),
        benchmarks: Vec::new(),
        pair: None,
        artifacts: Vec::new(),
    }
}
