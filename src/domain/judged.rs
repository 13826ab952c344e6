//! A measurement, and what is said of it.

use std::sync::Arc;

pub use bench_verdict::verdict::InputsHash;
use bench_verdict::verdict::{Band, Evidence};
use serde::{Serialize, Serializer};

use super::bridge::LeftOpen;
use super::confirmation::Proofs;
use super::{Decided, Millis, Patterns, Run, RunId, Series, SeriesId, Standing, Text};

/// One series in one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// Which series.
    pub series: SeriesId,
    /// Which run.
    pub run: RunId,
    /// The published value: median of the raw samples.
    pub value: f64,
    /// How many samples.
    pub sample_count: u32,
    /// Ends of the order-statistic 95% interval of the median; absent below 6 samples.
    pub interval: Option<(f64, f64)>,
}

/// What is said of a measurement: derived, never the truth itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Judgement {
    /// Mean of the baseline runs' values; absent below 3 runs.
    pub baseline: Option<f64>,
    /// How many runs the baseline has.
    pub baseline_runs: u32,
    /// Positive is worse; absent without a usable baseline.
    pub change: Option<f64>,
    /// The exact rule's answer.
    pub band: Band,
    /// How sure it is.
    pub evidence: Evidence,
    /// What noise alone does to one night, as a fraction; absent while too little is known, and of
    /// a count.
    pub noise_floor: Option<f64>,
    /// The smallest step that a week of nights would confirm, as a fraction; absent as above.
    pub detectable_change: Option<f64>,
    /// The level that slow change is measured against: the last one that a person or a release
    /// accepted, else the first one or that after the last step. Absent before its first night,
    /// and of a count.
    pub accepted_level: Option<f64>,
    /// The change since then, where it is more than noise; of runs that form baselines.
    pub creep: Option<f64>,
    /// What it was judged from; absent until the run is judged from its whole history.
    pub inputs: Option<InputsHash>,
}

/// A measurement with its series and its verdict: a row of most tables.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The series; shared by its rows of all runs.
    #[serde(serialize_with = "as_series")]
    pub series: Arc<Series>,
    /// What was measured.
    pub measurement: Measurement,
    /// What is said of it.
    pub judgement: Judgement,
    /// The alert that stands against it, where it forms a baseline.
    pub standing: Option<Standing>,
    /// The change that a person has accepted or dismissed and that its baseline still shows.
    pub decided: Option<Decided>,
}

fn as_series<S: Serializer>(series: &Arc<Series>, to: S) -> Result<S::Ok, S::Error> {
    series.serialize(to)
}

/// One point of a series' history, in the order of time: what a chart draws and a tooltip says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The run.
    pub run: RunId,
    /// The run's time.
    pub time: Millis,
    /// The published value.
    pub value: f64,
    /// How many samples.
    pub sample_count: u32,
    /// What its run says; shared by the run's points of all series.
    #[serde(flatten, serialize_with = "as_run")]
    pub of: Arc<OfRun>,
    /// What is said of it.
    pub judgement: Judgement,
}

/// What a run says at each of its points.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfRun {
    /// Full commit hash.
    pub commit: Text,
    /// First line of the commit's message.
    pub subject: Option<Text>,
    /// Who wrote it.
    pub author: Option<Text>,
    /// Suite version: where it changes, an epoch ends.
    pub suite_version: Text,
    /// Whether this run may be part of a baseline.
    pub forms_baseline: bool,
}

fn as_run<S: Serializer>(of: &Arc<OfRun>, to: S) -> Result<S::Ok, S::Error> {
    of.serialize(to)
}

/// A run with all its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedRun {
    /// The run.
    pub run: Run,
    /// Its measurements, in the order of benchmark, params, metric.
    pub rows: Vec<Judged>,
    /// The rules per pattern that are in force now.
    pub rules: Patterns,
    /// What was asked of its runner, and what pairs of its night say.
    pub proofs: Proofs,
    /// Alerts of ended epochs that it cannot be measured against.
    pub left_open: Vec<LeftOpen>,
}

impl JudgedRun {
    /// Its rows as points of their series' histories; `main_branch` is whose runs form baselines.
    pub fn points(&self, main_branch: &str) -> impl Iterator<Item = (SeriesId, Point)> {
        let run = &self.run;
        let of = Arc::new(OfRun {
            commit: Text::from(run.revision.commit.as_str()),
            subject: run.revision.subject.as_deref().map(Text::from),
            author: run.revision.author.as_deref().map(Text::from),
            suite_version: Text::from(run.suite_version.as_str()),
            forms_baseline: run.forms_baseline(main_branch),
        });
        self.rows.iter().map(move |row| {
            let point = Point {
                run: run.id,
                time: run.started_at,
                value: row.measurement.value,
                sample_count: row.measurement.sample_count,
                of: of.clone(),
                judgement: row.judgement,
            };
            (row.series.id, point)
        })
    }
}
