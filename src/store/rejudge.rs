//! Runs that must be judged again.

use sqlx::SqliteConnection;

use crate::domain::{EnvironmentId, Millis, RunId};

use super::baseline::BASELINE_DAYS;
use super::{Store, StoreError, carried};

/// A run to be judged again, and the state of the history that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejudge {
    /// The run.
    pub run: RunId,
    pub(super) mark: i64,
}

impl Store {
    /// How many runs wait to be judged again.
    pub async fn rejudge_count(&self) -> Result<u64, StoreError> {
        let (count,): (i64,) = sqlx::query_as("select count(*) from rejudge")
            .fetch_one(self.readers())
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// Asks for the runs whose baselines reach back to a run of that time and machine, and forgets what
/// was carried over it.
pub(super) async fn ask(
    tx: &mut SqliteConnection,
    environment: EnvironmentId,
    changed_at: Millis,
) -> Result<(), StoreError> {
    carried::forget(tx, environment, changed_at).await?;
    sqlx::query(
        "insert into rejudge (run_id, mark)
         select run_id, 1
         from run
         where environment_id = $1
           and started_at > $2
           and started_at <= $3
         on conflict (run_id) do update set mark = rejudge.mark + 1",
    )
    .bind(environment.0)
    .bind(changed_at.0)
    .bind(changed_at.minus_days(-BASELINE_DAYS).0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Asks for one run.
pub(super) async fn ask_for(tx: &mut SqliteConnection, run: RunId) -> Result<(), StoreError> {
    sqlx::query(
        "insert into rejudge (run_id, mark)
         values ($1, 1)
         on conflict (run_id) do update set mark = rejudge.mark + 1",
    )
    .bind(run.0)
    .execute(tx)
    .await?;
    Ok(())
}
