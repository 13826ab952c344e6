//! What people and pairs add to the nights: accepted levels, and confirmations.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;

use crate::domain::alert::{AcceptedLevel, PairVerdict};
use crate::domain::{EnvironmentId, Judgement, Millis, Run, RunId, SeriesId};
use crate::store::access::audit;
use crate::store::carried::{self, Epoch};
use crate::store::insert::Verdicts;
use crate::store::{Store, StoreError, code, judgement, rejudge, run};

/// How levels are accepted.
#[derive(Debug, Clone, Copy)]
pub struct Accepting<'a> {
    /// From when on.
    pub at: Millis,
    /// Who accepts them.
    pub who: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The release, where one is accepted.
    pub tag: Option<&'a str>,
}

/// What a confirmation of a run's night is judged from.
#[derive(Debug, Clone)]
pub struct ConfirmInputs {
    /// The run.
    pub run: Run,
    /// What the judging of that night left; none where later nights came since, or it is missing.
    pub carried: Option<Vec<u8>>,
}

impl Store {
    /// Accepts the levels of series, and asks for all to be judged again that this changes.
    pub async fn accept_levels(
        &self,
        series: &[SeriesId],
        accepting: &Accepting<'_>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (_writing, mut tx) = self.write().await?;
        accept(self, &mut tx, series, accepting, now).await?;
        self.commit(tx).await?;
        Ok(())
    }

    /// The levels that were accepted of a series, in the order of time.
    pub async fn accepted_levels(
        &self,
        series: SeriesId,
    ) -> Result<Vec<AcceptedLevel>, StoreError> {
        let rows: Vec<(i64, String, String, Option<String>)> = sqlx::query_as(
            "select at, who, reason, tag
             from level
             where series_id = $1
             order by at, level_id",
        )
        .bind(series.0)
        .fetch_all(self.readers())
        .await?;
        let level = |(at, who, reason, tag)| AcceptedLevel {
            series,
            at: Millis(at),
            who,
            reason,
            tag,
        };
        Ok(rows.into_iter().map(level).collect())
    }

    /// Of every series of a machine, when its level was accepted, in the order of time.
    pub async fn accepted_times(
        &self,
        environment: EnvironmentId,
    ) -> Result<BTreeMap<SeriesId, Vec<Millis>>, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "select series_id, at
             from level
             join series using (series_id)
             where environment_id = $1
             order by at, level_id",
        )
        .bind(environment.0)
        .fetch_all(self.readers())
        .await?;
        Ok(by_series(rows))
    }

    /// Of every series of an epoch, the times of the nights whose pairs confirmed a worsening, in
    /// the order of time.
    pub async fn confirmed_times(
        &self,
        epoch: &Epoch,
    ) -> Result<BTreeMap<SeriesId, Vec<Millis>>, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "select series_id, started_at
             from pair_verdict
             join run using (run_id)
             where environment_id = $1 and suite = $2 and suite_version = $3 and is_confirmed = 1
             order by started_at, run_id",
        )
        .bind(epoch.environment.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .fetch_all(self.readers())
        .await?;
        Ok(by_series(rows))
    }

    /// What pairs said that were measured again on the night of a run.
    pub async fn pair_verdicts(&self, run: RunId) -> Result<Vec<PairVerdict>, StoreError> {
        let rows: Vec<(i64, bool, String, String)> = sqlx::query_as(
            "select series_id, is_worse, numbers_json, against_commit
             from pair_verdict
             where run_id = $1
             order by series_id",
        )
        .bind(run.0)
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(series, is_worse, numbers, against_commit)| {
                Ok(PairVerdict {
                    series: SeriesId(series),
                    confirmation: code::from_json(&numbers, "run", run.0)?,
                    is_worse,
                    against_commit,
                })
            })
            .collect()
    }
}

/// Keeps what pairs said of a run's night, with what `judge` makes of it. What `judge` cannot judge
/// by itself ([`Verdicts::again`]) is judged again from the whole history. Returns what is said of
/// the run now, to be remembered after the commit.
pub(in crate::store) async fn pairs_said(
    store: &Store,
    tx: &mut SqliteConnection,
    id: RunId,
    pairs: &[PairVerdict],
    now: Millis,
    judge: impl FnOnce(ConfirmInputs) -> Verdicts + Send,
) -> Result<(Millis, Vec<(SeriesId, Judgement)>), StoreError> {
    let run = run::by_id(&mut *tx, id).await?;
    let run = run.ok_or(sqlx::Error::RowNotFound)?;
    for pair in pairs {
        sqlx::query(
            "insert into pair_verdict
                 (run_id, series_id, is_confirmed, is_worse, numbers_json, against_commit,
                  received_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (run_id, series_id) do update set
                 is_confirmed = excluded.is_confirmed,
                 is_worse = excluded.is_worse,
                 numbers_json = excluded.numbers_json,
                 against_commit = excluded.against_commit,
                 received_at = excluded.received_at",
        )
        .bind(id.0)
        .bind(pair.series.0)
        .bind(pair.confirms())
        .bind(pair.is_worse)
        .bind(code::json(&pair.confirmation))
        .bind(&pair.against_commit)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    }
    let epoch = Epoch::from(&run);
    let carried = store.carried_through(tx, &epoch, id).await?;
    let time = run.started_at;
    let verdicts = judge(ConfirmInputs { run, carried });
    if !verdicts.judged.is_empty() {
        judgement::write(tx, id, &verdicts.judged).await?;
        rejudge::judged(tx, id).await?;
    }
    if let Some(bytes) = &verdicts.carried {
        carried::save(tx, &epoch, id, &code::pack(bytes)?).await?;
    }
    if let Some(step) = &verdicts.alerts {
        super::settle(store, tx, &epoch, step).await?;
    }
    if verdicts.again {
        carried::forget(tx, epoch.environment, time).await?;
        rejudge::ask_for(tx, id).await?;
    }
    Ok((time, verdicts.judged))
}

/// Accepts levels in a transaction.
pub(super) async fn accept(
    store: &Store,
    tx: &mut SqliteConnection,
    series: &[SeriesId],
    accepting: &Accepting<'_>,
    now: Millis,
) -> Result<(), StoreError> {
    let mut suites = BTreeSet::new();
    for id in series {
        sqlx::query(
            "insert into level (series_id, at, who, reason, tag, created_at)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.0)
        .bind(accepting.at.0)
        .bind(accepting.who)
        .bind(accepting.reason)
        .bind(accepting.tag)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        let subject = format!("series {id}");
        let what = (accepting.who, "level.accept");
        audit(tx, now, what, &subject, accepting.reason).await?;
    }
    for one in store.series_by_ids(tx, series).await? {
        suites.insert((one.key.environment, one.key.suite.clone()));
    }
    for (environment, suite) in suites {
        judge_again(store, tx, environment, &suite).await?;
    }
    Ok(())
}

/// Asks for all epochs of a suite on a machine to be judged from their whole histories.
async fn judge_again(
    store: &Store,
    tx: &mut SqliteConnection,
    environment: EnvironmentId,
    suite: &str,
) -> Result<(), StoreError> {
    let versions: Vec<(String,)> = sqlx::query_as(
        "select distinct suite_version
         from run
         where environment_id = $1 and suite = $2",
    )
    .bind(environment.0)
    .bind(suite)
    .fetch_all(&mut *tx)
    .await?;
    for (suite_version,) in versions {
        let epoch = Epoch {
            environment,
            suite: suite.to_owned(),
            suite_version,
        };
        if let Some((newest, _)) = store.newest_night(tx, &epoch, None).await? {
            rejudge::ask_for(tx, newest).await?;
        }
    }
    sqlx::query("delete from carried where environment_id = $1 and suite = $2")
        .bind(environment.0)
        .bind(suite)
        .execute(tx)
        .await?;
    Ok(())
}

fn by_series(rows: Vec<(i64, i64)>) -> BTreeMap<SeriesId, Vec<Millis>> {
    let mut out: BTreeMap<SeriesId, Vec<Millis>> = BTreeMap::new();
    for (series, at) in rows {
        out.entry(SeriesId(series)).or_default().push(Millis(at));
    }
    out
}
