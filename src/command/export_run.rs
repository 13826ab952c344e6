//! `kvmark export-run`.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::exported::exported;
use crate::config::Config;
use crate::domain::RunId;
use crate::web::single;

/// Writes one run, or its comparison with `against` (a run's number, a commit or a branch), as one
/// file that opens by itself.
pub async fn run(config: &Config, run: RunId, file: &Path, against: Option<&str>) -> Result<()> {
    if file.exists() {
        bail!("{} is there already: name a new file", file.display());
    }
    let pages = exported(config, "links need the server").await?;
    let page = single::page(&pages.inside, &pages.label, run, against).await?;
    pages.store.close().await;
    std::fs::write(file, &page).with_context(|| format!("cannot write {}", file.display()))?;
    println!("{}: {} kB", file.display(), page.len() / 1000);
    Ok(())
}
