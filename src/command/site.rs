//! `kvmark export-site`.

use std::path::Path;

use anyhow::{Context, Result};
use bench_report::metric::format_count;

use super::exported::exported;
use crate::config::Config;
use crate::site::{Options, export};

/// Writes the pages of the store into `folder`, with pages for so many runs.
pub async fn run(config: &Config, folder: &Path, runs: usize) -> Result<()> {
    let links = "what is not underlined or coloured as a link needs the server";
    let pages = exported(config, links).await?;
    let options = Options {
        runs,
        ..Options::default()
    };
    let written = export(&pages.inside, folder, &pages.label, options)
        .await
        .context("the export is not whole")?;
    pages.store.close().await;
    println!(
        "{} pages and {} other files, {} kB: open {}",
        format_count(written.pages as u64),
        format_count(written.others as u64),
        format_count(written.bytes / 1000),
        folder.join("index.html").display()
    );
    Ok(())
}
