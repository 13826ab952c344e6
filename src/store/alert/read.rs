//! Alerts as they are asked for.

use std::collections::HashMap;

use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};

use crate::domain::alert::{Alert, AlertEvent, AlertInputs, AlertSeries, AlertState, Night};
use crate::domain::{AlertId, EnvironmentId, Millis, RunId, SeriesId};
use crate::store::baseline::{BASELINE_DAYS, forms_baseline, is_night};
use crate::store::carried::Epoch;
use crate::store::{Store, StoreError, code};

use super::AlertStep;

/// Alerts a statement, far below the limit of bound values.
const ALERTS: usize = 500;

/// Which alerts; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Only these states.
    pub states: Vec<AlertState>,
    /// Only this machine.
    pub environment: Option<EnvironmentId>,
    /// Only those that a series is in.
    pub series: Option<SeriesId>,
}

#[derive(FromRow)]
pub(super) struct AlertRow {
    alert_id: i64,
    fingerprint: String,
    environment_id: i64,
    suite: String,
    suite_version: String,
    state: String,
    owner: Option<String>,
    version: i64,
    opened_at: i64,
    changed_at: i64,
    first_bad_json: String,
    last_good_json: Option<String>,
}

#[derive(FromRow)]
struct SeriesRow {
    alert_id: i64,
    series_id: i64,
    since_json: String,
    last_good_json: Option<String>,
    confirmed_at: i64,
    confirmed_by: String,
    frozen_baseline: f64,
    back_at: f64,
    change: Option<f64>,
    numbers_json: Option<String>,
    ended_at: Option<i64>,
    ended_how: Option<String>,
    bridge_json: Option<String>,
}

#[derive(FromRow)]
struct EventRow {
    alert_id: i64,
    at: i64,
    who: Option<String>,
    what: String,
    series_id: Option<i64>,
    text: Option<String>,
}

impl Store {
    /// Alerts, those opened last first.
    pub async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<Alert>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("select * from alert where true");
        if !filter.states.is_empty() {
            query.push(" and state in (");
            let mut list = query.separated(", ");
            for state in &filter.states {
                list.push_bind(state.name());
            }
            query.push(")");
        }
        if let Some(environment) = filter.environment {
            query.push(" and environment_id = ");
            query.push_bind(environment.0);
        }
        if let Some(series) = filter.series {
            query.push(" and alert_id in (select alert_id from alert_series where series_id = ");
            query.push_bind(series.0);
            query.push(")");
        }
        query.push(" order by opened_at desc, alert_id desc");
        let mut connection = self.readers().acquire().await?;
        let rows: Vec<AlertRow> = query.build_query_as().fetch_all(&mut *connection).await?;
        whole(&mut connection, rows).await
    }

    /// One alert.
    pub async fn alert(&self, id: AlertId) -> Result<Option<Alert>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        one(&mut connection, id).await
    }

    /// The alerts of a machine, or carried on to it, that stood at that time against runs of a suite,
    /// or may have: those that began by then and were not over.
    pub async fn alerts_at(
        &self,
        environment: EnvironmentId,
        suite: &str,
        at: Millis,
    ) -> Result<Vec<Alert>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let rows: Vec<AlertRow> = sqlx::query_as(
            "select *
             from alert
             where suite = $2
               and opened_at <= $3
               and (environment_id = $1
                    or alert_id in (
                        select alert_id
                        from alert_series
                        where bridge_environment_id = $1
                    ))
               and alert_id in (
                   select alert_id
                   from alert_series
                   where ended_at is null
                      or ended_at > $3
                      -- The baseline may still show what was accepted.
                      or ended_how = 'accepted' and since_at > $4
               )
             order by alert_id",
        )
        .bind(environment.0)
        .bind(suite)
        .bind(at.0)
        .bind(at.minus_days(BASELINE_DAYS).0)
        .fetch_all(&mut *connection)
        .await?;
        whole(&mut connection, rows).await
    }

    /// How many alerts are in each state.
    pub async fn alert_counts(&self) -> Result<HashMap<AlertState, u32>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("select state, count(*) from alert group by state")
                .fetch_all(self.readers())
                .await?;
        rows.into_iter()
            .map(|(state, count)| {
                let state = code::from_word(&state, "alert", 0)?;
                Ok((state, u32::try_from(count).unwrap_or(u32::MAX)))
            })
            .collect()
    }

    /// The alerts that a step would change, as they would be.
    pub async fn alerts_of_step(
        &self,
        epoch: &Epoch,
        step: &AlertStep,
    ) -> Result<Vec<Alert>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let inputs = self.alert_inputs(&mut connection, epoch, step).await?;
        Ok((step.settle)(inputs, &step.news))
    }

    /// All that alerts are made of.
    pub(super) async fn alert_inputs(
        &self,
        tx: &mut SqliteConnection,
        epoch: &Epoch,
        step: &AlertStep,
    ) -> Result<AlertInputs, StoreError> {
        let (fingerprint,): (String,) =
            sqlx::query_as("select fingerprint from environment where environment_id = $1")
                .bind(epoch.environment.0)
                .fetch_one(&mut *tx)
                .await?;
        let rows: Vec<AlertRow> = sqlx::query_as(
            "select *
             from alert
             where environment_id = $1 and suite = $2 and suite_version = $3
             order by alert_id",
        )
        .bind(epoch.environment.0)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .fetch_all(&mut *tx)
        .await?;
        let alerts = whole(tx, rows).await?;
        let times = step.news.iter().flat_map(|one| {
            let regression = &one.news.regression;
            [Some(regression.since_ms), regression.last_good_ms]
        });
        let (from, to) = times
            .flatten()
            .fold((i64::MAX, i64::MIN), |(from, to), at| {
                (from.min(at), to.max(at))
            });
        let nights: Vec<(i64, i64, String)> = sqlx::query_as(concat!(
            "select run_id, started_at, commit_hash
                 from run
                 where environment_id = $1
                   and branch = $2
                   and started_at between $3 and $4
                   and suite = $5
                   and suite_version = $6
                   and ",
            forms_baseline!("run"),
            " order by started_at, run_id",
        ))
        .bind(epoch.environment.0)
        .bind(self.main_branch())
        .bind(from)
        .bind(to)
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .fetch_all(&mut *tx)
        .await?;
        let oldest: Option<(i64,)> = sqlx::query_as(concat!(
            "select started_at
                 from run
                 where environment_id = $1
                   and branch = $2
                   and suite = $3
                   and suite_version = $4
                   and ",
            is_night!("run"),
            " order by started_at
                  limit 1",
        ))
        .bind(epoch.environment.0)
        .bind(self.main_branch())
        .bind(&epoch.suite)
        .bind(&epoch.suite_version)
        .fetch_optional(&mut *tx)
        .await?;
        Ok(AlertInputs {
            environment: epoch.environment,
            fingerprint,
            suite: epoch.suite.clone(),
            suite_version: epoch.suite_version.clone(),
            alerts,
            nights: nights
                .into_iter()
                .map(|(run, at, commit)| Night {
                    run: RunId(run),
                    at: Millis(at),
                    commit,
                })
                .collect(),
            oldest: oldest.map(|(at,)| Millis(at)),
            bridges: step.bridges.clone(),
        })
    }
}

/// One alert, as a transaction sees it.
pub(super) async fn one(
    connection: &mut SqliteConnection,
    id: AlertId,
) -> Result<Option<Alert>, StoreError> {
    let row: Option<AlertRow> = sqlx::query_as("select * from alert where alert_id = $1")
        .bind(id.0)
        .fetch_optional(&mut *connection)
        .await?;
    let rows = row.into_iter().collect();
    Ok(whole(connection, rows).await?.pop())
}

/// Alerts with their series and events.
pub(super) async fn whole(
    connection: &mut SqliteConnection,
    rows: Vec<AlertRow>,
) -> Result<Vec<Alert>, StoreError> {
    let mut series: HashMap<i64, Vec<AlertSeries>> = HashMap::new();
    let mut events: HashMap<i64, Vec<AlertEvent>> = HashMap::new();
    for part in rows.chunks(ALERTS) {
        let found: Vec<SeriesRow> = of_alerts("select * from alert_series", part)
            .push(" order by alert_id, ordinal")
            .build_query_as()
            .fetch_all(&mut *connection)
            .await?;
        for row in found {
            let id = row.alert_id;
            series.entry(id).or_default().push(row.try_into()?);
        }
        let found: Vec<EventRow> = of_alerts("select * from alert_event", part)
            .push(" order by alert_id, at, event_id")
            .build_query_as()
            .fetch_all(&mut *connection)
            .await?;
        for row in found {
            let id = row.alert_id;
            events.entry(id).or_default().push(row.try_into()?);
        }
    }
    rows.into_iter()
        .map(|row| {
            let id = row.alert_id;
            let night = |json: &str| code::from_json::<Night>(json, "alert", id);
            Ok(Alert {
                id: AlertId(id),
                fingerprint: row.fingerprint,
                environment: EnvironmentId(row.environment_id),
                suite: row.suite,
                suite_version: row.suite_version,
                state: code::from_word(&row.state, "alert", id)?,
                owner: row.owner,
                version: u32::try_from(row.version).unwrap_or(u32::MAX),
                opened_at: Millis(row.opened_at),
                changed_at: Millis(row.changed_at),
                first_bad: night(&row.first_bad_json)?,
                last_good: row.last_good_json.as_deref().map(night).transpose()?,
                series: series.remove(&id).unwrap_or_default(),
                events: events.remove(&id).unwrap_or_default(),
            })
        })
        .collect()
}

fn of_alerts(select: &'static str, alerts: &[AlertRow]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(select);
    query.push(" where alert_id in (");
    let mut list = query.separated(", ");
    for alert in alerts {
        list.push_bind(alert.alert_id);
    }
    query.push(")");
    query
}

impl TryFrom<SeriesRow> for AlertSeries {
    type Error = StoreError;

    fn try_from(row: SeriesRow) -> Result<Self, StoreError> {
        let id = row.alert_id;
        let night = |json: &str| code::from_json::<Night>(json, "alert", id);
        let numbers = row.numbers_json.as_deref();
        let bridge = row.bridge_json.as_deref();
        let bridge = bridge.map(|json| code::from_json(json, "alert", id));
        let how = row.ended_how.as_deref();
        let how = how
            .map(|how| code::from_word(how, "alert", id))
            .transpose()?;
        Ok(Self {
            series: SeriesId(row.series_id),
            since: night(&row.since_json)?,
            last_good: row.last_good_json.as_deref().map(night).transpose()?,
            confirmed_at: Millis(row.confirmed_at),
            by: code::from_word(&row.confirmed_by, "alert", id)?,
            frozen_baseline: row.frozen_baseline,
            limit: row.back_at,
            change: row.change,
            numbers: numbers
                .map(|json| code::from_json(json, "alert", id))
                .transpose()?,
            ended: row.ended_at.map(Millis).zip(how),
            bridged: bridge.transpose()?,
        })
    }
}

impl TryFrom<EventRow> for AlertEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        Ok(Self {
            at: Millis(row.at),
            who: row.who,
            what: code::from_word(&row.what, "alert", row.alert_id)?,
            series: row.series_id.map(SeriesId),
            text: row.text,
        })
    }
}
