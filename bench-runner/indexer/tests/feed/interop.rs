//! Interop with a foreign peer: engines by libzmq and msgspec, in Python. What the index holds is
//! compared with the peer's own account of its events, which does not pass through msgpack.
//!
//! The interpreter is `KV_FEED_PYTHON`, else `.venv/bin/python` at the root of the repository, with
//! pyzmq and msgspec installed. With the variable set, a missing interpreter is a failure.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use kv_indexer::feed::wire::endpoint_of_rank;
use kv_indexer::feed::{Stream, StreamReport, Subscriber};
use kv_indexer::{Adapter, EngineHash, Event, Index, Removal, Stored};
use serde::Deserialize;

use crate::engine::{MODEL, Truth};
use crate::loopback::{PATIENCE, hasty};

/// The interpreter, or `None` after saying why the test is skipped.
fn python() -> Option<PathBuf> {
    let wanted = std::env::var_os("KV_FEED_PYTHON").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python");
    let python = wanted.clone().unwrap_or(root);
    let able = Command::new(&python)
        .args(["-c", "import zmq, msgspec"])
        .output();
    if able.as_ref().is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let why = format!(
        "{} cannot import zmq and msgspec: {able:?}",
        python.display()
    );
    assert!(wanted.is_none(), "{why}");
    eprintln!("skipped: {why}; ./test.sh installs them into .venv");
    None
}

/// What a peer says about one of its events.
#[derive(Deserialize)]
struct Account {
    kind: String,
    names: Vec<Name>,
    token_ids: Option<Vec<u32>>,
    medium: Option<String>,
    lora_name: Option<String>,
    parent: Option<Name>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Int(u64),
    Bytes(String),
}

impl Name {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Name::Int(_) => Vec::new(),
            Name::Bytes(hex) => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect(),
        }
    }

    fn hash<'a>(&self, bytes: &'a [u8]) -> EngineHash<'a> {
        match self {
            Name::Int(int) => EngineHash::Int(*int),
            Name::Bytes(_) => EngineHash::Bytes(bytes),
        }
    }
}

impl Account {
    fn apply(&self, truth: &mut Truth, worker: usize) {
        let bytes: Vec<Vec<u8>> = self.names.iter().map(Name::bytes).collect();
        let names: Vec<EngineHash<'_>> = self
            .names
            .iter()
            .zip(&bytes)
            .map(|(name, bytes)| name.hash(bytes))
            .collect();
        let parent_bytes = self.parent.as_ref().map(Name::bytes).unwrap_or_default();
        let event: Event<'_> = match self.kind.as_str() {
            "BlockStored" => {
                let parent = self.parent.as_ref().map(|name| name.hash(&parent_bytes));
                let adapter = Adapter::from_fields(None, self.lora_name.as_deref());
                let tokens = self.token_ids.as_deref().unwrap();
                let mut stored = Stored::new(&names, parent, tokens).adapter(adapter);
                stored.medium = self.medium.as_deref();
                stored.into()
            }
            "BlockRemoved" => {
                let mut removal = Removal::new(&names);
                removal.medium = self.medium.as_deref();
                removal.into()
            }
            "AllBlocksCleared" => Event::Cleared,
            kind => panic!("the peer made a {kind}"),
        };
        truth.model.apply(worker, &event);
    }
}

/// How a peer speaks.
#[derive(Clone, Copy)]
struct Dialect {
    form: &'static str,
    naming: &'static str,
    rank: Option<u32>,
}

/// A running foreign engine.
struct Peer {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    worker: usize,
    next_seq: u64,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Peer {
    fn start(
        python: &Path,
        ends: &Ends,
        dialect: Dialect,
        (seed, worker): (u64, usize),
        truth: &mut Truth,
    ) -> Peer {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/feed/interop_peer.py");
        let mut process = Command::new(python)
            .arg(script)
            .args([&ends.live, &ends.replay])
            .args([dialect.form, dialect.naming, &seed.to_string()])
            .args(dialect.rank.map(|rank| rank.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert!(
            line.starts_with("[["),
            "the peer did not start; its error stands above"
        );
        truth.prompts = serde_json::from_str(&line).unwrap();
        Peer {
            process,
            commands,
            answers,
            worker,
            next_seq: 0,
        }
    }

    /// Has a command carried out, and takes down what the peer says it did.
    fn tell(&mut self, truth: &mut Truth, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
        loop {
            let mut line = String::new();
            self.answers.read_line(&mut line).unwrap();
            if let Some(next) = line.strip_prefix("done ") {
                self.next_seq = next.trim().parse().unwrap();
                return;
            }
            let accounts: Vec<Account> = serde_json::from_str(&line).unwrap();
            for account in accounts {
                account.apply(truth, self.worker);
            }
        }
    }
}

/// The endpoints of rank 0.
struct Ends {
    live: String,
    replay: String,
}

impl Ends {
    /// Ports that are free, each with the next one.
    fn free() -> Ends {
        let mut held = Vec::new();
        let mut pairs = Vec::new();
        while pairs.len() < 2 {
            let first = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = first.local_addr().unwrap().port();
            let next = port.checked_add(1).map(|next| ("127.0.0.1", next));
            if let Some(Ok(second)) = next.map(std::net::TcpListener::bind) {
                pairs.push(format!("tcp://127.0.0.1:{port}"));
                held.push(second);
            }
            held.push(first);
        }
        let replay = pairs.remove(1);
        Ends {
            live: pairs.remove(0),
            replay,
        }
    }

    fn stream(&self, rank: u32) -> Stream {
        Stream {
            model: MODEL.to_owned(),
            rank,
            ..Stream::new("vllm", endpoint_of_rank(&self.live, rank).unwrap())
        }
        .replay(endpoint_of_rank(&self.replay, rank).unwrap())
    }
}

async fn assert_caught_up(subscriber: &Subscriber, peers: &[&Peer]) {
    let caught_up = |reports: &[StreamReport]| {
        let mut pairs = peers.iter().zip(reports);
        pairs.all(|(peer, report)| report.is_exact() && report.next_seq == peer.next_seq)
    };
    let reached = subscriber.wait_until(PATIENCE, caught_up).await;
    assert!(
        reached,
        "not reached within {PATIENCE:?}: {:#?}",
        subscriber.reports()
    );
}

fn truth(ranks: u32) -> Truth {
    let mut truth = Truth::new();
    truth.adapters = vec![None, Some("sql")];
    for rank in 0..ranks {
        assert_eq!(truth.add("vllm", rank), rank as usize);
    }
    truth
}

/// Losses live and in replays, a kill and a restart, in one dialect.
async fn speak(form: &'static str, naming: &'static str) {
    let Some(python) = python() else {
        return;
    };
    let (index, mut truth, ends) = (Arc::new(Index::with_seed(1)), truth(1), Ends::free());
    let dialect = Dialect {
        form,
        naming,
        rank: None,
    };
    let subscriber = Subscriber::into_index(&index, vec![ends.stream(0)], &hasty()).unwrap();
    let mut peer = Peer::start(&python, &ends, dialect, (1, 0), &mut truth);
    peer.tell(&mut truth, "publish 200");
    assert_caught_up(&subscriber, &[&peer]).await;
    truth.assert_same(&index);

    peer.tell(&mut truth, "lossy-replays 3");
    for _ in 0..10 {
        peer.tell(&mut truth, "publish 40");
        peer.tell(&mut truth, "lose 7");
    }
    assert_caught_up(&subscriber, &[&peer]).await;
    truth.assert_same(&index);
    let sequence = subscriber.total().sequence;
    assert_eq!((sequence.lost_batches, sequence.restarts), (0, 0));
    assert!(sequence.replayed_batches >= 70, "{sequence:?}");

    // Killed, not closed: the destructor sends SIGKILL.
    drop(peer);
    truth.model.apply(0, &Event::Cleared);
    let mut peer = Peer::start(&python, &ends, dialect, (2, 0), &mut truth);
    peer.tell(&mut truth, "publish 100");
    assert_caught_up(&subscriber, &[&peer]).await;
    truth.assert_same(&index);
    let total = subscriber.total();
    assert_eq!(
        (total.sequence.restarts, total.decode_error_count()),
        (1, 0)
    );
    assert!(index.stats().held_blocks > 0);
    truth.assert_same_block_for_block(&index);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libzmq_array_form_with_integer_hashes() {
    speak("array", "int").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libzmq_array_form_with_byte_hashes() {
    speak("array", "bytes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libzmq_map_form_with_integer_hashes() {
    speak("map", "int").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libzmq_map_form_with_byte_hashes() {
    speak("map", "bytes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_data_parallel_ranks_stand_on_ports_of_their_own_and_restart_alone() {
    let Some(python) = python() else {
        return;
    };
    let (index, mut truth, ends) = (Arc::new(Index::with_seed(1)), truth(2), Ends::free());
    let dialect = |rank| Dialect {
        form: "array",
        naming: "int",
        rank: Some(rank),
    };
    let streams = vec![ends.stream(0), ends.stream(1)];
    let subscriber = Subscriber::into_index(&index, streams, &hasty()).unwrap();
    let mut zero = Peer::start(&python, &ends, dialect(0), (1, 0), &mut truth);
    let mut one = Peer::start(&python, &ends, dialect(1), (2, 1), &mut truth);
    for _ in 0..5 {
        zero.tell(&mut truth, "publish 50");
        one.tell(&mut truth, "publish 70");
        one.tell(&mut truth, "lose 3");
    }
    assert_caught_up(&subscriber, &[&zero, &one]).await;
    truth.assert_same(&index);

    drop(one);
    truth.model.apply(1, &Event::Cleared);
    let mut one = Peer::start(&python, &ends, dialect(1), (3, 1), &mut truth);
    one.tell(&mut truth, "publish 20");
    zero.tell(&mut truth, "publish 20");
    assert_caught_up(&subscriber, &[&zero, &one]).await;
    truth.assert_same(&index);
    let restarts: Vec<u64> = subscriber
        .reports()
        .iter()
        .map(|r| r.counters.sequence.restarts)
        .collect();
    assert_eq!(restarts, [0, 1]);
    truth.assert_same_block_for_block(&index);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_start_fetches_a_whole_buffer_though_the_router_drops_some_of_it() {
    let Some(python) = python() else {
        return;
    };
    let (index, mut truth, ends) = (Arc::new(Index::with_seed(1)), truth(1), Ends::free());
    let dialect = Dialect {
        form: "array",
        naming: "bytes",
        rank: None,
    };
    let mut peer = Peer::start(&python, &ends, dialect, (1, 0), &mut truth);
    peer.tell(&mut truth, "publish 10000");
    let subscriber = Subscriber::into_index(&index, vec![ends.stream(0)], &hasty()).unwrap();
    assert_caught_up(&subscriber, &[&peer]).await;
    truth.assert_same(&index);
    let sequence = subscriber.total().sequence;
    assert_eq!(
        (sequence.replayed_batches, sequence.lost_batches),
        (10_000, 0)
    );
}
