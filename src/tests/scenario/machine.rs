//! A machine with a server, a runner, and the timer's script in the work tree that is measured.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::github::double::{self, Double};
use crate::place::Place;

const KVMARK: &str = env!("CARGO_BIN_EXE_kvmark");

/// Two benchmarks at the level that is committed, and one that no change touches.
const SCRIPT: &str = "\
for i in 1 2 3 4 5 6; do
    echo \"BenchmarkStore 100 $(cat level) ns/op\"
    echo \"BenchmarkLookup 100 $(cat level) ns/op\"
    echo \"BenchmarkIdle 100 50.0 ns/op\"
done
";

/// The machine.
pub(super) struct Machine {
    pub(super) place: Place,
    github: String,
    token: String,
    server: Option<(Child, String)>,
    level: String,
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
    /// What `gate --format json` says of it, and its exit code.
    pub(super) verdict: Value,
    pub(super) gate: i32,
}

impl Machine {
    /// A machine with the programs, a token for the nights, and nothing else.
    pub(super) async fn empty(double: &Double) -> Self {
        let place = Place::new();
        place.commit(&[("bench.sh", SCRIPT)]);
        let mut machine = Self {
            github: double.address.clone(),
            token: String::new(),
            server: None,
            level: "100.0".to_owned(),
            place,
        };
        machine.token = machine.new_token("kvmark.db", "nightly").await;
        let runner = format!("#!/bin/sh\nexec {KVMARK} __runner \"$@\"\n");
        std::fs::write(machine.path("bench-runner"), runner).unwrap();
        let is_executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(machine.path("bench-runner"), is_executable).unwrap();
        machine
    }

    /// A token that may send runs of a kind.
    async fn new_token(&self, database: &str, kind: &str) -> String {
        let made = Command::new(KVMARK)
            .args(["token", "create", "--scope", "upload", "--kinds", kind])
            .arg("--database")
            .arg(self.path(database))
            .output()
            .await
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// Starts the server; it prints its address once it listens.
    pub(super) async fn start(&mut self) {
        self.server = Some(self.serve("kvmark.db").await);
    }

    async fn serve(&self, database: &str) -> (Child, String) {
        let mut server = Command::new(KVMARK)
            .args("serve --bind 127.0.0.1:0 --github-repository o/r".split(' '))
            .args(["--public-url", "https://perf.example.org", "--database"])
            .arg(self.path(database))
            .env("GITHUB_API_URL", &self.github)
            .env("GITHUB_TOKEN", double::TOKEN)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let (_, address) = line.split_once("http://").unwrap();
        (server, address.to_owned())
    }

    /// Ends the server.
    pub(super) async fn stop(&mut self) {
        let (mut server, _) = self.server.take().unwrap();
        server.kill().await.unwrap();
    }

    /// Another server in its place, with an empty store, to which the same reports are sent one by
    /// one in the order of time.
    pub(super) async fn replace_by_twin(&mut self) {
        let mut reports = Vec::new();
        for run in self.runs().await {
            reports.push(
                self.get(&format!("/api/v1/runs/{}/report", run["id"]))
                    .await,
            );
        }
        self.stop().await;
        self.token = self.new_token("twin.db", "nightly").await;
        self.server = Some(self.serve("twin.db").await);
        let file = self.place.path("twin.json");
        for report in reports {
            std::fs::write(&file, report).unwrap();
            let sent = self.runner(["upload", &file]).await;
            assert!(sent.status.success(), "{sent:?}");
        }
    }

    /// Sends quiet nights of the past: what this machine measures now, a day apart, up to yesterday,
    /// with half a percent of noise.
    pub(super) async fn backfill(&mut self, nights: i64) {
        let measured = self.path("measured.json");
        let out = measured.to_str().unwrap();
        let run = "run --kind nightly --branch main --environment ci-a --exec";
        let run = run.split(' ').chain(["sh bench.sh", "--out", out]);
        let run = self.runner(run).await;
        assert!(run.status.success(), "{run:?}");
        let report = read(&measured);
        let old = self.path("old");
        std::fs::create_dir(&old).unwrap();
        let now = Timestamp::now();
        for n in 0..nights {
            let at = now - SignedDuration::from_hours(24 * (nights - n));
            let mut report = report.clone();
            report["run_key"] = json!(uuid::Uuid::new_v4().to_string());
            report["started_at"] = json!(at.to_string());
            report["finished_at"] = json!((at + SignedDuration::from_secs(60)).to_string());
            let metrics = report["benchmarks"].as_array_mut().unwrap();
            let metrics = metrics.iter_mut().flat_map(|b| b["metrics"].as_array_mut());
            for (metric, place) in metrics.flatten().zip(n..) {
                let noise = [0.0, 0.004, -0.003, 0.002, -0.005, 0.001, 0.003];
                let factor = 1.0 + noise[usize::try_from(place).unwrap() % noise.len()];
                let value = metric["samples"][0].as_f64().unwrap() * factor;
                metric["samples"] = json!(vec![value; 6]);
            }
            std::fs::write(old.join(format!("{n}.json")), report.to_string()).unwrap();
        }
        self.upload_old(&old, &[], nights).await;
    }

    /// Sends old results, which are those of so many runs.
    pub(super) async fn upload_old(&self, old: &Path, options: &[&str], runs: i64) {
        let sent = ["upload", "--backfill", old.to_str().unwrap()];
        let sent = self.runner(sent.into_iter().chain(options.iter().copied()));
        let sent = sent.await;
        let said = String::from_utf8_lossy(&sent.stdout).into_owned();
        let all = format!("{runs} runs are stored, 0 are refused, 0 wait");
        assert!(said.contains(&all), "{sent:?}");
    }

    /// One night by the script of the timer, in which the code runs at `level`: where that is
    /// another than the night before, somebody committed it. `options` are the nightly's.
    pub(super) async fn night(&mut self, level: &str, options: &[&str]) -> Night {
        if self.level != level {
            self.place.commit(&[("level", level)]);
            level.clone_into(&mut self.level);
        }
        let (report, summary) = (self.path("report.json"), self.path("summary.md"));
        std::fs::remove_file(&summary).ok();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/ci/nightly.sh");
        let done = self
            .with_environment(Command::new(script))
            .args(["--branch", "main", "--environment", "ci-a"])
            .args(["--exec", "sh bench.sh", "--cache"])
            .arg(self.path("cache"))
            .args(options)
            .env("BENCH_RUNNER", self.path("bench-runner"))
            .env("REPORT", &report)
            .env("GITHUB_STEP_SUMMARY", &summary)
            .output()
            .await
            .unwrap();
        let said = text(&done);
        let run = said.lines().rev().find_map(|line| {
            let (run, _) = line.strip_prefix("run ")?.split_once(" at ")?;
            Some(run.to_owned())
        });
        let run = run.unwrap_or_default();
        let (mut verdict, mut gate) = (Value::Null, 0);
        if !run.is_empty() {
            let asked = ["gate", "--run", &run, "--format", "json"];
            let asked = self.runner(asked).await;
            verdict = serde_json::from_slice(&asked.stdout).unwrap();
            gate = asked.status.code().unwrap();
        }
        Night {
            code: done.status.code().unwrap(),
            said,
            summary: std::fs::read_to_string(summary).unwrap_or_default(),
            run,
            verdict,
            gate,
        }
    }

    /// All runs, oldest first.
    pub(super) async fn runs(&self) -> Vec<Value> {
        let mut runs = self.json("/api/v1/runs?limit=500").await["runs"].take();
        let mut runs = std::mem::take(runs.as_array_mut().unwrap());
        runs.reverse();
        runs
    }

    /// Calls a script of `deploy/ci` as a CI job does, with a token that may send pull requests only,
    /// or with none. Its exit code, and all that it said.
    pub(super) async fn script(
        &self,
        name: &str,
        with_token: bool,
        arguments: &[&str],
    ) -> (i32, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/ci");
        let mut script = self.with_environment(Command::new(script.join(name)));
        if with_token {
            script.env("KVMARK_TOKEN", self.new_token("kvmark.db", "pull").await);
        } else {
            script
                .env_remove("KVMARK_TOKEN")
                .env_remove("KVMARK_SERVER");
        }
        let done = script
            .args(arguments)
            .env("BENCH_RUNNER", self.path("bench-runner"))
            .env("REPORTS", self.path("reports"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .output()
            .await
            .unwrap();
        (done.status.code().unwrap(), text(&done))
    }

    /// The verdict on every run, oldest first, by run key.
    pub(super) async fn verdicts(&self) -> Vec<(String, Value)> {
        let mut verdicts = Vec::new();
        for run in self.runs().await {
            let path = format!("/api/v1/runs/{}/verdict", run["id"]);
            let key = run["run_key"].as_str().unwrap().to_owned();
            verdicts.push((key, self.json(&path).await));
        }
        verdicts
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

    /// Reports that wait for a server.
    pub(super) fn waiting(&self) -> usize {
        std::fs::read_dir(self.path("spool")).map_or(0, Iterator::count)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path(name).into()
    }

    async fn runner<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        let mut runner = self.with_environment(Command::new(KVMARK));
        runner.arg("__runner").args(arguments);
        runner.output().await.unwrap()
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
            .current_dir(self.place.repository());
        command
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn text(done: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&done.stdout) + &text(&done.stderr)
}
