//! `run --exec`: other people's benchmarks.

use crate::{ran, report, stderr};

#[test]
fn another_tools_command_is_run_read_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let command = "echo BenchmarkA-2 100 50 ns/op; echo BenchmarkA-2 100 60 ns/op";
    let output = ran(
        folder.path(),
        &["run", "--exec", command, "--out", "report.json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = report(&folder.path().join("report.json"));
    assert_eq!(report.benchmarks[0].metrics[0].samples, [50.0, 60.0]);
    assert!(report.environment.cpu_count.is_some() && report.environment.allocator.is_none());
    let nothing = ran(folder.path(), &["run", "--exec", "echo hello"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(
        stderr(&nothing).contains("--exec-format"),
        "{}",
        stderr(&nothing)
    );
}

#[test]
fn results_that_a_command_writes_are_read_from_there_and_not_from_an_earlier_time() {
    let folder = tempfile::tempdir().unwrap();
    let exec = |command: &str| {
        let arguments = ["run", "--exec", command, "--exec-results", "bench.txt"];
        ran(
            folder.path(),
            &[&arguments[..], &["--out", "report.json"]].concat(),
        )
    };
    let written = exec("echo words; echo BenchmarkA 100 50 ns/op > bench.txt");
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    let samples = report(&folder.path().join("report.json")).benchmarks[0].metrics[0]
        .samples
        .clone();
    assert_eq!(samples, [50.0]);
    let stale = exec("echo words");
    assert_eq!(stale.status.code(), Some(2));
    assert!(
        stderr(&stale).contains("wrote nothing to bench.txt"),
        "{}",
        stderr(&stale)
    );
    let criterion = ran(
        folder.path(),
        &["run", "--exec", "echo 'fib  time:   [1 ns 2 ns 3 ns]'"],
    );
    assert!(
        stderr(&criterion).contains("--exec-results target/criterion"),
        "{}",
        stderr(&criterion)
    );
}

#[test]
fn malformed_results_are_told_by_line_and_column_and_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let command = "echo log line; echo BenchmarkA-2 100 50 ns/op; echo BenchmarkA-2 100 5x ns/op";
    let output = ran(folder.path(), &["run", "--exec", command]);
    assert_eq!(output.status.code(), Some(2));
    let says = "line 3, column 18: expected a finite number, found `5x ns/op`";
    assert!(stderr(&output).contains(says), "{}", stderr(&output));
}

#[test]
fn criterions_lines_are_read_with_log_lines_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let line = r#"{"reason":"benchmark-complete","id":"fib/20","iteration_count":[10,20],"measured_values":[500.0,1020.0],"unit":"ns","throughput":[]}"#;
    let command = format!("echo warming up; echo '{line}'; echo done");
    let output = ran(
        folder.path(),
        &["run", "--exec", &command, "--out", "report.json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let read = report(&folder.path().join("report.json"));
    assert_eq!(
        (
            read.benchmarks[0].name.as_str(),
            &read.benchmarks[0].metrics[0].samples
        ),
        ("fib", &vec![50.0, 51.0])
    );
}
