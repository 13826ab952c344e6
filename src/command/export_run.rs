//! `kvmark export-run`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::open;
use crate::config::Config;
use crate::demo;
use crate::domain::RunId;
use crate::site::single::single;
use crate::text;
use crate::web::AppState;
use crate::web::inside::Inside;
use crate::web::pages::links;

/// Writes one run, or its comparison with `against` (a run's number, a commit or a branch), as one
/// file that opens by itself.
pub async fn run(config: &Config, run: RunId, file: &Path, against: Option<&str>) -> Result<()> {
    ensure!(
        config.database.exists(),
        "there is no store {}: name it with --database",
        config.database.display()
    );
    if file.exists() {
        bail!("{} is there already: name a new file", file.display());
    }
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
        "Exported {} {} UTC by kvmark {}. Nothing here is newer, and links need the server.",
        text::day_year(now),
        text::clock(now),
        env!("CARGO_PKG_VERSION")
    );
    let url = match against {
        Some(base) => format!(
            "{}?show=all&page=all",
            links::compare(base, &run.to_string())
        ),
        None => format!("{}?show=all", links::run(run)),
    };
    let page = single(&Inside::new(state), &url, &label).await?;
    store.close().await;
    std::fs::write(file, &page).with_context(|| format!("cannot write {}", file.display()))?;
    println!("{}: {} kB", file.display(), page.len() / 1000);
    Ok(())
}
