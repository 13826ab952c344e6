//! One replay: a DEALER socket of its own, so that answers to an earlier question cannot come.

use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::timeout;
use zeromq::{DealerSocket, SocketRecv, SocketSend, ZmqError, ZmqMessage};

use super::{ConnectError, Way, connect, disconnected};
use crate::feed::tracker::Ask;
use crate::feed::wire::{END_OF_REPLAY, FrameError, read_frames, seq_frame};

/// What a replay tells. Each says which replay it belongs to.
#[derive(Debug)]
pub(in crate::feed) enum Replayed {
    Batch { id: u64, seq: u64, payload: Bytes },
    Ended { id: u64 },
    Failed { id: u64 },
}

/// Waits of a replay, and how much is taken at a time.
#[derive(Debug, Clone, Copy)]
pub(in crate::feed) struct Waits {
    pub(in crate::feed) connect: Duration,
    pub(in crate::feed) answer: Duration,
    /// The longest message that is taken, in bytes.
    pub(in crate::feed) longest_message: usize,
}

#[derive(Debug, Error)]
enum ReplayError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("socket: {0}")]
    Socket(#[from] ZmqError),
    #[error("{0}")]
    Frames(#[from] FrameError),
    #[error("no answer for {0:?}")]
    Silent(Duration),
    #[error("the engine closed the connection")]
    Closed,
}

/// Asks for one replay and passes on what comes, to its end or failure. It waits where the
/// receiver is slow: unlike live batches, replayed ones can wait in the engine.
pub(in crate::feed) async fn run(
    endpoint: String,
    ask: Ask,
    waits: Waits,
    told: mpsc::Sender<Replayed>,
) {
    tokio::time::sleep(ask.after).await;
    let end = match answers(&endpoint, ask, waits, &told).await {
        Ok(()) => Replayed::Ended { id: ask.id },
        Err(error) => {
            tracing::debug!(%endpoint, from = ask.from, %error, "replay not answered");
            Replayed::Failed { id: ask.id }
        }
    };
    // Nobody listens once the stream has ended.
    let _ = told.send(end).await;
}

async fn answers(
    endpoint: &str,
    ask: Ask,
    waits: Waits,
    told: &mpsc::Sender<Replayed>,
) -> Result<(), ReplayError> {
    let way = Way {
        endpoint,
        timeout: waits.connect,
        longest_message: waits.longest_message,
    };
    // A message that is too long fails the replay, and is counted as that.
    let mut connected = connect(way, || (), async |_: &mut DealerSocket| Ok(())).await?;
    let mut question = ZmqMessage::from(Bytes::new());
    question.push_back(seq_frame(ask.from));
    connected.socket.send(question).await?;
    let gone = disconnected(&mut connected.events);
    tokio::pin!(gone);
    loop {
        let message = tokio::select! {
            biased;
            message = timeout(waits.answer, connected.socket.recv()) => {
                message.map_err(|_| ReplayError::Silent(waits.answer))??
            }
            () = &mut gone => return Err(ReplayError::Closed),
        };
        let frames = read_frames(message.iter())?;
        if frames.seq == END_OF_REPLAY {
            return Ok(());
        }
        let batch = Replayed::Batch {
            id: ask.id,
            seq: frames.seq,
            payload: frames.payload,
        };
        if told.send(batch).await.is_err() {
            return Ok(());
        }
    }
}
