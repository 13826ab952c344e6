//! Rules per pattern: the ones in force, new ones, and what they would have done.

use axum::Json;
use axum::extract::{Request, State};
use bench_verdict::gate::GateOptions;
use serde::{Deserialize, Serialize};

use super::body::require_json;
use crate::analysis::backtest::{Backtest, Nights, Patterns, Trial, backtest};
use crate::domain::alert::AlertState;
use crate::domain::{Millis, RuleVersion, Scope, SeriesId};
use crate::ingest::limits::TEXT_BYTES;
use crate::store::{AlertFilter, SeriesFilter};
use crate::web::auth::Caller;
use crate::web::{AppState, WebError};

/// How many nights back rules are tried where nothing is said.
pub(in crate::web) const DAYS: u32 = 90;

/// How many at most.
const MOST_DAYS: u32 = 1_826;

/// A body of rules has so many bytes at most.
const BODY_BYTES: usize = 512 * 1024;

/// `GET /rules`: the rules in force.
pub async fn show(State(state): State<AppState>) -> Result<Json<RuleVersion>, WebError> {
    Ok(Json(state.store.rules().await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Save {
    /// The version that they were made from.
    version: i64,
    rules: Patterns,
    reason: String,
}

/// `PUT /rules`: saves the version after the one that was seen.
pub async fn save(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Json<RuleVersion>, WebError> {
    caller.require(Scope::Triage)?;
    let save: Save = body(request).await?;
    Ok(Json(
        store(&state, &caller, save.version, &save.rules, &save.reason).await?,
    ))
}

/// Saves rules, if they can be taken and nobody saved others meanwhile.
pub(in crate::web) async fn store(
    state: &AppState,
    caller: &Caller,
    seen: i64,
    rules: &Patterns,
    reason: &str,
) -> Result<RuleVersion, WebError> {
    caller.require(Scope::Triage)?;
    check(rules)?;
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > TEXT_BYTES {
        return Err(WebError::invalid(
            "/reason",
            format!("rules are changed for a reason: give one of at most {TEXT_BYTES} bytes"),
        ));
    }
    let saved = state
        .store
        .save_rules(seen, rules, reason, &caller.name(), state.now())
        .await?;
    saved.ok_or_else(|| {
        WebError::conflict(format!(
            "version {seen} of the rules is not in force any more: read them again, then save"
        ))
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    rules: Patterns,
    days: Option<u32>,
}

/// What rules would have done, and what those in force do.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// So many days back.
    pub days: u32,
    /// In a sentence.
    pub says: String,
    /// The rules that were sent.
    #[serde(flatten)]
    pub tried: Backtest,
    /// The rules in force.
    pub in_force: Backtest,
}

/// `POST /rules/backtest`: changes nothing.
pub async fn test(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Json<Answer>, WebError> {
    if state.config.read_token {
        caller.require(Scope::Read)?;
    }
    let ask: Ask = body(request).await?;
    Ok(Json(
        run(&state, &ask.rules, ask.days.unwrap_or(DAYS)).await?,
    ))
}

/// Tries rules on the nights of the last days.
pub(in crate::web) async fn run(
    state: &AppState,
    rules: &Patterns,
    days: u32,
) -> Result<Answer, WebError> {
    check(rules)?;
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(WebError::invalid(
            "/days",
            format!("days is {days}: give 1 to {MOST_DAYS}"),
        ));
    }
    let nights = nights(state, days).await?;
    let dismissed = dismissed(state).await?;
    let in_force = state.store.rules().await?.rules;
    let options = GateOptions::default();
    let tried = |rules| {
        let trial = Trial {
            rules,
            options: &options,
            dismissed: &dismissed,
        };
        backtest(&nights, trial)
    };
    let (tried, in_force) = (tried(rules), tried(&in_force));
    Ok(Answer {
        days,
        says: says(&tried, &in_force, days),
        tried,
        in_force,
    })
}

/// Every series with its nights of the last days.
async fn nights(state: &AppState, days: u32) -> Result<Vec<Nights>, WebError> {
    let store = &state.store;
    let (now, main) = (state.now(), store.main_branch());
    let from = now.minus_days(i64::from(days));
    let mut all = all_series(state).await?;
    for one in &mut all {
        one.points = store.points(one.series.id, from, now, Some(main)).await?;
        one.points.retain(|point| point.of.forms_baseline);
    }
    Ok(all)
}

/// Every series, without its nights.
pub(in crate::web) async fn all_series(state: &AppState) -> Result<Vec<Nights>, WebError> {
    let environments = state.store.environments().await?;
    let all = state.store.series_of(&SeriesFilter::default()).await?;
    let one = |series: std::sync::Arc<crate::domain::Series>| {
        let machine = environments.iter().find(|e| e.id == series.key.environment);
        Nights {
            environment: machine.map_or_else(String::new, |machine| machine.name.clone()),
            series,
            points: Vec::new(),
        }
    };
    Ok(all.into_iter().map(one).collect())
}

fn says(tried: &Backtest, in_force: &Backtest, days: u32) -> String {
    let cases = |test: &Backtest| {
        let tally = test.sum;
        let was = if tally.dismissed == 1 { "was" } else { "were" };
        format!(
            "{}, of which {} {was} dismissed or taken back and {} lasted one night",
            tally.raised, tally.dismissed, tally.one_night
        )
    };
    format!(
        "In the last {days} days these rules would have raised {}; those in force, {}.",
        cases(tried),
        cases(in_force)
    )
}

fn check(rules: &Patterns) -> Result<(), WebError> {
    rules
        .check()
        .map_err(|error| WebError::invalid("/rules", error.to_string()))
}

async fn body<T: for<'de> Deserialize<'de>>(request: Request) -> Result<T, WebError> {
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let bytes = axum::body::to_bytes(body, BODY_BYTES)
        .await
        .map_err(|_| WebError::too_large(format!("rules have at most {BODY_BYTES} bytes")))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| WebError::bad_request(format!("the body does not read: {error}")))
}

/// Spans that a person dismissed, or that were taken back.
async fn dismissed(state: &AppState) -> Result<Vec<(SeriesId, Millis, Millis)>, WebError> {
    let filter = AlertFilter {
        states: vec![AlertState::Dismissed, AlertState::Retracted],
        ..AlertFilter::default()
    };
    let mut spans = Vec::new();
    for alert in state.store.alerts(&filter).await? {
        spans.extend(alert.series.iter().map(|one| {
            let end = one.ended.map_or(alert.changed_at, |(at, _)| at);
            (one.series, one.since.at, end.max(one.confirmed_at))
        }));
    }
    Ok(spans)
}
