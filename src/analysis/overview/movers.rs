//! What left its band, worst first.

use std::collections::HashMap;

use bench_verdict::verdict::Band;

use super::{BlockInputs, Mover};
use crate::analysis::order;
use crate::domain::{Judged, JudgedRun, Millis, Point, SeriesId};

/// The series whose last nights [`mod@super::blocks`] wants for its movers: those that left their
/// band, the worst first.
pub fn series_to_draw(tonight: &JudgedRun) -> Vec<SeriesId> {
    moved(&tonight.rows)
        .iter()
        .take(super::MOVERS_SHOWN)
        .map(|row| row.series.id)
        .collect()
}

/// The movers that a block shows, and how many there are in all.
pub(super) fn movers(tonight: &JudgedRun, inputs: &BlockInputs) -> (Vec<Mover>, usize) {
    let points: HashMap<SeriesId, &[Point]> = inputs
        .points
        .iter()
        .map(|(id, points)| (*id, points.as_slice()))
        .collect();
    let moved = moved(&tonight.rows);
    let shown = moved.iter().take(super::MOVERS_SHOWN).map(|row| {
        let points = points.get(&row.series.id).copied().unwrap_or_default();
        Mover {
            judged: (*row).clone(),
            points: points.to_vec(),
            since: since(row.judgement.band, points, tonight.run.started_at),
            alert: inputs
                .alerts
                .iter()
                .find(|a| a.0 == row.series.id)
                .map(|a| a.1),
        }
    });
    (shown.collect(), moved.len())
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
