//! Pairs measured on the night of a run, and what the runner was asked for.

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::domain::alert::PairVerdict;
use crate::domain::confirmation::{
    Ask, CanaryTurn, JudgedPairs, NewAsk, NewConfirmation, Paired, Proofs, Purpose,
};
use crate::domain::{EnvironmentId, Millis, RunId, SeriesId};

use super::alert::{ConfirmInputs, pairs_said};
use super::baseline::forms_baseline;
use super::carried::Epoch;
use super::insert::{Outcome, Verdicts};
use super::{Store, StoreError, code};

/// A stored pair as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConfirmation {
    /// Its number.
    pub id: i64,
    /// When it came.
    pub received_at: Millis,
    /// `{"base": report, "head": report}`.
    pub body: Vec<u8>,
}

const WHAT: &str = "confirmation";

const PAIRED: &str = "select c.confirmation_id, c.run_id, c.purpose, c.planted, c.base_commit,
            s.series_id, s.numbers_json
     from confirmation c
     join confirmation_series s using (confirmation_id)";

impl Store {
    /// The stored pair with this key, and whether it has this body.
    pub async fn confirmation(
        &self,
        pair_key: &str,
        sha256: &[u8; 32],
    ) -> Result<Option<Outcome>, StoreError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("select sha256 from confirmation where pair_key = $1")
                .bind(pair_key)
                .fetch_optional(self.readers())
                .await?;
        Ok(row.map(|(own,)| same(&own, sha256)))
    }

    /// Stores a pair of a run with what its pairs say and, where they are to confirm something, with
    /// what `judge` makes of it, in one transaction.
    pub async fn insert_confirmation(
        &self,
        run: RunId,
        new: &NewConfirmation,
        (judged, said): (&[JudgedPairs], &[PairVerdict]),
        now: Millis,
        judge: impl FnOnce(ConfirmInputs) -> Verdicts + Send,
    ) -> Result<Outcome, StoreError> {
        let data = code::pack(&new.body)?;
        let (_writing, mut tx) = self.write().await?;
        let there: Option<(Vec<u8>,)> =
            sqlx::query_as("select sha256 from confirmation where pair_key = $1")
                .bind(&new.pair_key)
                .fetch_optional(&mut *tx)
                .await?;
        if let Some((own,)) = there {
            return Ok(same(&own, &new.sha256));
        }
        let (id,): (i64,) = sqlx::query_as(
            "insert into confirmation
                 (run_id, pair_key, purpose, planted, base_commit, sha256, received_at, data)
             values ($1, $2, $3, $4, $5, $6, $7, $8)
             returning confirmation_id",
        )
        .bind(run.0)
        .bind(&new.pair_key)
        .bind(code::word(&new.purpose))
        .bind(&new.planted)
        .bind(&new.base_commit)
        .bind(new.sha256.as_slice())
        .bind(now.0)
        .bind(data)
        .fetch_one(&mut *tx)
        .await?;
        write(&mut tx, id, judged).await?;
        let confirmed = match new.purpose {
            Purpose::Confirm => Some(pairs_said(self, &mut tx, run, said, now, judge).await?),
            _ => None,
        };
        self.commit(tx).await?;
        if let Some((time, judged)) = confirmed {
            self.remember_judgements(run, time, &judged);
        }
        Ok(Outcome::New)
    }

    /// Replaces what the pairs of a stored confirmation say.
    pub async fn save_confirmation(
        &self,
        id: i64,
        judged: &[JudgedPairs],
    ) -> Result<(), StoreError> {
        let (_writing, mut tx) = self.write().await?;
        write(&mut tx, id, judged).await?;
        self.commit(tx).await?;
        Ok(())
    }

    /// The pairs of a run as they came, oldest first.
    pub async fn confirmations(&self, run: RunId) -> Result<Vec<StoredConfirmation>, StoreError> {
        let rows: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
            "select confirmation_id, received_at, data
             from confirmation
             where run_id = $1
             order by confirmation_id",
        )
        .bind(run.0)
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(id, received_at, data)| {
                Ok(StoredConfirmation {
                    id,
                    received_at: Millis(received_at),
                    body: code::unpack(&data, WHAT, id)?,
                })
            })
            .collect()
    }

    /// What was asked of a run's runner, and what its pairs say.
    pub async fn proofs(&self, run: RunId) -> Result<Proofs, StoreError> {
        let rows = sqlx::query(
            "select a.series_id, a.against_run, r.commit_hash, a.why
             from ask a
             join run r on r.run_id = a.against_run
             where a.run_id = $1
             order by a.series_id",
        )
        .bind(run.0)
        .fetch_all(self.readers())
        .await?;
        let ask = |row: &sqlx::sqlite::SqliteRow| -> Result<Ask, StoreError> {
            Ok(Ask {
                series: SeriesId(row.try_get("series_id")?),
                against_run: RunId(row.try_get("against_run")?),
                against_commit: row.try_get("commit_hash")?,
                why: row.try_get("why")?,
            })
        };
        let asks = rows.iter().map(ask).collect::<Result<_, _>>()?;
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(PAIRED);
        query.push(" where c.run_id = ").push_bind(run.0);
        query.push(" order by c.confirmation_id, s.series_id");
        let rows = query.build().fetch_all(self.readers()).await?;
        let paired = rows.iter().map(|row| Ok(paired(row)?.1));
        Ok(Proofs {
            asks,
            paired: paired.collect::<Result<_, StoreError>>()?,
        })
    }

    /// What pairs meant to confirm say of the runs of a machine and suite version, oldest first: of
    /// these series, or of all, where none are named.
    pub async fn confirmations_of(
        &self,
        epoch: &Epoch,
        series: &[SeriesId],
    ) -> Result<Vec<(RunId, Paired)>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(PAIRED);
        query.push(" join run r using (run_id) where r.environment_id = ");
        query.push_bind(epoch.environment.0);
        query.push(" and r.suite = ").push_bind(&epoch.suite);
        query
            .push(" and r.suite_version = ")
            .push_bind(&epoch.suite_version);
        if !series.is_empty() {
            query.push(" and s.series_id in (");
            let mut list = query.separated(", ");
            for id in series {
                list.push_bind(id.0);
            }
            query.push(")");
        }
        query.push(" and c.purpose = 'confirm' order by c.confirmation_id, s.series_id");
        let rows = query.build().fetch_all(self.readers()).await?;
        rows.iter().map(paired).collect()
    }

    /// `ln(head / base)` of the identical pairs of a series that came before a confirmation, the
    /// newest first; before none, all of them.
    pub async fn identical_ratios(
        &self,
        series: SeriesId,
        before: Option<i64>,
    ) -> Result<Vec<f64>, StoreError> {
        /// So many pairs say what noise does; older ones are of another time.
        const MOST: usize = 120;
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "select c.confirmation_id, s.ratios_json
             from confirmation_series s
             join confirmation c using (confirmation_id)
             where s.series_id = $1 and c.purpose = 'aa' and c.confirmation_id < $2
             order by c.confirmation_id desc
             limit 40",
        )
        .bind(series.0)
        .bind(before.unwrap_or(i64::MAX))
        .fetch_all(self.readers())
        .await?;
        let mut ratios = Vec::new();
        for (id, text) in rows {
            let own: Vec<f64> = code::from_json(&text, WHAT, id)?;
            ratios.extend(own);
        }
        ratios.truncate(MOST);
        Ok(ratios)
    }

    /// The canaries of the last runs of a machine that had any, oldest first.
    pub async fn canary_turns(
        &self,
        environment: EnvironmentId,
        most_runs: u32,
    ) -> Result<Vec<CanaryTurn>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "select c.confirmation_id, c.run_id, c.purpose, c.planted, c.base_commit,
                    s.series_id, s.numbers_json, r.started_at
             from confirmation c
             join confirmation_series s using (confirmation_id)
             join run r using (run_id)
             where c.purpose in ('canary', 'aa')
               and c.run_id in (
                 select distinct c2.run_id
                 from confirmation c2
                 join run r2 using (run_id)
                 where r2.environment_id = ",
        );
        query.push_bind(environment.0);
        query.push(" and c2.purpose = 'canary' order by r2.started_at desc limit ");
        query.push_bind(i64::from(most_runs));
        query.push(") order by r.started_at, c.run_id, c.confirmation_id, s.series_id");
        let rows = query.build().fetch_all(self.readers()).await?;
        rows.iter()
            .map(|row| {
                let (run, paired) = paired(row)?;
                let at = Millis(row.try_get("started_at")?);
                Ok(CanaryTurn { run, at, paired })
            })
            .collect()
    }
}

fn same(own: &[u8], sha256: &[u8; 32]) -> Outcome {
    if own == sha256 {
        Outcome::Same
    } else {
        Outcome::Conflict
    }
}

fn paired(row: &sqlx::sqlite::SqliteRow) -> Result<(RunId, Paired), StoreError> {
    let id: i64 = row.try_get("confirmation_id")?;
    let purpose: Purpose = code::from_word(row.try_get("purpose")?, WHAT, id)?;
    let paired = Paired {
        confirmation: id,
        purpose,
        planted: row.try_get("planted")?,
        base_commit: row.try_get("base_commit")?,
        series: SeriesId(row.try_get("series_id")?),
        numbers: code::from_json(row.try_get("numbers_json")?, WHAT, id)?,
    };
    Ok((RunId(row.try_get("run_id")?), paired))
}

async fn write(
    tx: &mut SqliteConnection,
    id: i64,
    judged: &[JudgedPairs],
) -> Result<(), StoreError> {
    for pairs in judged {
        sqlx::query(
            "insert into confirmation_series (confirmation_id, series_id, numbers_json, ratios_json)
             values ($1, $2, $3, $4)
             on conflict (confirmation_id, series_id) do update set
                 numbers_json = excluded.numbers_json,
                 ratios_json = excluded.ratios_json",
        )
        .bind(id)
        .bind(pairs.series.0)
        .bind(code::json(&pairs.numbers))
        .bind(code::json(&pairs.log_ratios))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Keeps what is asked of the runner of a run: by series, the time of the good run and why. A run of
/// that time which is no longer there asks for nothing.
pub(super) async fn ask(
    tx: &mut SqliteConnection,
    run: RunId,
    asks: &[NewAsk],
) -> Result<(), StoreError> {
    for (series, against, why) in asks {
        sqlx::query(concat!(
            "insert into ask (run_id, series_id, against_run, why)
                 select $1, $2, m.run_id, $4
                 from run
                 join measurement m on m.run_id = run.run_id and m.series_id = $2
                 where run.started_at = $3
                   and ",
            forms_baseline!("run"),
            " order by m.run_id desc
                  limit 1
                  on conflict (run_id, series_id) do update set
                      against_run = excluded.against_run,
                      why = excluded.why",
        ))
        .bind(run.0)
        .bind(series.0)
        .bind(against.0)
        .bind(why)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
