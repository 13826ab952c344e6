//! Paths and queries that fail in our words.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};

use super::WebError;

/// As axum's, with a 404 for what does not read as a path of ours.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(AxumPath), rejection(WebError))]
pub struct Path<T>(pub T);

/// As axum's, with a 400 that says what is wrong.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(AxumQuery), rejection(WebError))]
pub struct Query<T>(pub T);

impl From<PathRejection> for WebError {
    fn from(rejection: PathRejection) -> Self {
        Self::not_found("page", format_args!("here: {}", rejection.body_text()))
    }
}

impl From<QueryRejection> for WebError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}
