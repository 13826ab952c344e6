//! The sockets: a SUB socket that stays connected, a DEALER socket for each replay.
//!
//! Facts about the `zeromq` crate that shape this code: `connect` keeps trying within its timeout,
//! so the timeout is short and the loop around it is ours; only SUB reconnects by itself, silently
//! and with waits up to 30 s, so a broken connection is replaced instead, by a socket of its own;
//! REQ takes one reply only, so replays use DEALER with the empty delimiter in front; and it has no
//! limit on a message's length, so that every connection goes through a `gate` that has one.

mod gate;
mod limit;
pub(super) mod live;
pub(super) mod replay;

use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc;
use gate::{Gate, GateError};
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
    /// Between the two. Last: the socket goes first.
    _gate: Gate,
}

/// Where no connection came about.
#[derive(Debug, Error)]
enum ConnectError {
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error("socket: {0}")]
    Socket(#[from] ZmqError),
}

/// How to connect.
struct Way<'a> {
    endpoint: &'a str,
    timeout: Duration,
    /// The longest message that is taken, in bytes.
    longest_message: usize,
}

/// Connects a socket of its own to one endpoint. `prepare` sees it before it connects; `refuse` is
/// called where a message that is too long is announced, which ends the connection.
async fn connect<S: Socket>(
    way: Way<'_>,
    refuse: impl FnOnce() + Send + 'static,
    prepare: impl AsyncFnOnce(&mut S) -> Result<(), ZmqError>,
) -> Result<Connected<S>, ConnectError> {
    let endpoint = way.endpoint.parse().map_err(ZmqError::from)?;
    let gate = Gate::open(&endpoint, way.timeout, way.longest_message, refuse).await?;
    let mut options = SocketOptions::default();
    options.connect_timeout(way.timeout);
    let mut socket = S::with_options(options);
    let events = socket.monitor();
    prepare(&mut socket).await?;
    socket.connect(gate.endpoint()).await?;
    Ok(Connected {
        socket,
        events,
        _gate: gate,
    })
}

/// Comes back when the peer is gone.
async fn disconnected(events: &mut mpsc::Receiver<SocketEvent>) {
    while let Some(event) = events.next().await {
        if matches!(event, SocketEvent::Disconnected(_) | SocketEvent::Closed) {
            return;
        }
    }
}
