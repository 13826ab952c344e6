//! `GET /badge/{benchmark}/{metric}.svg`: the last value on main and where it goes, for a README.
//! `GET /badge/status.svg`: what the gate says of main.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bench_report::metric::{NOT_AVAILABLE, Unit, format_change, format_value};
use bench_verdict::verdict::Band;
use serde::Deserialize;

use super::extract::{Path, Query};
use super::{AppState, WebError, api};
use crate::analysis;
use crate::domain::{Judgement, Millis, Series};

/// Nights that a badge's line shows.
const NIGHTS: u32 = 30;
/// Fewer make no line.
const LEAST_NIGHTS: usize = 3;
/// Pixels of a line with the space beside it.
const LINE: usize = 46;

/// Filters as of `GET /api/v1/series`; of several series, that of the machine seen last and of the
/// first params.
pub async fn show(
    State(state): State<AppState>,
    Path((benchmark, file)): Path<(String, String)>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let Some(metric) = file.strip_suffix(".svg") else {
        return Err(WebError::not_found("badge", file));
    };
    let mut filter = api::series::filter(pairs)?;
    filter.benchmark = Some(benchmark.clone());
    filter.metric = Some(metric.to_owned());
    let series = state.store.series_of(&filter).await?;
    // Machines come with the one seen last first.
    let machines = state.store.environments().await?;
    let newest = series.iter().min_by_key(|s| {
        machines
            .iter()
            .position(|m| m.id == s.key.environment)
            .unwrap_or(usize::MAX)
    });
    let Some(series) = newest else {
        return Err(WebError::not_found(
            "series of",
            format!("{benchmark} {metric}"),
        ));
    };
    let recent = state
        .store
        .recent_points(&[series.id], Millis(i64::MAX), NIGHTS)
        .await?;
    let points = recent
        .first()
        .map_or(&[][..], |(_, points)| points.as_slice());
    let last = points.last();
    let badge = Badge::new(
        metric,
        &last.map_or(NOT_AVAILABLE.to_owned(), |p| {
            said(series, p.value, &p.judgement)
        }),
        colour(last.map(|p| p.judgement.band)),
        &points.iter().map(|p| p.value).collect::<Vec<f64>>(),
    );
    respond(&badge)
}

/// Which machine's status.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusQuery {
    /// By number; the one seen last where not given.
    pub environment: Option<i64>,
}

/// The gate's word on the newest main run of a machine; generated data only where it is asked for.
pub async fn status(
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(query): Query<StatusQuery>,
) -> Result<Response, WebError> {
    if file != "status.svg" {
        return Err(WebError::not_found("badge", file));
    }
    let machines = state.store.environments().await?;
    let machine = machines.iter().find(|machine| match query.environment {
        Some(id) => machine.id.0 == id,
        None => !machine.is_sample,
    });
    let run = match machine {
        Some(machine) => state.store.latest_main_run(machine.id).await?,
        None => None,
    };
    let judged = match run {
        Some(run) => state.store.judged_run(run.id).await?,
        None => None,
    };
    let word = judged.map_or(NOT_AVAILABLE.to_owned(), |run| {
        analysis::verdict::gate(&run).status
    });
    let colour = match word.as_str() {
        "pass" => colour(Some(Band::None)),
        "fail" => colour(Some(Band::Critical)),
        NOT_AVAILABLE => colour(None),
        _ => colour(Some(Band::Warning)),
    };
    let main = state.store.main_branch();
    respond(&Badge::new(
        &format!("{main} performance"),
        &word,
        colour,
        &[],
    ))
}

fn respond(badge: &Badge) -> Result<Response, WebError> {
    let svg = badge.render().map_err(|error| {
        tracing::error!(%error, "a badge could not be rendered");
        WebError::Internal
    })?;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    Ok((headers, svg).into_response())
}

/// `18.74 µs +3.1%`; the change where there is a baseline.
fn said(series: &Series, value: f64, judgement: &Judgement) -> String {
    let value = match Unit::parse(&series.key.unit) {
        Ok(unit) => format_value(value, unit).to_string(),
        Err(_) => format!("{value} {}", series.key.unit),
    };
    match judgement.change {
        Some(change) => format!("{value} {}", format_change(change)),
        None => value,
    }
}

#[derive(Template)]
#[template(
    ext = "svg",
    escape = "html",
    source = r##"<svg xmlns="http://www.w3.org/2000/svg" width="{{ width }}" height="20" role="img" aria-label="{{ label }}: {{ value }}"><title>{{ label }}: {{ value }}</title><rect width="{{ width }}" height="20" rx="3" fill="#444"/><rect x="{{ split }}" width="{{ value_width }}" height="20" rx="3" fill="{{ colour }}"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="6" y="14" textLength="{{ label_letters }}">{{ label }}</text><text x="{{ value_x }}" y="14" textLength="{{ value_letters }}">{{ value }}</text></g>{% if !trend.is_empty() %}<polyline points="{{ trend }}" fill="none" stroke="#fff" stroke-width="1.5"/>{% endif %}</svg>"##
)]
struct Badge {
    label: String,
    value: String,
    colour: &'static str,
    width: usize,
    split: usize,
    value_width: usize,
    label_letters: usize,
    value_x: usize,
    value_letters: usize,
    /// Points of a line; empty: there are too few nights for one.
    trend: String,
}

impl Badge {
    fn new(label: &str, value: &str, colour: &'static str, nights: &[f64]) -> Self {
        /// Pixels of a letter at 11 pixels; `textLength` makes it so with any font.
        const LETTER: usize = 7;
        const MARGIN: usize = 6;
        let letters = |text: &str| text.chars().count() * LETTER;
        let (label_letters, value_letters) = (letters(label), letters(value));
        let split = label_letters + 2 * MARGIN;
        let line = if nights.len() < LEAST_NIGHTS { 0 } else { LINE };
        let value_width = value_letters + 2 * MARGIN + line;
        let start = split + value_letters + 2 * MARGIN;
        Self {
            trend: if line == 0 {
                String::new()
            } else {
                trend(nights, start as f64)
            },
            label: label.to_owned(),
            value: value.to_owned(),
            colour,
            width: split + value_width,
            split,
            value_width,
            label_letters,
            value_x: split + MARGIN,
            value_letters,
        }
    }
}

/// The points of a line from `start` on, up being what the numbers say.
fn trend(nights: &[f64], start: f64) -> String {
    /// Pixels that the line takes of its space, and where it may be.
    const WIDTH: f64 = 40.0;
    const TOP: f64 = 5.0;
    const BOTTOM: f64 = 15.0;
    let low = nights.iter().copied().fold(f64::INFINITY, f64::min);
    let high = nights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(f64::MIN_POSITIVE);
    let step = WIDTH / (nights.len() - 1).max(1) as f64;
    let points: Vec<String> = nights
        .iter()
        .enumerate()
        .map(|(place, value)| {
            let y = BOTTOM - (value - low) / span * (BOTTOM - TOP);
            format!("{:.1},{y:.1}", start + step * place as f64)
        })
        .collect();
    points.join(" ")
}

/// White letters on each of them have a contrast of 4.5 and more.
fn colour(band: Option<Band>) -> &'static str {
    match band {
        Some(Band::Critical) => "#b3261e",
        Some(Band::Warning) => "#9a5b00",
        Some(Band::Info) => "#2f5d8a",
        Some(Band::Improved) => "#1f7a3d",
        Some(Band::None) => "#33691e",
        Some(Band::Warming | Band::Undefined) | None => "#616161",
    }
}
