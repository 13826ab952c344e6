//! Alerts as they change.

use sqlx::SqliteConnection;

use crate::domain::alert::{Alert, AlertState, How};
use crate::domain::{AlertId, Millis, SeriesId};
use crate::store::access::audit;
use crate::store::carried::Epoch;
use crate::store::{Store, StoreError, code};

use super::level::accept;
use super::{Accepting, AlertStep, read};

impl Store {
    /// Changes an alert as `change` says, in one transaction, and writes down who did it. None where
    /// there is no such alert. Where it comes to be accepted, so are the levels of its series.
    pub async fn change_alert<E: Send>(
        &self,
        id: AlertId,
        who: &str,
        now: Millis,
        change: impl FnOnce(Alert) -> Result<Alert, E> + Send,
    ) -> Result<Option<Result<Alert, E>>, StoreError> {
        let (_writing, mut tx) = self.write().await?;
        let Some(before) = read::one(&mut tx, id).await? else {
            return Ok(None);
        };
        let known = before.events.len();
        let (was, version) = (before.state, before.version);
        let alert = match change(before) {
            Ok(alert) => alert,
            Err(refused) => return Ok(Some(Err(refused))),
        };
        if alert.version == version {
            return Ok(Some(Ok(alert)));
        }
        save(&mut tx, &alert).await?;
        let mut said = alert.events.iter().rev();
        for event in said.by_ref().take(alert.events.len() - known) {
            let subject = format!("alert {id}");
            let action = format!("alert.{}", code::word(&event.what));
            let detail = event.text.as_deref().unwrap_or("");
            audit(&mut tx, now, (who, &action), &subject, detail).await?;
        }
        if alert.state == AlertState::Accepted && was != AlertState::Accepted {
            let open: Vec<SeriesId> = alert.open_series().map(|one| one.series).collect();
            let accepting = Accepting {
                at: now,
                who,
                reason: alert.reason().unwrap_or(""),
                tag: None,
            };
            accept(self, &mut tx, &open, &accepting, now).await?;
        }
        self.commit(tx).await?;
        Ok(Some(Ok(alert)))
    }
}

/// Writes what news make of the alerts of an epoch. False where they make nothing.
pub(in crate::store) async fn settle(
    store: &Store,
    tx: &mut SqliteConnection,
    epoch: &Epoch,
    step: &AlertStep,
) -> Result<bool, StoreError> {
    let inputs = store.alert_inputs(tx, epoch, step).await?;
    let changed = (step.settle)(inputs, &step.news);
    for alert in &changed {
        save(tx, alert).await?;
    }
    Ok(!changed.is_empty())
}

/// Writes an alert as it is.
async fn save(tx: &mut SqliteConnection, alert: &Alert) -> Result<(), StoreError> {
    let (id,): (i64,) = sqlx::query_as(
        "insert into alert
             (fingerprint, environment_id, suite, suite_version, state, owner, version,
              opened_at, changed_at, first_bad_json, last_good_json)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (fingerprint) do update set
             state = excluded.state,
             owner = excluded.owner,
             version = excluded.version,
             opened_at = excluded.opened_at,
             changed_at = excluded.changed_at,
             first_bad_json = excluded.first_bad_json,
             last_good_json = excluded.last_good_json
         returning alert_id",
    )
    .bind(&alert.fingerprint)
    .bind(alert.environment.0)
    .bind(&alert.suite)
    .bind(&alert.suite_version)
    .bind(alert.state.name())
    .bind(&alert.owner)
    .bind(i64::from(alert.version))
    .bind(alert.opened_at.0)
    .bind(alert.changed_at.0)
    .bind(code::json(&alert.first_bad))
    .bind(alert.last_good.as_ref().map(code::json))
    .fetch_one(&mut *tx)
    .await?;
    for sql in [
        "delete from alert_series where alert_id = $1",
        "delete from alert_event where alert_id = $1",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *tx).await?;
    }
    for (ordinal, series) in (0_i64..).zip(&alert.series) {
        let how = series.ended.map(|(_, how)| code::word::<How>(&how));
        sqlx::query(
            "insert into alert_series
                 (alert_id, series_id, ordinal, since_json, last_good_json, since_at,
                  confirmed_at, confirmed_by, frozen_baseline, back_at, change,
                  numbers_json, ended_at, ended_how, bridge_json, bridge_environment_id)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(id)
        .bind(series.series.0)
        .bind(ordinal)
        .bind(code::json(&series.since))
        .bind(series.last_good.as_ref().map(code::json))
        .bind(series.since.at.0)
        .bind(series.confirmed_at.0)
        .bind(code::word(&series.by))
        .bind(series.frozen_baseline)
        .bind(series.limit)
        .bind(series.change)
        .bind(series.numbers.as_ref().map(code::json))
        .bind(series.ended.map(|(at, _)| at.0))
        .bind(how)
        .bind(series.bridged.as_ref().map(code::json))
        .bind(series.bridged.as_ref().map(|bridged| bridged.environment.0))
        .execute(&mut *tx)
        .await?;
    }
    for event in &alert.events {
        sqlx::query(
            "insert into alert_event (alert_id, at, who, what, series_id, text)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id)
        .bind(event.at.0)
        .bind(&event.who)
        .bind(code::word(&event.what))
        .bind(event.series.map(|series| series.0))
        .bind(&event.text)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
