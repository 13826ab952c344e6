//! Every number behind the verdict on one night, as it travels. Nothing is computed a second time
//! here: the numbers are those that judged, put in the order of the rules.
//!
//! # Layout
//! - here: the parts of an explanation.
//! - `make`: from what judged. `rows`: for tables.

mod make;
mod rows;

use bench_report::metric::{Direction, Params};
use serde::{Deserialize, Serialize};

pub use self::make::{Judged, explain};
pub use self::rows::Row;
use crate::band::Band;
use crate::confirmation::Confirmation;
use crate::evidence::detector::Shape;
use crate::exit::Status;
use crate::gate::strictness::FailOn;
use crate::history::Reading;
use crate::inputs::InputsHash;
use crate::tonight::LevelBy;
use crate::verdict::Evidence;

/// Why a run's series has the verdict that it has. Changes are fractions, positive is worse; times
/// are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The version of the rules.
    pub rule: String,
    /// The run.
    pub run_id: i64,
    /// The series.
    pub series_id: i64,
    /// Benchmark name.
    pub benchmark: String,
    /// Its dimensions.
    pub params: Params,
    /// Metric name.
    pub metric: String,
    /// Unit of values, levels and baselines.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// A count needs no statistics: B and D say nothing of it.
    pub is_count: bool,
    /// The run's time.
    pub time_ms: i64,
    /// The median of the samples.
    pub value: f64,
    /// The raw samples, in the order they were measured.
    pub samples: Vec<f64>,
    /// The interval of their median.
    pub interval: Option<[f64; 2]>,
    /// The hash of all inputs, as they are stored now.
    pub inputs_hash: InputsHash,
    /// The hash that is stored with the verdict.
    pub stored_hash: Option<InputsHash>,
    /// Whether the stored verdict is the one that these inputs give.
    pub is_same: bool,
    /// Statement A.
    pub band: BandPart,
    /// Statement B: the noise before this night.
    pub noise: Option<NoisePart>,
    /// Statement B: the level before this night.
    pub level: Option<LevelPart>,
    /// Statement B: this night by itself.
    pub night: Option<NightPart>,
    /// Statement B: the tails that end with this night, the longest first.
    pub tails: Vec<TailPart>,
    /// Statement B: confirmed changes that stand, oldest first.
    pub standing: Vec<StandingPart>,
    /// What pairs measured on this night say; none where none were.
    pub pairs: Option<Confirmation>,
    /// What B says.
    pub evidence: Evidence,
    /// Why it says so.
    pub why: String,
    /// Statement C: boundaries of the whole history up to this night.
    pub change_points: Vec<CutPart>,
    /// Statement D.
    pub creep: Option<CreepPart>,
    /// What it means to the gate.
    pub gate: GatePart,
}

/// A run that took part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RunUsed {
    /// The run.
    pub run_id: i64,
    /// Its time.
    pub time_ms: i64,
    /// Its value.
    pub value: f64,
}

/// A run that did not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The run.
    #[serde(flatten)]
    pub run: RunUsed,
    /// Why not.
    pub why: String,
}

/// Statement A.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BandPart {
    /// The window's first instant.
    pub from_ms: i64,
    /// The runs in it, oldest first.
    pub runs: Vec<RunUsed>,
    /// Runs of that time that form no baseline.
    pub left_out: Vec<LeftOut>,
    /// So many runs are needed.
    pub least_runs: usize,
    /// Their mean.
    pub baseline: Option<f64>,
    /// The value against it.
    pub change: Option<f64>,
    /// The change as the samples leave it open.
    pub interval: Option<[f64; 2]>,
    /// The band.
    pub band: Band,
}

/// The noise before a night.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NoisePart {
    /// How many nights it is known from: `L`.
    pub nights: usize,
    /// How values are read.
    pub reading: Reading,
    /// The robust scale `u`.
    pub unit: f64,
    /// The variance `V` of the clipped scores.
    pub variance: f64,
    /// Their correlation `phi`.
    pub phi: f64,
    /// `(1 + phi) / (1 - phi)`.
    pub rho: f64,
    /// The deviation of one night, `u sqrt V`.
    pub deviation: f64,
    /// Kruskal and Wallis' `H` over the weekdays; 0 where there are too few nights.
    pub weekly_h: f64,
    /// Above this the rhythm is real.
    pub weekly_limit: f64,
    /// What each day (days since 1970 modulo 7) adds, where it is.
    pub weekly: Option<[f64; 7]>,
}

/// The level before a night.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LevelPart {
    /// How many nights it is known from: `n_b`.
    pub nights: usize,
    /// Their median as it is read: `mu`.
    pub mu: f64,
    /// The same in the metric's unit.
    pub level: f64,
    /// The mean of their clipped scores: `m0`.
    pub m0: f64,
}

/// A night by itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NightPart {
    /// Its distance from the level, in deviations of one night.
    pub z: f64,
    /// Beyond this it is likely.
    pub beyond: f64,
    /// The same as a change.
    pub noise_floor: f64,
    /// The smallest step that a week of nights would confirm.
    pub detectable_change: Option<f64>,
}

/// The nights since a candidate night.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TailPart {
    /// How many: `k`.
    pub nights: usize,
    /// The first of them.
    pub since: RunUsed,
    /// The noise is known from so many nights: `L`.
    pub pool: usize,
    /// `u`.
    pub unit: f64,
    /// `V`.
    pub variance: f64,
    /// `rho`.
    pub rho: f64,
    /// `n_b`.
    pub reference: usize,
    /// `mu`.
    pub mu: f64,
    /// `m0`.
    pub m0: f64,
    /// The mean clipped score less `m0`: `D`.
    pub d: f64,
    /// Its standard deviation.
    pub deviation: f64,
    /// `D` in standard deviations; positive is worse.
    pub z: f64,
    /// What `z` must reach.
    pub threshold: f64,
    /// The median of the nights against the level before.
    pub change: f64,
    /// What it looks like.
    pub shape: Shape,
    /// Whether it confirms a change.
    pub confirms: bool,
}

/// A confirmed change that stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StandingPart {
    /// Whether pairs measured on the same night confirmed it; else the nights did.
    pub by_pairs: bool,
    /// Its first night.
    pub since_ms: i64,
    /// The night that confirmed it.
    pub confirmed_ms: i64,
    /// So many nights did.
    pub nights: usize,
    /// Their deviation then.
    pub z: f64,
    /// What it had to reach.
    pub threshold: f64,
    /// The step.
    pub change: f64,
    /// The level before it, in the metric's unit; null where it is not known.
    pub frozen_baseline: Option<f64>,
}

/// A boundary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CutPart {
    /// The first night of the new level.
    pub at: RunUsed,
    /// The step.
    pub change: f64,
    /// The step in standard deviations.
    pub z: f64,
}

/// Slow change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CreepPart {
    /// Since when the level is the accepted one.
    pub since_ms: i64,
    /// What made it that.
    pub by: LevelBy,
    /// The median of its first nights.
    pub accepted_level: f64,
    /// How many of the first nights are known.
    pub first_nights: usize,
    /// The change since; null where either side has too few nights.
    pub since_accepted: Option<f64>,
    /// What noise alone could do, as it is read.
    pub reach: Option<f64>,
    /// Whether it is more than noise, and matters.
    pub is_flagged: bool,
}

/// What a verdict means to the gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatePart {
    /// What the gate would answer if this series were all.
    pub status: Status,
    /// Its reason, or why there is none.
    pub line: String,
    /// A change must exceed it.
    pub threshold: f64,
    /// A band must reach it.
    pub fail_on: FailOn,
}
