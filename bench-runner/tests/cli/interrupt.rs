//! Ctrl-C and a request to terminate, given to the program as it is used.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use bench_report::report::{Report, Status};
use rustix::process::{Pid, Signal, kill_process};

use crate::{bench_runner, report};

/// The program while it runs, in a folder of its own.
struct Running {
    folder: tempfile::TempDir,
    child: Child,
    stderr: BufReader<ChildStderr>,
}

/// What is left of it.
struct Ended {
    folder: tempfile::TempDir,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Running {
    /// Starts it, and comes back when it has said `line` on standard error.
    fn until(line: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = bench_runner(folder.path(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut running = Self {
            folder,
            child,
            stderr,
        };
        running.wait_for(line);
        running
    }

    fn wait_for(&mut self, expected: &str) {
        let mut said = String::new();
        while !said
            .lines()
            .last()
            .is_some_and(|line| line.contains(expected))
        {
            assert!(self.stderr.read_line(&mut said).unwrap() > 0, "{said}");
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until nobody holds its output any more, what it started included.
    fn end(mut self) -> Ended {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stderr.read_to_string(&mut stderr).unwrap();
        let mut out = self.child.stdout.take().unwrap();
        out.read_to_string(&mut stdout).unwrap();
        Ended {
            code: self.child.wait().unwrap().code(),
            folder: self.folder,
            stdout,
            stderr,
        }
    }
}

impl Ended {
    fn report(&self) -> Report {
        report(&self.folder.path().join("report.json"))
    }
}

/// What is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_run_that_is_stopped_keeps_its_samples_prints_them_and_ends_with_4() {
    let long = [
        "run",
        "--bench=MemoryUsage items=1000$",
        "--count=1000",
        "--cpu=1",
        "--out=report.json",
    ];
    for signal in [Signal::INT, Signal::TERM] {
        let running = Running::until("round 2/1000", &long);
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("what was measured is kept"),
            "{}",
            ended.stderr
        );
        assert!(
            ended.stdout.contains("KVEventMemoryUsage items=1000"),
            "{}",
            ended.stdout
        );
        assert!(ended.stdout.contains("n="), "{}", ended.stdout);
        let benchmark = &ended.report().benchmarks[0];
        assert_eq!(benchmark.status, Status::Ok);
        let samples = benchmark.metrics[0].samples.len();
        assert!((1..1_000).contains(&samples), "{samples}");
        // Nothing half written beside it.
        assert_eq!(names(ended.folder.path()), ["report.json"]);
    }
}

#[test]
fn of_a_foreign_command_that_is_stopped_the_whole_lines_are_kept() {
    for signal in [Signal::INT, Signal::TERM] {
        let command = "echo BenchmarkA-2 100 50 ns/op; echo ready; printf 'BenchmarkA-2 100 6'; exec sleep 1000";
        let running = Running::until("ready", &["run", "--exec", command, "--out=report.json"]);
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        assert_eq!(ended.report().benchmarks[0].metrics[0].samples, [50.0]);
    }
    let running = Running::until("ready", &["run", "--exec", "echo ready; exec sleep 1000"]);
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("stopped before it was done"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_second_signal_ends_it_at_once_with_what_it_started() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        // It heeds no signal; that it is gone shows in that nobody holds its output.
        let command = "trap '' INT TERM; echo ready; while :; do sleep 1; done";
        let mut running = Running::until("ready", &["run", "--exec", command]);
        running.signal(signal);
        running.wait_for("again to stop at once");
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    }
}

#[test]
fn pairs_that_were_measured_before_a_stop_are_compared() {
    // Figures that are noise alone: no number of rounds decides them.
    let side = "echo BenchmarkA 10 $(od -An -N2 -tu2 /dev/urandom) ns/op";
    let arguments = [
        "ab",
        "--rounds=1000",
        "--",
        "sh",
        "-c",
        side,
        "---",
        "sh",
        "-c",
        side,
    ];
    let running = Running::until("round 8 of", &arguments);
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(
        ended
            .stdout
            .contains("stopped before every series was decided"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("\nA\n  ns/op"), "{}", ended.stdout);
}
