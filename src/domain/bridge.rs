//! What becomes of alerts where their epoch ends: a bridging run measures the last revision of one
//! epoch in the next, and so carries them on.

use std::collections::BTreeMap;

use bench_report::metric::Direction;
use serde::{Deserialize, Serialize};

use super::{AlertId, EnvironmentId, Millis, RunId, SeriesId};

/// A worsening of an ended epoch as the epoch after it measures it. Values are in the metric's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bridged {
    /// The same series there.
    pub series: SeriesId,
    /// The machine there.
    pub environment: EnvironmentId,
    /// The suite version there.
    pub suite_version: String,
    /// Its first night there.
    pub begun_at: Millis,
    /// The newest bridging run.
    pub run: RunId,
    /// When that was measured.
    pub measured_at: Millis,
    /// The revision that both epochs measured.
    pub commit: String,
    /// How many times larger the same code reads there.
    pub factor: f64,
    /// The level before the change, as it would read there.
    pub frozen_baseline: f64,
    /// It is over when the median of the last three nights there is not worse than this.
    pub limit: f64,
}

/// What an epoch after a series' own has measured of it, and by what factor it compares.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// The same series there.
    pub series: SeriesId,
    /// The machine there.
    pub environment: EnvironmentId,
    /// The suite version there.
    pub suite_version: String,
    /// The newest bridging run.
    pub run: RunId,
    /// When that was measured.
    pub measured_at: Millis,
    /// The revision that it measured.
    pub commit: String,
    /// How many times larger the same code reads there than in the series' own epoch.
    pub factor: f64,
    /// Its nights there, in the order of time: one at least.
    pub nights: Vec<(Millis, f64)>,
    /// Which way is better.
    pub better: Direction,
}

/// By series of an ended epoch, the epochs after it, in the order of time, as far as bridges reach:
/// none for a series that nothing bridges. Of a series that is left out nothing is known.
pub type Bridges = BTreeMap<SeriesId, Vec<Leg>>;

/// How the epoch of an alert has ended: its machine's name is measured by another machine, or by
/// another suite version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EpochEnd {
    /// Its last night.
    pub last_night: Millis,
    /// The first night after it.
    pub begun_at: Millis,
    /// That night's machine.
    pub environment: EnvironmentId,
    /// That night's suite version.
    pub suite_version: String,
}

/// An alert that was open when its epoch ended and that no bridge carries on: a run of the epoch
/// after it cannot be measured against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOpen {
    /// The alert.
    pub alert: AlertId,
    /// The last night of its epoch.
    pub last_night: Millis,
}
