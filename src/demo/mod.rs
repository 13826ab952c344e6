//! `kvmark demo`: a dashboard with something to show, and this machine measured for real.
//!
//! It is the one place that names the runner's library: the demo's runner is this program again,
//! as a child process, so that the server disturbs no figure.
//!
//! # Layout
//! - here: the demo from its first line to its last.
//! - `runner`: this program as the runner. `account`: what is printed.
//! - `descriptions`: what the suite says of itself, for the pages.
//! - `sample`: a year of generated history. `fill`: how it gets into the store.
//!   `people`: what people did in it.

mod account;
mod descriptions;
mod fill;
mod people;
mod runner;
mod sample;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::command;
use crate::config::{Config, DemoArgs};
use crate::domain::{RunId, RunKind};
use crate::store::{RunFilter, Store};
use crate::web::{self, AppState};

pub use descriptions::descriptions;
pub use runner::as_runner;

/// What ends the demo early.
enum Ended {
    /// A person asked for it.
    Stopped,
    /// The runner ended by itself.
    Measured(ExitStatus),
}

/// Runs the demo until Ctrl-C, or with `--no-wait` until the upload is there.
pub async fn run(args: &DemoArgs) -> Result<()> {
    let database = match &args.database {
        Some(file) => file.clone(),
        None => fresh_database()?,
    };
    let config = Config {
        bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), args.port),
        database,
        // The runner, and whoever tries the runner by hand, needs no token.
        open_uploads: true,
        ..Config::default()
    };
    let store = command::open(&config).await?;
    let dashboard = Dashboard::start(config, store.clone()).await?;
    let shown = show(args, &dashboard).await;
    dashboard.stop().await?;
    store.close().await;
    shown
}

async fn show(args: &DemoArgs, dashboard: &Dashboard) -> Result<()> {
    let state = &dashboard.state;
    account::opening(&dashboard.url, &state.config.database);
    let suite = sample_suite();
    let filled = tokio::select! {
        filled = fill::fill(&state.store, &suite, state.now()) => filled?,
        () = command::wait_for_signal() => return Ok(()),
    };
    account::filled(&filled);
    account::measuring();

    let last_before = newest_measured(&state.store).await?;
    let spool = state.config.database.with_extension("spool");
    let mut child = runner::start(&dashboard.url, &spool, args.tiny)?;
    let mut started = state.live.started();
    let ended = loop {
        tokio::select! {
            status = child.wait() => break Ended::Measured(status.context("cannot wait for the runner")?),
            () = command::wait_for_signal() => break Ended::Stopped,
            id = started.next() => account::watch(&dashboard.url, id),
        }
    };
    let status = match ended {
        Ended::Measured(status) => status,
        Ended::Stopped => {
            // The same Ctrl-C told the runner; a signal to this process alone did not.
            child.kill().await.context("cannot stop the runner")?;
            return Ok(());
        }
    };
    let run = match newest_measured(&state.store).await? {
        Some(run) if Some(run) != last_before => run,
        _ => bail!("the runner ended with {status} and uploaded nothing: its own words are above"),
    };
    let measured = state
        .store
        .judged_run(run)
        .await?
        .context("the run is gone")?;
    account::measured(&measured);
    let trend = a_trend_to_see(&state.store).await?;
    account::where_to_look(&dashboard.url, run, trend.as_deref());
    if args.no_wait {
        account::kept(&state.config.database);
        return Ok(());
    }
    account::until_interrupt(&state.config.database);
    command::wait_for_signal().await;
    Ok(())
}

/// The dashboard, served beside everything else.
struct Dashboard {
    state: AppState,
    url: String,
    served: JoinHandle<std::io::Result<()>>,
}

impl Dashboard {
    async fn start(config: Config, store: Store) -> Result<Self> {
        let listener = TcpListener::bind(config.bind).await.with_context(|| {
            format!(
                "port {} is taken: `--port 0` takes a free one, `--port` another",
                config.bind.port()
            )
        })?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut state = AppState::new(store, config);
        state.descriptions = Arc::new(descriptions());
        let served = tokio::spawn(web::serve(listener, state.clone()));
        Ok(Self { state, url, served })
    }

    async fn stop(self) -> Result<()> {
        self.state.shutdown.cancel();
        self.served.await.context("the dashboard ended badly")??;
        Ok(())
    }
}

/// A store in a folder of its own, which only this user may read.
fn fresh_database() -> Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let name = format!("kvmark-demo-{}", uuid::Uuid::new_v4().simple());
    let folder = std::env::temp_dir().join(name);
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder.join("kvmark.db"))
}

/// The newest run that is no sample.
async fn newest_measured(store: &Store) -> Result<Option<RunId>> {
    let newest = store
        .runs(&RunFilter {
            kind: Some(RunKind::Manual),
            limit: Some(1),
            ..RunFilter::default()
        })
        .await?;
    Ok(newest.first().map(|run| run.id))
}

/// The page of the trend with the plainest story, on the sample machine.
async fn a_trend_to_see(store: &Store) -> Result<Option<String>> {
    let machines = store.environments().await?;
    let samples = machines.into_iter().filter(|machine| machine.is_sample);
    let newest = samples.max_by_key(|machine| machine.last_seen);
    Ok(newest.map(|machine| {
        format!(
            "/benchmarks/KVEventConcurrency?metric=latency_p99&param.concurrency=100\
             &environment={}&range=1y",
            machine.id
        )
    }))
}

/// The suite with all its series, as the sample machine has them.
fn sample_suite() -> sample::SampleSuite {
    use bench_runner::suite;
    let mut series = Vec::new();
    for benchmark in suite::catalogue() {
        for params in benchmark.cases(&sample::CPUS) {
            series.extend(
                benchmark
                    .metrics_of(&params)
                    .map(|metric| sample::SampleSeries {
                        benchmark: benchmark.name.to_owned(),
                        params: params.clone(),
                        metric: metric.name.to_owned(),
                        unit: metric.unit.as_str().to_owned(),
                        better: metric.better,
                        kind: metric.kind,
                        floor: metric.floor,
                        target: metric.target(&params),
                    }),
            );
        }
    }
    sample::SampleSuite {
        name: suite::SUITE.to_owned(),
        version: suite::SUITE_VERSION.to_owned(),
        series,
    }
}

/// Whether a path is inside the system's temporary folder.
fn is_temporary(path: &Path) -> bool {
    path.starts_with(std::env::temp_dir())
}
