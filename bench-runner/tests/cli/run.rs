//! `run` and what it writes, and the other commands at their simplest.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use bench_report::report::{Report, Status};

use crate::{bench_runner, ran, report, stderr, stdout, tiny};

#[test]
fn list_shows_the_eight_benchmarks_as_text_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let text = stdout(&ran(folder.path(), &["list"]));
    let json: serde_json::Value =
        serde_json::from_slice(&ran(folder.path(), &["list", "--json"]).stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 8);
    for benchmark in json.as_array().unwrap() {
        assert!(text.contains(benchmark["name"].as_str().unwrap()));
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        (&["run", "--benchtime", "10"][..], "as in 10s"),
        (&["run", "--bench", "Nothing"], "KVEventBurstLoad"),
        (&["run", "--kind", "sample"], "nightly, pull and manual"),
        (
            &["run", "--kind", "pull", "--bench", "Memory"],
            "--pull NUMBER",
        ),
        (&["upload"], "KVMARK_SERVER"),
        (&["gate", "--run", "1"], "KVMARK_SERVER"),
        (&["baseline", "nothing.json"], "nothing.json"),
        (&["import", "nothing.txt", "--out", "x.json"], "nothing.txt"),
        (
            &["run", "--out", "no/such/folder/x.json", "--bench", "Memory"],
            "no/such/folder",
        ),
    ] {
        let output = ran(folder.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(says),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_run_writes_the_report_and_go_text_that_hold_the_same_samples() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(
        folder.path(),
        &tiny(&["--out", "report.json", "--text", "-"]),
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = report(&folder.path().join("report.json"));
    let benchmark = &report.benchmarks[0];
    assert_eq!(
        (benchmark.name.as_str(), benchmark.status),
        ("KVEventMemoryUsage", Status::Ok)
    );
    assert!(
        benchmark
            .metrics
            .iter()
            .all(|metric| metric.samples.len() == 2)
    );
    let text = stdout(&output);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("Benchmark"))
        .collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("BenchmarkKVEventMemoryUsage/items=1000\t"),
        "{text}"
    );
}

#[test]
fn go_text_is_read_back_as_the_same_series() {
    let folder = tempfile::tempdir().unwrap();
    ran(
        folder.path(),
        &tiny(&["--out", "report.json", "--text", "report.txt"]),
    );
    let output = ran(
        folder.path(),
        &["import", "report.txt", "--out", "read.json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let own = report(&folder.path().join("report.json"));
    let read = report(&folder.path().join("read.json"));
    let metrics = |report: &Report| -> Vec<(String, Vec<f64>)> {
        let benchmark = &report.benchmarks[0];
        let mut metrics: Vec<_> = benchmark
            .metrics
            .iter()
            .map(|metric| (metric.name.clone(), metric.samples.clone()))
            .collect();
        metrics.sort_by(|one, other| one.0.cmp(&other.0));
        metrics
    };
    assert_eq!(metrics(&own), metrics(&read));
}

#[test]
fn a_baseline_of_reports_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    ran(folder.path(), &tiny(&["--out", "report.json"]));
    let output = ran(
        folder.path(),
        &["baseline", "report.json", "--out", "baseline.json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json = std::fs::read(folder.path().join("baseline.json")).unwrap();
    let baseline = bench_report::write::baseline::Baseline::parse(&json).unwrap();
    assert_eq!(baseline.series.len(), 7);
}

#[test]
fn a_server_that_is_away_ends_with_6_and_the_report_waits_in_the_spool() {
    let folder = tempfile::tempdir().unwrap();
    // Port 9 (discard) of this machine: nobody listens.
    let server = [
        "--upload",
        "--server",
        "http://127.0.0.1:9",
        "--commit",
        "abcdef0",
    ];
    let output = ran(folder.path(), &tiny(&server));
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("1 report waits in"),
        "{}",
        stderr(&output)
    );
    let waiting: Vec<_> = std::fs::read_dir(folder.path().join("spool"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        report(&waiting[0].path()).revision.commit.as_deref(),
        Some("abcdef0")
    );
}

#[test]
fn a_report_without_a_commit_is_not_sent_and_says_what_to_add() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(
        folder.path(),
        &tiny(&["--upload", "--server", "http://127.0.0.1:9"]),
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--commit"), "{}", stderr(&output));
    assert!(!folder.path().join("spool").exists());
}

#[test]
fn what_was_measured_before_a_kill_is_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "run",
        "--bench",
        "MemoryUsage items=1000$",
        "--count",
        "1000",
    ];
    let mut child = bench_runner(folder.path(), &arguments)
        .args(["--cpu=1", "--out", "report.json"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("round 2/1000")));
    child.kill().unwrap();
    child.wait().unwrap();
    let report = report(&folder.path().join("report.json"));
    assert!(
        report.benchmarks[0]
            .metrics
            .iter()
            .all(|metric| !metric.samples.is_empty())
    );
}

#[test]
fn a_short_soak_of_an_index_that_does_not_leak_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), &["run", "--soak", "300000x", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["events"].as_u64().unwrap() >= 300_000);
    let index = &json["memory"][0];
    assert_eq!(
        (&index["what"], &index["judgement"]),
        (&"index".into(), &"steady".into())
    );
    let output = ran(folder.path(), &["run", "--soak", "10m", "--quick"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_shell_gets_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, says) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef bench-runner"),
        ("fish", "complete -c bench-runner"),
    ] {
        let output = ran(folder.path(), &["completions", shell]);
        assert!(output.status.success());
        let script = stdout(&output);
        assert!(
            script.contains(says) && script.contains("cpuprofile"),
            "{shell}"
        );
    }
}

#[test]
fn every_command_has_a_page_in_the_manual() {
    let folder = tempfile::tempdir().unwrap();
    let page = stdout(&ran(folder.path(), &["man", "bisect"]));
    assert!(
        page.contains(".TH bench\\-runner\\-bisect 1")
            || page.contains(".TH bench-runner-bisect 1"),
        "{page}"
    );
    assert!(page.contains("first bad commit"), "{page}");
    let all = ran(folder.path(), &["man", "--out", "man1"]);
    assert_eq!(all.status.code(), Some(0), "{}", stderr(&all));
    for name in ["bench-runner.1", "bench-runner-run.1", "bench-runner-ab.1"] {
        assert!(folder.path().join("man1").join(name).is_file(), "{name}");
    }
    let unknown = ran(folder.path(), &["man", "nothing"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["list"][..], &["list", "--json"], &tiny(&["--json"])[..]] {
        let mut child = bench_runner(folder.path(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = stderr(&output);
        assert!(
            output.status.success() && !told.contains("panicked"),
            "{told}"
        );
    }
}
