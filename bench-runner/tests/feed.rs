//! The `feed` commands, as a user runs them.
#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn bench_runner() -> Command {
    Command::new(env!("CARGO_BIN_EXE_bench-runner"))
}

/// Ends a child however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Endpoints on ports that were free a moment ago.
fn endpoints() -> [String; 2] {
    let free = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    free.map(|listener| format!("tcp://{}", listener.local_addr().unwrap()))
}

fn publish([live, replay]: &[String; 2], more: &[&str]) -> Running {
    let mut command = bench_runner();
    command.args([
        "feed", "publish", "--bind", live, "--replay", replay, "--linger", "10m",
    ]);
    Running(
        command
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    )
}

fn subscribe([live, replay]: &[String; 2], more: &[&str]) -> Output {
    let mut command = bench_runner();
    command.args(["feed", "subscribe", "--connect", live, "--replay", replay]);
    command
        .args(["--idle-exit", "1s", "--json"])
        .args(more)
        .output()
        .unwrap()
}

fn replay(file: &Path) -> Output {
    bench_runner()
        .args(["feed", "replay", "--json"])
        .arg(file)
        .output()
        .unwrap()
}

#[track_caller]
fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_is_published_is_subscribed_recorded_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stream.kvfeed");
    for dialect in [["array", "int"], ["map", "bytes"]] {
        let ends = endpoints();
        let _publisher = publish(
            &ends,
            &[
                "--batches",
                "3000",
                "--rate",
                "0",
                "--form",
                dialect[0],
                "--hashes",
                dialect[1],
            ],
        );
        let counts = json(&subscribe(&ends, &["--record", file.to_str().unwrap()]));
        assert_eq!(counts["batches"], 3000, "{counts}");
        assert_eq!(counts["events"], 3000, "{counts}");
        for none in [
            "lost_batches",
            "restarts",
            "orphans",
            "decode_errors",
            "dropped",
        ] {
            assert_eq!(counts[none], 0, "{none}: {counts}");
        }
        assert!(counts["blocks"].as_u64().unwrap() > 100, "{counts}");
        let again = json(&replay(&file));
        for name in [
            "batches",
            "events",
            "stored_blocks",
            "removed_blocks",
            "blocks",
        ] {
            assert_eq!(again[name], counts[name], "{name}");
        }
    }
}

#[test]
fn a_recording_is_published_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stream.kvfeed");
    let ends = endpoints();
    let publisher = publish(&ends, &["--batches", "500", "--rate", "0"]);
    let first = json(&subscribe(&ends, &["--record", file.to_str().unwrap()]));
    drop(publisher);
    let ends = endpoints();
    let mut command = bench_runner();
    command.args(["feed", "replay", "--bind", &ends[0], "--replay", &ends[1]]);
    command
        .args(["--speed", "0", "--linger", "10m"])
        .arg(&file)
        .stderr(Stdio::null());
    let _publisher = Running(command.spawn().unwrap());
    let second = json(&subscribe(&ends, &[]));
    assert_eq!(first["batches"], 500);
    for name in ["batches", "events", "blocks", "lost_batches"] {
        assert_eq!(first[name], second[name], "{name}");
    }
}

#[test]
fn a_late_subscriber_is_told_what_the_buffer_no_longer_holds() {
    let ends = endpoints();
    let mut command = bench_runner();
    command.args(["feed", "publish", "--bind", &ends[0], "--replay", &ends[1]]);
    command.args([
        "--batches",
        "400",
        "--rate",
        "0",
        "--buffer",
        "100",
        "--linger",
        "10m",
    ]);
    let mut publisher = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    // The publisher prints when the last batch is out.
    let mut line = String::new();
    let out = publisher.0.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    assert!(line.contains("\"batches\":400"), "{line}");
    let output = subscribe(&ends, &[]);
    let counts = json(&output);
    assert_eq!(
        (&counts["batches"], &counts["lost_batches"]),
        (&100.into(), &300.into())
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("300 batches are lost, the first hole is 0..300"),
        "{said}"
    );
}

#[test]
fn an_engine_that_never_answers_is_incomplete_coverage() {
    let [nobody, _] = endpoints();
    let output = bench_runner()
        .args([
            "feed",
            "subscribe",
            "--connect",
            &nobody,
            "--idle-exit",
            "20ms",
            "--json",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("not connected yet"));
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok());
}

#[test]
fn a_recording_is_measured_in_series_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("monday traffic.kvfeed");
    let ends = endpoints();
    let _publisher = publish(&ends, &["--batches", "500", "--rate", "0"]);
    let counts = json(&subscribe(&ends, &["--record", file.to_str().unwrap()]));
    let run = |file: &Path| {
        bench_runner()
            .args(["run", "--quick", "--count", "2", "--warmup", "0s", "--json"])
            .args(["--bench", "Recorded", "--recording"])
            .arg(file)
            .output()
            .unwrap()
    };
    let report = json(&run(&file));
    let benchmarks = report["benchmarks"].as_array().unwrap();
    assert_eq!(benchmarks.len(), 1, "{report}");
    assert_eq!(benchmarks[0]["name"], "KVEventRecorded");
    let label = benchmarks[0]["params"]["recording"].as_str().unwrap();
    assert!(label.starts_with("monday_traffic-"), "{label}");
    let metrics = benchmarks[0]["metrics"].as_array().unwrap();
    let samples = |name: &str| {
        let metric = metrics.iter().find(|metric| metric["name"] == name);
        metric.unwrap()["samples"].as_array().unwrap().clone()
    };
    assert_eq!(
        samples("distinct_blocks"),
        vec![counts["blocks"].as_f64().unwrap(); 2]
    );
    assert!(
        samples("events_per_second")
            .iter()
            .all(|rate| rate.as_f64().unwrap() > 0.0)
    );

    std::fs::write(&file, "no recording").unwrap();
    let refused = run(&file);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(stderr.contains("not a recording of events"), "{stderr}");
}

#[test]
fn wrong_input_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    std::fs::write(&file, "no recording").unwrap();
    let check = |output: Output, said: &str| {
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains(said), "{stderr}");
    };
    check(replay(&file), "not a recording of events");
    check(replay(&folder.path().join("absent")), "No such file");
    let subscribe = |args: &[&str]| {
        bench_runner()
            .args(["feed", "subscribe"])
            .args(args)
            .output()
            .unwrap()
    };
    check(
        subscribe(&["--connect", "localhost:5557"]),
        "tcp://HOST:PORT",
    );
    check(subscribe(&[]), "--connect");
    let two = [
        "--connect",
        "tcp://a:1",
        "--connect",
        "tcp://b:1",
        "--replay",
        "tcp://a:2",
    ];
    check(subscribe(&two), "once for each engine");
    check(
        subscribe(&["--connect", "ipc:///tmp/a", "--ranks", "2"]),
        "tcp://HOST:PORT",
    );
}
