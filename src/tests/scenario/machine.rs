//! A machine with a server, a runner and a timer's script.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::github::double::{self, Double};

const KVMARK: &str = env!("CARGO_BIN_EXE_kvmark");

/// The machine.
pub(super) struct Machine {
    folder: tempfile::TempDir,
    github: String,
    token: String,
    /// What a night measures when all is well.
    report: Value,
    server: Option<(Child, String)>,
    nights: Vec<Value>,
    /// When the first night was.
    first: Timestamp,
}

/// What a night came to.
pub(super) struct Night {
    pub(super) code: i32,
    /// All that the script said.
    pub(super) said: String,
    /// What it wrote for the job's page.
    pub(super) summary: String,
    /// The run's number; empty where it was not stored.
    pub(super) run: String,
    /// What `gate --format json` says of it.
    pub(super) verdict: Value,
}

impl Machine {
    /// A machine with the programs, a token for the nights, and nothing else.
    pub(super) async fn empty(double: &Double) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("kvmark.db");
        let made = Command::new(KVMARK)
            .args(["token", "create", "--scope", "upload", "--kinds", "nightly"])
            .arg("--database")
            .arg(&database)
            .output()
            .await
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let mut machine = Self {
            github: double.address.clone(),
            token,
            report: Value::Null,
            server: None,
            nights: Vec::new(),
            first: Timestamp::now() - SignedDuration::from_hours(28 * 24),
            folder,
        };
        machine.write_programs();
        machine.report = machine.measure().await;
        machine
    }

    /// A real report of the quick suite, measured as little as can be.
    async fn measure(&self) -> Value {
        let file = self.path("measured.json");
        let measured = Command::new(KVMARK)
            .args(["__runner", "run", "--quick", "--kind", "nightly"])
            .args(["--bench", "KVEventProcessingLatency|KVEventMemoryUsage"])
            .args("--benchtime 1ms --warmup 1ms --count 1 --cpu 1".split(' '))
            .args(["--commit", &"ab".repeat(20), "--branch", "main", "--out"])
            .arg(&file)
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        assert!(file.is_file(), "{measured:?}");
        let mut report: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        report["revision"] = json!({"commit": "ab".repeat(20), "branch": "main", "dirty": false});
        // What is asked of the code is another test's question: levels are made up here.
        for benchmark in report["benchmarks"].as_array_mut().unwrap() {
            for metric in benchmark["metrics"].as_array_mut().unwrap() {
                metric.as_object_mut().unwrap().remove("target");
            }
            for name in ["histograms", "curves"] {
                benchmark.as_object_mut().unwrap().remove(name);
            }
        }
        report.as_object_mut().unwrap().remove("artifacts");
        report
    }

    /// The runner, which on `nightly` takes what this night measured from a file.
    fn write_programs(&self) {
        let script = format!(
            r#"#!/bin/sh
if [ "$1" = nightly ]; then
    {KVMARK} __runner upload "$NIGHT"
    sent=$?
    [ "$sent" -eq 0 ] || exit "$sent"
    run=$({KVMARK} __runner upload "$NIGHT" | sed -n 's/^run \([0-9]*\) .*/\1/p')
    exec {KVMARK} __runner gate --run "$run"
fi
exec {KVMARK} __runner "$@"
"#
        );
        let path = self.path("bench-runner");
        std::fs::write(&path, script).unwrap();
        let is_executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, is_executable).unwrap();
    }

    /// Starts the server; it prints its address once it listens.
    pub(super) async fn start(&mut self) {
        let mut server = Command::new(KVMARK)
            .args([
                "serve",
                "--bind",
                "127.0.0.1:0",
                "--github-repository",
                "o/r",
            ])
            .args(["--public-url", "https://perf.example.org", "--database"])
            .arg(self.path("kvmark.db"))
            .env("GITHUB_API_URL", &self.github)
            .env("GITHUB_TOKEN", double::TOKEN)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let (_, address) = line.split_once("http://").unwrap();
        self.server = Some((server, address.to_owned()));
    }

    /// Ends the server.
    pub(super) async fn stop(&mut self) {
        let (mut server, _) = self.server.take().unwrap();
        server.kill().await.unwrap();
    }

    /// Sends quiet nights of the past.
    pub(super) async fn backfill(&mut self, nights: usize) {
        let old = self.path("old");
        std::fs::create_dir(&old).unwrap();
        for n in 0..nights {
            let report = self.next_report(1.0);
            std::fs::write(old.join(format!("{n}.json")), report.to_string()).unwrap();
        }
        let sent = self
            .runner()
            .args(["upload", "--backfill"])
            .arg(old)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&sent.stdout).into_owned();
        assert!(
            said.contains(&format!("{nights} runs are stored")),
            "{sent:?}"
        );
    }

    /// One night by the script of the timer, in which all is `slower` times as slow.
    pub(super) async fn night(&mut self, slower: f64) -> Night {
        let report = self.next_report(slower);
        let (file, summary) = (self.path("night.json"), self.path("summary.md"));
        std::fs::write(&file, report.to_string()).unwrap();
        std::fs::remove_file(&summary).ok();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/ci/nightly.sh");
        let done = self
            .with_environment(Command::new(script))
            .env("NIGHT", &file)
            .env("BENCH_RUNNER", self.path("bench-runner"))
            .env("GITHUB_STEP_SUMMARY", &summary)
            .output()
            .await
            .unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        let numbers = said
            .split("run ")
            .skip(1)
            .map(|rest| -> String { rest.chars().take_while(char::is_ascii_digit).collect() });
        let run = numbers
            .filter(|number| !number.is_empty())
            .last()
            .unwrap_or_default();
        let verdict = if run.is_empty() {
            Value::Null
        } else {
            let gate = self
                .runner()
                .args(["gate", "--run", &run, "--json"])
                .output()
                .await
                .unwrap();
            serde_json::from_slice(&gate.stdout).unwrap_or(Value::Null)
        };
        Night {
            code: done.status.code().unwrap(),
            said,
            summary: std::fs::read_to_string(summary).unwrap_or_default(),
            run,
            verdict,
        }
    }

    /// All reports so far, in the order of time.
    pub(super) fn sent(&self) -> &[Value] {
        &self.nights
    }

    pub(super) async fn get(&self, path: &str) -> String {
        let (_, address) = self.server.as_ref().unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{path}: {head}");
        body.to_owned()
    }

    pub(super) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    /// The report of the next night: the measured one, at its time, by its commit, with half a
    /// percent of noise.
    fn next_report(&mut self, slower: f64) -> Value {
        let n = self.nights.len();
        let noise = [0.0, 0.004, -0.003, 0.002, -0.005, 0.001, 0.003];
        let at = self.first + SignedDuration::from_hours(24 * i64::try_from(n).unwrap());
        let at = Timestamp::from_second(at.as_second()).unwrap();
        let mut report = self.report.clone();
        report["run_key"] = json!(uuid::Uuid::new_v4().to_string());
        report["started_at"] = json!(at.to_string());
        report["finished_at"] = json!((at + SignedDuration::from_secs(60)).to_string());
        report["revision"]["commit"] = json!(format!("{:040x}", 0xabc0_0000_usize + n));
        let mut place = n;
        for benchmark in report["benchmarks"].as_array_mut().unwrap() {
            for metric in benchmark["metrics"].as_array_mut().unwrap() {
                place += 1;
                let is_worse_when_lower = metric["better"] == "higher";
                // Only times are slowed; a count and its like stay as they were.
                let is_speed = ["time", "rate"].contains(&metric["kind"].as_str().unwrap());
                let slower = if is_speed { slower } else { 1.0 };
                let factor = if is_worse_when_lower {
                    1.0 / slower
                } else {
                    slower
                };
                let noise = if is_speed {
                    noise[place % noise.len()]
                } else {
                    0.0
                };
                let base = metric["samples"][0].as_f64().unwrap();
                let samples: Vec<f64> = [-0.002, -0.001, 0.0, 0.0, 0.001, 0.002]
                    .iter()
                    .map(|spread| {
                        let spread = if is_speed { *spread } else { 0.0 };
                        base * factor * (1.0 + noise + spread)
                    })
                    .collect();
                metric["samples"] = json!(samples);
            }
        }
        self.nights.push(report.clone());
        report
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn runner(&self) -> Command {
        let mut runner = self.with_environment(Command::new(KVMARK));
        runner.arg("__runner");
        runner
    }

    fn with_environment(&self, mut command: Command) -> Command {
        let server = match &self.server {
            Some((_, address)) => format!("http://{address}"),
            // Port 9 (discard) of this machine: nobody listens.
            None => "http://127.0.0.1:9".to_owned(),
        };
        command
            .env("KVMARK_SERVER", server)
            .env("KVMARK_TOKEN", &self.token)
            .env("KVMARK_SPOOL", self.path("spool"))
            .stdin(Stdio::null())
            .current_dir(self.folder.path());
        command
    }
}
