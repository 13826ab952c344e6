//! Judges every series of a run against the main branch's history before it.

use std::collections::HashMap;

use bench_report::metric::Kind;
use bench_verdict::band;
use bench_verdict::verdict::{Band, Evidence};

use crate::domain::{Judgement, Measurement, Millis, Series, SeriesId};

/// What a run is judged from.
#[derive(Debug, Clone)]
pub struct JudgeInputs {
    /// The run's time.
    pub at: Millis,
    /// What it measured.
    pub rows: Vec<(Series, Measurement)>,
    /// For each of its series, time and published value of the runs before it that form baselines
    /// and have its suite version, oldest first: all of the seven days before it at least. A
    /// series without an entry has no history.
    pub history: Vec<(SeriesId, Vec<(Millis, f64)>)>,
}

/// One judgement a row, in the order of the rows.
pub fn judge(inputs: &JudgeInputs) -> Vec<(SeriesId, Judgement)> {
    let history: HashMap<SeriesId, &[(Millis, f64)]> = inputs
        .history
        .iter()
        .map(|(id, values)| (*id, values.as_slice()))
        .collect();
    inputs
        .rows
        .iter()
        .map(|(series, measurement)| {
            let before = history.get(&series.id).copied().unwrap_or_default();
            (
                series.id,
                judge_one(series, measurement.value, before, inputs.at),
            )
        })
        .collect()
}

/// Statement A for one value, and how sure it is.
fn judge_one(series: &Series, value: f64, before: &[(Millis, f64)], at: Millis) -> Judgement {
    let points: Vec<band::Point> = before
        .iter()
        .map(|(time, value)| band::Point {
            time_ms: time.0,
            value: *value,
        })
        .collect();
    let baseline = band::baseline(&points, at.0);
    let judged = band::judge(value, baseline.mean, series.better, series.floor);
    Judgement {
        baseline: baseline.mean,
        baseline_runs: u32::try_from(baseline.runs).unwrap_or(u32::MAX),
        change: judged.change,
        band: judged.band,
        evidence: evidence(series.kind, judged.band),
    }
}

/// A count that was compared is exact. Of anything else, one night against a mean cannot tell
/// change from noise.
fn evidence(kind: Kind, band: Band) -> Evidence {
    match (kind, band) {
        (_, Band::Warming | Band::Undefined) => Evidence::Inconclusive,
        (Kind::Count, _) => Evidence::Exact,
        _ => Evidence::Inconclusive,
    }
}
