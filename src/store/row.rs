//! Rows as the database gives them, and what they are in the domain.

use bench_report::metric::Target;
use sqlx::FromRow;

use crate::domain::{
    Environment, EnvironmentId, Millis, Revision, Run, RunId, Series, SeriesId, SeriesKey,
};

use super::{StoreError, code};

#[derive(FromRow)]
pub(super) struct EnvironmentRow {
    environment_id: i64,
    fingerprint: String,
    name: String,
    facts_json: String,
    is_sample: bool,
    first_seen: i64,
    last_seen: i64,
}

impl TryFrom<EnvironmentRow> for Environment {
    type Error = StoreError;

    fn try_from(row: EnvironmentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: EnvironmentId(row.environment_id),
            fingerprint: row.fingerprint,
            name: row.name,
            facts: code::from_json(&row.facts_json, "environment", row.environment_id)?,
            first_seen: Millis(row.first_seen),
            last_seen: Millis(row.last_seen),
            is_sample: row.is_sample,
        })
    }
}

/// What every query for runs selects.
pub(super) const RUN_COLUMNS: &str =
    "select run.*, run_key.run_key, environment.name as environment_name
     from run
     join run_key using (run_id)
     join environment using (environment_id)";

#[derive(FromRow)]
pub(super) struct RunRow {
    pub(super) run_id: i64,
    run_key: String,
    kind: String,
    suite: String,
    suite_version: String,
    environment_id: i64,
    environment_name: String,
    repository: Option<String>,
    commit_hash: String,
    branch: Option<String>,
    tag: Option<String>,
    parent: Option<String>,
    base_commit: Option<String>,
    pull: Option<i64>,
    committed_at: Option<i64>,
    subject: Option<String>,
    author: Option<String>,
    is_dirty: bool,
    started_at: i64,
    finished_at: i64,
    received_at: i64,
    options_json: String,
    conditions_json: String,
    binary_sha256: Option<String>,
    memory_limit_bytes: Option<i64>,
    coverage_json: String,
    excluded: Option<String>,
    rule: Option<String>,
    judged: i64,
}

/// How often a run was judged, as it is stored.
pub(super) mod judged {
    /// Not yet.
    pub(in crate::store) const NOT_YET: i64 = 0;
    /// Once.
    pub(in crate::store) const ONCE: i64 = 1;
    /// Something else was said of it later.
    pub(in crate::store) const AGAIN: i64 = 2;
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        let id = row.run_id;
        Ok(Self {
            id: RunId(id),
            run_key: row.run_key,
            kind: code::from_word(&row.kind, "run", id)?,
            suite: row.suite,
            suite_version: row.suite_version,
            environment: EnvironmentId(row.environment_id),
            environment_name: row.environment_name,
            revision: Revision {
                repository: row.repository,
                commit: row.commit_hash,
                branch: row.branch,
                tag: row.tag,
                parent: row.parent,
                base_commit: row.base_commit,
                pull: row.pull.and_then(|p| u64::try_from(p).ok()),
                committed_at: row.committed_at.map(Millis),
                subject: row.subject,
                author: row.author,
                dirty: row.is_dirty,
            },
            started_at: Millis(row.started_at),
            finished_at: Millis(row.finished_at),
            received_at: Millis(row.received_at),
            options: code::from_json(&row.options_json, "run", id)?,
            conditions: code::from_json(&row.conditions_json, "run", id)?,
            binary_sha256: row.binary_sha256,
            memory_limit_bytes: row.memory_limit_bytes.and_then(|b| u64::try_from(b).ok()),
            coverage: code::from_json(&row.coverage_json, "run", id)?,
            excluded: row.excluded,
            rule: row.rule,
            is_rejudged: row.judged == judged::AGAIN,
        })
    }
}

#[derive(FromRow)]
pub(super) struct SeriesRow {
    series_id: i64,
    environment_id: i64,
    suite: String,
    benchmark: String,
    params_json: String,
    metric: String,
    unit: String,
    better: String,
    kind: String,
    floor: Option<f64>,
    target_op: Option<String>,
    target_value: Option<f64>,
}

impl TryFrom<SeriesRow> for Series {
    type Error = StoreError;

    fn try_from(row: SeriesRow) -> Result<Self, StoreError> {
        let id = row.series_id;
        let target = match (row.target_op, row.target_value) {
            (Some(op), Some(value)) => Some(Target {
                op: code::from_word(&op, "series", id)?,
                value,
            }),
            _ => None,
        };
        Ok(Self {
            id: SeriesId(id),
            key: SeriesKey {
                suite: row.suite,
                benchmark: row.benchmark,
                params: code::from_json(&row.params_json, "series", id)?,
                metric: row.metric,
                unit: row.unit,
                environment: EnvironmentId(row.environment_id),
            },
            better: code::from_word(&row.better, "series", id)?,
            kind: code::from_word(&row.kind, "series", id)?,
            floor: row.floor,
            target,
        })
    }
}
