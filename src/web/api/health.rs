//! Whether the server lives and can answer.

use axum::extract::State;

use crate::web::{AppState, WebError};

/// The process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answers, too.
pub async fn readyz(State(state): State<AppState>) -> Result<&'static str, WebError> {
    state.store.ping().await?;
    Ok("ready\n")
}
