//! `GET /api/v1/baselines.json`: what `check --baseline` reads.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use bench_report::metric::Unit;
use bench_report::write::baseline::{BASELINE_FORMAT, Baseline, BaselineSeries};
use serde::Deserialize;

use crate::analysis::baseline;
use crate::domain::{Environment, EnvironmentId, Millis, Point, RunId, Series, SeriesId};
use crate::store::{RunFilter, SeriesFilter, Store};
use crate::web::extract::{Instant, Query};
use crate::web::{AppState, WebError};

/// Which baselines.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselinesQuery {
    /// As of this instant; now where not given.
    pub at: Option<Instant>,
    /// Only of this machine, by number.
    pub environment: Option<i64>,
}

type Samples = HashMap<SeriesId, Vec<f64>>;

/// The baseline of every series that has one, with the raw samples behind it. Generated data has
/// none here: nothing real is ever compared with it.
pub async fn all(
    State(state): State<AppState>,
    Query(query): Query<BaselinesQuery>,
) -> Result<Json<Baseline>, WebError> {
    let store = &state.store;
    let at = query.at.map_or(state.now(), |i| i.0);
    let machines: HashMap<EnvironmentId, Environment> = store
        .environments()
        .await?
        .into_iter()
        .filter(|e| !e.is_sample && query.environment.is_none_or(|id| id == e.id.0))
        .map(|e| (e.id, e))
        .collect();
    let mut points = points(store, &machines, at).await?;
    let mut of_runs: HashMap<RunId, Samples> = HashMap::new();
    let mut newest = None;
    let mut series = Vec::new();
    for one in store.series_of(&SeriesFilter::default()).await? {
        let Some(machine) = machines.get(&one.key.environment) else {
            continue;
        };
        let points = points.remove(&one.id).unwrap_or_default();
        let found = baseline::at(&points, at);
        let Some(level) = found.baseline else {
            continue;
        };
        let mut samples = Vec::new();
        for run in &found.runs {
            if !of_runs.contains_key(run) {
                let all = store.all_samples(*run).await?;
                of_runs.insert(*run, all.into_iter().collect());
            }
            let of_run = of_runs.get(run).and_then(|all| all.get(&one.id));
            samples.extend(of_run.into_iter().flatten().copied());
        }
        newest = newest.max(
            points
                .iter()
                .rfind(|p| found.runs.contains(&p.run))
                .map(|p| (p.time, p.of.commit.clone())),
        );
        series.extend(entry(&one, machine, level, found.values, samples));
    }
    Ok(Json(Baseline {
        baseline_format: BASELINE_FORMAT,
        created_at: at.timestamp(),
        commit: newest.map(|(_, commit)| commit.to_string()),
        branch: Some(store.main_branch().to_owned()),
        series,
    }))
}

/// What the nights measured that any baseline at `at` is made of, in the order of time. Night by night:
/// there are a few nights of hundreds of series, each of which has a history of years.
async fn points(
    store: &Store,
    machines: &HashMap<EnvironmentId, Environment>,
    at: Millis,
) -> Result<HashMap<SeriesId, Vec<Point>>, WebError> {
    let nights = RunFilter {
        branch: Some(store.main_branch().to_owned()),
        since: Some(at.minus_days(baseline::DAYS)),
        before: Some((at, RunId(0))),
        limit: Some(u32::MAX),
        ..RunFilter::default()
    };
    let mut points: HashMap<SeriesId, Vec<Point>> = HashMap::new();
    for night in store.runs(&nights).await?.into_iter().rev() {
        if !machines.contains_key(&night.environment) || !night.forms_baseline(store.main_branch())
        {
            continue;
        }
        if let Some(night) = store.judged_run(night.id).await? {
            for (series, point) in night.points(store.main_branch()) {
                points.entry(series).or_default().push(point);
            }
        }
    }
    Ok(points)
}

/// A series as the file has it; none where its unit is not of this version.
fn entry(
    series: &Series,
    machine: &Environment,
    value: f64,
    runs: Vec<f64>,
    samples: Vec<f64>,
) -> Option<BaselineSeries> {
    let key = &series.key;
    Some(BaselineSeries {
        suite: key.suite.clone(),
        benchmark: key.benchmark.clone(),
        params: key.params.clone(),
        metric: key.metric.clone(),
        unit: Unit::parse(&key.unit).ok()?,
        better: series.better,
        kind: series.kind,
        environment: Some(machine.fingerprint.clone()),
        environment_name: Some(machine.name.clone()),
        value,
        runs,
        samples,
        floor: series.floor,
        target: series.target,
    })
}
