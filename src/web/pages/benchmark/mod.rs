//! `/benchmarks/{name}`: the trend of each metric, its params side by side, its scaling.
//!
//! # Layout
//! - here: the handler, and what it loads. [`query`]: the state in the URL.
//! - `choice`: which series a view means. `view`: what the template shows.
//! - `pair`: two nights, for `scaling`, the curves over params, and `distribution`, what was
//!   recorded. `noise`: what can be seen of the series. `alerts`: what its series were in.

mod alerts;
mod choice;
mod distribution;
mod noise;
mod pair;
pub mod query;
mod scaling;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bench_report::metric::Scale;
use futures::future::try_join_all;

use self::choice::Choice;
use self::pair::Pair;
use self::query::{Range, View};
use self::view::BenchmarkPage;
use super::figure::{TrendFigure, points_json};
use super::{Place, Reader, Shell, html, value};
use crate::analysis::epochs;
use crate::analysis::history::{EventKind, History, HistoryInputs, build};
use crate::analysis::noise::{NoiseCard, noise_card};
use crate::domain::alert::Alert;
use crate::domain::time::DAY_MS;
use crate::domain::{Environment, EnvironmentId, Millis, Point, Run, Series, SeriesId};
use crate::store::{AlertFilter, SeriesFilter};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, WebError, api};

/// Small multiples show this many days at most: what is older has no room on 183 pixels.
const MULTIPLES_DAYS: i64 = 365;

/// A param with more values than this has its small multiples cut, and says so.
const MOST_MULTIPLES: usize = 10;

/// `GET /benchmarks/{name}`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    Path(name): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let mut view = View::read(&pairs)?;
    let filter = SeriesFilter {
        benchmark: Some(name.clone()),
        ..SeriesFilter::default()
    };
    let all = state.store.series_of(&filter).await?;
    let environments = state.store.environments().await?;
    if view.environment.is_none() {
        view.environment = machine_with_nights(&state, &view, &all, &environments).await?;
    }
    let worst = worst_of_tonight(&state, &view, &name, &all, &environments).await?;
    let choice = Choice::make(&view, &all, &environments, worst)
        .ok_or_else(|| WebError::not_found("benchmark", &name))?;
    let mut history = history_of(&state, &view, &choice, &environments).await?;
    // Never an empty chart when there is something to show one link away.
    let mut widened = None;
    if history.points.is_empty() && !matches!(view.range, Range::Between(..)) {
        for range in [view.range, Range::All] {
            let wider = View {
                all_branches: true,
                range,
                ..view.clone()
            };
            let found = history_of(&state, &wider, &choice, &environments).await?;
            if !found.points.is_empty() {
                widened = Some(if range == view.range {
                    "There is no run of main here; shown are the runs of all branches."
                } else {
                    "There is no run of main in this range; shown are all runs there are."
                });
                (history, view) = (found, wider);
                break;
            }
        }
    }
    let scale = value::scale(
        &choice.series.key.unit,
        history.points.iter().map(|p| p.value),
    );
    if view.wants_points {
        let body = points_json(&history, scale, (view.x, view.y));
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        return Ok((headers, body).into_response());
    }
    let mut loaded = load(&state, &view, choice, history, scale).await?;
    loaded.widened = widened;
    let shell = Shell::of(&state, reader, Place::Trends).await?;
    Ok(html(&BenchmarkPage::new(
        shell,
        &name,
        &view,
        &loaded,
        state.now(),
    ))?
    .into_response())
}

/// All that the page is made from.
struct Loaded {
    choice: Choice,
    history: History,
    scale: Scale,
    /// The last 8 nights of each series of [`Choice::companions`].
    recent: BTreeMap<SeriesId, Vec<Point>>,
    /// The histories of one param's values, the others fixed: param, then value and history.
    multiples: Option<(String, Vec<(String, History)>)>,
    /// How many values `multiples` leaves out.
    multiples_left_out: usize,
    /// Two nights beside each other; none without any.
    pair: Option<Pair>,
    /// What can be seen of the series; none with too few nights.
    noise: Option<NoiseCard>,
    /// The alerts that a series of this benchmark is in, on this machine.
    alerts: Vec<Alert>,
    /// The run of the newest night shown.
    newest: Option<Run>,
    /// What was shown instead of nothing.
    widened: Option<&'static str>,
    /// What it measures, in the suite's own words; empty for what this suite does not know.
    description: String,
}

/// The machine that the page opens on: of those with nights of main, the one heard on the last day,
/// real before sample; `None` where no machine has a night.
async fn machine_with_nights(
    state: &AppState,
    view: &View,
    all: &[Arc<Series>],
    environments: &[Environment],
) -> Result<Option<EnvironmentId>, WebError> {
    let mut with_nights = Vec::new();
    for machine in environments_of(all, environments) {
        if state.store.latest_main_run(machine.id).await?.is_some() {
            with_nights.push(machine.clone());
        }
    }
    Ok(match with_nights.is_empty() {
        true => None,
        false => choice::environment_of(view, all, &with_nights),
    })
}

/// Where the view leaves open which series it means: the worst of the newest night.
async fn worst_of_tonight(
    state: &AppState,
    view: &View,
    name: &str,
    all: &[Arc<Series>],
    environments: &[Environment],
) -> Result<Option<SeriesId>, WebError> {
    if view.metric.is_some() {
        return Ok(None);
    }
    let Some(environment) = choice::environment_of(view, all, environments) else {
        return Ok(None);
    };
    let Some(run) = state.store.latest_main_run(environment).await? else {
        return Ok(None);
    };
    let judged = state.store.judged_run(run.id).await?;
    Ok(judged.and_then(|judged| {
        judged
            .rows
            .into_iter()
            .filter(|row| row.series.key.benchmark == name)
            .filter(|row| crate::analysis::order::left_band(&row.judgement))
            .min_by(crate::analysis::order::worst_first)
            .map(|row| row.series.id)
    }))
}

async fn history_of(
    state: &AppState,
    view: &View,
    choice: &Choice,
    environments: &[Environment],
) -> Result<History, WebError> {
    let (from, to) = view.span(state.now());
    let branch = branch(state, view);
    let mut points = state
        .store
        .points(choice.series.id, from, to, branch.as_deref())
        .await?;
    let mut earlier = Vec::new();
    for (machine, id) in choice.earlier_machines(environments) {
        let of_machine = state.store.points(id, from, to, branch.as_deref()).await?;
        if !of_machine.is_empty() {
            earlier.push((machine, of_machine));
        }
    }
    points.retain(|p| p.value.is_finite());
    let first = points
        .iter()
        .chain(earlier.iter().flat_map(|(_, p)| p))
        .map(|p| p.time)
        .min();
    let last = points
        .iter()
        .chain(earlier.iter().flat_map(|(_, p)| p))
        .map(|p| p.time)
        .max();
    let (from, to) = shown_span(view.range, (from, to), first, last);
    let environment = choice.environment(environments);
    let notes = state
        .store
        .annotations(Some(choice.series.id), from, to)
        .await?;
    let mut history = build(HistoryInputs {
        series: (*choice.series).clone(),
        environment,
        points,
        earlier,
        from,
        to,
    });
    history.annotate(&notes);
    if history.events.iter().any(|e| e.kind == EventKind::Epoch) {
        let known = api::epochs::load(state, &choice.series).await?;
        epochs::label(&mut history, &known);
    }
    Ok(history)
}

/// The ends of the x axis. It does not begin before the first night, nor end long after the last:
/// an axis of nothing tells nothing. It ends at the present where nights are missing by now.
fn shown_span(
    range: Range,
    (from, to): (Millis, Millis),
    first: Option<Millis>,
    last: Option<Millis>,
) -> (Millis, Millis) {
    let (Some(first), Some(last)) = (first, last) else {
        return (from, to);
    };
    let is_fresh = to.0.saturating_sub(last.0) <= 3 * DAY_MS / 2;
    let to = match range {
        Range::Between(..) => last,
        _ if is_fresh => last,
        Range::All => last,
        Range::Days(_) => to,
    };
    let from = from.max(first);
    (from.min(to), to)
}

/// The branch whose runs are shown; none: all.
fn branch(state: &AppState, view: &View) -> Option<String> {
    (!view.all_branches).then(|| state.store.main_branch().to_owned())
}

async fn load(
    state: &AppState,
    view: &View,
    choice: Choice,
    history: History,
    scale: Scale,
) -> Result<Loaded, WebError> {
    let store = &state.store;
    let at = history.points.last().map_or(history.to, |p| p.time);
    let ids: Vec<SeriesId> = choice.companions().iter().map(|s| s.id).collect();
    let recent = store
        .recent_points(&ids, at, 8)
        .await?
        .into_iter()
        .collect();
    let mut multiples = None;
    let mut multiples_left_out = 0;
    if let Some((param, values)) = choice.widest_param() {
        multiples_left_out = values.len().saturating_sub(MOST_MULTIPLES);
        let from = history.from.max(history.to.minus_days(MULTIPLES_DAYS));
        let branch = branch(state, view);
        let values: Vec<_> = values.into_iter().take(MOST_MULTIPLES).collect();
        let points = values
            .iter()
            .map(|(_, series)| store.points(series.id, from, history.to, branch.as_deref()));
        let points = try_join_all(points).await?;
        let notes = store.annotations(None, from, history.to).await?;
        let histories = values
            .into_iter()
            .zip(points)
            .map(|((value, series), points)| {
                let inputs = HistoryInputs {
                    environment: choice.machine.clone(),
                    earlier: Vec::new(),
                    series: (*series).clone(),
                    points,
                    from,
                    to: history.to,
                };
                let mut history = build(inputs);
                history.annotate(&notes);
                (value, history)
            })
            .collect();
        multiples = Some((param, histories));
    }
    let newest = match history.points.last() {
        Some(point) => store.run(point.run).await?,
        None => None,
    };
    let pair = Pair::load(state, view, &choice, &history).await?;
    let of_machine = AlertFilter {
        environment: Some(choice.machine.id),
        ..AlertFilter::default()
    };
    let mut alerts = store.alerts(&of_machine).await?;
    alerts.retain(|alert| {
        let mut own = alert.series.iter();
        own.any(|one| choice.all.iter().any(|s| s.id == one.series))
    });
    let noise = noise_of(state, &choice, &history).await?;
    Ok(Loaded {
        pair,
        noise,
        alerts,
        history,
        scale,
        recent,
        multiples,
        multiples_left_out,
        newest,
        widened: None,
        description: state
            .descriptions
            .get(&choice.series.key.benchmark)
            .cloned()
            .unwrap_or_default(),
        choice,
    })
}

/// The noise of the last half year, whatever the reader looks at.
async fn noise_of(
    state: &AppState,
    choice: &Choice,
    shown: &History,
) -> Result<Option<NoiseCard>, WebError> {
    /// Nights that the rule looks back on.
    const NIGHTS: u32 = 171;
    let id = choice.series.id;
    let recent = state
        .store
        .recent_points(&[id], state.now(), NIGHTS)
        .await?;
    let points: Vec<Point> = recent.into_iter().flat_map(|(_, points)| points).collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Ok(None);
    };
    let samples = state.store.samples(last.run, id).await?.unwrap_or_default();
    let history = build(HistoryInputs {
        from: first.time,
        to: last.time,
        series: shown.series.clone(),
        environment: choice.machine.clone(),
        earlier: Vec::new(),
        points,
    });
    Ok(noise_card(
        &history.series,
        &history.points,
        &history.events,
        &samples,
    ))
}

/// The figure of the large chart.
fn figure(name: &str, view: &View, loaded: &Loaded) -> TrendFigure {
    let chosen = loaded.choice.view(view);
    let points = View {
        wants_points: true,
        ..chosen.clone()
    };
    let whole = View {
        range: Range::default(),
        ..chosen
    };
    TrendFigure::new(
        &loaded.history,
        loaded.scale,
        (view.x, view.y),
        (points.url(name), whole.url(name)),
    )
}

/// The environments that hold series of a benchmark, in the order of the store.
fn environments_of<'a>(
    all: &'a [Arc<Series>],
    environments: &'a [Environment],
) -> impl Iterator<Item = &'a Environment> {
    environments
        .iter()
        .filter(move |e| all.iter().any(|s| s.key.environment == e.id))
}

/// A value of a param, ordered as numbers where it is one.
fn natural(value: &str) -> (u8, f64, &str) {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => (0, number, value),
        _ => (1, 0.0, value),
    }
}

/// Orders values of params: numbers by size, before words by letters.
pub(in crate::web::pages) fn by_nature(a: &str, b: &str) -> std::cmp::Ordering {
    let (a, b) = (natural(a), natural(b));
    a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(b.2))
}
