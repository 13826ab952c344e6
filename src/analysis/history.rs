//! One series over time, ready for a chart.

use serde::Serialize;

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
