//! What went wrong: problem JSON (RFC 9457) for programs, a page for people.
//!
//! What the caller did wrong is told word for word; what we did wrong is logged once and told as a
//! fixed sentence.

use askama::Template;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use super::pages::{Place, Shell};
use crate::ingest::{IngestError, Problem as Unbelievable, Refusals};
use crate::store::StoreError;

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The caller's doing.
    #[error("{detail}")]
    Refused {
        /// What the answer says in its first line.
        status: StatusCode,
        /// The thing, the value, the limit, and what to do.
        detail: String,
        /// Where in the body, as a JSON pointer.
        pointer: Option<String>,
        /// In how many seconds to try again.
        retry_after: Option<u32>,
    },
    /// A report that reads and is refused.
    #[error(transparent)]
    Invalid(Refusals),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else of ours failed, and was logged.
    #[error("internal error")]
    Internal,
}

impl WebError {
    /// 404: no such `what`.
    pub fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Self::refused(StatusCode::NOT_FOUND, format!("there is no {what} {id}"))
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: who is calling is not known.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: who is calling may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::FORBIDDEN, detail)
    }

    /// 405: the path is there and takes another method.
    pub fn wrong_method(method: &Method, path: &str) -> Self {
        Self::refused(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("{path} takes no {method}"),
        )
    }

    /// 409: something else is there already.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::CONFLICT, detail)
    }

    /// 413: more than the limit.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 415: a media type or encoding that is not taken.
    pub fn unsupported_media(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 421: a host name that is not ours.
    pub fn misdirected(host: &str) -> Self {
        Self::refused(
            StatusCode::MISDIRECTED_REQUEST,
            format!(
                "host {host:?} is neither loopback nor this server's public address: start it with --public-url"
            ),
        )
    }

    /// 422: the body reads, and what stands at `pointer` is refused.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Refused {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: detail.into(),
            pointer: Some(pointer.into()),
            retry_after: None,
        }
    }

    /// 429: too often.
    pub fn too_many(detail: impl Into<String>, retry_after: u32) -> Self {
        Self::Refused {
            status: StatusCode::TOO_MANY_REQUESTS,
            detail: detail.into(),
            pointer: None,
            retry_after: Some(retry_after),
        }
    }

    /// 503: too much at once.
    pub fn busy(detail: impl Into<String>, retry_after: u32) -> Self {
        Self::Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            detail: detail.into(),
            pointer: None,
            retry_after: Some(retry_after),
        }
    }

    fn refused(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Refused {
            status,
            detail: detail.into(),
            pointer: None,
            retry_after: None,
        }
    }

    fn problem(&self) -> Problem {
        match self {
            Self::Refused {
                status,
                detail,
                pointer,
                ..
            } => Problem {
                pointer: pointer.clone(),
                ..Problem::new(*status, detail.clone())
            },
            Self::Invalid(refusals) => {
                let first = refusals.first();
                let status = match &first.problem {
                    Unbelievable::Json(e) if e.is_syntax() || e.is_eof() => StatusCode::BAD_REQUEST,
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                };
                let mut problem = Problem::new(status, first.to_string());
                problem.pointer = Some(first.pointer.clone());
                problem.errors = refusals
                    .iter()
                    .map(|r| Wrong {
                        pointer: r.pointer.clone(),
                        detail: r.problem.to_string(),
                    })
                    .collect();
                problem
            }
            Self::Store(_) | Self::Internal => Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "this server failed; its log says why".to_owned(),
            ),
        }
    }
}

impl From<IngestError> for WebError {
    fn from(error: IngestError) -> Self {
        let detail = error.to_string();
        match error {
            IngestError::Encoding(_) => Self::unsupported_media(detail),
            IngestError::Undecodable { .. } => Self::bad_request(detail),
            IngestError::WireTooLong | IngestError::DecodedTooLong => Self::too_large(detail),
            IngestError::Refused(refusals) => Self::Invalid(refusals),
            IngestError::NoPair(_) => Self::refused(StatusCode::UNPROCESSABLE_ENTITY, detail),
        }
    }
}

/// An error as RFC 9457 has it. It also travels in a response's extensions, for [`as_page`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Nothing more than the status says.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The status.
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// Where in the body the first thing is that is wrong, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// All that is wrong with the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Wrong>,
}

/// One thing that is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// Where, as a JSON pointer; empty for the whole.
    pub pointer: String,
    /// What, and what to do.
    pub detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: String) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail,
            pointer: None,
            errors: Vec::new(),
        }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            let error: &dyn std::error::Error = error;
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            tracing::error!(error = %error, %cause, "the store failed");
        }
        let problem = self.problem();
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Self::Refused {
            retry_after: Some(seconds),
            ..
        } = self
        {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(problem);
        response
    }
}

/// Shows a problem as a page; other answers stay as they are.
pub(super) async fn as_page(mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let page = ErrorPage {
        shell: Shell::bare(Place::Elsewhere),
        problem: &problem,
    };
    let Ok(html) = page.render() else {
        return response;
    };
    let status = response.status();
    (status, Html(html)).into_response()
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    shell: Shell,
    problem: &'a Problem,
}
