//! Stored things as the API shows them: times as RFC 3339, names beside numbers, what is not known
//! left out.

use std::collections::BTreeMap;

use bench_report::metric::{Direction, Kind, Target};
use bench_verdict::verdict::{Band, Evidence, InputsHash};
use jiff::Timestamp;
use serde::Serialize;

use crate::analysis;
use crate::domain::{
    AlertId, Coverage, Judged, Judgement, Millis, Run, RunId, RunKind, Series, SeriesId,
};

/// A run.
#[derive(Debug, Serialize)]
pub struct RunView {
    /// Its number.
    pub id: RunId,
    /// The runner's name for it.
    pub run_key: String,
    /// Why it was made.
    pub kind: RunKind,
    /// What was run.
    pub suite: Named<String>,
    /// The machine.
    pub environment: Named<i64>,
    /// What code was measured.
    pub revision: RevisionView,
    /// The run's time.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// When the store got it.
    pub received_at: Timestamp,
    /// Seed, benchtime, count and the like.
    pub options: Vec<Fact>,
    /// Load, steal and the like.
    pub conditions: Vec<Fact>,
    /// SHA-256 of the measuring program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_sha256: Option<String>,
    /// What should have been measured, and what was.
    pub coverage: Coverage,
    /// Why a person took it out of the baselines; null: it is in.
    pub excluded: Option<String>,
}

/// A name and what stands beside it: a suite's version, a machine's number.
#[derive(Debug, Serialize)]
pub struct Named<T> {
    /// The name.
    pub name: String,
    /// Version or number.
    #[serde(flatten)]
    pub beside: Beside<T>,
}

/// What stands beside a name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Beside<T> {
    /// A version.
    Version(T),
    /// A number.
    Id(T),
}

/// A label and its value.
#[derive(Debug, Serialize)]
pub struct Fact {
    /// The label.
    pub label: String,
    /// The value.
    pub value: String,
}

/// A revision.
#[derive(Debug, Serialize)]
pub struct RevisionView {
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    commit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    committed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    dirty: bool,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let facts = |pairs: Vec<(String, String)>| {
            pairs
                .into_iter()
                .map(|(label, value)| Fact { label, value })
                .collect()
        };
        let revision = run.revision;
        Self {
            id: run.id,
            run_key: run.run_key,
            kind: run.kind,
            suite: Named {
                name: run.suite,
                beside: Beside::Version(run.suite_version),
            },
            environment: Named {
                name: run.environment_name,
                beside: Beside::Id(run.environment.0),
            },
            revision: RevisionView {
                repository: revision.repository,
                commit: revision.commit,
                branch: revision.branch,
                tag: revision.tag,
                parent: revision.parent,
                base_commit: revision.base_commit,
                pull: revision.pull,
                committed_at: revision.committed_at.map(Millis::timestamp),
                subject: revision.subject,
                author: revision.author,
                dirty: revision.dirty,
            },
            started_at: run.started_at.timestamp(),
            finished_at: run.finished_at.timestamp(),
            received_at: run.received_at.timestamp(),
            options: facts(run.options),
            conditions: facts(run.conditions),
            binary_sha256: run.binary_sha256,
            coverage: run.coverage,
            excluded: run.excluded,
        }
    }
}

/// A series.
#[derive(Debug, Serialize)]
pub struct SeriesView {
    /// Its number.
    pub series_id: SeriesId,
    /// Suite name.
    pub suite: String,
    /// Benchmark name.
    pub benchmark: String,
    /// Dimensions.
    pub params: BTreeMap<String, String>,
    /// Metric name.
    pub metric: String,
    /// Unit of the values.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// What sort of quantity.
    pub kind: Kind,
    /// The machine's number.
    pub environment_id: i64,
    /// The least amount that matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// An absolute goal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

impl From<&Series> for SeriesView {
    fn from(series: &Series) -> Self {
        let key = &series.key;
        Self {
            series_id: series.id,
            suite: key.suite.clone(),
            benchmark: key.benchmark.clone(),
            params: key.params.clone(),
            metric: key.metric.clone(),
            unit: key.unit.clone(),
            better: series.better,
            kind: series.kind,
            environment_id: key.environment.0,
            floor: series.floor,
            target: series.target,
        }
    }
}

/// A measurement with its series and what is said of it.
#[derive(Debug, Serialize)]
pub struct RowView {
    /// The series.
    #[serde(flatten)]
    pub series: SeriesView,
    /// Median of the samples.
    pub value: f64,
    /// How many samples.
    pub samples: u32,
    /// The median's 95% interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// The change as the samples leave it open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_interval: Option<[f64; 2]>,
    /// What is said of it.
    #[serde(flatten)]
    pub judgement: JudgementView,
    /// The alert that stands against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<AlertId>,
    /// The level before that alert's change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_baseline: Option<f64>,
    /// Against that level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_change: Option<f64>,
}

/// What is said of a measurement.
#[derive(Debug, Serialize)]
pub struct JudgementView {
    /// Mean of the baseline runs; null: too few.
    pub baseline: Option<f64>,
    /// How many baseline runs.
    pub baseline_runs: u32,
    /// Positive is worse; null without a usable baseline.
    pub change: Option<f64>,
    /// The exact rule's answer.
    pub band: Band,
    /// How sure it is.
    pub evidence: Evidence,
    /// What noise alone does to one night; null: too little is known.
    pub noise_floor: Option<f64>,
    /// The smallest step that a week of nights would confirm; null: too little is known.
    pub detectable_change: Option<f64>,
    /// What slow change is measured against; null: too little is known.
    pub accepted_level: Option<f64>,
    /// The change since then, where it is more than noise.
    pub creep: Option<f64>,
    /// What it was judged from; null: it is judged again from its whole history in a moment.
    pub inputs_hash: Option<InputsHash>,
}

impl From<Judgement> for JudgementView {
    fn from(j: Judgement) -> Self {
        Self {
            baseline: j.baseline,
            baseline_runs: j.baseline_runs,
            change: j.change,
            band: j.band,
            evidence: j.evidence,
            noise_floor: j.noise_floor,
            detectable_change: j.detectable_change,
            accepted_level: j.accepted_level,
            creep: j.creep,
            inputs_hash: j.inputs,
        }
    }
}

impl From<&Judged> for RowView {
    fn from(row: &Judged) -> Self {
        Self {
            series: (&*row.series).into(),
            value: row.measurement.value,
            samples: row.measurement.sample_count,
            interval: row.measurement.interval,
            change_interval: analysis::verdict::change_interval(row),
            judgement: row.judgement.into(),
            alert_id: row.standing.map(|standing| standing.alert),
            frozen_baseline: row.standing.map(|standing| standing.frozen_baseline),
            frozen_change: analysis::verdict::frozen_change(row),
        }
    }
}
