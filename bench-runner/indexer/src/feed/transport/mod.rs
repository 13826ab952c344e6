//! The sockets: a SUB socket that stays connected, a DEALER socket for each replay.
//!
//! Facts about the `zeromq` crate that shape this code: `connect` keeps trying within its timeout,
//! so the timeout is short and the loop around it is ours; only SUB reconnects by itself, silently
//! and with waits up to 30 s, so a broken connection is replaced instead, by a socket of its own;
//! REQ takes one reply only, so replays use DEALER with the empty delimiter in front.

pub(super) mod live;
pub(super) mod replay;

use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc;
use thiserror::Error;
use zeromq::{Endpoint, Socket, SocketEvent, SocketOptions, ZmqError};

/// An endpoint that no socket can be given.
#[derive(Debug, Error)]
#[error("endpoint {endpoint:?} is not tcp://HOST:PORT or ipc://PATH")]
pub struct BadEndpoint {
    endpoint: String,
}

/// Checks an endpoint without connecting to it.
///
/// # Errors
/// When it is not `tcp://host:port` or `ipc://path`.
pub fn check_endpoint(endpoint: &str) -> Result<(), BadEndpoint> {
    // What the parser says adds nothing to what an endpoint must look like.
    match endpoint.parse::<Endpoint>() {
        Ok(_) => Ok(()),
        Err(_) => Err(BadEndpoint {
            endpoint: endpoint.to_owned(),
        }),
    }
}

/// A socket connected to one endpoint, and the news of it being disconnected.
struct Connected<S> {
    socket: S,
    events: mpsc::Receiver<SocketEvent>,
}

/// Connects a socket of its own to one endpoint. `prepare` sees it before it connects.
async fn connect<S: Socket>(
    endpoint: &str,
    timeout: Duration,
    prepare: impl AsyncFnOnce(&mut S) -> Result<(), ZmqError>,
) -> Result<Connected<S>, ZmqError> {
    let mut options = SocketOptions::default();
    options.connect_timeout(timeout);
    let mut socket = S::with_options(options);
    let events = socket.monitor();
    prepare(&mut socket).await?;
    socket.connect(endpoint).await?;
    Ok(Connected { socket, events })
}

/// Comes back when the peer is gone.
async fn disconnected(events: &mut mpsc::Receiver<SocketEvent>) {
    while let Some(event) = events.next().await {
        if matches!(event, SocketEvent::Disconnected(_) | SocketEvent::Closed) {
            return;
        }
    }
}
