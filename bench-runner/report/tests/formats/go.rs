use bench_report::read::{Format, Origin, detect, read};
use bench_report::report::RunKind;
use insta::assert_snapshot;

use super::*;

fn go(text: &str) -> String {
    series(&read_one(Format::Go, text))
}

#[track_caller]
fn refusal(text: &str) -> String {
    read_text(Format::Go, text).unwrap_err().to_string()
}

#[test]
fn numbers_behind_log_lines_belong_to_the_name_before_them() {
    let text = std::fs::read_to_string(fixture("gobench-aibrix.txt")).unwrap();
    let report = read_one(Format::Go, &text);
    assert_snapshot!(series(&report), @"
        KVEventProcessingLatency ns/op: ns time lower [208.4, 198.3]
        KVEventProcessingLatency avg_latency_ns: ns time lower [160.0, 153.0]
        KVEventProcessingLatency p99_latency_ns: ns time lower [140.0, 160.0]
        KVEventProcessingLatency B/op: B bytes lower [32.0, 32.0]
        KVEventProcessingLatency allocs/op: 1/op ratio lower [1.0, 1.0]
        KVEventProcessingLatency ns/op cpu=2: ns time lower [208.2]
        KVEventProcessingLatency avg_latency_ns cpu=2: ns time lower [161.0]
        KVEventProcessingLatency p99_latency_ns cpu=2: ns time lower [161.0]
        KVEventProcessingLatency B/op cpu=2: B bytes lower [32.0]
        KVEventProcessingLatency allocs/op cpu=2: 1/op ratio lower [1.0]
        KVEventMemoryUsage ns/op case=small: ns time lower [0.003101]
        KVEventMemoryUsage items_per_mb case=small: items ratio higher [514.6]
        KVEventMemoryUsage memory_used_mb case=small: MB bytes lower [1.943]
        KVEventMemoryUsage B/op case=small: B bytes lower [0.0]
        KVEventMemoryUsage allocs/op case=small: 1/op ratio lower [0.0]
        KVEventConcurrency ns/op case=concurrency_10 cpu=2: ns time lower [882.4, 880.2]
        KVEventConcurrency concurrency_level case=concurrency_10 cpu=2: 1 ratio lower [10.0, 10.0]
        KVEventConcurrency total_errors case=concurrency_10 cpu=2: 1 ratio lower [0.0, 0.0]
        KVEventConcurrency total_processed case=concurrency_10 cpu=2: 1 ratio higher [1310040.0, 1363310.0]
        KVEventConcurrency B/op case=concurrency_10 cpu=2: B bytes lower [249.0, 242.0]
        KVEventConcurrency allocs/op case=concurrency_10 cpu=2: 1/op ratio lower [4.0, 4.0]
        KVEventRoutingDecision ns/op cpu=2: ns time lower [717.1]
        KVEventRoutingDecision avg_routing_latency_us cpu=2: us time lower [0.0]
        KVEventRoutingDecision p99_routing_latency_us cpu=2: us time lower [0.0]
        KVEventRoutingDecision B/op cpu=2: B bytes lower [672.0]
        KVEventRoutingDecision allocs/op cpu=2: 1/op ratio lower [3.0]
        ");
    assert_eq!(
        report.suite.name,
        "github.com/vllm-project/aibrix/test/benchmark"
    );
    assert_eq!(report.environment.os.as_deref(), Some("linux"));
    assert_eq!(report.environment.arch.as_deref(), Some("x86_64"));
    assert_eq!(report.environment.cpu_model.as_deref(), Some("AMD EPYC"));
    assert_eq!(report.benchmarks[0].iterations, 5_703_795);
}

#[test]
fn all_results_of_a_real_run_are_read_with_and_without_log_lines_in_between() {
    let (Some(raw), Some(joined)) = (
        shared("gobench-aibrix-raw.txt"),
        shared("gobench-aibrix-joined.txt"),
    ) else {
        return;
    };
    let raw = read(Format::Go, &raw, &unknown()).unwrap();
    let joined = read(Format::Go, &joined, &unknown()).unwrap();
    assert_eq!(raw, joined);
    assert_eq!(raw.len(), 1);
    let results: usize = raw[0]
        .benchmarks
        .iter()
        .map(|benchmark| benchmark.metrics[0].samples.len())
        .sum();
    assert_eq!((raw[0].benchmarks.len(), results), (34, 204));
}

#[test]
fn repeats_are_samples_and_suffixes_are_params() {
    assert_snapshot!(go("\
BenchmarkA-8  100  10.5 ns/op  2 B/op  1 allocs/op
BenchmarkA-8  100  11 ns/op  2 B/op  1 allocs/op
BenchmarkA/size=10/warm-8 \t 100 \t 7 ns/op \t 5 MB/s
BenchmarkB  1  2e+06 ns/op
PASS
"), @"
        A ns/op cpu=8: ns time lower [10.5, 11.0]
        A B/op cpu=8: B bytes lower [2.0, 2.0]
        A allocs/op cpu=8: 1/op ratio lower [1.0, 1.0]
        A ns/op case=warm cpu=8 size=10: ns time lower [7.0]
        A MB/s case=warm cpu=8 size=10: MB/s rate higher [5.0]
        B ns/op: ns time lower [2000000.0]
        ");
}

#[test]
fn unit_lines_hold_for_the_whole_text_wherever_they_stand() {
    assert_snapshot!(go("\
BenchmarkA 1 5 quality 7 binary-bytes
Unit quality better=higher colour=red
Unit binary-bytes assume=exact
"), @"
        A quality: 1 ratio higher [5.0]
        A binary-bytes: B count lower [7.0]
        ");
}

#[test]
fn lines_that_only_look_like_results_are_passed_over() {
    assert_snapshot!(go("\
Benchmarking the index now
BenchmarkA: starting 12 workers
12 13 events seen
BenchmarkA-2
log: 2 things
I1124 took 12\tsteps in 3 rounds
BenchmarkA-2 \t 2024/01/02 listening
done in 5703795\t 208.4 ns/op\t 32 B/op
cpu: 80% busy
ok  \texample.com/a\t1.0s
"), @"
        A ns/op cpu=2: ns time lower [208.4]
        A B/op cpu=2: B bytes lower [32.0]
        ");
}

#[test]
fn benchmarks_that_failed_were_skipped_or_gave_nothing_are_told() {
    assert_snapshot!(go("\
BenchmarkA-2 \t 100 \t 5 ns/op
BenchmarkB/x-2 \t--- FAIL: BenchmarkB/x-2
    b_test.go:12: allocation refused
    after 61,440 items
--- SKIP: BenchmarkC
    c_test.go:3: needs 8 cores
BenchmarkD-2 \tlistening
BenchmarkE
BenchmarkE/a
BenchmarkE/a-2 \t 100 \t 6 ns/op
--- BENCH: BenchmarkE/a-2
    e_test.go:9: only a note
BenchmarkF-2 \t 100 \t 1 ns/op
--- FAIL: BenchmarkF-2
FAIL
"), @"
        A ns/op cpu=2: ns time lower [5.0]
        B failed: b_test.go:12: allocation refused | after 61,440 items
        C skipped: c_test.go:3: needs 8 cores
        E ns/op case=a cpu=2: ns time lower [6.0]
        F failed: failed
        D failed: it began and gave no result
        ");
}

#[test]
fn each_package_and_machine_is_a_run_of_its_own() {
    let text = "\
goos: linux
goarch: amd64
pkg: example.com/a
BenchmarkA 1 5 ns/op
pkg: example.com/b
BenchmarkA 1 6 ns/op
";
    let reports = read_text(Format::Go, text).unwrap();
    let suites: Vec<_> = reports
        .iter()
        .map(|report| report.suite.name.as_str())
        .collect();
    assert_eq!(suites, ["example.com/a", "example.com/b"]);
    assert!(
        reports
            .iter()
            .all(|report| report.environment.os.as_deref() == Some("linux"))
    );
    assert_ne!(reports[0].run_key, reports[1].run_key);
}

#[test]
fn commit_and_time_come_from_the_text_unless_they_are_given() {
    let text = "\
commit: 9f3c2ab41d
commit-time: 2026-11-20T10:00:00-05:00
branch: main
BenchmarkA 1 5 ns/op
";
    let report = read_one(Format::Go, text);
    assert_eq!(report.revision.commit.as_deref(), Some("9f3c2ab41d"));
    assert_eq!(report.revision.branch.as_deref(), Some("main"));
    assert_eq!(
        report.revision.committed_at.unwrap().to_string(),
        "2026-11-20T15:00:00Z"
    );
    assert_eq!((report.kind, report.started_at), (RunKind::Import, now()));
    let given = Origin {
        kind: Some(RunKind::Nightly),
        commit: Some("77ab0f4".into()),
        time: Some("2026-11-21T00:00:00Z".parse().unwrap()),
        environment: Some("ci-a".into()),
        ..unknown()
    };
    let report = &read(Format::Go, text.as_bytes(), &given).unwrap()[0];
    assert_eq!(report.revision.commit.as_deref(), Some("77ab0f4"));
    assert_eq!(report.revision.branch.as_deref(), Some("main"));
    assert_eq!(
        (report.kind, report.started_at.to_string().as_str()),
        (RunKind::Nightly, "2026-11-21T00:00:00Z")
    );
    assert_eq!(report.environment.name.as_deref(), Some("ci-a"));
}

#[test]
fn the_same_text_is_the_same_run() {
    let key = |text: &str| read_one(Format::Go, text).run_key;
    assert_eq!(
        key("BenchmarkA 1 5 ns/op\n"),
        key("BenchmarkA 1 5 ns/op\r\nPASS\r\n")
    );
    assert_ne!(key("BenchmarkA 1 5 ns/op\n"), key("BenchmarkA 1 6 ns/op\n"));
}

#[test]
fn a_result_that_is_written_wrong_is_refused_with_its_place() {
    assert_snapshot!(refusal("BenchmarkA 100 12a ns/op"), @"line 1, column 16: expected a finite number, found `12a ns/op`");
    assert_snapshot!(refusal("PASS\nBenchmarkÄ-8\t100\t12.5"), @"line 2, column 22: expected a unit after the number, found the end of the line");
    assert_snapshot!(refusal("BenchmarkA 100 5 ns/op 7 B/op x"), @"line 1, column 31: expected a finite number, found `x`");
    assert_snapshot!(refusal("BenchmarkA 100 NaN ns/op"), @"line 1, column 16: expected a finite number, found `NaN ns/op`");
    assert_snapshot!(refusal("BenchmarkA 100 1e999 ns/op"), @"line 1, column 16: expected a finite number, found `1e999 ns/op`");
    assert_snapshot!(refusal("BenchmarkA 99999999999999999999 1 ns/op"), @"line 1, column 12: expected an iteration count below 2^64, found `99999999999999999999 1 ns/op`");
    assert_snapshot!(refusal("BenchmarkA \n  100\t 5 ns/op\t x B/op"), @"line 2, column 17: expected a finite number, found `x B/op`");
    assert_snapshot!(refusal("Unit ns/op better"), @"line 1, column 12: expected key=value, found `better`");
    assert_snapshot!(refusal("Unit ns/op better=more"), @"line 1, column 12: expected better=lower or better=higher, found `better=more`");
    assert_snapshot!(refusal("# bench-report 1\nBenchmarkA done"), @"line 2, column 12: expected an iteration count, found `done`");
    assert_snapshot!(refusal("hello"), @"there is no result in it: expected lines such as `BenchmarkName-8  1000  1050 ns/op`");
    assert_snapshot!(refusal(&format!("BenchmarkA 1 {} ns/op", -1)), @"what was read makes no valid report: /benchmarks/0/metrics/0/samples/0: the time is -1, and is never negative: check how it was measured");
    assert_snapshot!(read(Format::Go, b"ok\nBenchmark\xff 1 1 ns/op", &unknown()).unwrap_err(), @"line 2: it is not UTF-8 text");
}

#[test]
fn go_text_is_told_from_other_texts() {
    assert_eq!(
        detect(b"goos: linux\nBenchmarkA 1 5 ns/op\n"),
        Some(Format::Go)
    );
    assert_eq!(detect(b"hello"), None);
    assert_eq!(detect(b""), None);
    assert_eq!(detect(&[0xff, 0xfe]), None);
}
