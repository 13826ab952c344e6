//! Runs that must be judged again.

use bench_verdict::verdict::RULE;
use sqlx::SqliteConnection;

use crate::domain::{EnvironmentId, Millis, RunId};

use super::baseline::BASELINE_DAYS;
use super::carried::Epoch;
use super::row::judged;
use super::{Store, StoreError, carried};

/// A run to be judged again, and the state of the history that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejudge {
    /// The run.
    pub run: RunId,
    pub(super) mark: i64,
}

impl Store {
    /// Asks for a run of each epoch that rules of another version have judged: then all of it is
    /// judged again. Returns of how many epochs.
    pub async fn ask_for_older_rules(&self) -> Result<u64, StoreError> {
        let (_writing, mut tx) = self.write().await?;
        let asked = sqlx::query(
            "insert into rejudge (run_id, mark)
             select max(run_id), 1
             from run
             where rule is null or rule <> $1
             group by environment_id, suite, suite_version
             on conflict (run_id) do update set mark = rejudge.mark + 1",
        )
        .bind(RULE)
        .execute(&mut *tx)
        .await?;
        // What is said is the same until it is judged.
        tx.commit().await?;
        Ok(asked.rows_affected())
    }

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

/// Something is said of a run: for the first time, or other than before.
pub(super) async fn judged(tx: &mut SqliteConnection, run: RunId) -> Result<(), StoreError> {
    sqlx::query(
        "update run
         set judged = case judged when $2 then $3 else $4 end
         where run_id = $1",
    )
    .bind(run.0)
    .bind(judged::NOT_YET)
    .bind(judged::ONCE)
    .bind(judged::AGAIN)
    .execute(tx)
    .await?;
    Ok(())
}

/// All runs of an epoch are judged by the rules of today.
pub(super) async fn judged_all(tx: &mut SqliteConnection, epoch: &Epoch) -> Result<(), StoreError> {
    sqlx::query(
        "update run
         set rule = $4,
             judged = case judged when $5 then $6 else judged end
         where environment_id = $1
           and suite = $2
           and suite_version = $3
           and (rule is null or rule <> $4 or judged = $5)",
    )
    .bind(epoch.environment.0)
    .bind(&epoch.suite)
    .bind(&epoch.suite_version)
    .bind(RULE)
    .bind(judged::NOT_YET)
    .bind(judged::ONCE)
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
