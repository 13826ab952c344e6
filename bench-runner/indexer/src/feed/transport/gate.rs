//! A gate before a socket: what an engine sends passes through it, as long as no message is longer
//! than it may be.
//!
//! The `zeromq` crate reserves memory for a frame by the length that its sender announces, has no
//! option for the longest (libzmq's `ZMQ_MAXMSGSIZE`), and opens its connections itself. So the gate
//! connects to the engine, and the crate's socket connects to the gate, by a socket file in a folder
//! that only this user may enter and that is gone once the connection stands.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zeromq::{Endpoint, Host};

use super::limit::{MessageLimit, TooLong};

/// Bytes passed on at a time.
const PIECE: usize = 64 << 10;

/// Why there is no gate to an engine.
#[derive(Debug, Error)]
pub(super) enum GateError {
    #[error("cannot connect: {0}")]
    Engine(#[source] io::Error),
    #[error("no connection within {0:?}")]
    Slow(Duration),
    #[error("cannot make a socket file: {0}")]
    Local(#[source] io::Error),
    #[error("only tcp:// and ipc:// endpoints can be connected to")]
    Endpoint,
}

/// Why a gate closed.
#[derive(Debug, Error)]
enum Closed {
    #[error("a side went away: {0}")]
    Side(#[from] io::Error),
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// An open gate; it closes with this.
pub(super) struct Gate {
    endpoint: String,
    passing: JoinHandle<()>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.passing.abort();
    }
}

impl Gate {
    /// Connects to an engine. `refuse` is called where it announces a message longer than `longest`
    /// bytes; the connection is closed then.
    pub(super) async fn open(
        engine: &Endpoint,
        within: Duration,
        longest: usize,
        refuse: impl FnOnce() + Send + 'static,
    ) -> Result<Self, GateError> {
        let connecting = async {
            match engine {
                Endpoint::Tcp(host, port) => {
                    let stream = match host {
                        Host::Ipv4(address) => TcpStream::connect((*address, *port)).await,
                        Host::Ipv6(address) => TcpStream::connect((*address, *port)).await,
                        Host::Domain(name) => TcpStream::connect((name.as_str(), *port)).await,
                    };
                    let stream = stream.map_err(GateError::Engine)?;
                    stream.set_nodelay(true).map_err(GateError::Engine)?;
                    Ok(Engine::Tcp(stream))
                }
                Endpoint::Ipc(Some(path)) => {
                    let stream = UnixStream::connect(path).await;
                    Ok(Engine::Ipc(stream.map_err(GateError::Engine)?))
                }
                _ => Err(GateError::Endpoint),
            }
        };
        let engine = timeout(within, connecting)
            .await
            .map_err(|_| GateError::Slow(within))??;
        let folder = Folder::new().map_err(GateError::Local)?;
        let path = folder.0.join("gate");
        let listener = UnixListener::bind(&path).map_err(GateError::Local)?;
        let passing = async move {
            let passed = async {
                let (socket, _) = listener.accept().await?;
                drop((listener, folder));
                match engine {
                    Engine::Tcp(mut stream) => {
                        let (from, to) = stream.split();
                        pass(from, to, socket, longest).await
                    }
                    Engine::Ipc(mut stream) => {
                        let (from, to) = stream.split();
                        pass(from, to, socket, longest).await
                    }
                }
            };
            match passed.await {
                Err(Closed::TooLong(error)) => {
                    tracing::warn!(%error, "connection closed");
                    refuse();
                }
                Err(Closed::Side(error)) => tracing::debug!(%error, "connection closed"),
                Ok(()) => {}
            }
        };
        Ok(Self {
            endpoint: format!("ipc://{}", path.display()),
            passing: tokio::spawn(passing),
        })
    }

    /// Where a socket connects to the gate; one may, once.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

enum Engine {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

/// Passes bytes on both ways until a side ends.
async fn pass(
    mut from_engine: impl AsyncRead + Unpin,
    mut to_engine: impl AsyncWrite + Unpin,
    mut socket: UnixStream,
    longest: usize,
) -> Result<(), Closed> {
    let (mut from_socket, mut to_socket) = socket.split();
    let inward = async {
        let mut limit = MessageLimit::new(longest);
        let mut piece = vec![0; PIECE];
        loop {
            let length = from_engine.read(&mut piece).await?;
            if length == 0 {
                return Ok(());
            }
            limit.check(&piece[..length])?;
            to_socket.write_all(&piece[..length]).await?;
        }
    };
    let outward = async {
        tokio::io::copy(&mut from_socket, &mut to_engine).await?;
        Ok(())
    };
    tokio::select! {
        ended = inward => ended,
        ended = outward => ended,
    }
}

/// A folder of our own, removed with this.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let name = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let path = std::env::temp_dir().join(format!("kv-feed-{name:016x}"));
        // A folder that is there already, whoever made it, is an error.
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's temporary folder: nothing depends on it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
