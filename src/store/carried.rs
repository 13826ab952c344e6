//! What the judging of a machine carries from night to night.

use sqlx::SqliteConnection;

use crate::domain::confirmation::NewAsk;
use crate::domain::{Alert, EnvironmentId, Judgement, Millis, Point, Run, RunId, SeriesId};

use super::alert::{self, AlertStep};
use super::baseline::forms_baseline;
use super::judgement::write as write_judgements;
use super::memo::Touched;
use super::points::point;
use super::rejudge::{self, Rejudge};
use super::{Store, StoreError, beside, code};

/// The runs of one machine and suite version: series compare within it, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// The machine.
    pub environment: EnvironmentId,
    /// Suite name.
    pub suite: String,
    /// Suite version.
    pub suite_version: String,
}

impl From<&Run> for Epoch {
    fn from(run: &Run) -> Self {
        Self {
            environment: run.environment,
            suite: run.suite.clone(),
            suite_version: run.suite_version.clone(),
        }
    }
}

impl From<&Alert> for Epoch {
    fn from(alert: &Alert) -> Self {
        Self {
            environment: alert.environment,
            suite: alert.suite.clone(),
            suite_version: alert.suite_version.clone(),
        }
    }
}

/// What is said now of runs of an epoch.
#[derive(Debug, Clone, Default)]
pub struct EpochVerdicts {
    /// By run, only what is said otherwise than before.
    pub changes: Vec<(RunId, Vec<(SeriesId, Judgement)>)>,
    /// What the newest night's runner is asked for, as [`super::Verdicts::asks`] has it.
    pub asks: Option<(RunId, Vec<NewAsk>)>,
    /// What the next night is judged from, and the newest night in it.
    pub carried: Option<(RunId, Vec<u8>)>,
    /// What becomes of the alerts, from the whole history.
    pub alerts: Option<AlertStep>,
}

impl Store {
    /// All epochs.
    pub async fn epochs(&self) -> Result<Vec<Epoch>, StoreError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "select distinct environment_id, suite, suite_version
             from run
             order by environment_id, suite, suite_version",
        )
        .fetch_all(self.readers())
        .await?;
        Ok(rows.into_iter().map(epoch).collect())
    }

    /// An epoch with runs that must be judged again, and those runs, oldest first.
    pub async fn next_rejudge(&self) -> Result<Option<(Epoch, Vec<Rejudge>)>, StoreError> {
        let row: Option<(i64, String, String)> = sqlx::query_as(
            "select environment_id, suite, suite_version
             from rejudge
             join run using (run_id)
             order by run.started_at, run_id
             limit 1",
        )
        .fetch_optional(self.readers())
        .await?;
        let Some(epoch) = row.map(epoch) else {
            return Ok(None);
        };
        let runs: Vec<(i64, i64)> = sqlx::query_as(
            "select run_id, mark
             from rejudge
             join run using (run_id)
             where environment_id = $1 and suite = $2 and suite_version = $3
             order by run.started_at, run_id",
        )
        .bind(epoch.environment.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .fetch_all(self.readers())
        .await?;
        let runs = runs.into_iter().map(|(run, mark)| Rejudge {
            run: RunId(run),
            mark,
        });
        Ok(Some((epoch, runs.collect())))
    }

    /// A series' runs of one suite version, of any kind, in the order of time.
    pub async fn points_of_version(
        &self,
        series: SeriesId,
        suite_version: &str,
    ) -> Result<Vec<Point>, StoreError> {
        let track = self.track(series).await?;
        let runs: Vec<RunId> = track.iter().map(|entry| entry.run).collect();
        let heads = self.heads(&runs).await?;
        let mut points = Vec::with_capacity(track.len());
        for (entry, head) in track.iter().zip(heads) {
            if *head.of.suite_version == *suite_version {
                points.push(point(entry, &head));
            }
        }
        Ok(points)
    }

    /// Saves what is said now. The runs of `done` are done, unless the history changed again
    /// meanwhile; what is carried is kept only while its newest night is the epoch's.
    pub async fn finish_rejudge(
        &self,
        epoch: &Epoch,
        done: &[Rejudge],
        verdicts: &EpochVerdicts,
    ) -> Result<(), StoreError> {
        let carried = match &verdicts.carried {
            Some((run, bytes)) => Some((*run, code::pack(bytes)?)),
            None => None,
        };
        let (_writing, mut tx) = self.write().await?;
        let mut times = Vec::with_capacity(verdicts.changes.len());
        for (run, judged) in &verdicts.changes {
            times.push(write_judgements(&mut tx, *run, judged).await?);
            rejudge::judged(&mut tx, *run).await?;
        }
        rejudge::judged_all(&mut tx, epoch).await?;
        // The alerts of the epochs beside it are made from what is said now.
        beside::ask(&mut tx, epoch, None).await?;
        for rejudge in done {
            sqlx::query("delete from rejudge where run_id = $1 and mark = $2")
                .bind(rejudge.run.0)
                .bind(rejudge.mark)
                .execute(&mut *tx)
                .await?;
        }
        if let Some((run, asks)) = &verdicts.asks {
            super::confirmation::ask(&mut tx, *run, asks).await?;
        }
        let mut is_settled = false;
        let newest = self.newest_night(&mut tx, epoch, None).await?;
        let newest = newest.map(|(run, _)| run);
        if newest == carried.as_ref().map(|(run, _)| *run) {
            if let Some((run, data)) = &carried {
                save(&mut tx, epoch, *run, data).await?;
            }
            if let Some(step) = &verdicts.alerts
                && !is_asked(&mut tx, epoch).await?
            {
                is_settled = alert::settle(self, &mut tx, epoch, step).await?;
            }
        } else if let Some(newest) = newest {
            // A night came meanwhile: the alerts of a history without it would be wrong.
            rejudge::ask_for(&mut tx, newest).await?;
        }
        let of_changes = verdicts.changes.iter().map(|(run, _)| *run);
        let of_asks = verdicts.asks.iter().map(|(run, _)| *run);
        let runs: Vec<RunId> = of_changes.chain(of_asks).collect();
        let touched = if is_settled {
            Touched::All
        } else {
            Touched::Runs(&runs)
        };
        self.commit_touching(tx, touched).await?;
        for ((run, judged), time) in verdicts.changes.iter().zip(times) {
            self.remember_judgements(*run, time, judged);
        }
        Ok(())
    }

    /// What was carried up to a run that is not counted itself: empty where it is the first of its
    /// epoch; none where it is missing or not up to date.
    pub(super) async fn carried(
        &self,
        tx: &mut SqliteConnection,
        epoch: &Epoch,
        before: (RunId, Millis),
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((newest, _)) = self.newest_night(tx, epoch, Some(before)).await? else {
            return Ok(Some(Vec::new()));
        };
        let row: Option<(i64, Vec<u8>)> = sqlx::query_as(
            "select run_id, data
             from carried
             where environment_id = $1 and suite = $2 and suite_version = $3",
        )
        .bind(epoch.environment.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .fetch_optional(tx)
        .await?;
        match row {
            // What does not unpack is as good as missing: it is made again.
            Some((run, data)) if run == newest.0 => Ok(code::unpack(&data, "run", run).ok()),
            _ => Ok(None),
        }
    }

    /// What was carried up to and with a run; none where that is not the newest night, or it is
    /// missing.
    pub(super) async fn carried_through(
        &self,
        tx: &mut SqliteConnection,
        epoch: &Epoch,
        run: RunId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let newest = self.newest_night(tx, epoch, None).await?;
        if newest.is_none_or(|(newest, _)| newest != run) {
            return Ok(None);
        }
        let row: Option<(Vec<u8>,)> = sqlx::query_as(
            "select data
             from carried
             where environment_id = $1 and suite = $2 and suite_version = $3 and run_id = $4",
        )
        .bind(epoch.environment.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .bind(run.0)
        .fetch_optional(tx)
        .await?;
        Ok(row.and_then(|(data,)| code::unpack(&data, "run", run.0).ok()))
    }

    /// The newest run of an epoch that forms baselines, and its time; before a run, where one is given.
    pub(super) async fn newest_night(
        &self,
        tx: &mut SqliteConnection,
        epoch: &Epoch,
        before: Option<(RunId, Millis)>,
    ) -> Result<Option<(RunId, Millis)>, StoreError> {
        let (run, time) = before.unwrap_or((RunId(0), Millis(i64::MAX)));
        let row: Option<(i64, i64)> = sqlx::query_as(concat!(
            "select run_id, started_at
                 from run
                 where environment_id = $1
                   and branch = $2
                   and started_at <= $3
                   and run_id <> $4
                   and suite = $5
                   and suite_version = $6
                   and ",
            forms_baseline!("run"),
            " order by started_at desc, run_id desc
                  limit 1",
        ))
        .bind(epoch.environment.0)
        .bind(self.main_branch())
        .bind(time.0)
        .bind(run.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .fetch_optional(tx)
        .await?;
        Ok(row.map(|(id, at)| (RunId(id), Millis(at))))
    }
}

/// Keeps what was carried up to and with a run.
pub(super) async fn save(
    tx: &mut SqliteConnection,
    epoch: &Epoch,
    run: RunId,
    packed: &[u8],
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into carried (environment_id, suite, suite_version, run_id, data)
         values ($1, $2, $3, $4, $5)
         on conflict (environment_id, suite, suite_version) do update set
             run_id = excluded.run_id,
             data = excluded.data",
    )
    .bind(epoch.environment.0)
    .bind(&epoch.suite)
    .bind(&epoch.suite_version)
    .bind(run.0)
    .bind(packed)
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether a run of an epoch waits to be judged again.
async fn is_asked(tx: &mut SqliteConnection, epoch: &Epoch) -> Result<bool, StoreError> {
    let (asked,): (bool,) = sqlx::query_as(
        "select exists (
             select 1
             from rejudge
             join run using (run_id)
             where environment_id = $1 and suite = $2 and suite_version = $3
         )",
    )
    .bind(epoch.environment.0)
    .bind(&epoch.suite)
    .bind(&epoch.suite_version)
    .fetch_one(tx)
    .await?;
    Ok(asked)
}

/// Forgets what holds a night of that time or later: the history under it changed.
pub(super) async fn forget(
    tx: &mut SqliteConnection,
    environment: EnvironmentId,
    changed_at: Millis,
) -> Result<(), StoreError> {
    sqlx::query(
        "delete from carried
         where environment_id = $1
           and run_id in (select run_id from run where environment_id = $1 and started_at >= $2)",
    )
    .bind(environment.0)
    .bind(changed_at.0)
    .execute(tx)
    .await?;
    Ok(())
}

fn epoch((environment, suite, suite_version): (i64, String, String)) -> Epoch {
    Epoch {
        environment: EnvironmentId(environment),
        suite,
        suite_version,
    }
}
