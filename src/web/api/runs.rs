//! Stored runs: lists, one run, its report, its verdict; and taking a bad night out.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bench_verdict::gate::{FailOn, GateOptions};
use bench_verdict::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::body::require_json;
use super::view::{RowView, RunView};
use crate::analysis;
use crate::domain::{EnvironmentId, JudgedRun, RunId, RunKind, Scope};
use crate::ingest;
use crate::ingest::limits::TEXT_BYTES;
use crate::store::RunFilter;
use crate::web::auth::Caller;
use crate::web::extract::{Instant, Path, Query};
use crate::web::{AppState, WebError};

/// Which runs to list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Only this kind.
    pub kind: Option<RunKind>,
    /// Only this branch.
    pub branch: Option<String>,
    /// Only this machine, by number.
    pub environment: Option<i64>,
    /// Only commits that begin with this.
    pub commit: Option<String>,
    /// Only this time or later.
    pub since: Option<Instant>,
    /// The `next` of the answer before.
    pub before: Option<String>,
    /// How many, 1 to 500.
    pub limit: Option<u32>,
}

/// Runs, newest first.
#[derive(Debug, Serialize)]
pub struct List {
    /// The runs.
    pub runs: Vec<RunView>,
    /// What to give as `before` for the older ones; null: these were the last.
    pub next: Option<String>,
}

/// `GET /runs`.
pub async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List>, WebError> {
    const MOST: u32 = 500;
    let limit = query.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(WebError::bad_request(format!(
            "limit is {limit}: give 1 to {MOST}"
        )));
    }
    let before = query.before.as_deref().map(cursor).transpose()?;
    let filter = RunFilter {
        kind: query.kind,
        branch: query.branch,
        environment: query.environment.map(EnvironmentId),
        commit: query.commit,
        tag: None,
        before,
        since: query.since.map(|i| i.0),
        limit: Some(limit),
    };
    let runs = state.store.runs(&filter).await?;
    let is_full = runs.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = runs
        .last()
        .filter(|_| is_full)
        .map(|run| format!("{}.{}", run.started_at.0, run.id));
    Ok(Json(List {
        runs: runs.into_iter().map(Into::into).collect(),
        next,
    }))
}

fn cursor(text: &str) -> Result<(crate::domain::Millis, RunId), WebError> {
    let parts = text.split_once('.').and_then(|(time, id)| {
        Some((
            crate::domain::Millis(time.parse().ok()?),
            RunId(id.parse().ok()?),
        ))
    });
    parts.ok_or_else(|| {
        WebError::bad_request(format!(
            "before is {text:?}: give the `next` of the answer before"
        ))
    })
}

/// A run with all its rows.
#[derive(Debug, Serialize)]
pub struct RunAnswer {
    /// The run.
    #[serde(flatten)]
    pub run: RunView,
    /// Its measurements, in the order of benchmark, params, metric.
    pub series: Vec<RowView>,
}

/// `GET /runs/{id}`.
pub async fn show(
    State(state): State<AppState>,
    Path(id): Path<RunId>,
) -> Result<Json<RunAnswer>, WebError> {
    let JudgedRun { run, rows, .. } = find(&state, id).await?;
    Ok(Json(RunAnswer {
        run: run.into(),
        series: rows.iter().map(Into::into).collect(),
    }))
}

/// `GET /runs/{id}/report`: the bytes that were uploaded, decoded.
pub async fn report(
    State(state): State<AppState>,
    Path(id): Path<RunId>,
) -> Result<Response, WebError> {
    let bytes = state.store.report_bytes(id).await?;
    let bytes = bytes.ok_or_else(|| WebError::not_found("run", id))?;
    let name = format!("attachment; filename=\"run-{id}.json\"");
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// `GET /runs/{id}/benchmarks.txt`: Go benchmark text, which benchstat reads.
pub async fn benchmarks(
    State(state): State<AppState>,
    Path(id): Path<RunId>,
) -> Result<String, WebError> {
    let run = state.store.run(id).await?;
    let bytes = state.store.report_bytes(id).await?;
    let (Some(run), Some(bytes)) = (run, bytes) else {
        return Err(WebError::not_found("run", id));
    };
    ingest::go_text(&bytes, run.received_at.timestamp()).map_err(|error| {
        tracing::warn!(run_id = id.0, %error, "a stored report is of another format");
        WebError::not_found("report of format 1 behind run", id)
    })
}

/// How strict the gate is asked to be.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictQuery {
    /// A change must exceed it, as a fraction; 0.1 where not given.
    pub threshold: Option<f64>,
    /// The mildest band that fails.
    pub fail_on: Option<FailOn>,
    /// Let the band alone decide.
    pub no_noise_guard: Option<bool>,
}

impl VerdictQuery {
    /// The gate's options.
    pub fn options(&self) -> Result<GateOptions, WebError> {
        let usual = GateOptions::default();
        let threshold = self.threshold.unwrap_or(usual.threshold);
        if !threshold.is_finite() || threshold < 0.0 {
            return Err(WebError::bad_request(format!(
                "threshold is {threshold}: give a fraction such as 0.1"
            )));
        }
        Ok(GateOptions {
            threshold,
            fail_on: self.fail_on.unwrap_or(usual.fail_on),
            noise_guard: !self.no_noise_guard.unwrap_or(false),
        })
    }
}

/// `GET /runs/{id}/verdict`: what CI is told.
pub async fn verdict(
    State(state): State<AppState>,
    Path(id): Path<RunId>,
    Query(query): Query<VerdictQuery>,
) -> Result<Json<Verdict>, WebError> {
    let options = query.options()?;
    let run = find(&state, id).await?;
    Ok(Json(analysis::verdict::of_run(&run, &options)))
}

/// What is changed about a run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    excluded: bool,
    reason: Option<String>,
}

/// `PATCH /runs/{id}`: takes a bad night out of the baselines, for a reason, or back in.
pub async fn change(
    State(state): State<AppState>,
    Path(id): Path<RunId>,
    caller: Caller,
    request: Request,
) -> Result<Json<RunView>, WebError> {
    caller.require(Scope::Triage)?;
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let bytes = axum::body::to_bytes(body, 4 * TEXT_BYTES)
        .await
        .map_err(|_| WebError::too_large(format!("a reason has at most {TEXT_BYTES} bytes")))?;
    let change: Change = serde_json::from_slice(&bytes)
        .map_err(|error| WebError::bad_request(format!("the body does not read: {error}")))?;
    let reason = change.reason.as_deref().map_or("", str::trim);
    let reason = match (change.excluded, reason) {
        (true, "") => {
            return Err(WebError::invalid(
                "/reason",
                "a run is taken out of the baselines for a reason: give it",
            ));
        }
        (true, reason) if reason.len() > TEXT_BYTES => {
            return Err(WebError::invalid(
                "/reason",
                format!(
                    "the reason has {} bytes and the limit is {TEXT_BYTES}",
                    reason.len()
                ),
            ));
        }
        (true, reason) => Some(reason),
        (false, _) => None,
    };
    let by = caller.name();
    if !state
        .store
        .set_excluded(id, reason, &by, state.now())
        .await?
    {
        return Err(WebError::not_found("run", id));
    }
    state.jobs.wake();
    let run = state.store.run(id).await?;
    let run = run.ok_or_else(|| WebError::not_found("run", id))?;
    Ok(Json(run.into()))
}

async fn find(state: &AppState, id: RunId) -> Result<JudgedRun, WebError> {
    let run = state.store.judged_run(id).await?;
    run.ok_or_else(|| WebError::not_found("run", id))
}
