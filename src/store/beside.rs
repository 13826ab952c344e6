//! Epochs beside which alerts must be looked at again: what a night or a bridge does to alerts of
//! the epochs before it is worked out after it is stored, and must not be forgotten in between.

use sqlx::SqliteConnection;

use super::carried::Epoch;
use super::{Store, StoreError};
use crate::domain::{EnvironmentId, Millis};

/// How alerts wait to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BesideMark {
    mark: i64,
    /// Nights since this time are new, and nothing else; none: a bridging run or verdicts, too.
    pub night: Option<Millis>,
}

/// The epochs of an epoch's suite with alerts that it can carry on or end; see
/// [`Store::alerted_beside`].
const ALERTED: &str = "select distinct a.environment_id, a.suite_version
     from environment own
     join environment other on other.name = own.name and other.is_sample = own.is_sample
     join alert a on a.environment_id = other.environment_id
     join alert_series s using (alert_id)
     where own.environment_id = $1
       and a.suite = $2
       and (a.environment_id <> $1 or a.suite_version <> $3)
       and (s.ended_at is null or $4 is null and s.bridge_json is not null)
       -- What a person closed, nights after that change no more.
       and ($4 is null or a.state in ('open', 'acknowledged') or a.changed_at >= $4)
     order by a.environment_id, a.suite_version";

impl Store {
    /// The other epochs of an epoch's suite, on machines of its machine's name, with alerts that a
    /// night of this time can still carry on or end; without a time, that a bridge can.
    pub async fn alerted_beside(
        &self,
        epoch: &Epoch,
        night: Option<Millis>,
    ) -> Result<Vec<Epoch>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        alerted(&mut connection, epoch, night).await
    }

    /// How the alerts beside an epoch wait to be looked at again; none where they do not.
    pub async fn beside_mark(&self, epoch: &Epoch) -> Result<Option<BesideMark>, StoreError> {
        let row: Option<(i64, Option<i64>)> = sqlx::query_as(
            "select mark, night
             from beside
             where environment_id = $1 and suite = $2 and suite_version = $3",
        )
        .bind(epoch.environment.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .fetch_optional(self.readers())
        .await?;
        Ok(row.map(|(mark, night)| BesideMark {
            mark,
            night: night.map(Millis),
        }))
    }

    /// The epochs beside which alerts wait to be looked at again.
    pub async fn beside_waiting(&self) -> Result<Vec<Epoch>, StoreError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "select environment_id, suite, suite_version
             from beside
             order by environment_id, suite, suite_version",
        )
        .fetch_all(self.readers())
        .await?;
        let epoch = |(environment, suite, suite_version)| Epoch {
            environment: EnvironmentId(environment),
            suite,
            suite_version,
        };
        Ok(rows.into_iter().map(epoch).collect())
    }

    /// The alerts beside an epoch were looked at; they wait on where something new came since that
    /// mark was read.
    pub async fn beside_done(&self, epoch: &Epoch, mark: BesideMark) -> Result<(), StoreError> {
        let (_writing, mut tx) = self.write().await?;
        sqlx::query(
            "delete from beside
             where environment_id = $1 and suite = $2 and suite_version = $3 and mark = $4",
        )
        .bind(epoch.environment.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .bind(mark.mark)
        .execute(&mut *tx)
        .await?;
        // Nothing that anybody reads has changed.
        tx.commit().await?;
        Ok(())
    }
}

/// Lets the alerts beside an epoch wait, where there are any that a night of this time, or without a
/// time a bridge, may change.
pub(super) async fn ask(
    tx: &mut SqliteConnection,
    epoch: &Epoch,
    night: Option<Millis>,
) -> Result<(), StoreError> {
    if alerted(tx, epoch, night).await?.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into beside (environment_id, suite, suite_version, mark, night)
         values ($1, $2, $3, 1, $4)
         on conflict (environment_id, suite, suite_version) do update set
             mark = beside.mark + 1,
             night = case
                 when beside.night is null or excluded.night is null then null
                 when excluded.night < beside.night then excluded.night
                 else beside.night
             end",
    )
    .bind(epoch.environment.0)
    .bind(&epoch.suite)
    .bind(&epoch.suite_version)
    .bind(night.map(|at| at.0))
    .execute(tx)
    .await?;
    Ok(())
}

async fn alerted(
    db: &mut SqliteConnection,
    epoch: &Epoch,
    night: Option<Millis>,
) -> Result<Vec<Epoch>, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as(ALERTED)
        .bind(epoch.environment.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .bind(night.map(|at| at.0))
        .fetch_all(db)
        .await?;
    let epoch = |(environment, suite_version)| Epoch {
        environment: EnvironmentId(environment),
        suite: epoch.suite.clone(),
        suite_version,
    };
    Ok(rows.into_iter().map(epoch).collect())
}
