//! The only HTTP and HTML.
//!
//! # Layout
//! - [`router`]: every route, grouped by who calls it.
//! - [`error`]: what went wrong, as problem JSON or as a page.
//! - [`extract`]: paths and queries that fail in our words. [`auth`]: who is calling.
//! - [`guard`]: what holds for every request: host, headers, limits.
//! - [`api`]: the JSON API. [`pages`]: the HTML. [`assets`]: style, script, icon.
//! - [`live`]: runs that are being executed. [`sse`]: following them.

pub mod api;
pub mod assets;
pub mod auth;
pub mod error;
pub mod extract;
pub mod guard;
pub mod live;
pub mod pages;
pub mod router;
pub mod sse;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::Millis;
use crate::store::Store;

pub use error::WebError;
pub use router::router;

/// What tells the time; tests inject their own.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// All that is stored.
    pub store: Store,
    /// How the server was started.
    pub config: Arc<Config>,
    /// What tells the time.
    pub clock: Clock,
    /// Runs that are being executed.
    pub live: Arc<live::LiveRuns>,
    /// Cancelled when the server shuts down: streams end by it.
    pub shutdown: CancellationToken,
}

impl AppState {
    /// A server's state with the machine's clock.
    pub fn new(store: Store, config: Config) -> Self {
        Self {
            store,
            config: Arc::new(config),
            clock: Arc::new(|| jiff::Timestamp::now().into()),
            live: Arc::default(),
            shutdown: CancellationToken::new(),
        }
    }

    /// The present time.
    pub fn now(&self) -> Millis {
        (self.clock)()
    }
}

/// Serves until `state.shutdown` is cancelled, then answers what is under way and ends.
pub async fn serve(listener: TcpListener, state: AppState) -> std::io::Result<()> {
    let shutdown = state.shutdown.clone();
    axum::serve(listener, router(state))
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}
