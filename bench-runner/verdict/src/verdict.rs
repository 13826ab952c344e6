//! The verdict as it travels: what `gate`, `check` and `GET /runs/{id}/verdict` answer. Field by
//! field the contract's; a field marked `Option` is absent or null when there is nothing to say.

pub use bench_report::metric::Params;
use bench_report::metric::{Direction, Op};
use serde::{Deserialize, Serialize};

pub use crate::RULE;
pub use crate::band::Band;
use crate::exit::{ExitCode, Status};
use crate::gate::strictness::FailOn;
pub use crate::inputs::InputsHash;
pub use crate::patterns::Patterns;
use crate::patterns::{Change, Named};

/// How sure a verdict is. Together with the [`Band`] it says what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// The level has changed.
    Confirmed,
    /// A count: needs no statistics, any change is real.
    Exact,
    /// Tonight lies beyond the noise; one night alone confirms nothing.
    Likely,
    /// Too little history, or too few samples.
    Inconclusive,
    /// Tonight lies inside the noise.
    Noise,
    /// Measured in another epoch.
    Incomparable,
}

/// What a run or a comparison comes to, with everything that led there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The outcome.
    pub status: Status,
    /// The outcome as the shell sees it.
    pub exit_code: ExitCode,
    /// Every reason for the outcome, the deciding ones first. Empty when all is fine.
    pub reasons: Vec<String>,
    /// A change must exceed it to fail, as a fraction.
    pub threshold: f64,
    /// A change's band must reach it to fail.
    pub fail_on: FailOn,
    /// The version of the rules that judged ([`crate::RULE`]).
    pub rule: String,
    /// Judged again after its first answer, because a late run or a rule changed its inputs.
    pub rejudged: bool,
    /// What should have been measured, and what was.
    pub coverage: Coverage,
    /// How many series are in each band.
    pub counts: Counts,
    /// The absolute rules.
    pub rules: Vec<RuleResult>,
    /// Warning signs that fail nothing.
    pub red_flags: Vec<String>,
    /// Every judged series.
    pub series: Vec<SeriesVerdict>,
}

/// What should have been measured, and what was. Names read as [`series_name`] writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Series that should be there.
    pub expected: usize,
    /// Of these, series that are.
    pub measured: usize,
    /// Expected and not in the report.
    pub missing: Vec<String>,
    /// Tried and without result.
    pub failed: Vec<String>,
    /// Measured and not expected.
    pub new: Vec<String>,
    /// Skipped for a reason known beforehand: neither missing nor met.
    pub not_available: Vec<String>,
}

/// How many series are in each band.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Worse by more than 20%.
    pub critical: usize,
    /// Worse by 10 to 20%.
    pub warning: usize,
    /// Worse by 5 to 10%.
    pub info: usize,
    /// In between.
    pub none: usize,
    /// Better by 5% or more.
    pub improved: usize,
    /// Fewer than three runs in the window.
    pub warming: usize,
    /// A baseline that no percentage can be taken of.
    pub undefined: usize,
}

impl Counts {
    /// Counts bands.
    pub fn of(bands: impl IntoIterator<Item = Band>) -> Counts {
        let mut counts = Counts::default();
        for band in bands {
            *counts.slot(band) += 1;
        }
        counts
    }

    /// How many series were compared with something: all but warming and undefined ones.
    pub fn compared(&self) -> usize {
        self.critical + self.warning + self.info + self.none + self.improved
    }

    fn slot(&mut self, band: Band) -> &mut usize {
        match band {
            Band::Critical => &mut self.critical,
            Band::Warning => &mut self.warning,
            Band::Info => &mut self.info,
            Band::None => &mut self.none,
            Band::Improved => &mut self.improved,
            Band::Warming => &mut self.warming,
            Band::Undefined => &mut self.undefined,
        }
    }
}

/// An absolute rule and whether it is met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleResult {
    /// Such as `p99 latency of KVEventProcessingLatency`.
    pub name: String,
    /// The rule is met where `value op limit` holds.
    pub op: Op,
    /// The limit, in `unit`.
    pub limit: f64,
    /// What was measured, in `unit`.
    pub value: f64,
    /// Unit of both.
    pub unit: String,
    /// Whether it is met.
    pub met: bool,
}

/// A target and whether tonight meets it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetResult {
    /// The target is met where `value op target` holds.
    pub op: Op,
    /// The goal, in the metric's unit.
    pub value: f64,
    /// Whether tonight meets it.
    pub met: bool,
}

/// Asks the runner to measure a series again tonight, in pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// The last good revision, hex.
    pub against_commit: String,
    /// What asks for it.
    pub why: String,
}

/// What a person has decided of a change that tonight's baseline still shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// The alert that he accepted or dismissed.
    pub alert_id: i64,
    /// The level that the change led to; null where the level before it is zero.
    pub level: Option<f64>,
}

/// One series' verdict. All changes are fractions, positive is worse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesVerdict {
    /// The store's id; 0 where there is no store (offline).
    pub series_id: i64,
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
    /// The least amount that matters, in `unit`; absent where the metric has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// The environment, as the store or the file names it.
    pub environment: String,
    /// The median of the run's samples.
    pub value: f64,
    /// How many samples.
    pub samples: usize,
    /// The baseline; null while warming up.
    pub baseline: Option<f64>,
    /// How many runs formed it.
    pub baseline_runs: usize,
    /// Against the baseline; null where there is none or no percentage can be taken.
    pub change: Option<f64>,
    /// 95% interval of `change`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// The size of the change.
    pub band: Band,
    /// How sure.
    pub evidence: Evidence,
    /// The smallest change that could have been seen; null while too little is known.
    pub detectable_change: Option<f64>,
    /// Half the width of what noise alone does from night to night; null while too little is known.
    pub noise_floor: Option<f64>,
    /// The last level that a person or a release accepted.
    pub accepted_level: Option<f64>,
    /// Slow change since the accepted level; null when none is flagged.
    pub creep: Option<f64>,
    /// The open or acknowledged alert on this series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<i64>,
    /// The level before the alert's change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_baseline: Option<f64>,
    /// Against the frozen baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_change: Option<f64>,
    /// Present while the baseline shows a change that a person has accepted or dismissed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// Present when the series should be measured again tonight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// The metric's target, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetResult>,
    /// Present when the samples are too few to decide: how many a side would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples_needed: Option<usize>,
}

impl SeriesVerdict {
    /// The series' name as reasons and coverage write it.
    pub fn name(&self) -> String {
        series_name(&self.benchmark, &self.params, &self.metric)
    }
}

impl From<&SeriesVerdict> for Change {
    fn from(series: &SeriesVerdict) -> Change {
        Change {
            value: series.value,
            baseline: series.baseline,
            change: series.change,
            band: series.band,
        }
    }
}

impl<'a> From<&'a SeriesVerdict> for Named<'a> {
    fn from(series: &'a SeriesVerdict) -> Named<'a> {
        Named {
            benchmark: &series.benchmark,
            metric: &series.metric,
            params: &series.params,
            environment: &series.environment,
        }
    }
}

/// How a series is named in reasons and coverage: `KVEventConcurrency latency_p99 cpu=2`, as
/// everywhere else.
pub fn series_name(benchmark: &str, params: &Params, metric: &str) -> String {
    bench_report::metric::series_text(benchmark, metric, params)
}
