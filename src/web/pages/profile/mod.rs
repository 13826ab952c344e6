//! `/runs/{id}/profile/{n}`: a profile of a run as a flame graph, alone or against another run's.
//!
//! # Layout
//! - here: the handler, and what it loads. `view`: what the template shows.

mod view;

use axum::extract::State;
use axum::response::Html;
use bench_report::report::ArtifactKind;
use bench_report::write::flame::{Stacks, StacksError};

use self::view::{ProfilePage, Shown};
use super::{Place, Reader, Shell, html};
use crate::domain::{Artifact, Run, RunId};
use crate::web::api::artifacts::not_found;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, WebError};

pub(crate) use view::{ProfileLink, links};

/// Other runs that are offered for a comparison.
const OFFERED: u32 = 8;

/// What of the profile is looked at; all of it is in the URL.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct ProfileQuery {
    /// Key of the frame that fills the width.
    frame: Option<String>,
    /// The run that it is compared with.
    against: Option<RunId>,
}

/// `GET /runs/{id}/profile/{n}`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    Path((id, n)): Path<(RunId, u32)>,
    Query(query): Query<ProfileQuery>,
) -> Result<Html<String>, WebError> {
    let run = state.store.run(id).await?;
    let run = run.ok_or_else(|| WebError::not_found("run", id))?;
    let artifact = state.store.artifacts(id).await?;
    let artifact = artifact.into_iter().find(|file| file.ordinal == n);
    let artifact = artifact.ok_or_else(|| not_found(id, n))?;
    if !is_stacks(&artifact) {
        return Err(WebError::not_found(
            "flame graph",
            format_args!(
                "of file {n} of run {id}: it is a {}, to be had at /runs/{id}/artifacts/{n}",
                artifact.kind
            ),
        ));
    }
    let data = bytes(&state, id, n).await?;
    let against = match query.against {
        Some(other) => Some(other_side(&state, other, &artifact).await?),
        None => None,
    };
    let others = state
        .store
        .runs_with_file(&artifact.name, &artifact.kind, id, OFFERED)
        .await?;
    let shell = Shell::of(&state, reader, Place::Runs).await?;
    let now = state.now();
    // Reading some megabytes of stacks takes a while in which others want to be served.
    let page = tokio::task::spawn_blocking(move || {
        let stacks = match &against {
            Some((_, other)) => Stacks::read_pair(&data, other),
            None => Stacks::read(&data),
        }?;
        let shown = Shown {
            run,
            artifact,
            against: against.map(|(run, _)| run),
            others,
            frame: query.frame,
            now,
        };
        Ok::<_, StacksError>(ProfilePage::new(shell, &stacks, &shown))
    })
    .await
    .map_err(|error| {
        tracing::error!(%error, "a flame graph could not be drawn");
        WebError::Internal
    })?
    .map_err(|error| {
        WebError::bad_request(format!(
            "the stacks of this profile do not read: {error}; the file itself is at /runs/{id}/artifacts/{n}"
        ))
    })?;
    html(&page)
}

/// The other run's profile of the same sort.
async fn other_side(
    state: &AppState,
    id: RunId,
    own: &Artifact,
) -> Result<(Run, Vec<u8>), WebError> {
    let run = state.store.run(id).await?;
    let run = run.ok_or_else(|| WebError::not_found("run", id))?;
    let files = state.store.artifacts(id).await?;
    let same = |file: &&Artifact| file.kind == own.kind && file.name == own.name;
    // Of the same benchmark, where it has one of it.
    let other = files
        .iter()
        .filter(same)
        .max_by_key(|file| file.benchmark == own.benchmark)
        .ok_or_else(|| {
            WebError::not_found(
                "profile",
                format_args!("{} ({}) of run {id} to compare with", own.name, own.kind),
            )
        })?;
    Ok((run, bytes(state, id, other.ordinal).await?))
}

async fn bytes(state: &AppState, run: RunId, n: u32) -> Result<Vec<u8>, WebError> {
    let artifact = state.store.artifact(run, n).await?;
    artifact
        .map(|(_, bytes)| bytes)
        .ok_or_else(|| not_found(run, n))
}

/// Whether a file is folded stacks.
pub(super) fn is_stacks(file: &Artifact) -> bool {
    use ArtifactKind::{CpuStacks, HeapStacks, LockStacks};
    matches!(
        ArtifactKind::parse(&file.kind),
        Some(CpuStacks | HeapStacks | LockStacks)
    )
}
