//! `/runs/{id}`: one run; while it is made, how far it is.
//!
//! # Layout
//! - here: the handler, and what it loads. `view`: what the template of a stored run shows.
//! - `facts`: its machine and its moment.
//! - `sweeps`: curves over params. `timelines`: curves over time. `live`: a run that is being executed.

mod facts;
mod live;
mod sweeps;
mod timelines;
mod view;

use axum::extract::State;
use axum::response::Html;

use self::view::RunPage;
use bench_verdict::gate::GateOptions;

use super::{Place, Reader, Shell, html};
use crate::analysis::explain::Row;
use crate::analysis::run_report::{RunInputs, run_report};
use crate::domain::{Environment, JudgedRun, Millis, Run, RunId, SeriesId};
use crate::store::RunFilter;
use crate::text;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, WebError, api};

/// How far back the run before is looked for.
const RUNS_BEFORE: u32 = 50;

/// Which rows are listed; all of it is in the URL.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct RunQuery {
    /// `all`: every measurement, not only what left its band; `whole`: all of them on one page, as a
    /// file holds them.
    show: Option<String>,
    /// Only this benchmark's.
    benchmark: Option<String>,
    /// Which page of them, from 1.
    page: Option<usize>,
    /// The series whose verdict is explained.
    open: Option<i64>,
}

/// `GET /runs/{id}`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    Path(id): Path<RunId>,
    Query(query): Query<RunQuery>,
) -> Result<Html<String>, WebError> {
    let Some(judged) = state.store.judged_run(id).await? else {
        let run = state
            .live
            .run(id)
            .ok_or_else(|| WebError::not_found("run", id))?;
        let shell = Shell::of(&state, reader, Place::Runs).await?;
        return html(&live::LivePage::new(shell, &run, state.now()));
    };
    let environments = state.store.environments().await?;
    let environment = machine_of(&judged.run, &environments);
    let before = run_before(&state, &judged, &environments).await?;
    let before_id = before.as_ref().map(|(run, _)| run.id);
    let curves = state.store.curves(id).await?;
    let files_before = match before_id {
        Some(before) => state.store.artifacts(before).await?,
        None => Vec::new(),
    };
    let profiles = super::profile::links(&state.store.artifacts(id).await?, &files_before);
    let shell = Shell::of(&state, reader, Place::Runs).await?;
    let run = judged.run.clone();
    let sweeps = sweeps::sweeps(&judged.rows);
    let report = run_report(RunInputs {
        run: judged,
        environment: environment.clone(),
        before,
    });
    html(&RunPage::new(
        shell,
        &run,
        &environment,
        &report,
        view::Extras {
            before: before_id,
            timelines: timelines::timelines(&curves),
            sweeps,
            profiles,
            notes: super::annotations::of_run(&state, &run).await?,
            opened: match query.open.map(SeriesId) {
                Some(series) => Some((series, explained(&state, id, series).await?)),
                None => None,
            },
            page: query.page.unwrap_or(1).saturating_sub(1),
            most: match query.show.as_deref() {
                Some("whole") => usize::MAX,
                _ => view::MOST_ROWS,
            },
            shows_all: matches!(query.show.as_deref(), Some("all" | "whole")),
            only: query.benchmark,
            now: state.now(),
        },
    ))
}

/// Every number behind a verdict, as rows.
async fn explained(state: &AppState, run: RunId, series: SeriesId) -> Result<Vec<Row>, WebError> {
    let explanation = api::explain::load(state, run, series, GateOptions::default()).await?;
    let mut rows = explanation.rows(|time| text::day_clock(Millis(time)));
    for row in &mut rows {
        // A reader of the page knows the words, not the letters of the rules' text.
        row.part = match row.part {
            "A" => "band",
            "B" => "evidence",
            "C" => "levels",
            "D" => "creep",
            part => part,
        };
    }
    Ok(rows)
}

/// The newest earlier run of the same suite, branch and kind on a machine of the same name.
async fn run_before(
    state: &AppState,
    judged: &JudgedRun,
    environments: &[Environment],
) -> Result<Option<(Run, Environment)>, WebError> {
    let run = &judged.run;
    let filter = RunFilter {
        kind: Some(run.kind),
        branch: run.revision.branch.clone(),
        before: Some((run.started_at, run.id)),
        limit: Some(RUNS_BEFORE),
        ..RunFilter::default()
    };
    let before = state
        .store
        .runs(&filter)
        .await?
        .into_iter()
        .find(|b| b.suite == run.suite && b.environment_name == run.environment_name);
    Ok(before.map(|run| {
        let machine = machine_of(&run, environments);
        (run, machine)
    }))
}

fn machine_of(run: &Run, environments: &[Environment]) -> Environment {
    super::environment_or_unknown(environments, run.environment)
}
