//! The subscriber: any number of streams, each into a sink of its own.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinError;

use super::driver::{self, Running};
use super::report::{Counters, StreamReport};
use super::settings::{Settings, Stream};
use super::sink::{IndexSink, Sink};
use super::transport::{BadEndpoint, check_endpoint};
use crate::{Index, IndexError};

/// Why a subscriber cannot start or end.
#[derive(Debug, Error)]
pub enum SubscribeError {
    /// An endpoint that no socket can be given.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    /// The index takes no more workers.
    #[error("worker {worker:?}: {source}")]
    Worker {
        /// The engine's name.
        worker: String,
        /// What the index said.
        source: IndexError,
    },
    /// The task of a stream ended by a panic, in its sink or in the feed.
    #[error("a stream's task failed: {0}")]
    Task(#[from] JoinError),
}

/// Streams being read. Dropping it ends them; [`Subscriber::stop`] also gives the sinks back.
#[derive(Debug)]
pub struct Subscriber<S = IndexSink> {
    streams: Vec<Running<S>>,
}

impl Subscriber<IndexSink> {
    /// Reads streams into an index. Needs a tokio runtime.
    ///
    /// # Errors
    /// When an endpoint is malformed or the index takes no more workers.
    pub fn into_index(
        index: &Arc<Index>,
        streams: Vec<Stream>,
        settings: &Settings,
    ) -> Result<Self, SubscribeError> {
        let mut with_sinks = Vec::with_capacity(streams.len());
        for stream in streams {
            let sink = IndexSink::new(index.clone(), &stream.worker, &stream.model, stream.rank)
                .map_err(|source| SubscribeError::Worker {
                    worker: stream.worker.clone(),
                    source,
                })?;
            with_sinks.push((stream, sink));
        }
        Subscriber::start(with_sinks, settings)
    }
}

impl<S: Sink + 'static> Subscriber<S> {
    /// Reads streams, each into its sink. Needs a tokio runtime.
    ///
    /// # Errors
    /// When an endpoint is malformed.
    pub fn start(streams: Vec<(Stream, S)>, settings: &Settings) -> Result<Self, SubscribeError> {
        for (stream, _) in &streams {
            check_endpoint(&stream.connect)?;
            stream.replay.as_deref().map_or(Ok(()), check_endpoint)?;
        }
        let streams = streams
            .into_iter()
            .map(|(stream, sink)| driver::start(stream, settings, sink))
            .collect();
        Ok(Subscriber { streams })
    }

    /// How each stream stands, in the order given at the start.
    pub fn reports(&self) -> Vec<StreamReport> {
        self.streams
            .iter()
            .map(|stream| stream.report.borrow().clone())
            .collect()
    }

    /// The counts of all streams together.
    pub fn total(&self) -> Counters {
        let mut total = Counters::default();
        for stream in &self.streams {
            total += &stream.report.borrow().counters;
        }
        total
    }

    /// Waits until the reports satisfy a condition, looking again whenever one of them changes.
    /// `false` when that did not happen within `limit`.
    pub async fn wait_until(
        &self,
        limit: Duration,
        mut holds: impl FnMut(&[StreamReport]) -> bool,
    ) -> bool {
        let mut receivers: Vec<_> = self.streams.iter().map(|s| s.report.clone()).collect();
        let wait = async {
            loop {
                let reports: Vec<StreamReport> = receivers
                    .iter_mut()
                    .map(|r| r.borrow_and_update().clone())
                    .collect();
                if holds(&reports) {
                    return true;
                }
                let changes = receivers.iter_mut().map(|r| Box::pin(r.changed()));
                // An error means that the stream has ended: nothing changes any more.
                if receivers_ended(changes).await {
                    return false;
                }
            }
        };
        tokio::time::timeout(limit, wait).await.unwrap_or(false)
    }

    /// Ends all streams after what has been received is applied, and gives their sinks and last
    /// reports back.
    ///
    /// # Errors
    /// When a stream's task panicked.
    pub async fn stop(mut self) -> Result<Vec<(S, StreamReport)>, SubscribeError> {
        let streams = std::mem::take(&mut self.streams);
        for stream in &streams {
            stream.orders.send_modify(|orders| orders.stop = true);
        }
        let mut ended = Vec::with_capacity(streams.len());
        for stream in streams {
            let sink = stream.driver.await?;
            let report = stream.report.borrow().clone();
            ended.push((sink, report));
        }
        Ok(ended)
    }
}

impl<S> Drop for Subscriber<S> {
    fn drop(&mut self) {
        for stream in &self.streams {
            stream.orders.send_modify(|orders| orders.stop = true);
        }
    }
}

async fn receivers_ended<F>(changes: impl Iterator<Item = F>) -> bool
where
    F: Future<Output = Result<(), tokio::sync::watch::error::RecvError>> + Unpin,
{
    let changes: Vec<F> = changes.collect();
    if changes.is_empty() {
        return true;
    }
    futures::future::select_all(changes).await.0.is_err()
}
