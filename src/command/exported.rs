//! The store as its pages are exported: to files that anybody opens without a server.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::open;
use crate::config::Config;
use crate::demo;
use crate::store::Store;
use crate::text;
use crate::web::AppState;
use crate::web::inside::Inside;

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
    let config = Config {
        // Whoever may read the store may read its pages; and nobody uploads to a file.
        read_token: false,
        open_uploads: false,
        ..config.clone()
    };
    let mut state = AppState::new(store.clone(), config);
    state.descriptions = Arc::new(demo::descriptions());
    let now = state.now();
    let label = format!(
        "Exported {} {} UTC by kvmark {}. Nothing here is newer, and {links}.",
        text::day_year(now),
        text::clock(now),
        env!("CARGO_PKG_VERSION")
    );
    Ok(Exported {
        store,
        inside: Inside::new(state),
        label,
    })
}
