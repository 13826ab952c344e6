//! A peer that lies about lengths: raw bytes over TCP, no library.

use std::sync::Arc;

use kv_indexer::Index;
use kv_indexer::feed::{Settings, Stream, Subscriber};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::loopback::{PATIENCE, hasty};

/// What a PUB socket says first: a greeting of ZMTP 3.0 without security, and READY.
fn handshake() -> Vec<u8> {
    let mut out = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
    out.extend(b"NULL");
    out.resize(64, 0);
    let ready = b"\x05READY\x0bSocket-Type\0\0\0\x03PUB";
    out.extend([4, ready.len() as u8]);
    out.extend(ready);
    out
}

/// Says the handshake and `then` to everybody who connects, and listens on.
async fn liar(then: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let said = [handshake(), then.clone()].concat();
            tokio::spawn(async move {
                let mut heard = Vec::new();
                // Whoever hangs up is what the test is about.
                let _ = peer.write_all(&said).await;
                let _ = peer.read_to_end(&mut heard).await;
            });
        }
    });
    endpoint
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_announces_more_than_may_be_is_cut_off_before_memory_is_asked_for() {
    // One frame of a terabyte, which no machine of ours has; and frames without end.
    let mut huge = vec![2];
    huge.extend((1u64 << 40).to_be_bytes());
    let endless = [1, 3, b'a', b'b', b'c'].repeat(100_000);
    let streams = vec![
        Stream::new("huge", liar(huge).await),
        Stream::new("endless", liar(endless).await),
    ];
    let settings = Settings {
        longest_message: 1 << 20,
        ..hasty()
    };
    let index = Arc::new(Index::with_seed(1));
    let subscriber = Subscriber::into_index(&index, streams, &settings).unwrap();
    // It tries again, and is cut off again.
    let reached = subscriber
        .wait_until(PATIENCE, |reports| {
            reports.iter().all(|report| {
                let refused = report.counters.decode_errors.get("message_too_long");
                refused.is_some_and(|&times| times > 1)
            })
        })
        .await;
    assert!(reached, "{:#?}", subscriber.reports());
    assert!(subscriber.reports().iter().all(|report| !report.is_exact()));
}
