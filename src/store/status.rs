//! What the status page asks: sizes by table, versions, what was recorded, and machines in numbers.

use crate::domain::{EnvironmentId, Millis, Run, RunId, SeriesId};

use super::row::{RUN_COLUMNS, RunRow};
use super::{AuditEntry, Store, StoreError, access, code};

/// How much a machine has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnvironmentCounts {
    /// Runs.
    pub runs: u64,
    /// Series.
    pub series: u64,
}

/// The runs of one machine and suite version, as a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochSpan {
    /// The machine.
    pub environment: EnvironmentId,
    /// Suite name.
    pub suite: String,
    /// Suite version.
    pub suite_version: String,
    /// Its first run's time.
    pub first: Millis,
    /// Its last run's time.
    pub last: Millis,
    /// Its runs.
    pub runs: u64,
}

impl Store {
    /// Bytes of each table with its indexes, the largest first. Reads every page of the file.
    pub async fn table_sizes(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select coalesce(m.tbl_name, s.name), sum(s.pgsize)
             from dbstat s
             left join sqlite_master m on m.name = s.name
             where s.aggregate = true
             group by 1
             order by 2 desc",
        )
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .into_iter()
            .map(|(name, bytes)| (name, u64::try_from(bytes).unwrap_or(0)))
            .collect())
    }

    /// The newest migration, and the version of the database's engine.
    pub async fn versions(&self) -> Result<(i64, String), StoreError> {
        Ok(sqlx::query_as(
            "select (select coalesce(max(version), 0) from _sqlx_migrations), sqlite_version()",
        )
        .fetch_one(self.readers())
        .await?)
    }

    /// Records that a command did something to or with the store.
    pub async fn record(
        &self,
        action: &str,
        subject: &str,
        detail: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        access::audit(&mut tx, now, ("command line", action), subject, detail).await?;
        self.commit(tx).await?;
        Ok(())
    }

    /// What was recorded last of an action.
    pub async fn last_record(&self, action: &str) -> Result<Option<AuditEntry>, StoreError> {
        Ok(sqlx::query_as(
            "select at, who, action, subject, detail
             from audit
             where action = $1
             order by audit_id desc
             limit 1",
        )
        .bind(action)
        .fetch_optional(self.readers())
        .await?)
    }

    /// The runs that arrived last, the newest first.
    pub async fn uploads_lately(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        // Numbers are given in the order of arrival.
        let sql = format!("{RUN_COLUMNS} order by run.run_id desc limit $1");
        let rows: Vec<RunRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// How many runs and series each machine has.
    pub async fn environment_counts(
        &self,
    ) -> Result<Vec<(EnvironmentId, EnvironmentCounts)>, StoreError> {
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
            "select environment_id,
                    (select count(*) from run where run.environment_id = e.environment_id),
                    (select count(*) from series where series.environment_id = e.environment_id)
             from environment e",
        )
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, runs, series)| {
                let counts = EnvironmentCounts {
                    runs: u64::try_from(runs).unwrap_or(0),
                    series: u64::try_from(series).unwrap_or(0),
                };
                (EnvironmentId(id), counts)
            })
            .collect())
    }

    /// The epochs of all machines of one name, in the order of time: a machine that was replaced or
    /// set up anew keeps its name.
    pub async fn epochs_of_name(&self, name: &str) -> Result<Vec<EpochSpan>, StoreError> {
        let rows: Vec<(i64, String, String, i64, i64, i64)> = sqlx::query_as(
            "select environment_id, suite, suite_version,
                    min(started_at), max(started_at), count(*)
             from run
             where environment_id in (select environment_id from environment where name = $1)
             group by environment_id, suite, suite_version
             order by min(started_at)",
        )
        .bind(name)
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .into_iter()
            .map(
                |(environment, suite, suite_version, first, last, runs)| EpochSpan {
                    environment: EnvironmentId(environment),
                    suite,
                    suite_version,
                    first: Millis(first),
                    last: Millis(last),
                    runs: u64::try_from(runs).unwrap_or(0),
                },
            )
            .collect())
    }

    /// The newest pairs of identical programs of a machine, base and head, the oldest first.
    pub async fn identical_pairs(
        &self,
        environment: EnvironmentId,
        limit: u32,
    ) -> Result<Vec<(RunId, RunId)>, StoreError> {
        let mut rows: Vec<(i64, i64)> = sqlx::query_as(
            "select base.run_id, head.run_id
             from pair head
             join run on run.run_id = head.run_id
             join pair base on base.pair_key = head.pair_key and base.side = 'base'
             where run.environment_id = $1
               and head.side = 'head'
               and head.purpose = 'aa'
             order by run.started_at desc, head.run_id desc
             limit $2",
        )
        .bind(environment.0)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.reverse();
        Ok(rows
            .into_iter()
            .map(|(base, head)| (RunId(base), RunId(head)))
            .collect())
    }

    /// The identical pairs that were measured beside the runs of a machine, by run and series:
    /// `ln(head / base)` of each of their rounds; of the newest, the oldest first.
    pub async fn identical_rounds(
        &self,
        environment: EnvironmentId,
        limit: u32,
    ) -> Result<Vec<(RunId, Millis, SeriesId, Vec<f64>)>, StoreError> {
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(
            "select c.run_id, r.started_at, s.series_id, s.ratios_json
             from confirmation c
             join confirmation_series s using (confirmation_id)
             join run r using (run_id)
             where c.purpose = 'aa' and r.environment_id = $1
             order by r.started_at desc, c.confirmation_id desc
             limit $2",
        )
        .bind(environment.0)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .rev()
            .map(|(run, time, series, ratios)| {
                let ratios = code::from_json(&ratios, "the identical pairs of run", run)?;
                Ok((RunId(run), Millis(time), SeriesId(series), ratios))
            })
            .collect()
    }
}
