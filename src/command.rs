//! What kvmark does when asked; `main` only picks.

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;

use crate::config::{Config, TokenCommand};
use crate::domain::{Millis, TokenId};
use crate::store::{Store, StoreOptions};
use crate::web::auth::Secret;
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
    let store = open(&config).await?;
    let listener = TcpListener::bind(config.bind)
        .await
        .with_context(|| format!("cannot listen on {}", config.bind))?;
    println!("kvmark listens on http://{}", listener.local_addr()?);
    let state = AppState::new(store.clone(), config);
    let shutdown = state.shutdown.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        shutdown.cancel();
    });
    web::serve(listener, state).await?;
    store.close().await;
    Ok(())
}

/// Makes, lists or revokes tokens.
pub async fn token(config: &Config, command: TokenCommand) -> Result<()> {
    let store = open(config).await?;
    let now = Millis::from(jiff::Timestamp::now());
    match command {
        TokenCommand::Create { scope, kinds, note } => {
            let secret = Secret::random()?;
            let id = store
                .create_token(
                    &secret.hash(),
                    scope,
                    kinds.as_deref(),
                    note.as_deref(),
                    now,
                )
                .await?;
            eprintln!("token {id}, scope {scope}; it is shown this once:");
            println!("{}", secret.reveal());
        }
        TokenCommand::List => {
            for token in store.list_tokens().await? {
                let kinds = match &token.kinds {
                    Some(kinds) => serde_json::to_string(kinds)?,
                    None => "all kinds".to_owned(),
                };
                let state = match token.revoked_at {
                    Some(at) => format!("revoked {}", at.timestamp()),
                    None => "valid".to_owned(),
                };
                println!(
                    "{}\t{}\t{kinds}\t{}\t{state}\t{}",
                    token.id,
                    token.scope,
                    token.created_at.timestamp(),
                    token.note.as_deref().unwrap_or("")
                );
            }
        }
        TokenCommand::Revoke { id } => {
            if !store.revoke_token(TokenId(id), now).await? {
                bail!("there is no valid token {id}: `kvmark token list` shows them");
            }
        }
    }
    store.close().await;
    Ok(())
}

async fn wait_for_signal() {
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
