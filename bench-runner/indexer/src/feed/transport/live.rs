//! The live connection: kept up, and read into a bounded queue without ever waiting for the index.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use zeromq::{SocketRecv, SubSocket};

use super::{Connected, Way, connect, disconnected};
use crate::feed::settings::{Settings, Stream};
use crate::feed::wire::{END_OF_REPLAY, FrameError, Frames, read_frames};

/// What the live connection tells, in the order it happened.
#[derive(Debug)]
pub(in crate::feed) enum Live {
    Connected(u64),
    Batch {
        connection: u64,
        seq: u64,
        payload: Bytes,
    },
    Disconnected(u64),
}

/// What reader and driver share beside the queue.
#[derive(Debug, Default)]
pub(in crate::feed) struct Shared {
    /// Payload bytes in the queue.
    pub(in crate::feed) queued_bytes: AtomicUsize,
    /// Batches let go because the queue was full.
    pub(in crate::feed) dropped: AtomicU64,
    /// Messages that were no batch.
    pub(in crate::feed) bad_frames: AtomicU64,
    /// Connections closed because a message was announced that is too long.
    pub(in crate::feed) too_long: AtomicU64,
}

/// What the driver can order.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::feed) struct Orders {
    /// Connections up to this one are to be closed.
    pub(in crate::feed) close_through: u64,
    /// The reader is to end.
    pub(in crate::feed) stop: bool,
}

/// The reading end of a stream.
pub(in crate::feed) struct Reader {
    pub(in crate::feed) stream: Stream,
    pub(in crate::feed) settings: Settings,
    pub(in crate::feed) queue: mpsc::Sender<Live>,
    pub(in crate::feed) shared: Arc<Shared>,
    pub(in crate::feed) orders: watch::Receiver<Orders>,
}

impl Reader {
    /// Connects, reads, and connects again, until it is told to stop or nobody listens.
    pub(in crate::feed) async fn run(mut self) {
        let mut connection = 0;
        let mut wait = self.settings.first_retry;
        while !self.is_over() {
            let topic = self.stream.topic.clone();
            let way = Way {
                endpoint: &self.stream.connect,
                timeout: self.settings.connect_timeout,
                longest_message: self.settings.longest_message,
            };
            let shared = Arc::clone(&self.shared);
            let opened = connect(
                way,
                move || {
                    shared.too_long.fetch_add(1, Ordering::Relaxed);
                },
                async |socket: &mut SubSocket| socket.subscribe(&topic).await,
            );
            match opened.await {
                Ok(socket) => {
                    connection += 1;
                    wait = self.settings.first_retry;
                    if self.queue.send(Live::Connected(connection)).await.is_err() {
                        return;
                    }
                    self.read(connection, socket).await;
                    if self
                        .queue
                        .send(Live::Disconnected(connection))
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(endpoint = %self.stream.connect, %error, "cannot connect yet");
                }
            }
            self.pause(wait).await;
            wait = (wait * 2).min(self.settings.longest_retry);
        }
    }

    fn is_over(&self) -> bool {
        self.orders.borrow().stop || self.queue.is_closed()
    }

    /// Waits, but not beyond an order to stop.
    async fn pause(&mut self, wait: Duration) {
        let stop = self.orders.wait_for(|orders| orders.stop);
        let _ = tokio::time::timeout(wait, stop).await;
    }

    async fn read(&mut self, connection: u64, mut socket: Connected<SubSocket>) {
        let mut orders = self.orders.clone();
        let closed = orders.wait_for(|orders| orders.stop || orders.close_through >= connection);
        let gone = disconnected(&mut socket.events);
        tokio::pin!(closed, gone);
        loop {
            let message = tokio::select! {
                biased;
                _ = &mut closed => return,
                message = socket.socket.recv() => message,
                () = &mut gone => return,
            };
            let Ok(message) = message else {
                return;
            };
            match read_frames(message.iter()) {
                Ok(Frames { seq, payload }) if seq != END_OF_REPLAY => {
                    self.hand_over(connection, seq, payload);
                }
                Ok(_) => self.refuse(&FrameError::ReservedSequence),
                Err(error) => self.refuse(&error),
            }
        }
    }

    fn hand_over(&self, connection: u64, seq: u64, payload: Bytes) {
        let length = payload.len();
        let queued = self
            .shared
            .queued_bytes
            .fetch_add(length, Ordering::Relaxed);
        let batch = Live::Batch {
            connection,
            seq,
            payload,
        };
        // A payload longer than the bound passes alone: otherwise it never could.
        let fits = queued == 0 || queued.saturating_add(length) <= self.settings.queue_bytes;
        if !fits || self.queue.try_send(batch).is_err() {
            self.shared
                .queued_bytes
                .fetch_sub(length, Ordering::Relaxed);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn refuse(&self, error: &FrameError) {
        self.shared.bad_frames.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(endpoint = %self.stream.connect, %error, "message passed over");
    }
}
