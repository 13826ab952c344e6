//! `POST /api/v1/runs`: a report becomes a run.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bench_verdict::gate::GateOptions;
use bench_verdict::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::body;
use crate::analysis::{self, published::published};
use crate::domain::RunId;
use crate::store::{Outcome, RunInputs, Verdicts};
use crate::web::auth::{Caller, may_send, require_upload};
use crate::web::extract::Query;
use crate::web::{AppState, WebError, tell};
use crate::{ingest, jobs};

/// When a run is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Judge {
    /// As it is stored.
    #[default]
    Now,
    /// With a later one: many nights are judged together at a small part of the cost.
    Later,
    /// With all that wait, before the answer.
    All,
}

/// How an upload is taken.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateQuery {
    #[serde(default)]
    judge: Judge,
}

/// What became of an upload.
#[derive(Debug, Serialize)]
pub struct Uploaded {
    /// The run's number.
    pub run_id: RunId,
    /// Its page.
    pub url: String,
    /// What the gate says of it now; absent where it is judged later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// 201 for a new run, 200 for the same report again, 409 for another report with its run key.
pub async fn create(
    State(state): State<AppState>,
    Query(query): Query<CreateQuery>,
    caller: Caller,
    request: Request,
) -> Result<Response, WebError> {
    let (parts, content) = request.into_parts();
    require_upload(&caller, &parts.headers, &state).await?;
    let now = state.now();
    let read = move |bytes| ingest::read(bytes, now.timestamp(), published);
    let (new, turn) = state.uploads.take(&parts.headers, content, read).await?;
    may_send(&caller, new.kind)?;

    let judge: fn(RunInputs) -> Verdicts = match query.judge {
        Judge::Now => jobs::judge_run,
        Judge::Later | Judge::All => |_| Verdicts::later(),
    };
    let (store, stop) = (state.store.clone(), state.shutdown.clone());
    let (run_key, inserted) = body::store(async move {
        let inserted = store.insert_judged(&new, now, judge).await;
        drop(turn);
        if query.judge == Judge::All {
            jobs::rejudge_all(&store, &stop).await?;
        }
        if let Ok(inserted) = &inserted
            && inserted.outcome == Outcome::New
            && query.judge != Judge::Later
        {
            jobs::bridge::after_run(&store, inserted.run_id).await?;
        }
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
    let url = format!("{}/runs/{run_id}", base_url(&state, &parts.headers));
    if query.judge == Judge::Later {
        state.jobs.wake_later();
        let verdict = None;
        return Ok((
            status,
            Json(Uploaded {
                run_id,
                url,
                verdict,
            }),
        )
            .into_response());
    }
    state.jobs.wake();
    let run = state
        .store
        .judged_run(run_id)
        .await?
        .ok_or_else(|| WebError::not_found("run", run_id))?;
    tell::pull(&state, &run.run).await?;
    let answer = Uploaded {
        run_id,
        url,
        verdict: Some(analysis::verdict::of_run(&run, &GateOptions::default())),
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
