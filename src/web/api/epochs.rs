//! `GET /series/{id}/epochs`: the machines and suite versions that a series was measured by, and how
//! many times larger the same code reads in each.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::view::SeriesView;
use crate::analysis::epochs::{Epoch, epochs};
use crate::domain::{Series, SeriesId};
use crate::jobs::bridge;
use crate::web::extract::Path;
use crate::web::{AppState, WebError};

/// The epochs of a series.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The series.
    pub series: SeriesView,
    /// In the order of time, of all machines of its machine's name.
    pub epochs: Vec<Epoch>,
}

/// The handler.
pub async fn show(
    State(state): State<AppState>,
    Path(id): Path<SeriesId>,
) -> Result<Json<Answer>, WebError> {
    let series = state.store.series_by_id(id).await?;
    let series = series.ok_or_else(|| WebError::not_found("series", id))?;
    Ok(Json(Answer {
        series: (&*series).into(),
        epochs: load(&state, &series).await?,
    }))
}

/// The epochs of a series on all machines of its machine's name: one that was set up anew is
/// another machine with the same name.
pub(in crate::web) async fn load(
    state: &AppState,
    series: &Series,
) -> Result<Vec<Epoch>, WebError> {
    let machines = state.store.environments().await?;
    let parts = bridge::parts(&state.store, series, &machines).await?;
    Ok(epochs(&parts))
}
