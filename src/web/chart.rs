//! `GET /chart/{series}.svg` and `.png`: a trend as a file, for a README, an issue or a wiki; several
//! series (`/chart/3,4,5.svg`) side by side, or in one chart with `show=overlay`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::future::try_join_all;
use tokio::sync::Semaphore;

use super::extract::{Instant, Path, Query, series_ids};
use super::pages::benchmark::query::{Range, day, x_scale, y_scale};
use super::pages::{environment_or_unknown, value};
use super::{AppState, WebError};
use crate::analysis::history::{History, HistoryInputs, build};
use crate::chart::along::Along;
use crate::chart::overlay::{MOST_LINES, OverlayPlot, overlay};
use crate::chart::picture::png;
use crate::chart::standalone::{self, Theme};
use crate::chart::trend::{Size, trend};
use crate::chart::{TrendPlot, XScale, YScale};
use crate::domain::time::DAY_MS;
use crate::domain::{Millis, Series, SeriesId};

/// So many series a file.
const MOST_SERIES: usize = 60;

/// What a file shows.
struct Wanted {
    ids: Vec<SeriesId>,
    from: Millis,
    to: Millis,
    branch: Option<String>,
    x: XScale,
    y: YScale,
    overlay: bool,
    theme: Theme,
}

/// `?from=&to=` (instants) or `range=`, `branch=`, `x=`, `y=`, `show=overlay`, `theme=dark`.
pub async fn show(
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let (ids, is_picture) = match file.rsplit_once('.') {
        Some((ids, "svg")) => (ids, false),
        Some((ids, "png")) => (ids, true),
        _ => {
            return Err(WebError::not_found(
                "chart",
                format!("{file}: charts are SVG or PNG, ask for a name that ends in .svg or .png"),
            ));
        }
    };
    let wanted = Wanted::read(ids, &pairs, state.now())?;
    let histories = histories(&state, &wanted).await?;
    let svg = drawn(&histories, &wanted);
    if is_picture {
        let headers = [
            (header::CONTENT_TYPE, "image/png"),
            (header::CACHE_CONTROL, "max-age=300"),
        ];
        return Ok((headers, painted(svg).await?).into_response());
    }
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "max-age=300"),
        // Its style stands in the file; nothing else is allowed in it, wherever it is opened.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        ),
    ];
    Ok((headers, svg).into_response())
}

/// The picture of a drawing. Painting takes a processor for some tens of milliseconds and as many
/// megabytes, so pictures are painted one after the other, beside what else is asked for.
async fn painted(svg: String) -> Result<Vec<u8>, WebError> {
    static PAINTING: Semaphore = Semaphore::const_new(1);
    // The semaphore is never closed; without a permit it would only be less orderly.
    let _turn = PAINTING.acquire().await.ok();
    match tokio::task::spawn_blocking(move || png(&svg)).await {
        Ok(Ok(picture)) => Ok(picture),
        Ok(Err(error)) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(%error, cause = ?error.source(), "a chart could not be painted");
            Err(WebError::Internal)
        }
        // The task is never aborted; a panic in it is one here.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

impl Wanted {
    fn read(ids: &str, pairs: &[(String, String)], now: Millis) -> Result<Self, WebError> {
        let ids = series_ids(ids)?;
        if ids.len() > MOST_SERIES {
            return Err(WebError::bad_request(format!(
                "{} series are too many for one file: give at most {MOST_SERIES}",
                ids.len()
            )));
        }
        let (from, to) = Range::default().span(now);
        let mut wanted = Self {
            ids,
            from,
            to,
            branch: None,
            x: XScale::default(),
            y: YScale::default(),
            overlay: false,
            theme: Theme::default(),
        };
        for (name, value) in pairs {
            let instant = || value.parse::<Instant>().map_err(WebError::bad_request);
            match name.as_str() {
                "from" => wanted.from = instant()?.0,
                // A day is meant to its end.
                "to" if value.contains('-') && !value.contains('T') => {
                    wanted.to = Millis(day("to", value)?.0 + DAY_MS - 1);
                }
                "to" => wanted.to = instant()?.0,
                "range" => (wanted.from, wanted.to) = Range::read(value)?.span(now),
                "branch" => wanted.branch = (value != "all").then(|| value.clone()),
                "x" => wanted.x = x_scale(value)?,
                "y" => wanted.y = y_scale(value)?,
                "show" => wanted.overlay = value == "overlay",
                "theme" if value == "dark" => wanted.theme = Theme::Dark,
                "theme" if value == "light" => wanted.theme = Theme::Light,
                _ => {
                    return Err(WebError::bad_request(format!(
                        "{name}={value:?} is not known: give from, to, range, branch, x, y, show=overlay or theme=dark"
                    )));
                }
            }
        }
        Ok(wanted)
    }
}

async fn histories(state: &AppState, wanted: &Wanted) -> Result<Vec<History>, WebError> {
    let environments = state.store.environments().await?;
    let mut all: Vec<Arc<Series>> = Vec::with_capacity(wanted.ids.len());
    for id in &wanted.ids {
        let series = state.store.series_by_id(*id).await?;
        all.push(series.ok_or_else(|| WebError::not_found("series", id))?);
    }
    let branch = wanted.branch.as_deref();
    let points = all
        .iter()
        .map(|s| state.store.points(s.id, wanted.from, wanted.to, branch));
    let mut points = try_join_all(points).await?;
    for points in &mut points {
        points.retain(|p| p.value.is_finite());
    }
    let times = || points.iter().flatten().map(|p| p.time);
    let from = times().min().unwrap_or(wanted.from);
    let to = times().max().unwrap_or(wanted.to);
    let notes = state.store.annotations(None, from, to).await?;
    Ok(all
        .iter()
        .zip(points)
        .map(|(series, points)| {
            let mut history = build(HistoryInputs {
                series: (**series).clone(),
                environment: environment_or_unknown(&environments, series.key.environment),
                points,
                earlier: Vec::new(),
                from,
                to,
            });
            history.annotate(&notes);
            history
        })
        .collect())
}

fn drawn(histories: &[History], wanted: &Wanted) -> String {
    let span = histories
        .first()
        .map_or((wanted.from, wanted.to), |h| (h.from, h.to));
    let nights = histories.iter().flat_map(|h| &h.points);
    let along = Along::of(nights, span, wanted.x);
    let plot = |history: &History, of: &[&History]| {
        let values = of.iter().flat_map(|h| &h.points).map(|p| p.value);
        let scale = value::scale(&history.series.key.unit, values);
        let mut plot = TrendPlot::new(history, scale, wanted.x, wanted.y).on(along.clone());
        plot.label = title(history);
        plot
    };
    if wanted.overlay {
        let mut units: Vec<(&str, Vec<&History>)> = Vec::new();
        for history in histories {
            let unit = match wanted.y {
                YScale::OfFirst | YScale::OfBaseline => "",
                YScale::Linear | YScale::Log => &history.series.key.unit,
            };
            match units
                .iter_mut()
                .find(|(u, of)| *u == unit && of.len() < MOST_LINES)
            {
                Some((_, of)) => of.push(history),
                None => units.push((unit, vec![history])),
            }
        }
        let drawings: Vec<(String, String)> = units
            .iter()
            .map(|(_, of)| {
                let lines: Vec<(String, TrendPlot)> =
                    of.iter().map(|h| (name(h), plot(h, of))).collect();
                let chart = OverlayPlot {
                    label: format!("{} series", of.len()),
                    desc: String::new(),
                    unit: lines
                        .first()
                        .map_or_else(String::new, |(_, p)| p.unit.clone()),
                    y: wanted.y,
                    along: along.clone(),
                    lines,
                };
                (String::new(), overlay(&chart, Size::Wide))
            })
            .collect();
        return standalone::grid(&drawings, wanted.theme);
    }
    let size = match histories.len() {
        0 | 1 => Size::Wide,
        2..=6 => Size::Half,
        _ => Size::Small,
    };
    let drawings: Vec<(String, String)> = histories
        .iter()
        .map(|h| (title(h), trend(&plot(h, &[h]), size, None)))
        .collect();
    standalone::grid(&drawings, wanted.theme)
}

fn name(history: &History) -> String {
    let key = &history.series.key;
    [&key.metric, &history.series.params_text()]
        .map(String::as_str)
        .join(" ")
}

fn title(history: &History) -> String {
    format!("{} {}", history.series.key.benchmark, name(history))
}
