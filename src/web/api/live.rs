//! `POST /api/v1/live/{run_key}`: a runner says how far it is.

use axum::Json;
use axum::body;
use axum::extract::{Request, State};
use serde::Serialize;

use super::body::require_json;
use super::upload::base_url;
use crate::domain::{RunId, RunKind};
use crate::github::Intent;
use crate::github::check::{CheckState, CheckWish};
use crate::jobs;
use crate::web::auth::{Caller, may_send, require_upload};
use crate::web::extract::Path;
use crate::web::live::{BODY_LIMIT, Progress, Refusal};
use crate::web::{AppState, WebError};

/// Where the run can be watched.
#[derive(Debug, Serialize)]
pub struct Live {
    /// The number that the run will keep.
    pub id: RunId,
    /// Its page.
    pub url: String,
}

/// Takes a message of a run that is being executed.
pub async fn report(
    State(state): State<AppState>,
    Path(run_key): Path<String>,
    caller: Caller,
    request: Request,
) -> Result<Json<Live>, WebError> {
    let (parts, body) = request.into_parts();
    require_upload(&caller, &parts.headers, &state).await?;
    require_json(&parts.headers)?;
    let bytes = body::to_bytes(body, BODY_LIMIT).await.map_err(|_| {
        WebError::too_large(format!(
            "the message is longer than {BODY_LIMIT} bytes, the limit: send fewer lines of the log"
        ))
    })?;
    let progress: Progress = serde_json::from_slice(&bytes)
        .map_err(|error| WebError::bad_request(format!("the message does not read: {error}")))?;
    may_send(&caller, progress.kind)?;
    if progress.run_key != run_key {
        return Err(WebError::invalid(
            "/run_key",
            format!(
                "the message is of run {:?} and was sent to that of {run_key:?}",
                progress.run_key
            ),
        ));
    }
    let check = is_measuring(&state, &progress);
    let id = match state.live.id(&run_key) {
        Some(id) => id,
        None => {
            if state.store.run_by_key(&run_key).await?.is_some() {
                return Err(WebError::conflict(format!(
                    "the report of run {run_key} is stored already: a new run needs a key of its own"
                )));
            }
            state.store.reserve_run(&run_key).await?
        }
    };
    state
        .live
        .take(id, progress, state.now())
        .map_err(|refusal| {
            let text = refusal.to_string();
            match refusal {
                Refusal::Invalid { pointer, why } => WebError::invalid(pointer, why),
                Refusal::TooOften => WebError::too_many(text, 1),
                Refusal::TooManyRuns => WebError::busy(text, 60),
            }
        })?;
    if let Some(check) = check {
        let page = state.config.public_url.as_deref();
        let check = Intent::Check(CheckWish {
            page: page.map(|url| format!("{url}/runs/{id}")),
            ..check
        });
        if jobs::github::wish(&state.store, &check, state.now()).await? {
            state.jobs.wake_outbox();
        }
    }
    Ok(Json(Live {
        id,
        url: format!("{}/runs/{id}", base_url(&state, &parts.headers)),
    }))
}

/// Whether a text is a full commit hash: it becomes part of an address.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The check that a pull request's commit gets with the first message of its run.
fn is_measuring(state: &AppState, progress: &Progress) -> Option<CheckWish> {
    let is_new = state.live.id(&progress.run_key).is_none();
    if state.github.is_none() || !is_new || progress.kind != RunKind::Pull {
        return None;
    }
    Some(CheckWish {
        run_key: progress.run_key.clone(),
        commit: progress.commit.clone().filter(|commit| is_hash(commit))?,
        page: None,
        state: CheckState::Running {
            since: progress.started_at.into(),
        },
    })
}
