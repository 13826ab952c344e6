//! What is said to the server while a run is being made, so that people can watch.
//!
//! Messages are sent by a thread of its own, and only between measurements: the session waits for
//! a message to be gone, up to a limit, before it measures on. A server that is slow or away is
//! left alone; nothing depends on these messages.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bench_report::report::RunKind;
use jiff::Timestamp;
use serde::Serialize;

use super::server::Server;
use crate::collect::session::{Observer, State};

/// At least so long between two messages: at most three a second.
const PAUSE: Duration = Duration::from_millis(350);
/// A message that is not gone after this is waited for no longer.
const PATIENCE: Duration = Duration::from_millis(250);
/// After so many messages without success no more are sent.
const FAILURES: u32 = 5;
/// Lines of the log that a message carries.
const LOG_LINES: usize = 50;

/// Tells a server how a run stands.
#[derive(Debug)]
pub struct Live {
    to_thread: mpsc::SyncSender<Vec<u8>>,
    gone: mpsc::Receiver<bool>,
    in_flight: bool,
    failures: u32,
    last: Option<Instant>,
    log: VecDeque<String>,
}

impl Live {
    /// Starts the sending thread.
    pub fn new(server: Server, run_key: String) -> std::io::Result<Self> {
        let (to_thread, messages) = mpsc::sync_channel::<Vec<u8>>(1);
        let (say_gone, gone) = mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("live".to_owned())
            .spawn(move || {
                while let Ok(message) = messages.recv() {
                    if say_gone
                        .send(server.send_live(&run_key, &message).is_ok())
                        .is_err()
                    {
                        break;
                    }
                }
            })?;
        Ok(Self {
            to_thread,
            gone,
            in_flight: false,
            failures: 0,
            last: None,
            log: VecDeque::new(),
        })
    }

    fn send(&mut self, state: &State<'_>) {
        if self.failures >= FAILURES || self.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        // One that is still on its way is waited for no second time.
        if self.in_flight && self.gone.try_recv().is_err() {
            return;
        }
        let Ok(json) = serde_json::to_vec(&message(state, &self.log)) else {
            return;
        };
        self.last = Some(Instant::now());
        self.in_flight = self.to_thread.try_send(json).is_ok();
        if let Ok(sent) = self.gone.recv_timeout(PATIENCE) {
            self.in_flight = false;
            self.failures = if sent { 0 } else { self.failures + 1 };
        }
    }

    fn note(&mut self, line: String) {
        if self.log.len() == LOG_LINES {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }
}

impl Observer for Live {
    fn starting(&mut self, state: &State<'_>) {
        // The page is there before the first sample is.
        if state.done == 0 {
            self.send(state);
        }
    }

    fn sampled(&mut self, state: &State<'_>) {
        let outcome = state.gathered.failure(state.case).map_or("", |_| " failed");
        self.note(format!("{} {}{outcome}", clock(), state.text()));
        self.send(state);
    }
}

fn clock() -> String {
    Timestamp::now().strftime("%H:%M:%S").to_string()
}

/// Report format of a live run's state; see the contract's `POST /live/{run_key}`.
#[derive(Debug, Serialize)]
struct Message<'a> {
    run_key: String,
    kind: RunKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_name: Option<&'a str>,
    started_at: Timestamp,
    total: usize,
    done: usize,
    current: String,
    benchmarks: Vec<BenchmarkState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eta_seconds: Option<f64>,
    log: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct BenchmarkState {
    name: &'static str,
    done: usize,
    total: usize,
    state: &'static str,
}

fn message<'a>(state: &State<'a>, log: &'a VecDeque<String>) -> Message<'a> {
    let header = state.gathered.header();
    Message {
        run_key: header.run_key.to_string(),
        kind: header.kind,
        commit: header.revision.commit.as_deref(),
        branch: header.revision.branch.as_deref(),
        environment_name: header.environment.name.as_deref(),
        started_at: header.started_at,
        total: state.total,
        done: state.done,
        current: state.text(),
        benchmarks: benchmarks(state),
        eta_seconds: state.left.map(|left| left.as_secs_f64()),
        log: log.iter().map(String::as_str).collect(),
    }
}

/// How far each benchmark is, in samples.
fn benchmarks(state: &State<'_>) -> Vec<BenchmarkState> {
    let count = state.gathered.settings().count as usize;
    let mut benchmarks: Vec<BenchmarkState> = Vec::new();
    for (number, case) in state.gathered.cases().enumerate() {
        if case.skipped.is_some() {
            continue;
        }
        if benchmarks
            .last()
            .is_none_or(|last| last.name != case.info.name)
        {
            let (name, state) = (case.info.name, "waiting");
            benchmarks.push(BenchmarkState {
                name,
                done: 0,
                total: 0,
                state,
            });
        }
        let Some(benchmark) = benchmarks.last_mut() else {
            continue;
        };
        benchmark.total += count;
        benchmark.done += state.gathered.sample_count(number);
        if state.gathered.failure(number).is_some() {
            benchmark.state = "failed";
        } else if benchmark.state != "failed" && benchmark.done > 0 {
            benchmark.state = "running";
        }
    }
    for benchmark in &mut benchmarks {
        let is_current = benchmark.name == state.current().info.name;
        if benchmark.state != "failed" && benchmark.done == benchmark.total {
            benchmark.state = "done";
        } else if benchmark.state == "waiting" && is_current {
            benchmark.state = "running";
        }
    }
    benchmarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::gather::tests::{gathered, sample};
    use crate::measure::sampler::Moment;

    #[test]
    fn a_message_says_how_far_each_benchmark_is() {
        let mut gathered = gathered(Some("Memory|Burst|Routing"), &[0]);
        let add = |gathered: &mut crate::collect::gather::Gathered, case| {
            gathered.add(case, sample(1.0), Moment::default(), Moment::default());
        };
        for _ in 0..3 {
            add(&mut gathered, 0);
        }
        gathered.fail(3, "planted".to_owned());
        let left = Some(Duration::from_secs(9));
        let state = State {
            gathered: &gathered,
            case: 4,
            round: 1,
            done: 5,
            total: 15,
            left,
        };
        let log = VecDeque::from(["one".to_owned()]);
        let json = serde_json::to_value(message(&state, &log)).unwrap_or_default();
        assert_eq!(json["current"], "KVEventRoutingDecision cpu=1 round 2/3");
        assert_eq!(json["eta_seconds"], 9.0);
        assert_eq!(json["log"][0], "one");
        let states: Vec<&str> = (0..3)
            .filter_map(|number| json["benchmarks"][number]["state"].as_str())
            .collect();
        assert_eq!(states, ["running", "failed", "running"]);
        assert_eq!(json["benchmarks"][0]["done"], 3);
        assert_eq!(json["benchmarks"][0]["total"], 9);
    }

    #[test]
    fn a_server_that_is_away_is_left_alone() {
        let server = Server::new("http://127.0.0.1:9", None).ok();
        let live = server.and_then(|server| Live::new(server, "key".to_owned()).ok());
        let mut live = live.unwrap_or_else(|| panic!("a thread can be started"));
        let gathered = gathered(Some("Memory"), &[0]);
        let left = None;
        let state = State {
            gathered: &gathered,
            case: 0,
            round: 0,
            done: 0,
            total: 9,
            left,
        };
        for _ in 0..20 {
            live.last = None;
            live.starting(&state);
        }
        assert!(live.failures >= FAILURES || live.in_flight);
    }
}
