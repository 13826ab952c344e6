//! A publisher in the shape of vLLM's `ZmqEventPublisher`: a PUB socket for batches, a ROUTER
//! socket that replays the last of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zeromq::{PubSocket, RouterSocket, Socket, SocketRecv, SocketSend, ZmqError, ZmqMessage};

use super::wire::{END_OF_REPLAY, REPLAY_BUFFER_BATCHES, read_seq, seq_frame};

/// Batches published in a row before other tasks are let in.
const PUBLISHED_IN_A_ROW: u64 = 64;

/// How a publisher is set up.
#[derive(Debug, Clone)]
pub struct PublisherSettings {
    /// Where the PUB socket is bound; `tcp://*:5557` and port 0 are understood.
    pub bind: String,
    /// Where the ROUTER socket is bound; `None` serves no replays.
    pub replay: Option<String>,
    /// The topic of every batch.
    pub topic: String,
    /// Batches kept for replay.
    pub buffer_batches: usize,
}

impl PublisherSettings {
    /// vLLM's settings, bound to one endpoint for batches and one for replays.
    pub fn new(bind: impl Into<String>, replay: Option<String>) -> PublisherSettings {
        PublisherSettings {
            bind: bind.into(),
            replay,
            topic: "kv-events".to_owned(),
            buffer_batches: REPLAY_BUFFER_BATCHES,
        }
    }
}

/// Why a publisher cannot start or send.
#[derive(Debug, Error)]
pub enum PublishError {
    /// A socket cannot be bound.
    #[error("cannot bind {endpoint:?}: {source}")]
    Bind {
        /// The endpoint asked for.
        endpoint: String,
        /// What the socket said.
        source: ZmqError,
    },
    /// A socket cannot send.
    #[error("cannot publish: {0}")]
    Send(#[from] ZmqError),
}

type Buffer = Arc<Mutex<VecDeque<(u64, Bytes)>>>;

/// A running publisher. Dropping it closes its sockets at once, as a killed engine's are.
pub struct Publisher {
    socket: PubSocket,
    topic: Bytes,
    next: u64,
    buffer: Buffer,
    buffer_batches: usize,
    endpoint: String,
    replay: Option<Replay>,
}

struct Replay {
    endpoint: String,
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Publisher {
    /// Binds the sockets. Needs a tokio runtime.
    ///
    /// # Errors
    /// When an endpoint is malformed or taken.
    pub async fn bind(settings: &PublisherSettings) -> Result<Publisher, PublishError> {
        let mut socket = PubSocket::new();
        let endpoint = bind(&mut socket, &settings.bind).await?;
        let buffer = Buffer::default();
        let replay = match &settings.replay {
            Some(replay) => {
                let mut router = RouterSocket::new();
                let endpoint = bind(&mut router, replay).await?;
                let (stop, stopped) = oneshot::channel();
                let task = tokio::spawn(serve_replays(router, buffer.clone(), stopped));
                Some(Replay {
                    endpoint,
                    task,
                    stop,
                })
            }
            None => None,
        };
        Ok(Publisher {
            socket,
            topic: Bytes::from(settings.topic.clone()),
            next: 0,
            buffer,
            buffer_batches: settings.buffer_batches,
            endpoint,
            replay,
        })
    }

    /// Where the PUB socket is bound, with the port it got.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where the ROUTER socket is bound, with the port it got.
    pub fn replay_endpoint(&self) -> Option<&str> {
        self.replay.as_ref().map(|replay| replay.endpoint.as_str())
    }

    /// The number of the next batch.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// Publishes one msgpack batch and keeps it for replay; gives its sequence number. A slow
    /// subscriber loses batches and has to ask for them again: nothing here waits for it.
    ///
    /// # Errors
    /// When the socket refuses the message.
    pub async fn publish(&mut self, payload: impl Into<Bytes>) -> Result<u64, PublishError> {
        let payload = payload.into();
        let seq = self.next;
        self.next += 1;
        // Before it is sent: whoever has seen a batch can have it replayed.
        self.keep(seq, payload.clone());
        let mut message = ZmqMessage::from(self.topic.clone());
        message.push_back(seq_frame(seq));
        message.push_back(payload);
        self.socket.send(message).await?;
        if seq.is_multiple_of(PUBLISHED_IN_A_ROW) {
            // Sending only puts the message into a queue, so without this a long burst on a
            // current-thread runtime would fill it before anything is written.
            tokio::task::yield_now().await;
        }
        Ok(seq)
    }

    /// Uses up a sequence number for a batch that is kept for replay and not sent: what a
    /// subscriber sees when a message is lost on the way.
    pub fn lose(&mut self, payload: impl Into<Bytes>) -> u64 {
        let seq = self.next;
        self.next += 1;
        self.keep(seq, payload.into());
        seq
    }

    fn keep(&self, seq: u64, payload: Bytes) {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.len() >= self.buffer_batches {
            buffer.pop_front();
        }
        if self.buffer_batches > 0 {
            buffer.push_back((seq, payload));
        }
    }

    /// Closes the sockets and waits until their endpoints can be bound again. Batches not written
    /// yet are lost.
    pub async fn close(self) {
        self.socket.close().await;
        if let Some(replay) = self.replay {
            // An error means that the task has ended by itself; waiting for it is right either way.
            let _ = replay.stop.send(());
            let _ = replay.task.await;
        }
        if let Some(path) = self.endpoint.strip_prefix("ipc://") {
            remove_stale_socket(path);
        }
    }
}

async fn bind<S: Socket>(socket: &mut S, endpoint: &str) -> Result<String, PublishError> {
    // libzmq's word for all interfaces.
    let bound = match endpoint.strip_prefix("tcp://*:") {
        Some(port) => format!("tcp://0.0.0.0:{port}"),
        None => endpoint.to_owned(),
    };
    if let Some(path) = bound.strip_prefix("ipc://") {
        remove_stale_socket(path);
    }
    match socket.bind(&bound).await {
        Ok(bound) => Ok(bound.to_string()),
        Err(source) => Err(PublishError::Bind {
            endpoint: endpoint.to_owned(),
            source,
        }),
    }
}

/// Removes the file of an IPC socket that nobody listens on; binding does not, and fails on it.
#[cfg(unix)]
fn remove_stale_socket(path: &str) {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        // When it cannot be removed, binding says so.
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(not(unix))]
fn remove_stale_socket(_path: &str) {}

/// Answers replay requests until told to stop.
async fn serve_replays(
    mut router: RouterSocket,
    buffer: Buffer,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let request = tokio::select! {
            // The sender is dropped with the publisher.
            _ = &mut stopped => break,
            request = router.recv() => request,
        };
        let Ok(request) = request else {
            break;
        };
        let answered = tokio::select! {
            _ = &mut stopped => break,
            answered = answer(&mut router, &request, &buffer) => answered,
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "replay request not answered");
        }
    }
    router.close().await;
}

/// Why a replay request got no answer.
#[derive(Debug, Error)]
enum RequestError {
    #[error("a request has {0} frames; it has 3: identity, empty, sequence number")]
    Count(usize),
    #[error("{0}")]
    Sequence(#[from] super::wire::FrameError),
    #[error("{0}")]
    Socket(#[from] ZmqError),
}

async fn answer(
    router: &mut RouterSocket,
    request: &ZmqMessage,
    buffer: &Buffer,
) -> Result<(), RequestError> {
    let (Some(identity), Some(delimiter), Some(start), 3) = (
        request.get(0),
        request.get(1),
        request.get(2),
        request.len(),
    ) else {
        return Err(RequestError::Count(request.len()));
    };
    let start = read_seq(start)?;
    let kept: Vec<(u64, Bytes)> = {
        let buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer
            .iter()
            .filter(|(seq, _)| *seq >= start)
            .cloned()
            .collect()
    };
    let end = (END_OF_REPLAY, Bytes::new());
    for (seq, payload) in kept.into_iter().chain([end]) {
        let mut message = ZmqMessage::from(identity.clone());
        message.push_back(delimiter.clone());
        message.push_back(seq_frame(seq));
        message.push_back(payload);
        router.send(message).await?;
    }
    Ok(())
}
