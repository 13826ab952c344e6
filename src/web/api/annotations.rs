//! `GET` and `POST /annotations`, `PATCH` and `DELETE /annotations/{id}`: what people write at a point
//! or a time.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::body::read_json;
use crate::domain::alert::Annotation;
use crate::domain::{AnnotationId, Millis, RunId, Scope, SeriesId};
use crate::ingest::limits::TEXT_BYTES;
use crate::store::NewAnnotation;
use crate::web::auth::Caller;
use crate::web::extract::{Instant, Path, Query};
use crate::web::{AppState, WebError};

/// Which annotations to list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Those of this series and those of all series.
    pub series: Option<i64>,
    /// Only this time or later.
    pub from: Option<Instant>,
    /// Only this time or earlier.
    pub to: Option<Instant>,
}

/// Annotations, in the order of time.
#[derive(Debug, Serialize)]
pub struct List {
    /// The annotations.
    pub annotations: Vec<AnnotationView>,
}

/// An annotation.
#[derive(Debug, Serialize)]
pub struct AnnotationView {
    /// Its number.
    pub annotation_id: AnnotationId,
    /// The moment that it is about.
    pub at: Timestamp,
    /// Its series; null: all.
    pub series_id: Option<SeriesId>,
    /// The run, where it is about one.
    pub run_id: Option<RunId>,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub who: String,
    /// When.
    pub created_at: Timestamp,
}

/// `GET /annotations`.
pub async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List>, WebError> {
    let from = query.from.map_or(Millis(i64::MIN), |instant| instant.0);
    let to = query.to.map_or(Millis(i64::MAX), |instant| instant.0);
    let series = query.series.map(SeriesId);
    let found = state.store.annotations(series, from, to).await?;
    Ok(Json(List {
        annotations: found.into_iter().map(Into::into).collect(),
    }))
}

/// What somebody writes, and where.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Add {
    /// The moment; absent: the run's time, else now.
    pub(in crate::web) at: Option<Timestamp>,
    pub(in crate::web) series_id: Option<SeriesId>,
    pub(in crate::web) run_id: Option<RunId>,
    pub(in crate::web) text: String,
}

/// `POST /annotations`.
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<AnnotationView>), WebError> {
    caller.require(Scope::Triage)?;
    let added = keep(&state, &caller, read_json(request).await?).await?;
    Ok((StatusCode::CREATED, Json(added.into())))
}

/// Writes down what the API or a form sends.
pub(in crate::web) async fn keep(
    state: &AppState,
    caller: &Caller,
    add: Add,
) -> Result<Annotation, WebError> {
    let text = checked(&add.text)?;
    if let Some(series) = add.series_id
        && state.store.series_by_id(series).await?.is_none()
    {
        return Err(WebError::invalid(
            "/series_id",
            format!("there is no series {series}"),
        ));
    }
    let run = match add.run_id {
        Some(run) => {
            let found = state.store.run(run).await?;
            let no_run = || WebError::invalid("/run_id", format!("there is no run {run}"));
            Some(found.ok_or_else(no_run)?)
        }
        None => None,
    };
    let now = state.now();
    let of_run = run.as_ref().map_or(now, |run| run.started_at);
    let new = NewAnnotation {
        at: add.at.map_or(of_run, Into::into),
        series: add.series_id,
        run: add.run_id,
        text: text.to_owned(),
    };
    Ok(state.store.annotate(&new, &caller.name(), now).await?)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Correct {
    text: String,
}

/// `PATCH /annotations/{id}`: another text.
pub async fn correct(
    State(state): State<AppState>,
    Path(id): Path<AnnotationId>,
    caller: Caller,
    request: Request,
) -> Result<Json<AnnotationView>, WebError> {
    caller.require(Scope::Triage)?;
    let Correct { text } = read_json(request).await?;
    Ok(Json(reword(&state, &caller, id, &text).await?.into()))
}

/// Gives an annotation another text.
pub(in crate::web) async fn reword(
    state: &AppState,
    caller: &Caller,
    id: AnnotationId,
    text: &str,
) -> Result<Annotation, WebError> {
    let (text, who, now) = (checked(text)?, caller.name(), state.now());
    let corrected = state.store.correct_annotation(id, text, &who, now).await?;
    corrected.ok_or_else(|| WebError::not_found("annotation", id))
}

/// `DELETE /annotations/{id}`.
pub async fn delete(
    State(state): State<AppState>,
    Path(id): Path<AnnotationId>,
    caller: Caller,
) -> Result<StatusCode, WebError> {
    caller.require(Scope::Triage)?;
    remove(&state, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an annotation away.
pub(in crate::web) async fn remove(
    state: &AppState,
    caller: &Caller,
    id: AnnotationId,
) -> Result<(), WebError> {
    let who = caller.name();
    if state.store.delete_annotation(id, &who, state.now()).await? {
        return Ok(());
    }
    Err(WebError::not_found("annotation", id))
}

/// The text without the blanks around it, if it is one.
fn checked(text: &str) -> Result<&str, WebError> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_BYTES {
        return Err(WebError::invalid(
            "/text",
            format!(
                "an annotation has 1 to {TEXT_BYTES} bytes of text, and this has {}",
                text.len()
            ),
        ));
    }
    Ok(text)
}

impl From<Annotation> for AnnotationView {
    fn from(annotation: Annotation) -> Self {
        Self {
            annotation_id: annotation.id,
            at: annotation.at.timestamp(),
            series_id: annotation.series,
            run_id: annotation.run,
            text: annotation.text,
            who: annotation.who,
            created_at: annotation.created_at.timestamp(),
        }
    }
}
