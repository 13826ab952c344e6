//! The epochs of a series: spans of one machine and one suite version, which never compare. A
//! bridging run measures the last revision of one epoch in the next, and so says how many times
//! larger the same code reads there.

use bench_verdict::stats::order;
use jiff::Timestamp;
use serde::Serialize;

use super::history::{EventKind, History};
use crate::domain::{Environment, EnvironmentId, Millis, Point, RunId, SeriesId, Text};

/// One machine's part of a history.
#[derive(Debug, Clone)]
pub struct Part {
    /// The machine.
    pub machine: Environment,
    /// The series on it.
    pub series: SeriesId,
    /// Its nights, those that form baselines, in the order of time.
    pub nights: Vec<Point>,
    /// What bridging runs measured on it.
    pub bridges: Vec<Point>,
}

/// A span of one machine and one suite version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Epoch {
    /// The machine's number.
    pub environment_id: EnvironmentId,
    /// The machine's name.
    pub environment: String,
    /// The series there.
    pub series_id: SeriesId,
    /// The suite version.
    pub suite_version: Text,
    /// Its first night.
    pub from: Timestamp,
    /// Its last night.
    pub to: Timestamp,
    /// How many nights.
    pub nights: usize,
    /// The median of its last nights, 14 at most.
    pub level: f64,
    /// How it compares with the epoch before; null where no bridging run says so.
    pub bridge: Option<Bridge>,
}

/// The same code, in the epoch before and in this one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bridge {
    /// The bridging run; of several the newest.
    pub run_id: RunId,
    /// When that was measured.
    pub measured_at: Timestamp,
    /// The revision that both epochs measured.
    pub commit: Text,
    /// What the epoch before measured of it: the median, where it did so several times.
    pub before: f64,
    /// What this epoch measured of it: the median of all its bridging runs.
    pub after: f64,
    /// `after / before`.
    pub factor: f64,
}

/// The epochs, in the order of time. A machine that takes turns with another begins an epoch each
/// time.
pub fn epochs(parts: &[Part]) -> Vec<Epoch> {
    let mut all: Vec<(usize, &Point)> = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        all.extend(part.nights.iter().map(|night| (place, night)));
    }
    all.sort_by_key(|(_, night)| night.time);
    let same = |a: &(usize, &Point), b: &(usize, &Point)| {
        a.0 == b.0 && a.1.of.suite_version == b.1.of.suite_version
    };
    let mut epochs: Vec<Epoch> = Vec::new();
    let mut before: &[(usize, &Point)] = &[];
    for span in all.chunk_by(same) {
        epochs.extend(epoch(parts, span, before));
        before = span;
    }
    epochs
}

fn epoch(parts: &[Part], span: &[(usize, &Point)], before: &[(usize, &Point)]) -> Option<Epoch> {
    /// Nights that say where an epoch ended.
    const LAST: usize = 14;
    let ((place, first), (_, last)) = (span.first()?, span.last()?);
    let part = parts.get(*place)?;
    let values: Vec<f64> = span.iter().map(|(_, night)| night.value).collect();
    Some(Epoch {
        environment_id: part.machine.id,
        environment: part.machine.name.clone(),
        series_id: part.series,
        suite_version: first.of.suite_version.clone(),
        from: first.time.timestamp(),
        to: last.time.timestamp(),
        nights: span.len(),
        level: order::median(&values[values.len().saturating_sub(LAST)..])?,
        bridge: bridge(part, first, before),
    })
}

/// What the bridging runs of an epoch say about the newest revision that the epoch before measured,
/// too.
fn bridge(part: &Part, first: &Point, before: &[(usize, &Point)]) -> Option<Bridge> {
    let own = |point: &&Point| point.of.suite_version == first.of.suite_version;
    let measured = |commit: &Text| {
        let bridges = part.bridges.iter().filter(own);
        bridges
            .filter(|point| point.of.commit == *commit)
            .collect::<Vec<_>>()
    };
    let bridged = before.iter().rev().map(|(_, night)| &night.of.commit);
    let (commit, bridges) = bridged
        .map(|commit| (commit, measured(commit)))
        .find(|(_, bridges)| !bridges.is_empty())?;
    let old: Vec<f64> = before
        .iter()
        .filter(|(_, night)| night.of.commit == *commit)
        .map(|(_, night)| night.value)
        .collect();
    let new: Vec<f64> = bridges.iter().map(|point| point.value).collect();
    let (old, new) = (order::median(&old)?, order::median(&new)?);
    let newest = bridges.last()?;
    let factor = new / old;
    (old > 0.0 && factor.is_finite()).then(|| Bridge {
        run_id: newest.run,
        measured_at: newest.time.timestamp(),
        commit: commit.clone(),
        before: old,
        after: new,
        factor,
    })
}

/// Writes the factors behind the labels of the epochs that a chart draws.
pub fn label(history: &mut History, epochs: &[Epoch]) {
    for event in &mut history.events {
        if event.kind != EventKind::Epoch {
            continue;
        }
        let begun = epochs
            .iter()
            .find(|epoch| Millis::from(epoch.from) == event.time);
        if let Some(bridge) = begun.and_then(|epoch| epoch.bridge.as_ref()) {
            event.label += &format!(", same code {:.2}\u{d7}", bridge.factor);
        }
    }
}
