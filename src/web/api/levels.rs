//! `POST /levels`: the present level is the accepted one, by series or by release.

use axum::Json;
use axum::extract::{Request, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::body::read_json;
use crate::analysis::alerts::is_named;
use crate::domain::{EnvironmentId, Millis, Scope, SeriesId};
use crate::ingest::limits::TEXT_BYTES;
use crate::store::{Accepting, RunFilter, SeriesFilter};
use crate::web::auth::Caller;
use crate::web::{AppState, WebError};

/// What is accepted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    /// Series whose name matches this glob, from now on.
    series: Option<String>,
    /// All series of the main branch's nights with this tag, from those nights on.
    release: Option<String>,
    /// Only of this machine, by number.
    environment: Option<i64>,
    reason: String,
}

/// What was accepted.
#[derive(Debug, Serialize)]
pub struct Accepted {
    /// How many series.
    pub accepted: usize,
    /// The levels.
    pub levels: Vec<Level>,
}

/// The level of some series.
#[derive(Debug, Serialize)]
pub struct Level {
    /// From when on.
    pub at: Timestamp,
    /// The series.
    pub series: Vec<SeriesId>,
}

/// The handler.
pub async fn accept(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Json<Accepted>, WebError> {
    caller.require(Scope::Triage)?;
    let accept: Accept = read_json(request).await?;
    let reason = accept.reason.trim();
    if reason.is_empty() || reason.len() > TEXT_BYTES {
        return Err(WebError::invalid(
            "/reason",
            format!(
                "a level is accepted for a reason of 1 to {TEXT_BYTES} bytes, and this has {}",
                reason.len()
            ),
        ));
    }
    let now = state.now();
    let found = match (&accept.series, &accept.release) {
        (Some(pattern), None) => vec![(now, by_name(&state, &accept, pattern).await?)],
        (None, Some(tag)) => by_release(&state, &accept, tag).await?,
        _ => {
            return Err(WebError::bad_request(
                "give series (a glob of names) or release (a tag), one of them",
            ));
        }
    };
    let who = caller.name();
    for (at, series) in &found {
        let accepting = Accepting {
            at: *at,
            who: &who,
            reason,
            tag: accept.release.as_deref(),
        };
        state.store.accept_levels(series, &accepting, now).await?;
    }
    state.jobs.wake();
    let levels: Vec<Level> = found
        .into_iter()
        .map(|(at, series)| Level {
            at: at.timestamp(),
            series,
        })
        .collect();
    Ok(Json(Accepted {
        accepted: levels.iter().map(|level| level.series.len()).sum(),
        levels,
    }))
}

async fn by_name(
    state: &AppState,
    accept: &Accept,
    pattern: &str,
) -> Result<Vec<SeriesId>, WebError> {
    let filter = SeriesFilter {
        environment: accept.environment.map(EnvironmentId),
        ..SeriesFilter::default()
    };
    let all = state.store.series_of(&filter).await?;
    let matching = all.iter().filter(|series| is_named(series, pattern));
    let ids: Vec<SeriesId> = matching.map(|series| series.id).collect();
    if ids.is_empty() {
        return Err(WebError::invalid(
            "/series",
            format!(
                "no series matches {pattern:?}: a name reads `Benchmark metric a=1 b=2`, * stands \
                 for anything and ? for one character"
            ),
        ));
    }
    Ok(ids)
}

/// Of every machine the newest night with that tag, and what it measured.
async fn by_release(
    state: &AppState,
    accept: &Accept,
    tag: &str,
) -> Result<Vec<(Millis, Vec<SeriesId>)>, WebError> {
    let filter = RunFilter {
        tag: Some(tag.to_owned()),
        environment: accept.environment.map(EnvironmentId),
        limit: Some(500),
        ..RunFilter::default()
    };
    let runs = state.store.runs(&filter).await?;
    let main = state.store.main_branch();
    let mut machines = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    for run in runs.iter().filter(|run| run.forms_baseline(main)) {
        if !machines.insert(run.environment) {
            continue;
        }
        let judged = state.store.judged_run(run.id).await?;
        let rows = judged.map(|judged| judged.rows).unwrap_or_default();
        let series = rows.iter().map(|row| row.series.id).collect();
        found.push((run.started_at, series));
    }
    if found.is_empty() {
        return Err(WebError::invalid(
            "/release",
            format!(
                "no nightly run of {main} has the tag {tag:?}: upload one of that release, or \
                 accept by series"
            ),
        ));
    }
    Ok(found)
}
