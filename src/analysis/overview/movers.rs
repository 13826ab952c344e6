//! What left its band, by cause, worst first.

use std::collections::HashMap;

use bench_verdict::verdict::Band;

use super::{BlockInputs, Mover};
use crate::analysis::order;
use crate::domain::{Judged, JudgedRun, Millis, Point, SeriesId};

/// The series whose last nights [`mod@super::blocks`] wants for its movers: of each cause the worst, the
/// worst first. `alerts` are those that stand, by series.
pub fn series_to_draw(tonight: &JudgedRun, alerts: &[(SeriesId, i64)]) -> Vec<SeriesId> {
    causes(&tonight.rows, alerts)
        .iter()
        .take(super::MOVERS_SHOWN)
        .map(|cause| cause.worst.series.id)
        .collect()
}

/// The movers that a block shows, and how many series left their band in all.
pub(super) fn movers(tonight: &JudgedRun, inputs: &BlockInputs) -> (Vec<Mover>, usize) {
    let points: HashMap<SeriesId, &[Point]> = inputs
        .points
        .iter()
        .map(|(id, points)| (*id, points.as_slice()))
        .collect();
    let causes = causes(&tonight.rows, &inputs.alerts);
    let total = causes.iter().map(|cause| 1 + cause.others).sum();
    let shown = causes.iter().take(super::MOVERS_SHOWN).map(|cause| {
        let worst = cause.worst;
        let points = points.get(&worst.series.id).copied().unwrap_or_default();
        Mover {
            judged: worst.clone(),
            points: points.to_vec(),
            since: since(worst.judgement.band, points, tonight.run.started_at),
            alert: cause.alert,
            others: cause.others,
        }
    });
    (shown.collect(), total)
}

/// Series that left their band together: the worst of them stands for all.
struct Cause<'a> {
    worst: &'a Judged,
    others: usize,
    alert: Option<i64>,
}

/// What left its band, by cause, the worst first. One cause have the series of one alert, which got worse
/// at one revision; and those that are one metric of one benchmark at several params, if what is said
/// of them is certain. Noise has no cause: each stands alone.
fn causes<'a>(rows: &'a [Judged], alerts: &[(SeriesId, i64)]) -> Vec<Cause<'a>> {
    #[derive(PartialEq, Eq, Hash)]
    enum Key<'a> {
        Alert(i64),
        Metric(&'a str, &'a str, bool),
        Alone(SeriesId),
    }
    let alerts: HashMap<SeriesId, i64> = alerts.iter().copied().collect();
    let mut causes: Vec<Cause> = Vec::new();
    let mut places: HashMap<Key, usize> = HashMap::new();
    for row in moved(rows) {
        let (id, judgement) = (row.series.id, &row.judgement);
        let alert = alerts.get(&id).copied();
        let name = &row.series.key;
        let key = match alert {
            Some(alert) => Key::Alert(alert),
            None if order::is_certain(judgement.evidence) => Key::Metric(
                &name.benchmark,
                &name.metric,
                order::is_worse(judgement.band),
            ),
            None => Key::Alone(id),
        };
        match places.get(&key) {
            Some(at) => causes[*at].others += 1,
            None => {
                places.insert(key, causes.len());
                causes.push(Cause {
                    worst: row,
                    others: 0,
                    alert,
                });
            }
        }
    }
    causes
}

fn moved(rows: &[Judged]) -> Vec<&Judged> {
    let mut moved: Vec<&Judged> = rows
        .iter()
        .filter(|row| order::left_band(&row.judgement))
        .collect();
    moved.sort_by(|a, b| order::worst_first(a, b));
    moved
}

/// The first of the newest nights in a row that left their band to the same side as tonight.
fn since(tonight: Band, points: &[Point], tonight_at: Millis) -> Millis {
    let same_side = |band: Band| {
        (order::is_worse(tonight) && order::is_worse(band))
            || (tonight == Band::Improved && band == Band::Improved)
    };
    points
        .iter()
        .rev()
        .skip_while(|point| point.time >= tonight_at)
        .take_while(|point| same_side(point.judgement.band))
        .last()
        .map_or(tonight_at, |point| point.time)
}
