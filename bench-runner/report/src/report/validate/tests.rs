#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-11-24T02:10:00Z".parse().unwrap()
}

/// A report with everything in it.
fn valid() -> Value {
    let mut latencies = hdrhistogram::Histogram::<u64>::new(3).unwrap();
    latencies.record_n(18_740, 1_000).unwrap();
    let histogram = Histogram::encode("latency", "ns", &latencies).unwrap();
    json!({
        "format": 1, "run_key": "6f8b3f0e-3c53-4d6a-9a55-1a9f6a6b8f10", "kind": "nightly",
        "suite": {"name": "kv-sync", "version": "4"},
        "runner": {"name": "bench-runner", "version": "0.1.0", "binary_sha256": "0".repeat(64)},
        "options": {"benchtime": "10s", "count": 2, "cpu": [1, 2], "warmup": "1s", "seed": 7, "quick": false},
        "revision": {
            "repository": "owner/name", "commit": "9f3c2ab41d", "branch": "main", "committed_at": "2026-11-23T20:00:00Z",
            "subject": "Count removals per worker", "author": "a.k.", "dirty": false,
            "commits": [{"commit": "9f3c2ab41d", "subject": "Count removals per worker", "author": "a.k."}],
        },
        "environment": {"name": "ci-a", "os": "linux", "kernel": "6.8.0-47", "cpu_count": 8, "numa_nodes": 2},
        "conditions": {"load_1m": 0.31},
        "started_at": "2026-11-24T01:30:00Z", "finished_at": "2026-11-24T02:08:00Z",
        "expected": [{"name": "KVEventConcurrency", "params": {"concurrency": "100"}, "metrics": ["latency_p99"]}],
        "benchmarks": [
            {
                "name": "KVEventConcurrency", "params": {"concurrency": "100", "cpu": "2"}, "status": "ok",
                "iterations": 1000, "disturbed": ["steal 4.1%"], "conditions": {"steal_percent": 4.1},
                "metrics": [
                    {"name": "latency_p99", "unit": "ns", "better": "lower", "kind": "time", "samples": [263.0, 262.5],
                     "floor": 1.0, "target": {"op": "<", "value": 1e6}},
                    {"name": "allocs_per_op", "unit": "1/op", "better": "lower", "kind": "count", "samples": [4]},
                ],
                "histograms": [histogram],
                "curves": [{"name": "queue_depth", "x": "ms", "y": "events", "points": [[0, 0], [1, 12], [1, 13]]}],
            },
            {"name": "KVEventConcurrency", "params": {"cpu": "8"}, "status": "skipped", "error": "8 > 2 cores"},
        ],
        "artifacts": [{"name": "cpu", "kind": "cpu-stacks", "data_base64": "YTtiIDE="}],
    })
}

/// The valid report with the value at `pointer` replaced, or added under its parent.
fn with(pointer: &str, value: Value) -> Value {
    let mut report = valid();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match report.pointer_mut(parent).unwrap() {
        Value::Object(entries) => {
            entries.insert(key.replace("~1", "/"), value);
        }
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        _ => unreachable!("a pointer leads through objects and lists"),
    }
    report
}

fn parse(report: &Value) -> Result<Report, Refusals> {
    Report::parse(report.to_string().as_bytes(), now())
}

/// What is said when the value at `pointer` is `value`.
#[track_caller]
fn refusal(pointer: &str, value: Value) -> String {
    parse(&with(pointer, value))
        .expect_err("should be refused")
        .to_string()
}

#[test]
fn a_report_with_everything_in_it_is_taken_and_travels_unchanged() {
    let report = parse(&valid()).unwrap();
    assert_eq!(
        Report::parse(report.to_json().as_bytes(), now()).unwrap(),
        report
    );
    assert_eq!(
        Report::parse(report.to_json_pretty().as_bytes(), now()).unwrap(),
        report
    );
    assert!(report.upload_refusal().is_none());
}

#[test]
fn fields_that_are_not_known_are_passed_over() {
    let with_more = with(
        "/benchmarks/0/metrics/0/colour",
        json!({"deep": [1, 2, {"a": null}]}),
    );
    assert_eq!(parse(&with_more).unwrap(), parse(&valid()).unwrap());
}

#[test]
fn another_format_is_refused_whatever_its_shape() {
    let expected = "/format: the report has format 2 and this program reads format 1: \
                    use versions of bench-runner and kvmark that belong together";
    assert_eq!(refusal("/format", json!(2)), expected);
    let other_shape = Report::parse(br#"{"format": 2, "runs": []}"#, now()).unwrap_err();
    assert_eq!(other_shape.to_string(), expected);
}

#[test]
fn what_is_no_report_is_refused_with_the_place() {
    let refused = |json: &str| {
        Report::parse(json.as_bytes(), now())
            .unwrap_err()
            .to_string()
    };
    assert_snapshot!(refused(""), @"the report: EOF while parsing a value at line 1 column 0");
    assert_snapshot!(refused("{}"), @"the report: missing field `format` at line 1 column 2");
    assert_snapshot!(refused("[1, 2]"), @"/1: invalid type: integer `2`, expected a formatted UUID string at line 1 column 5");
    assert_snapshot!(refused(&(valid().to_string() + "{}")), @"the report: trailing characters at line 1 column 1699");
    assert_snapshot!(refused(&valid().to_string().replace("262.5", "1e999")), @"/benchmarks/0/metrics/0/samples/1: number out of range at line 1 column 473");
}

#[test]
fn a_wrong_type_or_word_is_refused_with_its_pointer() {
    assert_snapshot!(refusal("/kind", json!("weekly")), @"/kind: unknown variant `weekly`, expected one of `nightly`, `pull`, `manual`, `ab`, `aa`, `canary`, `import`, `sample` at line 1 column 1074");
    assert_snapshot!(refusal("/benchmarks/0/metrics/0/better", json!("smaller")), @"/benchmarks/0/metrics/0/better: unknown variant `smaller`, expected `lower` or `higher` at line 1 column 405");
    assert_snapshot!(refusal("/benchmarks/0/metrics/0/kind", json!("length")), @"/benchmarks/0/metrics/0/kind: unknown variant `length`, expected one of `time`, `rate`, `count`, `bytes`, `ratio` at line 1 column 431");
    assert_snapshot!(refusal("/benchmarks/0/metrics/0/samples/1", json!(null)), @"/benchmarks/0/metrics/0/samples/1: invalid type: null, expected f64 at line 1 column 472");
    assert_snapshot!(refusal("/benchmarks/0/params/cpu", json!(2)), @"/benchmarks/0/params/cpu: invalid type: integer `2`, expected a string at line 1 column 677");
    assert_snapshot!(refusal("/environment/cpu_count", json!("eight")), @r#"/environment/cpu_count: invalid type: string "eight", expected u32 at line 1 column 853"#);
    assert_snapshot!(refusal("/environment/caches", json!([1, 2])), @"/environment/caches: invalid type: sequence, expected a text, a number or a boolean at line 1 column 844");
    assert_snapshot!(refusal("/started_at", json!("yesterday")), @"/started_at: failed to parse four digit integer as year: invalid digit, expected 0-9 but got y at line 1 column 1645");
    assert_snapshot!(refusal("/run_key", json!("1482")), @"/run_key: UUID parsing failed: invalid length: found 4 at line 1 column 1454");
}

#[test]
fn a_unit_that_is_not_known_is_refused_wherever_it_stands() {
    assert_snapshot!(refusal("/benchmarks/0/metrics/0/unit", json!("furlongs")), @r#"/benchmarks/0/metrics/0/unit: unknown unit "furlongs"; the known units are ns, us, ms, s, B, KiB, MiB, GiB, kB, MB, GB, 1/s, B/s, MB/s, B/h, %, 1, 1/op, events, items, blocks, tokens, cores, MHz"#);
    assert!(
        refusal("/benchmarks/0/histograms/0/unit", json!("µs"))
            .starts_with("/benchmarks/0/histograms/0/unit: unknown unit")
    );
    assert!(
        refusal("/benchmarks/0/curves/0/y", json!(""))
            .starts_with("/benchmarks/0/curves/0/y: unknown unit")
    );
}

#[test]
fn times_are_neither_negative_nor_ahead_nor_backwards() {
    assert_snapshot!(refusal("/benchmarks/0/metrics/0/samples/1", json!(-2.0)), @"/benchmarks/0/metrics/0/samples/1: the time is -2, and is never negative: check how it was measured");
    assert_snapshot!(refusal("/finished_at", json!("2026-11-25T02:10:01Z")), @"/finished_at: finished_at is 2026-11-25T02:10:01Z, more than a day after 2026-11-24T02:10:00Z: set the clock of the machine that measured");
    assert_snapshot!(refusal("/finished_at", json!("2026-11-24T01:29:59Z")), @"/finished_at: finished_at is 2026-11-24T01:29:59Z, before started_at, which is 2026-11-24T01:30:00Z: check the clock of the machine that measured");
    assert_snapshot!(refusal("/revision/committed_at", json!("2030-01-01T00:00:00Z")), @"/revision/committed_at: committed_at is 2030-01-01T00:00:00Z, more than a day after 2026-11-24T02:10:00Z: set the clock of the machine that measured");
    assert!(
        parse(&with("/finished_at", json!("2026-11-25T02:10:00Z"))).is_ok(),
        "a day ahead is not more than a day"
    );
    assert!(
        parse(&with("/benchmarks/0/metrics/1/samples/0", json!(-2.0))).is_ok(),
        "a number may be negative"
    );
}

#[test]
fn numbers_are_finite_also_in_a_report_that_was_not_read_from_json() {
    let mut report = parse(&valid()).unwrap();
    report.benchmarks[0].metrics[0].samples = vec![f64::NAN, 1.0, f64::INFINITY];
    report.benchmarks[0].metrics[0].floor = Some(-1.0);
    report.benchmarks[0].curves[0].points[1] = [f64::NEG_INFINITY, 1.0];
    report.conditions.load_1m = Some(f64::NAN);
    assert_snapshot!(report.validate(now()).unwrap_err(), @"
        /conditions/load_1m: the load is NaN, and must be a finite number: leave out what could not be measured
        /benchmarks/0/metrics/0/samples/0: the sample is NaN, and must be a finite number: leave out what could not be measured
        /benchmarks/0/metrics/0/samples/2: the sample is inf, and must be a finite number: leave out what could not be measured
        /benchmarks/0/metrics/0/floor: the floor is -1, and is never negative: check how it was measured
        /benchmarks/0/curves/0/points/1: x is -inf, and must be a finite number: leave out what could not be measured
        /benchmarks/0/curves/0/points/1: x falls from 0 to -inf: sort the points by x
        ");
}

#[test]
fn names_and_texts_have_a_length_and_no_control_characters() {
    assert_snapshot!(refusal("/benchmarks/0/name", json!("x".repeat(201))), @r#"/benchmarks/0/name: the benchmark's name has 201 bytes and the limit is 200: shorten it ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…")"#);
    assert_snapshot!(refusal("/benchmarks/0/name", json!(" ")), @"/benchmarks/0/name: the benchmark's name is empty: give it one");
    assert_snapshot!(refusal("/benchmarks/0/metrics/0/name", json!("a\nb")), @r#"/benchmarks/0/metrics/0/name: the metric's name holds the control character '\n': leave it out ("a\nb")"#);
    assert_snapshot!(refusal("/benchmarks/0/params/a~1b", json!("x".repeat(201))), @r#"/benchmarks/0/params/a~1b: the param's value has 201 bytes and the limit is 200: shorten it ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…")"#);
    assert_snapshot!(refusal("/benchmarks/1/error", json!("x".repeat(4097))), @r#"/benchmarks/1/error: the error has 4097 bytes and the limit is 4096: shorten it ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…")"#);
    assert_snapshot!(refusal("/revision/subject", json!("\u{1b}[31mred")), @r#"/revision/subject: the subject holds the control character '\u{1b}': leave it out ("\u{1b}[31mred")"#);
    assert_snapshot!(refusal("/revision/commit", json!("HEAD")), @r#"/revision/commit: the commit is "HEAD", and must be 7 to 64 lower-case hex digits"#);
    assert_snapshot!(refusal("/runner/binary_sha256", json!("AB")), @r#"/runner/binary_sha256: the SHA-256 of the binary is "AB", and must be 64 lower-case hex digits"#);
    assert!(
        parse(&with(
            "/benchmarks/0/name",
            json!("<script>alert(1)</script>")
        ))
        .is_ok()
    );
    assert!(
        parse(&with("/benchmarks/0/name", json!("é".repeat(100)))).is_ok(),
        "200 bytes are not more than 200"
    );
    assert!(parse(&with("/benchmarks/1/error", json!("two\nlines"))).is_ok());
}

#[test]
fn lists_have_a_length() {
    let element = |pointer: &str| valid().pointer(pointer).unwrap().clone();
    let many = |value: Value, count: usize| Value::Array(vec![value; count]);
    for (pointer, value, limit) in [
        ("/benchmarks", element("/benchmarks/0"), BENCHMARKS),
        ("/expected", element("/expected/0"), BENCHMARKS),
        ("/artifacts", element("/artifacts/0"), ARTIFACTS),
        (
            "/benchmarks/0/metrics",
            element("/benchmarks/0/metrics/0"),
            METRICS,
        ),
        (
            "/benchmarks/0/histograms",
            element("/benchmarks/0/histograms/0"),
            HISTOGRAMS,
        ),
        (
            "/benchmarks/0/curves",
            element("/benchmarks/0/curves/0"),
            CURVES,
        ),
        ("/benchmarks/0/curves/0/points", json!([0, 0]), POINTS),
        ("/benchmarks/0/metrics/0/samples", json!(1.5), SAMPLES),
        ("/benchmarks/0/disturbed", json!("load"), DISTURBANCES),
        ("/revision/commits", element("/revision/commits/0"), COMMITS),
        ("/options/cpu", json!(1), CPUS),
    ] {
        let refused = refusal(pointer, many(value.clone(), limit + 1));
        assert!(
            refused.starts_with(&format!("{pointer}: more than {limit} of them")),
            "{refused}"
        );
        let at_limit = with(pointer, many(value, limit));
        if let Err(refused) = parse(&at_limit) {
            assert!(
                refused
                    .iter()
                    .all(|it| matches!(it.problem, Problem::Repeated { .. })),
                "{refused}"
            );
        }
    }
    let params: Params = (0..33)
        .map(|key| (format!("k{key}"), "v".to_owned()))
        .collect();
    assert!(
        refusal("/benchmarks/0/params", json!(params))
            .starts_with("/benchmarks/0/params: more than 32 params")
    );
}

#[test]
fn lists_of_a_report_that_was_not_read_from_json_have_the_same_length() {
    let mut report = parse(&valid()).unwrap();
    report.benchmarks[0].metrics[0].samples = vec![1.0; SAMPLES + 1];
    let curves = vec![report.benchmarks[0].curves[0].clone(); CURVES + 1];
    report.benchmarks[0].curves = curves;
    let refused = report.validate(now()).unwrap_err();
    assert_eq!(refused.first().pointer, "/benchmarks/0/metrics/0/samples");
    assert_snapshot!(refused.first().problem, @"there are 10001 samples and the limit is 10000: send fewer");
    assert!(
        refused
            .iter()
            .any(|it| it.pointer == "/benchmarks/0/curves")
    );
    assert_eq!(refused.iter().count() + refused.more, 1 + 1 + CURVES);
}

#[test]
fn a_thing_that_is_there_twice_is_refused_with_where_it_was_first() {
    let benchmark = valid()["benchmarks"][0].clone();
    assert_snapshot!(refusal("/benchmarks/1", benchmark), @r#"/benchmarks/1: the benchmark "KVEventConcurrency concurrency=100 cpu=2" is there twice, first at /benchmarks/0: give each one entry"#);
    let metric = valid()["benchmarks"][0]["metrics"][0].clone();
    assert_snapshot!(refusal("/benchmarks/0/metrics/1", metric), @r#"/benchmarks/0/metrics/1: the metric "latency_p99" is there twice, first at /benchmarks/0/metrics/0: give each one entry"#);
    let expected = valid()["expected"][0].clone();
    assert_snapshot!(refusal("/expected", json!([expected, expected])), @r#"/expected/1: the expected benchmark "KVEventConcurrency concurrency=100" is there twice, first at /expected/0: give each one entry"#);
    let repeated = valid()
        .to_string()
        .replace(r#""cpu":"2""#, r#""cpu":"2","cpu":"4""#);
    assert_snapshot!(Report::parse(repeated.as_bytes(), now()).unwrap_err(), @r#"/benchmarks/0/params: the param "cpu" is given twice at line 1 column 690"#);
}

#[test]
fn the_same_benchmark_with_other_params_is_another_one() {
    assert!(parse(&with("/benchmarks/1/params/cpu", json!("4"))).is_ok());
}

#[test]
fn how_a_benchmark_ended_and_what_it_measured_belong_together() {
    assert_snapshot!(refusal("/benchmarks/0/metrics", json!([])), @"/benchmarks/0/metrics: there are no metrics: call a benchmark that measured nothing failed or skipped");
    assert_snapshot!(refusal("/benchmarks/0/metrics/0/samples", json!([])), @"/benchmarks/0/metrics/0/samples: there are no samples: leave out a metric that was not measured");
    assert_snapshot!(refusal("/benchmarks/1/error", json!(" ")), @"/benchmarks/1/error: the benchmark is skipped and `error` does not say why: give the reason");
    assert_snapshot!(refusal("/benchmarks/0/status", json!("failed")), @"
        /benchmarks/0/error: the benchmark is failed and `error` does not say why: give the reason
        /benchmarks/0/metrics: the benchmark is failed and has metrics: leave them out, or call it ok
        ");
}

#[test]
fn distributions_curves_and_files_are_looked_into() {
    assert_snapshot!(refusal("/benchmarks/0/histograms/0/hdr_base64", json!("AAAA")), @"/benchmarks/0/histograms/0/hdr_base64: the histogram cannot be taken: it is not HdrHistogram's V2 encoding (compressed or not)");
    assert_snapshot!(refusal("/benchmarks/0/curves/0/points/2", json!([0.5, 1])), @"/benchmarks/0/curves/0/points/2: x falls from 1 to 0.5: sort the points by x");
    assert_snapshot!(refusal("/artifacts/0/data_base64", json!("###")), @"/artifacts/0/data_base64: the artifact cannot be taken: it is not base64 with padding: Invalid symbol 35, offset 0.");
    let too_long = "A".repeat((super::super::limits::ARTIFACT_BYTES + 3) / 3 * 4);
    assert_snapshot!(refusal("/artifacts/0/data_base64", json!(too_long)), @"/artifacts/0/data_base64: the artifact cannot be taken: it has 8388609 bytes and the limit is 8388608: thin it, or leave it out");
}

#[test]
fn a_side_of_a_pair_has_one_sample_a_round() {
    let pair = |rounds: Value| json!({"pair_key": "6f8b3f0e-3c53-4d6a-9a55-1a9f6a6b8f11", "side": "head", "rounds": rounds, "purpose": "pull"});
    assert!(
        parse(&with("/pair", pair(json!([0, 3])))).is_ok(),
        "the count has one sample, and may"
    );
    assert_snapshot!(refusal("/pair", pair(json!([0, 3, 4]))), @"/benchmarks/0/metrics/0/samples: there are 2 samples and the pair has 3 rounds: send one sample a round (counts excepted)");
    assert_snapshot!(refusal("/pair", pair(json!([]))), @"
        /pair/rounds: there are no rounds: say in which round each sample was measured
        /benchmarks/0/metrics/0/samples: there are 2 samples and the pair has 0 rounds: send one sample a round (counts excepted)
        ");
    assert_snapshot!(refusal("/kind", json!("ab")), @"/pair: the run's kind is ab and `pair` is missing: say of which pair it is which side");
}

#[test]
fn a_report_without_a_commit_is_valid_and_has_no_place_in_a_store() {
    let mut report = valid();
    report["revision"].as_object_mut().unwrap().remove("commit");
    let refusal = parse(&report).unwrap().upload_refusal().unwrap();
    assert_snapshot!(refusal, @"/revision/commit: the report names no commit, so that it has no place in a history: import it again with `--commit C`");
    report["revision"]["commit"] = json!("9f3c2ab41d");
    report["revision"].as_object_mut().unwrap().remove("branch");
    assert_eq!(
        parse(&report).unwrap().upload_refusal().unwrap().pointer,
        "/revision/branch"
    );
}

#[test]
fn a_report_longer_than_the_limit_is_not_even_read() {
    let long = vec![b' '; super::super::limits::DECODED_BYTES + 1];
    assert_snapshot!(Report::parse(&long, now()).unwrap_err(), @"the report: it has 67108865 bytes and the limit is 67108864: leave out artifacts, or split it");
}

#[test]
fn the_content_key_depends_on_the_content_and_on_nothing_else() {
    let report = parse(&valid()).unwrap();
    let rekeyed = parse(&with(
        "/run_key",
        json!("6f8b3f0e-3c53-4d6a-9a55-1a9f6a6b8f12"),
    ))
    .unwrap();
    let changed = parse(&with("/revision/branch", json!("next"))).unwrap();
    assert_eq!(report.content_key(), rekeyed.content_key());
    assert_ne!(report.content_key(), changed.content_key());
    assert!(parse(&with("/run_key", json!(uuid::Uuid::nil()))).is_err());
}

#[test]
fn a_planted_slowdown_is_refused_where_figures_must_be_real() {
    assert_snapshot!(
        refusal("/options/planted", json!("apply=15%")),
        @r#"/options/planted: "apply=15%" was planted in a run of kind nightly: only canary, ab, aa and manual runs may hold that"#
    );
    let mut manual = with("/options/planted", json!("apply=15%"));
    manual["kind"] = json!("manual");
    let planted = parse(&manual).unwrap().options.planted;
    assert_eq!(planted.as_deref(), Some("apply=15%"));
}
