//! The only SQL: one method a question, domain types in and out, nothing decided here.
//!
//! # Layout
//! - `open`: connections, pragmas, migrations. `older`: rows of schemas before 20, brought over.
//! - `insert`: a validated run goes in, whole or not at all.
//! - `run`, `series`, `points`, `judgement`, `baseline`: what pages and the API ask for.
//! - `pair`: sides of pairs, commits of runs, pull requests.
//! - `track`: whole histories in memory; `heads`: what their runs say. [`memo`]: what was worked out,
//!   until a write touches it.
//! - `rejudge`: runs whose history changed. `beside`: epochs beside which alerts must be looked at.
//! - `alert`: alerts, accepted levels, what pairs said, annotations.
//! - `confirmation`: pairs measured on the night of a run, and what was asked for.
//! - `measured`: the rows of measurements; `packed`: what they hold beside the value; `listed`: which
//!   series a run has.
//! - `files`: samples, report, curves, histograms, artifacts; `samples`: the columns of raw samples.
//! - `rule`: rules per pattern.
//! - `sizes`, `status`: how much is stored, and what the status page asks.
//! - `github`: the outbox of what is said there.
//! - `access`: tokens, exclusion, audit.
//! - `maintain`: backup, restore, verification, pruning, retirement.
//! - `code`, `row`: how domain values are written into columns, and read back.
//!
//! # The schema
//! ```text
//!  environment --< run >-- run_key        (one number a run, given even before its report is here)
//!       |           |
//!       |           +--- run_series       by run:    where its measurements are
//!       |           +--< sample_blob, report_blob, curve, histogram, artifact   (zstd)
//!       |           |
//!       +--< series +--< measurement      by series: with the verdict; a trend is one range scan
//!
//!  run --- pair, --< run_commit
//!  alert --< alert_series, alert_event    level (accepted), pair_verdict, annotation
//!  rejudge (runs to judge again), beside   token      audit      github_outbox      rule_version
//! ```
//! # Invariants
//! 1. A run is there with all its measurements, verdicts, samples and files, or it is not there:
//!    one transaction.
//! 2. For every measurement there is exactly one verdict, written in that transaction and only
//!    replaced later; `run_series` names the run's measurements, and says the same of each.
//! 3. All writing goes through one connection, so writers queue here and not in the database.

mod access;
mod alert;
mod baseline;
mod beside;
mod carried;
mod code;
mod confirmation;
mod files;
mod github;
mod heads;
mod insert;
mod judgement;
mod listed;
mod maintain;
mod measured;
pub mod memo;
mod older;
mod open;
mod packed;
mod pair;
mod points;
mod rejudge;
mod row;
mod rule;
mod run;
mod samples;
mod series;
mod sizes;
mod status;
mod track;

use std::sync::Arc;

use dashmap::DashMap;
use sqlx::{Sqlite, SqlitePool, Transaction};

use crate::domain::{Environment, Series, SeriesId, SeriesKey};

pub use access::AuditEntry;
pub use alert::{Accepting, AlertFilter, AlertStep, ConfirmInputs, NewAnnotation};
pub use beside::BesideMark;
pub use carried::{Epoch, EpochVerdicts};
pub use confirmation::StoredConfirmation;
pub use github::{OutboxCounts, OutboxEntry, Tried};
pub use insert::{Inserted, Outcome, RunInputs, Verdicts};
pub use maintain::{Prunable, restore};
pub use memo::{Memo, Stamp};
pub use open::StoreOptions;
pub use pair::{MainRuns, PullHead};
pub use rejudge::Rejudge;
pub use run::RunFilter;
pub use series::{BenchmarkName, SeriesFilter};
pub use sizes::{MeasurementSizes, Sizes};
pub use status::{EnvironmentCounts, EpochSpan};

/// An open store. Clones share its connections.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    /// One connection.
    writer: SqlitePool,
    /// Read-only connections.
    readers: SqlitePool,
    main_branch: String,
    /// Series by what makes them themselves. Never more than what is stored, so a miss asks the
    /// database.
    series_by_key: DashMap<SeriesKey, SeriesId, ahash::RandomState>,
    series_by_id: DashMap<SeriesId, Arc<Series>, ahash::RandomState>,
    /// Held by who writes, from before his transaction until what is in memory says the same.
    writing: tokio::sync::Mutex<()>,
    tracks: track::Tracks,
    stamps: memo::Stamps,
    /// What runs say at every point of a trend.
    heads: heads::Heads,
    /// Rows of the runs that were looked at last, without the alerts that stand against them.
    rows: Memo<crate::domain::RunId, Arc<Vec<crate::domain::Judged>>>,
}

impl Store {
    /// The branch whose nightly runs form baselines.
    pub fn main_branch(&self) -> &str {
        &self.shared.main_branch
    }

    /// Answers whether the database can be read.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(self.readers()).await?;
        Ok(())
    }

    /// All machines, the one seen last first.
    pub async fn environments(&self) -> Result<Vec<Environment>, StoreError> {
        let rows: Vec<row::EnvironmentRow> = sqlx::query_as(
            "select *
             from environment
             order by last_seen desc, environment_id",
        )
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Begins a transaction that writes.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer().begin_with("begin immediate").await?)
    }

    /// The same, and whoever else does so waits for as long as the guard is held: until what is in
    /// memory says the same.
    async fn write(
        &self,
    ) -> Result<
        (
            tokio::sync::MutexGuard<'_, ()>,
            Transaction<'static, Sqlite>,
        ),
        StoreError,
    > {
        let writing = self.shared.writing.lock().await;
        Ok((writing, self.begin().await?))
    }

    fn writer(&self) -> &SqlitePool {
        &self.shared.writer
    }

    fn readers(&self) -> &SqlitePool {
        &self.shared.readers
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("main_branch", &self.shared.main_branch)
            .finish_non_exhaustive()
    }
}

/// What can go wrong in the store. None of it is the caller's doing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A stored value does not read back.
    #[error("{what} {id} is damaged: {why}")]
    Damaged {
        /// Such as `run`.
        what: &'static str,
        /// Its number.
        id: i64,
        /// What was found.
        why: String,
    },
    /// Packing a value or moving a file failed.
    #[error("reading or writing failed")]
    Io(#[from] std::io::Error),
}
