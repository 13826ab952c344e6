//! The chart of an alert's worst series, with the baseline that it froze.

use std::sync::Arc;

use bench_report::metric::Direction;

use crate::analysis::history::{HistoryInputs, build};
use crate::chart::plot::{XScale, YScale};
use crate::domain::alert::{Alert, AlertSeries};
use crate::domain::time::DAY_MS;
use crate::domain::{Millis, Point, Series, SeriesId};
use crate::store::{Store, StoreError};
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

/// The nights of a series in that time whose values can be drawn.
async fn nights(
    store: &Store,
    series: SeriesId,
    from: Millis,
    to: Millis,
) -> Result<Vec<Point>, StoreError> {
    let main = Some(store.main_branch());
    let mut points = store.points(series, from, to, main).await?;
    points.retain(|point| point.value.is_finite());
    Ok(points)
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
    let points = nights(store, series.id, from, end).await?;
    let environments = store.environments().await?;
    let machine = |series: &Series| environment_or_unknown(&environments, series.key.environment);
    // Where a bridge carries it on to another machine, that one's nights follow.
    let there = one.bridged.as_ref();
    let next = match there.filter(|there| there.series != series.id) {
        Some(there) => store.series_by_id(there.series).await?,
        None => None,
    };
    let (shown, points, earlier) = match next {
        Some(next) => {
            let own = nights(store, next.id, from, end).await?;
            (next, own, vec![(machine(series), points)])
        }
        None => (series.clone(), points, Vec::new()),
    };
    let of_earlier = earlier.iter().flat_map(|(_, points)| points);
    let times = || points.iter().chain(of_earlier.clone()).map(|p| p.time);
    let (first, last) = times().min().zip(times().max()).unwrap_or((from, end));
    let mut history = build(HistoryInputs {
        series: Series::clone(&shown),
        environment: machine(&shown),
        points,
        earlier,
        from: first,
        to: last,
    });
    history.annotate(&store.annotations(Some(series.id), first, last).await?);
    history.frozen = vec![(one.since.at, one.frozen_baseline)];
    history
        .frozen
        .extend(there.map(|there| (there.begun_at, there.frozen_baseline)));
    let values = history.points.iter().map(|p| p.value);
    let frozen = history.frozen.iter().map(|(_, level)| *level);
    let scale = value::scale(&series.key.unit, values.chain(frozen));
    let better = match series.better {
        Direction::Lower => "lower is better",
        Direction::Higher => "higher is better",
    };
    let params = series.params_text();
    let points_url = format!(
        "/api/v1/series/{}/points?from={}&to={}",
        shown.id, first.0, last.0
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
