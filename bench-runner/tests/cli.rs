//! The program as it is used: arguments in, exit code, texts and files out.
#![expect(
    clippy::unwrap_used,
    reason = "a test may fail where its own files cannot be written"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bench_report::report::{Report, Status};
use jiff::Timestamp;

/// The program in a folder that is no git work tree, without anybody's settings.
fn bench_runner(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench-runner"));
    command.current_dir(folder).args(arguments);
    for name in ["KVMARK_SERVER", "KVMARK_TOKEN", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    command.env("KVMARK_SPOOL", folder.join("spool"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    bench_runner(folder, arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn report(path: &Path) -> Report {
    Report::parse(&std::fs::read(path).unwrap(), Timestamp::now()).unwrap()
}

/// The smallest run that measures something.
const TINY: [&str; 8] = [
    "run",
    "--bench",
    "MemoryUsage items=1000$",
    "--benchtime",
    "1x",
    "--count",
    "2",
    "--cpu=1",
];

fn tiny<'a>(more: &[&'a str]) -> Vec<&'a str> {
    TINY.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn list_shows_the_eight_benchmarks_as_text_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let text = stdout(&run(folder.path(), &["list"]));
    let json: serde_json::Value =
        serde_json::from_slice(&run(folder.path(), &["list", "--json"]).stdout).unwrap();
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
        let output = run(folder.path(), arguments);
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
    let output = run(
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
    run(
        folder.path(),
        &tiny(&["--out", "report.json", "--text", "report.txt"]),
    );
    let output = run(
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
    run(folder.path(), &tiny(&["--out", "report.json"]));
    let output = run(
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
    let output = run(folder.path(), &tiny(&server));
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("1 reports wait in"),
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
    let output = run(
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
fn another_tools_command_is_run_read_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let command = "echo BenchmarkA-2 100 50 ns/op; echo BenchmarkA-2 100 60 ns/op";
    let output = run(
        folder.path(),
        &["run", "--exec", command, "--out", "report.json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = report(&folder.path().join("report.json"));
    assert_eq!(report.benchmarks[0].metrics[0].samples, [50.0, 60.0]);
    assert!(report.environment.cpu_count.is_some() && report.environment.allocator.is_none());
    let nothing = run(folder.path(), &["run", "--exec", "echo hello"]);
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
        run(
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
    let criterion = run(
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
    let output = run(folder.path(), &["run", "--exec", command]);
    assert_eq!(output.status.code(), Some(2));
    let says = "line 3, column 18: expected a finite number, found `5x ns/op`";
    assert!(stderr(&output).contains(says), "{}", stderr(&output));
}

#[test]
fn two_commands_that_differ_end_with_1_and_equal_ones_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let side = |ns: u32| format!("echo BenchmarkA 10 {ns} ns/op");
    let ab = |base: &str, head: &str| {
        run(
            folder.path(),
            &["ab", "--", "sh", "-c", base, "---", "sh", "-c", head],
        )
    };
    let slower = ab(&side(100), &side(150));
    assert_eq!(slower.status.code(), Some(1), "{}", stderr(&slower));
    assert!(
        stdout(&slower).contains("critical confirmed"),
        "{}",
        stdout(&slower)
    );
    let equal = ab(&side(100), &side(100));
    assert_eq!(equal.status.code(), Some(0), "{}", stdout(&equal));
}

#[test]
fn profiles_are_taken_beside_the_figures_and_go_with_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "run",
        "--bench",
        "KVEventConcurrency concurrency=10 cpu=1",
        "--benchtime",
        "100ms",
        "--count",
        "1",
        "--cpu=1",
        "--memprofile=mem.svg",
        "--lockprofile=lock.folded",
        "--cpuprofile=cpu.pb.gz",
        "--trace=trace.json",
        "--out=report.json",
    ];
    let output = run(folder.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("Bytes allocated, "), "{text}");
    let names: Vec<String> = report(&folder.path().join("report.json"))
        .artifacts
        .iter()
        .map(|artifact| format!("{} {}", artifact.name, artifact.kind))
        .collect();
    for name in [
        "heap heap-stacks",
        "heap-objects heap-stacks",
        "trace trace",
    ] {
        assert!(names.iter().any(|own| own == name), "{names:?}");
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for name in ["mem.svg", "mem-objects.svg"] {
        assert!(read(name).starts_with("<svg "), "{name}");
        assert!(read(name).contains("KVEventConcurrency concurrency=10 cpu=1"));
    }
    let trace: serde_json::Value = serde_json::from_str(&read("trace.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    assert!(events.iter().any(|event| event["name"] == "fill the index"));
    // Where this system lets a program be interrupted safely, there is a profile; else it is said.
    let has_cpu = folder.path().join("cpu.pb.gz").exists();
    assert!(
        has_cpu || text.contains("not available on this system"),
        "{text}"
    );
}

#[test]
fn a_profile_that_could_not_be_written_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    for (file, says) in [
        ("cpu.png", "end it in .svg"),
        ("no/cpu.svg", "cannot write"),
    ] {
        let output = run(folder.path(), &tiny(&["--cpuprofile", file]));
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
}

#[test]
fn a_short_soak_of_an_index_that_does_not_leak_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["run", "--soak", "300000x", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["events"].as_u64().unwrap() >= 300_000);
    let index = &json["memory"][0];
    assert_eq!(
        (&index["what"], &index["judgement"]),
        (&"index".into(), &"steady".into())
    );
    let output = run(folder.path(), &["run", "--soak", "10m", "--quick"]);
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
        let output = run(folder.path(), &["completions", shell]);
        assert!(output.status.success());
        let script = stdout(&output);
        assert!(
            script.contains(says) && script.contains("cpuprofile"),
            "{shell}"
        );
    }
}

/// Makes a commit of these files in a repository; returns it.
fn commit(folder: &Path, files: &[(&str, &str)]) -> String {
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .current_dir(folder)
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    if !folder.join(".git").exists() {
        git(&["init", "--quiet", "--initial-branch=main"]);
    }
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    git(&["add", "."]);
    git(&[
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "a commit",
    ]);
    git(&["rev-parse", "HEAD"])
}

#[test]
fn bisect_finds_a_planted_commit_passes_over_what_does_not_build_and_goes_on_from_what_it_kept() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = "for i in 1 2 3; do echo \"BenchmarkWork 100 $(cat level) ns/op\"; done\n";
    let good = commit(
        folder.path(),
        &[("bench.sh", script), ("level", "100.0"), ("ok", "yes")],
    );
    for number in 0..4 {
        commit(folder.path(), &[("README", &number.to_string())]);
    }
    let broken = commit(folder.path(), &[("ok", "no")]);
    commit(folder.path(), &[("ok", "yes")]);
    let culprit = commit(folder.path(), &[("level", "112.0")]);
    for number in 4..7 {
        commit(folder.path(), &[("README", &number.to_string())]);
    }
    let bisect = |expected: &str| {
        let cache = cache.path().to_str().unwrap();
        let arguments = [
            "bisect",
            "--series",
            "Work ns/op",
            "--good",
            &good,
            "--bad",
            "HEAD",
            "--build",
            "grep -q yes ok",
            "--exec",
            "sh bench.sh",
            "--rounds",
            "8",
            "--cache",
            cache,
        ];
        let output = run(folder.path(), &arguments);
        let (said, told) = (stdout(&output), stderr(&output));
        assert!(output.status.success(), "{said}{told}");
        let first = format!("the first bad commit is {}", &culprit[..10]);
        assert!(said.contains(&first), "{said}{told}");
        assert!(said.contains("its effect: +12.0%"), "{said}");
        assert!(said.contains("sure: every step"), "{said}");
        assert!(told.contains(expected), "{told}");
        told
    };
    let told = bisect("building");
    assert!(
        told.contains(&format!("{}: passed over", &broken[..10])),
        "{told}"
    );
    bisect("(kept)");
}
