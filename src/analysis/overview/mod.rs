//! Is main healthy tonight? One block an environment, the worst first.
//!
//! # Layout
//! - here: what a block holds, and what it is made from.
//! - [`mod@blocks`]: makes them.
//! - [`headline`]: the sentence that opens a block.
//! - [`movers`]: what left its band.

mod blocks;
mod headline;
mod movers;

use bench_report::metric::Target;
pub use bench_verdict::suite_rules::RedFlag;
use bench_verdict::verdict::{Band, Evidence};
use serde::Serialize;

pub use self::blocks::{blocks, night};
pub(super) use self::headline::mark;
pub use self::movers::series_to_draw;
use super::order;
use crate::domain::{Environment, Judged, JudgedRun, Judgement, Millis, Point, Run, SeriesId};

/// How many nights a block lists.
pub const NIGHTS_SHOWN: usize = 7;

/// How many movers a block lists.
pub const MOVERS_SHOWN: usize = 10;

/// How many nights a mover's sparkline shows.
pub const SPARK_NIGHTS: u32 = 30;

/// What one block is made from; `blocks` takes one an environment.
#[derive(Debug, Clone)]
pub struct BlockInputs {
    /// The machine.
    pub environment: Environment,
    /// The newest run of the main branch that forms baselines. Where an environment has none, its
    /// newest run of any kind. None: no block.
    pub tonight: Option<JudgedRun>,
    /// The runs of the main branch that form baselines before it, newest first.
    pub earlier: Vec<Night>,
    /// For each series of [`series_to_draw`]: its last [`SPARK_NIGHTS`] points up to the newest
    /// night, oldest first. A series without an entry gets an empty sparkline.
    pub points: Vec<(SeriesId, Vec<Point>)>,
    /// Open and acknowledged alerts, by series.
    pub alerts: Vec<(SeriesId, i64)>,
}

/// What `/` says of one environment.
#[derive(Debug, Clone, Serialize)]
pub struct Block {
    /// The machine.
    pub environment: Environment,
    /// The newest main-branch nightly (or sample) run.
    pub run: Run,
    /// The sentence that opens the page.
    pub headline: Headline,
    /// What CI was told.
    pub gate: Gate,
    /// How many series have which band and evidence.
    pub counts: Counts,
    /// The last seven nights, newest first.
    pub nights: Vec<Night>,
    /// The guide's and the mission's targets.
    pub targets: Vec<TargetRow>,
    /// The guide's four red flags.
    pub red_flags: Vec<RedFlag>,
    /// What left its band, by cause, worst first.
    pub movers: Vec<Mover>,
    /// How many series left their band in all; `movers` may stand for fewer.
    pub movers_total: usize,
}

/// A sentence with the mark of the worst confirmed band, if anything is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Headline {
    /// The sentence, without a full stop.
    pub text: String,
    /// The mark before it.
    pub mark: Option<(Band, Evidence)>,
}

/// What the gate answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// `pass`, `fail`, `inconclusive`, `incomplete` or `incomparable`.
    pub status: String,
    /// As `bench-runner gate` ends.
    pub exit_code: u8,
    /// Why, worst first.
    pub reasons: Vec<String>,
}

/// How many series have which band and evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Every pair that occurs, with its number.
    pub cells: Vec<(Band, Evidence, u32)>,
    /// All series judged.
    pub total: u32,
}

impl Counts {
    /// Counts the rows of a run.
    pub fn of_rows(rows: &[Judged]) -> Self {
        let mut cells: Vec<(Band, Evidence, u32)> = Vec::new();
        for row in rows {
            let (band, evidence) = (row.judgement.band, row.judgement.evidence);
            match cells.iter_mut().find(|c| c.0 == band && c.1 == evidence) {
                Some(cell) => cell.2 += 1,
                None => cells.push((band, evidence, 1)),
            }
        }
        cells.sort_unstable_by_key(|c| (order::band_rank(c.0), order::evidence_rank(c.1)));
        Self {
            total: cells.iter().map(|c| c.2).sum(),
            cells,
        }
    }

    /// Series of one band and evidence.
    pub fn of(&self, band: Band, evidence: Evidence) -> u32 {
        self.cells
            .iter()
            .filter(|c| c.0 == band && c.1 == evidence)
            .map(|c| c.2)
            .sum()
    }

    /// Series of one band.
    pub fn of_band(&self, band: Band) -> u32 {
        self.cells.iter().filter(|c| c.0 == band).map(|c| c.2).sum()
    }
}

/// One of the last seven nights.
#[derive(Debug, Clone, Serialize)]
pub struct Night {
    /// The run.
    pub run: Run,
    /// What the gate answered then.
    pub status: String,
    /// Series per band.
    pub counts: Counts,
}

/// One absolute goal, and how far main is from it.
#[derive(Debug, Clone, Serialize)]
pub struct TargetRow {
    /// Such as `Event latency, median`.
    pub name: &'static str,
    /// Such as `KVEventProcessingLatency latency_p50 cpu=1`.
    pub measured_by: String,
    /// The series, where it was measured.
    pub series: Option<SeriesId>,
    /// The goal, in `unit`.
    pub target: Target,
    /// Unit of all values of the row.
    pub unit: String,
    /// The guide's v1.0 figure.
    pub reference: Option<f64>,
    /// Mean of the last 7 days.
    pub baseline: Option<f64>,
    /// Tonight's value; absent: not available, for the reason in `why_not`.
    pub value: Option<f64>,
    /// Why there is no value, such as `cpu=8: this machine has 2`.
    pub why_not: Option<String>,
    /// How many times better than the goal; absent where a quotient says nothing.
    pub margin: Option<f64>,
    /// Whether the goal is met; absent without a value.
    pub met: Option<bool>,
    /// What is said of the change.
    pub judgement: Option<Judgement>,
}

/// A series that left its band, for all that did of one cause.
#[derive(Debug, Clone, Serialize)]
pub struct Mover {
    /// Tonight.
    pub judged: Judged,
    /// The last 30 nights, oldest first.
    pub points: Vec<Point>,
    /// Since which night it is in this band.
    pub since: Millis,
    /// The open alert, if there is one.
    pub alert: Option<i64>,
    /// How many series moved with it, of one cause: it is the worst of them.
    pub others: usize,
}
