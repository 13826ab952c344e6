//! `POST /api/v1/runs`: a report becomes a run.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bench_verdict::gate::GateOptions;
use bench_verdict::verdict::Verdict;
use serde::Serialize;

use super::body;
use crate::analysis::{self, published::published};
use crate::domain::RunId;
use crate::store::Outcome;
use crate::web::auth::{Caller, may_send, require_upload};
use crate::web::{AppState, WebError, tell};
use crate::{ingest, jobs};

/// What became of an upload.
#[derive(Debug, Serialize)]
pub struct Uploaded {
    /// The run's number.
    pub run_id: RunId,
    /// Its page.
    pub url: String,
    /// What the gate says of it now.
    pub verdict: Verdict,
}

/// 201 for a new run, 200 for the same report again, 409 for another report with its run key.
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Response, WebError> {
    let (parts, content) = request.into_parts();
    require_upload(&caller, &parts.headers, &state).await?;
    let now = state.now();
    let read = move |bytes| ingest::read(bytes, now.timestamp(), published);
    let (new, turn) = state.uploads.take(&parts.headers, content, read).await?;
    may_send(&caller, new.kind)?;

    let store = state.store.clone();
    let (run_key, inserted) = body::store(async move {
        let inserted = store.insert_judged(&new, now, jobs::judge_run).await;
        drop(turn);
        inserted.map(|inserted| (new.run_key, inserted))
    })
    .await??;
    let run_id = inserted.run_id;
    state.metrics.uploaded(inserted.outcome);
    let status = match inserted.outcome {
        Outcome::New => StatusCode::CREATED,
        Outcome::Same => StatusCode::OK,
        Outcome::Conflict => {
            return Err(WebError::conflict(format!(
                "run {run_id} has the run key {run_key} and another report: a run is never changed, give a new run its own key"
            )));
        }
    };
    state.live.complete(&run_key);
    tracing::info!(run_id = run_id.0, status = status.as_u16(), "report taken");
    state.jobs.wake();
    let run = state
        .store
        .judged_run(run_id)
        .await?
        .ok_or_else(|| WebError::not_found("run", run_id))?;
    tell::pull(&state, &run.run).await?;
    let answer = Uploaded {
        run_id,
        url: format!("{}/runs/{run_id}", base_url(&state, &parts.headers)),
        verdict: analysis::verdict::of_run(&run, &GateOptions::default()),
    };
    Ok((status, Json(answer)).into_response())
}

/// Scheme and host under which the caller reached us, or people do.
pub(in crate::web) fn base_url(state: &AppState, headers: &HeaderMap) -> String {
    match (&state.config.public_url, headers.get(header::HOST)) {
        (Some(url), _) => url.clone(),
        (None, Some(host)) => format!("http://{}", host.to_str().unwrap_or("127.0.0.1")),
        (None, None) => String::new(),
    }
}
