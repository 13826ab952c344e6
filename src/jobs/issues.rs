//! Alerts become issues: what each should say is put into the outbox.

use std::collections::{HashMap, HashSet};

use super::github::wish;
use crate::domain::alert::Alert;
use crate::domain::time::DAY_MS;
use crate::domain::{Millis, Point, SeriesId};
use crate::github::Intent;
use crate::github::alert::{self, AlertFacts, NightValue, SeriesFacts};
use crate::store::{AlertFilter, Epoch, Store, StoreError};

/// An issue is made for an alert whose last event is not older: history that is sent later (a
/// backfill) wakes nobody.
const NEWS_MS: i64 = 30 * DAY_MS;

/// Puts in what the issue of every alert should say. An alert that is over gets no issue that it does
/// not have.
pub async fn tell_alerts(
    store: &Store,
    public_url: Option<&str>,
    now: Millis,
) -> Result<(), StoreError> {
    let alerts = store.alerts(&AlertFilter::default()).await?;
    if alerts.is_empty() {
        return Ok(());
    }
    let known: HashSet<String> = store
        .outbox("issue ")
        .await?
        .into_iter()
        .map(|entry| entry.key)
        .collect();
    for one in alerts {
        let is_news = now.0.saturating_sub(one.changed_at.0) <= NEWS_MS;
        let is_known = known.contains(&Intent::issue_key(&one.fingerprint));
        if !is_news || !(is_known || one.is_active()) {
            continue;
        }
        // Generated data is nobody's business.
        let Some(facts) = facts(store, one, public_url).await? else {
            continue;
        };
        wish(store, &Intent::Issue(alert::wish(&facts)), now).await?;
    }
    Ok(())
}

/// An alert with what its words need; none of generated data.
async fn facts(
    store: &Store,
    alert: Alert,
    public_url: Option<&str>,
) -> Result<Option<AlertFacts>, StoreError> {
    let machines = store.environments().await?;
    let machine = machines.iter().find(|m| m.id == alert.environment);
    let Some(machine) = machine.filter(|machine| !machine.is_sample) else {
        return Ok(None);
    };
    Ok(Some(AlertFacts {
        series: series_facts(store, &alert).await?,
        environment: machine.name.clone(),
        epoch_ended: match alert.is_active() {
            true => store
                .epoch_end(&Epoch::from(&alert))
                .await?
                .map(|end| end.last_night),
            false => None,
        },
        public_url: public_url.map(str::to_owned),
        alert,
    }))
}

async fn series_facts(
    store: &Store,
    alert: &Alert,
) -> Result<HashMap<SeriesId, SeriesFacts>, StoreError> {
    let mut all = HashMap::new();
    for one in &alert.series {
        let Some(series) = store.series_by_id(one.series).await? else {
            continue;
        };
        let now = one.now();
        let main = Some(store.main_branch());
        let points = store
            .points(now.series, now.from, Millis(i64::MAX), main)
            .await?;
        let nights = points.iter().filter(|point| point.of.forms_baseline);
        let facts = SeriesFacts {
            name: series.name(),
            unit: series.key.unit.clone(),
            better: series.better,
            nights: nights.map(night).collect(),
        };
        all.insert(one.series, facts);
    }
    Ok(all)
}

fn night(point: &Point) -> NightValue {
    NightValue {
        run: point.run,
        at: point.time,
        value: point.value,
    }
}
