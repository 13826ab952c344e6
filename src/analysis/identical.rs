//! Identical programs measured against each other: whatever they differ by is noise, and how much
//! of it a machine makes over the years is its control chart.

use std::collections::HashMap;

use bench_report::metric::series_text;
use serde::Serialize;

use crate::domain::{Judged, JudgedRun, Millis, RunId, Series, SeriesId};

/// One pair of identical programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Identical {
    /// Its head's run.
    pub run: RunId,
    /// When it was measured.
    pub time: Millis,
    /// How many series both sides have.
    pub series: usize,
    /// The change that half of the series stay below, as a fraction; positive: the head is worse.
    pub middle: f64,
    /// Nine of ten series change by no less than this.
    pub low: f64,
    /// Nine of ten series change by no more than this.
    pub high: f64,
    /// The series that changed most, and by how much.
    pub largest: (String, f64),
}

/// What a pair of identical programs differs by; none without a series in common.
pub fn observe(base: &JudgedRun, head: &JudgedRun) -> Option<Identical> {
    let before: HashMap<SeriesId, f64> = base
        .rows
        .iter()
        .map(|row| (row.series.id, row.measurement.value))
        .collect();
    let mut changes: Vec<(&Judged, f64)> = head
        .rows
        .iter()
        .filter_map(|row| change(&before, row))
        .collect();
    changes.sort_by(|a, b| a.1.total_cmp(&b.1));
    let at = |share: f64| {
        let place = (share * (changes.len().checked_sub(1)?) as f64).round() as usize;
        changes.get(place).map(|(_, change)| *change)
    };
    let (row, largest) = changes
        .iter()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    let key = &row.series.key;
    Some(Identical {
        run: head.run.id,
        time: head.run.started_at,
        series: changes.len(),
        middle: at(0.5)?,
        low: at(0.05)?,
        high: at(0.95)?,
        largest: (
            series_text(&key.benchmark, &key.metric, &key.params),
            *largest,
        ),
    })
}

/// What the identical pairs beside one run differ by: of each series `ln(head / base)` of its
/// rounds. The spread is that of the rounds; none without a round.
pub fn of_rounds<'a>(
    run: RunId,
    time: Millis,
    of: impl IntoIterator<Item = (&'a Series, &'a [f64])>,
) -> Option<Identical> {
    let worse = |series: &Series, ratio: f64| match series.better {
        bench_report::metric::Direction::Lower => ratio.exp_m1(),
        bench_report::metric::Direction::Higher => -ratio.exp_m1(),
    };
    let mut all: Vec<f64> = Vec::new();
    let mut largest: Option<(String, f64)> = None;
    let mut count = 0;
    for (series, ratios) in of {
        if ratios.is_empty() {
            continue;
        }
        count += 1;
        all.extend(ratios.iter().map(|ratio| worse(series, *ratio)));
        let mean = worse(series, ratios.iter().sum::<f64>() / ratios.len() as f64);
        if largest
            .as_ref()
            .is_none_or(|(_, known)| known.abs() < mean.abs())
        {
            let key = &series.key;
            let name = series_text(&key.benchmark, &key.metric, &key.params);
            largest = Some((name, mean));
        }
    }
    all.retain(|change| change.is_finite());
    all.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * all.len().checked_sub(1)? as f64).round() as usize;
        all.get(place).copied()
    };
    Some(Identical {
        run,
        time,
        series: count,
        middle: at(0.5)?,
        low: at(0.05)?,
        high: at(0.95)?,
        largest: largest?,
    })
}

/// How much worse a row is than before, as a fraction.
fn change<'a>(before: &HashMap<SeriesId, f64>, row: &'a Judged) -> Option<(&'a Judged, f64)> {
    let old = before.get(&row.series.id).filter(|old| **old > 0.0)?;
    let ratio = row.measurement.value / old - 1.0;
    let worse = match row.series.better {
        bench_report::metric::Direction::Lower => ratio,
        bench_report::metric::Direction::Higher => -ratio,
    };
    worse.is_finite().then_some((row, worse))
}
