//! `GET /alerts`, `GET` and `PATCH /alerts/{id}`: what somebody must look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use bench_report::metric::Direction;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::body::read_json;
use crate::analysis::alerts::act::{Refused, Wish, act, allowed};
use crate::domain::alert::{
    Alert, AlertEvent, AlertSeries, AlertState, By, How, Night, Numbers, What,
};
use crate::domain::bridge::{Bridged, EpochEnd};
use crate::domain::{AlertId, EnvironmentId, Millis, RunId, Scope, Series, SeriesId};
use crate::store::{AlertFilter, Epoch};
use crate::web::auth::Caller;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, WebError};

/// Which alerts to list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Only these states, with commas between them.
    pub state: Option<String>,
    /// Only this machine, by number.
    pub environment: Option<i64>,
    /// Only those that this series is in.
    pub series: Option<i64>,
}

impl ListQuery {
    /// What the store is asked.
    pub fn filter(&self) -> Result<AlertFilter, WebError> {
        let words = self.state.as_deref().unwrap_or_default().split(',');
        let words = words.map(str::trim).filter(|word| !word.is_empty());
        let states: Result<Vec<AlertState>, WebError> = words.map(state_of).collect();
        Ok(AlertFilter {
            states: states?,
            environment: self.environment.map(EnvironmentId),
            series: self.series.map(SeriesId),
        })
    }
}

/// The state of that word.
pub(in crate::web) fn state_of(word: &str) -> Result<AlertState, WebError> {
    let known = AlertState::ALL
        .into_iter()
        .find(|state| state.name() == word);
    known.ok_or_else(|| {
        let all: Vec<&str> = AlertState::ALL.iter().map(|state| state.name()).collect();
        WebError::bad_request(format!(
            "{word:?} is no state of an alert: give {}",
            all.join(", ")
        ))
    })
}

/// Alerts, those opened last first.
#[derive(Debug, Serialize)]
pub struct List {
    /// The alerts.
    pub alerts: Vec<AlertView>,
}

/// An alert.
#[derive(Debug, Serialize)]
pub struct AlertView {
    /// Its number.
    pub alert_id: AlertId,
    /// Its page.
    pub url: String,
    /// Names the cause.
    pub fingerprint: String,
    /// What it has come to.
    pub state: AlertState,
    /// The states that a person may give it.
    pub allowed: Vec<AlertState>,
    /// What to send with a change.
    pub version: u32,
    /// Who takes care of it; null: nobody.
    pub owner: Option<String>,
    /// Why it was accepted or dismissed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The machine's number.
    pub environment_id: EnvironmentId,
    /// Suite name.
    pub suite: String,
    /// Suite version.
    pub suite_version: String,
    /// The night that opened it.
    pub opened_at: Timestamp,
    /// Its last event.
    pub changed_at: Timestamp,
    /// The first night with the bad revision.
    pub first_bad: NightView,
    /// The night before it; null: not known.
    pub last_good: Option<NightView>,
    /// The largest worsening in it, where one has a size.
    pub change: Option<f64>,
    /// How its epoch has ended; null: it goes on.
    pub epoch_end: Option<EpochEndView>,
    /// Its series.
    pub series: Vec<AlertSeriesView>,
    /// Its life; of one alert only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<EventView>>,
}

/// How an epoch has ended: nothing measures its series any more.
#[derive(Debug, Clone, Serialize)]
pub struct EpochEndView {
    /// Its last night.
    pub last_night: Timestamp,
    /// The first night after it.
    pub begun_at: Timestamp,
    /// That night's machine.
    pub environment_id: EnvironmentId,
    /// That night's suite version.
    pub suite_version: String,
}

/// What a series of an ended epoch is carried on as.
#[derive(Debug, Serialize)]
pub struct BridgeView {
    /// The same series in the epoch after it.
    pub series_id: SeriesId,
    /// The machine there.
    pub environment_id: EnvironmentId,
    /// The suite version there.
    pub suite_version: String,
    /// Its first night there.
    pub begun_at: Timestamp,
    /// The newest bridging run.
    pub run_id: RunId,
    /// When that was measured.
    pub measured_at: Timestamp,
    /// The revision that both epochs measured.
    pub commit: String,
    /// How many times larger the same code reads there.
    pub factor: f64,
    /// The level before the change, as it would read there.
    pub frozen_baseline: f64,
    /// Where the median of the last three nights there must come back to.
    pub limit: f64,
}

/// A run of the main branch.
#[derive(Debug, Serialize)]
pub struct NightView {
    /// The run.
    pub run_id: RunId,
    /// Its time.
    pub at: Timestamp,
    /// Its full commit hash.
    pub commit: String,
}

/// A series in an alert.
#[derive(Debug, Serialize)]
pub struct AlertSeriesView {
    /// Its number.
    pub series_id: SeriesId,
    /// Benchmark name.
    pub benchmark: String,
    /// Dimensions.
    pub params: BTreeMap<String, String>,
    /// Metric name.
    pub metric: String,
    /// Unit of the values.
    pub unit: String,
    /// Which way is better.
    pub better: Option<Direction>,
    /// The first bad night.
    pub since: NightView,
    /// The night before it; null: not known.
    pub last_good: Option<NightView>,
    /// The night that confirmed it.
    pub confirmed_at: Timestamp,
    /// What confirmed it.
    pub confirmed_by: By,
    /// The level before the change.
    pub frozen_baseline: f64,
    /// Where the median of the last three nights must come back to.
    pub limit: f64,
    /// Its size when it was confirmed; null: the level before is zero.
    pub change: Option<f64>,
    /// What confirmed it, in numbers; null: it is a count.
    pub numbers: Option<Numbers>,
    /// Where it is over: when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Where it is over: how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<How>,
    /// Where its epoch has ended and is bridged: what it is carried on as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge: Option<BridgeView>,
}

/// Something that happened to an alert.
#[derive(Debug, Serialize)]
pub struct EventView {
    /// When.
    pub at: Timestamp,
    /// Who; null: the rules.
    pub who: Option<String>,
    /// What.
    pub what: What,
    /// The series that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series_id: Option<SeriesId>,
    /// A reason, a note, a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `GET /alerts`.
pub async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List>, WebError> {
    let mut alerts = Vec::new();
    for alert in state.store.alerts(&query.filter()?).await? {
        alerts.push(view(&state, alert, false).await?);
    }
    Ok(Json(List { alerts }))
}

/// `GET /alerts/{id}`.
pub async fn show(
    State(state): State<AppState>,
    Path(id): Path<AlertId>,
) -> Result<Json<AlertView>, WebError> {
    let alert = state.store.alert(id).await?;
    let alert = alert.ok_or_else(|| WebError::not_found("alert", id))?;
    Ok(Json(view(&state, alert, true).await?))
}

/// What is changed about an alert.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    version: Option<u32>,
    state: Option<AlertState>,
    reason: Option<String>,
    /// Null: nobody.
    #[serde(default, deserialize_with = "given")]
    owner: Option<Option<String>>,
    note: Option<String>,
    #[serde(default)]
    bisected: Vec<String>,
}

/// Tells null from what is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `PATCH /alerts/{id}`: state with reason, owner, note, what a bisect found.
pub async fn change(
    State(state): State<AppState>,
    Path(id): Path<AlertId>,
    caller: Caller,
    request: Request,
) -> Result<Json<AlertView>, WebError> {
    caller.require(Scope::Triage)?;
    let change: Change = read_json(request).await?;
    let wish = Wish {
        version: change.version,
        state: change.state,
        reason: change.reason,
        owner: change.owner.map(Option::unwrap_or_default),
        note: change.note,
        bisected: change.bisected,
    };
    let alert = wishes(&state, id, &wish, &caller.name()).await?;
    Ok(Json(view(&state, alert, true).await?))
}

/// Does what somebody wishes, and says what was refused.
pub(in crate::web) async fn wishes(
    state: &AppState,
    id: AlertId,
    wish: &Wish,
    who: &str,
) -> Result<Alert, WebError> {
    let now = state.now();
    let change = |alert| act(alert, wish, who, now);
    let changed = state.store.change_alert(id, who, now, change).await?;
    let changed = changed.ok_or_else(|| WebError::not_found("alert", id))?;
    let alert = changed.map_err(|refused| {
        let detail = refused.to_string();
        match refused {
            Refused::Changed { .. } | Refused::Transition { .. } => WebError::conflict(detail),
            Refused::NoReason(_) => WebError::invalid("/reason", detail),
            Refused::NoCommit(_) => WebError::invalid("/bisected", detail),
            Refused::Nothing => WebError::bad_request(detail),
        }
    })?;
    // Accepted levels are judged from at once.
    state.jobs.wake();
    Ok(alert)
}

async fn view(state: &AppState, alert: Alert, with_events: bool) -> Result<AlertView, WebError> {
    let mut series = Vec::with_capacity(alert.series.len());
    for one in &alert.series {
        let known = state.store.series_by_id(one.series).await?;
        series.push(series_view(one, known));
    }
    let end = state.store.epoch_end(&Epoch::from(&alert)).await?;
    let events = with_events.then(|| alert.events.iter().map(event_view).collect());
    Ok(AlertView {
        alert_id: alert.id,
        url: format!("/alerts/{}", alert.id),
        allowed: allowed(&alert),
        reason: alert.reason().map(str::to_owned),
        change: alert.size(),
        first_bad: night_view(&alert.first_bad),
        last_good: alert.last_good.as_ref().map(night_view),
        fingerprint: alert.fingerprint,
        state: alert.state,
        version: alert.version,
        owner: alert.owner,
        environment_id: alert.environment,
        suite: alert.suite,
        suite_version: alert.suite_version,
        opened_at: alert.opened_at.timestamp(),
        changed_at: alert.changed_at.timestamp(),
        epoch_end: end.map(epoch_end_view),
        series,
        events,
    })
}

fn series_view(one: &AlertSeries, known: Option<Arc<Series>>) -> AlertSeriesView {
    let better = known.as_ref().map(|series| series.better);
    let key = known.map(|series| series.key.clone());
    let (benchmark, params, metric, unit) = key.map_or_else(Default::default, |key| {
        (key.benchmark, key.params, key.metric, key.unit)
    });
    AlertSeriesView {
        series_id: one.series,
        benchmark,
        params,
        metric,
        unit,
        better,
        since: night_view(&one.since),
        last_good: one.last_good.as_ref().map(night_view),
        confirmed_at: one.confirmed_at.timestamp(),
        confirmed_by: one.by,
        frozen_baseline: one.frozen_baseline,
        limit: one.limit,
        change: one.change,
        numbers: one.numbers,
        ended_at: one.ended.map(|(at, _)| Millis::timestamp(at)),
        ended: one.ended.map(|(_, how)| how),
        bridge: one.bridged.as_ref().map(bridge_view),
    }
}

fn epoch_end_view(end: EpochEnd) -> EpochEndView {
    EpochEndView {
        last_night: end.last_night.timestamp(),
        begun_at: end.begun_at.timestamp(),
        environment_id: end.environment,
        suite_version: end.suite_version,
    }
}

fn bridge_view(there: &Bridged) -> BridgeView {
    BridgeView {
        series_id: there.series,
        environment_id: there.environment,
        suite_version: there.suite_version.clone(),
        begun_at: there.begun_at.timestamp(),
        run_id: there.run,
        measured_at: there.measured_at.timestamp(),
        commit: there.commit.clone(),
        factor: there.factor,
        frozen_baseline: there.frozen_baseline,
        limit: there.limit,
    }
}

fn night_view(night: &Night) -> NightView {
    NightView {
        run_id: night.run,
        at: night.at.timestamp(),
        commit: night.commit.clone(),
    }
}

fn event_view(event: &AlertEvent) -> EventView {
    EventView {
        at: event.at.timestamp(),
        who: event.who.clone(),
        what: event.what,
        series_id: event.series,
        text: event.text.clone(),
    }
}
