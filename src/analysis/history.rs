//! One series over time, ready for a chart.

use bench_verdict::stats::order;
use serde::Serialize;

use crate::domain::time::DAY_MS;
use crate::domain::{Millis, Point, Series};

/// What a trend chart draws. All times within `from..=to`.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// The series.
    pub series: Series,
    /// First instant shown.
    pub from: Millis,
    /// Last instant shown.
    pub to: Millis,
    /// One point a run, in the order of time.
    pub points: Vec<Point>,
    /// Spans in which nights are missing, as the times of the runs around them.
    pub gaps: Vec<(Millis, Millis)>,
    /// Vertical marks, in the order of time.
    pub events: Vec<Event>,
    /// The level (median) between two boundaries: from, to, value.
    pub levels: Vec<(Millis, Millis, f64)>,
}

/// Something that happened to a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// When.
    pub time: Millis,
    /// What.
    pub kind: EventKind,
    /// Such as `step +28.6%`, `suite 4 to 5`, or a person's note.
    pub label: String,
}

/// What sort of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The level changed and stayed.
    ChangePoint,
    /// Another machine or suite version.
    Epoch,
    /// A person's note.
    Annotation,
}

/// What a history is made from.
#[derive(Debug, Clone)]
pub struct HistoryInputs {
    /// The series.
    pub series: Series,
    /// Its runs within `from..=to`, oldest first.
    pub points: Vec<Point>,
    /// First instant shown.
    pub from: Millis,
    /// Last instant shown.
    pub to: Millis,
}

/// Makes what a trend chart draws: gaps, epochs, and the level of each stretch between them.
pub fn build(inputs: HistoryInputs) -> History {
    let HistoryInputs {
        series,
        mut points,
        from,
        to,
    } = inputs;
    points.retain(|point| from <= point.time && point.time <= to);
    points.sort_by_key(|point| point.time);
    let events = epochs(&points);
    let levels = levels(&points, &events);
    History {
        series,
        from,
        to,
        gaps: gaps(&points),
        points,
        events,
        levels,
    }
}

/// The times around each stretch in which a run should have been, by the pace at which this series
/// is usually measured: nightly, or slower. More often than nightly is no promise.
fn gaps(points: &[Point]) -> Vec<(Millis, Millis)> {
    let step = |pair: &[Point]| pair[1].time.0 - pair[0].time.0;
    let mut steps: Vec<i64> = points.windows(2).map(step).collect();
    steps.sort_unstable();
    let Some(usual) = steps.get(steps.len() / 2) else {
        return Vec::new();
    };
    // Three quarters of a step late is a step missed: nights wander by some hours.
    let longest = (*usual).max(DAY_MS) * 7 / 4;
    points
        .windows(2)
        .filter(|pair| step(pair) > longest)
        .map(|pair| (pair[0].time, pair[1].time))
        .collect()
}

/// Where the suite version changes: what is measured is another thing from there on.
fn epochs(points: &[Point]) -> Vec<Event> {
    points
        .windows(2)
        .filter(|pair| pair[0].suite_version != pair[1].suite_version)
        .map(|pair| Event {
            time: pair[1].time,
            kind: EventKind::Epoch,
            label: format!(
                "suite {} to {}",
                pair[0].suite_version, pair[1].suite_version
            ),
        })
        .collect()
}

/// The median of the points between two boundaries, from the first point to the last.
fn levels(points: &[Point], events: &[Event]) -> Vec<(Millis, Millis, f64)> {
    let mut levels = Vec::new();
    let mut rest = points;
    let boundaries = events
        .iter()
        .filter(|e| e.kind != EventKind::Annotation)
        .map(|e| e.time);
    for boundary in boundaries.chain([Millis(i64::MAX)]) {
        let (stretch, after) = rest.split_at(rest.partition_point(|p| p.time < boundary));
        rest = after;
        let values: Vec<f64> = stretch.iter().map(|point| point.value).collect();
        if let (Some(first), Some(last), Some(level)) =
            (stretch.first(), stretch.last(), order::median(&values))
        {
            levels.push((first.time, last.time, level));
        }
    }
    levels
}
