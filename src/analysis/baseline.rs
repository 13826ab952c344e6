//! The baseline of one series at one instant.

use bench_verdict::band;
use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{Millis, Point, RunId, Text};

/// How far back a baseline looks, in days.
pub const DAYS: i64 = 7;

/// What a run at that instant would be compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaselineAt {
    /// The instant.
    pub at: Timestamp,
    /// The mean; absent below three runs.
    pub baseline: Option<f64>,
    /// How many runs.
    pub baseline_runs: usize,
    /// Those runs, oldest first.
    pub runs: Vec<RunId>,
    /// Their published values.
    pub values: Vec<f64>,
    /// The suite version that they share: that of the newest.
    pub suite_version: Option<Text>,
}

/// The baseline at `at` from the points of the [`DAYS`] before it, in the order of time.
pub fn at(points: &[Point], at: Millis) -> BaselineAt {
    let window = |p: &&Point| p.of.forms_baseline && p.time >= at.minus_days(DAYS) && p.time < at;
    let newest = points.iter().rev().find(|p| window(p));
    let suite_version = newest.map(|p| p.of.suite_version.clone());
    let runs: Vec<&Point> = points
        .iter()
        .filter(window)
        .filter(|p| Some(&p.of.suite_version) == suite_version.as_ref())
        .collect();
    let values: Vec<band::Point> = runs
        .iter()
        .map(|p| band::Point {
            time_ms: p.time.0,
            value: p.value,
        })
        .collect();
    let baseline = band::baseline(&values, at.0);
    BaselineAt {
        at: at.timestamp(),
        baseline: baseline.mean,
        baseline_runs: baseline.runs,
        runs: runs.iter().map(|p| p.run).collect(),
        values: runs.iter().map(|p| p.value).collect(),
        suite_version,
    }
}
