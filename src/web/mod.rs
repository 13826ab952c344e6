//! The only HTTP and HTML.
//!
//! # Layout
//! - [`mod@router`]: every route, grouped by who calls it.
//! - [`error`]: what went wrong, as problem JSON or as a page.
//! - [`extract`]: paths and queries that fail in our words. [`auth`]: who is calling.
//! - [`badge`]: a metric's last value for a README. [`feed`]: alerts for feed readers.
//! - [`chart`]: a trend as a file.
//! - [`metrics`]: what Prometheus reads.
//! - [`openapi`]: the API described, for machines and for people.
//! - [`session`]: logging in and out.
//! - [`sides`]: from names in a URL to two runs, compared.
//! - [`guard`]: what holds for every request: host, headers, limits.
//! - [`api`]: the JSON API. [`pages`]: the HTML. [`assets`]: style, script, icon.
//! - [`inside`]: the pages without a socket. [`offline`]: their links as names of files.
//!   [`single`]: one page as one file.
//! - `tell`: what an upload makes us say on GitHub.
//! - [`live`]: runs that are being executed. [`sse`]: following them.

pub mod api;
pub mod assets;
pub mod auth;
pub mod badge;
pub mod chart;
pub mod error;
pub mod extract;
pub mod feed;
pub mod guard;
pub mod inside;
pub mod live;
pub mod metrics;
pub mod offline;
pub mod openapi;
pub mod pages;
pub mod router;
pub mod session;
pub mod sides;
pub mod single;
pub mod sse;
mod tell;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::{Millis, RunId};
use crate::github::Client;
use crate::jobs::{self, Jobs};
use crate::store::{Memo, Store};

use self::api::body::Uploads;
use self::metrics::Metrics;
use crate::analysis::compare::RunSide;
use crate::analysis::confirmation::{JUDGE, PairJudge};
use crate::analysis::overview::Night;

pub use error::WebError;
pub use router::router;

/// Nights that are kept: a week of some dozen machines, a few kilobytes each.
const MOST_NIGHTS: usize = 128;

/// Comparisons that are kept: a pull request's worth of pushes, 1 MB each of 500 series.
const MOST_COMPARISONS: usize = 16;

/// Sides of comparisons that are kept beside them: the base of a pull request is that of each push.
const MOST_SIDES: usize = 4;

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
    /// What runs beside requests.
    pub jobs: Jobs,
    /// Where things are said on GitHub, if anywhere.
    pub github: Option<Client>,
    /// What is counted.
    pub metrics: Metrics,
    /// What each benchmark of the suite measures, in its own words; by name.
    pub descriptions: Arc<BTreeMap<String, String>>,
    /// How much is uploaded at once.
    pub uploads: Arc<Uploads>,
    /// What judges pairs; a test switches it off.
    pub pair_judge: PairJudge,
    /// When this server began.
    pub started: Millis,
    /// What `/` lists of earlier nights.
    pub nights: Arc<Memo<RunId, Night>>,
    /// Comparisons of runs, base and head, under the gate's usual options.
    pub comparisons: Arc<sides::Comparisons>,
    /// What runs were compared from.
    pub sides: Arc<Memo<RunId, Arc<RunSide>>>,
    /// How large the tables are, as far as it was read.
    pub table_sizes: Arc<pages::status::TableSizes>,
    /// Whose turn it is.
    pub turns: guard::Turns,
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
            jobs: Jobs::default(),
            github: None,
            metrics: Metrics::default(),
            descriptions: Arc::default(),
            uploads: Arc::new(Uploads::default()),
            pair_judge: JUDGE,
            started: jiff::Timestamp::now().into(),
            nights: Arc::new(Memo::new(MOST_NIGHTS)),
            comparisons: Arc::new(Memo::new(MOST_COMPARISONS)),
            sides: Arc::new(Memo::new(MOST_SIDES)),
            table_sizes: Arc::default(),
            turns: guard::Turns::default(),
            shutdown: CancellationToken::new(),
        }
    }

    /// The present time.
    pub fn now(&self) -> Millis {
        (self.clock)()
    }
}

/// Serves, and does the jobs beside, until `state.shutdown` is cancelled; then answers what is
/// under way and ends.
pub async fn serve(listener: TcpListener, state: AppState) -> std::io::Result<()> {
    let shutdown = state.shutdown.clone();
    let jobs = state
        .jobs
        .clone()
        .run(state.store.clone(), shutdown.clone());
    let jobs = tokio::spawn(jobs);
    if let Some(client) = state.github.clone() {
        let post = jobs::github::Post {
            client,
            store: state.store.clone(),
            jobs: state.jobs.clone(),
            clock: state.clock.clone(),
            public_url: state.config.public_url.clone(),
        };
        let outbox = jobs::github::run(post, shutdown.clone());
        tokio::spawn(outbox);
    }
    tokio::spawn(sweep(state.clone()));
    let served = axum::serve(listener, router(state))
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await;
    if let Err(error) = jobs.await {
        tracing::error!(%error, "the jobs ended early");
    }
    served
}

/// Marks live runs as lost whose runners fell silent, and forgets what another process changed,
/// until the server shuts down.
async fn sweep(state: AppState) {
    /// How late a run may be called lost.
    const EVERY: Duration = Duration::from_secs(5);
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                state.live.sweep(state.now());
                if let Err(error) = state.store.notice_other_writers().await {
                    tracing::warn!(%error, "other writers cannot be noticed");
                }
            }
            () = state.shutdown.cancelled() => return,
        }
    }
}
