//! A comparison of two sides as it travels: what `compare`, `GET /compare` and a pull request's
//! report answer.

use bench_report::metric::Direction;
use serde::{Deserialize, Serialize};

use crate::band::Band;
use crate::exit::{ExitCode, Status};
use crate::verdict::{Coverage, Evidence, Params};

/// Two sides, row by row. All changes are fractions, positive is worse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The side compared with.
    pub base: Side,
    /// The side judged.
    pub head: Side,
    /// Measured in pairs, round by round.
    pub paired: bool,
    /// The outcome.
    pub status: Status,
    /// The outcome as the shell sees it.
    pub exit_code: ExitCode,
    /// Every reason for the outcome, the deciding ones first.
    pub reasons: Vec<String>,
    /// What one side has and the other has not.
    pub coverage: Coverage,
    /// Every series that both sides have.
    pub rows: Vec<Row>,
    /// The geometric mean of the ratios of each unit's rows.
    pub geomean: Vec<Geomean>,
}

/// One side of a comparison; what is not known is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// What the column is headed: a path, a branch or a commit.
    pub name: String,
    /// The run, where it came from a store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<i64>,
    /// Its commit, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Its environment, as the store or the file names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// When it was measured, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
}

/// One series on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Benchmark name.
    pub benchmark: String,
    /// Its dimensions.
    pub params: Params,
    /// Metric name.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// The side compared with.
    pub old: Centre,
    /// The side judged.
    pub new: Centre,
    /// Of the medians; null where the old one is zero.
    pub change: Option<f64>,
    /// 95% interval of the effect.
    pub interval: Option<[f64; 2]>,
    /// Two-sided p of the test; null where none was made (counts, pairs).
    pub p: Option<f64>,
    /// The size of the change.
    pub band: Band,
    /// How sure.
    pub evidence: Evidence,
    /// The smallest change that these samples could have shown.
    pub detectable_change: Option<f64>,
    /// Half the width of what noise alone does here.
    pub noise_floor: Option<f64>,
    /// Present when the samples are too few to decide: how many a side would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples_needed: Option<usize>,
}

/// The centre of a side's samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Centre {
    /// Their median.
    pub median: f64,
    /// Lower end of its 95% interval; null below six samples.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// How many samples.
    pub n: usize,
}

/// The geometric mean of one unit's ratios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Geomean {
    /// The unit.
    pub unit: String,
    /// `new / old - 1`; null where a ratio is not positive.
    pub change: Option<f64>,
}
