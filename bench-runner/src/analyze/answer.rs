//! What is said about each series, as it travels.

use bench_verdict::analyze::{self, ChangeKind};
use bench_verdict::band::Band;
use bench_verdict::history::{History, Metric};
use jiff::Timestamp;
use serde::Serialize;

use super::read::Series;

/// Everything that the rules say about a history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// In the order in which the series were read.
    pub series: Vec<SeriesAnswer>,
}

/// Everything that the rules say about one series. An index counts its nights from 0; a change is
/// a fraction, and positive is worse.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesAnswer {
    /// As the rows name it.
    pub id: String,
    /// Where the level changed, seen from today.
    pub change_points: Vec<ChangePoint>,
    /// Where E-divisive sees the distribution change: a second opinion, which decides nothing.
    pub second_opinion: Vec<ChangePoint>,
    /// The alarms that the nightly job would have raised, each seeing only the past.
    pub alarms: Vec<Alarm>,
    /// Where slow change was first seen against each accepted level.
    pub creep: Vec<CreepPoint>,
    /// The band of each night.
    pub bands: Vec<Band>,
}

/// Where the level changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChangePoint {
    /// The first night of the new level.
    pub index: usize,
    /// Its time.
    pub time: Timestamp,
    /// The change of the level.
    pub change: f64,
    /// A step, or a new environment.
    pub kind: ChangeKind,
}

/// An alarm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Alarm {
    /// The night on which it was raised.
    pub index: usize,
    /// Its time.
    pub time: Timestamp,
    /// The first night of the new level.
    pub change_index: usize,
    /// The change of the level.
    pub change: f64,
}

/// Slow change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CreepPoint {
    /// The night on which it was first seen.
    pub index: usize,
    /// Its time.
    pub time: Timestamp,
    /// The change since the accepted level.
    pub change: f64,
}

/// Judges every series.
pub fn answer(series: &[Series]) -> Answer {
    Answer {
        series: series.iter().map(of_series).collect(),
    }
}

fn of_series(series: &Series) -> SeriesAnswer {
    let history = History::new(series.nights.clone(), Metric::new(series.better));
    let said = analyze::analyze(&history);
    let time = |index: usize| {
        let ms = series.nights.get(index).map_or(0, |night| night.time_ms);
        Timestamp::from_millisecond(ms).unwrap_or_default()
    };
    let points = |points: &[analyze::ChangePoint]| {
        let point = |point: &analyze::ChangePoint| ChangePoint {
            index: point.index,
            time: time(point.index),
            change: point.change,
            kind: point.kind,
        };
        points.iter().map(point).collect()
    };
    SeriesAnswer {
        id: series.id.clone(),
        change_points: points(&said.change_points),
        second_opinion: points(&analyze::second_opinion(&history)),
        alarms: said
            .alarms
            .iter()
            .map(|alarm| Alarm {
                index: alarm.index,
                time: time(alarm.index),
                change_index: alarm.change_index,
                change: alarm.change,
            })
            .collect(),
        creep: said
            .creep
            .iter()
            .map(|point| CreepPoint {
                index: point.index,
                time: time(point.index),
                change: point.change,
            })
            .collect(),
        bands: said.bands,
    }
}
