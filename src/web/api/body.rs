//! An upload's body: limits on the wire, limits while decoding, and how much of it at once.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::ingest::limits::WIRE_BYTES;
use crate::ingest::{self, Encoding, IngestError};
use crate::web::WebError;

/// Bodies that may be decoded at once.
const DECODED_AT_ONCE: usize = 2;

/// Bytes of bodies that may wait to be decoded, in KiB.
const WIRE_KIB: usize = 256 << 10;

/// How long a body waits for its turn to be decoded.
const PATIENCE: Duration = Duration::from_secs(10);

/// A change of something stored: a few texts.
const CHANGE_BYTES: usize = 4 * crate::ingest::limits::TEXT_BYTES;

/// When to come back after a 503, in seconds.
const RETRY_AFTER: u32 = 2;

/// How much is uploaded at once.
#[derive(Debug)]
pub struct Uploads {
    decoding: Arc<Semaphore>,
    wire: Arc<Semaphore>,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            decoding: Arc::new(Semaphore::new(DECODED_AT_ONCE)),
            wire: Arc::new(Semaphore::new(WIRE_KIB)),
        }
    }
}

/// Reads the small JSON body of a change.
pub(super) async fn read_json<T: serde::de::DeserializeOwned>(
    request: axum::extract::Request,
) -> Result<T, WebError> {
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let bytes = axum::body::to_bytes(body, CHANGE_BYTES)
        .await
        .map_err(|_| WebError::too_large(format!("a change has at most {CHANGE_BYTES} bytes")))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| WebError::bad_request(format!("the body does not read: {error}")))
}

/// A body as it came, and its share of what may wait.
struct Wire {
    bytes: Vec<u8>,
    encoding: Encoding,
    _share: Option<OwnedSemaphorePermit>,
}

impl Uploads {
    /// A body taken from the wire, decoded, and made into something by `read`, on a thread that
    /// serves nobody else. The turn that comes with it is held until it is stored.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        headers: &HeaderMap,
        body: Body,
        read: impl FnOnce(Vec<u8>) -> Result<T, IngestError> + Send + 'static,
    ) -> Result<(T, OwnedSemaphorePermit), WebError> {
        let wire = self.receive(headers, body).await?;
        let turn = self.turn().await?;
        let reading =
            tokio::task::spawn_blocking(move || read(ingest::decode(wire.bytes, wire.encoding)?));
        Ok((ended("reading a body", reading).await??, turn))
    }

    /// Bodies being decoded and stored now.
    pub fn in_use(&self) -> usize {
        DECODED_AT_ONCE - self.decoding.available_permits()
    }

    /// Reads a body from the wire.
    async fn receive(&self, headers: &HeaderMap, body: Body) -> Result<Wire, WebError> {
        require_json(headers)?;
        let encoding = headers
            .get(header::CONTENT_ENCODING)
            .map_or("", |v| v.to_str().unwrap_or("?"))
            .parse::<Encoding>()?;
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > WIRE_BYTES) {
            return Err(IngestError::WireTooLong.into());
        }
        let mut bytes = Vec::new();
        let mut share: Option<OwnedSemaphorePermit> = None;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| {
                WebError::bad_request(format!("the body ended before its time: {error}"))
            })?;
            if bytes.len() + chunk.len() > WIRE_BYTES {
                return Err(IngestError::WireTooLong.into());
            }
            bytes.extend_from_slice(&chunk);
            let held = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let more = u32::try_from((bytes.len() >> 10).saturating_sub(held)).unwrap_or(u32::MAX);
            if more > 0 {
                let more = self
                    .wire
                    .clone()
                    .try_acquire_many_owned(more)
                    .map_err(|_| busy())?;
                match &mut share {
                    Some(share) => share.merge(more),
                    none => *none = Some(more),
                }
            }
        }
        Ok(Wire {
            bytes,
            encoding,
            _share: share,
        })
    }

    /// The right to decode a body; held until it is stored.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, WebError> {
        let turn = self.decoding.clone().acquire_owned();
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(busy()),
        }
    }
}

/// Stores something in a task of its own: a caller that hangs up does not stop it half way.
pub(super) async fn store<T: Send + 'static>(
    storing: impl Future<Output = T> + Send + 'static,
) -> Result<T, WebError> {
    ended("storing a body", tokio::spawn(storing)).await
}

/// What a task came to; one that panicked is our failure.
async fn ended<T>(what: &str, task: JoinHandle<T>) -> Result<T, WebError> {
    task.await.map_err(|error| {
        tracing::error!(%error, "{what} failed");
        WebError::Internal
    })
}

fn busy() -> WebError {
    WebError::busy(
        format!("{DECODED_AT_ONCE} uploads are under way: send it again"),
        RETRY_AFTER,
    )
}

/// JSON only as `application/json`: a form of another site cannot send that.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), WebError> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .map_or("", |v| v.to_str().unwrap_or("?"));
    let essence = given.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(WebError::unsupported_media(format!(
        "the content type is {given:?}: send JSON as application/json"
    )))
}
