//! Connections, pragmas, migrations.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::track::Tracks;
use super::{Memo, Shared, Store, StoreError, older};

/// Runs whose rows are kept in memory: 100 kB each of 500 series.
const MOST_RUNS: usize = 64;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// The branch whose nightly runs form baselines.
    pub main_branch: String,
    /// Connections that only read.
    pub readers: u32,
}

impl Default for StoreOptions {
    /// Branch `main`, and as many readers as the machine has processors, 2 to 8.
    fn default() -> Self {
        let cpus = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            main_branch: "main".to_owned(),
            readers: u32::try_from(cpus.clamp(2, 8)).unwrap_or(2),
        }
    }
}

impl Store {
    /// Opens a store, such as a backup, only to read it: nothing is made and nothing is migrated.
    pub async fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(alone(path).read_only(true))
            .await?;
        Ok(Self::of(
            pool.clone(),
            pool,
            StoreOptions::default().main_branch,
        ))
    }

    /// Opens the store in `path`, makes it if it is not there, and brings its schema up to date.
    pub async fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(60))
            .connect_with(connection(path).create_if_missing(true))
            .await?;
        MIGRATIONS.run(&writer).await?;
        older::bring_over(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(10))
            // A dead connection shows itself by the query that it fails; asking before each
            // query would double the round trips.
            .test_before_acquire(false)
            .connect_with(connection(path).read_only(true))
            .await?;
        Ok(Self::of(writer, readers, options.main_branch))
    }

    fn of(writer: SqlitePool, readers: SqlitePool, main_branch: String) -> Self {
        Self {
            shared: Arc::new(Shared {
                writer,
                readers,
                main_branch,
                series_by_key: DashMap::default(),
                series_by_id: DashMap::default(),
                writing: tokio::sync::Mutex::default(),
                tracks: Tracks::default(),
                stamps: super::memo::Stamps::default(),
                heads: super::heads::Heads::default(),
                rows: Memo::new(MOST_RUNS),
            }),
        }
    }

    /// Closes all connections, so that the file is whole without its log.
    pub async fn close(&self) {
        self.readers().close().await;
        self.writer().close().await;
    }
}

/// A connection for somebody who needs the file for himself.
pub(super) fn alone(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_millis(200))
}

/// How every connection is set up.
fn connection(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        // Readers go on while the writer writes.
        .journal_mode(SqliteJournalMode::Wal)
        // With the log, a commit survives the process; a power cut may lose the last commits but
        // never the order or the whole. The runner's spool sends again what was not answered.
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        // Another process (`kvmark token create`) may hold the write lock for a moment.
        .busy_timeout(Duration::from_secs(10))
        // No map: every connection would map the file for itself, and five years of a team would
        // stand in the server's resident memory once for each. The system keeps the pages anyway.
        .pragma("mmap_size", "0")
        // 4 MiB of pages a connection: the inner pages of all tables, and what was just read. What
        // is read most, histories, is kept as `Tracks`.
        .pragma("cache_size", "-4096")
        .pragma("temp_store", "memory")
        .statement_cache_capacity(256)
        // The rows of a run are 500: the connection's thread need not wait for the one who takes them
        // out, nor wake him for each.
        .row_buffer_size(1024)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[tokio::test]
    async fn readers_share_no_page_cache_lock() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db"), StoreOptions::default())
            .await
            .unwrap();
        let options: Vec<(String,)> = sqlx::query_as("pragma compile_options")
            .fetch_all(store.readers())
            .await
            .unwrap();
        assert!(
            options.iter().any(|(o,)| o.starts_with("THREADSAFE")),
            "{options:?}"
        );
        // Undefined in .cargo/config.toml: it puts all page caches behind one lock.
        let is_set = options.iter().any(|(o,)| o == "ENABLE_MEMORY_MANAGEMENT");
        assert!(!is_set, "{options:?}");
    }
}
