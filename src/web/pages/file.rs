//! `/files/runs/{id}`, `/files/compare/{base}...{head}`: a page as one file, to attach to an issue.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::domain::RunId;
use crate::web::extract::Path;
use crate::web::single::{self, SingleError};
use crate::web::{AppState, WebError, sides};

/// What a file may do, wherever a browser opens it: show its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/// `GET /files/runs/{id}`
pub async fn run(
    State(state): State<AppState>,
    Path(id): Path<RunId>,
) -> Result<Response, WebError> {
    if state.store.run(id).await?.is_none() {
        return Err(WebError::not_found("run", id));
    }
    let page = file(&state, id, None).await.map_err(|e| refused(&e))?;
    Ok(attached(page, &format!("run-{id}.html")))
}

/// `GET /files/compare/{base}...{head}`
pub async fn compare(
    State(state): State<AppState>,
    Path(named): Path<String>,
) -> Result<Response, WebError> {
    let named = named.split_once("...");
    let (base, head) = named.ok_or_else(|| {
        WebError::not_found(
            "comparison",
            "here: the address is /files/compare/BASE...HEAD",
        )
    })?;
    let (base, head) = sides::resolve(&state, base, head).await?;
    let page = file(&state, head.id, Some(&base.id.to_string())).await;
    let page = page.map_err(|e| refused(&e))?;
    Ok(attached(
        page,
        &format!("compare-{}-{}.html", base.id, head.id),
    ))
}

async fn file(state: &AppState, run: RunId, against: Option<&str>) -> Result<String, SingleError> {
    let (inside, label) = single::exported(state, "links need the server");
    single::page(&inside, &label, run, against).await
}

/// The page refused, and has said why in its log or in its words.
fn refused(error: &SingleError) -> WebError {
    match error {
        SingleError::Refused {
            status: 400..500, ..
        } => WebError::bad_request(error.to_string()),
        _ => {
            tracing::error!(%error, "a page could not be made a file");
            WebError::Internal
        }
    }
}

/// `name` is made of digits and our own words.
fn attached(page: String, name: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
    ];
    (headers, page).into_response()
}
