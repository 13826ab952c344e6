//! `GET /series/{id}/epochs`: the machines and suite versions that a series was measured by, and how
//! many times larger the same code reads in each.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::view::SeriesView;
use crate::analysis::epochs::{Epoch, Part, epochs};
use crate::domain::{Millis, Series, SeriesId};
use crate::store::SeriesFilter;
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
    let store = &state.store;
    let environments = store.environments().await?;
    let key = &series.key;
    let Some(own) = environments.iter().find(|e| e.id == key.environment) else {
        return Ok(Vec::new());
    };
    let filter = SeriesFilter {
        suite: Some(key.suite.clone()),
        benchmark: Some(key.benchmark.clone()),
        metric: Some(key.metric.clone()),
        ..SeriesFilter::default()
    };
    let mut parts = Vec::new();
    for other in store.series_of(&filter).await? {
        let machine = environments.iter().find(|machine| {
            machine.id == other.key.environment
                && machine.name == own.name
                && machine.is_sample == own.is_sample
        });
        let is_same = (&other.key.params, &other.key.unit) == (&key.params, &key.unit);
        let (Some(machine), true) = (machine, is_same) else {
            continue;
        };
        let (first, last) = (Millis(i64::MIN), Millis(i64::MAX));
        let main = Some(store.main_branch());
        let mut nights = store.points(other.id, first, last, main).await?;
        nights.retain(|night| night.forms_baseline);
        parts.push(Part {
            machine: machine.clone(),
            series: other.id,
            nights,
            bridges: store.bridges(other.id).await?,
        });
    }
    Ok(epochs(&parts))
}
