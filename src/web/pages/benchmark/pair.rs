//! Two nights beside each other: the curve of the chosen metric over a param, and what was
//! recorded.

use std::collections::BTreeMap;

use super::Choice;
use super::query::View;
use crate::analysis::distribution::Distribution;
use crate::analysis::history::History;
use crate::domain::{Point, RunId, SeriesId};
use crate::text;
use crate::web::{AppState, WebError};

/// So many days lie between the newest night and the one that it is shown against.
const DAYS_BEFORE: i64 = 7;

/// So many nights are offered to choose from.
const MOST_OFFERED: usize = 40;

/// The two nights, with what was measured in them.
pub(super) struct Pair {
    pub(super) head: Side,
    /// The night it is shown against; none where there is only one.
    pub(super) base: Option<Side>,
    /// Nights to choose from: run and name, the newest first.
    pub(super) offered: Vec<(RunId, String)>,
}

/// One of two nights.
pub(super) struct Side {
    pub(super) point: Point,
    /// The day, and the commit where both sides are of one day.
    pub(super) name: String,
    /// The series of the curves over params, in this run.
    pub(super) values: BTreeMap<SeriesId, Point>,
    /// What was recorded at the chosen params: name, unit and values.
    pub(super) recorded: Vec<(String, String, Distribution)>,
}

impl Pair {
    /// The nights that the view names among those shown, or else the newest one and that of a week
    /// before.
    pub(super) async fn load(
        state: &AppState,
        view: &View,
        choice: &Choice,
        history: &History,
    ) -> Result<Option<Self>, WebError> {
        let points = &history.points;
        let find = |run: Option<RunId>| points.iter().find(|p| Some(p.run) == run);
        let Some(head) = find(view.run).or(points.last()) else {
            return Ok(None);
        };
        let base = find(view.against).or_else(|| {
            let week_before = head.time.minus_days(DAYS_BEFORE);
            let before: Vec<&Point> = points.iter().filter(|p| p.time < head.time).collect();
            let nearest = before.iter().rev().find(|p| p.time <= week_before);
            nearest.or(before.first()).copied()
        });
        let base = base.filter(|base| base.run != head.run);
        let same_day = base.is_some_and(|b| text::iso_day(b.time) == text::iso_day(head.time));
        let name = |point: &Point| {
            let commit = point.of.commit.get(..7).unwrap_or(&point.of.commit);
            match same_day {
                true => format!("{} {commit}", text::day(point.time)),
                false => text::day_near(point.time, history.to),
            }
        };
        let offered = points.iter().rev().take(MOST_OFFERED).map(|point| {
            let commit = point.of.commit.get(..7).unwrap_or(&point.of.commit);
            (
                point.run,
                format!("{}, {commit}", text::day_year(point.time)),
            )
        });
        Ok(Some(Self {
            head: side(state, choice, head, name(head)).await?,
            base: match base {
                Some(base) => Some(side(state, choice, base, name(base)).await?),
                None => None,
            },
            offered: offered.collect(),
        }))
    }
}

async fn side(
    state: &AppState,
    choice: &Choice,
    point: &Point,
    name: String,
) -> Result<Side, WebError> {
    let store = &state.store;
    let mut values = BTreeMap::new();
    for series in choice
        .numeric_params()
        .into_iter()
        .flat_map(|(_, along)| along)
    {
        let at_time = store
            .points(series.1.id, point.time, point.time, None)
            .await?;
        let of_run = at_time.into_iter().find(|p| p.run == point.run);
        values.extend(of_run.map(|p| (series.1.id, p)));
    }
    let key = &choice.series.key;
    let recorded = store
        .histograms_of(point.run, &key.benchmark, &key.params)
        .await?
        .into_iter()
        .filter_map(|h| Some((h.name, h.unit, Distribution::read(&h.data)?)))
        .collect();
    Ok(Side {
        point: point.clone(),
        name,
        values,
        recorded,
    })
}
