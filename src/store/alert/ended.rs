//! Alerts of epochs that have ended: nothing measures their series any more, unless a bridge does.

use crate::domain::bridge::{EpochEnd, LeftOpen};
use crate::domain::{EnvironmentId, Millis, Run, RunId, SeriesId};
use crate::store::baseline::forms_baseline;
use crate::store::carried::Epoch;
use crate::store::{Store, StoreError};

use super::read::{AlertRow, whole};
use super::{AlertStep, settle};

/// So many nights of other epochs end one that has gone before, too: machines of one name that take
/// turns end nothing.
const NIGHTS: usize = 3;

impl Store {
    /// How an epoch has ended: its machine's name is measured by an epoch that is new, or so many
    /// nights have gone to others. None while it goes on.
    pub async fn epoch_end(&self, epoch: &Epoch) -> Result<Option<EpochEnd>, StoreError> {
        self.epoch_end_by(epoch, Millis(i64::MAX)).await
    }

    /// The same as the nights up to a time show it.
    async fn epoch_end_by(
        &self,
        epoch: &Epoch,
        until: Millis,
    ) -> Result<Option<EpochEnd>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let by_then = Some((RunId(0), until));
        let newest = self.newest_night(&mut connection, epoch, by_then).await?;
        let Some((_, Millis(last))) = newest else {
            return Ok(None);
        };
        let machines: Vec<(i64,)> = sqlx::query_as(
            "select other.environment_id
             from environment own
             join environment other on other.name = own.name and other.is_sample = own.is_sample
             where own.environment_id = $1",
        )
        .bind(epoch.environment.0)
        .fetch_all(&mut *connection)
        .await?;
        let mut after: Vec<(i64, i64, String)> = Vec::new();
        for (machine,) in machines {
            // One machine at a time, so that the index gives them in order.
            let nights: Vec<(i64, i64, String)> = sqlx::query_as(concat!(
                "select started_at, environment_id, suite_version
                     from run
                     where environment_id = $1
                       and branch = $2
                       and started_at > $3
                       and started_at <= $6
                       and suite = $4
                       and ",
                forms_baseline!("run"),
                " order by started_at
                      limit $5",
            ))
            .bind(machine)
            .bind(self.main_branch())
            .bind(last)
            .bind(&epoch.suite)
            .bind(NIGHTS as i64)
            .bind(until.0)
            .fetch_all(&mut *connection)
            .await?;
            after.extend(nights);
        }
        let count = after.len();
        let Some((begun_at, environment, suite_version)) = after.into_iter().min() else {
            return Ok(None);
        };
        let next = Epoch {
            environment: EnvironmentId(environment),
            suite: epoch.suite.clone(),
            suite_version,
        };
        let before = Some((RunId(0), Millis(last)));
        let was_before = self
            .newest_night(&mut connection, &next, before)
            .await?
            .is_some();
        Ok((!was_before || count >= NIGHTS).then_some(EpochEnd {
            last_night: Millis(last),
            begun_at: Millis(begun_at),
            environment: next.environment,
            suite_version: next.suite_version,
        }))
    }

    /// The series in alerts of an epoch.
    pub async fn alerted_series(&self, epoch: &Epoch) -> Result<Vec<SeriesId>, StoreError> {
        let rows: Vec<(i64,)> = sqlx::query_as(
            "select distinct series_id
             from alert
             join alert_series using (alert_id)
             where environment_id = $1 and suite = $2 and suite_version = $3
             order by series_id",
        )
        .bind(epoch.environment.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .fetch_all(self.readers())
        .await?;
        Ok(rows.into_iter().map(|(id,)| SeriesId(id)).collect())
    }

    /// Writes what a step makes of the alerts of an epoch. False, and nothing is written, where the
    /// store has another version than the step was made from.
    pub async fn settle_alerts(
        &self,
        epoch: &Epoch,
        step: &AlertStep,
        version: u64,
    ) -> Result<bool, StoreError> {
        let _writing = self.shared.writing.lock().await;
        if self.generation() != version {
            return Ok(false);
        }
        // Most often there is nothing to write, and what pages remember stays.
        if self.alerts_of_step(epoch, step).await?.is_empty() {
            return Ok(true);
        }
        let mut tx = self.begin().await?;
        settle(self, &mut tx, epoch, step).await?;
        self.commit(tx).await?;
        Ok(true)
    }

    /// The alerts that were open when their epoch ended and that a run of the epoch after it cannot
    /// be measured against, for no bridge carries them on to it.
    pub async fn left_open(&self, run: &Run) -> Result<Vec<LeftOpen>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let rows: Vec<AlertRow> = sqlx::query_as(
            "select a.*
             from environment own
             join environment other on other.name = own.name and other.is_sample = own.is_sample
             join alert a on a.environment_id = other.environment_id
             where own.environment_id = $1
               and a.suite = $2
               and (a.environment_id <> $1 or a.suite_version <> $3)
               and a.opened_at <= $4
               and a.state not in ('accepted', 'dismissed')
               and a.alert_id in (
                   select alert_id
                   from alert_series
                   where ended_at is null or ended_at > $4
               )
             order by a.alert_id",
        )
        .bind(run.environment.0)
        .bind(&run.suite)
        .bind(&run.suite_version)
        .bind(run.started_at.0)
        .fetch_all(&mut *connection)
        .await?;
        let alerts = whole(&mut connection, rows).await?;
        drop(connection);
        let mut left = Vec::new();
        for alert in alerts {
            let open = |ended: Millis| ended > run.started_at;
            let mut open = alert
                .series
                .iter()
                .filter(|one| one.ended.is_none_or(|(at, _)| open(at)));
            let is_carried_on = open.all(|one| {
                one.bridged.as_ref().is_some_and(|bridged| {
                    bridged.environment == run.environment
                        && bridged.suite_version == run.suite_version
                })
            });
            if is_carried_on {
                continue;
            }
            let epoch = Epoch::from(&alert);
            let end = self.epoch_end_by(&epoch, run.started_at).await?;
            left.extend(end.map(|end| LeftOpen {
                alert: alert.id,
                last_night: end.last_night,
            }));
        }
        Ok(left)
    }
}
