//! A comparison of two sides as it travels: what `compare`, `GET /compare` and a pull request's
//! report answer.

mod sentence;

use std::fmt;

use bench_report::metric::Direction;
use serde::{Deserialize, Serialize};

use crate::band::Band;
use crate::compare::{ALPHA, Compared};
use crate::exit::{ExitCode, Status};
use crate::gate::{GateInput, GateOptions, gate};
use crate::stats::bootstrap::interval_of_mean;
use crate::stats::geomean::geomean;
use crate::stats::summary::Summary;
use crate::verdict::{Coverage, Evidence, Params, SeriesVerdict, Verdict};
use crate::words::percent;

/// The same ratios give the same interval, whoever asks.
const GEOMEAN_SEED: u64 = 7;

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
    /// The outcome in one sentence: what a page and a comment begin with.
    #[serde(default)]
    pub sentence: String,
    /// A change must exceed it to fail, as a fraction.
    #[serde(default = "usual_threshold")]
    pub threshold: f64,
    /// What one side has and the other has not.
    pub coverage: Coverage,
    /// Every series that both sides have.
    pub rows: Vec<Row>,
    /// The geometric mean of the ratios of each unit's rows.
    pub geomean: Vec<Geomean>,
}

/// What is compared, apart from its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
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
}

/// What a comparison is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sides {
    /// The side compared with.
    pub base: Side,
    /// The side judged.
    pub head: Side,
    /// Measured in pairs, round by round.
    pub paired: bool,
    /// What one side has and the other has not.
    pub coverage: Coverage,
    /// Set when the sides were measured in different environments: what differs.
    pub environments_differ: Option<String>,
}

impl Comparison {
    /// Judges compared rows by the gate's own rules. Where the environments differ, no row is
    /// evidence of anything: a machine's difference is not the code's.
    pub fn judge(sides: Sides, rows: &[(Subject, Compared)], options: &GateOptions) -> Comparison {
        let apart: Vec<(Subject, Compared)>;
        let rows = if sides.environments_differ.is_some() {
            apart = rows
                .iter()
                .map(|(of, row)| (of.clone(), row.incomparable()))
                .collect();
            &apart
        } else {
            rows
        };
        let environment = sides.head.environment.clone().unwrap_or_default();
        let verdict = gate(
            GateInput {
                coverage: sides.coverage,
                series: rows
                    .iter()
                    .map(|(of, row)| series_verdict(of, row, &environment))
                    .collect(),
                environments_differ: sides.environments_differ,
                ..GateInput::default()
            },
            options,
        );
        let Verdict {
            status,
            exit_code,
            reasons,
            coverage,
            ..
        } = verdict;
        let mut comparison = Comparison {
            base: sides.base,
            head: sides.head,
            paired: sides.paired,
            status,
            exit_code,
            reasons,
            sentence: String::new(),
            threshold: options.threshold,
            coverage,
            rows: rows.iter().map(|(of, row)| Row::of(of, row)).collect(),
            geomean: geomeans(rows),
        };
        comparison.sentence = sentence::sentence(&comparison, options);
        comparison
    }
}

fn usual_threshold() -> f64 {
    crate::gate::DEFAULT_THRESHOLD
}

/// A compared row as the gate takes it: the old side is the baseline.
pub fn series_verdict(of: &Subject, row: &Compared, environment: &str) -> SeriesVerdict {
    SeriesVerdict {
        series_id: 0,
        benchmark: of.benchmark.clone(),
        params: of.params.clone(),
        metric: of.metric.clone(),
        unit: of.unit.clone(),
        better: of.better,
        floor: None,
        environment: environment.to_owned(),
        value: row.new.median,
        samples: row.new.n.min(row.old.n),
        baseline: Some(row.old.median),
        baseline_runs: 1,
        change: row.change,
        interval: row.interval,
        band: row.band,
        evidence: row.evidence,
        detectable_change: row.detectable_change,
        noise_floor: row.noise_floor,
        accepted_level: None,
        creep: None,
        alert_id: None,
        frozen_baseline: None,
        frozen_change: None,
        decided: None,
        confirm: None,
        target: None,
        samples_needed: row.samples_needed,
    }
}

impl Row {
    /// A series on both sides, as it travels.
    pub fn of(of: &Subject, row: &Compared) -> Row {
        Row {
            benchmark: of.benchmark.clone(),
            params: of.params.clone(),
            metric: of.metric.clone(),
            unit: of.unit.clone(),
            better: of.better,
            old: Centre::of(&row.old),
            new: Centre::of(&row.new),
            change: row.change,
            effect: row.effect,
            interval: row.interval,
            p: row.test.map(|test| test.p),
            band: row.band,
            evidence: row.evidence,
            detectable_change: row.detectable_change,
            noise_floor: row.noise_floor,
            samples_needed: row.samples_needed,
        }
    }
}

impl Centre {
    fn of(summary: &Summary) -> Centre {
        Centre {
            median: summary.median,
            low: summary.interval.map(|[low, _]| low),
            high: summary.interval.map(|[_, high]| high),
            n: summary.n,
        }
    }
}

/// The geometric mean of `new / old` over the rows of each unit, in the order of the units.
fn geomeans(rows: &[(Subject, Compared)]) -> Vec<Geomean> {
    let mut units: Vec<&str> = Vec::new();
    for (of, _) in rows {
        if !units.contains(&of.unit.as_str()) {
            units.push(&of.unit);
        }
    }
    let ratio = |row: &Compared| {
        let (old, new) = (row.old.median, row.new.median);
        if old == new { 1.0 } else { new / old }
    };
    units
        .into_iter()
        .map(|unit| {
            let own = rows.iter().filter(|(of, _)| of.unit == unit);
            let ratios: Vec<f64> = own.map(|(_, row)| ratio(row)).collect();
            let finite = ratios.iter().all(|ratio| ratio.is_finite());
            let change = geomean(&ratios).filter(|_| finite).map(|mean| mean - 1.0);
            let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
            let interval = change
                .and_then(|_| interval_of_mean(&logarithms, ALPHA, GEOMEAN_SEED))
                .map(|ends| ends.map(f64::exp_m1));
            Geomean {
                unit: unit.to_owned(),
                change,
                interval,
            }
        })
        .collect()
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
    /// The Hodges-Lehmann ratio of the sides as a change: what `interval` is of. Absent where no
    /// statistics are needed, or of a change from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
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
    /// Its 95% interval, as if the series were drawn from many like them: whether the unit as a
    /// whole moved, or a few series did. Absent where there are too few, or no change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

impl fmt::Display for Geomean {
    /// `ns +1.2% (+0.8% to +1.6%)`; the unit alone where there is no change to tell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unit)?;
        if let Some(change) = self.change {
            write!(f, " {}", percent(change))?;
        }
        if let Some([low, high]) = self.interval {
            write!(f, " ({} to {})", percent(low), percent(high))?;
        }
        Ok(())
    }
}
