//! The files of a run, as they were uploaded. They may come from anyone who may upload, so that the
//! answer says by the file's kind what it is, and a browser is told to keep it, not to show it.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use bench_report::report::ArtifactKind;

use crate::domain::RunId;
use crate::web::extract::Path;
use crate::web::{AppState, WebError};

/// No script, no style, no frame, no form: whatever a browser makes of it, it can do nothing.
const SANDBOX: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// `GET /runs/{id}/artifacts/{n}`: the run's `n`th file, from 0.
pub async fn show(
    State(state): State<AppState>,
    Path((run, n)): Path<(RunId, u32)>,
) -> Result<(HeaderMap, Vec<u8>), WebError> {
    let artifact = state.store.artifact(run, n).await?;
    let (kind, bytes) = artifact.ok_or_else(|| not_found(run, n))?;
    let (media_type, ending) = served_as(ArtifactKind::parse(&kind));
    let name = format!("attachment; filename=\"run-{run}-{n}.{ending}\"");
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(SANDBOX),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // Only digits and our own words: it is always a valid header.
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok((headers, bytes))
}

/// 404: no such file.
pub(crate) fn not_found(run: RunId, n: u32) -> WebError {
    WebError::not_found("file", format_args!("{n} of run {run}"))
}

/// Media type and ending by kind; a kind of a later version is bytes.
fn served_as(kind: Option<ArtifactKind>) -> (&'static str, &'static str) {
    match kind {
        Some(ArtifactKind::CpuStacks | ArtifactKind::HeapStacks | ArtifactKind::LockStacks) => {
            ("text/plain; charset=utf-8", "folded")
        }
        Some(ArtifactKind::Trace) => ("application/json", "json"),
        Some(ArtifactKind::Text) => ("text/plain; charset=utf-8", "txt"),
        Some(ArtifactKind::Pprof) => ("application/octet-stream", "pb"),
        None => ("application/octet-stream", "bin"),
    }
}
