//! Pairs measured on the night of a run: what confirms or refutes what it flagged, and the canary.

pub use bench_report::report::Purpose;
pub use bench_verdict::confirmation::{Confirmation, Outcome};
use serde::Serialize;

use super::{Millis, RunId, SeriesId, SeriesName};

/// The two reports of a pair, found valid.
#[derive(Debug, Clone, PartialEq)]
pub struct NewConfirmation {
    /// Names the pair.
    pub pair_key: String,
    /// Why it was measured: confirm, canary or aa.
    pub purpose: Purpose,
    /// What was planted in the head.
    pub planted: Option<String>,
    /// The revision of the base.
    pub base_commit: String,
    /// The revision of the head.
    pub head_commit: String,
    /// What both sides measured.
    pub series: Vec<NewPaired>,
    /// The body, decoded, byte for byte as it came.
    pub body: Vec<u8>,
    /// SHA-256 of `body`.
    pub sha256: [u8; 32],
}

/// One series of both sides; sample `i` of each is a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPaired {
    /// Benchmark, params, metric.
    pub name: SeriesName,
    /// Its unit.
    pub unit: String,
    /// The samples of the base.
    pub base: Vec<f64>,
    /// The samples of the head.
    pub head: Vec<f64>,
}

/// What pairs say of a series of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    /// The stored pair.
    pub confirmation: i64,
    /// Why it was measured.
    pub purpose: Purpose,
    /// What was planted in the head.
    pub planted: Option<String>,
    /// The revision of the base.
    pub base_commit: String,
    /// The series.
    pub series: SeriesId,
    /// The pairs judged.
    pub numbers: Confirmation,
}

/// What pairs say of a series, and the pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedPairs {
    /// The series of the run.
    pub series: SeriesId,
    /// `ln(head / base)` of each pair.
    pub log_ratios: Vec<f64>,
    /// The pairs judged.
    pub numbers: Confirmation,
}

/// What is asked of the runner of a night: by series, the time of the run whose revision is the good
/// side, and why.
pub type NewAsk = (SeriesId, Millis, String);

/// What the runner of a night is asked to measure again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// The series.
    pub series: SeriesId,
    /// The run whose revision is the good side.
    pub against_run: RunId,
    /// Its commit.
    pub against_commit: String,
    /// What asks.
    pub why: String,
}

/// A run's pairs, and what it was asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proofs {
    /// What was asked for.
    pub asks: Vec<Ask>,
    /// What pairs say, oldest first.
    pub paired: Vec<Paired>,
}

/// One series of one night's canary.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryTurn {
    /// The night's run.
    pub run: RunId,
    /// Its time.
    pub at: Millis,
    /// What the pairs say.
    pub paired: Paired,
}
