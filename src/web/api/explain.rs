//! `GET /runs/{id}/series/{series_id}/explain`: every number behind a verdict, made again.

use axum::Json;
use axum::extract::State;
use bench_verdict::gate::GateOptions;

use super::runs::VerdictQuery;
use crate::analysis::baseline;
use crate::analysis::explain::{ExplainInputs, Explanation, explain};
use crate::domain::{Point, Run, RunId, SeriesId};
use crate::jobs;
use crate::store::Epoch;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, WebError};

/// The handler.
pub async fn show(
    State(state): State<AppState>,
    Path((run, series)): Path<(RunId, SeriesId)>,
    Query(query): Query<VerdictQuery>,
) -> Result<Json<Explanation>, WebError> {
    Ok(Json(load(&state, run, series, query.options()?).await?))
}

/// The explanation of one series of a run.
pub(in crate::web) async fn load(
    state: &AppState,
    run: RunId,
    series: SeriesId,
    options: GateOptions,
) -> Result<Explanation, WebError> {
    let store = &state.store;
    let found = store.run(run).await?;
    let run = found.ok_or_else(|| WebError::not_found("run", run))?;
    let not_in_it = || WebError::not_found("series in this run", series);
    let found = store.series_by_id(series).await?.ok_or_else(not_in_it)?;
    let points = store.points_of_version(series, &run.suite_version).await?;
    let others = others(state, &run, series).await?;
    let samples = store.samples(run.id, series).await?.unwrap_or_default();
    let epoch = Epoch::from(&run);
    let inputs = ExplainInputs {
        series: found,
        points,
        others,
        samples,
        beside: jobs::beside(store, &epoch, series).await?,
        main_branch: store.main_branch().to_owned(),
        options,
        rules: store.rules().await?.rules,
        run,
    };
    // A history of years takes milliseconds: not on a thread that serves others.
    let explained = tokio::task::spawn_blocking(move || explain(inputs)).await;
    let explained = explained.map_err(|error| {
        tracing::error!(%error, "explaining a verdict failed");
        WebError::Internal
    })?;
    explained.ok_or_else(not_in_it)
}

/// The runs of the seven days before a run that form no baseline of it.
async fn others(
    state: &AppState,
    run: &Run,
    series: SeriesId,
) -> Result<Vec<(Point, Run)>, WebError> {
    /// So many are told apart; more are pull requests in a busy week.
    const MOST: usize = 50;
    let from = run.started_at.minus_days(baseline::DAYS);
    let points = state
        .store
        .points(series, from, run.started_at, None)
        .await?;
    let mut others = Vec::new();
    for point in points.into_iter().rev() {
        let forms = point.of.forms_baseline && *point.of.suite_version == *run.suite_version;
        if forms || point.run == run.id || others.len() == MOST {
            continue;
        }
        if let Some(other) = state.store.run(point.run).await? {
            others.push((point, other));
        }
    }
    others.reverse();
    Ok(others)
}
