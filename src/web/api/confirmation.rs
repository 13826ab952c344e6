//! `POST /api/v1/runs/{id}/confirmation`: pairs measured on the night of a run. `GET
//! /api/v1/canary`: what became of each night's planted slowdown.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bench_report::metric::Params;
use bench_verdict::gate::GateOptions;
use serde::{Deserialize, Serialize};

use super::body;
use crate::analysis;
use crate::analysis::confirmation::Answer;
use crate::domain::confirmation::{Confirmation, Purpose};
use crate::domain::{EnvironmentId, JudgedRun, Millis, RunId, RunKind};
use crate::store::Outcome;
use crate::web::auth::{Caller, may_send, require_upload};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, WebError};
use crate::{ingest, jobs};

/// 201 for new pairs, 200 for the same again, 409 for other pairs with their key.
pub async fn create(
    State(state): State<AppState>,
    Path(id): Path<RunId>,
    caller: Caller,
    request: Request,
) -> Result<Response, WebError> {
    let (parts, content) = request.into_parts();
    require_upload(&caller, &parts.headers, &state).await?;
    let now = state.now();
    let read = move |bytes| ingest::read_confirmation(bytes, now.timestamp());
    let (new, turn) = state.uploads.take(&parts.headers, content, read).await?;
    let run = find(&state, id).await?;
    // Pairs speak for the run: who may not send it may not confirm it.
    may_send(&caller, run.run.kind)?;
    if run.run.kind != RunKind::Nightly && run.run.kind != RunKind::Sample {
        return Err(WebError::invalid(
            "",
            format!(
                "run {id} is of kind {}: only nightly runs are confirmed",
                run.run.kind
            ),
        ));
    }
    if new.head_commit != run.run.revision.commit {
        return Err(WebError::invalid(
            "/head/revision/commit",
            format!(
                "the head is {} and run {id} is of {}: measure the revision of the run",
                new.head_commit, run.run.revision.commit
            ),
        ));
    }
    let key = new.pair_key.clone();
    let (store, judge, stop) = (
        state.store.clone(),
        state.pair_judge,
        state.shutdown.clone(),
    );
    let taken = body::store(async move {
        let taken = jobs::confirm::confirm(&store, &run, &new, judge, now, &stop).await;
        drop(turn);
        taken
    })
    .await??;
    let whole_epoch = taken.whole_epoch;
    tracing::info!(run_id = id.0, outcome = ?taken.outcome, whole_epoch, "pairs taken");
    let status = match taken.outcome {
        Outcome::New => StatusCode::CREATED,
        Outcome::Same => StatusCode::OK,
        Outcome::Conflict => {
            return Err(WebError::conflict(format!(
                "the pair {key} is here with other figures: a pair is never changed, give new pairs their own key"
            )));
        }
    };
    // What pairs confirm is an alert tonight, and its issue is not left to the next upload.
    state.jobs.wake();
    let run = find(&state, id).await?;
    let newest = run.proofs.paired.iter().map(|one| one.confirmation).max();
    let series = run
        .proofs
        .paired
        .iter()
        .filter(|one| Some(one.confirmation) == newest);
    let answered = series.filter_map(|one| {
        let row = run.rows.iter().find(|row| row.series.id == one.series)?;
        Some(analysis::confirmation::answered(&row.series, one.numbers))
    });
    let answer = Answer {
        series: answered.collect(),
        verdict: analysis::verdict::of_run(&run, &GateOptions::default()),
    };
    Ok((status, Json(answer)).into_response())
}

async fn find(state: &AppState, id: RunId) -> Result<JudgedRun, WebError> {
    let run = state.store.judged_run(id).await?;
    run.ok_or_else(|| WebError::not_found("run", id))
}

/// Which canaries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryQuery {
    /// The machine, by number.
    environment: i64,
    /// How many nights, 1 to 1,000; 100 where not given.
    nights: Option<u32>,
}

/// What became of each night's planted slowdown, and of its equal sides.
#[derive(Debug, Serialize)]
pub struct Canaries {
    /// Oldest first.
    pub turns: Vec<Turn>,
}

/// One series of one night's canary.
#[derive(Debug, Serialize)]
pub struct Turn {
    /// The night's run.
    pub run_id: RunId,
    /// Its time.
    pub at: Millis,
    /// The series.
    pub series_id: crate::domain::SeriesId,
    /// Benchmark name.
    pub benchmark: String,
    /// Its dimensions.
    pub params: Params,
    /// Metric name.
    pub metric: String,
    /// What was planted; null where both sides were equal.
    pub planted: Option<String>,
    /// Head against base, as a fraction; positive is worse.
    pub change: f64,
    /// Ends of the range of two standard errors about it.
    pub interval: [f64; 2],
    /// Whether it went as it must.
    pub right: bool,
    /// The pairs judged.
    #[serde(flatten)]
    pub numbers: Confirmation,
}

/// `GET /canary?environment=`.
pub async fn canary(
    State(state): State<AppState>,
    Query(query): Query<CanaryQuery>,
) -> Result<Json<Canaries>, WebError> {
    const MOST: u32 = 1_000;
    let nights = query.nights.unwrap_or(100);
    if !(1..=MOST).contains(&nights) {
        return Err(WebError::bad_request(format!(
            "nights is {nights}: give 1 to {MOST}"
        )));
    }
    let turns = turns(&state, EnvironmentId(query.environment), nights).await?;
    Ok(Json(Canaries { turns }))
}

/// The canaries of the last nights of a machine, oldest first, each series once a night.
pub async fn turns(
    state: &AppState,
    environment: EnvironmentId,
    nights: u32,
) -> Result<Vec<Turn>, WebError> {
    let all = state.store.canary_turns(environment, nights).await?;
    let mut turns: Vec<Turn> = Vec::new();
    for one in all {
        let Some(series) = state.store.series_by_id(one.paired.series).await? else {
            continue;
        };
        let numbers = one.paired.numbers;
        let size = |log_ratio: f64| {
            let numbers = Confirmation {
                log_ratio,
                ..numbers
            };
            analysis::confirmation::change(series.better, &numbers)
        };
        let (low, high) = (
            size(numbers.log_ratio - 2.0 * numbers.error),
            size(numbers.log_ratio + 2.0 * numbers.error),
        );
        let turn = Turn {
            run_id: one.run,
            at: one.at,
            series_id: series.id,
            benchmark: series.key.benchmark.clone(),
            params: series.key.params.clone(),
            metric: series.key.metric.clone(),
            planted: one.paired.planted.clone(),
            change: size(numbers.log_ratio),
            interval: [low.min(high), low.max(high)],
            right: analysis::confirmation::is_right(series.better, &one.paired),
            numbers,
        };
        debug_assert!(one.paired.purpose != Purpose::Confirm);
        // More pairs of the same night take the place of fewer.
        let same = turns.iter().position(|own| {
            own.run_id == turn.run_id
                && own.series_id == turn.series_id
                && own.planted.is_some() == turn.planted.is_some()
        });
        match same {
            Some(at) if turns[at].numbers.pairs <= numbers.pairs => turns[at] = turn,
            Some(_) => {}
            None => turns.push(turn),
        }
    }
    Ok(turns)
}
