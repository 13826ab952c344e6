//! The absolute goals: the guide's table, the mission's five, and the guide's four red flags.
//!
//! # Layout
//! - [`goals`]: the goals as data: which series measures which goal.
//! - here: a run against them. Rules and red flags are bench-verdict's, on the run's values.

mod goals;

use bench_report::metric::{Direction, Target};
use bench_verdict::suite_rules::{self, Measured, RedFlag};
use bench_verdict::verdict::RuleResult;

use self::goals::{Cores, GOALS, Goal};
use super::overview::TargetRow;
use crate::domain::{Judged, JudgedRun};

/// The values of a run, as rules and red flags look at them.
fn measured(run: &JudgedRun) -> Vec<Measured<'_>> {
    let rows = run.rows.iter().map(|row| Measured {
        benchmark: &row.series.key.benchmark,
        params: &row.series.key.params,
        metric: &row.series.key.metric,
        unit: &row.series.key.unit,
        value: row.measurement.value,
    });
    rows.collect()
}

/// The guide's absolute rules on the series that they speak of; a rule without its series is not
/// listed.
pub fn absolute_rules(run: &JudgedRun) -> Vec<RuleResult> {
    let memory_limit = run.run.memory_limit_bytes.map(|bytes| bytes as f64);
    suite_rules::absolute_rules(&measured(run), memory_limit)
}

/// The guide's four red flags, in its order.
pub fn red_flags(run: &JudgedRun) -> Vec<RedFlag> {
    suite_rules::red_flags(&measured(run)).into()
}

/// A row for every goal, in the order of the guide, then of the mission.
pub fn rows(run: &JudgedRun) -> Vec<TargetRow> {
    GOALS.iter().map(|goal| row(goal, run)).collect()
}

fn row(goal: &Goal, run: &JudgedRun) -> TargetRow {
    let found = find(goal, run);
    let value = found.map(|row| row.measurement.value);
    let target = Target {
        op: goal.op,
        value: goal.limit,
    };
    TargetRow {
        name: goal.name,
        measured_by: found.map_or_else(|| goal.wanted(), name_of),
        series: found.map(|row| row.series.id),
        target,
        unit: goal.unit.to_owned(),
        reference: goal.reference,
        baseline: found.and_then(|row| row.judgement.baseline),
        value,
        why_not: value.is_none().then(|| why_not(goal, run)),
        margin: value.and_then(|value| margin(goal, value)),
        met: value.map(|value| target.is_met_by(value)),
        judgement: found.map(|row| row.judgement),
    }
}

/// The series that measures a goal. Where several do, the one with the fewest params, and of
/// those the one with the fewest or the most cores, so that the same one is taken every night.
fn find<'a>(goal: &Goal, run: &'a JudgedRun) -> Option<&'a Judged> {
    let has_params = |row: &&Judged| {
        goal.params
            .iter()
            .all(|(k, v)| row.series.key.params.get(*k).is_some_and(|have| have == v))
    };
    all(run, goal.benchmark, goal.metric)
        .filter(|row| row.series.key.unit == goal.unit)
        .filter(has_params)
        .min_by_key(|row| {
            let params = &row.series.key.params;
            let cores = params
                .get("cpu")
                .and_then(|cpu| cpu.parse::<i64>().ok())
                .unwrap_or(0);
            let cores = if goal.cores == Cores::Most {
                -cores
            } else {
                cores
            };
            (params.len(), cores, &row.series.key)
        })
}

/// All series of a metric.
pub(super) fn all<'a>(
    run: &'a JudgedRun,
    benchmark: &str,
    metric: &str,
) -> impl Iterator<Item = &'a Judged> {
    run.rows
        .iter()
        .filter(move |row| row.series.key.benchmark == benchmark && row.series.key.metric == metric)
}

/// `KVEventThroughput events_per_second cpu=8`.
pub(super) fn name_of(row: &Judged) -> String {
    let key = &row.series.key;
    format!(
        "{} {} {}",
        key.benchmark,
        key.metric,
        row.series.params_text()
    )
    .trim_end()
    .to_owned()
}

/// Why a goal has no value: what the run's coverage says of it, else that the run has no such
/// series.
fn why_not(goal: &Goal, run: &JudgedRun) -> String {
    let coverage = &run.run.coverage;
    let entry = |names: &[String]| names.iter().find(|name| goal.is_named_by(name)).cloned();
    if let Some(name) = entry(&coverage.not_available) {
        reason_in(&name).map_or_else(|| "not possible on this machine".to_owned(), str::to_owned)
    } else if let Some(name) = entry(&coverage.failed) {
        reason_in(&name).map_or_else(|| "failed".to_owned(), |why| format!("failed: {why}"))
    } else if entry(&coverage.missing).is_some() {
        "missing from the report".to_owned()
    } else {
        "not measured in this run".to_owned()
    }
}

/// The reason that a name of the coverage carries behind a colon.
fn reason_in(name: &str) -> Option<&str> {
    name.split_once(": ").map(|(_, why)| why)
}

/// How many times better than the goal.
fn margin(goal: &Goal, value: f64) -> Option<f64> {
    let margin = match goal.direction() {
        Direction::Lower => goal.limit / value,
        Direction::Higher => value / goal.limit,
    };
    (margin.is_finite() && margin > 0.0).then_some(margin)
}
