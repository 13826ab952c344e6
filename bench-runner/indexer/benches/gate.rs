//! What the gate before a socket costs: the same messages with it and without it, in turn, in one
//! process, so that only the ratio counts.
//!
//! `cargo bench -p kv-indexer --bench gate`. Latency: one message at a time, from before it is sent
//! until it is received. Sustained: as many as fit into the pipe, until the last is received. The
//! message is a batch of eight blocks of 16 tokens, as in `KVEventEndToEnd`.
#![cfg(unix)]

#[path = "../src/feed/transport/gate.rs"]
mod gate;
#[path = "../src/feed/transport/limit.rs"]
#[cfg_attr(
    test,
    expect(dead_code, reason = "its tests are built, but not run here")
)]
mod limit;

use std::time::{Duration, Instant};

use bytes::Bytes;
use gate::Gate;
use zeromq::{Endpoint, PubSocket, Socket, SocketRecv, SocketSend, SubSocket, ZmqMessage};

type Failure = Box<dyn std::error::Error>;

/// Rounds, each with either side once; which begins changes.
const ROUNDS: usize = 31;
/// Messages of a round, one at a time.
const SINGLE: u32 = 2_000;
/// Messages of a round, in runs of [`RUN`].
const SUSTAINED: u32 = 20_000;
/// Messages sent before they are received: fewer than a publisher keeps for a slow reader.
const RUN: u32 = 200;
/// Bytes of a batch of eight blocks with 128 tokens in it.
const PAYLOAD: usize = 640;
const LONGEST: usize = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// A subscriber, and the gate that it may stand behind.
struct Side {
    socket: SubSocket,
    _gate: Option<Gate>,
}

impl Side {
    async fn open(endpoint: &Endpoint, gated: bool) -> Result<Self, Failure> {
        let mut socket = SubSocket::new();
        let gate = if gated {
            let gate = Gate::open(endpoint, PATIENCE, LONGEST, || {}).await?;
            socket.connect(gate.endpoint()).await?;
            Some(gate)
        } else {
            socket.connect(&endpoint.to_string()).await?;
            None
        };
        socket.subscribe("").await?;
        Ok(Self {
            socket,
            _gate: gate,
        })
    }
}

fn message() -> Result<ZmqMessage, Failure> {
    let frames = vec![
        Bytes::from_static(b"kv-events"),
        Bytes::from_static(&[0; 8]),
        Bytes::from(vec![7; PAYLOAD]),
    ];
    ZmqMessage::try_from(frames).map_err(|_| "a message of no frames".into())
}

/// Sends until the subscription has reached the publisher; what was sent is received.
async fn settle(publisher: &mut PubSocket, side: &mut Side) -> Result<(), Failure> {
    let message = message()?;
    loop {
        publisher.send(message.clone()).await?;
        let received = tokio::time::timeout(Duration::from_millis(20), side.socket.recv());
        if let Ok(received) = received.await {
            received?;
            break;
        }
    }
    // What was sent before is still coming.
    while let Ok(received) =
        tokio::time::timeout(Duration::from_millis(20), side.socket.recv()).await
    {
        received?;
    }
    Ok(())
}

/// Nanoseconds a message: one at a time, and sustained.
async fn measure(publisher: &mut PubSocket, side: &mut Side) -> Result<[f64; 2], Failure> {
    let message = message()?;
    let start = Instant::now();
    for _ in 0..SINGLE {
        publisher.send(message.clone()).await?;
        side.socket.recv().await?;
    }
    let single = start.elapsed().as_nanos() as f64 / f64::from(SINGLE);
    let start = Instant::now();
    for _ in 0..SUSTAINED / RUN {
        for _ in 0..RUN {
            publisher.send(message.clone()).await?;
        }
        for _ in 0..RUN {
            side.socket.recv().await?;
        }
    }
    let sustained = start.elapsed().as_nanos() as f64 / f64::from(SUSTAINED);
    Ok([single, sustained])
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let mut rounds: Vec<[[f64; 2]; 2]> = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let mut both = [[0.0; 2]; 2];
        for turn in 0..2 {
            let gated = (turn + round) % 2 == 1;
            let mut publisher = PubSocket::new();
            let endpoint = publisher.bind("tcp://127.0.0.1:0").await?;
            let mut side = Side::open(&endpoint, gated).await?;
            settle(&mut publisher, &mut side).await?;
            both[usize::from(gated)] = measure(&mut publisher, &mut side).await?;
        }
        rounds.push(both);
    }
    println!("median of {ROUNDS} rounds; ns a message of {PAYLOAD} bytes and two small frames");
    println!("              without      with   with/without");
    for (place, name) in ["one by one", "sustained"].into_iter().enumerate() {
        let of = |side: usize| median(rounds.iter().map(|both| both[side][place]));
        let ratio = median(rounds.iter().map(|both| both[1][place] / both[0][place]));
        println!("{name:12} {:8.0}  {:8.0}   {ratio:.3}", of(0), of(1));
    }
    Ok(())
}
