//! The store as its pages are exported: to files that anybody opens without a server.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::open;
use crate::config::Config;
use crate::demo;
use crate::store::Store;
use crate::web::inside::Inside;
use crate::web::{AppState, single};

/// Pages that are exported.
pub(super) struct Exported {
    /// What they are drawn from; closed by whoever is done with it.
    pub(super) store: Store,
    /// Draws them.
    pub(super) inside: Inside,
    /// What each of them says about itself, in whole sentences.
    pub(super) label: String,
}

/// Opens the pages of the store that the configuration names. `links`: which of their links need the
/// server, as the end of a sentence.
pub(super) async fn exported(config: &Config, links: &str) -> Result<Exported> {
    ensure!(
        config.database.exists(),
        "there is no store {}: name it with --database",
        config.database.display()
    );
    let store = open(config).await?;
    let mut state = AppState::new(store.clone(), config.clone());
    state.descriptions = Arc::new(demo::descriptions());
    let (inside, label) = single::exported(&state, links);
    Ok(Exported {
        store,
        inside,
        label,
    })
}
