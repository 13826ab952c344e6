//! `GET /badge/{benchmark}/{metric}.svg`: the last value on main and where it goes, for a README.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bench_report::metric::{NOT_AVAILABLE, Unit, format_change, format_value};
use bench_verdict::verdict::Band;

use super::extract::{Path, Query};
use super::{AppState, WebError, api};
use crate::domain::{Judgement, Millis, Series};

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
        .recent_points(&[series.id], Millis(i64::MAX), 1)
        .await?;
    let last = recent.first().and_then(|(_, points)| points.last());
    let badge = Badge::new(
        metric,
        &last.map_or(NOT_AVAILABLE.to_owned(), |p| {
            said(series, p.value, &p.judgement)
        }),
        last.map(|p| p.judgement.band),
    );
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
    source = r##"<svg xmlns="http://www.w3.org/2000/svg" width="{{ width }}" height="20" role="img" aria-label="{{ label }}: {{ value }}"><title>{{ label }}: {{ value }}</title><rect width="{{ width }}" height="20" rx="3" fill="#444"/><rect x="{{ split }}" width="{{ value_width }}" height="20" rx="3" fill="{{ colour }}"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="6" y="14" textLength="{{ label_letters }}">{{ label }}</text><text x="{{ value_x }}" y="14" textLength="{{ value_letters }}">{{ value }}</text></g></svg>"##
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
}

impl Badge {
    fn new(label: &str, value: &str, band: Option<Band>) -> Self {
        /// Pixels of a letter at 11 pixels; `textLength` makes it so with any font.
        const LETTER: usize = 7;
        const MARGIN: usize = 6;
        let letters = |text: &str| text.chars().count() * LETTER;
        let (label_letters, value_letters) = (letters(label), letters(value));
        let split = label_letters + 2 * MARGIN;
        let value_width = value_letters + 2 * MARGIN;
        Self {
            label: label.to_owned(),
            value: value.to_owned(),
            colour: colour(band),
            width: split + value_width,
            split,
            value_width,
            label_letters,
            value_x: split + MARGIN,
            value_letters,
        }
    }
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
