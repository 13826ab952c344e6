//! What kvmark does when asked; `main` only picks.
//!
//! # Layout
//! - here: `serve`. [`token`]: who may do what. [`keep`]: what keeps a store for years.
//!   [`site`]: the pages as a folder. [`export_run`]: one page as one file. `exported`: what both
//!   draw.

pub mod export_run;
mod exported;
pub mod keep;
pub mod memory;
pub mod site;
pub mod token;

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::demo;
use crate::github::Client;
use crate::store::{Store, StoreOptions};
use crate::text;
use crate::web::{self, AppState};

/// Opens the store that the configuration names.
pub async fn open(config: &Config) -> Result<Store> {
    let options = StoreOptions {
        main_branch: config.main_branch.clone(),
        ..StoreOptions::default()
    };
    Store::open(&config.database, options)
        .await
        .with_context(|| format!("cannot open the store {}", config.database.display()))
}

/// Serves until Ctrl-C or a termination signal.
pub async fn serve(config: Config) -> Result<()> {
    if config.open_uploads && !config.bind.ip().is_loopback() {
        bail!(
            "--open-uploads takes uploads from anybody and needs a loopback address, not {}: \
             make a token instead (kvmark token create --scope upload)",
            config.bind
        );
    }
    let github = github(&config)?;
    let store = open(&config).await?;
    let listener = TcpListener::bind(config.bind)
        .await
        .with_context(|| format!("cannot listen on {}", config.bind))?;
    println!("kvmark listens on http://{}", listener.local_addr()?);
    let database = config.database.display();
    match store.sizes().await?.runs {
        0 => println!("{database} is empty: the first page says how to fill it"),
        n => println!("{database} holds {}", text::plural(n, "run", "runs")),
    }
    let mut state = AppState::new(store.clone(), config);
    state.descriptions = Arc::new(demo::descriptions());
    state.github = github;
    let shutdown = state.shutdown.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        shutdown.cancel();
    });
    web::serve(listener, state).await?;
    store.close().await;
    Ok(())
}

/// Where things are said on GitHub, if anywhere.
fn github(config: &Config) -> Result<Option<Client>> {
    let Some(repository) = config.github_repository.clone() else {
        return Ok(None);
    };
    let Some(token) = config.github_token.clone() else {
        bail!(
            "--github-repository {} needs a token that may write issues and checks there: \
             set GITHUB_TOKEN in the environment",
            repository.as_str()
        );
    };
    if config.public_url.is_none() {
        tracing::warn!("without --public-url nothing on GitHub links to this server");
    }
    let api = config.github_api_url.clone();
    Ok(Some(Client::new(api, repository, token)))
}

/// Ctrl-C, or a termination signal.
pub(crate) async fn wait_for_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let mut terminate =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(signal) => signal,
            Err(error) => {
                tracing::warn!(%error, "termination signals cannot be heard; Ctrl-C works");
                interrupt.await.ok();
                return;
            }
        };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
