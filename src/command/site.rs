//! `kvmark export-site`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bench_report::metric::format_count;

use super::open;
use crate::config::Config;
use crate::demo;
use crate::site::{Options, export};
use crate::text;
use crate::web::AppState;
use crate::web::inside::Inside;

/// Writes the pages of the store into `folder`, with pages for so many runs.
pub async fn run(config: &Config, folder: &Path, runs: usize) -> Result<()> {
    ensure!(
        config.database.exists(),
        "there is no store {}: name it with --database",
        config.database.display()
    );
    let store = open(config).await?;
    let config = Config {
        // Whoever may read the file may read the pages; and nobody uploads to a folder.
        read_token: false,
        open_uploads: false,
        ..config.clone()
    };
    let mut state = AppState::new(store.clone(), config);
    state.descriptions = Arc::new(demo::descriptions());
    let now = state.now();
    let label = format!(
        "Exported {} {} UTC by kvmark {}. Nothing here is newer, and what is not underlined or \
         coloured as a link needs the server.",
        text::day_year(now),
        text::clock(now),
        env!("CARGO_PKG_VERSION")
    );
    let options = Options {
        runs,
        ..Options::default()
    };
    let written = export(&Inside::new(state), folder, &label, options)
        .await
        .context("the export is not whole")?;
    store.close().await;
    println!(
        "{} pages and {} other files, {} kB: open {}",
        format_count(written.pages as u64),
        format_count(written.others as u64),
        format_count(written.bytes / 1000),
        folder.join("index.html").display()
    );
    Ok(())
}
