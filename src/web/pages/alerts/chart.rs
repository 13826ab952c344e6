//! The chart of an alert's worst series, with the baseline that it froze.

use std::sync::Arc;

use bench_report::metric::Direction;

use crate::analysis::history::{HistoryInputs, build};
use crate::chart::plot::{XScale, YScale};
use crate::domain::alert::{Alert, AlertSeries};
use crate::domain::time::DAY_MS;
use crate::domain::{Millis, Series};
use crate::web::pages::annotations::{NoteView, notes};
use crate::web::pages::figure::TrendFigure;
use crate::web::pages::{environment_or_unknown, links, value};
use crate::web::{AppState, WebError};

/// Days before the first bad night that the chart shows.
const DAYS_BEFORE: i64 = 35;
/// Days after the end of an alert that the chart shows.
const DAYS_AFTER: i64 = 14;
/// Days after the first bad night that the chart shows at most.
const MOST_DAYS: i64 = 90;

/// The chart and what stands about it.
pub(super) struct Chart {
    pub(super) metric: String,
    pub(super) note: String,
    pub(super) url: String,
    pub(super) figure: TrendFigure,
    pub(super) notes: Vec<NoteView>,
    pub(super) annotate: String,
}

/// Draws it.
pub(super) async fn chart(
    state: &AppState,
    alert: &Alert,
    one: &AlertSeries,
    series: &Arc<Series>,
    now: Millis,
) -> Result<Chart, WebError> {
    let store = &state.store;
    let from = one.since.at.minus_days(DAYS_BEFORE);
    let end = if alert.is_active() {
        now
    } else {
        now.min(Millis(alert.changed_at.0 + DAYS_AFTER * DAY_MS))
    };
    // No more nights than travel with the page.
    let end = end.min(Millis(one.since.at.0 + MOST_DAYS * DAY_MS));
    let mut points = store
        .points(series.id, from, end, Some(store.main_branch()))
        .await?;
    points.retain(|point| point.value.is_finite());
    let ends = points
        .first()
        .map(|p| p.time)
        .zip(points.last().map(|p| p.time));
    let (first, last) = ends.unwrap_or((from, end));
    let environments = store.environments().await?;
    let mut history = build(HistoryInputs {
        series: Series::clone(series),
        environment: environment_or_unknown(&environments, series.key.environment),
        points,
        earlier: Vec::new(),
        from: first,
        to: last,
    });
    history.annotate(&store.annotations(Some(series.id), first, last).await?);
    history.frozen = Some((one.since.at, one.frozen_baseline));
    let values = history.points.iter().map(|p| p.value);
    let scale = value::scale(&series.key.unit, values.chain([one.frozen_baseline]));
    let better = match series.better {
        Direction::Lower => "lower is better",
        Direction::Higher => "higher is better",
    };
    let params = series.params_text();
    let points_url = format!(
        "/api/v1/series/{}/points?from={}&to={}",
        series.id, first.0, last.0
    );
    Ok(Chart {
        metric: series.key.metric.clone(),
        note: [scale.label, better, &params]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" · "),
        figure: TrendFigure::new(
            &history,
            scale,
            (XScale::Date, YScale::Linear),
            (points_url, links::series(series)),
        ),
        notes: notes(&history.notes, now),
        annotate: format!("/annotations?series={}&run={}", series.id, one.since.run),
        url: links::series(series),
    })
}
