//! Series: which there are, their points by column, their baseline.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bench_verdict::verdict::Band;
use serde::{Deserialize, Serialize};

use super::view::SeriesView;
use crate::analysis::baseline::{self, BaselineAt};
use crate::chart::thin::thin;
use crate::domain::{EnvironmentId, Millis, Point, RunId, Series, SeriesId};
use crate::store::SeriesFilter;
use crate::web::extract::{Instant, Path, Query};
use crate::web::{AppState, WebError};

/// Series.
#[derive(Debug, Serialize)]
pub struct List {
    /// In the order of benchmark, params, metric, machine.
    pub series: Vec<SeriesView>,
}

/// `GET /series?suite=&benchmark=&metric=&environment=&param.cpu=2`.
pub async fn list(
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<List>, WebError> {
    let filter = filter(pairs)?;
    let series = state.store.series_of(&filter).await?;
    Ok(Json(List {
        series: series.iter().map(|s| (&**s).into()).collect(),
    }))
}

/// What a query asks for; a key that is not known is refused, so that a typing error does not
/// answer with everything.
pub(in crate::web) fn filter(pairs: Vec<(String, String)>) -> Result<SeriesFilter, WebError> {
    let mut filter = SeriesFilter::default();
    for (key, value) in pairs {
        match key.as_str() {
            "suite" => filter.suite = Some(value),
            "benchmark" => filter.benchmark = Some(value),
            "metric" => filter.metric = Some(value),
            "environment" => {
                let id = value.parse().map_err(|_| {
                    WebError::bad_request(format!(
                        "environment is {value:?}: give its number, as /api/v1/runs shows it"
                    ))
                })?;
                filter.environment = Some(EnvironmentId(id));
            }
            param => match param.strip_prefix("param.") {
                Some(name) if !name.is_empty() => {
                    filter.params.insert(name.to_owned(), value);
                }
                _ => {
                    return Err(WebError::bad_request(format!(
                        "there is no filter {param:?}: give suite, benchmark, metric, environment or param.NAME"
                    )));
                }
            },
        }
    }
    Ok(filter)
}

/// Which points.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointsQuery {
    /// First instant; the beginning where not given.
    pub from: Option<Instant>,
    /// Last instant; now where not given.
    pub to: Option<Instant>,
    /// Only this branch; all where not given.
    pub branch: Option<String>,
    /// Thin to about so many, keeping first, lowest, highest and last of each span and every night
    /// out of its band.
    pub max_points: Option<u32>,
}

/// Points by column: entry `i` of every column is of point `i`.
#[derive(Debug, Serialize)]
pub struct Points {
    /// The series.
    pub series: SeriesView,
    /// How many points there are, thinned or not.
    pub total: usize,
    /// Milliseconds since 1970, rising.
    pub time_ms: Vec<i64>,
    /// The runs.
    pub run_id: Vec<RunId>,
    /// Published values.
    pub value: Vec<f64>,
    /// Samples of each value.
    pub samples: Vec<u32>,
    /// Means of the baseline runs; null: too few.
    pub baseline: Vec<Option<f64>>,
    /// Changes, positive being worse.
    pub change: Vec<Option<f64>>,
    /// Bands.
    pub band: Vec<Band>,
    /// Whether a run may be part of a baseline.
    pub forms_baseline: Vec<bool>,
    /// Places in `commits`.
    pub commit: Vec<u32>,
    /// Each commit once.
    pub commits: Vec<String>,
}

/// `GET /series/{id}/points`.
pub async fn points(
    State(state): State<AppState>,
    Path(id): Path<SeriesId>,
    Query(query): Query<PointsQuery>,
) -> Result<Json<Points>, WebError> {
    const LEAST: u32 = 8;
    if query.max_points.is_some_and(|most| most < LEAST) {
        return Err(WebError::bad_request(format!(
            "max_points is at least {LEAST}, what one span keeps"
        )));
    }
    let series = find(&state, id).await?;
    let from = query.from.map_or(Millis(i64::MIN), |i| i.0);
    let to = query.to.map_or(Millis(i64::MAX), |i| i.0);
    let points = state
        .store
        .points(id, from, to, query.branch.as_deref())
        .await?;
    Ok(Json(columns(&series, &points, query.max_points)))
}

pub(super) fn columns(series: &Series, points: &[Point], max_points: Option<u32>) -> Points {
    let kept = match max_points {
        Some(most) => thinned(points, most),
        None => (0..points.len()).collect(),
    };
    let mut places: BTreeMap<&str, u32> = BTreeMap::new();
    let mut commits: Vec<String> = Vec::new();
    let mut commit = Vec::with_capacity(kept.len());
    for &i in &kept {
        let hash = &*points[i].of.commit;
        let place = *places.entry(hash).or_insert_with(|| {
            commits.push(hash.to_owned());
            u32::try_from(commits.len() - 1).unwrap_or(u32::MAX)
        });
        commit.push(place);
    }
    let of = |i: &usize| &points[*i];
    Points {
        series: series.into(),
        total: points.len(),
        time_ms: kept.iter().map(|i| of(i).time.0).collect(),
        run_id: kept.iter().map(|i| of(i).run).collect(),
        value: kept.iter().map(|i| of(i).value).collect(),
        samples: kept.iter().map(|i| of(i).sample_count).collect(),
        baseline: kept.iter().map(|i| of(i).judgement.baseline).collect(),
        change: kept.iter().map(|i| of(i).judgement.change).collect(),
        band: kept.iter().map(|i| of(i).judgement.band).collect(),
        forms_baseline: kept.iter().map(|i| of(i).of.forms_baseline).collect(),
        commit,
        commits,
    }
}

/// About `most` points: a quarter as many spans, of which each keeps four.
fn thinned(points: &[Point], most: u32) -> Vec<usize> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Vec::new();
    };
    if points.len() <= usize::try_from(most).unwrap_or(usize::MAX) {
        return (0..points.len()).collect();
    }
    let span = (last.time.0 - first.time.0).max(1) as f64;
    let spans = f64::from(most / 4);
    let plane: Vec<(f64, f64)> = points
        .iter()
        .map(|p| ((p.time.0 - first.time.0) as f64 / span * spans, p.value))
        .collect();
    let is_marked = |i: usize| matches!(points[i].judgement.band, Band::Critical | Band::Warning);
    thin(&plane, 1.0, is_marked)
}

/// When.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineQuery {
    /// The instant; now where not given.
    pub at: Option<Instant>,
}

/// The baseline of a series at an instant.
#[derive(Debug, Serialize)]
pub struct BaselineAnswer {
    /// The series.
    pub series: SeriesView,
    /// What it is.
    #[serde(flatten)]
    pub baseline: BaselineAt,
}

/// `GET /series/{id}/baseline?at=`.
pub async fn baseline(
    State(state): State<AppState>,
    Path(id): Path<SeriesId>,
    Query(query): Query<BaselineQuery>,
) -> Result<Json<BaselineAnswer>, WebError> {
    let series = find(&state, id).await?;
    let at = query.at.map_or(state.now(), |i| i.0);
    let main = Some(state.store.main_branch());
    let points = state
        .store
        .points(id, at.minus_days(baseline::DAYS), at, main)
        .await?;
    Ok(Json(BaselineAnswer {
        series: (&*series).into(),
        baseline: baseline::at(&points, at),
    }))
}

async fn find(state: &AppState, id: SeriesId) -> Result<Arc<Series>, WebError> {
    let series = state.store.series_by_id(id).await?;
    series.ok_or_else(|| WebError::not_found("series", id))
}
