//! Runs that must be judged again.

use sqlx::SqliteConnection;

use crate::domain::{EnvironmentId, Judgement, Millis, RunId, SeriesId};

use super::baseline::BASELINE_DAYS;
use super::judgement::write;
use super::{Store, StoreError};

/// A run to be judged again, and the state of the history that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejudge {
    /// The run.
    pub run: RunId,
    mark: i64,
}

impl Store {
    /// The oldest run that must be judged again.
    pub async fn next_rejudge(&self) -> Result<Option<Rejudge>, StoreError> {
        let row: Option<(i64, i64)> = sqlx::query_as(
            "select run_id, mark
             from rejudge
             join run using (run_id)
             order by run.started_at, run_id
             limit 1",
        )
        .fetch_optional(self.readers())
        .await?;
        Ok(row.map(|(run, mark)| Rejudge {
            run: RunId(run),
            mark,
        }))
    }

    /// How many runs wait to be judged again.
    pub async fn rejudge_count(&self) -> Result<u64, StoreError> {
        let (count,): (i64,) = sqlx::query_as("select count(*) from rejudge")
            .fetch_one(self.readers())
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Saves what is said now; the run is done unless the history changed again meanwhile.
    pub async fn finish_rejudge(
        &self,
        done: Rejudge,
        judged: &[(SeriesId, Judgement)],
    ) -> Result<(), StoreError> {
        let _writing = self.shared.writing.lock().await;
        let mut tx = self.writer().begin_with("begin immediate").await?;
        let time = write(&mut tx, done.run, judged).await?;
        sqlx::query("delete from rejudge where run_id = $1 and mark = $2")
            .bind(done.run.0)
            .bind(done.mark)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.remember_judgements(done.run, time, judged);
        Ok(())
    }
}

/// Asks for the runs whose baselines reach back to a run of that time and machine.
pub(super) async fn ask(
    tx: &mut SqliteConnection,
    environment: EnvironmentId,
    changed_at: Millis,
) -> Result<(), StoreError> {
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
