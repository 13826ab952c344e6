//! `kvmark export-run`.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::exported::exported;
use crate::config::Config;
use crate::domain::RunId;
use crate::site::single::single;
use crate::web::pages::links;

/// Writes one run, or its comparison with `against` (a run's number, a commit or a branch), as one
/// file that opens by itself.
pub async fn run(config: &Config, run: RunId, file: &Path, against: Option<&str>) -> Result<()> {
    if file.exists() {
        bail!("{} is there already: name a new file", file.display());
    }
    let pages = exported(config, "links need the server").await?;
    let url = match against {
        Some(base) => format!(
            "{}?show=all&page=all",
            links::compare(base, &run.to_string())
        ),
        None => format!("{}?show=all", links::run(run)),
    };
    let page = single(&pages.inside, &url, &pages.label).await?;
    pages.store.close().await;
    std::fs::write(file, &page).with_context(|| format!("cannot write {}", file.display()))?;
    println!("{}: {} kB", file.display(), page.len() / 1000);
    Ok(())
}
