//! `GET /compare` and `GET /pulls/{n}/report`: what CI, a comment and a reviewer are told.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bench_verdict::gate::{FailOn, GateOptions};
use serde::Deserialize;

use super::runs::VerdictQuery;
use crate::analysis::compare::{Comparison, markdown};
use crate::analysis::pull::report;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, WebError, sides};

/// In what form a comparison is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As JSON.
    #[default]
    Json,
    /// As the text of a comment.
    Markdown,
}

/// What is compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareQuery {
    /// A run's number, a commit or a branch.
    pub base: Option<String>,
    /// The same.
    pub head: Option<String>,
    /// The gate's threshold, as a fraction.
    pub threshold: Option<f64>,
    /// The mildest band that fails.
    pub fail_on: Option<FailOn>,
    /// The band alone decides.
    pub no_noise_guard: Option<bool>,
    /// JSON or Markdown.
    pub format: Option<Format>,
}

impl CompareQuery {
    fn options(&self) -> Result<GateOptions, WebError> {
        let query = VerdictQuery {
            threshold: self.threshold,
            fail_on: self.fail_on,
            no_noise_guard: self.no_noise_guard,
        };
        query.options()
    }
}

/// `GET /compare?base=&head=`
pub async fn compare(
    State(state): State<AppState>,
    Query(query): Query<CompareQuery>,
) -> Result<Response, WebError> {
    let options = query.options()?;
    let (Some(base), Some(head)) = (&query.base, &query.head) else {
        return Err(WebError::bad_request(
            "give base and head: a run's number, a commit or a branch each",
        ));
    };
    let (base, head) = sides::resolve(&state, base, head).await?;
    let compared = sides::compare_runs(&state, base.id, head.id, &options).await?;
    Ok(match query.format.unwrap_or_default() {
        Format::Json => Json::<&Comparison>(&compared.result.comparison).into_response(),
        Format::Markdown => as_markdown(markdown(&compared.result.comparison, &[])),
    })
}

/// How a pull request's report is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullQuery {
    /// The gate's threshold, as a fraction.
    pub threshold: Option<f64>,
    /// The mildest band that fails.
    pub fail_on: Option<FailOn>,
    /// The band alone decides.
    pub no_noise_guard: Option<bool>,
    /// JSON or Markdown.
    pub format: Option<Format>,
}

/// `GET /pulls/{n}/report`
pub async fn pull(
    State(state): State<AppState>,
    Path(number): Path<u64>,
    Query(query): Query<PullQuery>,
) -> Result<Response, WebError> {
    let options = VerdictQuery {
        threshold: query.threshold,
        fail_on: query.fail_on,
        no_noise_guard: query.no_noise_guard,
    }
    .options()?;
    let pushes = sides::pushes(&state, number, &options).await?;
    let report = report(number, &pushes.pushes, pushes.earlier)
        .ok_or_else(|| WebError::not_found("measured run of pull request", number))?;
    Ok(match query.format.unwrap_or_default() {
        Format::Json => Json(report).into_response(),
        Format::Markdown => as_markdown(report.markdown(page(&state, number).as_deref())),
    })
}

/// The address of a pull request's page, where the server knows its own.
pub(crate) fn page(state: &AppState, number: u64) -> Option<String> {
    let own = state.config.public_url.as_deref()?;
    Some(format!("{}/pulls/{number}", own.trim_end_matches('/')))
}

fn as_markdown(text: String) -> Response {
    let kind = HeaderValue::from_static("text/markdown; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
